"""The two shipped policies, and a pair of people who have much in common."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from hertz.policy.load import parse_policy
from hertz.policy.model import Policy
from tests.explanations.labelled_pairs import labelled_pairs

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def okcupid_policy() -> Policy:
    """English only, no MBTI, open vocabularies."""
    text = (ROOT / "policies" / "okcupid.toml").read_text(encoding="utf-8")
    return parse_policy(tomllib.loads(text)["policy"])


@pytest.fixture(params=["service", "okcupid"])
def any_policy(
    request: pytest.FixtureRequest, service_policy: Policy, okcupid_policy: Policy
) -> Policy:
    """Each shipped policy in turn."""
    return service_policy if request.param == "service" else okcupid_policy


@pytest.fixture(scope="session")
def minji(service_policy: Policy) -> dict[str, Any]:
    """The lower id of the pair."""
    return labelled_pairs(service_policy)["A"][0]


@pytest.fixture(scope="session")
def jun(service_policy: Policy) -> dict[str, Any]:
    """The higher id of the pair."""
    return labelled_pairs(service_policy)["A"][1]
