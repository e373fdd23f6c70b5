"""An engine without a model, in a real child process: it answers, dies and hangs as it is told.

Every prompt that it writes to is a line in a ledger, so that what was paid for can be counted
across engines and runs.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hertz.core.errors import ModelError
from hertz.explanations.generation.child_process import Beat, Serve
from hertz.explanations.generation.engine import MEMORY, PARTS_AT_ONCE
from hertz.explanations.settings import ExplanationSettings

MEMORY_BYTES = {"now": 100, "peak": 200}


def paid(ledger: Path) -> list[int]:
    """Seeds of the prompts written to, in order."""
    return [int(line) for line in ledger.read_text().split()] if ledger.exists() else []


def recorded(
    model: str,
    settings: ExplanationSettings,
    ledger: str,
    dies: Sequence[int] = (),
    hangs: Sequence[int] = (),
    loads: int = 10**9,
    room: int = 10**9,
    seconds: float = 0.0,
) -> tuple[dict[str, Any], Serve]:
    """Load it.

    Args:
        model: Anything.
        settings: Anything.
        ledger: File of all seeds paid for.
        dies: Lines of the ledger before which it is killed.
        hangs: Lines of the ledger before which it stops for good.
        loads: How many times it can be loaded.
        room: Characters of a prompt that are too many.
        seconds: What a prompt takes.
    """
    path, starts = Path(ledger), Path(f"{ledger}.starts")
    with starts.open("a") as file:
        file.write("x")
    if starts.stat().st_size > loads:
        message = "no second time"
        raise ModelError(message)

    def write(prompt: tuple[Any, ...]) -> tuple[Any, ...]:
        talk, _, seed, temperature = prompt
        length = sum(len(turn["content"]) for turn in talk)
        if length > room:
            return "", "too_long", length, 0, 0
        line = len(paid(path)) + 1
        if line in dies:
            with path.open("a") as file:
                file.write("-1\n")  # so that it dies there once
            os.kill(os.getpid(), signal.SIGKILL)
        if line in hangs:
            with path.open("a") as file:
                file.write("-1\n")
            time.sleep(600)
        time.sleep(seconds)
        with path.open("a") as file:
            file.write(f"{seed}\n")
        return (
            answer(seed, temperature) if "{" in str(talk) else f"seed {seed}",
            "stop",
            length,
            7,
            3,
        )

    def serve(requests: Iterator[Any], beat: Beat) -> Iterator[Any]:
        waiting: list[Any] = []
        for request in requests:
            if request == MEMORY:
                yield MEMORY_BYTES
                continue
            prompts, more = request
            waiting.append(prompts)
            while waiting and not (more and len(waiting) < PARTS_AT_ONCE):
                yield [write(prompt) for prompt in waiting.pop(0)]

    told = {"seconds": 0.0, "device": "recorded", "dtype": "none"}
    return told | MEMORY_BYTES, serve


def answer(seed: int, temperature: float) -> str:
    """What the stage can read; whether it is good, the seed or the temperature says."""
    content = {"teaser": f"seed {seed}", "outlook": "outlook", "closing": "Stay Tuned!"}
    return json.dumps(
        {"content": content, "title": f"temperature {temperature}", "reasons": ["shared"]}
    )
