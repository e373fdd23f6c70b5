"""prefect.yaml, its flows and their forms, without a server."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect import Flow
from prefect.flows import load_flow_from_entrypoint
from prefect.server.schemas.schedules import CronSchedule
from prefect.settings import get_current_settings
from prefect.utilities.callables import parameter_schema
from pydantic import ValidationError

from hertz.core.errors import PolicyError
from hertz.flows.nightly import nightly
from hertz.flows.server.automations import TO_EXPLAIN, end_lost_runs, explain_after_recompute
from hertz.flows.server.pool_name import POOL
from hertz.flows.server.work_pool import QUEUES
from hertz.flows.support.parameters import (
    ExplainOptions,
    HomeOptions,
    NightOptions,
    ProfileOptions,
    RecomputeOptions,
)
from hertz.stages.nightly import (
    NIGHTLY,
    NIGHTLY_FULLY,
    RECOMPUTE_FULLY,
    RECOMPUTE_ONLY,
    Stages,
)
from tests.conftest import ROOT
from tests.nights import write_policy

TEXT = (ROOT / "prefect.yaml").read_text(encoding="utf-8")
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    found["name"]: found for found in yaml.safe_load(TEXT)["deployments"]
}
RUNS = ["nightly", "on-demand", "embed-users", "re-embed", "recompute-similarity"]
RUNS += ["generate-explanations", "cleanup"]
NIGHTS = [
    ("model", False, NIGHTLY),
    ("model", True, NIGHTLY_FULLY),
    ("template", False, RECOMPUTE_ONLY),
    ("template", True, RECOMPUTE_FULLY),
]
NAMES = [*RUNS[:-1], "forget", "rollback", "cleanup"]


def flow_of(name: str) -> Flow[..., Any]:
    path, function = DEPLOYMENTS[name]["entrypoint"].split(":")
    return load_flow_from_entrypoint(f"{ROOT / path}:{function}")


def test_all_flows_are_deployed() -> None:
    assert list(DEPLOYMENTS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_deployment_runs_the_flow_of_its_name_in_its_queue(name: str) -> None:
    found = DEPLOYMENTS[name]
    assert flow_of(name).name == name
    assert found["work_pool"]["name"] == POOL
    assert found["work_pool"]["work_queue_name"] == ("runs" if name in RUNS else "quick")


def test_one_run_at_a_time_but_forgetting_never_waits_for_another() -> None:
    assert QUEUES["runs"] == 1
    assert QUEUES["quick"] > 1
    limited = [name for name in NAMES if "concurrency_limit" in DEPLOYMENTS[name]]
    assert limited == [name for name in NAMES if name != "forget"]
    one = {"limit": 1, "collision_strategy": "ENQUEUE"}
    assert all(DEPLOYMENTS[name]["concurrency_limit"] == one for name in limited)


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_form_is_described(name: str) -> None:
    schema = parameter_schema(flow_of(name)).model_dump()
    (model,) = [d for d in schema["definitions"].values() if "properties" in d]
    assert schema["properties"]["options"]["description"]
    assert all(line["description"] for line in model["properties"].values())
    given = set(DEPLOYMENTS[name]["parameters"]["options"]) | set(model.get("required", []))
    assert given == set(model["properties"])


@pytest.mark.parametrize("name", NAMES)
def test_the_defaults_of_a_form_are_accepted(name: str) -> None:
    options = DEPLOYMENTS[name]["parameters"]["options"]
    chosen = {"user_id": 42} if name == "forget" else {}
    flow_of(name).validate_parameters({"options": options | chosen})


def test_a_form_has_choices_and_bounds() -> None:
    night = parameter_schema(flow_of("nightly")).model_dump()["definitions"]
    assert night["Voice"]["enum"] == ["model", "template"]
    forget = parameter_schema(flow_of("forget")).model_dump()["definitions"]["ForgetOptions"]
    assert forget["properties"]["user_id"]["minimum"] == 1
    assert forget["required"] == ["user_id"]


@pytest.mark.parametrize(("chosen", "full", "stages"), NIGHTS)
def test_a_night_s_form_chooses_its_stages(
    chosen: str, full: bool, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Stages] = []
    module = sys.modules[nightly.fn.__module__]
    monkeypatch.setattr(module, "run_stages", lambda given, _: seen.append(given))
    nightly.fn(NightOptions.model_validate({"explanations": chosen, "full": full}))
    assert seen == [stages]


def test_explanations_follow_only_if_chosen_and_a_model_is_named(tmp_path: Path) -> None:
    without, named = str(write_policy(tmp_path / "a.toml")), str(ROOT / "hertz.toml")
    chosen = {"then_explain": True, "policy": named}
    assert RecomputeOptions.model_validate(chosen).explained_next
    assert not RecomputeOptions.model_validate(chosen | {"then_explain": False}).explained_next
    assert not RecomputeOptions.model_validate(chosen | {"policy": without}).explained_next


def test_a_budget_of_the_form_wins_over_the_policy_file() -> None:
    policy = str(ROOT / "hertz.toml")
    assert ExplainOptions(policy=policy).settings().explanations.budget == 32
    assert ExplainOptions(policy=policy, budget=0).settings().explanations.budget == 0


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


def test_only_recompute_requests_explanations() -> None:
    assert explain_after_recompute(UUID(int=7)).trigger.expect == {TO_EXPLAIN}
    flows = (ROOT / "hertz" / "flows").rglob("*.py")
    texts = {path.name: path.read_text(encoding="utf-8") for path in flows}
    users = {name for name, text in texts.items() if "request_explanations" in text}
    assert users == {"automations.py", "recompute_similarity.py"}


def test_a_lost_run_is_ended_after_three_missed_heartbeats() -> None:
    trigger = end_lost_runs().trigger
    assert trigger.within == timedelta(seconds=540)
    assert 3 * (get_current_settings().flows.heartbeat_frequency or 180) <= 540


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
    code = "import sys, hertz.cli.main, hertz.stages.nightly; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
