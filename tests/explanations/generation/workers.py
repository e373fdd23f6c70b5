"""Functions that the child process of a worker runs in the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from hertz.explanations.generation.child_process import Heartbeat, Serve


def doubler(add: int) -> tuple[str, Serve]:
    """Answers twice the number, plus `add`."""

    def serve(requests: Iterator[Any], beat: Heartbeat) -> Iterator[Any]:
        return (2 * number + add for number in requests)

    return "doubles", serve


def unloadable(name: str) -> tuple[str, Serve]:
    """Fails while loading."""
    message = f"no such weights: {name}\nsecond line with details"
    raise FileNotFoundError(message)


def short_of_memory() -> tuple[str, Serve]:
    """Fails while loading, as torch does when memory runs out."""
    message = "Tried to allocate 16 GiB"
    raise type("OutOfMemoryError", (RuntimeError,), {})(message)


def dies_loading() -> tuple[str, Serve]:
    """Is killed while loading, as if out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
    return "never", lambda requests, beat: requests


def sleeps_loading() -> tuple[str, Serve]:
    """Sleeps while loading."""
    time.sleep(600)
    return "never", lambda requests, beat: requests


def mortal() -> tuple[str, Serve]:
    """Answers positive numbers, fails at zero, dies at negative ones."""

    def serve(requests: Iterator[Any], beat: Heartbeat) -> Iterator[Any]:
        for number in requests:
            if number < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            yield 100 // number

    return "mortal", serve


def sleeper(beats: bool) -> tuple[str, Serve]:
    """Takes as many seconds for an answer as the request says, with a heartbeat or without."""

    def serve(requests: Iterator[Any], beat: Heartbeat) -> Iterator[Any]:
        for seconds in requests:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(0.05)
                if beats:
                    beat()
            yield seconds

    return "sleeps", serve


def deaf() -> tuple[str, Serve]:
    """Never reads a request."""

    def serve(requests: Iterator[Any], beat: Heartbeat) -> Iterator[Any]:
        time.sleep(600)
        yield from requests

    return "deaf", serve


def with_child() -> tuple[int, Serve]:
    """Starts a process, returns its id, and dies at the first request."""
    child = subprocess.Popen(["sleep", "600"])

    def serve(requests: Iterator[Any], beat: Heartbeat) -> Iterator[Any]:
        for _ in requests:
            os.kill(os.getpid(), signal.SIGKILL)
        yield child.pid

    return child.pid, serve
