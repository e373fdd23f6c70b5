"""Small random worlds: policies and profiles that use every kind of term and rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from hertz.matching.features import Features, build_features
from hertz.matching.topk.search import TopK, find_neighbors, top_k
from hertz.policy.load import parse_policy
from hertz.policy.model import Policy

COLORS = {"red": {}, "green": {}, "blue": {}, "secret": {}}
SIZES = {"S": {}, "M": {}, "L": {}, "XL": {}}
TRAITS = {name: {} for name in ("kind", "bold", "calm", "dry", "odd")}
TERMS: dict[str, Any] = {
    "cosine": {"kind": "cosine"},
    "town": {"kind": "equal", "field": "town"},
    "color": {"kind": "equal", "field": "color", "missing": 0.25},
    "taste": {"kind": "table", "field": "color", "table": "taste", "missing": 0.1},
    "size": {"kind": "ordinal", "field": "size", "steps": [1.0, 0.5], "missing": 0.2},
    "wishes": {"kind": "overlap", "mine": "wants", "theirs": "traits"},
    "alike": {"kind": "overlap", "mine": "traits", "theirs": "traits"},
    "age": {"kind": "number", "field": "age", "full": 1.0, "zero": 8.0},
}
TASTE = {
    "red": {"red": 1.0, "green": 0.3, "blue": 0.7},
    "green": {"red": 0.2, "green": 0.9, "blue": 0.6},
    "blue": {"red": 0.8, "green": 0.1, "blue": 0.4},
}
ELIGIBILITY = {
    "same": ["domain"],
    "different": ["size"],
    "within": [{"field": "age", "distance": 6.0}],
    "accepts": [{"wish": "accepted", "of": "color"}],
    "blocked": ["blocks"],
}


def make_policy(
    categories: dict[str, dict[str, Any]], combine: str = "arithmetic", k: int = 5
) -> Policy:
    """A policy over the invented fields with the given categories."""
    return parse_policy(
        {
            "name": "made-up",
            "languages": ["en"],
            "k": k,
            "combine": combine,
            "vocabularies": {"traits": TRAITS, "colors": COLORS},
            "fields": {
                "domain": {"kind": "code"},
                "town": {"kind": "code", "required": False},
                "color": {"kind": "code", "values": "colors", "hidden": ["secret"]},
                "accepted": {"kind": "set", "values": "colors"},
                "size": {"kind": "ordered", "values": SIZES},
                "wants": {"kind": "set", "values": "traits"},
                "traits": {"kind": "set", "values": "traits"},
                "age": {"kind": "number"},
                "blocks": {"kind": "ids"},
            },
            "embed": {
                "language": "en",
                "templates": {"en": ["{color}"]},
                "profile_weight": 1,
                "fields_weight": 0,
            },
            "tables": {"taste": {"rows": TASTE}},
            "terms": TERMS,
            "categories": categories,
        }
    )


def make_profiles(users: int, seed: int, hidden: float = 0.2) -> pl.DataFrame:
    """Random validated profiles; `hidden` is the share of missing values."""
    rng = np.random.default_rng(seed)

    def code(names: list[str]) -> list[str | None]:
        picked = rng.choice(names, users)
        return [None if rng.random() < hidden else str(name) for name in picked]

    def some(names: list[str]) -> list[list[str]]:
        return [[n for n in names if rng.random() < 0.4] for _ in range(users)]

    ages = rng.integers(20, 40, users).astype(float)
    present = rng.random(users) >= hidden
    return pl.DataFrame(
        {
            "user_id": np.sort(rng.choice(10 * users + 1, users, replace=False)) + 1,
            "domain": code(["a", "a", "a", "b", f"lonely-{seed}"]),
            "town": code(["x", "y", "z"]),
            "color": code(["red", "green", "blue"]),
            "accepted": some(["red", "green", "blue"]),
            "size": code(list(SIZES)),
            "wants": some(list(TRAITS)),
            "traits": some(list(TRAITS)),
            "age": [float(a) if p else None for a, p in zip(ages, present, strict=True)],
            "blocks": [[int(i) for i in rng.integers(1, 10 * users + 2, 3)] for _ in range(users)],
        },
        schema_overrides={
            "user_id": pl.Int64,
            **{n: pl.String for n in ("domain", "town", "color", "size")},
            **{n: pl.List(pl.String) for n in ("accepted", "wants", "traits")},
            "age": pl.Float64,
            "blocks": pl.List(pl.Int64),
        },
    )


def make_vectors(users: int, seed: int, dim: int = 12, distinct: int | None = None) -> np.ndarray:
    """Unit vectors `(users, dim)` float32, `distinct` different ones (ties); some zero."""
    rng = np.random.default_rng(seed + 1)
    base = rng.normal(size=(distinct or max(users, 1), dim))
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    base[0] = 0.0
    return base[rng.integers(0, len(base), users)].astype(np.float32)


def make_world(
    users: int,
    seed: int,
    categories: dict[str, dict[str, Any]],
    combine: str = "arithmetic",
    k: int = 5,
    distinct: int | None = None,
) -> Features:
    """Features of a random world."""
    policy = make_policy(categories, combine, k)
    return build_features(
        policy, make_profiles(users, seed), make_vectors(users, seed, distinct=distinct)
    )


def mutual_top_k(features: Features) -> dict[str, TopK]:
    """Everyone's best in every category of the policy."""
    return {
        name: top_k(features, name, find_neighbors(features, [name])[name])
        for name in features.policy.categories
    }
