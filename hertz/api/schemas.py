"""The shapes of the answers, for the OpenAPI document and for tests.

The routes build these shapes directly: serializing through the models would take longer.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

_RUN = "20261122T170000Z-1a2b"
_USER_IDS = [42, 7, 1138]


class Answer(BaseModel):
    """Base of the answers: every field is there and no other one."""

    model_config = ConfigDict(extra="forbid")


def _example(value: dict[str, Any]) -> ConfigDict:
    """Returns the configuration of an answer with an example for the OpenAPI document."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [value]})


class UserIdList(Answer):
    """Ids of the best matches, best first."""

    userIdList: list[int] = Field(min_length=1, max_length=100)


class TuningAnswer(Answer):
    """The ids to show to a user.

    `data` is null if the user has no match, or registered after the snapshot was made.
    """

    model_config = _example({"code": "TUNING_SUCCESS", "data": {"userIdList": _USER_IDS}})

    code: Literal["TUNING_SUCCESS", "TUNING_SUCCESS_BUT_NO_MATCH", "TUNING_PENDING"]
    data: UserIdList | None


class Breakdown(Answer):
    """The contribution of each term; their sum is the directional score."""

    forward: dict[str, float] = Field(
        description="Contributions to the user's score of the match, by term"
    )
    backward: dict[str, float] = Field(
        description="Contributions to the match's score of the user, by term"
    )


class Reason(Answer):
    """One fact that an explanation states. Side a is the user with the smaller id."""

    kind: Literal["shared", "wish", "same", "near", "pairing"]
    fields: list[str]
    values: list[str]
    direction: Literal["both", "a_to_b", "b_to_a"]


class Explanation(Answer):
    """Why the two were matched, written without names."""

    title: str
    content: str
    reasons: list[Reason]
    origin: Literal["model", "template"]
    language: str


class MatchEntry(Answer):
    """One match with its scores.

    `explanation` is null for matches that the run did not explain: it explains the best ones.
    """

    userId: int
    rank: int = Field(ge=1)
    mutual: float = Field(
        description="Mutual score, by which the list is sorted; the same for both users"
    )
    forward: float = Field(description="The user's score of the match")
    backward: float = Field(description="The match's score of the user")
    breakdown: Breakdown
    explanation: Explanation | None


class MatchesAnswer(Answer):
    """One page of a user's match list, and the snapshot that it comes from."""

    model_config = _example(
        {
            "snapshot": _RUN,
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
        description="`pending`: registered after the snapshot; the next run makes the lists"
    )
    matches: list[MatchEntry]
    nextCursor: str | None = Field(description="Cursor of the next page; null on the last one")


class SimilarState(Answer):
    """Whether the vectors for `/similar` are in memory, and of which snapshot.

    The first search loads them.
    """

    loaded: bool
    snapshot: str | None


class HealthAnswer(Answer):
    """The snapshot that is served.

    `notes` says why, if it is not the one that was published last.
    """

    model_config = _example(
        {
            "status": "ok",
            "snapshot": _RUN,
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
    """A snapshot is served."""

    model_config = _example({"status": "ready"})

    status: Literal["ready"]


class UnavailableAnswer(Answer):
    """No snapshot is served, and why."""

    model_config = _example(
        {
            "status": "unavailable",
            "reason": "the home: no snapshot published yet; `hertz nightly` makes the first",
        }
    )

    status: Literal["unavailable"]
    reason: str


class ErrorAnswer(Answer):
    """The code of an error."""

    code: str
    data: None


def error_response(description: str, *codes: str) -> dict[str, Any]:
    """Returns the OpenAPI description of an error with an example of each of its codes."""
    examples = {code: {"value": {"code": code, "data": None}} for code in codes}
    content = {"application/json": {"examples": examples}}
    return {"model": ErrorAnswer, "description": description, "content": content}


class IntakeAnswer(Answer):
    """The request is on the disk; the next run brings it into the lists."""

    model_config = _example({"code": "EMBEDDING_REGISTER_SUCCESS", "data": None})

    code: Literal[
        "EMBEDDING_REGISTER_SUCCESS",
        "EMBEDDING_UPDATE_SUCCESS",
        "EMBEDDING_DELETE_SUCCESS",
        "BLOCK_SUCCESS",
        "UNBLOCK_SUCCESS",
    ]
    data: None


class InvalidField(Answer):
    """One parameter or profile field that is not valid."""

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


class Labelled(Answer):
    """A name in the policy and its labels by language."""

    name: str
    label: dict[str, str]


class PolicyName(Answer):
    """The policy of the run; its hash changes when anything in it changes."""

    name: str
    hash: str


class Score(Answer):
    """Both directional scores and the mutual score that combines them."""

    mutual: float
    forward: float = Field(description="The user's score of the other")
    backward: float = Field(description="The other's score of the user")
    combine: Literal["arithmetic", "geometric", "harmonic", "minimum"]
    combined: dict[str, str] = Field(description="How they are combined, in words, by language")


class Ranks(Answer):
    """Rank of each user on the other's list; null if the list does not have them."""

    onUsersList: int | None = Field(ge=1)
    onOthersList: int | None = Field(ge=1)


class TermContribution(Answer):
    """The weighted contributions of one term; their sum is the directional score."""

    term: str
    label: dict[str, str]
    fields: list[Labelled] = Field(description="The profile fields that the term reads")
    weight: float
    forward: float
    backward: float


class WhyAnswer(Answer):
    """The record of a match: its scores and terms, and the run that made it."""

    model_config = _example(
        {
            "runId": _RUN,
            "createdAt": "2026-11-22T17:04:31+00:00",
            "category": {"name": "friend", "label": {"ko": "친구", "en": "friend"}},
            "policy": {"name": "service", "hash": "9f86d081884c7d65"},
            "embeddingModel": "multilingual-e5-small",
            "languageModel": None,
            "score": {
                "mutual": 0.8125,
                "forward": 0.84375,
                "backward": 0.78125,
                "combine": "arithmetic",
                "combined": {
                    "ko": "두 방향 점수의 산술평균",
                    "en": "the arithmetic mean of the two directional scores",
                },
            },
            "terms": [
                {
                    "term": "mbti",
                    "label": {"ko": "MBTI 궁합", "en": "MBTI pairing"},
                    "fields": [{"name": "MBTI", "label": {"ko": "MBTI", "en": "MBTI"}}],
                    "weight": 0.15,
                    "forward": 0.15625,
                    "backward": 0.09375,
                }
            ],
            "userId": 42,
            "otherUserId": 7,
            "rank": {"onUsersList": 1, "onOthersList": 3},
            "explanation": None,
        }
    )

    runId: str
    createdAt: str
    category: Labelled
    policy: PolicyName
    embeddingModel: str
    languageModel: str | None = Field(
        description="Null if the template voice wrote the explanations"
    )
    score: Score
    terms: list[TermContribution]
    userId: int
    otherUserId: int
    rank: Ranks
    explanation: Explanation | None


class SimilarUser(Answer):
    """One user with a similar profile."""

    userId: int
    similarity: float = Field(description="Cosine of the two profile embeddings")


class SimilarAnswer(Answer):
    """The users with the most similar profiles, the most similar first."""

    model_config = _example(
        {"snapshot": _RUN, "userId": 42, "similar": [{"userId": 7, "similarity": 0.9375}]}
    )

    snapshot: str
    userId: int
    similar: list[SimilarUser]
