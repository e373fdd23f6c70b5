"""An engine without a model, in a real child process, that answers, dies and hangs as planned.

Every prompt that it answers is a line in a ledger, so that a test can count the prompts across
engines and runs.
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
from hertz.explanations.generation.child_process import Heartbeat, Serve
from hertz.explanations.generation.engine import PARTS_AT_ONCE
from hertz.explanations.generation.messages import MEMORY, Generated, Loaded, Memory, Part, Prompt
from hertz.explanations.settings import ExplanationSettings

MEMORY_BYTES = Memory(now=100, peak=200)


def paid(ledger: Path) -> list[int]:
    """Returns the seeds of the answered prompts, in order."""
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
) -> tuple[Loaded, Serve]:
    """Loads the engine.

    Args:
        model: Ignored.
        settings: Ignored.
        ledger: File with the seeds of all answered prompts.
        dies: Lines of the ledger before which the engine is killed.
        hangs: Lines of the ledger before which the engine stops for good.
        loads: How many times the engine can be loaded.
        room: Characters of a prompt that are too many.
        seconds: Time that a prompt takes.
    """
    path, starts = Path(ledger), Path(f"{ledger}.starts")
    with starts.open("a") as file:
        file.write("x")
    if starts.stat().st_size > loads:
        message = "no second time"
        raise ModelError(message)

    def write(prompt: Prompt) -> Generated:
        length = sum(len(turn["content"]) for turn in prompt.conversation)
        if length > room:
            return Generated("", "too_long", length, 0)
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
            file.write(f"{prompt.seed}\n")
        readable = "{" in str(prompt.conversation)
        text = answer(prompt.seed, prompt.temperature) if readable else f"seed {prompt.seed}"
        return Generated(text, "stop", length, 7, 3)

    def serve(requests: Iterator[Any], beat: Heartbeat) -> Iterator[Any]:
        begun: list[list[Prompt]] = []
        for request in requests:
            if request == MEMORY:
                yield MEMORY_BYTES
                continue
            part: Part = request
            begun.append(part.prompts)
            while begun and not (part.more and len(begun) < PARTS_AT_ONCE):
                yield [write(prompt) for prompt in begun.pop(0)]

    return Loaded(0.0, MEMORY_BYTES.now, "recorded", "none"), serve


def answer(seed: int, temperature: float) -> str:
    """Returns an answer that the stage can read; the checks see its seed and temperature."""
    content = {"teaser": f"seed {seed}", "outlook": "outlook", "closing": "Stay Tuned!"}
    return json.dumps(
        {"content": content, "title": f"temperature {temperature}", "reasons": ["shared"]}
    )
