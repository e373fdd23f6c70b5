"""Fourth stage: explains every user's best matches, by the language model or the template voice.

Each pair is explained once in each category, for both users. The column `fallback` says why the
model did not: `budget`, `refused`, `too_long` (the prompt, even without bios), `nothing_to_tell`,
`engine_failed`, `language` (not the model's), `no_model`, `not_asked` (the run starts no model).
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from hertz.core.errors import ModelError, StorageError
from hertz.core.faults import fault_point
from hertz.explanations.generation.engine import load_engine
from hertz.explanations.generation.generator import Generator, VllmGenerator
from hertz.explanations.generation.ray_engine import load_engines
from hertz.explanations.settings import ExplanationSettings
from hertz.explanations.voices.template import check_languages, render
from hertz.reports.figures import Origins
from hertz.stages.explain.model_writer import ModelWriter, Open
from hertz.stages.explain.tasks import TASK, TASK_SCHEMA, Task, TaskContext, explained_pairs
from hertz.stages.previous_run import unchanged_users
from hertz.stages.run import Run, Step, Stopwatch
from hertz.storage.explanation_cache import ExplanationCache
from hertz.storage.files import read_frame, write_frame
from hertz.storage.models.language import find_language_model
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import current_snapshot
from hertz.storage.snapshot.stage_results import ExplainResult

logger = logging.getLogger(__name__)

ROWS_PER_SLICE = 20_000
TEXT_COLUMNS = ("origin", "model", "title", "content", "reasons", "content_hash")
WRITTEN = TASK_SCHEMA | dict.fromkeys(TEXT_COLUMNS, pl.String)
SCHEMA = WRITTEN | {"fallback": pl.String}


def open_generator(settings: ExplanationSettings) -> AbstractContextManager[Generator]:
    """Returns the generator of the configured language model, which is not started yet.

    Raises:
        ModelError: If there is no such model.
    """
    model = find_language_model(settings)
    pinned = settings.model_copy(update={"revision": model.revision})
    return VllmGenerator(model.source, pinned, load_engines if pinned.engines > 1 else load_engine)


def explain(run: Run, generate: bool = True, open_model: Open = open_generator) -> ExplainResult:
    """Writes explanations.parquet for the run's matches; returns the stage's result.

    Only with `generate` is the model started; cached explanations are reused in any case.
    """
    chosen, policy = run.settings.explanations, run.settings.policy
    check_languages(policy)
    watch = Stopwatch()
    profiles = read_frame(run.folder / "users.parquet")
    pairs = explained_pairs(policy, read_frame(run.folder / "matches.parquet"), chosen.top)
    name, digest, why_none = _model(chosen, fetch=generate)
    context = TaskContext(policy, chosen, profiles, digest)
    wanted = _wanted(pairs, policy.languages)
    same = _reusable_template_texts(run.settings.home, context, profiles, wanted)
    writer = ModelWriter(context, ExplanationCache(run.settings.home))
    writer.ended_by = why_none
    if digest:
        writer.reuse(pairs, _besides(wanted, same, chosen.languages))
        if generate:
            writer.write(open_model, run.step("writing explanations"))
    texts = _Texts(context, writer, name, same)
    frame = texts.frame(wanted, run.step("template voice"))
    write_frame(frame, run.folder / "explanations.parquet")
    fault_point("explain.written")
    return run.record(texts.result(frame, len(pairs), watch.seconds))


def _model(settings: ExplanationSettings, fetch: bool) -> tuple[str | None, str, str]:
    """Returns the model's name, its digest, and the error if the configured one is not found."""
    if not settings.model:
        return None, "", ""
    try:
        found = find_language_model(settings, fetch)
    except ModelError as error:
        logger.warning("the template voice takes over: %s", error)
        return settings.model, "", str(error)
    return found.name, found.digest, ""


def _wanted(pairs: pl.DataFrame, languages: tuple[str, ...]) -> pl.DataFrame:
    """Returns every explanation to write, in order; `place` is its row number."""
    spoken = pl.DataFrame({"language": languages}, {"language": pl.String})
    return pairs.select(TASK[:3]).join(spoken, how="cross").with_row_index("place")


