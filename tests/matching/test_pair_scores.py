from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from hertz.matching.eligibility import count_pairs_with
from hertz.matching.features import build_features
from hertz.matching.reference import eligible
from tests.matching.worlds import ELIGIBILITY, make_policy, make_profiles, make_vectors

RULES = [{}, ELIGIBILITY, *({name: rule} for name, rule in ELIGIBILITY.items())]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [[], [0], [3, 11, 12, 39]])
def test_counts_pairs_as_the_reference_does(
    rules: dict[str, object], seed: int, rows: list[int]
) -> None:
    policy = make_policy({"only": {"weights": {"cosine": 1.0}, "eligibility": rules}})
    features = build_features(policy, make_profiles(40, seed), make_vectors(40, seed))
    expected = sum(
        eligible(features, "only", a, b)
        for a, b in combinations(range(40), 2)
        if a in rows or b in rows
    )
    assert count_pairs_with(features, "only", np.array(rows, dtype=np.int64)) == expected
