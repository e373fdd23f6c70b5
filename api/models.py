"""The shapes of the answers, for the OpenAPI document and for whoever checks an answer.

The routes build these shapes directly and do not pass through the models.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

USER_IDS = [42, 7, 1138]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [example]})


class UserIdList(_Answer):
    """The best matches, best first."""

    userIdList: list[int] = Field(min_length=1, max_length=100)


class TuningAnswer(_Answer):
    """Whom to show: `data` is null where the user has no match, or waits for the next run."""

    model_config = _example({"code": "TUNING_SUCCESS", "data": {"userIdList": USER_IDS}})

    code: Literal["TUNING_SUCCESS", "TUNING_SUCCESS_BUT_NO_MATCH", "TUNING_PENDING"]
    data: UserIdList | None


class Breakdown(_Answer):
    """Each term's weighted contribution: together the directional score."""

    forward: dict[str, float] = Field(description="The user looking at the match, by term")
    backward: dict[str, float] = Field(description="The match looking at the user, by term")


class Reason(_Answer):
    """One claim of an explanation and what it rests on. Side a is the one with the smaller id."""

    kind: Literal["shared", "wish", "same", "near", "pairing"]
    fields: list[str]
    values: list[str]
    direction: Literal["both", "a_to_b", "b_to_a"]


class Explanation(_Answer):
    """Why the two were matched, told of two anonymous people."""

    title: str
    content: str
    reasons: list[Reason]
    origin: Literal["model", "template"]
    language: str


class MatchEntry(_Answer):
    """One match with its scores; `explanation` is null beyond the best, told ahead of time."""

    userId: int
    rank: int = Field(ge=1)
    mutual: float = Field(description="What the list is sorted by: the same for both sides")
    forward: float = Field(description="The user looking at the match")
    backward: float = Field(description="The match looking at the user")
    breakdown: Breakdown
    explanation: Explanation | None


class MatchesAnswer(_Answer):
    """One user's list in one category, and the snapshot it comes from."""

    model_config = _example(
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
        }
    )

    snapshot: str
    userId: int
    category: str
    status: Literal["ready", "pending"] = Field(
        description="pending: registered after the snapshot was made; the next run lists the user"
    )
    matches: list[MatchEntry]


class HealthAnswer(_Answer):
    """What is served; a note says where that is not what CURRENT names."""

    model_config = _example(
        {
            "status": "ok",
            "snapshot": "20261122T170000Z-1a2b",
            "created_at": "2026-11-22T17:04:31+00:00",
            "users": 2000,
            "policy_hash": "9f86d081884c7d65",
            "notes": [],
        }
    )

    status: Literal["ok"]
    snapshot: str
    created_at: str
    users: int
    policy_hash: str
    notes: list[str]


class UnavailableAnswer(_Answer):
    """Nothing can be served, and why."""

    model_config = _example(
        {
            "status": "unavailable",
            "reason": "data: no snapshot published yet; `hertz nightly` makes the first",
        }
    )

    status: Literal["unavailable"]
    reason: str


class ErrorAnswer(_Answer):
    """A failure with its code."""

    code: str
    data: None


class IntakeAnswer(_Answer):
    """What was sent is on the disk; the next run brings it into the lists."""

    model_config = _example({"code": "EMBEDDING_REGISTER_SUCCESS", "data": None})

    code: Literal[
        "EMBEDDING_REGISTER_SUCCESS",
        "EMBEDDING_UPDATE_SUCCESS",
        "EMBEDDING_DELETE_SUCCESS",
        "BLOCK_SUCCESS",
        "UNBLOCK_SUCCESS",
    ]
    data: None


class InvalidField(_Answer):
    """One parameter that is not valid."""

    field: str
    reason: str
    type: str


class InvalidRequest(_Answer):
    """Everything that is not valid in a request."""

    code: Literal["BAD_REQUEST_VALIDATION_ERROR"]
    message: str
    details: list[InvalidField]


class InvalidAnswer(_Answer):
    """The answer to a request that is not valid."""

    model_config = _example(
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
