"""The compiled loops give the results of numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hertz.matching.kernels.heaps import EMPTY_ID, encode_key, heaps_to_lists
from hertz.matching.kernels.pairs import find_survivors, reaches_with_residuals


@settings(deadline=None)
@given(
    shape=st.tuples(st.integers(1, 12), st.integers(1, 200)),
    first=st.integers(-1, 150),
    seed=st.integers(0, 2**32 - 1),
)
def test_survivors_reach_the_threshold_of_either_side(
    shape: tuple[int, int], first: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    upper = rng.integers(-3, 4, shape).astype(np.float32)
    upper[rng.random(shape) < 0.1] = -np.inf
    rows, columns = (rng.integers(-2, 6, n).astype(np.float32) for n in shape)
    rows[rng.random(shape[0]) < 0.2] = -np.inf
    reached = (upper >= rows[:, None]) | (upper >= columns)
    reached &= upper > -np.inf
    if first >= 0:
        reached &= np.arange(shape[1]) > np.arange(shape[0])[:, None] + first
    found = np.empty((2, upper.size), dtype=np.int32)
    count = find_survivors(upper, rows, columns, first, found)
    np.testing.assert_array_equal(found[:, :count], np.stack(np.nonzero(reached)))


@settings(deadline=None)
@given(
    widths=st.tuples(*[st.integers(0, 20)] * 3),
    part=st.sampled_from([1, 2]),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_tighter_bound_has_products_of_residuals_instead_of_norms(
    widths: tuple[int, ...], part: int, seed: int
) -> None:
    rng, starts = np.random.default_rng(seed), np.cumsum([0, *widths])
    residuals = rng.integers(-4, 5, (30, starts[-1])).astype(np.float32)  # integers: exact
    signs = np.where(rng.random(starts[-1]) < 0.5, -1, 1).astype(np.float32)
    norms = rng.integers(0, 30, (30, 3)).astype(np.float32)
    thresholds = rng.integers(0, 30, 30).astype(np.float32)
    a, b = rng.integers(0, 30, (2, 50))
    upper = rng.integers(0, 300, 50).astype(np.float32)
    tight = upper.copy()
    for some in (0, part):
        columns = slice(starts[some], starts[some + 1])
        tight += (residuals[a] * residuals[b] * signs)[:, columns].sum(axis=1)
        tight -= norms[a, some] * norms[b, some]
    np.testing.assert_array_equal(
        reaches_with_residuals(upper, norms, residuals, starts, signs, part, thresholds, a, b),
        tight >= np.minimum(thresholds[a], thresholds[b]),
    )


@settings(deadline=None)
@given(depth=st.integers(1, 9), seed=st.integers(0, 2**32 - 1))
def test_a_list_is_sorted_whatever_its_order(depth: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = np.array([rng.permutation(20)[:depth] for _ in range(5)], dtype=np.int32)
    scores = rng.integers(0, 4, (5, depth)).astype(np.float32)
    scores[:, :1], ids[:, :1] = -np.inf, EMPTY_ID
    best_first = np.lexsort((ids, -scores))
    sorted_ids, sorted_scores = (np.take_along_axis(x, best_first, axis=1) for x in (ids, scores))
    keys = [
        [encode_key(*entry) for entry in zip(*row, strict=True)]
        for row in zip(scores, ids, strict=True)
    ]
    heaps_to_lists(np.array(keys, dtype=np.int64), scores, ids)
    np.testing.assert_array_equal(ids, np.where(sorted_ids == EMPTY_ID, -1, sorted_ids))
    np.testing.assert_array_equal(scores, sorted_scores)
