from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from hertz.api.schemas import (
    ErrorAnswer,
    HealthAnswer,
    InvalidAnswer,
    MatchesAnswer,
    ReadyAnswer,
    SimilarAnswer,
    TuningAnswer,
    UnavailableAnswer,
    WhyAnswer,
)
from hertz.policy.model import Policy
from tests.api.servers import served_home
from tests.storage.runs import Frames, publish_frames, random_frames

IDS = list(range(1, 51))
RUN = "20261122T170000Z-0001"
READS = ["/api/v1/tuning?userId=1", "/api/v3/tuning?userId=1&category=friend", "/matches/1"]


@pytest.fixture(scope="module")
def frames(service_policy: Policy) -> Frames:
    return random_frames(service_policy, IDS)


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, service_policy: Policy, frames: Frames
) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("home")
    publish_frames(home, service_policy, RUN, frames)
    with served_home(home) as client:
        yield client


def listed(frames: Frames, category: str, user: int) -> list[dict[str, Any]]:
    rows = frames.matches.rows(named=True)
    return [row for row in rows if (row["category"], row["user_id"]) == (category, user)]


def ids(frames: Frames, category: str, user: int) -> list[int]:
    return [row["other_id"] for row in listed(frames, category, user)]


def assert_invalid(answer: httpx.Response, field: str, kind: str) -> None:
    assert answer.status_code == 422
    error = InvalidAnswer.model_validate(answer.json()).error
    assert [(detail.field, detail.type) for detail in error.details] == [(field, kind)]


@pytest.mark.parametrize("user", [1, 25, 49])
def test_tuning_v1_lists_the_first_category(
    client: httpx.Client, frames: Frames, user: int
) -> None:
    answer = client.get("/api/v1/tuning", params={"userId": user})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    expected = {"code": "TUNING_SUCCESS", "data": {"userIdList": ids(frames, "general", user)}}
    assert answer.json() == expected
    TuningAnswer.model_validate(answer.json())


@pytest.mark.parametrize("category", ["friend", "couple", "general"])
def test_tuning_v3_lists_the_named_category(
    client: httpx.Client, frames: Frames, category: str
) -> None:
    answer = client.get("/api/v3/tuning", params={"userId": 3, "category": category})
    expected = {"code": "TUNING_SUCCESS", "data": {"userIdList": ids(frames, category, 3)}}
    assert (answer.status_code, answer.json()) == (200, expected)


@pytest.mark.parametrize("path", ["/api/v1/tuning", "/api/v3/tuning?category=couple"])
def test_a_user_without_matches_gets_a_code_of_their_own(client: httpx.Client, path: str) -> None:
    answer = client.get(path, params={"userId": 50, "category": "couple"})
    expected = {"code": "TUNING_SUCCESS_BUT_NO_MATCH", "data": None}
    assert (answer.status_code, answer.json()) == (200, expected)
    TuningAnswer.model_validate(answer.json())


@pytest.mark.parametrize("user", [51, 2**63 - 1])
@pytest.mark.parametrize(
    "path", ["/api/v1/tuning?userId={}", "/api/v3/tuning?userId={}&category=friend", "/matches/{}"]
)
def test_an_unknown_user_is_not_found(client: httpx.Client, path: str, user: int) -> None:
    answer = client.get(path.format(user))
    expected = {"code": "TUNING_NOT_FOUND_USER", "data": None}
    assert (answer.status_code, answer.json()) == (404, expected)


