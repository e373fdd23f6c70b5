"""Waits for a home that another run holds: a run that was started is carried out, not refused.

A flow waits for the runs that its queue does not know: those of the command line, and those whose
worker died. The kernel releases the lock when its holder dies.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import tenacity

from hertz.core.errors import LockedError
from hertz.storage.snapshot.snapshots import locked_home

logger = logging.getLogger(__name__)

T = TypeVar("T")
LONGEST = 12 * 3600.0  # seconds; a first night on a CPU takes hours


def once_free(action: Callable[[], T], longest: float = LONGEST) -> T:
    """Calls an action until it raises no `LockedError`, and returns its result.

    Raises:
        LockedError: The home is still held after `longest` seconds; the message names the holder.
    """
    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(LockedError),
        wait=tenacity.wait_random(1, 3),  # at random: two waiting runs do not collide for ever
        stop=tenacity.stop_after_delay(longest),
        before_sleep=_log_each_holder_once(),
        reraise=True,
    )
    return attempts(action)


def wait_until_free(home: Path) -> None:
    """Returns as soon as no run holds the home.

    Raises:
        LockedError: The home is still held after LONGEST seconds.
    """
    with ExitStack() as held:
        once_free(lambda: held.enter_context(locked_home(home, "looking")))


def _log_each_holder_once() -> Callable[[tenacity.RetryCallState], None]:
    """Returns a hook that logs the reason for waiting whenever it differs from the last one."""
    logged = ""

    def log(attempt: tenacity.RetryCallState) -> None:
        nonlocal logged
        reason = str(attempt.outcome.exception()) if attempt.outcome else ""
        if reason != logged:
            logger.info("waiting: %s", reason)
        logged = reason

    return log
