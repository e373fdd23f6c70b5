"""The shapes of the record of a match and of the similarity search, for the OpenAPI document."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hertz.api.schemas import Answer, Explanation, example

_RUN = "20261122T170000Z-1a2b"


class Labelled(Answer):
    """A name of the policy, and its labels by language."""

    name: str
    label: dict[str, str]


class PolicyName(Answer):
    """Which policy decided: the hash changes when anything of it does."""

    name: str
    hash: str


class Score(Answer):
    """What the match is worth, and how the two directions became one."""

    mutual: float
    forward: float = Field(description="The user looking at the other")
    backward: float = Field(description="The other looking at the user")
    combine: Literal["arithmetic", "geometric", "harmonic", "minimum"]
    combined: dict[str, str] = Field(description="The same in words, by language")


class Ranks(Answer):
    """The match's place on either list; null where it is not on it."""

    onUsersList: int | None = Field(ge=1)
    onOthersList: int | None = Field(ge=1)


class TermPart(Answer):
    """One rule's part in the score: contributions are already weighted, and add up."""

    term: str
    label: dict[str, str]
    fields: list[Labelled] = Field(description="The profile fields the rule reads")
    weight: float
    forward: float
    backward: float


class WhyAnswer(Answer):
    """Why the match was made: everything that went into it, and what made it."""

    model_config = example(
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
    languageModel: str | None = Field(description="Null: the texts are of the template voice")
    score: Score
    terms: list[TermPart]
    userId: int
    otherUserId: int
    rank: Ranks
    explanation: Explanation | None


class SimilarUser(Answer):
    """One neighbour."""

    userId: int
    similarity: float = Field(description="Cosine of the two profile vectors")


class SimilarAnswer(Answer):
    """The nearest profiles, nearest first."""

    model_config = example(
        {"snapshot": _RUN, "userId": 42, "similar": [{"userId": 7, "similarity": 0.9375}]}
    )

    snapshot: str
    userId: int
    similar: list[SimilarUser]
