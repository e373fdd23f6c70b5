"""A child process that loads something once and then answers requests, watched by its parent.

A child that dies, or gives no sign of life for too long, raises an error in the parent that says
what happened; the child and every process it started are ended.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from hertz.core.errors import GenerationError, HertzError, ModelError

Heartbeat = Callable[[], None]
Serve = Callable[[Iterator[Any], Heartbeat], Iterator[Any]]
HEARTBEAT_SECONDS = 1.0
ORPHAN_SECONDS = 0.2  # the pipe closes a moment before the kernel reports the parent's death
CAUSE_LENGTH = 300


@dataclass(eq=False)
class Worker:
    """The parent's side of one child process.

    `load` runs first in the child. It returns a value that describes what was loaded, and a
    function that turns an iterator of requests into an iterator of answers. While that function
    works, it calls the heartbeat that it is given, at least once every `hang_seconds`. Everything
    that crosses between the processes is pickled.
    """

    load: Callable[..., tuple[Any, Serve]]
    args: tuple[Any, ...]  # of `load`
    name: str  # what error messages call the child
    load_seconds: float = 1800  # longest time to load
    hang_seconds: float = 600  # longest time without a sign of life, after which it is ended
    end_seconds: float = 10  # time to end by itself when it is closed

    def __post_init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, self._child_pipe = context.Pipe()
        arguments = (self._child_pipe, self.load, self.args)
        self._process = context.Process(target=_run_child, args=arguments, name="hertz-model")
        self._silent_for = 0.0

    @property
    def pid(self) -> int | None:
        """Process id of the child; None before it is started."""
        return self._process.pid

    def start(self) -> Any:  # noqa: ANN401  whatever `load` returns
        """Starts the child, waits until it has loaded, and returns `load`'s description.

        Raises:
            ModelError: The child could not load, or took too long.
        """
        self._process.start()
        self._child_pipe.close()  # so that the child's death closes the pipe
        return self._receive(ModelError, "could not be loaded", self.load_seconds)

    def send(self, request: Any) -> None:  # noqa: ANN401
        """Sends the child a request.

        Raises:
            GenerationError: The child has died, or no longer reads requests.
        """
        try:
            with self._watched(self.hang_seconds):
                self._pipe.send(request)
        except OSError as error:
            self._raise(GenerationError, "failed", error)

    def receive(self) -> Any:  # noqa: ANN401
        """Waits for the next answer and returns it.

        Raises:
            GenerationError: The child died, failed or hangs.
        """
        return self._receive(GenerationError, "failed while writing", self.hang_seconds)

    def ask(self, request: Any) -> Any:  # noqa: ANN401
        """Sends the child a request and returns its answer.

        Raises:
            GenerationError: The child died, failed or hangs.
        """
        self.send(request)
        return self.receive()

    def close(self) -> None:
        """Ends the child."""
        self._pipe.close()
        if self._process.pid is None:
            return
        self._process.join(timeout=self.end_seconds)
        self._kill()

    def _receive(
        self, error_type: type[ModelError | GenerationError], problem: str, seconds: float
    ) -> Any:  # noqa: ANN401
        """Waits for the next answer, as long as the child's heart beats."""
        while True:
            try:
                with self._watched(seconds):
                    kind, value = self._pipe.recv()
            except (EOFError, OSError) as error:
                self._raise(error_type, problem, error)
            if kind == "failed":
                message = f"{self.name} {problem}: {value}"
                raise error_type(message)
            if kind == "answer":
                return value

    @contextmanager
    def _watched(self, seconds: float) -> Iterator[None]:
        """Kills the child if the block takes too long, which ends the block with an error."""

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
        """Ends the child, dead or alive, and every process that it started."""
        self._process.kill()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.join()

    def _raise(
        self, error_type: type[ModelError | GenerationError], problem: str, error: Exception
    ) -> NoReturn:
        """Raises an error that says how the child ended."""
        self._process.join()
        self._kill()  # processes that it left behind would keep the GPU's memory
        code = self._process.exitcode or 0
        if self._silent_for:
            cause = f"it gave no sign of life for {self._silent_for:g} s and was ended"
        elif code < 0:
            hint = "; out of memory? see `dmesg`" if code == -9 else ""
            cause = f"its process died, killed by signal {-code}{hint}"
        else:
            cause = f"its process died, exit code {code}; the log above says why"
        message = f"{self.name} {problem}: {cause}"
        raise error_type(message) from error


def _run_child(
    pipe: Connection, load: Callable[..., tuple[Any, Serve]], args: tuple[Any, ...]
) -> None:
    """Loads, reports that, and answers requests until the pipe closes."""
    os.setpgid(0, 0)  # a group that ends with the parent
    threading.Thread(target=_end_group_with_parent, daemon=True).start()
    loaded = False
    try:
        about, serve = load(*args)
        pipe.send(("answer", about))
        loaded = True
        for answer in serve(_requests(pipe), _heartbeat(pipe)):
            pipe.send(("answer", answer))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the parent has closed the pipe or died
    except Exception as error:  # whatever the engine raises becomes a message to the parent
        pipe.send(("failed", _cause(error, with_message=not loaded)))
    _end_group_with_parent(ORPHAN_SECONDS)


def _end_group_with_parent(seconds: float | None = None) -> None:
    """Waits for the parent's death, `seconds` at most, and then ends the group."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join(seconds)
        if not parent.is_alive():
            os.killpg(0, signal.SIGKILL)


def _requests(pipe: Connection) -> Iterator[Any]:
    """Yields what the parent sends, until the pipe closes."""
    while True:
        try:
            yield pipe.recv()
        except EOFError:
            return


def _heartbeat(pipe: Connection) -> Heartbeat:
    """Returns a function that sends the parent a sign of life, once a second at most."""
    last = time.monotonic()

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last >= HEARTBEAT_SECONDS:
            pipe.send(("heartbeat", None))
            last = time.monotonic()

    return beat


def _cause(error: Exception, with_message: bool) -> str:
    """Returns an error as one line, without its message where that might quote a prompt."""
    if isinstance(error, HertzError):
        return str(error)
    kind = type(error).__name__
    out_of_memory = kind == "OutOfMemoryError" or isinstance(error, MemoryError)
    lines = str(error).strip().splitlines()
    cause = f"{kind}: {lines[0][:CAUSE_LENGTH]}" if with_message and lines else kind
    hint = "lower max_model_len or gpu_memory_utilization, or choose a smaller model"
    return f"{cause} (out of memory: {hint})" if out_of_memory else cause
