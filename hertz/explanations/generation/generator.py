"""Texts from a language model: vLLM, offline, in a child process of its own.

The memory of the engine goes with its process, and its death is only an error in the parent; an
engine that dies or hangs is started again once.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol, Self

from hertz.core.errors import GenerationError, ModelError
from hertz.explanations.generation.child_process import Serve, Worker
from hertz.explanations.generation.engine import load_engine, parts_at_once
from hertz.explanations.generation.messages import MEMORY, Generated, Loaded, Memory, Part, Prompt
from hertz.explanations.settings import ExplanationSettings

logger = logging.getLogger(__name__)

END_SECONDS = 15  # for an engine to end without being killed
Load = Callable[[str, ExplanationSettings], tuple[Loaded, Serve]]


class Generator(Protocol):
    """Something that writes texts: `VllmGenerator`, or a recording of one."""

    restarts: int

    def stream(self, parts: Iterable[Sequence[Prompt]]) -> Iterator[list[Generated]]:
        """Yields the answers of each part, in order."""
        ...


class VllmGenerator:
    """One vLLM engine or several in a child process, which ends with this context manager.

    The model is a folder or a Hugging Face id. `load` loads it in the child: `load_engine`, or
    `load_engines` of `ray_engine` for several engines.
    """

    loaded: Loaded  # once the context is entered

    def __init__(self, model: str, settings: ExplanationSettings, load: Load = load_engine) -> None:
        self._model = model
        self._settings = settings
        self._load_model = load
        self._worker = self._new_worker()
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Process id of the engine."""
        return self._worker.pid

    def __enter__(self) -> Self:
        """Loads the model.

        Raises:
            ModelError: The model cannot be loaded; the message says why.
        """
        if Path(self._model).is_absolute() and not Path(self._model).is_dir():
            message = f"language model {self._model!r}: no such folder; check `model`"
            raise ModelError(message)
        self.loaded = self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.close()

    def stream(self, parts: Iterable[Sequence[Prompt]]) -> Iterator[list[Generated]]:
        """Yields the answers of each part, in order, as `Generator.stream` does.

        Raises:
            GenerationError: The engine died, hung or failed for the second time.
            ModelError: The engine could not be loaded again.
        """
        queued = _with_successors(parts)
        sent: deque[Part] = deque()
        for part in islice(queued, parts_at_once(self._settings)):
            self._send(part, sent)
        while sent:
            answers = self._receive(sent)
            sent.popleft()
            for part in islice(queued, 1):  # before the caller uses the answers
                self._send(part, sent)
            yield answers

    def memory(self) -> Memory:
        """Returns the bytes in use: of the GPU, or of the engine's processes without one.

        Raises:
            GenerationError: The engine died.
        """
        found: Memory = self._worker.ask(MEMORY)
        return found

    def _new_worker(self) -> Worker:
        settings = self._settings
        return Worker(
            self._load_model,
            (self._model, settings),
            f"language model {self._model!r}",
            settings.load_seconds,
            settings.hang_seconds,
            END_SECONDS * settings.engines,
        )

    def _send(self, part: Part, sent: deque[Part]) -> None:
        """Sends a part to the engine and remembers it until it is answered."""
        sent.append(part)
        try:
            self._worker.send(part)
        except GenerationError as error:
            self._restart(error, sent)

    def _receive(self, sent: deque[Part]) -> list[Generated]:
        """Returns the answers of the oldest part that was sent."""
        try:
            answers: list[Generated] = self._worker.receive()
        except GenerationError as error:
            self._restart(error, sent)
            answers = self._worker.receive()
        return answers

    def _restart(self, error: GenerationError, sent: deque[Part]) -> None:
        """Starts a new engine, once, and sends it every part without an answer."""
        if self.restarts:
            raise error
        self.restarts += 1
        logger.warning("started again: %s", error)
        self._worker.close()
        self._worker = self._new_worker()
        self.loaded = self._worker.start()
        for part in sent:
            self._worker.send(part)


def _with_successors(parts: Iterable[Sequence[Prompt]]) -> Iterator[Part]:
    """Yields each part with whether another follows."""
    remaining = iter(parts)
    part = next(remaining, None)
    while part is not None:
        following = next(remaining, None)
        yield Part(list(part), following is not None)
        part = following
