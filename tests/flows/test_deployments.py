"""prefect.yaml and what it names, without a server."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect import Flow
from prefect.flows import load_flow_from_entrypoint
from prefect.server.schemas.schedules import CronSchedule
from prefect.utilities.callables import parameter_schema
from pydantic import ValidationError

from flows.parameters import HomeOptions, ProfileOptions
from matching.errors import PolicyError
from tests.conftest import ROOT

TEXT = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    found["name"]: found for found in yaml.safe_load(TEXT)["deployments"]
}
RUNS = ["nightly", "on-demand", "embed-users", "re-embed", "recompute-similarity"]
RUNS += ["generate-explanations", "cleanup"]
NAMES = [*RUNS[:-1], "forget", "rollback", "cleanup"]


def flow_of(name: str) -> Flow[..., Any]:
    path, function = DEPLOYMENTS[name]["entrypoint"].split(":")
    return load_flow_from_entrypoint(f"{ROOT / path}:{function}")


def test_all_flows_are_deployed() -> None:
    assert list(DEPLOYMENTS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_deployment_runs_the_flow_of_its_name_one_run_at_a_time(name: str) -> None:
    found = DEPLOYMENTS[name]
    assert flow_of(name).name == name
    assert found["work_pool"]["name"] == "hertz"
    assert found["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_form_is_described(name: str) -> None:
    schema = parameter_schema(flow_of(name)).model_dump()
    (model,) = schema["definitions"].values()
    assert schema["properties"]["options"]["description"]
    assert all(line["description"] for line in model["properties"].values())
    assert set(DEPLOYMENTS[name]["parameters"]["options"]) == set(model["properties"])


@pytest.mark.parametrize("name", NAMES)
def test_the_defaults_of_a_form_are_accepted(name: str) -> None:
    flow_of(name).validate_parameters(DEPLOYMENTS[name]["parameters"])


def test_the_night_starts_at_two_in_seoul() -> None:
    (schedule,) = DEPLOYMENTS["nightly"]["schedules"]
    cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    dates = asyncio.run(cron.get_dates(3, start=datetime(2026, 11, 22, tzinfo=UTC)))
    assert [d.astimezone(UTC).isoformat() for d in dates] == [
        f"2026-11-{day}T17:00:00+00:00" for day in (22, 23, 24)
    ]
    assert {d.astimezone(ZoneInfo("Asia/Seoul")).hour for d in dates} == {2}
    assert schedule["slug"]


def test_deploying_again_never_wakes_a_paused_schedule() -> None:
    assert "active" not in DEPLOYMENTS["nightly"]["schedules"][0]


def test_prefect_yaml_names_no_path_of_a_machine() -> None:
    assert not re.search(r"""["'\s]/\w""", TEXT)


@pytest.mark.parametrize(
    "wrong", [{"polcy": "hertz.toml"}, {"policy": ""}, {"policy": 3}, {"home": ["data"]}]
)
def test_a_wrong_value_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ProfileOptions.model_validate(wrong)


def test_a_run_on_what_is_published_has_no_source() -> None:
    with pytest.raises(ValidationError, match="source"):
        HomeOptions.model_validate({"source": "data/profiles.parquet"})


def test_a_missing_policy_file_is_named() -> None:
    with pytest.raises(PolicyError, match=r"nowhere\.toml"):
        ProfileOptions(policy="nowhere.toml").settings()


def test_options_win_over_the_policy_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERTZ_HOME", "elsewhere")
    policy = str(ROOT / "hertz.toml")
    chosen = ProfileOptions(policy=policy, home="here", source="people.csv").settings()
    assert (str(chosen.home), chosen.source.path) == ("here", "people.csv")
    assert str(ProfileOptions(policy=policy).settings().home) == "elsewhere"


def test_the_command_line_never_imports_prefect() -> None:
    code = "import sys, cli.main, stages.nightly; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
