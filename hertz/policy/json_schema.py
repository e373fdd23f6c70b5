"""States once, as a JSON schema, what each field of a profile accepts, and what follows from it.

docs/decisions/profile-validity.md says why this is not a pydantic model.
"""

from __future__ import annotations

import sys
from typing import Any

import polars as pl

from hertz.policy.model import Policy

Schema = dict[str, Any]

MAX_ID = 2**63 - 1
MAX_LISTED_ID = 10**18 - 1  # in a list of ids: a list in a text may have numbers of 18 digits
LISTED_CODES = 12  # accepted codes that a message names
_MAX_FLOAT = sys.float_info.max


def field_schema(policy: Policy, name: str) -> Schema:
    """Returns the JSON schema of a field's values, once they are cleaned."""
    rule = policy.fields[name]
    codes = policy.vocabulary(name)
    text: Schema = {"type": "string", "minLength": 1} | ({"enum": list(codes)} if codes else {})
    bounds = {"minimum": rule.minimum, "maximum": rule.maximum}
    listed = {"type": "integer", "minimum": -MAX_LISTED_ID, "maximum": MAX_LISTED_ID}
    by_kind: dict[str, Schema] = {
        "set": {"type": "array", "items": text, "minItems": int(rule.required)},
        "ids": {"type": "array", "items": listed, "minItems": int(rule.required)},
        "number": {"type": "number"} | {k: v for k, v in bounds.items() if v is not None},
        "text": {"type": "string", "maxLength": rule.max_length},
    }
    described = {"description": label} if (label := rule.label.get("en")) else {}
    return by_kind.get(rule.kind, text) | described


def id_schema(policy: Policy) -> Schema:
    """Returns the JSON schema of a user's id."""
    return {"type": "integer", "minimum": policy.id_minimum, "maximum": MAX_ID}


def has_type(schema: Schema, value: object) -> bool:
    """Returns whether a JSON value has the type of a schema; integers have 64 bits."""
    if schema["type"] == "array":
        return isinstance(value, list) and all(has_type(schema["items"], item) for item in value)
    if schema["type"] == "string":
        return isinstance(value, str)
    if isinstance(value, float):
        return schema["type"] == "number"
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_ID


def is_within(schema: Schema, value: Any) -> bool:  # noqa: ANN401
    """Returns whether a value that has a schema's type keeps the schema's limits."""
    if schema["type"] == "array":
        items = schema["items"]
        return len(value) >= schema["minItems"] and all(is_within(items, item) for item in value)
    if "enum" in schema:
        return value in schema["enum"]
    if schema["type"] == "string":
        return len(value) <= schema.get("maxLength", sys.maxsize)
    low, high = _bounds(schema)
    return low <= value <= high


def column_within(schema: Schema, values: pl.Series) -> pl.Series:
    """Returns which values keep the limits of a schema, as `is_within` does for one value.

    Args:
        schema: The schema of one value, not of a list.
        values: String for texts and codes, Float64 or Int64 for numbers and ids; null stays null.
    """
    if "enum" in schema:
        return values.is_in(schema["enum"])
    if schema["type"] == "string":
        return values.str.len_chars() <= schema["maxLength"]
    return values.is_between(*_bounds(schema))


def _bounds(schema: Schema) -> tuple[float, float]:
    """Returns the smallest and the largest accepted number; NaN and infinity never are."""
    return schema.get("minimum", -_MAX_FLOAT), schema.get("maximum", _MAX_FLOAT)


def type_words(schema: Schema) -> str:
    """Returns the type of a schema in words, such as `a list of texts`."""
    if schema["type"] == "array":
        return "a list of texts" if schema["items"]["type"] == "string" else "a list of integers"
    return "a text" if schema["type"] == "string" else "a number"


def accepted_values(schema: Schema) -> str:
    """Returns what a schema accepts in words: its codes, or its type and range."""
    codes = schema.get("items", schema).get("enum")
    if codes:
        return ("any of " if schema["type"] == "array" else "") + listed_codes(codes)
    bounds = [("from", "minimum"), ("up to", "maximum")]
    given = [f" {words} {schema[key]:g}" for words, key in bounds if key in schema]
    return type_words(schema) + "".join(given)


def listed_codes(codes: list[str]) -> str:
    """Returns the codes in one line: the first `LISTED_CODES` of them, and how many there are."""
    if len(codes) <= LISTED_CODES:
        return ", ".join(codes)
    return f"{', '.join(codes[:LISTED_CODES])} ... ({len(codes)} accepted, see the policy)"


def profile_schema(policy: Policy) -> Schema:
    """Returns the JSON schema of a profile, as the API's write routes accept it."""
    columns = policy.columns
    fields = {column: field_schema(policy, name) for name, column in columns.items()}
    return {
        "type": "object",
        "title": "Profile",
        "properties": {policy.id_field: id_schema(policy), **fields},
        "required": [policy.id_field, *(columns[name] for name in policy.required_fields)],
    }


def profile_example(policy: Policy) -> dict[str, Any]:
    """Returns one profile that the write routes accept, of the required fields."""
    values = {policy.columns[name]: _example(policy, name) for name in policy.required_fields}
    return {policy.id_field: max(42, policy.id_minimum), **values}


def _example(policy: Policy, name: str) -> object:
    """Returns an accepted value of a field."""
    rule = policy.fields[name]
    codes = list(policy.shown_codes(name)) or ["example"]
    by_kind: dict[str, object] = {
        "set": codes[:3],
        "ids": [7],
        "number": rule.minimum if rule.minimum is not None else 30,
        "text": "Hello",
    }
    return by_kind.get(rule.kind, codes[0])
