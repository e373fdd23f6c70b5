"""Language models measured on the same reports, one after the other.

Out: one `Measured` for each model: whether vLLM loads it, its seconds and memory, and which share
of its texts passes the checks. A model that cannot be loaded, dies or hangs gets its error.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from statistics import fmean, median
from typing import Any, Self

import orjson
import psutil

from hertz.cli.compare_models.reports import Report
from hertz.cli.compare_models.results import Measured
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
CACHE_BYTES = 4 << 30  # of a GPU's memory: room for some thirty reports of an 8 B model
SINGLES = 4  # reports that are also written one at a time
FORM_CHECKS = {  # checks of form, voice and privacy; the others are about what a text claims
    "empty", "length", "closing", "emoji", "script", "repetition", "markup",
    "placeholder", "romance", "offensive", "solicitation", "contact", "id", "name", "bio_copied",
    "prompt_leak",
}  # fmt: skip


@dataclass
class Comparison:
    """A comparison of models on the same reports."""

    policy: Policy
    settings: ExplanationSettings
    warm_up: list[Report]  # written first and not measured
    reports: list[Report]
    minutes: float = 60.0  # after which a model is stopped
    load: Load = load_engine
    texts: list[dict[str, Any]] = field(default_factory=list)  # what was written: rows of `TEXTS`

    def measure(self, model: str, progress: Progress = no_progress) -> Measured:
        """Measures "bundled", a folder or a Hugging Face id; with ":dummy" weights are random."""
        name = model.removesuffix(DUMMY)
        row = Measured(LANGUAGE_MODEL if name == "bundled" else name, dummy=name != model)
        try:
            settings = settings_for(self.settings, name, row.dummy)
            check_language_model(self.policy, settings)
            found = find_language_model(settings)
        except ModelError as error:
            row.error = _one_line(error)
            return row
        # On a GPU the cache has a fixed size; otherwise vLLM fills the memory with it.
        cache = {} if is_cpu_build() else {"kv_cache_memory_bytes": CACHE_BYTES}
        changed = {"revision": found.revision, "engine": cache | settings.engine}
        pinned = settings.model_copy(update=changed)
        generator = VllmGenerator(found.source, pinned, self.load)
        with _Watch(generator, self.minutes) as watch:
            try:
                self._measure(row, generator, watch, progress)
            except (ModelError, GenerationError) as error:
                row.vllm = bool(row.vllm)
                late = f"not done after {self.minutes:g} minutes: stopped"
                row.error = late if watch.killed else _one_line(error)
        return row

    def _measure(
        self, row: Measured, generator: VllmGenerator, watch: _Watch, progress: Progress
    ) -> None:
        """Writes all reports and fills the row; what is known stays there if the engine fails."""
        singles = self.reports[:: max(1, len(self.reports) // SINGLES)][:SINGLES]
        seconds_alone: list[float] = []
        total = len(singles) + len(self.reports)
        with generator:
            loaded = generator.loaded
            row.vllm = True
            row.device = loaded.device
            row.dtype = loaded.dtype
            row.load_s = loaded.seconds
            row.loaded_mb = loaded.memory_bytes / 1e6
            self._write(generator, self.warm_up)
            watch.peak = 0
            for report in singles:
                seconds_alone.append(self._write(generator, [report])[1])
                progress(row.model, len(seconds_alone), total)
            row.single_s = median(seconds_alone)
            written, seconds = self._write(generator, self.reports)
            progress(row.model, total, total)
            memory = generator.memory()
        row.inferring_mb = max(memory.now, watch.peak if loaded.device == "cpu" else 0) / 1e6
        row.reports = len(written)
        row.batch_s = seconds / len(written)
        row.output_tokens = sum(answer.output_tokens for answer in written)
        row.prompt_tokens = sum(answer.prompt_tokens for answer in written)
        row.cached_tokens = sum(answer.cached_tokens for answer in written)
        row.tokens_per_s = row.output_tokens / seconds
        if not row.dummy:
            self._check(row, written)

    def _write(
        self, generator: VllmGenerator, reports: Sequence[Report]
    ) -> tuple[list[Generated], float]:
        """Returns what the model writes and its seconds; an engine that died is an error."""
        prompts = [
            Prompt(
                report.conversation,
                response_schema(self.policy, report.language),
                seed=self.settings.seed + number,
                temperature=self.settings.temperature,
            )
            for number, report in enumerate(reports)
        ]
        started = time.perf_counter()
        (written,) = generator.stream([prompts])
        seconds = time.perf_counter() - started
        if generator.restarts:
            message = "its engine died or hung while writing, and was started again"
            raise GenerationError(message)
        return written, seconds

    def _check(self, row: Measured, written: Sequence[Generated]) -> None:
        """Checks all texts: fills the row's shares, and adds one row of `texts` for each."""
        failures: list[list[str]] = []
        valid = 0
        for number, (report, answer) in enumerate(zip(self.reports, written, strict=True)):
            text = read_answer(answer.text, report.facts)
            valid += text is not None
            checks = [answer.unreadable]
            if text is not None:
                category, language, a, b = report[:4]
                checks = failed_checks(self.policy, category, language, a, b, text)
            failures.append(checks)
            self.texts.append(
                {
                    "model": row.model,
                    "report": number,
                    "category": report.category,
                    "language": report.language,
                    "title": text and text.title,
                    "content": text.content if text else answer.text,
                    "failed_checks": checks,
                }
            )
        row.valid = valid / len(written)
        row.grounded = fmean(is_grounded(checks) for checks in failures)
        row.accepted = fmean(not checks for checks in failures)
        failed = Counter(chain.from_iterable(failures)).most_common()
        row.failed_checks = orjson.dumps(dict(failed)).decode()


class _Watch:
    """Measures an engine's memory twice a second, and ends the engine when its time is over."""

    def __init__(self, generator: VllmGenerator, minutes: float) -> None:
        self.peak = 0  # largest resident memory in bytes; the owner may set it back to 0
        self.killed = False
        self._generator = generator
        self._seconds = 60 * minutes
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
            if late := time.monotonic() - started > self._seconds:
                self.killed = True
                self._generator.restarts += 1  # so that the generator does not start it again
            with suppress(psutil.NoSuchProcess):
                self.peak = max(self.peak, _resident(self._generator.pid, end=late))


def _resident(pid: int | None, end: bool) -> int:
    """Returns the resident bytes of a process and its children; ends them if `end`."""
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
    """Returns the settings for another model, without what belongs to the configured one alone."""
    load_format = "dummy" if dummy else "auto"
    changed: dict[str, Any] = {"model": model, "engines": 1, "load_format": load_format}
    if model != settings.model:
        changed |= {"revision": None, "quantization": None}
    return settings.model_copy(update=changed)


def is_grounded(failed: Iterable[str]) -> bool:
    """Returns whether every claim of a text that fails these checks is true."""
    return FORM_CHECKS.issuperset(failed)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
