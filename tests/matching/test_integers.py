"""Tiles of integers give what numpy gives, whatever their shape, and as large as sums may be."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.integers import LEAST, MOST, multiply, reach
from matching.registers import ROWS, WIDTH

shapes = st.tuples(st.integers(1, 19), st.integers(1, 40), st.integers(1, 9).map(lambda n: 2 * n))


@settings(deadline=None)
@given(shape=shapes, diagonal=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_reached_is_what_numpy_says(shape: tuple[int, int, int], diagonal: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width, columns = shape
    left = rng.integers(-300, 300, (height, columns), dtype=np.int16)
    right = rng.integers(-300, 300, (width, columns), dtype=np.int16)
    products = left.astype(np.int64) @ right.T.astype(np.int64)
    mine, theirs = (rng.choice(products.ravel(), n).astype(np.int32) for n in (height, width))
    mine[rng.random(height) < 0.2], theirs[rng.random(width) < 0.2] = MOST, LEAST
    reached = products >= np.minimum(mine[:, None], theirs)
    if diagonal:
        reached = np.triu(reached, 1)
    found = np.empty((3, products.size), dtype=np.int32)
    a, b, values = found[:, : reach(left, right, mine, theirs, diagonal, found)]
    np.testing.assert_array_equal(np.sort(a * width + b), np.flatnonzero(reached))
    np.testing.assert_array_equal(values, products[a, b])


@settings(deadline=None)
@given(shape=shapes, seed=st.integers(0, 2**32 - 1))
def test_products_are_those_of_numpy(shape: tuple[int, int, int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width, columns = shape
    left = rng.integers(-300, 300, (height, columns), dtype=np.int16)
    right = rng.integers(-300, 300, (width, columns), dtype=np.int16)
    out = np.empty((-(-height // ROWS) * ROWS, -(-width // WIDTH) * WIDTH), dtype=np.int32)
    multiply(left, right, out)
    expected = left.astype(np.int64) @ right.T.astype(np.int64)
    np.testing.assert_array_equal(out[:height, :width], expected)


def test_rows_as_long_as_they_may_be_do_not_overflow() -> None:
    rows = np.array([[32_700, 0, 0, 0], [-32_700, 0, 0, 0], [16_350] * 4], dtype=np.int16)
    out = np.empty((ROWS, WIDTH), dtype=np.int32)
    multiply(rows, rows, out)
    long = 32_700**2
    expected = [[long, -long, long // 2], [-long, long, -long // 2], [long // 2, -long // 2, long]]
    assert out[:3, :3].tolist() == expected
