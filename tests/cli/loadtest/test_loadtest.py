"""`hertz loadtest` against a real server that only records registrations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, Request

from hertz.api.app import create_app
from hertz.cli.loadtest.report import compare, p_value
from hertz.policy.model import Policy
from hertz.storage.load_tests import FOLDER
from tests.api.servers import served_app
from tests.cli.commands import Done, hertz, started
from tests.storage.runs import publish_frames, random_frames

RUN = "20261122T170000Z-0001"
ROUND = {"avg_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms"}


class Members:
    """Records registrations and deletions."""

    def __init__(self) -> None:
        self.registered: list[dict[str, Any]] = []
        self.deleted: list[int] = []

    async def register(self, request: Request) -> dict[str, Any]:
        self.registered.append(await request.json())
        return {"code": "EMBEDDING_REGISTER_SUCCESS", "data": None}

    async def delete(self, request: Request) -> dict[str, Any]:
        self.deleted.append(int(request.path_params["user_id"]))
        return {"code": "EMBEDDING_DELETE_SUCCESS", "data": None}


@pytest.fixture
def members() -> Members:
    return Members()


@pytest.fixture
def url(tmp_path: Path, service_policy: Policy, members: Members) -> Iterator[str]:
    frames = random_frames(service_policy, list(range(1, 51)))
    publish_frames(tmp_path, service_policy, RUN, frames)
    app: FastAPI = create_app(tmp_path)
    app.add_api_route("/api/v3/users", members.register, methods=["POST"])
    app.add_api_route("/api/v3/users/{user_id}", members.delete, methods=["DELETE"])
    with served_app(app) as client:
        yield str(client.base_url)


def loadtest(home: Path, *options: str) -> Done:
    return hertz("loadtest", "--home", home, *options)


def test_both_tests_are_shown_stored_and_drawn(tmp_path: Path, url: str, members: Members) -> None:
    done = started("loadtest", "--home", tmp_path, "--url", url, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for test in ("registration", "recommendation"):
        assert set(found[test]) == {"first", "second", "second_over_first"}
        assert set(found[test]["first"]) == set(found[test]["second"]) == ROUND
        first, second = found[test]["first"]["avg_ms"], found[test]["second"]["avg_ms"]
        assert found[test]["second_over_first"] == pytest.approx(second / first, abs=0.01)
    assert found["failed"] == {}
    assert found["comparison"] == {}
    kept = list((tmp_path / FOLDER).iterdir())
    assert sorted(path.suffix for path in kept) == [".json", ".png"]
    times = json.loads(Path(found["stored"]).read_text())["times_ms"]["registration"]
    assert len(times["first"]) == len(times["second"]) == 30
    sent = [body["userId"] for body in members.registered]
    assert len(set(sent)) == 60
    assert sorted(members.deleted) == sorted(sent)
    assert all(body["personality"] and body["MBTI"] for body in members.registered)


@pytest.mark.slow
def test_a_second_run_is_compared_and_its_ids_are_new(
    tmp_path: Path, url: str, members: Members
) -> None:
    first = loadtest(tmp_path, "--url", url, "--keep-users")
    assert first.returncode == 0, first.stderr
    assert members.deleted == []
    second = loadtest(tmp_path, "--url", url, "--seconds", "0.4", "--clients", "2")
    assert second.returncode == 0, second.stderr
    assert "permutation test" in second.stdout
    assert "sustained recommendation" in second.stdout
    name = sorted(path.stem for path in (tmp_path / FOLDER).glob("*.json"))[0]
    assert f"registration against {name}" in second.stdout
    sent = [body["userId"] for body in members.registered]
    assert len(set(sent)) == len(sent)
    assert len(sent) > 120
    assert sorted(members.deleted) == sorted(sent[60:])
    third = loadtest(tmp_path, "--url", url, "--against", name, "--json")
    assert json.loads(third.stdout)["comparison"]["with"] == name
    unknown = loadtest(tmp_path, "--url", url, "--against", "yesterday")
    assert unknown.returncode == 1
    assert name in unknown.stderr


def test_a_server_that_is_not_there_is_one_clear_message(tmp_path: Path) -> None:
    done = loadtest(tmp_path, "--url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "hertz serve" in done.stderr
    assert "Traceback" not in done.stderr


def test_noise_is_no_significant_change_and_a_shift_is_one() -> None:
    rng = np.random.default_rng(1)
    before, same = rng.gamma(4, 1, (2, 60)).tolist()
    assert compare(before, same)["verdict"] == "no significant change"
    assert compare(before, [t * 1.6 for t in same])["verdict"] == "significantly slower"
    assert compare(before, [t / 1.6 for t in same])["verdict"] == "significantly faster"


def test_false_alarms_are_as_rare_as_the_p_value_says() -> None:
    rng = np.random.default_rng(2)
    ps = [p_value(*rng.gamma(4, 1, (2, 20)).tolist()) for _ in range(100)]
    assert sum(p < 0.05 for p in ps) <= 12
    assert p_value([1.0] * 5, [1.0] * 5) == 1.0
