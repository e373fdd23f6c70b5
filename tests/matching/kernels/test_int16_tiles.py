"""Tiles of int16 give the results of numpy, for all shapes and for the largest sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hertz.matching.kernels.int16_tiles import (
    INT32_MAX,
    INT32_MIN,
    find_product_survivors,
    multiply_tile,
)
from hertz.matching.kernels.llvm import BLOCK_COLUMNS, BLOCK_ROWS

sides = st.tuples(st.integers(1, 19), st.integers(1, 40))
part_widths = st.lists(st.integers(0, 5).map(lambda n: 2 * n), min_size=2, max_size=4)


@dataclass(frozen=True)
class Case:
    """Two matrices in parts, some categories, and all products of each."""

    left: np.ndarray
    right: np.ndarray
    part_starts: np.ndarray
    parts: np.ndarray
    products: np.ndarray


def random_case(shape: tuple[int, int], widths: list[int], rng: np.random.Generator) -> Case:
    """Random matrices; each category is searched with a probability of 0.7."""
    starts = np.cumsum([0, *widths])
    left, right = (rng.integers(-300, 300, (n, starts[-1]), dtype=np.int16) for n in shape)
    parts = np.flatnonzero(rng.random(len(widths) - 1) < 0.7) + 1
    columns = [np.r_[0 : starts[1], starts[part] : starts[part + 1]] for part in parts]
    products = [left[:, c].astype(np.int64) @ right[:, c].T.astype(np.int64) for c in columns]
    return Case(left, right, starts, parts, np.array(products).reshape(-1, *shape))


@settings(deadline=None)
@given(shape=sides, widths=part_widths, diagonal=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_survivors_are_those_of_numpy(
    shape: tuple[int, int], widths: list[int], diagonal: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    case = random_case(shape, widths, rng)
    count = len(case.parts)
    rows, columns = (
        np.stack([rng.choice(p.ravel(), n) for p in case.products] or [np.zeros(n)])[:count]
        for n in shape
    )
    rows[rng.random(rows.shape) < 0.2] = INT32_MAX
    columns[rng.random(columns.shape) < 0.2] = INT32_MIN
    thresholds = rows.astype(np.int32), columns.astype(np.int32)
    found = np.empty((count, 3, shape[0] * shape[1]), dtype=np.int32)
    counts = find_product_survivors(
        case.left, case.right, case.part_starts, case.parts, *thresholds, diagonal, found
    )
    for i in range(count):
        reached = case.products[i] >= np.minimum(rows[i][:, None], columns[i])
        a, b, values = found[i, :, : counts[i]]
        expected = np.triu(reached, 1) if diagonal else reached
        np.testing.assert_array_equal(np.sort(a * shape[1] + b), np.flatnonzero(expected))
        np.testing.assert_array_equal(values, case.products[i][a, b])


@settings(deadline=None)
@given(shape=sides, widths=part_widths, seed=st.integers(0, 2**32 - 1))
def test_products_are_those_of_numpy(shape: tuple[int, int], widths: list[int], seed: int) -> None:
    case = random_case(shape, widths, np.random.default_rng(seed))
    height, width = (
        -(-n // step) * step for n, step in zip(shape, (BLOCK_ROWS, BLOCK_COLUMNS), strict=True)
    )
    out = np.empty((len(case.parts), height, width), dtype=np.int32)
    multiply_tile(case.left, case.right, case.part_starts, case.parts, out)
    np.testing.assert_array_equal(out[:, : shape[0], : shape[1]], case.products)


def test_the_longest_rows_do_not_overflow() -> None:
    rows = np.array([[32_700, 0, 0, 0], [-32_700, 0, 0, 0], [16_350] * 4], dtype=np.int16)
    out = np.empty((1, BLOCK_ROWS, BLOCK_COLUMNS), dtype=np.int32)
    long = 32_700**2
    expected = [[long, -long, long // 2], [-long, long, -long // 2], [long // 2, -long // 2, long]]
    for starts in ([0, 4, 4], [0, 2, 4], [0, 0, 4]):
        multiply_tile(rows, rows, np.array(starts), np.array([1]), out)
        assert out[0, :3, :3].tolist() == expected