@pytest.mark.parametrize(
    ("user", "kind"),
    [
        ("0", "greater_than"),
        ("-1", "greater_than"),
        (str(-(2**63) - 1), "greater_than"),
        (str(2**63), "less_than_equal"),
        ("9" * 400, "less_than_equal"),
        ("9" * 6000, "int_parsing_size"),
        ("abc", "int_parsing"),
        ("1.5", "int_parsing"),
        ("", "int_parsing"),
        ("%00", "int_parsing"),
        ("%ff%fe", "int_parsing"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/tuning?", "/api/v3/tuning?category=friend&"])
def test_an_invalid_id_is_not_valid(client: httpx.Client, path: str, user: str, kind: str) -> None:
    assert_invalid(client.get(f"{path}userId={user}"), "userId", kind)


@pytest.mark.parametrize(
    ("user", "kind"),
    [
        ("0", "greater_than_equal"),
        ("-7", "greater_than_equal"),
        (str(-(2**63) - 1), "greater_than_equal"),
        (str(2**63), "less_than_equal"),
        ("someone", "int_parsing"),
        ("%F0%9F%98%80", "int_parsing"),
    ],
)
def test_an_invalid_id_has_no_list(client: httpx.Client, user: str, kind: str) -> None:
    assert_invalid(client.get(f"/matches/{user}"), "userId", kind)


def test_a_missing_parameter_is_named(client: httpx.Client) -> None:
    assert_invalid(client.get("/api/v1/tuning"), "userId", "missing")
    assert_invalid(client.get("/api/v3/tuning?userId=1"), "category", "missing")


@pytest.mark.parametrize("value", ["rivals", "", "FRIEND", "x" * 5000, "%ff", "우정"])
@pytest.mark.parametrize("path", ["/api/v3/tuning?userId=1&category=", "/matches/1?category="])
def test_an_unknown_category_is_an_error_that_lists_the_accepted_ones(
    client: httpx.Client, path: str, value: str
) -> None:
    answer = client.get(path + value)
    assert_invalid(answer, "category", "enum")
    reason = answer.json()["error"]["details"][0]["reason"]
    assert reason.endswith("accepted: general, friend, couple")
    assert len(reason) < 120


def test_an_unknown_language_is_an_error_that_lists_the_accepted_ones(client: httpx.Client) -> None:
    answer = client.get("/matches/1?language=fr")
    assert_invalid(answer, "language", "enum")
    assert "'fr' is not known; accepted: ko, en" in answer.json()["error"]["message"]


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "all", str(2**70)])
def test_a_limit_out_of_range_is_not_valid(client: httpx.Client, limit: str) -> None:
    answer = client.get(f"/matches/1?limit={limit}")
    assert answer.status_code == 422
    assert InvalidAnswer.model_validate(answer.json()).error.details[0].field == "limit"


@pytest.mark.parametrize("category", ["general", "friend", "couple"])
def test_matches_have_scores_contributions_and_the_snapshot(
    client: httpx.Client, frames: Frames, service_policy: Policy, category: str
) -> None:
    answer = client.get("/matches/9", params={"category": category})
    assert answer.status_code == 200
    found = MatchesAnswer.model_validate(answer.json(), strict=True)
    assert (found.snapshot, found.userId, found.category) == (RUN, 9, category)
    assert answer.headers["x-hertz-snapshot"] == RUN
    terms = service_policy.categories[category].weights
    expected = [
        (
            row["other_id"],
            row["rank"],
            row["mutual"],
            row["forward"],
            row["backward"],
            dict(zip(terms, row["forward_terms"], strict=True)),
            dict(zip(terms, row["backward_terms"], strict=True)),
        )
        for row in listed(frames, category, 9)
    ]
    assert len(expected) == 5
    assert [
        (m.userId, m.rank, m.mutual, m.forward, m.backward, *dict(m.breakdown).values())
        for m in found.matches
    ] == expected


def test_category_and_language_default_to_the_first(client: httpx.Client) -> None:
    default = client.get("/matches/9").json()
    assert default == client.get("/matches/9?category=general&language=ko").json()
    assert default != client.get("/matches/9?category=general&language=en").json()


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_best_match_is_explained_in_the_requested_language(
    client: httpx.Client, frames: Frames, language: str
) -> None:
    for user in IDS[:-1]:
        best = client.get(f"/matches/{user}?language={language}&limit=1").json()["matches"][0]
        a, b = sorted((user, best["userId"]))
        assert best["explanation"]["title"] == f"제목 {language}"
        assert best["explanation"]["content"] == f'"{a}"와 {b}\n음악 😀'
        assert best["explanation"]["reasons"][0]["values"] == ["MUSIC"]
        assert best["explanation"]["language"] == language


def test_a_match_that_was_not_explained_has_null(client: httpx.Client) -> None:
    entries = client.get("/matches/9?category=couple").json()["matches"]
    assert [entry["explanation"] for entry in entries] == [None] * 5


def test_a_limit_cuts_the_list(client: httpx.Client) -> None:
    every = client.get("/matches/9").json()["matches"]
    assert client.get("/matches/9?limit=2").json()["matches"] == every[:2]


def test_a_known_user_without_matches_has_an_empty_list(client: httpx.Client) -> None:
    answer = client.get("/matches/50")
    assert (answer.status_code, answer.json()["matches"]) == (200, [])


@pytest.mark.parametrize("path", ["/health", "/api/v1/health"])
def test_health_describes_the_served_snapshot(
    client: httpx.Client, service_policy: Policy, path: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "snapshot": RUN,
        "created_at": "2026-11-22T17:00:00+00:00",
        "users": 50,
        "policy_hash": service_policy.digest,
        "similar": {"loaded": False, "snapshot": None},
        "notes": [],
    }
    HealthAnswer.model_validate(answer.json())


def test_an_unknown_route_and_method_are_answered_in_json(client: httpx.Client) -> None:
    answer = client.get("/api/v9/users")
    assert (answer.status_code, answer.json()) == (404, {"code": "NOT_FOUND", "data": None})
    answer = client.delete("/matches/1")
    expected = {"code": "METHOD_NOT_ALLOWED", "data": None}
    assert (answer.status_code, answer.json()) == (405, expected)
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("path", READS)
def test_a_home_without_a_snapshot_is_unavailable_until_the_first(
    tmp_path: Path, path: str
) -> None:
    with served_home(tmp_path) as client:
        answer = client.get(path)
        expected = {"code": "SNAPSHOT_UNAVAILABLE", "data": None}
        assert (answer.status_code, answer.json()) == (503, expected)
        ErrorAnswer.model_validate(answer.json())
        health = client.get("/health")
        assert health.status_code == 503
        assert "hertz nightly" in UnavailableAnswer.model_validate(health.json()).reason


def test_ids_may_begin_where_the_policy_says(tmp_path: Path, service_policy: Policy) -> None:
    policy = service_policy.model_copy(update={"id_minimum": -5})
    publish_frames(tmp_path, policy, RUN, random_frames(policy, [-5, 0, 4, 5]))
    with served_home(tmp_path) as client:
        assert client.get("/matches/0").status_code == 200
        assert client.get("/matches/-5").status_code == 200
        assert_invalid(client.get("/matches/-6"), "userId", "greater_than_equal")
        assert_invalid(client.get("/api/v1/tuning?userId=0"), "userId", "greater_than")


def test_tuning_lists_end_at_100(tmp_path: Path, service_policy: Policy) -> None:
    frames = random_frames(service_policy, list(range(1, 131)), k=120)
    publish_frames(tmp_path, service_policy, RUN, frames)
    with served_home(tmp_path) as client:
        found = client.get("/api/v1/tuning?userId=1").json()["data"]["userIdList"]
        assert found == ids(frames, "general", 1)[:100]
        assert len(client.get("/matches/1").json()["matches"]) == 100
        assert len(client.get("/matches/1?limit=1000").json()["matches"]) == 120


def test_the_openapi_document_describes_every_answer(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {
        "/api/v1/tuning",
        "/api/v3/tuning",
        "/matches/{userId}",
        "/matches/{userId}/{otherId}/why",
        "/similar/{userId}",
        "/health",
        "/api/v1/health",
        "/ready",
        "/metrics",
    }
    for path in ("/api/v1/tuning", "/api/v3/tuning", "/matches/{userId}", "/similar/{userId}"):
        operation = document["paths"][path]["get"]
        assert operation["security"] == [{"key": []}, {"bearer": []}]
        expected = {"200", "401", "404", "413", "422", "429", "500", "503"}
        assert set(operation["responses"]) - {"410"} == expected
        for answer in operation["responses"].values():
            schema = answer["content"]["application/json"]["schema"]
            assert schema["$ref"].startswith("#/components/schemas/")
    for name in ("TuningAnswer", "MatchesAnswer", "HealthAnswer", "InvalidAnswer"):
        assert document["components"]["schemas"][name]["examples"]
    health = document["paths"]["/health"]["get"]
    assert set(health["responses"]) == {"200", "500", "503"}
    assert "security" not in health


@pytest.mark.parametrize(
    "model",
    [
        TuningAnswer,
        MatchesAnswer,
        WhyAnswer,
        SimilarAnswer,
        HealthAnswer,
        ReadyAnswer,
        InvalidAnswer,
        UnavailableAnswer,
    ],
)
def test_the_examples_are_valid(model: type[BaseModel]) -> None:
    examples = model.model_json_schema()["examples"]
    assert examples
    for example in examples:
        model.model_validate(example)
