"""A child process that loads something once and then answers requests, watched by its parent.

In: a function that loads in the child, and requests. Out: answers, in order. A child that dies, or
gives no sign of life for too long, is an error here that says what happened; nothing of it stays.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

from hertz.core.errors import GenerationError, HertzError, ModelError

Beat = Callable[[], None]
Serve = Callable[[Iterator[Any], Beat], Iterator[Any]]
BEAT_SECONDS = 1.0
ORPHAN_SECONDS = 0.2  # a pipe that closes tells of a death sooner than the kernel does
CAUSE_LENGTH = 300


class Worker:
    """The parent's side of one child process.

    `load(*args)` runs in the child. It returns a plain value about what was loaded, and a function
    that turns an iterator of requests into an iterator of answers; that calls the `beat` it is
    given at least every `hang_seconds` while it works. Only plain values cross.
    """

    def __init__(
        self,
        load: Callable[..., tuple[Any, Serve]],
        args: tuple[Any, ...],
        name: str,
        load_seconds: float = 1800,
        hang_seconds: float = 600,
        end_seconds: float = 10,
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, self._theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(self._theirs, load, args), name="hertz-model"
        )
        self._name = name
        self._load_seconds, self._hang_seconds = load_seconds, hang_seconds
        self._end_seconds = end_seconds
        self._silent_for = 0.0

    @property
    def pid(self) -> int | None:
        """Process id of the child, once started."""
        return self._process.pid

    def start(self) -> Any:  # noqa: ANN401  a plain value, whatever the child loads
        """Start the child and wait until it has loaded; what it says of that.

        Raises:
            ModelError: it could not load, or took too long.
        """
        self._process.start()
        self._theirs.close()  # so that the child's death ends the pipe
        return self._receive(ModelError, "could not be loaded", self._load_seconds)

    def send(self, request: Any) -> None:  # noqa: ANN401
        """Hand the child a request.

        Raises:
            GenerationError: the child is gone, or takes nothing any more.
        """
        try:
            with self._watched(self._hang_seconds):
                self._ours.send(request)
        except OSError as error:
            self._raise(GenerationError, "failed", error)

    def receive(self) -> Any:  # noqa: ANN401
        """The next answer.

        Raises:
            GenerationError: the child died, failed or hangs.
        """
        return self._receive(GenerationError, "failed while writing", self._hang_seconds)

    def ask(self, request: Any) -> Any:  # noqa: ANN401
        """The child's answer to one request.

        Raises:
            GenerationError: the child died, failed or hangs.
        """
        self.send(request)
        return self.receive()

    def close(self) -> None:
        """End the child; it answers no more."""
        self._ours.close()
        if self._process.pid is None:
            return
        self._process.join(timeout=self._end_seconds)
        self._kill()

    def _receive(self, kind: type[ModelError | GenerationError], what: str, seconds: float) -> Any:  # noqa: ANN401
        while True:
            try:
                with self._watched(seconds):
                    said, answer = self._ours.recv()
            except (EOFError, OSError) as error:
                self._raise(kind, what, error)
            if said == "failed":
                message = f"{self._name} {what}: {answer}"
                raise kind(message)
            if said == "answer":
                return answer

    @contextmanager
    def _watched(self, seconds: float) -> Iterator[None]:
        """Kill the child if the block takes longer: what waits for it then fails."""

        def kill() -> None:
            self._silent_for = seconds
            self._kill()

        watch = threading.Timer(seconds, kill)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _kill(self) -> None:
        """End the child and whatever processes it has started, even if it is dead itself."""
        self._process.kill()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.join()

    def _raise(self, kind: type[ModelError | GenerationError], what: str, error: Exception) -> None:
        self._process.join()
        self._kill()  # what it leaves behind would keep the GPU's memory
        code = self._process.exitcode or 0
        if self._silent_for:
            cause = f"it gave no sign of life for {self._silent_for:g} s and was ended"
        elif code < 0:
            hint = "; out of memory? `dmesg` tells" if code == -9 else ""
            cause = f"its process died, killed by signal {-code}{hint}"
        else:
            cause = f"its process died, exit code {code}; the log above says why"
        message = f"{self._name} {what}: {cause}"
        raise kind(message) from error


def _serve(pipe: Connection, load: Callable[..., tuple[Any, Serve]], args: tuple[Any, ...]) -> None:
    """The child's life: load, say so, answer until the pipe closes."""
    _lead_group()
    loaded = False
    try:
        about, serve = load(*args)
        pipe.send(("answer", about))
        loaded = True
        for answer in serve(_requests(pipe), _beats(pipe)):
            pipe.send(("answer", answer))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the parent has closed or died
    except Exception as error:  # whatever the engine raises ends in words there
        pipe.send(("failed", _cause(error, with_message=not loaded)))
    _end_group_with_parent(ORPHAN_SECONDS)


def _lead_group() -> None:
    """Make this process and those it will start a group, which ends with the parent."""
    os.setpgid(0, 0)
    threading.Thread(target=_end_group_with_parent, daemon=True).start()


def _end_group_with_parent(seconds: float | None = None) -> None:
    """Wait until the parent is gone, so long at most; then nobody reads what is still written."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join(seconds)
        if not parent.is_alive():
            os.killpg(0, signal.SIGKILL)


def _requests(pipe: Connection) -> Iterator[Any]:
    while True:
        try:
            yield pipe.recv()
        except EOFError:
            return


def _beats(pipe: Connection) -> Beat:
    last = time.monotonic()

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last >= BEAT_SECONDS:
            pipe.send(("beat", None))
            last = time.monotonic()

    return beat


def _cause(error: Exception, with_message: bool) -> str:
    """An error in one line. Once there are prompts, a message might quote them: its type alone."""
    if isinstance(error, HertzError):
        return str(error)
    kind = type(error).__name__
    out_of_memory = kind == "OutOfMemoryError" or isinstance(error, MemoryError)
    lines = str(error).strip().splitlines()
    told = f"{kind}: {lines[0][:CAUSE_LENGTH]}" if with_message and lines else kind
    hint = "lower max_model_len or gpu_memory_utilization, or take a smaller model"
    return f"{told} (out of memory: {hint})" if out_of_memory else told
