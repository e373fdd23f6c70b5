"""The benchmark of the explanations, as it is run, on a tiny model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nights import ROOT
from tests.tiny_model import write_tiny_model

PROMISED = {
    "ratio_to_raw_vllm", "prompts_saved_by_sharing", "rerun_prompts", "check_ms", "prefix_hit_rate",
}  # fmt: skip


def python(*arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_one_object_with_what_is_promised(tmp_path: Path) -> None:
    model = str(write_tiny_model(tmp_path / "tiny"))
    size = ("--prompts", "4", "--rounds", "1", "--users", "60")
    found = json.loads(python("bench/explanations.py", "--model", model, *size, "--json"))
    assert set(found) >= PROMISED
    assert (found["prompts"], found["rerun_prompts"]) == (4, 0)
    assert found["same_number_of_tokens"]
    assert found["ratio_to_raw_vllm"] > 0
    assert found["check_ms"] > 0
    assert 0 <= found["prefix_hit_rate"] < 1
    assert 0 < found["prompts_saved_by_sharing"] < found["list_entries"]


def test_it_runs_as_a_script_beside_the_installed_package() -> None:
    assert "--prompts" in python("bench/explanations.py", "--help")
    code = "import sys; sys.path.insert(0, 'bench'); import hertz.explanations.facts as f; print(f)"
    assert str(ROOT / "hertz" / "explanations" / "facts.py") in python("-c", code)
