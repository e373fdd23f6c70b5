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
from tests.matching.worlds import TERMS, make_world

weights = st.dictionaries(
    st.sampled_from(sorted(TERMS)), st.sampled_from([0.001, 0.1, 0.3, 1.0, 700.0]), min_size=1
)

EVERYTHING = {"weights": dict.fromkeys(TERMS, 1.0), "eligibility": {}}


def upper(bound: UpperBound) -> np.ndarray:
    """All bounds of a single category, in its unit."""
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
        several = [{**weights, "cosine": cosine * (1 + at)} for at, weights in enumerate(several)]
    names = [str(at) for at in range(len(several))]
    categories = {n: {"weights": w, "eligibility": {}} for n, w in zip(names, several, strict=True)}
    features = make_world(users, seed, categories, "arithmetic", 3, distinct)
    a, b = np.triu_indices(users, 1)
    forms, rows = category_factors(features, names), np.arange(users)
    for whole in (
        rotated_bound(forms, rows, 3, dtype, "cpu", 1),
        unrotated_bound(forms, rows, users, dtype, "cpu", 2),
    ):
        for its, name in enumerate(names):
            bound = whole.for_category(its)
            least = (
                score_pairs(features, name, a, b).mutual.astype(np.float64)
                / bound.category_scales[0]
            )
            assert (upper(bound)[a, b] >= least).all()
            rest, spread = bound.residuals.numpy(), bound.residual_norms.numpy()
            left_out = (rest[a] * rest[b] * bound.residual_signs.numpy()).sum(axis=1)
            tight = upper(bound)[a, b] - (spread[a] * spread[b]).sum(axis=1) + left_out
            assert (tight >= least).all()


def test_what_categories_have_in_common_is_laid_out_once() -> None:
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
    forms = category_factors(features, ["all"])
    assert unrotated_bound(forms, np.arange(200), 200, dtype, "cpu", 1).slacks[0] < most


def test_only_the_rows_sought_have_a_left_side() -> None:
    features = make_world(50, 4, {"all": EVERYTHING}, k=6)
    forms, rows = category_factors(features, ["all"]), np.arange(50)
    whole, some = (unrotated_bound(forms, rows, n, torch.int16, "cpu", 1) for n in (50, 7))
    assert torch.equal(some.left, whole.left[:7])
    assert torch.equal(some.right, whole.right)
