"""Waiting for a home that another run holds: whoever asks for a run wants it done, not refused.

The queue `runs` of the work pool lets one run start at a time; this is for what it does not know
of: a run of the command line, or one whose worker died. The lock frees itself when its holder dies.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hertz.core.errors import LockedError
from hertz.storage.snapshot.snapshots import locked_home

logger = logging.getLogger(__name__)

T = TypeVar("T")
LONGEST = 12 * 3600.0  # seconds; a first night on a CPU takes hours
BETWEEN = (1.0, 3.0)  # seconds between two looks, at random: two who wait do not meet again


def once_free(take: Callable[[], T], longest: float = LONGEST) -> T:
    """What `take` returns as soon as it finds the home free.

    Raises:
        LockedError: If the home is still held after `longest` seconds.
    """
    last, told = time.monotonic() + longest, ""
    while True:
        try:
            return take()
        except LockedError as error:
            if time.monotonic() > last:
                raise
            if str(error) != told:
                told = str(error)
                logger.info("waiting: %s", told)
        time.sleep(random.uniform(*BETWEEN))


def wait_until_free(home: Path) -> None:
    """Return as soon as nobody holds the home.

    Raises:
        LockedError: If it is still held after LONGEST seconds.
    """

    def look() -> None:
        with locked_home(home, "looking"):
            pass

    once_free(look)