def _reusable_template_texts(
    home: Path, context: TaskContext, profiles: pl.DataFrame, wanted: pl.DataFrame
) -> pl.DataFrame:
    """Returns the rows of `wanted` whose published template text a run would write identically."""
    nothing = wanted.clear()
    try:
        snapshot = current_snapshot(home)
        if snapshot is None or read_manifest(snapshot).stages.explain.voice != context.voice:
            return nothing
        before = read_frame(snapshot / "users.parquet")
        fields = [name for name, rule in context.policy.fields.items() if rule.kind != "ids"]
        same = unchanged_users(before, profiles, fields).implode()
        published = read_frame(snapshot / "explanations.parquet")
    except StorageError as error:
        logger.warning("no explanation is taken over: %s", error)
        return nothing
    usable = published.filter(
        pl.col("origin") == "template", pl.col("user_a").is_in(same), pl.col("user_b").is_in(same)
    )
    return wanted.join(usable, on=TASK, maintain_order="left")


def _besides(wanted: pl.DataFrame, same: pl.DataFrame, languages: tuple[str, ...]) -> list[Task]:
    """Returns the tasks that may be cached, without those whose template text is reused."""
    rest = wanted.filter(pl.col("language").is_in(languages)).join(same, on="place", how="anti")
    return [Task(*row) for row in rest.select(TASK).iter_rows()]


class _Texts:
    """Assembles all explanations of a run: the model's texts, and the template's for the rest."""

    def __init__(
        self, context: TaskContext, writer: ModelWriter, model: str | None, same: pl.DataFrame
    ) -> None:
        self.context = context
        self.writer = writer
        self.model = model
        written = [tuple(task) for task in writer.written]
        by_model = pl.DataFrame(written, TASK_SCHEMA, orient="row")
        self.same = same.join(by_model, on=TASK, how="anti")
        self.done = 0

    def frame(self, wanted: pl.DataFrame, step: Step) -> pl.DataFrame:
        """Returns one row for each explanation to write, in order."""
        rest = wanted.join(self.same, on="place", how="anti")
        parts = [self._placed(part, len(rest), step) for part in rest.iter_slices(ROWS_PER_SLICE)]
        parts += [self.same.select("place", *WRITTEN)] if len(self.same) else []
        if not parts:
            return pl.DataFrame(schema=SCHEMA)
        return self._with_fallback(pl.concat(parts)).sort("place").select(*SCHEMA)

    def result(self, frame: pl.DataFrame, pairs: int, seconds: float) -> ExplainResult:
        """Returns the stage's result for all explanations of a number of pairs."""
        by_model = len(self.writer.written)
        reused = len(self.writer.reused)
        origins = Origins(model=by_model - reused, reused=reused, template=len(frame) - by_model)
        return ExplainResult(
            seconds=seconds,
            model=self.model,
            pairs=pairs,
            explanations=origins,
            **dict(self.writer.work()),
            carried_over=len(self.same),
            voice=self.context.voice,
        )

    def _placed(self, part: pl.DataFrame, total: int, step: Step) -> pl.DataFrame:
        """Returns the explanations of some tasks, with their `place`."""
        rows = [self._row(Task(*where)) for where in part.select(TASK).iter_rows()]
        self.done += len(rows)
        step(self.done, total)
        frame = pl.DataFrame(rows, WRITTEN, orient="row")
        return frame.with_columns(place=part["place"]).select("place", *WRITTEN)

    def _with_fallback(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Adds the reason why each text of the template voice is not the model's."""
        reasons = [(*task, why) for task, why in self.writer.fallbacks.items()]
        left = pl.DataFrame(reasons, TASK_SCHEMA | {"fallback": pl.String}, orient="row")
        # Without an examined task, the model was not found.
        unseen = "budget" if self.writer.over_budget else "engine_failed"
        spoken = pl.col("language").is_in(self.context.settings.languages)
        examined = pl.when(spoken).then(pl.col("fallback").fill_null(unseen))
        other = examined.otherwise(pl.lit("language"))
        why = pl.lit("no_model") if self.model is None else other
        shown = pl.when(pl.col("origin") != "model").then(why)
        return frame.join(left, on=TASK, how="left").with_columns(fallback=shown)

    def _row(self, task: Task) -> tuple[Any, ...]:
        """Returns the row of an explanation, with the columns of `WRITTEN`."""
        context, text = self.context, self.writer.written.get(task)
        key = context.model_key(task) if text else context.template_key(task)
        origin, model = ("model", self.model) if text else ("template", None)
        if text is None:
            text = render(context.policy, task.category, task.language, context.facts(task), key)
        reasons = orjson.dumps(text.reasons).decode()
        return (*task, origin, model, text.title, text.content, reasons, key)
