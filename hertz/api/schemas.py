"""The shapes of the answers, for the OpenAPI document and for whoever checks an answer.

The routes build these shapes directly and do not pass through the models.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

USER_IDS = [42, 7, 1138]


class Answer(BaseModel):
    """An answer has these fields and no others."""

    model_config = ConfigDict(extra="forbid")


def example(value: dict[str, Any]) -> ConfigDict:
    """The configuration of an answer that shows this example in the OpenAPI document."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [value]})


class UserIdList(Answer):
    """The best matches, best first."""

    userIdList: list[int] = Field(min_length=1, max_length=100)


class TuningAnswer(Answer):
    """Whom to show: `data` is null where the user has no match, or waits for the next run."""

    model_config = example({"code": "TUNING_SUCCESS", "data": {"userIdList": USER_IDS}})

    code: Literal["TUNING_SUCCESS", "TUNING_SUCCESS_BUT_NO_MATCH", "TUNING_PENDING"]
    data: UserIdList | None


class Breakdown(Answer):
    """Each term's weighted contribution: together the directional score."""

    forward: dict[str, float] = Field(description="The user looking at the match, by term")
    backward: dict[str, float] = Field(description="The match looking at the user, by term")


class Reason(Answer):
    """One claim of an explanation and what it rests on. Side a is the one with the smaller id."""

    kind: Literal["shared", "wish", "same", "near", "pairing"]
    fields: list[str]
    values: list[str]
    direction: Literal["both", "a_to_b", "b_to_a"]


class Explanation(Answer):
    """Why the two were matched, told of two anonymous people."""

    title: str
    content: str
    reasons: list[Reason]
    origin: Literal["model", "template"]
    language: str


class MatchEntry(Answer):
    """One match with its scores; `explanation` is null beyond the best, told ahead of time."""

    userId: int
    rank: int = Field(ge=1)
    mutual: float = Field(description="What the list is sorted by: the same for both sides")
    forward: float = Field(description="The user looking at the match")
    backward: float = Field(description="The match looking at the user")
    breakdown: Breakdown
    explanation: Explanation | None


class MatchesAnswer(Answer):
    """One user's list in one category, and the snapshot it comes from."""

    model_config = example(
        {
            "snapshot": "20261122T170000Z-1a2b",
            "userId": 42,
            "category": "friend",
            "status": "ready",
            "matches": [
                {
                    "userId": 7,
                    "rank": 1,
                    "mutual": 0.8125,
                    "forward": 0.84375,
                    "backward": 0.78125,
                    "breakdown": {
                        "forward": {"cosine": 0.625, "mbti": 0.15625, "age": 0.0625},
                        "backward": {"cosine": 0.625, "mbti": 0.09375, "age": 0.0625},
                    },
                    "explanation": {
                        "title": "음악으로 통하는 두 사람",
                        "content": "두 사람 모두 음악을 좋아해요. Stay Tuned!",
                        "reasons": [
                            {
                                "kind": "shared",
                                "fields": ["hobbies"],
                                "values": ["MUSIC"],
                                "direction": "both",
                            }
                        ],
                        "origin": "template",
                        "language": "ko",
                    },
                }
            ],
            "nextCursor": "MjAyNjExMjJUMTcwMDAwWi0xYTJiIDQyIGZyaWVuZCAx",
        }
    )

    snapshot: str
    userId: int
    category: str
    status: Literal["ready", "pending"] = Field(
        description="pending: registered after the snapshot was made; the next run lists the user"
    )
    matches: list[MatchEntry]
    nextCursor: str | None = Field(description="Of the next page; null: there is none")


class SimilarState(Answer):
    """Whether Chroma is in memory, and the vectors of which snapshot: the first search loads it."""

    loaded: bool
    snapshot: str | None


class HealthAnswer(Answer):
    """What is served; a note says where that is not what CURRENT names."""

    model_config = example(
        {
            "status": "ok",
            "snapshot": "20261122T170000Z-1a2b",
            "created_at": "2026-11-22T17:04:31+00:00",
            "users": 2000,
            "policy_hash": "9f86d081884c7d65",
            "similar": {"loaded": False, "snapshot": None},
            "notes": [],
        }
    )

    status: Literal["ok"]
    snapshot: str
    created_at: str
    users: int
    policy_hash: str
    similar: SimilarState
    notes: list[str]


class ReadyAnswer(Answer):
    """Lists can be served."""

    model_config = example({"status": "ready"})

    status: Literal["ready"]


class UnavailableAnswer(Answer):
    """Nothing can be served, and why."""

    model_config = example(
        {
            "status": "unavailable",
            "reason": "the home: no snapshot published yet; `hertz nightly` makes the first",
        }
    )

    status: Literal["unavailable"]
    reason: str


class ErrorAnswer(Answer):
    """A failure with its code."""

    code: str
    data: None


class IntakeAnswer(Answer):
    """What was sent is on the disk; the next run brings it into the lists."""

    model_config = example({"code": "EMBEDDING_REGISTER_SUCCESS", "data": None})

    code: Literal[
        "EMBEDDING_REGISTER_SUCCESS",
        "EMBEDDING_UPDATE_SUCCESS",
        "EMBEDDING_DELETE_SUCCESS",
        "BLOCK_SUCCESS",
        "UNBLOCK_SUCCESS",
    ]
    data: None


class InvalidField(Answer):
    """One parameter that is not valid."""

    field: str
    reason: str
    type: str


class InvalidRequest(Answer):
    """Everything that is not valid in a request."""

    code: Literal["BAD_REQUEST_VALIDATION_ERROR"]
    message: str
    details: list[InvalidField]


class InvalidAnswer(Answer):
    """The answer to a request that is not valid."""

    model_config = example(
        {
            "error": {
                "code": "BAD_REQUEST_VALIDATION_ERROR",
                "message": "The request is not valid: userId: Input should be greater than 0",
                "details": [
                    {
                        "field": "userId",
                        "reason": "Input should be greater than 0",
                        "type": "greater_than",
                    }
                ],
            }
        }
    )

    error: InvalidRequest
