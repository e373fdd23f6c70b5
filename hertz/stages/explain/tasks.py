"""Lists the explanations to write, and looks up the inputs and the content hash of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl

from hertz.explanations.checks.grounding import CHECKS_VERSION
from hertz.explanations.facts import Facts, Profile, content_hash, pair_facts, profile_digest
from hertz.explanations.prompts.prompts import (
    PROMPT_VERSION,
    PromptFacts,
    prompt_facts,
    response_schema,
)
from hertz.explanations.settings import ExplanationSettings
from hertz.explanations.voices.template import TEMPLATE_VERSION
from hertz.policy.model import Policy

TEXT_SETTINGS = {  # settings that change a text, besides the model's own files
    "temperature", "retry_temperature", "max_tokens", "max_model_len", "seed", "dtype",
    "quantization", "load_format", "engine",
}  # fmt: skip
TASK_SCHEMA = {
    "category": pl.String, "user_a": pl.Int64, "user_b": pl.Int64, "language": pl.String,
}  # fmt: skip
TASK = tuple(TASK_SCHEMA)


class Task(NamedTuple):
    """An explanation to write: the category, the two user ids (a < b), and the language."""

    category: str
    a: int
    b: int
    language: str


def explained_pairs(policy: Policy, matches: pl.DataFrame, top: int) -> pl.DataFrame:
    """Returns the pairs to explain: those among the `top` matches of either user.

    Rows have `user_a` < `user_b`, and are sorted by category (in the policy's order) and ids.
    `value` is the priority, 0 first: the categories alternate; within one, the sum of 1 / rank over
    the lists that show the pair counts first, then the mutual score, then the ids.
    """
    order = {name: place for place, name in enumerate(policy.categories)}
    place = pl.col("category").replace_strict(order, return_dtype=pl.Int32)
    return (
        matches.lazy()
        .filter(pl.col("rank") <= top)
        .select(
            "category",
            "mutual",
            visibility=1 / pl.col("rank"),
            user_a=pl.min_horizontal("user_id", "other_id"),
            user_b=pl.max_horizontal("user_id", "other_id"),
        )
        .group_by("category", "user_a", "user_b")
        .agg(pl.col("visibility").sum(), pl.col("mutual").first())
        .sort(-pl.col("visibility"), -pl.col("mutual"), "user_a", "user_b")
        .with_columns(turn=pl.int_range(pl.len()).over("category"), place=place)
        .sort("turn", "place")
        .with_row_index("value")
        .sort("place", "user_a", "user_b")
        .select("category", "user_a", "user_b", "value")
        .collect()
    )


def tasks_of(pairs: pl.DataFrame, languages: Sequence[str]) -> Iterator[Task]:
    """Yields the tasks of the pairs in order; a pair's languages follow each other."""
    for category, a, b in pairs.select(TASK[:3]).iter_rows():
        for language in languages:
            yield Task(category, a, b, language)


class TaskContext:
    """Looks up the profiles, facts and content hashes of a run's tasks.

    Args:
        profiles: Rows of users.parquet.
        model: Digest of the language model; "" if there is none.

    Attributes:
        voice: Digest of everything that decides a template text, except the two profiles.
    """

    def __init__(
        self, policy: Policy, settings: ExplanationSettings, profiles: pl.DataFrame, model: str
    ) -> None:
        self.policy = policy
        self.settings = settings
        self._profiles = {row["user_id"]: row for row in profiles.iter_rows(named=True)}
        self._digests: dict[int, str] = {}
        self._latest: tuple[tuple[str, int, int] | None, Facts] = (None, Facts(()))
        self._schemas: dict[str, str] = {}
        chosen = settings.model_dump(mode="json", include=TEXT_SETTINGS)
        sampling = json.dumps(chosen, sort_keys=True)
        self._by_model = (policy.digest, PROMPT_VERSION, CHECKS_VERSION, model, sampling)
        self._by_template = (policy.digest, TEMPLATE_VERSION)
        self.voice = hashlib.sha256("\n".join(self._by_template).encode()).hexdigest()

    def pair(self, task: Task) -> tuple[Profile, Profile]:
        """Returns the two profiles of a task."""
        return self._profiles[task.a], self._profiles[task.b]

    def facts(self, task: Task) -> Facts:
        """Returns all facts of a task's pair."""
        pair = (task.category, task.a, task.b)
        if self._latest[0] != pair:  # the languages of a pair come one after the other
            self._latest = (pair, pair_facts(self.policy, task.category, *self.pair(task)))
        return self._latest[1]

    def prompt_facts(self, task: Task) -> PromptFacts:
        """Returns the facts that a task's prompt contains."""
        return prompt_facts(self.policy, task.category, task.language, self.facts(task))

    def model_key(self, task: Task) -> str:
        """Returns the content hash of a text that the model writes."""
        return self._key(task, *self._by_model, self._schema(task.language))

    def template_key(self, task: Task) -> str:
        """Returns the content hash of a text that the template voice composes."""
        return self._key(task, *self._by_template)

    def _key(self, task: Task, *made_by: str) -> str:
        """Returns the hash of the profiles, the task, and everything that decides its text."""
        digests = [self._digest(user) for user in (task.a, task.b)]
        return content_hash(*digests, task.category, task.language, *made_by)

    def _schema(self, language: str) -> str:
        """Returns the sha256 of the schema of answers."""
        if language not in self._schemas:
            schema = json.dumps(response_schema(self.policy, language), sort_keys=True)
            self._schemas[language] = hashlib.sha256(schema.encode()).hexdigest()
        return self._schemas[language]

    def _digest(self, user: int) -> str:
        """Returns the digest of a user's profile."""
        if user not in self._digests:
            self._digests[user] = profile_digest(self.policy, self._profiles[user])
        return self._digests[user]
