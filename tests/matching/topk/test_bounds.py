"""No pair's score lies above its bound, in any dtype, rotated or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hertz.matching.pair_scores import score_pairs
from hertz.matching.topk.bound.factors import category_factors
from hertz.matching.topk.bound.upper_bound import UpperBound, rotated_bound, unrotated_bound
from hertz.matching.topk.options import ResolvedOptions
from tests.matching.topk.oracle import weights
from tests.matching.worlds import TERMS, make_world

EVERYTHING = {"weights": dict.fromkeys(TERMS, 1.0), "eligibility": {}}


def options(dtype: torch.dtype, threads: int = 1) -> ResolvedOptions:
    """Options of a bound on the CPU."""
    return ResolvedOptions(tile_size=1024, dtype=dtype, device="cpu", threads=threads)


def upper(bound: UpperBound) -> np.ndarray:
    """All upper bounds of a single category, in the category's scale."""
    left, right = bound.left.double().numpy(), bound.right.double().numpy()
    product: np.ndarray = left @ right.T * bound.product_scale
    return product + bound.slacks[0]


@pytest.mark.thorough
@settings(max_examples=60, deadline=None)
@given(
    users=st.integers(2, 40),
    seed=st.integers(0, 1000),
    several=st.lists(weights, min_size=1, max_size=3),
    cosine=st.sampled_from([0.1, 1.0, 700.0]),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.int16]),
    distinct=st.sampled_from([1, 3, None]),
)
def test_bounds_every_mean(
    users: int,
    seed: int,
    several: list[dict[str, Any]],
    cosine: float,
    dtype: torch.dtype,
    distinct: int | None,
) -> None:
    if len(several) > 1:
        several = [{**some, "cosine": cosine * (1 + i)} for i, some in enumerate(several)]
    names = [str(i) for i in range(len(several))]
    categories = {n: {"weights": w, "eligibility": {}} for n, w in zip(names, several, strict=True)}
    features = make_world(users, seed, categories, "arithmetic", 3, distinct)
    a, b = np.triu_indices(users, 1)
    factors, rows = category_factors(features, names), np.arange(users)
    for whole in (
        rotated_bound(factors, rows, 3, options(dtype)),
        unrotated_bound(factors, rows, users, options(dtype, threads=2)),
    ):
        for position, name in enumerate(names):
            bound = whole.for_category(position)
            mutual = score_pairs(features, name, a, b).mutual.astype(np.float64)
            scores = mutual / bound.category_scales[0]
            assert (upper(bound)[a, b] >= scores).all()
            residuals, norms = bound.residuals.numpy(), bound.residual_norms.numpy()
            products = (residuals[a] * residuals[b] * bound.residual_signs.numpy()).sum(axis=1)
            tight = upper(bound)[a, b] - (norms[a] * norms[b]).sum(axis=1) + products
            assert (tight >= scores).all()


def test_columns_that_categories_share_are_written_once() -> None:
    categories = {
        "one": {"weights": {"cosine": 1.0, "town": 0.5, "size": 0.2}},
        "two": {"weights": {"cosine": 2.0, "town": 1.0, "wishes": 0.2}},
    }
    features = make_world(50, 4, categories, k=6)
    parts = category_factors(features, ["one", "two"]).parts
    alone = category_factors(
        make_world(50, 4, {"all": {"weights": {"cosine": 1.0, "town": 1}}}), ["all"]
    )
    assert parts[0].counts == alone.parts[0].counts
    assert [part.counts for part in parts[1:]] == [(5, 0), (5, 5)]  # sizes; traits, twice
    assert alone.parts[1].counts == (0, 0)


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 2e-4), (torch.int16, 2e-3)])
def test_the_slack_is_small(dtype: torch.dtype, most: float) -> None:
    features = make_world(200, 4, {"all": {"weights": {"cosine": 1.0}, "eligibility": {}}}, k=6)
    factors = category_factors(features, ["all"])
    bound = unrotated_bound(factors, np.arange(200), 200, options(dtype))
    assert bound.slacks[0] < most


def test_only_active_rows_have_a_left_side() -> None:
    features = make_world(50, 4, {"all": EVERYTHING}, k=6)
    factors, rows = category_factors(features, ["all"]), np.arange(50)
    whole, some = (unrotated_bound(factors, rows, n, options(torch.int16)) for n in (50, 7))
    assert torch.equal(some.left, whole.left[:7])
    assert torch.equal(some.right, whole.right)
