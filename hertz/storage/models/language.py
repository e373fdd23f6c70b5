"""Finds the configured language model, and checks that its files are what an engine needs.

In: the settings. Out: a `LanguageModel`, or a clear error. No weights are loaded or downloaded
here; of a model that is not in the cache, only small files are fetched from the hub.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hertz.core.errors import ModelError
from hertz.explanations.settings import ExplanationSettings
from hertz.storage.models.bundled import LANGUAGE_MODEL, SMOLLM2, converted_folder

WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt", ".pth")
TEMPLATES = ("chat_template.jinja", "chat_template.json", "tekken.json")  # tekken: Mistral's
SAMPLES = 64  # of a big file, for its digest
SAMPLE_BYTES = 4096
FLOAT_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
NO_MODEL = 'or set `model = ""` in [explanations] for the template voice alone'


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """Identifies a language model.

    Attributes:
        source: What vLLM loads: a folder or a Hugging Face id.
        revision: Commit of a Hugging Face id; None for a folder.
        digest: Checksum or commit, which changes whenever the model's texts could.
        folder: Folder of the model's files; for a Hugging Face id, in the cache.
    """

    name: str
    source: str
    revision: str | None
    digest: str
    folder: Path


def find_language_model(settings: ExplanationSettings, fetch: bool = True) -> LanguageModel:
    """Returns the configured model; with `fetch`, the hub is asked where the cache has none.

    Raises:
        ModelError: If there is no such folder, and no such model in the cache or on the hub.
    """
    if settings.model == "bundled":
        folder = converted_folder(SMOLLM2)
        return LanguageModel(LANGUAGE_MODEL, str(folder), None, SMOLLM2.sha256, folder)
    folder = Path(settings.model).expanduser()
    if folder.is_dir():
        return LanguageModel(settings.model, str(folder), None, _digest_of(folder), folder)
    if folder.is_absolute() or settings.model.startswith((".", "~")):
        message = f"language model {settings.model!r}: no such folder; check `model`, {NO_MODEL}"
        raise ModelError(message)
    config = _from_hub(settings.model, settings.revision, "config.json", fetch)
    name, commit = settings.model, config.parent.name
    return LanguageModel(name, name, commit, f"{name}@{commit}", config.parent)


def check_files(model: LanguageModel, settings: ExplanationSettings) -> None:
    """Checks that the files are those of a model that can chat.

    Raises:
        ModelError: If config.json, the chat template or the weights are missing.
    """
    if not (model.folder / "config.json").is_file():
        message = f"language model {model.name!r}: {model.folder} has no config.json, so it is no "
        raise ModelError(message + f"model; name the folder that has it, {NO_MODEL}")
    if not _can_chat(model):
        message = (
            f"language model {model.name!r} has no chat template: it is a base model; take its "
            f"instruction-tuned variant, put a chat_template.jinja into its folder, {NO_MODEL}"
        )
        raise ModelError(message)
    if model.revision is None and settings.load_format == "auto" and not weight_files(model):
        message = (
            f"language model {model.name!r}: no weights ({', '.join(WEIGHTS)}) in {model.folder}; "
            f'copy them there, set `load_format = "dummy"` to measure speed alone, {NO_MODEL}'
        )
        raise ModelError(message)


def weight_files(model: LanguageModel) -> list[Path]:
    """Returns the model's files of weights that are on this machine, by name."""
    files = [path for path in sorted(model.folder.iterdir()) if path.suffix in WEIGHTS]
    tensors = [path for path in files if path.suffix == ".safetensors"]
    return tensors or files  # where both are there, the engine reads the safetensors


def weight_bytes(model: LanguageModel, float_bytes: int | None) -> int:
    """Returns the memory of the loaded weights, in bytes; 0 if they are not on this machine.

    `float_bytes` are those of a loaded float; None: floats are loaded as they are stored.
    """
    return sum(_loaded_bytes(path, float_bytes) for path in weight_files(model))


def _loaded_bytes(path: Path, float_bytes: int | None) -> int:
    """Returns the memory of one file's weights, in bytes."""
    if path.suffix != ".safetensors":
        return path.stat().st_size * (float_bytes or 2) // 2  # most are stored in 16 bits
    header = _safetensors_header(path)
    tensors = (tensor for name, tensor in header.items() if name != "__metadata__")
    return sum(_tensor_bytes(tensor, float_bytes) for tensor in tensors)


def _tensor_bytes(tensor: dict[str, Any], float_bytes: int | None) -> int:
    """Returns the memory of one tensor, in bytes, from its entry in the file's header."""
    start, end = tensor["data_offsets"]
    size = int(end - start)
    stored = FLOAT_BYTES.get(tensor["dtype"])  # quantized weights stay as they are
    return size * float_bytes // stored if stored and float_bytes else size


def _safetensors_header(path: Path) -> dict[str, dict[str, Any]]:
    """Reads the header of a safetensors file: name, type and position of each tensor."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            return json.loads(file.read(length))
    except (OSError, struct.error, ValueError, MemoryError, OverflowError) as error:
        message = f"{path} is no safetensors file ({error}); copy the model again"
        raise ModelError(message) from error


def _can_chat(model: LanguageModel) -> bool:
    """Returns whether the model has a chat template."""
    if any(_file_of(model, name) for name in TEMPLATES):
        return True
    config = _file_of(model, "tokenizer_config.json")
    return bool(config and json.loads(config.read_text(encoding="utf-8")).get("chat_template"))


def _file_of(model: LanguageModel, name: str) -> Path | None:
    """Returns a small file of the model; None if the model has none of that name."""
    if model.revision is None:
        return path if (path := model.folder / name).is_file() else None
    from huggingface_hub.errors import EntryNotFoundError

    try:
        return _from_hub(model.source, model.revision, name)
    except ModelError as error:
        if isinstance(error.__cause__, EntryNotFoundError):
            return None
        raise


def _from_hub(name: str, revision: str | None, file: str, fetch: bool = True) -> Path:
    """Returns a small file of a Hugging Face model; the name of its folder is the commit."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        cached = try_to_load_from_cache(name, file, revision=revision)
        if isinstance(cached, str):
            return Path(cached)
        return Path(hf_hub_download(name, file, revision=revision, local_files_only=not fetch))
    except HFValidationError as error:
        message = f"language model {name!r}: neither a folder nor a Hugging Face id; check `model`"
        raise ModelError(message) from error
    except (OSError, HfHubHTTPError, ValueError) as error:
        offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
        why = "it is not in the cache" + (", and HF_HUB_OFFLINE is set" if offline else "")
        if fetch and not offline:
            why = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
        message = (
            f"language model {name!r} (revision {revision or 'main'}), {file}: {why}; fetch it "
            f"with `hf download {name}` where there is a network, name a folder, {NO_MODEL}"
        )
        raise ModelError(message) from error


def _digest_of(folder: Path) -> str:
    """Returns the sha256, in hex, of a folder's small files and of samples of its big ones.

    Further training changes nearly all weights, so samples distinguish them in milliseconds, where
    reading 15 GB would take a minute.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        size = path.stat().st_size
        digest.update(f"{path.name}\n{size}\n".encode())
        with path.open("rb") as file:
            if size <= SAMPLES * SAMPLE_BYTES:
                digest.update(file.read())
                continue
            for sample in range(SAMPLES):
                file.seek(sample * (size - SAMPLE_BYTES) // (SAMPLES - 1))
                digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()
