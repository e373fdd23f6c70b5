from __future__ import annotations

from typing import Any

import pytest

from hertz.explanations.facts import (
    Facts,
    as_reason,
    content_hash,
    mentionable_fields,
    pair_facts,
    profile_digest,
)
from hertz.policy.model import Policy
from tests.explanations.people import profile, random_pair

Someone = dict[str, Any]


@pytest.fixture
def facts(service_policy: Policy, minji: Someone, jun: Someone) -> Facts:
    return pair_facts(service_policy, "general", minji, jun)


def of_kind(facts: Facts, kind: str) -> set[tuple[object, ...]]:
    return {(f.fields, f.values, f.direction) for f in facts.found if f.kind == kind}


def test_shared_are_the_codes_of_a_set_field_that_both_have(facts: Facts) -> None:
    assert of_kind(facts, "shared") == {
        (("currentInterests",), ("MOVIES",), "both"),
        (("favoriteFoods",), ("KOREAN",), "both"),
        (("selfDevelopment",), ("READING",), "both"),
        (("hobbies",), ("MUSIC",), "both"),
    }


def test_wishes_are_met_by_the_other_s_traits_each_way(facts: Facts) -> None:
    fields = ("preferredPeople", "personality")
    assert of_kind(facts, "wish") == {
        (fields, ("GOOD_LISTENER",), "a_to_b"),
        (fields, ("SMILES_OFTEN",), "b_to_a"),
    }


def test_equal_and_neighboring_answers(facts: Facts) -> None:
    assert of_kind(facts, "same") == {
        (("religion",), ("NON_RELIGIOUS",), "both"),
        (("smoking",), ("NO_SMOKING",), "both"),
    }
    assert of_kind(facts, "near") == {(("ageGroup",), ("AGE_20S", "AGE_30S"), "both")}


def test_a_pairing_carries_the_table_s_value_each_way(facts: Facts) -> None:
    (pairing,) = facts.of_kind("pairing")
    assert pairing.values == ("ENFP", "INTJ")
    assert pairing.table_values == pytest.approx((0.7 * 1 / 3 + 0.3, 0.7 * 1 / 3 + 0.3))


def test_complements_are_what_each_has_alone_in_two_fields_at_most(facts: Facts) -> None:
    assert [(c.field, c.only_a, c.only_b) for c in facts.complements] == [
        ("currentInterests", ("COOKING",), ("STOCKS",)),
        ("favoriteFoods", ("TTEOKBOKKI",), ("PIZZA",)),
    ]


def test_fields_that_only_decide_who_may_meet_are_not_talked_about(
    service_policy: Policy, okcupid_policy: Policy
) -> None:
    for name in ("emailDomain", "gender", "blockedUserIds"):
        assert name not in mentionable_fields(service_policy)
    assert "sex" not in mentionable_fields(okcupid_policy)
    assert "age" in mentionable_fields(
        okcupid_policy
    )  # an eligibility rule, but a term reads it too


def test_missing_values_make_no_fact(service_policy: Policy, jun: Someone) -> None:
    silent = profile(service_policy, 1)
    assert pair_facts(service_policy, "couple", silent, jun) == Facts(())


def test_facts_hold_for_random_profiles(any_policy: Policy) -> None:
    kinds = set()
    for seed in range(300):
        a, b = random_pair(any_policy, seed)
        for fact in pair_facts(any_policy, next(iter(any_policy.categories)), a, b).found:
            kinds.add(fact.kind)
            mine, theirs = (b, a) if fact.direction == "b_to_a" else (a, b)
            first, last = mine[fact.fields[0]], theirs[fact.fields[-1]]
            if fact.kind in ("shared", "wish"):
                assert set(fact.values) == set(first) & set(last)
            else:
                assert {*fact.values} == {first, last}
    assert {"shared", "same"} <= kinds


def test_reasons_have_the_published_shape(facts: Facts) -> None:
    assert as_reason(facts.found[0]) == {
        "kind": "shared",
        "fields": ["currentInterests"],
        "values": ["MOVIES"],
        "direction": "both",
    }


def test_the_content_hash_depends_on_the_values_and_not_on_the_id(
    service_policy: Policy, minji: Someone, jun: Someone
) -> None:
    def digest(who: Someone, **changed: object) -> str:
        return profile_digest(service_policy, {**who, **changed})

    key = content_hash(digest(minji), digest(jun), "couple", "ko")
    assert key == content_hash(digest(minji, user_id=9), digest(jun), "couple", "ko")
    assert key != content_hash(digest(minji, bio="안녕"), digest(jun), "couple", "ko")
    assert key != content_hash(digest(minji), digest(jun), "couple", "en")
    assert key != content_hash(digest(jun), digest(minji), "couple", "ko")
