"""One real Prefect for the tests of a file, and one night of 200 made-up users run through it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from matching.policy import Policy
from stages.sample import make_sample
from storage.files import write_frame
from tests.conftest import ROOT
from tests.flows.servers import Prefect, started_prefect


@dataclass(frozen=True)
class Night:
    """A nightly run through Prefect.

    Attributes:
        options: The form's values.
        profiles: What it read.
        flow_run: As the server knows it at its end.
        home: Where it published.
    """

    options: dict[str, Any]
    profiles: pl.DataFrame
    flow_run: dict[str, Any]
    home: Path


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """`make prefect`."""
    with started_prefect(tmp_path_factory.mktemp("prefect")) as started:
        yield started


@pytest.fixture(scope="module")
def night(
    prefect: Prefect, service_policy: Policy, tmp_path_factory: pytest.TempPathFactory
) -> Night:
    """The first night, triggered as a person does in the UI; no language model, to be quick."""
    folder = tmp_path_factory.mktemp("night")
    profiles = make_sample(200, 7, service_policy)
    write_frame(profiles, folder / "profiles.parquet")
    text = (ROOT / "hertz.toml").read_text(encoding="utf-8")
    before, explanations = text.split("[explanations]")
    explanations = explanations.replace('model = "bundled"', 'model = ""', 1)
    (folder / "hertz.toml").write_text(f"{before}[explanations]{explanations}", encoding="utf-8")
    options = {
        "policy": str(folder / "hertz.toml"),
        "home": str(folder / "home"),
        "source": str(folder / "profiles.parquet"),
    }
    return Night(options, profiles, prefect.run("nightly", options), folder / "home")
