"""Fourth stage: every user's best matches explained, by the language model or the template voice.

A pair and category is explained once, for both sides. The model writes the most valuable pairs
within the budget; what it wrote before and was accepted is reused, what was refused is not asked
again; all else is said by the template voice. Each chunk's outcome is kept when it is done, so a
killed run pays for one chunk twice at most.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import polars as pl

from explanations.facts import (
    Explanation,
    Facts,
    Profile,
    content_hash,
    pair_facts,
    profile_digest,
)
from explanations.generator import Generated, Generator, Prompt, VllmGenerator
from explanations.grounding import CHECKS_VERSION, failed_checks
from explanations.prompts import (
    PROMPT_VERSION,
    Told,
    conversation,
    read_answer,
    response_schema,
    told_facts,
)
from explanations.settings import ExplanationSettings
from explanations.template import TEMPLATE_VERSION, check_languages, render
from matching.errors import GenerationError, ModelError
from matching.policy import Policy
from stages.carry_over import TASK, carried_over, voice_of
from stages.run import Run, Step
from storage.bundled_models import LANGUAGE_MODEL, bundled_language_model
from storage.explanation_cache import ExplanationCache
from storage.files import read_frame, write_frame

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 20_000
SCHEMA = {
    "category": pl.String,
    "user_a": pl.Int64,
    "user_b": pl.Int64,
    "language": pl.String,
    "origin": pl.String,
    "model": pl.String,
    "title": pl.String,
    "content": pl.String,
    "reasons": pl.String,
    "content_hash": pl.String,
}
SAMPLING = {"revision", "temperature", "max_tokens", "seed", "dtype"}  # what decides a text
Open = Callable[[ExplanationSettings], AbstractContextManager[Generator]]


class Task(NamedTuple):
    """One explanation to be written: a pair, its category and the language."""

    category: str
    a: int
    b: int
    language: str


def open_generator(settings: ExplanationSettings) -> AbstractContextManager[Generator]:
    """The configured language model's engine, not started yet."""
    bundled = settings.model == "bundled"
    return VllmGenerator(str(bundled_language_model()) if bundled else settings.model, settings)


def explain(run: Run, generate: bool = True, open_model: Open = open_generator) -> None:
    """Write explanations.parquet for the run's matches.

    Args:
        run: Its folder has users.parquet and matches.parquet.
        generate: Whether the model may be started; kept explanations are reused either way.
        open_model: Starts the language model.
    """
    chosen, policy = run.settings.explanations, run.settings.policy
    check_languages(policy)
    with run.stage("explain") as figures:
        profiles = read_frame(run.folder / "users.parquet")
        pairs = explained_pairs(policy, read_frame(run.folder / "matches.parquet"), chosen.top)
        writer = _Writer(policy, chosen, ExplanationCache(run.settings.home), profiles)
        writer.carry_over(pairs, run.settings.home)
        if chosen.model:
            writer.reuse(pairs)
            if generate:
                writer.write(open_model, run.step("writing explanations"))
        frame = writer.frame(run.step("template voice"))
        write_frame(frame, run.folder / "explanations.parquet")
        figures |= writer.figures(frame, len(pairs))


def explained_pairs(policy: Policy, matches: pl.DataFrame, top: int) -> pl.DataFrame:
    """Each pair that is among the `top` of either side: `category`, `user_a` < `user_b`, `value`.

    Sorted by category (policy order), user_a, user_b. `value` orders pairs by what their readers
    get: best rank first, then mutual score, then ids, the categories taking turns.
    """
    order = {name: place for place, name in enumerate(policy.categories)}
    place = pl.col("category").replace_strict(order, return_dtype=pl.Int32)
    return (
        matches.lazy()
        .filter(pl.col("rank") <= top)
        .select(
            "category",
            "rank",
            "mutual",
            user_a=pl.min_horizontal("user_id", "other_id"),
            user_b=pl.max_horizontal("user_id", "other_id"),
        )
        .group_by("category", "user_a", "user_b")
        .agg(pl.col("rank").min(), pl.col("mutual").first())
        .sort("rank", -pl.col("mutual"), "user_a", "user_b")
        .with_columns(turn=pl.int_range(pl.len()).over("category"), place=place)
        .sort("turn", "place")
        .with_row_index("value")
        .sort("place", "user_a", "user_b")
        .select("category", "user_a", "user_b", "value")
        .collect()
    )


