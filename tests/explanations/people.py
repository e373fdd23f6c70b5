"""Profiles for the tests of explanations: written by hand, or random for any policy."""

from __future__ import annotations

from typing import Any

import numpy as np

from hertz.policy.model import Policy

OPEN_CODES = ("english", "spanish (fluently)", "c++", "korean")


def profile(policy: Policy, user_id: int, **told: object) -> dict[str, Any]:
    """A profile that tells these fields and no other."""
    empty = {
        name: [] if rule.kind in ("set", "ids") else None for name, rule in policy.fields.items()
    }
    return {"user_id": user_id, **empty, **told}


def random_profile(policy: Policy, rng: np.random.Generator, user_id: int) -> dict[str, Any]:
    """A profile of random values, some not told."""
    told: dict[str, Any] = {}
    for name, rule in policy.fields.items():
        codes = policy.shown_codes(name) or OPEN_CODES
        if rule.kind == "set":
            chosen = set(rng.choice(codes, int(rng.integers(0, 6))).tolist())
            told[name] = [code for code in codes if code in chosen]
        elif rule.kind in ("code", "ordered"):
            told[name] = str(rng.choice(codes)) if rng.random() < 0.9 else None
        elif rule.kind == "number":
            told[name] = float(rng.integers(18, 80))
    return profile(policy, user_id, **told)


def random_pair(policy: Policy, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two random profiles, the lower id first."""
    rng = np.random.default_rng(seed)
    first = int(rng.integers(1, 5000))
    return random_profile(policy, rng, first), random_profile(policy, rng, first + 7)
