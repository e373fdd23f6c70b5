"""The write routes over HTTP: codes, shapes, durability, order, and what reads make of them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hertz.api.app import create_app
from hertz.api.schemas import ErrorAnswer, IntakeAnswer, InvalidAnswer
from hertz.policy.model import Policy
from hertz.storage.intake.events import Request
from hertz.storage.intake.queue import Intake
from hertz.storage.snapshot.snapshots import rollback
from tests.api.profiles import IDS, listed, profile, publish_users, served_users
from tests.api.servers import eventually, served_app, served_home
from tests.nights import ROOT

REGISTERED = {"code": "EMBEDDING_REGISTER_SUCCESS", "data": None}
NOBODY = 900_000_001


@pytest.fixture
def client(tmp_path: Path, service_policy: Policy) -> Iterator[httpx.Client]:
    with served_users(tmp_path, service_policy) as client:
        yield client


def kinds(home: Path) -> list[tuple[str, int]]:
    with Intake(home) as intake:
        return [(event.kind, event.user_id) for event in intake.events(0)]


def details(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422
    error = InvalidAnswer.model_validate(answer.json()).error
    return [(detail.field, detail.type) for detail in error.details]


@pytest.mark.parametrize("path", ["/api/v1/users", "/api/v3/users"])
def test_a_new_user_is_registered_and_pending(
    client: httpx.Client, tmp_path: Path, path: str
) -> None:
    answer = client.post(path, json=profile(1001))
    assert (answer.status_code, answer.json()) == (200, REGISTERED)
    IntakeAnswer.model_validate(answer.json())
    assert kinds(tmp_path) == [("register", 1001)]
    for old in ("/api/v1/tuning?userId=1001", "/api/v3/tuning?userId=1001&category=couple"):
        pending = client.get(old)
        expected = {"code": "TUNING_PENDING", "data": None}
        assert (pending.status_code, pending.json()) == (200, expected)
    body = client.get("/matches/1001").json()
    assert (body["status"], body["matches"]) == ("pending", [])


def test_an_id_that_exists_is_a_conflict(client: httpx.Client, tmp_path: Path) -> None:
    client.post("/api/v3/users", json=profile(1001))
    for known in (1001, 7):
        answer = client.post("/api/v3/users", json=profile(known))
        expected = {"code": "EMBEDDING_CONFLICT_DUPLICATE_ID", "data": None}
        assert (answer.status_code, answer.json()) == (409, expected)
    assert kinds(tmp_path) == [("register", 1001)]


def test_every_problem_of_a_profile_is_in_one_answer(client: httpx.Client, tmp_path: Path) -> None:
    wrong = profile(
        0,
        gender="XX",
        MBTI=None,
        hobbies=[],
        pets=["DOG", "DRAGON"],
        religion=5,
        likedSports="BASEBALL",
        bio="x" * 2001,
        blockedUserIds=[1, "a"],
    )
    answer = client.post("/api/v1/users", json=wrong)
    assert sorted(details(answer)) == [
        ("MBTI", "missing"),
        ("bio", "string_too_long"),
        ("blockedUserIds", "list_type"),
        ("gender", "enum"),
        ("hobbies", "missing"),
        ("likedSports", "list_type"),
        ("pets", "enum"),
        ("religion", "string_type"),
        ("userId", "greater_than_equal"),
    ]
    assert "FEMALE" in answer.text
    assert "xxxx" not in answer.text, "free text is never repeated"
    assert kinds(tmp_path) == []


@pytest.mark.parametrize("user", [0, -1, "a", 1.5, None, True, 2**63, [1]])
def test_an_invalid_id_is_refused(client: httpx.Client, user: object) -> None:
    answer = client.post("/api/v3/users", json={**profile(1), "userId": user})
    assert [field for field, _ in details(answer)] == ["userId"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"userId":NaN}']
)
def test_a_body_that_is_not_an_object_is_refused(client: httpx.Client, body: bytes) -> None:
    assert details(client.post("/api/v3/users", content=body))[0][0] == "(body)"


def test_a_profile_is_replaced_whole(client: httpx.Client, tmp_path: Path) -> None:
    answer = client.put("/api/v3/users/7", json=profile(7, bio="새 소개"))
    assert answer.json() == {"code": "EMBEDDING_UPDATE_SUCCESS", "data": None}
    assert client.put("/api/v3/users/7", json={**profile(7), "userId": None}).status_code == 422
    without = profile(7)
    del without["userId"]
    assert client.put("/api/v3/users/7", json=without).status_code == 200
    assert details(client.put("/api/v3/users/7", json=profile(8))) == [("userId", "value_error")]
    with Intake(tmp_path) as intake:
        latest = intake.fold(intake.last_sequence()).profiles
    assert [(p.user_id, p.columns["userId"], "bio" in p.columns) for p in latest] == [(7, 7, False)]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("PUT", "/api/v3/users/900000001", "EMBEDDING_UPDATE_NOT_FOUND_USER"),
        ("DELETE", "/api/v2/users/900000001", "EMBEDDING_DELETE_NOT_FOUND_USER"),
        ("DELETE", "/api/v3/users/900000001", "EMBEDDING_DELETE_NOT_FOUND_USER"),
        ("POST", "/blocks/900000001/1", "BLOCK_NOT_FOUND_USER"),
        ("DELETE", "/blocks/900000001/1", "UNBLOCK_NOT_FOUND_USER"),
    ],
)
def test_an_unknown_user_is_not_found(
    client: httpx.Client, tmp_path: Path, method: str, path: str, code: str
) -> None:
    body = profile(NOBODY) if method == "PUT" else None
    answer = client.request(method, path, json=body)
    assert (answer.status_code, answer.json()) == (404, {"code": code, "data": None})
    ErrorAnswer.model_validate(answer.json())
    assert kinds(tmp_path) == []


@pytest.mark.parametrize("path", ["/api/v2/users/{}", "/api/v3/users/{}", "/blocks/{}/7"])
@pytest.mark.parametrize("user", ["0", "-1", "abc", "1.5", str(2**63), "9" * 400])
def test_a_path_without_a_valid_id_is_refused(client: httpx.Client, path: str, user: str) -> None:
    assert details(client.delete(path.format(user)))[0][0] == "userId"


def test_one_cannot_block_oneself(client: httpx.Client) -> None:
    assert details(client.post("/blocks/7/7")) == [("otherId", "value_error")]


def test_a_deleted_user_is_in_no_answer_at_once(client: httpx.Client) -> None:
    gone = listed(client, 1)[0]
    showing = [user for user in IDS[:-1] if gone in listed(client, user)]
    assert len(showing) > 1
    answer = client.delete(f"/api/v3/users/{gone}")
    assert answer.json() == {"code": "EMBEDDING_DELETE_SUCCESS", "data": None}
    assert [user for user in showing if user != gone and gone in listed(client, user)] == []
    entries = client.get("/matches/1").json()["matches"]
    assert gone not in [entry["userId"] for entry in entries]
    for path in (f"/api/v1/tuning?userId={gone}", f"/matches/{gone}"):
        assert client.get(path).status_code == 404
    assert client.delete(f"/api/v3/users/{gone}").status_code == 404
    assert client.put(f"/api/v3/users/{gone}", json=profile(gone)).status_code == 404


def test_a_user_who_registers_again_after_a_deletion_is_pending_and_not_shown(
    client: httpx.Client,
) -> None:
    gone = listed(client, 1)[0]
    client.delete(f"/api/v3/users/{gone}")
    assert client.post("/api/v3/users", json=profile(gone)).json() == REGISTERED
    assert client.get(f"/api/v1/tuning?userId={gone}").json()["code"] == "TUNING_PENDING"
    assert gone not in listed(client, 1)


def test_the_rest_of_a_list_moves_up(client: httpx.Client) -> None:
    before = listed(client, 1)
    client.post(f"/blocks/1/{before[0]}")
    assert listed(client, 1) == before[1:]
    shown = client.get("/matches/1?limit=2").json()["matches"]
    assert [entry["userId"] for entry in shown] == before[1:3]


def test_a_block_acts_at_once_and_both_ways_until_it_is_withdrawn(client: httpx.Client) -> None:
    one = next(u for u in IDS[:-1] if any(u in listed(client, o) for o in listed(client, u)[:-1]))
    two = next(o for o in listed(client, one) if o != 50 and one in listed(client, o))
    assert client.post(f"/blocks/{one}/{two}").json() == {"code": "BLOCK_SUCCESS", "data": None}
    assert two not in listed(client, one)
    assert one not in listed(client, two)
    client.post(f"/blocks/{two}/{one}")
    client.delete(f"/blocks/{one}/{two}")
    assert two not in listed(client, one), "the other one's block still holds"
    answer = client.delete(f"/blocks/{two}/{one}")
    assert answer.json() == {"code": "UNBLOCK_SUCCESS", "data": None}
    assert two in listed(client, one)


def test_a_repeated_request_is_stored_once(client: httpx.Client, tmp_path: Path) -> None:
    key = {"Idempotency-Key": "k-1"}
    answers = [client.post("/api/v3/users", json=profile(1001), headers=key) for _ in range(3)]
    assert [(a.status_code, a.json()) for a in answers] == [(200, REGISTERED)] * 3
    assert kinds(tmp_path) == [("register", 1001)]
    other = client.post("/api/v3/users", json=profile(1002), headers=key)
    expected = {"code": "IDEMPOTENCY_KEY_REUSED", "data": None}
    assert (other.status_code, other.json()) == (422, expected)
    assert client.delete("/api/v3/users/1001", headers=key).status_code == 422
    assert kinds(tmp_path) == [("register", 1001)]


def test_concurrent_requests_are_all_stored_and_one_id_once(
    client: httpx.Client, tmp_path: Path
) -> None:
    async def all_at_once() -> list[int]:
        async with httpx.AsyncClient(base_url=client.base_url, timeout=20) as many:
            posts = [many.post("/api/v3/users", json=profile(1000 + n // 2)) for n in range(80)]
            return [answer.status_code for answer in await asyncio.gather(*posts)]

    statuses = asyncio.run(all_at_once())
    assert (statuses.count(200), statuses.count(409)) == (40, 40)
    assert sorted(user for _, user in kinds(tmp_path)) == list(range(1000, 1040))


def test_before_the_first_run_users_may_register(tmp_path: Path, service_policy: Policy) -> None:
    with served_home(tmp_path, service_policy) as client:
        assert client.post("/api/v3/users", json=profile(5)).json() == REGISTERED
        assert client.post("/api/v3/users", json=profile(5)).status_code == 409
        assert client.delete("/api/v3/users/5").status_code == 200


def test_writes_are_unavailable_while_the_published_snapshot_cannot_be_served(
    tmp_path: Path, service_policy: Policy
) -> None:
    (tmp_path / "CURRENT").write_text("20991231T000000Z-ffff", encoding="utf-8")
    with served_home(tmp_path, service_policy) as client:
        for answer in (
            client.post("/api/v3/users", json=profile(5)),
            client.delete("/api/v3/users/5"),
        ):
            expected = {"code": "SNAPSHOT_UNAVAILABLE", "data": None}
            assert (answer.status_code, answer.json()) == (503, expected)


def test_an_api_without_a_policy_only_reads(tmp_path: Path, service_policy: Policy) -> None:
    publish_users(tmp_path, service_policy)
    with served_home(tmp_path) as client:
        assert client.post("/api/v3/users", json=profile(1001)).status_code == 404
        with Intake(tmp_path) as intake:
            intake.apply([Request("delete", 3)], lambda _: True)
        eventually(lambda: client.get("/matches/3").status_code == 404)


def test_two_servers_obey_each_others_events(tmp_path: Path, service_policy: Policy) -> None:
    publish_users(tmp_path, service_policy)
    with served_home(tmp_path, service_policy) as one, served_home(tmp_path, service_policy) as two:
        assert one.post("/api/v3/users", json=profile(1001)).status_code == 200
        assert two.post("/api/v3/users", json=profile(1001)).status_code == 409, "at once"
        gone = listed(one, 1)[0]
        assert two.delete(f"/api/v3/users/{gone}").status_code == 200
        eventually(lambda: gone not in listed(one, 1))
        eventually(lambda: two.get("/matches/1001").status_code == 200)
        for number in range(20):
            server = (one, two)[number % 2]
            assert server.post("/api/v3/users", json=profile(2000 + number)).status_code == 200
    assert [u for _, u in kinds(tmp_path)][2:] == list(range(2000, 2020))


def test_a_rollback_keeps_deletions_and_blocks(tmp_path: Path, service_policy: Policy) -> None:
    publish_users(tmp_path, service_policy, run="20261122T170000Z-0001")
    publish_users(tmp_path, service_policy, run="20261122T170001Z-0002")
    with served_home(tmp_path, service_policy) as client:
        gone = listed(client, 1)[0]
        client.delete(f"/api/v3/users/{gone}")
        rollback(tmp_path)
        eventually(lambda: client.get("/health").json()["snapshot"].endswith("0001"))
        assert gone not in listed(client, 1)
        assert client.get(f"/matches/{gone}").status_code == 404


def test_reads_stop_if_the_deletions_cannot_be_read(tmp_path: Path, service_policy: Policy) -> None:
    publish_users(tmp_path, service_policy)
    (tmp_path / "intake.sqlite").write_bytes(b"this is not a database" * 500)
    with served_home(tmp_path, service_policy) as client:
        assert client.get("/matches/1").status_code == 503
        answer = client.post("/api/v3/users", json=profile(1001))
        expected = {"code": "INTAKE_UNAVAILABLE", "data": None}
        assert (answer.status_code, answer.json()) == (503, expected)
        assert "intake.sqlite" in client.get("/health").json()["notes"][0]


def test_a_full_disk_is_an_error_and_nothing_is_half_written(
    tmp_path: Path, service_policy: Policy
) -> None:
    publish_users(tmp_path, service_policy)
    app = create_app(tmp_path, policy=service_policy)
    with served_app(app) as client:
        assert client.post("/api/v3/users", json=profile(1001)).status_code == 200
        limit = app.state.writer._intake._database.execute
        limit("pragma max_page_count = 30")
        statuses = []
        for number in range(100):
            answer = client.post("/api/v3/users", json=profile(2000 + number, bio="x" * 2000))
            statuses.append(answer.status_code)
        assert set(statuses) == {200, 507}
        assert answer.json() == {"code": "INTAKE_FULL", "data": None}
        assert client.get("/matches/1").status_code == 200
        taken = [2000 + n for n, status in enumerate(statuses) if status == 200]
        assert [user for _, user in kinds(tmp_path)] == [1001, *taken]
        limit("pragma max_page_count = 100000")
        assert client.post("/api/v3/users", json=profile(3000)).status_code == 200


SERVER = """
import sys, tomllib
from pathlib import Path
import uvicorn
from hertz.api.app import create_app
from hertz.policy.load import parse_policy
policy = parse_policy(tomllib.loads(Path("hertz.toml").read_text())["policy"])
app = create_app(Path(sys.argv[1]), policy=policy)
uvicorn.run(app, fd=int(sys.argv[2]), ws="none", log_config=None)
"""


def test_what_was_answered_survives_a_kill(tmp_path: Path, service_policy: Policy) -> None:
    import socket

    publish_users(tmp_path, service_policy)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        command = [sys.executable, "-c", SERVER, str(tmp_path), str(listening.fileno())]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        server = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[listening.fileno()])
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        answered = []
        with httpx.Client(base_url=url, timeout=60) as client:
            for number in range(40):
                answer = client.post("/api/v3/users", json=profile(1001 + number))
                assert answer.status_code == 200
                answered.append(1001 + number)
            server.send_signal(signal.SIGKILL)
        server.wait()
    assert [user for _, user in kinds(tmp_path)] == answered


def test_the_openapi_document_says_what_the_policy_accepts(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    post = document["paths"]["/api/v3/users"]["post"]
    body = post["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["gender"]["enum"] == ["MALE", "FEMALE"]
    assert set(post["responses"]) == {"200", "401", "409", "413", "422", "429", "500", "503", "507"}
    assert client.post("/api/v3/users", json=body["example"] | {"userId": 1001}).status_code == 200
    assert {"put", "delete"} <= set(document["paths"]["/api/v3/users/{userId}"])
    assert {"post", "delete"} <= set(document["paths"]["/blocks/{userId}/{otherId}"])
