"""`/similar` over HTTP: filters, loading on first use, following, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hertz.api.app import create_app
from hertz.api.schemas import InvalidAnswer, SimilarAnswer
from hertz.policy.model import Policy
from hertz.storage.snapshot.snapshots import corrupt_files
from tests.api.servers import AllVisible, eventually, served_app, served_home
from tests.storage.runs import publish_frames, random_frames, vectors_of

IDS = list(range(1, 31))
RUN, NEXT_RUN = "20261122T170000Z-0001", "20261123T170000Z-0001"


def publish(home: Path, policy: Policy, run: str = RUN, seed: int = 0) -> Path:
    frames = random_frames(policy, IDS)
    return publish_frames(home, policy, run, frames, vectors=vectors_of(len(IDS), seed))


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, service_policy: Policy
) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("home")
    publish(home, service_policy)
    with served_home(home) as client:
        yield client


def found(client: httpx.Client, path: str) -> list[int]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    body = SimilarAnswer.model_validate(answer.json())
    values = [entry.similarity for entry in body.similar]
    assert values == sorted(values, reverse=True)
    assert answer.headers["x-hertz-snapshot"] == body.snapshot
    return [entry.userId for entry in body.similar]


def test_the_nearest_are_found_and_filtered(client: httpx.Client) -> None:
    near = found(client, "/similar/5")
    assert len(near) == 10
    assert 5 not in near
    assert found(client, "/similar/5?limit=3") == near[:3]
    assert found(client, "/similar/5?MBTI=ENFP&gender=MALE&gender=FEMALE") == near
    assert found(client, "/similar/5?MBTI=INTJ") == []
    assert found(client, "/similar/5?emailDomain=x.example&limit=2") == near[:2]
    assert found(client, "/similar/5?emailDomain=other.example") == []


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ("MBTI=XXXX", "MBTI", "INTJ"),
        ("MBTI=UNKNOWN", "MBTI", "accepted"),
        ("gender=", "gender", "MALE, FEMALE"),
        ("hobbies=MUSIC", "hobbies", "ageGroup"),
        ("bio=x", "bio", "accepted"),
        ("top_general=1", "top_general", "accepted"),
        ("emailDomain=" + "x" * 201, "emailDomain", "200"),
        ("limit=0", "limit", "greater"),
        ("limit=101", "limit", "less"),
    ],
)
def test_an_invalid_filter_is_not_valid(
    client: httpx.Client, query: str, field: str, reason: str
) -> None:
    answer = client.get(f"/similar/5?{query}")
    assert answer.status_code == 422
    details = InvalidAnswer.model_validate(answer.json()).error.details
    assert details[0].field == field
    assert reason in details[0].reason


@pytest.mark.parametrize(("user", "status"), [("31", 404), ("0", 422), ("x", 422)])
def test_an_unknown_user_has_no_neighbors(client: httpx.Client, user: str, status: int) -> None:
    assert client.get(f"/similar/{user}").status_code == status


def test_the_vectors_are_loaded_on_first_use_and_follow_the_snapshot(
    tmp_path: Path, service_policy: Policy
) -> None:
    first = publish(tmp_path, service_policy)
    with served_home(tmp_path) as client:
        client.get("/matches/5")
        assert client.get("/health").json()["similar"] == {"loaded": False, "snapshot": None}
        before = found(client, "/similar/5")
        assert client.get("/health").json()["similar"] == {"loaded": True, "snapshot": RUN}
        second = publish(tmp_path, service_policy, NEXT_RUN, seed=1)
        eventually(lambda: client.get("/health").json()["snapshot"] == NEXT_RUN)
        assert found(client, "/similar/5") != before
        assert client.get("/health").json()["similar"] == {"loaded": True, "snapshot": NEXT_RUN}
    assert corrupt_files(first) == []
    assert corrupt_files(second) == []


def test_a_damaged_database_is_unavailable_and_health_says_so(
    tmp_path: Path, service_policy: Policy
) -> None:
    snapshot = publish(tmp_path, service_policy)
    database = snapshot / "chroma" / "chroma.sqlite3"
    database.write_bytes(database.read_bytes()[:5000])
    with served_home(tmp_path) as client:
        answer = client.get("/similar/5")
        assert (answer.status_code, answer.json()["code"]) == (503, "SIMILAR_UNAVAILABLE")
        health = client.get("/health")
        assert health.status_code == 200
        assert "chroma" in health.json()["notes"][0]
        assert str(tmp_path) not in health.text
        assert client.get("/matches/5").status_code == 200


def test_a_snapshot_without_chroma_serves_the_rest(tmp_path: Path, service_policy: Policy) -> None:
    publish_frames(tmp_path, service_policy, RUN, random_frames(service_policy, IDS))
    with served_home(tmp_path) as client:
        assert client.get("/similar/5").status_code == 503
        assert client.get("/matches/5").status_code == 200


def test_hidden_users_are_not_similar(tmp_path: Path, service_policy: Policy) -> None:
    class Hidden(AllVisible):
        is_empty = False

        def hides(self, user_id: int, other_id: int, _: int) -> bool:
            return other_id == 7 or (user_id == 5 and other_id in (near[0], near[2]))

    publish(tmp_path, service_policy)
    app = create_app(tmp_path)
    with served_app(app) as client:
        near = found(client, "/similar/5?limit=29")
        app.state.visibility = Hidden()
        left = [other for other in near if other not in {7, near[0], near[2]}]
        assert found(client, "/similar/5?limit=29") == left
