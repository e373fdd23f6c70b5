"""What there is to explain, and everything that one explanation is made from.

In: a night's matches and profiles. Out: the pairs in the order of their worth, and for each task
its profiles, its facts and the content hashes that its texts are kept under.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
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

DECIDING = {  # settings that decide a text, besides the model's own files
    "temperature", "retry_temperature", "max_tokens", "max_model_len", "seed", "dtype",
    "quantization", "load_format", "engine",
}  # fmt: skip


class Task(NamedTuple):
    """One explanation to be written: a pair, its category and the language."""

    category: str
    a: int
    b: int
    language: str


def explained_pairs(policy: Policy, matches: pl.DataFrame, top: int) -> pl.DataFrame:
    """Each pair that is among the `top` of either side: `category`, `user_a` < `user_b`, `value`.

    Sorted by category (policy order), user_a, user_b. `value` orders pairs by what their readers
    get, most first: each side whose list has the pair counts 1 / rank, so first of two lists is
    worth two first places; then mutual score, then ids, the categories taking turns.
    """
    order = {name: place for place, name in enumerate(policy.categories)}
    place = pl.col("category").replace_strict(order, return_dtype=pl.Int32)
    return (
        matches.lazy()
        .filter(pl.col("rank") <= top)
        .select(
            "category",
            "mutual",
            worth=1 / pl.col("rank"),
            user_a=pl.min_horizontal("user_id", "other_id"),
            user_b=pl.max_horizontal("user_id", "other_id"),
        )
        .group_by("category", "user_a", "user_b")
        .agg(pl.col("worth").sum(), pl.col("mutual").first())
        .sort(-pl.col("worth"), -pl.col("mutual"), "user_a", "user_b")
        .with_columns(turn=pl.int_range(pl.len()).over("category"), place=place)
        .sort("turn", "place")
        .with_row_index("value")
        .sort("place", "user_a", "user_b")
        .select("category", "user_a", "user_b", "value")
        .collect()
    )


def tasks_of(pairs: pl.DataFrame, languages: Iterable[str]) -> Iterator[Task]:
    """The pairs' tasks in their order, a pair's languages one after the other."""
    languages = tuple(languages)
    for category, a, b in pairs.select("category", "user_a", "user_b").iter_rows():
        for language in languages:
            yield Task(category, a, b, language)


class TaskContext:
    """Looks up what a task is made from.

    Args:
        policy: The night's policy.
        settings: The night's settings.
        profiles: Rows of users.parquet.
        model: Digest of the language model; "" where there is none.
    """

    def __init__(
        self, policy: Policy, settings: ExplanationSettings, profiles: pl.DataFrame, model: str
    ) -> None:
        self.policy, self.settings = policy, settings
        self._profiles = {row["user_id"]: row for row in profiles.iter_rows(named=True)}
        self._digests: dict[int, str] = {}
        self._latest: tuple[tuple[str, int, int] | None, Facts] = (None, Facts(()))
        self._schemas: dict[str, str] = {}
        sampling = json.dumps(settings.model_dump(mode="json", include=DECIDING), sort_keys=True)
        self.by_model = (policy.digest, PROMPT_VERSION, CHECKS_VERSION, model, sampling)
        self.by_template = (policy.digest, TEMPLATE_VERSION)

    def pair(self, task: Task) -> tuple[Profile, Profile]:
        """The two profiles."""
        return self._profiles[task.a], self._profiles[task.b]

    def facts(self, task: Task) -> Facts:
        """All that is true of the two."""
        pair = (task.category, task.a, task.b)
        if self._latest[0] != pair:  # the languages of a pair come one after the other
            self._latest = (pair, pair_facts(self.policy, task.category, *self.pair(task)))
        return self._latest[1]

    def told(self, task: Task) -> PromptFacts:
        """The facts that a model is told."""
        return prompt_facts(self.policy, task.category, task.language, self.facts(task))

    def model_key(self, task: Task) -> str:
        """Content hash of the model's text."""
        return self._key(task, *self.by_model, self._schema(task.language))

    def template_key(self, task: Task) -> str:
        """Content hash of the template's text."""
        return self._key(task, *self.by_template)

    def _key(self, task: Task, *made_by: str) -> str:
        told = [self._digest(user) for user in (task.a, task.b)]
        return content_hash(*told, task.category, task.language, *made_by)

    def _schema(self, language: str) -> str:
        if language not in self._schemas:
            told = json.dumps(response_schema(self.policy, language), sort_keys=True)
            self._schemas[language] = hashlib.sha256(told.encode()).hexdigest()
        return self._schemas[language]

    def _digest(self, user: int) -> str:
        if user not in self._digests:
            self._digests[user] = profile_digest(self.policy, self._profiles[user])
        return self._digests[user]
