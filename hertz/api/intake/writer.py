"""One thread that writes to the intake: whatever waits at the same time is one commit.

In: requests from any coroutine. Out: their outcomes, once they are on the disk and the overlay
honors them. A commit costs one flush of the disk (4 ms here), shared by all who wait for it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from pathlib import Path
from typing import NamedTuple

from hertz.api.snapshot.overlay import Overlay
from hertz.core.errors import StorageError
from hertz.storage.intake.events import Event, Outcome, Request
from hertz.storage.intake.queue import Intake, IsPublished

MOST_AT_ONCE = 256


class _Job(NamedTuple):
    request: Request
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Outcome]


class IntakeWriter:
    """Writes requests to a home's intake.

    Args:
        home: The home directory.
        overlay: Is told of every event before its request is answered.
        knows: Whether the served snapshot has a user.
    """

    def __init__(self, home: Path, overlay: Overlay, knows: IsPublished) -> None:
        self._home, self._overlay, self._knows = home, overlay, knows
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="intake-writer", daemon=True)
        self._intake: Intake | None = None

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end."""
        self._jobs.put(None)
        self._thread.join()

    async def submit(self, request: Request) -> Outcome:
        """Take one request; returns when it is durable.

        Raises:
            StorageError: If the intake cannot be written; `IntakeFullError` where the disk is full.
        """
        loop = asyncio.get_running_loop()
        job = _Job(request, loop, loop.create_future())
        self._jobs.put(job)
        return await job.answer

    def _run(self) -> None:
        going = True
        while going:
            jobs: list[_Job] = []
            going = self._gather(jobs)
            if jobs:
                self._write(jobs)
        if self._intake is not None:
            self._intake.close()

    def _gather(self, jobs: list[_Job]) -> bool:
        """Wait for one job and take along all that wait; False at the end."""
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == MOST_AT_ONCE:
                return True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return True
        return False

    def _write(self, jobs: list[_Job]) -> None:
        try:
            if self._intake is None:
                self._intake = Intake(self._home)
            outcomes = self._intake.apply([job.request for job in jobs], self._knows)
        except StorageError as error:
            for job in jobs:
                job.loop.call_soon_threadsafe(_fail, job.answer, error)
            return
        self._overlay.apply(
            Event(outcome.sequence, job.request.kind, job.request.user_id, job.request.other_id)
            for job, outcome in zip(jobs, outcomes, strict=True)
            if outcome.verdict == "done"
        )
        for job, outcome in zip(jobs, outcomes, strict=True):
            job.loop.call_soon_threadsafe(_succeed, job.answer, outcome)


def _succeed(answer: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not answer.done():
        answer.set_result(outcome)


def _fail(answer: asyncio.Future[Outcome], error: StorageError) -> None:
    if not answer.done():
        answer.set_exception(error)
