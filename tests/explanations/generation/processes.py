"""Looks at processes that a test did not start itself."""

from __future__ import annotations

import time
from contextlib import suppress

import psutil


def runs(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def ends(pid: int) -> bool:
    """Waits up to a minute for a process to end; returns whether it did."""
    deadline = time.monotonic() + 60
    while runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not runs(pid)
