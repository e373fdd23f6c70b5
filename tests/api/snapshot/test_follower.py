from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from hertz.api.snapshot.follower import SnapshotFollower
from hertz.policy.model import Policy
from hertz.storage.files import write_text
from hertz.storage.snapshot.serving import SERVING_FILE
from hertz.storage.snapshot.snapshots import rollback
from tests.api.servers import SERVE, eventually, served_home
from tests.storage.runs import publish_frames, random_frames

IDS = list(range(1, 51))
SHIFT = 1000
RUNS = [f"20261122T17000{n}Z-000{n}" for n in range(6)]


def publish_run(home: Path, policy: Policy, number: int) -> Path:
    """Publishes a snapshot whose lists have ids of its own, from SHIFT x number on."""
    frames = random_frames(policy, IDS, seed=number, shift=SHIFT * number)
    return publish_frames(home, policy, RUNS[number], frames)


def snapshot_of(client: httpx.Client) -> str:
    return str(client.get("/health").json()["snapshot"])


def ids_in(answer: httpx.Response) -> list[int]:
    body = answer.json()
    if "matches" in body:
        assert body["snapshot"] == answer.headers["x-hertz-snapshot"]
        return [entry["userId"] for entry in body["matches"]]
    found: list[int] = body["data"]["userIdList"]
    return found


