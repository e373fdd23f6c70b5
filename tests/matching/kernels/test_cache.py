"""Kernels are compiled anew when the LLVM IR that they call has changed, and only then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from hertz.matching.kernels import llvm

PROGRAM = """
import numpy as np
from copied_kernels.pairs import cosines
vectors = np.full((1, 32), 3.0, dtype=np.float32)
row = np.zeros(1, dtype=np.int64)
print(cosines(vectors, row, row)[0], sum(cosines.stats.cache_hits.values()))
"""


@pytest.fixture
def copied_kernels(tmp_path: Path) -> Path:
    """A copy of the kernels, as a package of another name with a cache of its own."""
    folder = tmp_path / "copied_kernels"
    folder.mkdir()
    for path in Path(llvm.__file__).parent.glob("*.py"):
        text = path.read_text().replace("hertz.matching.kernels", "copied_kernels")
        (folder / path.name).write_text(text)
    return folder


def computed(folder: Path) -> tuple[float, int]:
    """The squared norm of (3, 3, ..., 3) in a new process, and its hits in numba's cache."""
    paths = os.pathsep.join([str(folder.parent), *filter(None, sys.path)])
    # A module's bytecode is found by its file's size and second: here both may stay the same.
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("NUMBA_CACHE_DIR", None)
    command = [sys.executable, "-c", PROGRAM]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    value, hits = answer.stdout.split()
    return float(value), int(hits)


def test_a_change_of_the_ir_is_seen_through_the_cache(copied_kernels: Path) -> None:
    assert computed(copied_kernels) == (32 * 9.0, 0)
    assert computed(copied_kernels) == (32 * 9.0, 1)
    source = copied_kernels / "llvm.py"
    text = source.read_text()
    assert text.count("builder.fmul(") == 1
    source.write_text(text.replace("builder.fmul(", "builder.fadd("))
    assert computed(copied_kernels) == (32 * 6.0, 0)
    source.write_text(text)
    assert computed(copied_kernels) == (32 * 9.0, 1)


@pytest.mark.parametrize(("name", "value"), [("BLOCK_ROWS", 2), ("BLOCK_COLUMNS", 8)])
def test_a_constant_is_part_of_the_digest(
    monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    before = llvm.ir_digest()
    assert before == llvm.ir_digest()
    monkeypatch.setattr(llvm, name, value)
    assert llvm.ir_digest() != before


def test_all_intrinsics_are_part_of_the_digest() -> None:
    emitted = {emit.__name__.removeprefix("_emit_") for emit in llvm._EMITTERS}
    assert emitted == intrinsics(llvm)


def intrinsics(module: ModuleType) -> set[str]:
    """Names of the functions that numba replaces by IR."""
    return {name for name, value in vars(module).items() if type(value).__name__ == "_Intrinsic"}
