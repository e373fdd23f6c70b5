"""What a worker's child process runs in the tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


def doubler(add: int) -> Callable[[int], int]:
    """Answers twice the number, plus `add`."""
    return lambda number: 2 * number + add


def unloadable(name: str) -> Callable[[int], int]:
    """Fails while loading."""
    message = f"no such weights: {name}\nsecond line with details"
    raise FileNotFoundError(message)


def dies_loading() -> Callable[[int], int]:
    """Is killed while loading, as if out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
    return int


def mortal() -> Callable[[int], int]:
    """Answers positive numbers, fails at zero, dies at negative ones."""

    def answer(number: int) -> int:
        if number < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return 100 // number

    return answer
