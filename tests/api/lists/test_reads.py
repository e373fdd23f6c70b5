"""Paging, the fast path compared with the documented routes, and the record of a match."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from hertz.api.app import create_app
from hertz.api.schemas import InvalidAnswer, MatchesAnswer, WhyAnswer
from hertz.api.snapshot.overlay import UserStatus
from hertz.policy.model import Policy
from tests.api.servers import AllVisible, eventually, served_app, served_home
from tests.storage.runs import Frames, publish_frames, random_frames

IDS = list(range(1, 51))
RUN, NEXT_RUN = "20261122T170000Z-0001", "20261123T170000Z-0001"
K = 12


@pytest.fixture(scope="module")
def frames(service_policy: Policy) -> Frames:
    return random_frames(service_policy, IDS, k=K)


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, service_policy: Policy, frames: Frames
) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("home")
    publish_frames(home, service_policy, RUN, frames)
    with served_home(home) as client:
        yield client


def listed(client: httpx.Client, path: str, **parameters: str | int) -> list[int]:
    found = MatchesAnswer.model_validate(client.get(path, params=parameters).json())
    return [entry.userId for entry in found.matches]


def pages(client: httpx.Client, path: str, limit: int) -> list[list[int]]:
    """Returns the ids of all pages, following the cursors to the end."""
    found, cursor = [], {}
    while True:
        body = client.get(path, params={"limit": limit, **cursor}).json()
        found.append([entry["userId"] for entry in body["matches"]])
        if body["nextCursor"] is None:
            return found
        cursor = {"cursor": body["nextCursor"]}


@pytest.mark.parametrize("limit", [1, 5, 6, 11, 12, 100])
def test_pages_together_are_the_list(client: httpx.Client, limit: int) -> None:
    whole = listed(client, "/matches/9", limit=1000)
    assert len(whole) == K
    expected = [whole[start : start + limit] for start in range(0, K, limit)]
    assert pages(client, "/matches/9", limit) == expected


def test_an_empty_list_has_no_next_page(client: httpx.Client) -> None:
    assert pages(client, "/matches/50", 3) == [[]]


def cursor_of(client: httpx.Client, path: str) -> str:
    return str(client.get(path).json()["nextCursor"])


@pytest.mark.parametrize(
    "path", ["/matches/10?limit=3", "/matches/9?limit=3&category=couple"], ids=["user", "category"]
)
def test_a_cursor_of_another_list_is_not_valid(client: httpx.Client, path: str) -> None:
    cursor = cursor_of(client, "/matches/9?limit=3")
    answer = client.get(f"{path}&cursor={cursor}")
    assert answer.status_code == 422
    details = InvalidAnswer.model_validate(answer.json()).error.details
    assert [(d.field, d.type) for d in details] == [("cursor", "cursor")]


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    ["x", "7", "%00", "우", "AAAA", "a" * 5000, encoded("a b"), encoded("a b c d e f"), "-" * 8]
    + [encoded(f"{RUN} 9 general {place}") for place in ("0", "-3", "x", str(2**70), "1.5")],
)
def test_a_text_that_is_not_a_cursor_is_not_valid(client: httpx.Client, cursor: str) -> None:
    answer = client.get(f"/matches/9?cursor={quote(cursor)}")
    assert answer.status_code == 422
    InvalidAnswer.model_validate(answer.json())


def test_a_cursor_past_the_end_has_an_empty_page(client: httpx.Client) -> None:
    cursor = encoded(f"{RUN} 9 general 5000")
    assert listed(client, "/matches/9", cursor=cursor) == []


def test_a_cursor_of_an_older_snapshot_is_gone(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    publish_frames(tmp_path, service_policy, RUN, frames)
    with served_home(tmp_path) as client:
        cursor = cursor_of(client, "/matches/9?limit=3")
        publish_frames(tmp_path, service_policy, NEXT_RUN, frames)
        eventually(lambda: client.get("/health").json()["snapshot"] == NEXT_RUN)
        answer = client.get(f"/matches/9?limit=3&cursor={cursor}")
        assert (answer.status_code, answer.json()["code"]) == (410, "CURSOR_EXPIRED")
        assert client.get("/matches/9?limit=3").status_code == 200


PLAIN = [
    "/api/v1/tuning?userId=9",
    "/api/v1/tuning?userId=50",
    "/api/v1/tuning?userId=51",
    "/api/v3/tuning?userId=9&category=friend",
    "/api/v3/tuning?category=couple&userId=9",
    "/api/v3/tuning?userId=9&category=rivals",
    "/api/v3/tuning?userId=9",
    "/matches/9?x=1",
    "/matches/9?limit=5",
    "/matches/9?limit=0",
    "/matches/9?limit=1001",
    "/matches/9?limit=1&limit=2",
    "/matches/9?language=en&category=couple&limit=1000",
    "/matches/9?language=fr",
    "/matches/9?cursor=AAAA",
    "/matches/50?limit=5",
    "/matches/51?limit=5",
    f"/matches/{2**63}?limit=5",
]


@pytest.mark.parametrize("path", PLAIN)
def test_the_fast_path_answers_as_the_documented_route(client: httpx.Client, path: str) -> None:
    fast = client.get(path)
    documented = client.get(f"{path}&%6Cong=1")  # an escape is not plain
    assert fast.status_code == documented.status_code
    assert fast.content == documented.content
    kept = {"content-type", "content-length", "x-hertz-snapshot"}
    assert {n: v for n, v in fast.headers.items() if n in kept} == {
        n: v for n, v in documented.headers.items() if n in kept
    }


def matched(frames: Frames, category: str) -> tuple[int, int]:
    row = frames.matches.filter(category=category, rank=3, user_id=9).row(0, named=True)
    return 9, int(row["other_id"])


@pytest.mark.parametrize("category", ["general", "friend", "couple"])
def test_why_has_the_terms_of_both_sides(
    client: httpx.Client, frames: Frames, service_policy: Policy, category: str
) -> None:
    user, other = matched(frames, category)
    answer = client.get(f"/matches/{user}/{other}/why?category={category}")
    found = WhyAnswer.model_validate(answer.json())
    row = frames.matches.filter(category=category, user_id=user, other_id=other).row(0, named=True)
    assert found.rank.onUsersList == 3
    assert (found.score.mutual, found.score.forward, found.score.backward) == (
        row["mutual"],
        row["forward"],
        row["backward"],
    )
    weights = service_policy.categories[category].weights
    assert {part.term: part.weight for part in found.terms} == weights
    assert [part.forward for part in found.terms] == row["forward_terms"]
    assert [part.backward for part in found.terms] == row["backward_terms"]
    assert all(set(part.label) == {"ko", "en"} for part in found.terms)
    assert found.policy.hash == service_policy.digest
    assert (found.runId, found.createdAt) == (RUN, "2026-11-22T17:00:00+00:00")
    assert found.embeddingModel == "multilingual-e5-small"
    assert found.score.combined["ko"] == "두 방향 점수의 산술평균"


def one_way(frames: Frames) -> tuple[int, int]:
    """Returns a pair of the couple lists of which only the second lists the first."""
    rows = frames.matches.filter(category="couple").select("user_id", "other_id").rows()
    every = frames.matches.select("user_id", "other_id").rows()
    return next((b, a) for a, b in rows if (b, a) not in every and every.count((a, b)) == 1)


def test_why_is_the_same_record_from_the_other_side(client: httpx.Client, frames: Frames) -> None:
    user, other = one_way(frames)
    there = WhyAnswer.model_validate(client.get(f"/matches/{user}/{other}/why").json())
    back = WhyAnswer.model_validate(client.get(f"/matches/{other}/{user}/why").json())
    assert there.rank.onUsersList is None
    assert there.rank.onOthersList == back.rank.onUsersList
    assert there.category == back.category
    assert there.score.forward == back.score.backward
    assert [part.forward for part in there.terms] == [part.backward for part in back.terms]


def test_why_has_the_explanation_in_the_requested_language(client: httpx.Client) -> None:
    best = listed(client, "/matches/9", limit=1)[0]
    for language in ("ko", "en"):
        found = client.get(f"/matches/9/{best}/why?language={language}").json()
        assert found["explanation"]["language"] == language


def test_why_of_two_unmatched_users_is_not_found(client: httpx.Client) -> None:
    answer = client.get("/matches/9/9/why")
    assert (answer.status_code, answer.json()["code"]) == (404, "MATCH_NOT_FOUND")
    answer = client.get("/matches/9/51/why")
    assert (answer.status_code, answer.json()["code"]) == (404, "TUNING_NOT_FOUND_USER")


@pytest.mark.parametrize("path", ["/matches/9/x/why", "/matches/9/0/why", "/matches/0/9/why"])
def test_why_of_an_invalid_id_is_not_valid(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 422
    assert client.get("/matches/9/8/why?category=rivals").status_code == 422
    assert client.get("/matches/9/8/why?language=fr").status_code == 422


class Hidden(AllVisible):
    """User 3 is removed, 70 is pending, and 9 and the blocked ones must not see each other."""

    is_empty = False

    def __init__(self, blocked: set[int]) -> None:
        self.blocked = blocked

    def status(self, user_id: int, _: int, has_user: Callable[[int], bool]) -> UserStatus | None:
        named: dict[int, UserStatus] = {3: "removed", 70: "pending"}
        return named.get(user_id, "known" if has_user(user_id) else None)

    def hides(self, user_id: int, other_id: int, _: int) -> bool:
        return other_id == 3 or (user_id == 9 and other_id in self.blocked)


def test_hidden_users_are_in_no_answer(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    publish_frames(tmp_path, service_policy, RUN, frames)
    app = create_app(tmp_path)
    with served_app(app) as client:
        whole = listed(client, "/matches/9")
        blocked = {whole[0], whole[4]}
        app.state.visibility = Hidden(blocked)
        left = [other for other in whole if other not in {3, *blocked}]
        assert listed(client, "/matches/9") == left
        assert [other for page in pages(client, "/matches/9", 3) for other in page] == left
        body = client.get("/api/v1/tuning?userId=9").json()
        assert body["data"]["userIdList"] == left
        assert client.get(f"/matches/9/{whole[0]}/why").status_code == 404
        assert client.get("/matches/3").status_code == 404
        assert client.get("/api/v1/tuning?userId=3").status_code == 404
        pending = client.get("/matches/70").json()
        assert (pending["status"], pending["matches"]) == ("pending", [])
        body = client.get("/api/v1/tuning?userId=70").json()
        assert body == {"code": "TUNING_PENDING", "data": None}
        assert client.get("/matches/9/70/why").json()["code"] == "MATCH_NOT_FOUND"
        app.state.visibility.ready = False
        assert client.get("/matches/9").status_code == 503
