"""The shapes of the answers, for the OpenAPI document and for tests.

The routes build these shapes directly: serializing through the models would take longer. The
document's examples are in `examples.json`, by the name of the model.
"""

from __future__ import annotations

from importlib import resources
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

_EXAMPLES = orjson.loads(resources.files(__package__).joinpath("examples.json").read_bytes())


def _add_example(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Adds the example of an answer in `examples.json` to its schema, where there is one."""
    if model.__name__ in _EXAMPLES:
        schema["examples"] = [_EXAMPLES[model.__name__]]


class Answer(BaseModel):
    """Base of the answers: every field is there and no other one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_add_example)


class UserIdList(Answer):
    """Ids of the best matches, best first."""

    userIdList: list[int] = Field(min_length=1, max_length=100)


class TuningAnswer(Answer):
    """The ids to show to a user.

    `data` is null if the user has no match, or registered after the snapshot was made.
    """

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

    status: Literal["ok"]
    snapshot: str
    created_at: str
    users: int
    policy_hash: str
    similar: SimilarState
    notes: list[str]


class ReadyAnswer(Answer):
    """A snapshot is served."""

    status: Literal["ready"]


class UnavailableAnswer(Answer):
    """No snapshot is served, and why."""

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

    snapshot: str
    userId: int
    similar: list[SimilarUser]
