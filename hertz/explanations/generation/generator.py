"""Texts from a language model: vLLM, offline, in a child process of its own.

In: prompts, each a conversation with a JSON schema, a seed and a temperature. Out: what the model
wrote, in order. The engine lives in a child, so that its memory goes with it and its death is only
an error here; an engine that dies or hangs is started again once.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from hertz.core.errors import GenerationError, ModelError
from hertz.explanations.generation.child_process import Serve, Worker
from hertz.explanations.generation.engine import MEMORY, load_engine, parts_at_once
from hertz.explanations.settings import ExplanationSettings

logger = logging.getLogger(__name__)

END_SECONDS = 15  # for an engine to end by itself

Conversation = list[dict[str, str]]
Load = Callable[[str, ExplanationSettings], tuple[dict[str, Any], Serve]]
Asked = tuple[list[tuple[Any, ...]], bool]  # a part in plain values; whether another follows


@dataclass(frozen=True, slots=True)
class Prompt:
    """One text to be written."""

    conversation: Conversation
    schema: dict[str, Any]
    seed: int
    temperature: float = 0.0


@dataclass(frozen=True, slots=True)
class Generated:
    """One answer. `finish_reason` is "too_long" where the prompt left no room and was not sent."""

    text: str
    finish_reason: str
    prompt_tokens: int
    output_tokens: int
    cached_tokens: int = 0  # of the prompt, found in the prefix cache

    @property
    def unread(self) -> str:
        """Name of the check that it failed, if it is not the JSON asked for."""
        return "cut_off" if self.finish_reason == "length" else "json"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A loaded model: seconds it took, memory of it in bytes, where and in which precision."""

    seconds: float
    memory_bytes: int
    device: str
    dtype: str


class Generator(Protocol):
    """Whatever writes texts: `VllmGenerator`, or a recording of one."""

    restarts: int

    def stream(self, parts: Iterable[Sequence[Prompt]]) -> Iterator[list[Generated]]:
        """Write the texts of each part, part by part, in order.

        While the answers of one part are looked at, the next two of each engine are being written.
        """
        ...


class VllmGenerator:
    """A vLLM engine, or several, in a spawned child process; a context manager that ends it.

    Args:
        model: Folder or Hugging Face id.
        settings: Sampling and memory.
        load: What loads it in the child: `load_engine`, or `load_engines` of `ray_engine`.

    Attributes:
        loaded: What was loaded, once it is.
        restarts: How often the engine had to be started again.
    """

    loaded: Loaded

    def __init__(self, model: str, settings: ExplanationSettings, load: Load = load_engine) -> None:
        self._model, self._settings, self._load_model = model, settings, load
        self._worker = self._new_worker()
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """Process id of the engine."""
        return self._worker.pid

    def __enter__(self) -> Self:
        """Load the model.

        Raises:
            ModelError: it cannot be loaded; the message says why.
        """
        if Path(self._model).is_absolute() and not Path(self._model).is_dir():
            message = f"language model {self._model!r}: no such folder; check `model`"
            raise ModelError(message)
        self._load()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._worker.close()

    def stream(self, parts: Iterable[Sequence[Prompt]]) -> Iterator[list[Generated]]:
        """Write the texts of each part, part by part, in order.

        While the answers of one part are looked at, the next two of each engine are being written.

        Raises:
            GenerationError: the engine died, hung or refused a part, twice.
            ModelError: it could not be loaded again.
        """
        waiting = _marked(parts)
        under_way: deque[Asked] = deque()
        for asked in islice(waiting, parts_at_once(self._settings)):
            self._send(asked, under_way)
        while under_way:
            answer = self._receive(under_way)
            under_way.popleft()
            for asked in islice(waiting, 1):  # before anyone looks at the answer
                self._send(asked, under_way)
            yield [Generated(*item) for item in answer]

    def memory(self) -> tuple[int, int]:
        """Bytes in use now, and at most so far: video memory, or the engine's processes' own.

        Raises:
            GenerationError: the engine died.
        """
        found = self._worker.ask(MEMORY)
        return found["now"], found["peak"]

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

    def _load(self) -> None:
        told = self._worker.start()
        self.loaded = Loaded(told["seconds"], told["now"], told["device"], told["dtype"])

    def _send(self, asked: Asked, under_way: deque[Asked]) -> None:
        under_way.append(asked)
        try:
            self._worker.send(asked)
        except GenerationError as error:
            self._start_again(error, under_way)

    def _receive(self, under_way: deque[Asked]) -> Any:  # noqa: ANN401  plain values
        try:
            return self._worker.receive()
        except GenerationError as error:
            self._start_again(error, under_way)
            return self._worker.receive()

    def _start_again(self, error: GenerationError, under_way: deque[Asked]) -> None:
        """A new engine, with what the old one had not answered; once."""
        if self.restarts:
            raise error
        self.restarts += 1
        logger.warning("started again: %s", error)
        self._worker.close()
        self._worker = self._new_worker()
        self._load()
        for asked in under_way:
            self._worker.send(asked)


def _marked(parts: Iterable[Sequence[Prompt]]) -> Iterator[Asked]:
    """The parts in plain values, each with whether another follows."""
    waiting = iter(parts)
    part = next(waiting, None)
    while part is not None:
        following = next(waiting, None)
        yield (
            [(p.conversation, p.schema, p.seed, p.temperature) for p in part],
            following is not None,
        )
        part = following
