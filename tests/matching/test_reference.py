"""The reference score: pairs computed by hand for every kind of term, and errors to be avoided."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import polars as pl
import pytest

from hertz.matching.features import Features, build_features
from hertz.matching.reference import combine, cosine, eligible, jaccard, ramp, score, term_value
from hertz.policy.model import Policy
from tests.matching.worlds import make_world, mutual_top_k

JIHO = {
    "gender": "MALE",
    "ageGroup": "AGE_20S",
    "MBTI": "INTP",
    "religion": "NON_RELIGIOUS",
    "smoking": "NO_SMOKING",
    "drinking": "SOMETIMES",
    "personality": ["CALM", "WITTY", "HONEST"],
    "preferredPeople": ["ACTIVE", "POSITIVE"],
}
MINA = {
    "gender": "FEMALE",
    "ageGroup": "AGE_30S",
    "MBTI": "ENFJ",
    "religion": "NON_RELIGIOUS",
    "smoking": "NO_SMOKING",
    "drinking": "OFTEN",
    "personality": ["ACTIVE", "POSITIVE", "SOCIABLE"],
    "preferredPeople": ["CALM", "SERIOUS"],
}
TYPES = ["".join(letters) for letters in itertools.product("IE", "NS", "TF", "JP")]


def features_of(policy: Policy, *users: dict[str, Any], cosine_to_first: float = 0.8) -> Features:
    """Features of literal users; the first lies at the given cosine to each of the others."""
    complete = [{"emailDomain": "a.example", "blockedUserIds": [], **user} for user in users]
    sets = [n for n, rule in policy.fields.items() if rule.kind == "set"]
    columns: dict[str, Any] = {
        "user_id": [user.get("user_id", i + 1) for i, user in enumerate(complete)]
    }
    for name, rule in policy.fields.items():
        columns[name] = [user.get(name, [] if name in sets else None) for user in complete]
        kind = {"set": pl.List(pl.String), "ids": pl.List(pl.Int64)}.get(rule.kind, pl.String)
        columns[name] = pl.Series(columns[name], dtype=kind)
    other = [cosine_to_first, (1 - cosine_to_first**2) ** 0.5]
    vectors = np.array([[1.0, 0.0], *[other] * (len(users) - 1)], dtype=np.float32)
    return build_features(policy, pl.DataFrame(columns), vectors)


def test_formula_of_general(service_policy: Policy) -> None:
    features = features_of(service_policy, JIHO, MINA)
    found = score(features, "general", 0, 1)
    # 0.7 cosine + 0.3 (0.3 base + 0.2 mbti + 0.2 age + 0.3 tags): base 2/3; INTP -> ENFJ has one
    # equal letter of weight 1 and the pairing, back only the letter; one age group apart; Jiho's
    # wishes are 2 of Mina's 3 traits, hers share CALM among 4.
    there = 0.7 * 0.8 + 0.3 * (0.3 * 2 / 3 + 0.2 * (0.7 / 3 + 0.3) + 0.2 * 0.5 + 0.3 * 2 / 3)
    back = 0.7 * 0.8 + 0.3 * (0.3 * 2 / 3 + 0.2 * (0.7 / 3) + 0.2 * 0.5 + 0.3 * 1 / 4)
    assert found.forward == pytest.approx(there, abs=1e-6)
    assert found.backward == pytest.approx(back, abs=1e-6)
    assert found.mutual == pytest.approx((there + back) / 2, abs=1e-6)


@pytest.mark.parametrize(("category", "cosine_weight"), [("friend", 0.7), ("couple", 0.6)])
def test_formulas_of_friend_and_couple(
    service_policy: Policy, category: str, cosine_weight: float
) -> None:
    found = score(features_of(service_policy, JIHO, MINA), category, 0, 1)
    there = cosine_weight * 0.8 + (1 - cosine_weight) * (0.5 * (0.7 / 3 + 0.3) + 0.5 * 0.5)
    back = cosine_weight * 0.8 + (1 - cosine_weight) * (0.5 * (0.7 / 3) + 0.5 * 0.5)
    assert found.forward == pytest.approx(there, abs=1e-6)
    assert found.mutual == pytest.approx((there + back) / 2, abs=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "value"),
    [
        ("AGE_20S", "AGE_20S", 1.0),
        ("AGE_20S", "AGE_30S", 0.5),
        ("AGE_50S", "AGE_60_PLUS", 0.5),
        ("AGE_20S", "AGE_40S", 0.0),
    ],
)
def test_age_groups_are_compared_as_codes(
    service_policy: Policy, a: str, b: str, value: float
) -> None:
    """Codes compared with labels would always have the value 0."""
    features = features_of(service_policy, JIHO | {"ageGroup": a}, MINA | {"ageGroup": b})
    assert term_value(features, "age", 0, 1) == value


def test_tags_are_compared_as_whole_codes(service_policy: Policy) -> None:
    """Sets compared letter by letter would be similar: CALM shares letters with all of these."""
    features = features_of(
        service_policy,
        JIHO | {"preferredPeople": ["CALM"]},
        MINA | {"personality": ["CUTE", "COOL", "ACTIVE", "LOYAL"]},
    )
    assert jaccard(features, "preferredPeople", 0, "personality", 1, 0.0) == 0.0


def test_directional_scores_differ_and_the_mutual_one_does_not(service_policy: Policy) -> None:
    """The backward score is not a copy of the forward score."""
    features = features_of(service_policy, JIHO, MINA)
    there, back = score(features, "general", 0, 1), score(features, "general", 1, 0)
    assert there.forward != there.backward
    assert (there.forward, there.backward) == (back.backward, back.forward)
    assert there.mutual == back.mutual


def test_a_second_run_changes_nothing(service_policy: Policy) -> None:
    """Two runs over the same profiles give the same bytes."""
    features = features_of(service_policy, JIHO, MINA, JIHO | {"MBTI": "ESTJ"}, MINA)
    first, second = mutual_top_k(features), mutual_top_k(features)
    for category in service_policy.categories:
        assert first[category].others.tolist() == second[category].others.tolist()
        assert first[category].scores.mutual.tobytes() == second[category].scores.mutual.tobytes()


def test_hiding_the_type_never_beats_the_average_of_showing_it(service_policy: Policy) -> None:
    """A missing type scores no higher than the average of the types that are shown."""
    users = [JIHO | {"MBTI": None}] + [JIHO | {"MBTI": t} for t in TYPES]
    features = features_of(service_policy, *users)
    for other in range(1, 17):
        shown = [term_value(features, "mbti", a, other) for a in range(1, 17)]
        looked_at = [term_value(features, "mbti", other, a) for a in range(1, 17)]
        assert term_value(features, "mbti", 0, other) <= np.mean(shown)
        assert term_value(features, "mbti", other, 0) <= np.mean(looked_at)
    assert term_value(features, "mbti", 0, 0) <= np.mean(shown)


def test_only_the_same_domain_meets_and_couples_cross_genders(service_policy: Policy) -> None:
    stranger = MINA | {"emailDomain": "b.example"}
    features = features_of(service_policy, JIHO, MINA, JIHO, stranger)
    assert eligible(features, "general", 0, 1)
    assert eligible(features, "friend", 0, 2)
    assert not eligible(features, "couple", 0, 2)
    assert eligible(features, "couple", 0, 1)
    assert not eligible(features, "general", 0, 3)
    assert not eligible(features, "general", 0, 0)


def test_blocking_works_from_either_side(service_policy: Policy) -> None:
    features = features_of(service_policy, JIHO, MINA | {"blockedUserIds": [1]})
    assert not eligible(features, "general", 0, 1)
    assert not eligible(features, "general", 1, 0)


def test_scores_do_not_depend_on_the_order_of_the_input(service_policy: Policy) -> None:
    features = make_world(40, 8, {"all": {"weights": {"cosine": 0.5, "wishes": 0.5}}})
    for a, b in [(0, 1), (5, 17), (39, 3)]:
        there, back = score(features, "all", a, b), score(features, "all", b, a)
        assert there.mutual == back.mutual
        assert there.forward_terms == back.backward_terms


def test_cosine_of_float32_rows_is_the_exact_product_summed() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 384)).astype(np.float32)
    assert cosine(x, y) == cosine(y, x)
    assert cosine(x, y) == pytest.approx(float(x.astype(float) @ y.astype(float)), abs=1e-12)


@pytest.mark.parametrize(
    ("how", "expected"),
    [("arithmetic", 0.5), ("geometric", 0.16**0.5), ("harmonic", 0.32), ("minimum", 0.2)],
)
def test_means_of_two_directions(how: str, expected: float) -> None:
    assert combine(how, 0.8, 0.2) == pytest.approx(expected)
    assert combine(how, 0.2, 0.8) == combine(how, 0.8, 0.2)


@pytest.mark.parametrize("how", ["geometric", "harmonic"])
def test_one_sided_dislike_is_no_match(how: str) -> None:
    assert combine(how, 0.9, -0.1) == 0.0
    assert combine(how, 0.9, 0.0) == 0.0


@pytest.mark.parametrize(
    ("distance", "value"), [(0, 1.0), (2, 1.0), (6, 0.5), (10, 0.0), (40, 0.0)]
)
def test_number_term_falls_linearly(distance: float, value: float) -> None:
    assert ramp(distance, 2.0, 10.0) == value
