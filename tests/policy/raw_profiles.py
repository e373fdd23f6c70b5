"""A small policy with every kind of field, a good row, and the validation of changed rows."""

from __future__ import annotations

from typing import Any

import polars as pl

from hertz.policy.load import parse_policy
from hertz.policy.model import Policy
from hertz.policy.profiles import ValidatedProfiles, validate_profiles

POLICY = parse_policy(
    {
        "name": "test",
        "languages": ["en"],
        "id_field": "id",
        "k": 5,
        "vocabularies": {
            "pets": {"DOG": {"en": "a dog"}, "CAT": {"en": "a cat"}, "NO_PETS": {}, "SECRET": {}},
            "letters": {letter: {} for letter in "ABCDEFGHIJKLMNO"},
        },
        "fields": {
            "town": {"kind": "code", "source": "city"},
            "sex": {"kind": "code", "values": {"MALE": {"ko": "남자"}, "FEMALE": {}}},
            "letter": {"kind": "code", "values": "letters", "required": False},
            "size": {
                "kind": "ordered",
                "values": {"S": {}, "M": {}, "L": {}, "?": {}},
                "hidden": ["?"],
                "required": False,
                "drop": "^size ",
            },
            "pets": {"kind": "set", "values": "pets", "hidden": ["SECRET"]},
            "speaks": {
                "kind": "set",
                "required": False,
                "separator": ", ",
                "drop": r" \(.*\)$",
            },
            "age": {"kind": "number", "minimum": 18, "maximum": 99, "required": False},
            "bio": {"kind": "text", "required": False, "max_length": 20},
            "blocks": {"kind": "ids", "required": False},
        },
        "embed": {
            "language": "en",
            "templates": {"en": ["{bio}"]},
            "profile_weight": 1,
            "fields_weight": 0,
        },
        "terms": {"cosine": {"kind": "cosine"}},
        "categories": {"all": {"weights": {"cosine": 1}}},
    }
)
SCHEMA = {
    "user_id": pl.Int64,
    "town": pl.String,
    "sex": pl.String,
    "letter": pl.String,
    "size": pl.String,
    "pets": pl.List(pl.String),
    "speaks": pl.List(pl.String),
    "age": pl.Float64,
    "bio": pl.String,
    "blocks": pl.List(pl.Int64),
}
GOOD = {
    "id": 1,
    "city": "Seoul",
    "sex": "MALE",
    "letter": "A",
    "size": "S",
    "pets": ["DOG"],
    "speaks": ["korean"],
    "age": 30.0,
    "bio": "Hello",
    "blocks": [7],
}


def check(*rows: dict[str, Any], policy: Policy = POLICY) -> ValidatedProfiles:
    """Validates rows that differ from a good one; their ids are 1, 2, 3, ... unless given."""
    full = [{**GOOD, "id": n, **row} for n, row in enumerate(rows, start=1)]
    names = dict.fromkeys(name for row in full for name in row)
    columns = {name: [row[name] for row in full] for name in names}
    return validate_profiles(policy, pl.DataFrame(columns, strict=False))


def value(field: str, raw: object) -> object:
    """Returns what one raw value becomes; fails if it is quarantined."""
    found = check({field: raw})
    assert found.quarantine.rows() == []
    return found.profiles.row(0, named=True)[{"city": "town"}.get(field, field)]


def faults(field: str, raw: object) -> list[tuple[str, str]]:
    """Returns (value, reason) of the faults of one raw value, all of them in its field."""
    found = check({field: raw})
    assert found.profiles.height == 0
    assert set(found.quarantine["field"]) == {{"city": "town"}.get(field, field)}
    return found.quarantine.select("value", "reason").rows()
