"""What several test folders share: the order of their files, and the shipped policies."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from hertz.policy.load import parse_policy
from hertz.policy.model import Policy

ROOT = Path(__file__).parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: at the end, no worker is left alone with a long one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def service_policy() -> Policy:
    """The policy of hertz.toml."""
    return parse_policy(tomllib.loads((ROOT / "hertz.toml").read_text(encoding="utf-8"))["policy"])


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
