"""Supervises Prefect's server and worker: restarts them when they die, ends them with their runs.

docs/decisions/supervision-of-prefect.md says why no process supervisor does this.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import UUID

import psutil

SIGNALS = {signal.SIGINT, signal.SIGTERM}
if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # `nohup` ignores it
    SIGNALS.add(signal.SIGHUP)
SECONDS_TO_STOP = 20
RESTARTS = 5  # of one process, at most, within
WITHIN = 600.0  # seconds; more often means that a restart does not help
RUN_VARIABLE = "PREFECT__FLOW_RUN_ID"  # set by Prefect for the process of each flow run


class StartError(Exception):
    """Prefect could not be started or set up, or did not stay up: says why."""


class Supervised:
    """A process of the `prefect` command that can be started again after its death.

    It has a session of its own: Ctrl-C reaches the supervisor alone, which stops the worker before
    the server. Without an output it writes to the supervisor's streams.
    """

    def __init__(self, name: str, command: list[str], output: IO[bytes] | None = None) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "prefect", *command]
        self._output = output
        self._restarts: list[float] = []
        self.process = self._start()

    def has_died(self) -> bool:
        """Whether the process has ended."""
        return self.process.poll() is not None

    def restart(self) -> None:
        """Starts the process again after its death.

        Raises:
            StartError: It was restarted `RESTARTS` times within `WITHIN` seconds.
        """
        code = self.process.returncode
        now = time.monotonic()
        self._restarts = [t for t in self._restarts if t > now - WITHIN] + [now]
        if len(self._restarts) > RESTARTS:
            message = (
                f"the {self.name} ended with code {code} after {RESTARTS} restarts within "
                f"{WITHIN / 60:.0f} minutes; the log named above has its last words"
            )
            raise StartError(message)
        say(f"the {self.name} ended with code {code}; starting it again")
        self.process = self._start()

    def close(self) -> None:
        """Ends the process's children, then the process: a run that ends first reports its end."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if not self.has_died():
            parent = psutil.Process(self.process.pid)
            _end(parent.children(recursive=True))
            _end([parent, *parent.children(recursive=True)])

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )


@contextmanager
def runs_ended_at_exit(prefect_home: Path) -> Iterator[None]:
    """At the end, ends the flow runs that have outlived their worker."""
    try:
        yield
    finally:
        _end(list(run_processes(prefect_home).values()))


def run_processes(prefect_home: Path) -> dict[UUID, psutil.Process]:
    """Returns the processes of the flow runs of one PREFECT_HOME, by the id of the flow run."""
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            variables = process.environ()
            if variables.get("PREFECT_HOME") == str(prefect_home) and RUN_VARIABLE in variables:
                found[UUID(variables[RUN_VARIABLE])] = process
    return found


def say(text: str) -> None:
    """Prints a line for the person at the terminal, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _end(processes: list[psutil.Process]) -> None:
    """Terminates processes, and kills those that have not ended within SECONDS_TO_STOP."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, left = psutil.wait_procs(processes, SECONDS_TO_STOP)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, SECONDS_TO_STOP)
