from __future__ import annotations

import pytest

from matching.eligible import eligible_others
from matching.features import build_features
from matching.scoring import eligible
from tests.matching.worlds import ELIGIBILITY, make_policy, make_profiles, make_vectors

RULES = [{}, ELIGIBILITY, *({name: rule} for name, rule in ELIGIBILITY.items())]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("seed", range(3))
def test_counts_as_the_reference_does(rules: dict[str, object], seed: int) -> None:
    policy = make_policy({"only": {"weights": {"cosine": 1.0}, "eligibility": rules}})
    profiles = make_profiles(40, seed)
    features = build_features(policy, profiles, make_vectors(40, seed))
    for row, user in enumerate(profiles["user_id"]):
        expected = sum(eligible(features, "only", row, other) for other in range(40))
        assert eligible_others(policy, "only", profiles, user) == expected
    assert eligible_others(policy, "only", profiles, -1) == 0
