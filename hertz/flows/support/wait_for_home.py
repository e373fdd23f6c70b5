"""Waits for a home that another run holds: a run that was started is carried out, not refused.

The queue `runs` of the work pool starts one run at a time. Here a flow waits for the runs that the
queue does not know: those of the command line, and those whose worker died. The kernel releases the
lock when its holder dies.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    wait_random,
)

from hertz.core.errors import LockedError
from hertz.storage.snapshot.snapshots import locked_home

logger = logging.getLogger(__name__)

T = TypeVar("T")
LONGEST = 12 * 3600.0  # seconds; a first night on a CPU takes hours
BETWEEN = wait_random(1, 3)  # seconds; at random, so that two waiting runs do not collide for ever


def once_free(action: Callable[[], T], longest: float = LONGEST) -> T:
    """Calls an action that needs the home, again and again until no other run holds the home.

    Args:
        action: Raises `LockedError` while another run holds the home.
        longest: Seconds after which the wait is given up.

    Returns:
        The action's result.

    Raises:
        LockedError: The home is still held after `longest` seconds; the message names the holder.
    """
    attempts = Retrying(
        retry=retry_if_exception_type(LockedError),
        wait=BETWEEN,
        stop=stop_after_delay(longest),
        before_sleep=_log_each_holder_once(),
        reraise=True,
    )
    return attempts(action)


def wait_until_free(home: Path) -> None:
    """Returns as soon as no run holds the home.

    Raises:
        LockedError: The home is still held after LONGEST seconds.
    """

    def hold_for_a_moment() -> None:
        with locked_home(home, "looking"):
            pass

    once_free(hold_for_a_moment)


def _log_each_holder_once() -> Callable[[RetryCallState], None]:
    """Returns a hook that logs the reason for waiting whenever it differs from the last one."""
    logged = ""

    def log(attempt: RetryCallState) -> None:
        nonlocal logged
        reason = str(attempt.outcome.exception()) if attempt.outcome else ""
        if reason != logged:
            logger.info("waiting: %s", reason)
        logged = reason

    return log
