"""Profiles for the tests of explanations: written by hand, or random for any policy."""

from __future__ import annotations

from typing import Any

import numpy as np

from hertz.policy.model import Policy

OPEN_CODES = ("english", "spanish (fluently)", "c++", "korean")


def profile(policy: Policy, user_id: int, **values: object) -> dict[str, Any]:
    """Returns a profile with these values and no others."""
    empty = {
        name: [] if rule.kind in ("set", "ids") else None for name, rule in policy.fields.items()
    }
    return {"user_id": user_id, **empty, **values}


def random_profile(policy: Policy, rng: np.random.Generator, user_id: int) -> dict[str, Any]:
    """Returns a profile with random values, some of them missing."""
    values: dict[str, Any] = {}
    for name, rule in policy.fields.items():
        codes = policy.shown_codes(name) or OPEN_CODES
        if rule.kind == "set":
            chosen = set(rng.choice(codes, int(rng.integers(0, 6))).tolist())
            values[name] = [code for code in codes if code in chosen]
        elif rule.kind in ("code", "ordered"):
            values[name] = str(rng.choice(codes)) if rng.random() < 0.9 else None
        elif rule.kind == "number":
            values[name] = float(rng.integers(18, 80))
    return profile(policy, user_id, **values)


def random_pair(policy: Policy, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns two random profiles, the lower id first."""
    rng = np.random.default_rng(seed)
    first = int(rng.integers(1, 5000))
    return random_profile(policy, rng, first), random_profile(policy, rng, first + 7)
