from __future__ import annotations

import json
from pathlib import Path

import pytest

from hertz.core.errors import ModelError
from hertz.explanations.settings import ExplanationSettings
from hertz.storage.models.language import (
    LanguageModel,
    check_files,
    find_language_model,
    weight_bytes,
)
from tests.stages.explain.explaining import model_folder, write_weights


def found(folder: Path | str, **changed: object) -> LanguageModel:
    return find_language_model(ExplanationSettings(model=str(folder), **changed))


def test_a_folder_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    first, second = found(model_folder(tmp_path / "a")), found(model_folder(tmp_path / "b"))
    assert first.digest == second.digest
    assert (first.source, first.revision) == (str(tmp_path / "a"), None)
    write_weights(tmp_path / "b" / "model.safetensors", [1] + [0] * 15)
    assert found(tmp_path / "b").digest != first.digest
    (tmp_path / "a" / "config.json").write_text("{}")
    assert found(tmp_path / "a").digest != first.digest


def test_big_weights_that_were_trained_on_are_told_apart(tmp_path: Path) -> None:
    digests = set()
    for value in (0, 1):
        folder = model_folder(tmp_path / str(value))
        write_weights(folder / "model.safetensors", [value] * 200_000)
        digests.add(found(folder).digest)
    assert len(digests) == 2


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none'?: no such folder; check `model`"):
        found(tmp_path / "none")


def test_a_model_that_is_not_cached_while_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"'a/b' .*not in the cache, and HF_HUB_OFFLINE is set"):
        found("a/b")
    with pytest.raises(ModelError, match="neither a folder nor a Hugging Face id"):
        found("a/b/c d")


def test_a_run_that_starts_no_model_asks_no_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"'a/b' .*json: it is not in the cache; fetch it"):
        find_language_model(ExplanationSettings(model="a/b"), fetch=False)


def test_a_cached_model_is_pinned_to_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    commit = "0123456789abcdef0123456789abcdef01234567"
    repo = tmp_path / "models--a--b"
    model_folder(repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit)
    model = found("a/b")
    assert (model.source, model.revision, model.digest) == ("a/b", commit, f"a/b@{commit}")
    check_files(model, ExplanationSettings(model="a/b"))


def test_a_folder_without_config_chat_template_or_weights(tmp_path: Path) -> None:
    folder, settings = model_folder(tmp_path / "m"), ExplanationSettings()
    check_files(found(folder), settings)
    (folder / "model.safetensors").unlink()
    check_files(found(folder), ExplanationSettings(load_format="dummy"))
    with pytest.raises(ModelError, match=r"no weights .*load_format"):
        check_files(found(folder), settings)
    (folder / "tokenizer_config.json").write_text("{}")
    with pytest.raises(ModelError, match="has no chat template: it is a base model"):
        check_files(found(folder), settings)
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"has no config\.json"):
        check_files(found(folder), settings)


@pytest.mark.parametrize("name", ["chat_template.jinja", "tekken.json"])
def test_a_chat_template_may_be_a_file_of_its_own(tmp_path: Path, name: str) -> None:
    folder = model_folder(tmp_path / "m")
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / name).write_text("{{ messages }}")
    check_files(found(folder), ExplanationSettings())


def test_the_memory_of_weights_follows_the_precision_they_are_loaded_in(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    model = found(folder)
    assert (weight_bytes(model, 4), weight_bytes(model, 2), weight_bytes(model, None)) == (
        64,
        32,
        64,
    )
    write_weights(folder / "second.safetensors", [1] * 10, dtype="BF16", size=2)
    assert weight_bytes(model, 4) == 64 + 40
    write_weights(folder / "third.safetensors", [1] * 10, dtype="I32")  # quantised: as it is
    assert weight_bytes(model, 2) == 32 + 20 + 40
    (folder / "again.bin").write_bytes(b"0" * 1000)  # safetensors win
    assert weight_bytes(model, 2) == 92


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    (folder / "model.safetensors").write_bytes(json.dumps({}).encode())
    with pytest.raises(ModelError, match=r"model\.safetensors is no safetensors file"):
        weight_bytes(found(folder), 2)
