"""Lets the language model explain a run's pairs: reuses, writes, checks and caches its texts.

The results of each part are cached before a third part is sent after it, so that after a kill at
most `chunk` prompts of each engine are written twice.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import polars as pl

from hertz.core.errors import GenerationError, ModelError
from hertz.core.faults import fault_point
from hertz.explanations.checks.grounding import failed_checks
from hertz.explanations.facts import Explanation
from hertz.explanations.generation.engine import PARTS_AT_ONCE
from hertz.explanations.generation.generator import Generator
from hertz.explanations.generation.messages import Generated, Prompt
from hertz.explanations.prompts.prompts import (
    BIO_LENGTH,
    conversation,
    read_answer,
    response_schema,
)
from hertz.explanations.settings import ExplanationSettings
from hertz.stages.explain.tasks import Task, TaskContext, tasks_of
from hertz.stages.run import Step
from hertz.storage.explanation_cache import ExplanationCache
from hertz.storage.snapshot.stage_results import ModelWork

logger = logging.getLogger(__name__)

Open = Callable[[ExplanationSettings], AbstractContextManager[Generator]]
TASKS_PER_LOOKUP = 20_000
UNSAVED_PARTS = PARTS_AT_ONCE + 1  # those in the engine, and one that is being checked
GIVEN_UP = 1_000  # attempts recorded for a prompt that is too long in any case
MAX_TOKEN_CHARACTERS = 6  # upper estimate, so that cutting a bio once shortens the prompt enough
SEED_STEP = 1_000_003  # between the attempts at one text


class _Job(NamedTuple):
    """The next attempt at a task, after a number of tries."""

    task: Task
    tries: int
    bio_length: int = BIO_LENGTH  # characters of each bio in the prompt


@dataclass
class ModelWriter:
    """Collects the model's explanations, from this run and from the cache.

    Attributes:
        written: Accepted explanations.
        reused: Tasks whose explanation comes from the cache.
        fallbacks: Reason for each examined task that is left to the template voice.
        over_budget: Number of tasks outside the budget, which were not examined.
        failed: Number of refused texts by the check that they failed.
        counts: Numbers of prompts and tokens, by the names of the fields of `ModelWork`.
        seconds: Time from the first prompt to the check of the last answer.
        ended_by: Error that ended the model's work early; "" if none did.
        share: Tasks of the model within the budget, highest priority first.
    """

    context: TaskContext
    cache: ExplanationCache
    written: dict[Task, Explanation] = field(default_factory=dict)
    reused: set[Task] = field(default_factory=set)
    fallbacks: dict[Task, str] = field(default_factory=dict)
    over_budget: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    ended_by: str = ""
    share: list[Task] = field(default_factory=list)
    _queue: deque[_Job] = field(default_factory=deque)
    _began: float = 0.0  # monotonic

    @property
    def settings(self) -> ExplanationSettings:
        """The run's explanation settings."""
        return self.context.settings

    def reuse(self, pairs: pl.DataFrame, others: Iterable[Task]) -> None:
        """Chooses the model's share of the pairs, and looks up its and others' cached texts."""
        self.share = self._share(pairs)
        tasks = iter(dict.fromkeys([*self.share, *others]))
        while part := {t: self.context.model_key(t) for t in islice(tasks, TASKS_PER_LOOKUP)}:
            found = self.cache.get_many(list(part.values()))
            self.written |= {task: found[key] for task, key in part.items() if key in found}
        self.reused = set(self.written)
        self.fallbacks |= {task: "not_asked" for task in self.share if task not in self.reused}

    def write(self, open_model: Open, step: Step) -> None:
        """Lets the model write the tasks of its share that are neither cached nor given up."""
        tried = self.cache.failed_attempts()
        for task in self.share:
            tries = tried.get(self.context.model_key(task), 0)
            if task in self.written:
                continue
            if tries > self.settings.retries:
                self.fallbacks[task] = "too_long" if tries >= GIVEN_UP else "refused"
            else:
                self._queue.append(_Job(task, tries))
        if not self._queue:
            return
        wanted = len(self._queue)
        try:
            with open_model(self.settings) as generator:
                self._began = time.monotonic()
                while self._queue and not self._spent():
                    self._write_queued(generator, wanted, step)
        except (ModelError, GenerationError) as error:
            self.ended_by = str(error)
            logger.warning("the template voice takes over: %s", error)
        for job in self._queue:
            if job.task not in self.written:
                self.fallbacks[job.task] = "engine_failed" if self.ended_by else "budget"

    def work(self) -> ModelWork:
        """Returns what the model did, for the stage's result."""
        counts = self.counts
        left = Counter(why for task, why in self.fallbacks.items() if task not in self.written)
        left["budget"] += self.over_budget - len(self.written.keys() - set(self.share))
        return ModelWork(
            failed_checks=dict(sorted(self.failed.items())),
            left_to_template=dict(sorted((+left).items())),
            left_out_by_budget=left["budget"],
            prefix_hit_rate=round(counts["cached_tokens"] / max(1, counts["prompt_tokens"]), 4),
            generating_seconds=round(self.seconds, 3),
            generator_failed=self.ended_by,
        ).model_copy(update=counts)

    def _share(self, pairs: pl.DataFrame) -> list[Task]:
        """Returns the model's share: the tasks of the highest priority within the budget."""
        # The share depends on the matches alone, so that a run without changes sends no prompt.
        most = self.settings.budget * len(self.settings.languages)
        share: list[Task] = []
        for task in tasks_of(pairs.sort("value"), self.settings.languages):
            if len(share) == most:
                break
            if self.context.prompt_facts(task):
                share.append(task)
            else:
                self.fallbacks[task] = "nothing_to_tell"
        languages = len(self.settings.languages)
        self.over_budget = len(pairs) * languages - len(share) - len(self.fallbacks)
        return share

    def _spent(self) -> bool:
        """Returns whether the run's token or time budget is used up."""
        seconds = time.monotonic() - self._began
        no_tokens = 0 < self.settings.budget_tokens <= self.counts["output_tokens"]
        return no_tokens or 0 < 60 * self.settings.budget_minutes <= seconds

    def _write_queued(self, generator: Generator, wanted: int, step: Step) -> None:
        """Writes the queued jobs, and those that are queued again meanwhile."""
        sent: deque[list[_Job]] = deque()
        try:
            for answers in generator.stream(self._parts(sent)):
                self._check_part(sent.popleft(), answers)
                step(wanted - len(self._queue) - sum(map(len, sent)), wanted)
        finally:
            self.seconds = time.monotonic() - self._began
            self.counts["engine_restarts"] = generator.restarts
            for part in sent:  # not answered
                self._queue.extend(part)

    def _parts(self, sent: deque[list[_Job]]) -> Iterator[Sequence[Prompt]]:
        """Yields the prompts of each part, and appends its jobs to `sent`."""
        size = max(1, self.settings.chunk // UNSAVED_PARTS)
        while self._queue and not self._spent():
            jobs = [self._queue.popleft() for _ in range(min(size, len(self._queue)))]
            jobs.sort(key=lambda job: job.task)  # a user's pairs share the longest prefix
            sent.append(jobs)
            fault_point("explain.before_send")
            yield [self._prompt(job) for job in jobs]

    def _prompt(self, job: _Job) -> Prompt:
        """Returns the prompt of a job."""
        task = job.task
        policy = self.context.policy
        who = (policy, task.category, task.language, *self.context.pair(task))
        talk = conversation(*who, self.context.facts(task), bio_length=job.bio_length)
        temperature = self.settings.temperature
        if job.tries:  # at temperature 0 every seed gives the same text again
            temperature = max(temperature, self.settings.retry_temperature)
        key = self.context.model_key(task)
        seed = self.settings.seed + int(key[:7], 16) + SEED_STEP * job.tries
        return Prompt(talk, response_schema(policy, task.language), seed, temperature)

    def _check_part(self, jobs: list[_Job], answers: list[Generated]) -> None:
        """Checks the answers of a part, caches the results, and queues retries."""
        accepted: dict[str, Explanation] = {}
        tried: dict[str, int] = {}
        for job, found in zip(jobs, answers, strict=True):
            key = self.context.model_key(job.task)
            if found.finish_reason == "too_long":
                if self._too_long(job, found.prompt_tokens):
                    tried[key] = GIVEN_UP
                continue
            self.counts.update(  # adds
                candidates=1,
                prompt_tokens=found.prompt_tokens,
                cached_tokens=found.cached_tokens,
                output_tokens=found.output_tokens,
            )
            text = self._checked(job.task, found)
            if text is None:
                tried[key] = job.tries + 1
                self._retry(job)
            else:
                self.written[job.task] = accepted[key] = text
        self.counts["accepted"] += len(accepted)
        fault_point("explain.before_keep")
        self.cache.put_many(accepted, tried)
        fault_point("explain.after_keep")

    def _checked(self, task: Task, found: Generated) -> Explanation | None:
        """Returns the explanation in an answer, or None if it fails a check, which is counted."""
        policy, pair = self.context.policy, self.context.pair(task)
        text = read_answer(found.text, self.context.prompt_facts(task))
        failed = [found.unreadable]
        if text is not None:
            failed = failed_checks(policy, task.category, task.language, *pair, text)
        self.failed.update(failed)
        return None if failed else text

    def _retry(self, job: _Job) -> None:
        """Queues a refused job again if it has attempts left."""
        if job.tries < self.settings.retries:
            self.counts["retried"] += 1
            self._queue.append(job._replace(tries=job.tries + 1))
        else:
            self.fallbacks[job.task] = "refused"

    def _too_long(self, job: _Job, tokens: int) -> bool:
        """Queues a job again with shorter bios; returns True if there is nothing left to cut."""
        over = tokens - (self.settings.max_model_len - self.settings.max_tokens)
        if job.bio_length:
            whole = job.bio_length == BIO_LENGTH
            self.counts["bios_cut"] += whole
            shorter = max(0, BIO_LENGTH - MAX_TOKEN_CHARACTERS * over) if whole else 0
            self._queue.append(job._replace(bio_length=shorter))
            return False
        self.fallbacks[job.task] = "too_long"
        logger.warning(
            "%s %d-%d (%s): the prompt of %d tokens is %d too long without any free text; "
            "raise max_model_len",
            *job.task,
            tokens,
            over,
        )
        return True
