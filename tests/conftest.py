"""What several test folders share: the order of their files, the service's policy as shipped."""

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
