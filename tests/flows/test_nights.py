"""Nights through a real Prefect server and worker, started as `make prefect` starts them.

The tests share one server and one published night, and each continues where the one before ended:
the test that stops the server is among the last.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from hertz.embedding.texts import profile_texts
from hertz.flows.server.automations import EXPLANATIONS, LOST_RUNS
from hertz.policy.model import Policy
from hertz.storage.files import read_frame, write_frame
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import (
    BUILDING,
    HELD,
    corrupt_files,
    list_held,
    list_snapshots,
    locked_home,
    rollback,
)
from hertz.storage.snapshot.snapshots import published_snapshot as published
from tests.conftest import ROOT
from tests.flows.conftest import Night
from tests.flows.servers import FINAL, Prefect, eventually, start, started_prefect

pytestmark = pytest.mark.slow
NAMES = {
    *("nightly", "on-demand", "embed-users", "re-embed", "recompute-similarity"),
    *("generate-explanations", "forget", "rollback", "cleanup"),
}
STAGES = ["check_model", "prepare", "embed", "recompute", "explain", "publish_run"]


def test_all_flows_are_deployed(prefect: Prefect) -> None:
    assert {found["name"] for found in prefect.find("deployments")} == NAMES


def test_the_next_nights_are_scheduled_at_two_in_seoul(prefect: Prefect) -> None:
    scheduled = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}, "limit": 2}
    query = scheduled | {"flows": {"name": {"any_": ["nightly"]}}}
    runs = eventually(
        lambda: prefect.find("flow_runs", **query, sort="NEXT_SCHEDULED_START_TIME_ASC"),
        "nights to be scheduled",
    )
    first, second = [datetime.fromisoformat(run["next_scheduled_start_time"]) for run in runs]
    assert (first.astimezone(UTC).hour, first.minute, first.second) == (17, 0, 0)
    assert second - first == timedelta(days=1)
    assert first > datetime.now(UTC) - timedelta(minutes=5)  # or it waits for a worker by now


def test_a_night_publishes_a_snapshot(night: Night) -> None:
    assert night.flow_run["state"]["type"] == "COMPLETED", night.flow_run["state"]["message"]
    snapshot = published(night.home)
    manifest = read_manifest(snapshot)
    assert corrupt_files(snapshot) == []
    assert manifest.counts.users == len(night.profiles)
    matches = read_frame(snapshot / "matches.parquet")
    assert len(matches) == sum(manifest.counts.matches.values()) > 0
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
    for stage in read_manifest(published(night.home)).stages.seconds:
        assert f"| {stage} |" in table
    assert "users: 60" in table


def test_each_stage_says_its_figures_in_the_log(prefect: Prefect, night: Night) -> None:
    of_night = {"flow_run_id": {"any_": [night.flow_run["id"]]}}

    def found() -> bool:
        messages = [line["message"] for line in prefect.find("logs", logs=of_night)]
        return any("prepare" in m and "'users': 60" in m for m in messages)

    assert eventually(found, "the log to arrive")


def test_a_wrong_form_is_refused_before_a_run_starts(prefect: Prefect) -> None:
    answer = prefect.trigger("nightly", {"polcy": "hertz.toml"})
    assert answer.status_code in (409, 422)
    assert "polcy" in answer.text


def test_runs_of_different_deployments_queue_for_one_home(prefect: Prefect, night: Night) -> None:
    known = len(prefect.find("flow_runs"))
    first = prefect.trigger("recompute-similarity", night.options).json()["id"]
    second = prefect.trigger("on-demand", night.options).json()["id"]
    runs = [prefect.until(run, FINAL) for run in (first, second)]
    assert [run["state"]["type"] for run in runs] == ["COMPLETED", "COMPLETED"]
    one, other = sorted(runs, key=lambda run: run["start_time"])
    assert one["end_time"] <= other["start_time"]
    assert other["name"] in other["state"]["message"]
    assert len(prefect.find("flow_runs")) > known + 1


def test_a_completed_recompute_is_explained_by_itself(prefect: Prefect, night: Night) -> None:
    query = {"flows": {"name": {"any_": ["generate-explanations"]}}}
    (run,) = eventually(lambda: prefect.find("flow_runs", **query), "the automation")
    ended = prefect.until(run["id"], FINAL)
    assert ended["state"]["type"] == "COMPLETED", ended["state"]["message"]
    assert ended["parameters"]["options"]["home"] == str(night.home)
    assert read_manifest(published(night.home)).stages.recompute.adopted


def test_a_run_waits_for_the_holder_of_the_home(prefect: Prefect, night: Night) -> None:
    with locked_home(night.home, "20261122T170000Z-test"):
        run_id = prefect.trigger("cleanup", night.here | {"keep": 2}).json()["id"]
        of_run = {"flow_run_id": {"any_": [run_id]}}

        def is_logged() -> bool:
            lines = [line["message"] for line in prefect.find("logs", logs=of_run)]
            return any("held by run 20261122T170000Z-test" in line for line in lines)

        eventually(is_logged, "the run to log the holder")
    state = prefect.until(run_id, FINAL)["state"]
    assert state["type"] == "COMPLETED", state["message"]
    assert len(list_snapshots(night.home)) == 2
    assert published(night.home) in list_snapshots(night.home)


def test_rollback_in_the_ui(prefect: Prefect, night: Night) -> None:
    older, newer = list_snapshots(night.home)
    assert prefect.run("rollback", night.here)["state"]["type"] == "COMPLETED"
    assert published(night.home) == older
    rollback(night.home, newer.name)


def test_a_forgotten_user_is_found_nowhere(prefect: Prefect, night: Night) -> None:
    user = int(night.profiles["userId"][3])
    done = prefect.run("forget", night.here | {"user_id": user})
    assert done["state"]["type"] == "COMPLETED", done["state"]["message"]
    users = read_frame(published(night.home) / "users.parquet")
    assert user not in users["user_id"]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("forget", {"user_id": 0}),
        ("forget", {}),
        ("cleanup", {"keep": 0}),
        ("rollback", {"run_id": "../.."}),
        ("nightly", {"explanations": "poet"}),
        ("generate-explanations", {"budget": -1}),
    ],
)
def test_a_value_out_of_bounds_is_refused_before_a_run_starts(
    prefect: Prefect, name: str, wrong: dict[str, object]
) -> None:
    answer = prefect.trigger(name, wrong)
    assert answer.status_code in (409, 422), answer.text


def test_the_automations_are_there_once_and_stay_off_if_switched_off(prefect: Prefect) -> None:
    found = {a["name"]: a for a in prefect.find("automations")}
    assert set(found) == {EXPLANATIONS, LOST_RUNS}
    assert len(prefect.find("automations")) == 2
    off = prefect.call("PATCH", f"/automations/{found[EXPLANATIONS]['id']}", {"enabled": False})
    assert off.is_success
    address = f"http://127.0.0.1:{prefect.environment['PREFECT_SERVER_API_PORT']}/api"
    environment = prefect.environment | {"PREFECT_API_URL": address}
    command = [
        sys.executable,
        "-c",
        "from hertz.flows.server.automations import *; create_automations()",
    ]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    again = {a["name"]: a["enabled"] for a in prefect.find("automations")}
    assert again == {EXPLANATIONS: False, LOST_RUNS: True}


def test_a_failed_gate_fails_the_run_with_the_reason_in_its_first_line(
    prefect: Prefect, night: Night
) -> None:
    before = published(night.home)
    policy = Path(night.options["policy"])
    strict, few = policy.with_name("strict.toml"), policy.with_name("few.parquet")
    text = policy.read_text(encoding="utf-8")
    strict.write_text(text.replace("[policy.gate]", "[policy.gate]\nsmallest = 10"), "utf-8")
    write_frame(night.profiles.head(30), few)
    options = night.options | {"policy": str(strict), "source": str(few)}
    run = prefect.run("on-demand", options)
    first = run["state"]["message"].splitlines()[0]
    assert run["state"]["type"] == "FAILED"
    assert first.startswith(f"run {run['name']} is held, not published: ")
    assert published(night.home) == before
    assert [folder.name for folder in list_held(night.home)] == [f"{HELD}{run['name']}"]
    of_run = {"flow_run_id": {"any_": [run["id"]]}}
    (report,) = prefect.find("artifacts", artifacts=of_run | {"type": {"any_": ["markdown"]}})
    assert run["name"] in report["data"]


def test_a_killed_run_is_followed_by_one_that_publishes(prefect: Prefect, night: Night) -> None:
    run_id = in_mid_run(prefect, night)
    for process in prefect.run_processes(run_id):
        process.kill()
    assert prefect.until(run_id, FINAL)["state"]["type"] == "CRASHED"
    assert_next_run_publishes(prefect, night)


def test_a_run_outlives_its_killed_worker(prefect: Prefect, night: Night) -> None:
    run_id = in_mid_run(prefect, night)
    prefect.kill("worker", "start")
    state = prefect.until(run_id, FINAL)["state"]
    assert state["type"] == "COMPLETED", state["message"]
    assert_next_run_publishes(prefect, night)


def test_a_run_outlives_a_killed_server(prefect: Prefect, night: Night) -> None:
    run_id = in_mid_run(prefect, night)
    prefect.kill("server", "start")
    eventually(lambda: _answers(prefect), "the server to be back")
    state = prefect.until(run_id, FINAL)["state"]
    assert state["type"] == "COMPLETED", state["message"]
    assert_next_run_publishes(prefect, night)


def in_mid_run(prefect: Prefect, night: Night) -> str:
    """A run that holds the home and has not published yet."""
    options = night.options | {"then_explain": False, "full": True}
    run_id: str = prefect.trigger("recompute-similarity", options).json()["id"]
    eventually(lambda: (night.home / "holder").exists(), "the run to hold the home")
    return run_id


def assert_next_run_publishes(prefect: Prefect, night: Night) -> None:
    run = prefect.run("on-demand", night.options)
    assert run["state"]["type"] == "COMPLETED", run["state"]["message"]
    snapshot = published(night.home)
    assert snapshot.name == run["name"]
    assert corrupt_files(snapshot) == []
    assert list((night.home / "snapshots").glob(f"{BUILDING}*")) == []


def _answers(prefect: Prefect) -> bool:
    try:
        return prefect.call("GET", "/health").is_success
    except httpx.TransportError:
        return False


def test_a_second_start_names_the_first(prefect: Prefect, tmp_path: Path) -> None:
    second = start(prefect.environment, tmp_path / "output")
    assert second.wait(60) == 1
    assert "already running" in (tmp_path / "output").read_text(encoding="utf-8")


def test_a_taken_port_is_named(prefect: Prefect, tmp_path: Path) -> None:
    environment = prefect.environment | {"PREFECT_HOME": str(tmp_path / "another")}
    second = start(environment, tmp_path / "output")
    assert second.wait(60) == 1
    printed = (tmp_path / "output").read_text(encoding="utf-8")
    assert f":{environment['PREFECT_SERVER_API_PORT']} is taken" in printed


def test_ctrl_c_in_mid_run_leaves_no_process_and_the_old_snapshot(
    prefect: Prefect, night: Night, request: pytest.FixtureRequest
) -> None:
    before = published(night.home)
    run_id = prefect.trigger("nightly", night.options).json()["id"]
    prefect.until(run_id, {"RUNNING"})
    request.getfixturevalue("lost_run")  # not before: it holds the queue
    prefect.stop()
    assert prefect.program.returncode == 0
    assert prefect.processes() == []
    assert published(night.home) == before
    with locked_home(night.home, "free again"):
        pass


def test_a_run_whose_worker_is_gone_does_not_block_the_next_start(
    prefect: Prefect, night: Night, lost_run: str
) -> None:
    prefect.stop()
    with started_prefect(prefect.home.parent) as again:
        state = again.run("embed-users", night.options)["state"]
        assert state["type"] == "COMPLETED", state["message"]
        assert again.until(lost_run, {"CRASHED"})["state"]["message"]


def test_nothing_of_a_profile_is_in_any_log_artifact_parameter_or_database(
    prefect: Prefect, night: Night, service_policy: Policy
) -> None:
    files = [path for path in prefect.home.rglob("*") if path.is_file()]
    assert {"prefect.db", "server.log"} <= {path.name for path in files}
    kept = b"".join(path.read_bytes() for path in [*files, prefect.output])
    assert published(night.home).name.encode() in kept  # what is there is found
    users = read_frame(published(night.home) / "users.parquet")
    bios = [bio for bio in night.profiles["bio"] if bio]
    texts = {*bios, *profile_texts(service_policy, users)} - {""}
    assert len(bios) > 30
    assert len(texts) > len(bios)
    spelled = {form for text in texts for form in (text.encode(), json.dumps(text).encode()[1:-1])}
    assert [form.decode() for form in spelled if form in kept] == []


@pytest.fixture(scope="session")
def lost_run(prefect: Prefect, night: Night) -> str:
    """A run of embed-users that holds the queue's only place, and whose worker is gone."""
    next_year = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}}
    run_id: str = prefect.trigger("embed-users", night.options, next_year).json()["id"]
    pending = {"state": {"type": "PENDING"}}
    assert (
        prefect.call("POST", f"/flow_runs/{run_id}/set_state", pending).json()["status"] == "ACCEPT"
    )
    return run_id
