"""What several test folders share: the service's policy as shipped."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from matching.policy import Policy, parse_policy

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def service_policy() -> Policy:
    """The policy of hertz.toml."""
    return parse_policy(tomllib.loads((ROOT / "hertz.toml").read_text(encoding="utf-8"))["policy"])
