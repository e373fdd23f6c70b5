"""One real Prefect for all tests, and one night of invented users run through it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hertz.cli.sample.sample import make_sample
from hertz.policy.model import Policy
from hertz.storage.files import write_frame
from tests.flows.servers import Prefect, started_prefect
from tests.nights import write_policy


@dataclass(frozen=True)
class Night:
    """A nightly run through Prefect.

    Attributes:
        options: Values of the flow's form.
        profiles: Profiles that the run read.
        flow_run: The flow run after its end, as the server describes it.
        home: Home in which the run published.
    """

    options: dict[str, Any]
    profiles: pl.DataFrame
    flow_run: dict[str, Any]
    home: Path

    @property
    def here(self) -> dict[str, Any]:
        """The values of the form that name policy file and home."""
        return {name: self.options[name] for name in ("policy", "home")}


USERS = 60


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """A running `make prefect`."""
    with started_prefect(tmp_path_factory.mktemp("prefect")) as started:
        yield started


@pytest.fixture(scope="session")
def night(
    prefect: Prefect, service_policy: Policy, tmp_path_factory: pytest.TempPathFactory
) -> Night:
    """The first night, started as in the UI; no language model is started."""
    folder = tmp_path_factory.mktemp("night")
    profiles = make_sample(USERS, 7, service_policy)
    write_frame(profiles, folder / "profiles.parquet")
    policy = write_policy(folder / "hertz.toml", "bundled")
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("budget = 32 ", "budget = 0 "), encoding="utf-8")
    options = {
        "policy": str(policy),
        "home": str(folder / "home"),
        "source": str(folder / "profiles.parquet"),
    }
    return Night(options, profiles, prefect.run("nightly", options), folder / "home")