class ReadingThread(threading.Thread):
    """Reads without a pause and records every answer that fails or mixes snapshots."""

    def __init__(self, url: httpx.URL, user: int, stop: threading.Event) -> None:
        super().__init__()
        self.url = url
        self.user = user
        self.stop = stop
        self.seen: set[str] = set()
        self.wrong: list[str] = []
        self.answers = 0

    def run(self) -> None:
        paths = (f"/matches/{self.user}", f"/api/v1/tuning?userId={self.user}")
        with httpx.Client(base_url=self.url, timeout=20) as client:
            while not self.stop.is_set():
                for path in paths:
                    self.read(client, path)

    def read(self, client: httpx.Client, path: str) -> None:
        answer = client.get(path)
        self.answers += 1
        if answer.status_code != 200:
            self.wrong.append(f"{path}: {answer.status_code} {answer.text}")
            return
        snapshot = answer.headers["x-hertz-snapshot"]
        self.seen.add(snapshot)
        of_ids = {RUNS[(other - 1) // SHIFT] for other in ids_in(answer)}
        if of_ids != {snapshot}:
            self.wrong.append(f"{path}: names {snapshot}, its ids are of {of_ids}")


def test_readers_move_to_each_new_snapshot_without_a_failed_or_torn_answer(
    tmp_path: Path, service_policy: Policy
) -> None:
    publish_run(tmp_path, service_policy, 0)
    with served_home(tmp_path) as client:
        stop = threading.Event()
        threads = [ReadingThread(client.base_url, user, stop) for user in (1, 2, 30, 49)]
        for thread in threads:
            thread.start()
        try:
            eventually(lambda: all(RUNS[0] in thread.seen for thread in threads))
            for number in range(1, len(RUNS)):
                run = publish_run(tmp_path, service_policy, number).name
                eventually(lambda run=run: all(run in thread.seen for thread in threads))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert [wrong for thread in threads for wrong in thread.wrong] == []
    assert all(thread.seen == set(RUNS) for thread in threads)


def test_a_rollback_is_followed_too(tmp_path: Path, service_policy: Policy) -> None:
    publish_run(tmp_path, service_policy, 0)
    publish_run(tmp_path, service_policy, 1)
    with served_home(tmp_path) as client:
        assert snapshot_of(client) == RUNS[1]
        rollback(tmp_path)
        eventually(lambda: snapshot_of(client) == RUNS[0])


def test_the_first_snapshot_is_served_without_a_restart(
    tmp_path: Path, service_policy: Policy
) -> None:
    with served_home(tmp_path) as client:
        assert client.get("/health").status_code == 503
        publish_run(tmp_path, service_policy, 0)
        eventually(lambda: client.get("/health").status_code == 200)
        assert client.get("/matches/1").status_code == 200


def test_the_last_good_snapshot_is_served_and_health_says_so(
    tmp_path: Path, service_policy: Policy
) -> None:
    publish_run(tmp_path, service_policy, 0)
    with served_home(tmp_path) as client:
        write_text(tmp_path / "CURRENT", "20991231T000000Z-ffff")
        eventually(lambda: client.get("/health").json()["notes"])
        health = client.get("/health")
        assert health.status_code == 200
        assert health.json()["snapshot"] == RUNS[0]
        assert "20991231T000000Z-ffff" in health.json()["notes"][0]
        assert client.get("/matches/1").json()["snapshot"] == RUNS[0]
        write_text(tmp_path / "CURRENT", RUNS[0])
        eventually(lambda: client.get("/health").json()["notes"] == [])


def flip_a_byte(snapshot: Path) -> None:
    content = bytearray((snapshot / SERVING_FILE).read_bytes())
    content[len(content) // 2] ^= 0x10
    (snapshot / SERVING_FILE).write_bytes(content)


def cut_short(snapshot: Path) -> None:
    content = (snapshot / SERVING_FILE).read_bytes()
    (snapshot / SERVING_FILE).write_bytes(content[: len(content) // 2])


def unlist(snapshot: Path) -> None:
    manifest = snapshot / "manifest.json"
    text = manifest.read_text(encoding="utf-8").replace(SERVING_FILE.as_posix(), "other")
    manifest.write_text(text, encoding="utf-8")


DAMAGES = {
    "flipped byte": (flip_a_byte, "checksum"),
    "cut short": (cut_short, "checksum"),
    "empty file": (lambda s: (s / SERVING_FILE).write_bytes(b""), "checksum"),
    "no serving file": (lambda s: (s / SERVING_FILE).unlink(), "lists.lmdb"),
    "no manifest": (lambda s: (s / "manifest.json").unlink(), "not a snapshot"),
    "manifest of lists": (lambda s: (s / "manifest.json").write_bytes(b"[]"), "manifest"),
    "manifest is no JSON": (lambda s: (s / "manifest.json").write_bytes(b"{"), "manifest"),
    "manifest lacks keys": (
        lambda s: (s / "manifest.json").write_bytes(b'{"schema_version": 1}'),
        "run_id",
    ),
    "file not listed": (unlist, "does not list"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_snapshot_leaves_the_last_good_one_in_place(
    tmp_path: Path, service_policy: Policy, damage: str
) -> None:
    do_damage, problem = DAMAGES[damage]
    publish_run(tmp_path, service_policy, 0)
    follower = SnapshotFollower(tmp_path)
    follower.refresh()
    assert follower.problem is None
    do_damage(publish_run(tmp_path, service_policy, 1))
    follower.refresh()
    assert problem in str(follower.problem)
    follower.refresh()
    assert problem in str(follower.problem), "a problem stays until it is mended"
    assert follower.served is not None
    assert follower.served.manifest.run_id == RUNS[0]
    assert follower.served.reader.has_user(1)
    publish_run(tmp_path, service_policy, 2)
    follower.refresh()
    assert (follower.problem, follower.served.manifest.run_id) == (None, RUNS[2])


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_snapshot_alone_is_not_served(
    tmp_path: Path, service_policy: Policy, damage: str
) -> None:
    do_damage, problem = DAMAGES[damage]
    do_damage(publish_run(tmp_path, service_policy, 0))
    follower = SnapshotFollower(tmp_path)
    follower.refresh()
    assert follower.served is None
    assert problem in str(follower.problem)


def test_a_repaired_snapshot_is_served(tmp_path: Path, service_policy: Policy) -> None:
    file = publish_run(tmp_path, service_policy, 0) / SERVING_FILE
    whole = file.read_bytes()
    file.write_bytes(whole[:5000])
    follower = SnapshotFollower(tmp_path)
    follower.refresh()
    assert follower.served is None
    file.write_bytes(whole)
    follower.refresh()
    assert follower.served is not None
    assert follower.problem is None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a\x00b", b"../..", b"x" * 5000])
def test_a_current_file_that_names_no_snapshot_is_a_problem(
    tmp_path: Path, service_policy: Policy, content: bytes
) -> None:
    publish_run(tmp_path, service_policy, 0)
    follower = SnapshotFollower(tmp_path)
    follower.refresh()
    (tmp_path / "CURRENT").write_bytes(content)
    follower.refresh()
    assert follower.problem
    assert follower.served is not None


def test_an_old_snapshot_is_closed_with_its_last_request(
    tmp_path: Path, service_policy: Policy
) -> None:
    old = publish_run(tmp_path, service_policy, 0)
    follower = SnapshotFollower(tmp_path)
    follower.refresh()
    in_use = follower.served
    assert in_use is not None
    publish_run(tmp_path, service_policy, 1)
    follower.refresh()
    assert in_use.reader.match_ids("friend", 1, 100)
    assert str(old) in mapped_files()
    del in_use
    assert str(old) not in mapped_files()


def mapped_files() -> str:
    return Path("/proc/self/maps").read_text(encoding="utf-8")


def test_health_says_when_current_is_not_followed_any_more(tmp_path: Path) -> None:
    async def follow_and_stop(follower: SnapshotFollower) -> None:
        task = asyncio.create_task(follower.follow())
        await follower.first_check.wait()
        task.cancel()
        await asyncio.wait([task])

    follower = SnapshotFollower(tmp_path)
    asyncio.run(follow_and_stop(follower))
    assert "no longer followed" in str(follower.problem)


def test_a_copied_home_is_checked_and_served(tmp_path: Path, service_policy: Policy) -> None:
    publish_run(tmp_path / "home", service_policy, 0)
    copy = shutil.copytree(tmp_path / "home", tmp_path / "copy")
    follower = SnapshotFollower(copy)
    follower.refresh()
    assert (follower.problem, follower.served is None) == (None, False)


def test_a_home_copied_in_part_is_not_served_until_it_is_whole(
    tmp_path: Path, service_policy: Policy
) -> None:
    file = publish_run(tmp_path / "home", service_policy, 0) / SERVING_FILE
    copy = shutil.copytree(tmp_path / "home", tmp_path / "copy")
    target = copy / file.relative_to(tmp_path / "home")
    content = file.read_bytes()
    with target.open("r+b") as part:  # as large as it will be, but not yet written to the end
        part.truncate(len(content) // 2)
        part.truncate(len(content))
    with served_home(copy) as client:
        assert client.get("/matches/1").status_code == 503
        assert client.get("/ready").status_code == 503
        health = client.get("/health")
        assert health.status_code == 503
        assert "lists.lmdb" in health.json()["reason"]
        assert str(tmp_path) not in health.text
        target.write_bytes(content)
        eventually(lambda: client.get("/ready").status_code == 200)
        assert client.get("/matches/1").status_code == 200


def test_two_servers_of_one_home_answer_alike_and_both_follow(
    tmp_path: Path, service_policy: Policy
) -> None:
    publish_run(tmp_path, service_policy, 0)
    command = [sys.executable, "-c", SERVE, str(tmp_path)]
    with served_home(tmp_path) as one, subprocess.Popen(command, stderr=subprocess.PIPE) as other:
        try:
            assert other.stderr
            lines = iter(lambda: other.stderr.readline().decode(), "")  # type: ignore[union-attr]
            url = next(found[0] for line in lines if (found := re.search(r"http://[\d.:]+", line)))
            for number in (0, 1):
                eventually(lambda n=number: snapshot_of(one) == RUNS[n])
                eventually(
                    lambda n=number: httpx.get(f"{url}/health").json()["snapshot"] == RUNS[n]
                )
                assert httpx.get(f"{url}/matches/2").content == one.get("/matches/2").content
                if number == 0:
                    publish_run(tmp_path, service_policy, 1)
        finally:
            other.send_signal(signal.SIGINT)


def test_requests_are_answered_during_a_long_check(tmp_path: Path, service_policy: Policy) -> None:
    file = publish_run(tmp_path, service_policy, 0) / SERVING_FILE
    whole = file.read_bytes()
    file.unlink()
    os.mkfifo(file)  # reading it lasts until someone has written it
    with served_home(tmp_path) as client:
        ready = client.get("/ready")
        assert ready.status_code == 503
        assert "checked" in ready.json()["reason"]
        assert client.get("/matches/1").status_code == 503
        file.write_bytes(b"something else")
        eventually(lambda: "checksum" in client.get("/ready").json()["reason"])
        file.unlink()
        file.write_bytes(whole)
        eventually(lambda: client.get("/ready").status_code == 200)
