"""Shared by all test folders: markers by file, the order of the files, the shipped policies."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from hertz.policy.load import parse_policy
from hertz.policy.model import Policy

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
# Tests that `make test-fast` leaves out, by file or folder; pyproject.toml explains the markers.
LEFT_OUT = {
    "browser": ("api/console/test_browser.py",),
    "engine": ("bench", "cli/compare_models", "explanations/generation"),
    "night": (
        *("cli/test_main.py", "embedding/test_encoder.py", "stages/explain/test_model_writer.py"),
        *("stages/test_forget.py", "stages/test_merge_intake.py", "stages/test_nightly.py"),
        *("stages/test_publish.py", "storage/models"),
    ),
    "server": (
        *("api/test_app.py", "api/test_contract.py", "api/snapshot/test_follower.py"),
        *("api/middleware/test_security.py", "cli/loadtest", "flows/test_nights.py"),
    ),
    "thorough": ("matching/kernels/test_cache.py", "matching/kernels/test_int16_tiles.py"),
}
MARKERS = {TESTS / path: marker for marker, paths in LEFT_OUT.items() for path in paths}


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Adds the markers by file, and puts files with slow tests first.

    At the end of a run no worker is then left with a long file while the other has nothing to do.
    """
    for item in items:
        for path in (item.path, *item.path.parents):
            if marker := MARKERS.get(path):
                item.add_marker(marker)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def service_policy() -> Policy:
    """The policy of hertz.toml."""
    return parse_policy(tomllib.loads((ROOT / "hertz.toml").read_text(encoding="utf-8"))["policy"])


@pytest.fixture(scope="session")
def okcupid_policy() -> Policy:
    """A policy in English only, without MBTI and with open vocabularies."""
    text = (ROOT / "policies" / "okcupid.toml").read_text(encoding="utf-8")
    return parse_policy(tomllib.loads(text)["policy"])


@pytest.fixture(params=["service", "okcupid"])
def any_policy(
    request: pytest.FixtureRequest, service_policy: Policy, okcupid_policy: Policy
) -> Policy:
    """Each shipped policy in turn."""
    return service_policy if request.param == "service" else okcupid_policy
