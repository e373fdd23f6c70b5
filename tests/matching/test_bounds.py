"""No pair's score lies above its bound, in any dtype, rotated or not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.bounds import Bound, plain_bound, rotated_bound
from matching.forms import term_forms
from matching.pairs import score_pairs
from tests.matching.worlds import TERMS, make_world

weights = st.dictionaries(
    st.sampled_from(sorted(TERMS)), st.sampled_from([0.001, 0.1, 0.3, 1.0, 700.0]), min_size=1
)

EVERYTHING = {"weights": dict.fromkeys(TERMS, 1.0), "eligibility": {}}


def upper(bound: Bound) -> np.ndarray:
    """All bounds, in units of the total weight."""
    left, right = bound.left.double().numpy(), bound.right.double().numpy()
    product: np.ndarray = left @ right.T * bound.unit
    return product + bound.slack


@settings(max_examples=60, deadline=None)
@given(
    users=st.integers(2, 40),
    seed=st.integers(0, 1000),
    weights=weights,
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.int16]),
    distinct=st.sampled_from([1, 3, None]),
)
def test_bounds_every_mean(
    users: int, seed: int, weights: dict[str, Any], dtype: torch.dtype, distinct: int | None
) -> None:
    category = {"weights": weights, "eligibility": {}}
    features = make_world(users, seed, {"all": category}, "arithmetic", 3, distinct)
    a, b = np.triu_indices(users, 1)
    least = score_pairs(features, "all", a, b).mutual.astype(np.float64)
    forms, rows = term_forms(features, "all"), np.arange(users)
    for bound in (
        rotated_bound(forms, rows, 3, dtype, "cpu", 1),
        plain_bound(forms, rows, users, dtype, "cpu", 2),
    ):
        assert (upper(bound)[a, b] >= least / bound.total).all()
        rest, spread = bound.rest.numpy(), bound.spread.numpy()
        left_out = (rest[a] * rest[b] * bound.signs.numpy()).sum(axis=1)
        tight = upper(bound)[a, b] - spread[a] * spread[b] + left_out
        assert (tight >= least / bound.total).all()


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 2e-4), (torch.int16, 2e-3)])
def test_the_slack_is_small(dtype: torch.dtype, most: float) -> None:
    features = make_world(200, 4, {"all": {"weights": {"cosine": 1.0}, "eligibility": {}}}, k=6)
    forms = term_forms(features, "all")
    assert plain_bound(forms, np.arange(200), 200, dtype, "cpu", 1).slack < most


def test_only_the_rows_sought_have_a_left_side() -> None:
    features = make_world(50, 4, {"all": EVERYTHING}, k=6)
    forms, rows = term_forms(features, "all"), np.arange(50)
    whole, some = (plain_bound(forms, rows, n, torch.int16, "cpu", 1) for n in (50, 7))
    assert torch.equal(some.left, whole.left[:7])
    assert torch.equal(some.right, whole.right)
