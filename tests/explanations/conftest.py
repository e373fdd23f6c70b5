"""A pair of people who have much in common."""

from __future__ import annotations

from typing import Any

import pytest

from hertz.policy.model import Policy
from tests.explanations.labelled_pairs import labelled_pairs


@pytest.fixture(scope="session")
def minji(service_policy: Policy) -> dict[str, Any]:
    """The lower id of the pair."""
    return labelled_pairs(service_policy)["A"][0]


@pytest.fixture(scope="session")
def jun(service_policy: Policy) -> dict[str, Any]:
    """The higher id of the pair."""
    return labelled_pairs(service_policy)["A"][1]