class _Writer:
    """Gathers the texts of a night."""

    def __init__(
        self,
        policy: Policy,
        settings: ExplanationSettings,
        cache: ExplanationCache,
        profiles: pl.DataFrame,
    ) -> None:
        self.policy, self.settings, self.cache = policy, settings, cache
        self.profile_frame = profiles
        self.profiles = {row["user_id"]: row for row in profiles.iter_rows(named=True)}
        self.digests: dict[int, str] = {}
        self.model = LANGUAGE_MODEL if settings.model == "bundled" else settings.model
        sampling = settings.model_dump_json(include=SAMPLING)
        self.by_model = (policy.digest, PROMPT_VERSION, CHECKS_VERSION, self.model, sampling)
        self.by_template = (policy.digest, TEMPLATE_VERSION)
        self.latest: tuple[tuple[str, int, int] | None, Facts] = (None, Facts(()))
        self.all = self.same = pl.DataFrame()
        self.share: list[Task] = []
        self.written: dict[Task, Explanation] = {}
        self.reused: set[Task] = set()
        self.failed: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.generator_failed = ""

    def carry_over(self, pairs: pl.DataFrame, home: Path) -> None:
        """Take template texts that would be the same over from the published snapshot."""
        languages = pl.DataFrame({"language": self.policy.languages}, {"language": pl.String})
        self.all = pairs.select(TASK[:3]).join(languages, how="cross").with_row_index("place")
        voice = voice_of(self.by_template)
        self.same = carried_over(home, self.policy, voice, self.profile_frame, self.all)

    def reuse(self, pairs: pl.DataFrame) -> None:
        """Take over what the model wrote on other nights and nothing has changed since.

        Looked up are the model's share, and whatever was not carried over.
        """
        self.share = self._share(pairs)
        rest = self.all.filter(pl.col("language").is_in(self.settings.languages))
        if len(self.same):
            rest = rest.join(self.same, on="place", how="anti")
        rows = rest.select(TASK).iter_rows()
        tasks = iter(dict.fromkeys([*self.share, *(Task(*row) for row in rows)]))
        while part := {task: self._model_key(task) for task in islice(tasks, ROWS_AT_ONCE)}:
            found = self.cache.get_many(list(part.values()))
            self.written |= {task: found[key] for task, key in part.items() if key in found}
        self.reused = set(self.written)

    def write(self, open_model: Open, step: Step) -> None:
        """Let the model write its share, as far as it is not written yet, nor refused."""
        refused = self.cache.refused()
        wanted = [
            t for t in self.share if t not in self.written and self._model_key(t) not in refused
        ]
        if not wanted:
            return
        try:
            with open_model(self.settings) as generator:
                for start in range(0, len(wanted), self.settings.chunk):
                    self._write_chunk(generator, wanted[start : start + self.settings.chunk])
                    step(min(start + self.settings.chunk, len(wanted)), len(wanted))
        except (ModelError, GenerationError) as error:
            self.generator_failed = str(error)
            logger.warning("the template voice takes over: %s", error)

    def frame(self, step: Step) -> pl.DataFrame:
        """All explanations: the model's where there is one, else the template's."""
        by_model = pl.DataFrame(
            [(t.category, t.a, t.b, t.language) for t in self.written],
            {name: SCHEMA[name] for name in TASK},
            orient="row",
        )
        same = self.same.join(by_model, on=TASK, how="anti") if len(self.same) else self.same
        self.counts["carried"] = len(same)
        rest = self.all.join(same, on="place", how="anti") if len(same) else self.all
        parts = [self._placed(part, len(rest), step) for part in rest.iter_slices(ROWS_AT_ONCE)]
        parts += [same.select("place", *SCHEMA)] if len(same) else []
        if not parts:
            return pl.DataFrame(schema=SCHEMA)
        return pl.concat(parts).sort("place").select(*SCHEMA)

    def _placed(self, part: pl.DataFrame, total: int, step: Step) -> pl.DataFrame:
        rows = [self._row(Task(*where)) for where in part.select(TASK).iter_rows()]
        self.counts["told"] += len(rows)
        step(self.counts["told"], total)
        return (
            pl.DataFrame(rows, SCHEMA, orient="row")
            .with_columns(place=part["place"])
            .select("place", *SCHEMA)
        )

    def figures(self, frame: pl.DataFrame, pairs: int) -> dict[str, Any]:
        """What the run's report says of this stage."""
        by_model = len(self.written)
        return {
            "model": self.model or None,
            "pairs": pairs,
            "explanations": {
                "model": by_model - len(self.reused),
                "reused": len(self.reused),
                "template": len(frame) - by_model,
            },
            "candidates": self.counts["candidates"],
            "accepted": self.counts["accepted"],
            "failed_checks": dict(sorted(self.failed.items())),
            "prompt_tokens": self.counts["prompt_tokens"],
            "output_tokens": self.counts["output_tokens"],
            "generator_failed": self.generator_failed,
            "carried_over": self.counts["carried"],
            "voice": voice_of(self.by_template),
        }

    def _share(self, pairs: pl.DataFrame) -> list[Task]:
        """The model's share: the most valuable pairs within the budget.

        The share follows from the matches alone, so a night with nothing new asks for nothing. A
        pair of whom there is nothing to tell is left to the template voice.
        """
        ordered = self._tasks(pairs.sort("value"), self.settings.languages)
        tellable = (task for task in ordered if self._told(task))
        return list(islice(tellable, self.settings.budget * len(self.settings.languages)))

    def _write_chunk(self, generator: Generator, tasks: list[Task]) -> None:
        accepted: dict[str, Explanation] = {}
        refused: list[str] = []
        for language in self.settings.languages:
            spoken = [task for task in tasks if task.language == language]
            for task, found in zip(spoken, self._generated(generator, spoken), strict=True):
                self.counts["candidates"] += 1
                self.counts["prompt_tokens"] += found.prompt_tokens
                self.counts["output_tokens"] += found.output_tokens
                text = self._checked(task, found)
                if text is None:
                    refused.append(self._model_key(task))
                else:
                    self.counts["accepted"] += 1
                    self.written[task] = accepted[self._model_key(task)] = text
        self.cache.put_many(accepted, refused)

    def _generated(self, generator: Generator, tasks: list[Task]) -> list[Generated]:
        """What the model answers to tasks of one language."""
        if not tasks:
            return []
        talks = [
            conversation(self.policy, t.category, t.language, *self._pair(t), self._facts(t))
            for t in tasks
        ]
        seeds = [self.settings.seed + int(self._model_key(t)[:7], 16) for t in tasks]
        schema = response_schema(self.policy, tasks[0].language)
        asked = [
            Prompt(talk, schema, seed, self.settings.temperature)
            for talk, seed in zip(talks, seeds, strict=True)
        ]
        (written,) = generator.stream([asked])
        return written

    def _checked(self, task: Task, found: Generated) -> Explanation | None:
        text = read_answer(found.text, self._told(task))
        failed = failed_checks(self.policy, task.category, task.language, *self._pair(task), text)
        self.failed.update(["too_long"] if found.finish_reason == "too_long" else failed)
        return None if failed else text

    def _row(self, task: Task) -> tuple[Any, ...]:
        text = self.written.get(task)
        key = self._model_key(task) if text else self._template_key(task)
        origin, model = ("model", self.model) if text else ("template", None)
        if text is None:
            text = render(self.policy, task.category, task.language, self._facts(task), key)
        reasons = orjson.dumps(text.reasons).decode()
        where = (task.category, task.a, task.b, task.language)
        return (*where, origin, model, text.title, text.content, reasons, key)

    def _tasks(self, pairs: pl.DataFrame, languages: Iterable[str]) -> Iterator[Task]:
        languages = tuple(languages)
        for category, a, b in pairs.select("category", "user_a", "user_b").iter_rows():
            for language in languages:
                yield Task(category, a, b, language)

    def _pair(self, task: Task) -> tuple[Profile, Profile]:
        return self.profiles[task.a], self.profiles[task.b]

    def _facts(self, task: Task) -> Facts:
        pair = (task.category, task.a, task.b)
        if self.latest[0] != pair:  # the languages of a pair come one after the other
            self.latest = (pair, pair_facts(self.policy, task.category, *self._pair(task)))
        return self.latest[1]

    def _told(self, task: Task) -> Told:
        return told_facts(self.policy, task.category, task.language, self._facts(task))

    def _model_key(self, task: Task) -> str:
        return self._key(task, *self.by_model)

    def _template_key(self, task: Task) -> str:
        return self._key(task, *self.by_template)

    def _key(self, task: Task, *made_by: str) -> str:
        told = [self._digest(user) for user in (task.a, task.b)]
        return content_hash(*told, task.category, task.language, *made_by)

    def _digest(self, user: int) -> str:
        if user not in self.digests:
            self.digests[user] = profile_digest(self.policy, self.profiles[user])
        return self.digests[user]
