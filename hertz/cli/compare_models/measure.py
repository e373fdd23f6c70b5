"""Language models measured on the same reports, one after the other, each by the service's table.

In: models, settings, the reports to be written (`compared_pairs`). Out: one `Measured` a
model: does vLLM run it, seconds to load and to write a report, memory, and which share of what it
wrote may be read. A model that cannot be loaded, dies or hangs is a row with its error.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import orjson
import polars as pl
import psutil

from hertz.cli.compare_models.compared_pairs import Case
from hertz.core.errors import GenerationError, ModelError
from hertz.explanations.checks.grounding import failed_checks
from hertz.explanations.generation.engine import is_cpu_build, load_engine
from hertz.explanations.generation.generator import Load, VllmGenerator
from hertz.explanations.generation.messages import Generated, Prompt
from hertz.explanations.prompts.prompts import read_answer, response_schema
from hertz.explanations.settings import ExplanationSettings
from hertz.policy.model import Policy
from hertz.stages.check_model import check_language_model
from hertz.stages.run import Progress, no_progress
from hertz.storage.models.bundled import LANGUAGE_MODEL
from hertz.storage.models.language import find_language_model

DUMMY = ":dummy"
MB = 1e6
CACHE_BYTES = 4 << 30  # of a GPU's memory: room for some thirty reports of an 8 B model
SINGLES = 4  # reports that are also asked for one at a time
FORM = {  # checks of form, voice and privacy; the others are about what a text claims
    "empty", "length", "closing", "emoji", "script", "repetition", "markup",
    "placeholder", "romance", "offensive", "solicitation", "contact", "id", "name", "bio_copied",
    "prompt_leak",
}  # fmt: skip
SCHEMA: dict[str, Any] = {
    "model": pl.String,
    "source": pl.String,
    "dummy": pl.Boolean,
    "vllm": pl.Boolean,
    "error": pl.String,
    "device": pl.String,
    "dtype": pl.String,
    "load_s": pl.Float64,
    "single_s": pl.Float64,
    "batch_s": pl.Float64,
    "tokens_per_s": pl.Float64,
    "loaded_mb": pl.Float64,
    "inferring_mb": pl.Float64,
    "reports": pl.Int64,
    "output_tokens": pl.Int64,
    "prompt_tokens": pl.Int64,
    "cached_tokens": pl.Int64,
    "valid": pl.Float64,
    "grounded": pl.Float64,
    "accepted": pl.Float64,
    "failed_checks": pl.String,
}
TEXTS: dict[str, Any] = {
    "model": pl.String,
    "report": pl.Int64,
    "category": pl.String,
    "language": pl.String,
    "title": pl.String,
    "content": pl.String,
    "failed_checks": pl.List(pl.String),
}


@dataclass
class Measured:
    """A row of the table; None is not known.

    Attributes:
        model: As it was named.
        source: "measured", or who else says so.
        dummy: Random weights of the model's shape: only speed and memory mean something.
        vllm: Did vLLM load it? None where it was not tried.
        error: Why there are no (more) figures.
        device: What it ran on.
        dtype: Of its weights.
        load_s: Seconds from its process's start until it could write.
        single_s: Seconds a report, one at a time (median).
        batch_s: Seconds a report, all at once.
        tokens_per_s: Tokens written a second, all at once.
        loaded_mb: Memory before it wrote: of the GPU, or of its process without one.
        inferring_mb: The same while it wrote.
        reports: Written at once.
        output_tokens: Of all these.
        prompt_tokens: Of all these.
        cached_tokens: Those of them that the prefix cache held.
        valid: Share that is the JSON asked for.
        grounded: Share of which every claim is true.
        accepted: Share that passes all checks.
        failed_checks: Name -> how many failed it, as JSON.
    """

    model: str
    source: str = "measured"
    dummy: bool = False
    vllm: bool | None = None
    error: str | None = None
    device: str | None = None
    dtype: str | None = None
    load_s: float | None = None
    single_s: float | None = None
    batch_s: float | None = None
    tokens_per_s: float | None = None
    loaded_mb: float | None = None
    inferring_mb: float | None = None
    reports: int | None = None
    output_tokens: int | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    valid: float | None = None
    grounded: float | None = None
    accepted: float | None = None
    failed_checks: str | None = None


@dataclass
class Comparison:
    """What models are compared by.

    Attributes:
        policy: Whose prompts and checks count.
        settings: Sampling and limits, the same for all.
        warm_up: Reports that nothing is measured by.
        asked: Those that are.
        minutes: What a model may take in all; then it is stopped.
        load: What the model's process runs.
        texts: What was written, row by row as it comes (`TEXTS`).
    """

    policy: Policy
    settings: ExplanationSettings
    warm_up: list[Case]
    asked: list[Case]
    minutes: float = 60.0
    load: Load = load_engine
    texts: list[dict[str, Any]] = field(default_factory=list)

    def measure(self, model: str, progress: Progress = no_progress) -> Measured:
        """A model's row.

        Args:
            model: "bundled", a folder, a Hugging Face id; with ":dummy" random weights.
            progress: PromptFacts of every report.
        """
        name = model.removesuffix(DUMMY)
        row = Measured(LANGUAGE_MODEL if name == "bundled" else name, dummy=name != model)
        try:
            settings = settings_for(self.settings, name, row.dummy)
            check_language_model(self.policy, settings)
            found = find_language_model(settings)
        except ModelError as error:
            row.error = _one_line(error)
            return row
        pinned = _with_small_cache(settings.model_copy(update={"revision": found.revision}))
        generator = VllmGenerator(found.source, pinned, self.load)
        with _Watch(generator, self.minutes) as watch:
            try:
                self._run(row, generator, watch, progress)
            except (ModelError, GenerationError) as error:
                row.vllm = bool(row.vllm)
                late = f"not done after {self.minutes:g} minutes: stopped"
                row.error = late if watch.killed else _one_line(error)
        return row

    def _run(
        self, row: Measured, generator: VllmGenerator, watch: _Watch, progress: Progress
    ) -> None:
        singles = self.asked[:: max(1, len(self.asked) // SINGLES)][:SINGLES]
        alone, total = [], len(singles) + len(self.asked)
        with generator:
            row.vllm, loaded = True, generator.loaded
            row.device, row.dtype = loaded.device, loaded.dtype
            row.load_s, row.loaded_mb = loaded.seconds, loaded.memory_bytes / MB
            self._write(generator, self.warm_up)
            watch.peak = 0
            for case in singles:
                alone.append(self._write(generator, [case])[1])
                progress(row.model, len(alone), total)
            row.single_s = statistics.median(alone)
            written, seconds = self._write(generator, self.asked)
            progress(row.model, total, total)
            used, _ = generator.memory()
        row.inferring_mb = max(used, watch.peak if loaded.device == "cpu" else 0) / MB
        row.reports, row.batch_s = len(written), seconds / len(written)
        row.output_tokens = sum(one.output_tokens for one in written)
        row.prompt_tokens = sum(one.prompt_tokens for one in written)
        row.cached_tokens = sum(one.cached_tokens for one in written)
        row.tokens_per_s = row.output_tokens / seconds
        if not row.dummy:
            self._judge(row, written)

    def _write(
        self, generator: VllmGenerator, cases: Sequence[Case]
    ) -> tuple[list[Generated], float]:
        """What the model writes, and in how many seconds.

        Raises:
            GenerationError: the engine died, even if another one went on.
        """
        prompts = [self._prompt(case, at) for at, case in enumerate(cases)]
        started = time.perf_counter()
        (written,) = generator.stream([prompts])
        seconds = time.perf_counter() - started
        if generator.restarts:
            message = "its engine died or hung while writing, and was started again"
            raise GenerationError(message)
        return written, seconds

    def _prompt(self, case: Case, at: int) -> Prompt:
        schema = response_schema(self.policy, case.language)
        return Prompt(case.talk, schema, self.settings.seed + at, self.settings.temperature)

    def _judge(self, row: Measured, written: Sequence[Generated]) -> None:
        """The shares of the row, and a row of `texts` each."""
        failed: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        for number, (case, one) in enumerate(zip(self.asked, written, strict=True)):
            text = read_answer(one.text, case.told)
            checks = [one.unreadable]
            if text is not None:
                told = (case.category, case.language, case.a, case.b)
                checks = failed_checks(self.policy, *told, text)
            failed.update(checks)
            counts["valid"] += text is not None
            counts["grounded"] += is_grounded(checks)
            counts["accepted"] += not checks
            self.texts.append(
                {
                    "model": row.model,
                    "report": number,
                    "category": case.category,
                    "language": case.language,
                    "title": text and text.title,
                    "content": text.content if text else one.text,
                    "failed_checks": checks,
                }
            )
        row.valid, row.grounded, row.accepted = (
            counts[share] / len(written) for share in ("valid", "grounded", "accepted")
        )
        row.failed_checks = orjson.dumps(dict(failed.most_common())).decode()


class _Watch:
    """Looks at an engine's process twice a second; ends it when its time is over.

    Attributes:
        peak: Largest resident memory seen, in bytes; to be set to 0 where a new look begins.
        killed: Whether the time was over.
    """

    def __init__(self, generator: VllmGenerator, minutes: float) -> None:
        self.peak, self.killed = 0, False
        self._generator, self._seconds = generator, 60 * minutes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        started = time.monotonic()
        while not self._over.wait(0.5):
            late = time.monotonic() - started > self._seconds
            if late:
                self.killed = True
                self._generator.restarts += 1  # so that the one ended here is not started again
            with suppress(psutil.NoSuchProcess):
                self.peak = max(self.peak, _resident(self._generator.pid, end=late))


def _resident(pid: int | None, end: bool) -> int:
    """Resident bytes of a process and its children, which are ended where wanted."""
    if pid is None:
        return 0
    engine, total = psutil.Process(pid), 0
    for process in [*engine.children(recursive=True), engine]:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
            if end:
                process.kill()
    return total


def settings_for(
    settings: ExplanationSettings, model: str, dummy: bool = False
) -> ExplanationSettings:
    """The settings with another model; what is said of the configured one alone is left out."""
    changed: dict[str, Any] = {"model": model, "engines": 1}
    changed["load_format"] = "dummy" if dummy else "auto"
    if model != settings.model:
        changed |= {"revision": None, "quantization": None}
    return settings.model_copy(update=changed)


def _with_small_cache(settings: ExplanationSettings) -> ExplanationSettings:
    """On a GPU a cache of a set size: else vLLM fills the GPU, and memory tells nothing."""
    if is_cpu_build():
        return settings
    engine = {"kv_cache_memory_bytes": CACHE_BYTES} | settings.engine
    return settings.model_copy(update={"engine": engine})


def is_grounded(failed: Iterable[str]) -> bool:
    """Whether every claim of a text that fails these checks is true."""
    return FORM.issuperset(failed)


def frame(rows: Sequence[Measured]) -> pl.DataFrame:
    """The rows as they are kept in Parquet."""
    return pl.DataFrame([asdict(row) for row in rows], SCHEMA)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
