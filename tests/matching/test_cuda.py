"""The fused threshold test finds what a plain product finds, and the same lists come out.

Without a GPU a formulation in torch takes the kernel's place; the kernel itself runs in Triton's
interpreter (float32: it knows no bfloat16), where Triton is installed.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from matching.bounds import Bound
from matching.forms import term_forms
from matching.lists import empty_lists, finished
from matching.pairs import PairScorer, eligibility_rules
from matching.products import Found, Tiles
from matching.tiles import BlockPass
from matching.topk import neighbours
from tests.matching.worlds import TERMS, make_world

ROOT = Path(__file__).parents[2]
CATEGORY = {"weights": dict.fromkeys(TERMS, 1.0), "eligibility": {}}
INTERPRETED = """
from types import SimpleNamespace
import numpy as np, torch
from matching import cuda
from tests.matching.test_cuda import TorchTiles, lists_by

rng = np.random.default_rng(0)
left, right = (torch.from_numpy(rng.normal(size=(300, 70)).astype(np.float32)) for _ in range(2))
bound = SimpleNamespace(left=left, right=right)
least = rng.normal(size=300).astype(np.float32) * 5 + 15
least[5], least[7] = np.inf, -np.inf
for room in (cuda.ROOM, 10):
    cuda.ROOM = room
    for rows, columns in ((slice(0, 200), slice(200, 300)), (slice(0, 150), slice(0, 150))):
        found, expected = (
            tiles(bound).find(rows, columns, least[rows], least[columns])
            for tiles in (cuda.CudaTiles, TorchTiles)
        )
        order, places = np.lexsort(found[1::-1]), np.lexsort(expected[1::-1])
        for mine, theirs in zip(found, expected):
            np.testing.assert_allclose(mine[order], theirs[places], atol=1e-4)
np.testing.assert_array_equal(lists_by(cuda.CudaTiles), lists_by(TorchTiles))
print("equal")
"""


class TorchTiles:
    """What `CudaTiles` does, in plain torch: writes the tile, then tests it."""

    def __init__(self, bound: Bound) -> None:
        self.left, self.right = bound.left, bound.right

    def upper(self, rows: slice, columns: slice) -> np.ndarray:
        return (self.left[rows] @ self.right[columns].T).float().numpy()

    def find(
        self, rows: slice, columns: slice, least_rows: np.ndarray, least_columns: np.ndarray
    ) -> Found:
        upper = self.upper(rows, columns)
        keep = upper >= np.minimum(least_rows[:, None], least_columns)
        i, j = np.nonzero(np.triu(keep, 1) if rows == columns else keep)
        return i.astype(np.int32), j.astype(np.int32), upper[i, j]


def lists_by(tiles: Callable[[Bound], Tiles]) -> np.ndarray:
    """Ids of the lists of 200 users, found as on a GPU, with `tiles` in the place of its kernel."""
    features = make_world(200, 4, {"all": CATEGORY}, k=6)
    lists, rows = empty_lists(200, 6), np.arange(200)
    scorer, rules = PairScorer(features, "all"), eligibility_rules(features, "all")
    forms = term_forms(features, "all")
    block = BlockPass(scorer, rules, forms, rows, lists, 64, torch.float32, "cpu", 1)
    block.tiles = tiles(block.bound)
    block.run(lambda share: None)
    return finished(features, lists, 0, 0).ids


def test_survivors_of_a_fused_test_make_the_same_lists() -> None:
    features = make_world(200, 4, {"all": CATEGORY}, k=6)
    np.testing.assert_array_equal(lists_by(TorchTiles), neighbours(features, "all", small=0).ids)


@pytest.mark.skipif(not importlib.util.find_spec("triton"), reason="Triton is not installed")
def test_the_fused_kernel_in_the_interpreter() -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", INTERPRETED],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "equal\n", done.stderr


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_gpu_finds_the_lists_of_the_cpu(dtype: str) -> None:
    features = make_world(3000, 4, {"all": CATEGORY}, k=20)
    expected = neighbours(features, "all")
    found = neighbours(features, "all", device="cuda", dtype=dtype, tile=1024)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.scores, expected.scores)
