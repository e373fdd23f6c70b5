"""Nights through a real Prefect server and worker, started as `make prefect` starts them.

The tests share one server and one published night, and go on from one to the next: the one
that stops the server is among the last.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.files import read_frame
from storage.snapshots import corrupt_files, list_snapshots, locked_home, read_manifest
from storage.snapshots import published_snapshot as published
from tests.flows.conftest import Night
from tests.flows.servers import Prefect, eventually, start, started_prefect

pytestmark = pytest.mark.slow
NAMES = {"nightly", "on-demand", "embed-users", "recompute-similarity", "generate-explanations"}
STAGES = ["check_model", "prepare", "embed", "recompute", "explain", "publish_run"]


def test_all_four_flows_are_deployed(prefect: Prefect) -> None:
    assert {found["name"] for found in prefect.find("deployments")} == NAMES


def test_the_next_nights_are_scheduled_at_two_in_seoul(prefect: Prefect) -> None:
    query = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}, "limit": 2}
    runs = eventually(
        lambda: prefect.find("flow_runs", **query, sort="NEXT_SCHEDULED_START_TIME_ASC"),
        "nights to be scheduled",
    )
    first, second = [datetime.fromisoformat(run["next_scheduled_start_time"]) for run in runs]
    assert (first.astimezone(UTC).hour, first.minute, first.second) == (17, 0, 0)
    assert second - first == timedelta(days=1)
    assert first > datetime.now(UTC)


def test_a_night_publishes_a_snapshot(night: Night) -> None:
    assert night.flow_run["state"]["type"] == "COMPLETED", night.flow_run["state"]["message"]
    snapshot = published(night.home)
    manifest = read_manifest(snapshot)
    assert corrupt_files(snapshot) == []
    assert manifest["counts"]["users"] == len(night.profiles)
    matches = read_frame(snapshot / "matches.parquet")
    assert len(matches) == sum(manifest["counts"]["matches"].values()) > 0
    assert set(matches["user_id"]) <= set(night.profiles["userId"])


def test_the_flow_run_carries_the_run_id(night: Night) -> None:
    run_id = published(night.home).name
    assert night.flow_run["name"] == run_id
    assert run_id in night.flow_run["tags"]
    assert run_id in night.flow_run["state"]["message"]


def test_each_stage_is_seen_as_a_task(prefect: Prefect, night: Night) -> None:
    of_night = {"id": {"any_": [night.flow_run["id"]]}}
    tasks = prefect.find("task_runs", flow_runs=of_night, sort="EXPECTED_START_TIME_ASC")
    assert [task["name"].rsplit("-", 1)[0] for task in tasks] == STAGES
    assert {task["state"]["type"] for task in tasks} == {"COMPLETED"}


def test_a_night_leaves_bars_and_a_table(prefect: Prefect, night: Night) -> None:
    of_night = {"flow_run_id": {"any_": [night.flow_run["id"]]}}
    artifacts = prefect.find("artifacts", artifacts=of_night)
    bars = {
        found["description"]: found["data"] for found in artifacts if "progress" in found["type"]
    }
    (table,) = [found["data"] for found in artifacts if found["type"] == "markdown"]
    assert bars["encoding texts"] == 100
    for stage in read_manifest(published(night.home))["stages"]:
        assert f"| {stage} |" in table
    assert "users: 200" in table


def test_each_stage_says_its_figures_in_the_log(prefect: Prefect, night: Night) -> None:
    of_night = {"flow_run_id": {"any_": [night.flow_run["id"]]}}

    def found() -> bool:
        messages = [line["message"] for line in prefect.find("logs", logs=of_night)]
        return any("prepare" in m and "'users': 200" in m for m in messages)

    assert eventually(found, "the log to arrive")


def test_a_wrong_form_is_refused_before_a_run_starts(prefect: Prefect) -> None:
    answer = prefect.trigger("nightly", {"polcy": "hertz.toml"})
    assert answer.status_code in (409, 422)
    assert "polcy" in answer.text


def test_a_run_on_a_held_home_says_who_holds_it(prefect: Prefect, night: Night) -> None:
    before = published(night.home)
    with locked_home(night.home, "20261122T170000Z-test"):
        state = prefect.run("generate-explanations", _without_source(night))["state"]
    assert state["type"] == "FAILED"
    assert state["message"].splitlines()[0].startswith(f"{night.home}: held by run 20261122T17")
    assert published(night.home) == before


def test_explanations_alone_are_a_snapshot_of_their_own(prefect: Prefect, night: Night) -> None:
    before = read_frame(published(night.home) / "matches.parquet")
    state = prefect.run("generate-explanations", _without_source(night))["state"]
    assert state["type"] == "COMPLETED", state["message"]
    assert len(list_snapshots(night.home)) == 2
    assert read_frame(published(night.home) / "matches.parquet").equals(before)


def test_a_second_start_is_told_of_the_first(prefect: Prefect, tmp_path: Path) -> None:
    second = start(prefect.environment, tmp_path / "output")
    assert second.wait(60) == 1
    assert "already running" in (tmp_path / "output").read_text(encoding="utf-8")


def test_a_taken_port_is_named(prefect: Prefect, tmp_path: Path) -> None:
    environment = prefect.environment | {"PREFECT_HOME": str(tmp_path / "another")}
    second = start(environment, tmp_path / "output")
    assert second.wait(60) == 1
    told = (tmp_path / "output").read_text(encoding="utf-8")
    assert f":{environment['PREFECT_SERVER_API_PORT']} is taken" in told


def test_ctrl_c_in_mid_run_leaves_no_process_and_the_old_snapshot(
    prefect: Prefect, night: Night, lost_run: str
) -> None:
    before = published(night.home)
    run_id = prefect.trigger("nightly", night.options).json()["id"]
    prefect.until(run_id, {"RUNNING"})
    prefect.stop()
    assert prefect.program.returncode == 0
    assert prefect.processes() == []
    assert published(night.home) == before
    with locked_home(night.home, "free again"):
        pass


def test_a_run_that_no_one_works_on_any_more_does_not_block_the_next_start(
    prefect: Prefect, night: Night, lost_run: str
) -> None:
    with started_prefect(prefect.home.parent) as again:
        state = again.run("embed-users", night.options)["state"]
        assert state["type"] == "COMPLETED", state["message"]
        assert again.until(lost_run, {"CRASHED"})["state"]["message"]


def test_prefect_keeps_nothing_out_of_a_profile(prefect: Prefect, night: Night) -> None:
    kept = b"".join(path.read_bytes() for path in prefect.home.rglob("*") if path.is_file())
    kept += prefect.output.read_bytes()
    bios = [bio for bio in night.profiles["bio"] if bio]
    assert len(bios) > 100
    for bio in bios:
        assert bio.encode() not in kept
        assert json.dumps(bio).encode()[1:-1] not in kept


@pytest.fixture(scope="module")
def lost_run(prefect: Prefect, night: Night) -> str:
    """A run of embed-users that holds the deployment's only place, and whose worker is gone."""
    next_year = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}}
    run_id: str = prefect.trigger("embed-users", night.options, next_year).json()["id"]
    pending = {"state": {"type": "PENDING"}}
    assert (
        prefect.call("POST", f"/flow_runs/{run_id}/set_state", pending).json()["status"] == "ACCEPT"
    )
    return run_id


def _without_source(night: Night) -> dict[str, str]:
    return {name: night.options[name] for name in ("policy", "home")}
