"""The fast path accepts only what validation accepts; problems use the source's names of fields."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hertz.cli.sample.sample import make_sample
from hertz.policy.fast_check import ProfileCheck
from hertz.policy.json_schema import profile_example
from hertz.policy.model import Policy
from hertz.policy.profiles import validate_profiles
from hertz.policy.text_frame import text_frame
from tests.api.profiles import profile
from tests.policy.raw_profiles import POLICY

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False),
    st.text(max_size=4),
    st.sampled_from(["MALE", " MALE", "S", "?", "size S", "DOG", "DOG|CAT", "NO_PETS", '["DOG"]']),
    st.lists(st.sampled_from(["DOG", "CAT", "SECRET", "dog", "korean", "", " "]), max_size=3),
    st.lists(st.integers(-(2**65), 2**65), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
)
COLUMNS = ("id", "city", "sex", "letter", "size", "pets", "speaks", "age", "bio", "blocks")
GOOD: dict[str, Any] = {
    "id": 1,
    "city": "Seoul",
    "sex": "MALE",
    "pets": ["DOG"],
    "age": 30.5,
    "bio": "Hello",
    "blocks": [7],
}


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(COLUMNS), ODD, min_size=1, max_size=2))
def test_both_ways_of_checking_agree_with_prepare(changed: dict[str, Any]) -> None:
    check, body = ProfileCheck(POLICY), {**GOOD, **changed}
    fast, full = check.fast_check(body), check.check(body)
    if fast is not None:
        assert fast == full
    if not full.problems:
        row = dict.fromkeys(COLUMNS) | full.columns
        assert validate_profiles(POLICY, text_frame([row])).profiles["user_id"].to_list() == [
            body["id"]
        ]


def test_sample_profiles_and_the_documented_example_pass_the_fast_check(
    service_policy: Policy,
) -> None:
    check = ProfileCheck(service_policy)
    rows = make_sample(200, 3, service_policy).to_dicts()
    assert all(check.fast_check(row) for row in rows)
    assert check.fast_check(profile_example(service_policy))
    assert ProfileCheck(POLICY).check(profile_example(POLICY)).problems == []


def test_columns_that_the_policy_does_not_know_are_not_kept(service_policy: Policy) -> None:
    checked = ProfileCheck(service_policy).fast_check(profile(1, phone="010-1234-5678"))
    assert checked is not None
    assert "phone" not in checked.columns


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("city", "", "missing"),
        ("city", "  ", "missing"),
        ("sex", "OTHER", "enum"),
        ("sex", 5, "string_type"),
        ("pets", [], "missing"),
        ("pets", ["DOG", "UNICORN"], "enum"),
        ("pets", [["DOG"]], "list_type"),
        ("age", 17, "number_range"),
        ("age", "30", "float_type"),
        ("bio", "x" * 21, "string_too_long"),
        ("blocks", [2**64], "list_type"),
        ("id", 0, "greater_than_equal"),
        ("id", "1", "int_type"),
    ],
)
def test_a_wrong_value_is_a_problem_of_its_kind(column: str, value: object, kind: str) -> None:
    checked = ProfileCheck(POLICY).check({**GOOD, column: value})
    assert [(problem.field, problem.kind) for problem in checked.problems] == [(column, kind)]


def test_a_code_that_cleaning_changes_is_not_accepted_on_the_fast_path() -> None:
    sex = POLICY.fields["sex"].model_copy(update={"values": {"MALE ": {}, "FEMALE": {}}})
    policy = POLICY.model_copy(update={"fields": {**POLICY.fields, "sex": sex}})
    check = ProfileCheck(policy)
    assert check.fast_check({**GOOD, "sex": "MALE "}) is None
    assert [problem.field for problem in check.check({**GOOD, "sex": "MALE "}).problems] == ["sex"]
