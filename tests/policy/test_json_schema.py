"""The schema of a field: one value and a column are checked alike, and the document is complete."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from hertz.policy.json_schema import (
    accepted_values,
    column_within,
    field_schema,
    has_type,
    is_within,
    profile_schema,
    type_words,
)
from tests.policy.raw_profiles import POLICY

TEXTS = ["", "S", "?", "MALE", "DOG", "dog", "x" * 20, "x" * 21]
LISTED = ", ".join("ABCDEFGHIJKL")
NUMBERS = [-1.0, 17.9, 18.0, 99.0, 99.1, 1e308, float("inf"), float("-inf"), float("nan")]


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (field_schema(POLICY, "sex"), TEXTS),
        (field_schema(POLICY, "pets")["items"], TEXTS),
        (field_schema(POLICY, "bio"), TEXTS),
        (field_schema(POLICY, "age"), NUMBERS),
        ({"type": "number"}, NUMBERS),
        ({"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, [-1, 0, 1, 2**63 - 1]),
    ],
)
def test_a_value_and_a_column_are_within_the_same_limits(
    schema: dict[str, Any], values: list[Any]
) -> None:
    expected = [is_within(schema, value) for value in values]
    assert column_within(schema, pl.Series([*values, None])).to_list() == [*expected, None]
    assert set(expected) == {True, False}


@pytest.mark.parametrize(
    ("field", "words", "accepted"),
    [
        ("sex", "a text", "MALE, FEMALE"),
        ("letter", "a text", f"{LISTED} ... (15 accepted, see the policy)"),
        ("pets", "a list of texts", "any of DOG, CAT, NO_PETS, SECRET"),
        ("speaks", "a list of texts", "a list of texts"),
        ("age", "a number", "a number from 18 up to 99"),
        ("blocks", "a list of integers", "a list of integers"),
    ],
)
def test_a_schema_is_described_in_words(field: str, words: str, accepted: str) -> None:
    schema = field_schema(POLICY, field)
    assert (type_words(schema), accepted_values(schema)) == (words, accepted)


@pytest.mark.parametrize(
    ("field", "right", "wrong"),
    [
        ("sex", ["", "MALE"], [None, 1, True, ["MALE"]]),
        ("pets", [[], ["DOG"]], ["DOG", [1], [None], {}]),
        ("age", [1, 1.5, 2**63 - 1], ["1", True, 2**63]),
        ("blocks", [[], [-7]], [[1.0], [True], ["7"], [2**63]]),
    ],
)
def test_types_are_those_of_json_with_64_bit_integers(
    field: str, right: list[object], wrong: list[object]
) -> None:
    schema = field_schema(POLICY, field)
    assert all(has_type(schema, value) for value in right)
    assert not any(has_type(schema, value) for value in wrong)


def test_the_document_has_the_source_s_names_and_the_required_columns() -> None:
    document = profile_schema(POLICY)
    assert list(document["properties"])[:3] == ["id", "city", "sex"]
    assert document["required"] == ["id", "city", "sex", "pets"]
    assert document["properties"]["pets"]["minItems"] == 1
    assert document["properties"]["speaks"]["minItems"] == 0
