"""`make prefect`: a Prefect server and a worker on loopback, with Hertz's deployments.

In: nothing; PREFECT_SERVER_API_PORT (4200) and PREFECT_HOME (./.prefect) where they are set.
Out: a running server and worker until Ctrl-C or SIGTERM; then neither is left, nor a run of theirs.
One that dies is started again; a run whose worker died goes on, one that died with it is ended.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import UUID

import httpx
import psutil
from filelock import FileLock, Timeout

from hertz.core.logs import wants_json
from hertz.flows.server.pool_name import POOL

ROOT = Path(__file__).parents[3]
PORT = os.environ.get("PREFECT_SERVER_API_PORT", "4200")
ADDRESS = f"http://127.0.0.1:{PORT}"
HOME = Path(os.environ.get("PREFECT_HOME") or ROOT / ".prefect").resolve()
LOG = HOME / "server.log"
LEASES = "prefect.server.concurrency.lease_storage"
ENVIRONMENT = {
    "PREFECT_HOME": str(HOME),
    "PREFECT_API_URL": f"{ADDRESS}/api",
    "PREFECT_SERVER_API_HOST": "127.0.0.1",
    "PREFECT_SERVER_API_PORT": PORT,
    # In memory, as by default, the places that runs hold would be forgotten with each restart.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": f"{LEASES}.filesystem",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_CLASS": "hertz.core.logs.LineHandler",
    "PREFECT_WORKER_QUERY_SECONDS": "3",  # a run asked for in the UI starts at once
}
if wants_json():
    ENVIRONMENT |= {
        "PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": "json",
        "PREFECT_LOGGING_FORMATTERS_JSON_CLASS": "hertz.core.logs.JsonFormatter",
    }
SIGNALS = {signal.SIGINT, signal.SIGTERM}
if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # which nohup asks for
    SIGNALS.add(signal.SIGHUP)
SECONDS_TO_START = 600  # a first start makes the database; a slow, busy machine takes minutes
SECONDS_TO_STOP = 20
MOST_RESTARTS = 5  # of one program within
WITHIN = 600.0  # seconds; more often means that something is wrong
RUN_VARIABLE = "PREFECT__FLOW_RUN_ID"


class StartError(Exception):
    """Why Prefect could not be started, or did not stay up."""


def main() -> str | None:
    """Start everything, wait for Ctrl-C, stop everything. Returns what went wrong, if anything."""
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    os.environ.update(ENVIRONMENT)
    os.chdir(ROOT)
    try:
        with _only_one(), LOG.open("wb") as log, _no_run_left():
            with _running("server", ["server", "start"], log) as server:
                _wait_for(server)
                _deploy()
                _end_lost_runs()
                with _running("worker", ["worker", "start", "--pool", POOL]) as worker:
                    _say(HOW_TO)
                    _stay(server, worker)
    except KeyboardInterrupt:
        _say("Prefect is stopped; what was published stays published.")
    except StartError as error:
        return f"hertz.flows.server.start: {error}"
    return None


HOW_TO = f"""
Hertz's Prefect is running; Ctrl-C stops it.
  UI        {ADDRESS}
  schedule  nightly at 02:00 Asia/Seoul (pause it in the UI under Deployments)
  run now   PREFECT_API_URL={ADDRESS}/api .venv/bin/prefect deployment run nightly/nightly
            or Deployments > nightly > Run in the UI
"""


@contextmanager
def _only_one() -> Iterator[None]:
    """Hold PREFECT_HOME: two servers on one database would spoil it."""
    HOME.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(HOME / "start.lock").acquire(timeout=0)
    except Timeout as error:
        message = f"already running in {HOME}; stop that one, or set PREFECT_HOME for a second"
        raise StartError(message) from error
    with lock:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", int(PORT))):
            message = f"{ADDRESS} is taken by another program; set PREFECT_SERVER_API_PORT"
            raise StartError(message)
        yield


class _Program:
    """A Prefect process, started again when it dies.

    In a session of its own: Ctrl-C reaches this program alone, which stops the worker first.
    """

    def __init__(self, name: str, command: list[str], output: IO[bytes] | None) -> None:
        self.name, self._command, self._output = name, command, output
        self._restarts: list[float] = []
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "prefect", *self._command],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )

    def has_died(self) -> bool:
        return self.process.poll() is not None

    def start_again(self) -> None:
        """After its death.

        Raises:
            StartError: If it dies all the time.
        """
        code, now = self.process.returncode, time.monotonic()
        self._restarts = [t for t in self._restarts if t > now - WITHIN] + [now]
        if len(self._restarts) > MOST_RESTARTS:
            message = f"the {self.name} ended with code {code}, again; the server's log is {LOG}"
            raise StartError(message)
        _say(f"the {self.name} ended with code {code}; starting it again")
        self.start()


@contextmanager
def _running(name: str, command: list[str], output: IO[bytes] | None = None) -> Iterator[_Program]:
    """A Prefect program, stopped at the end with all it has started."""
    program = _Program(name, command, output)
    try:
        yield program
    finally:
        _stop(program.process)


@contextmanager
def _no_run_left() -> Iterator[None]:
    """At the end, end runs that have outlived their worker."""
    try:
        yield
    finally:
        _end(list(_runs().values()))


def _runs() -> dict[UUID, psutil.Process]:
    """The processes of this Prefect's flow runs."""
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            variables = process.environ()
            if variables.get("PREFECT_HOME") == str(HOME) and RUN_VARIABLE in variables:
                found[UUID(variables[RUN_VARIABLE])] = process
    return found


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End what it has started, then itself; a run that is asked to end tells the server so."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if process.poll() is None:
        whole = psutil.Process(process.pid)
        _end(whole.children(recursive=True))
        _end([whole, *whole.children(recursive=True)])


def _end(processes: list[psutil.Process]) -> None:
    """Ask them to end, and kill those that have not within SECONDS_TO_STOP."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, left = psutil.wait_procs(processes, SECONDS_TO_STOP)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, SECONDS_TO_STOP)


def _wait_for(server: _Program) -> None:
    _say(f"starting Prefect at {ADDRESS} ...")
    last = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < last:
        if server.has_died():
            server.start_again()
        with suppress(httpx.TransportError):
            if httpx.get(f"{ADDRESS}/api/health").is_success:
                return
        time.sleep(0.5)
    message = f"the server did not answer within {SECONDS_TO_START} s; see {LOG}"
    raise StartError(message)


def _deploy() -> None:
    from hertz.flows.server.deploy import (
        DeployError,
        deploy,
    )  # Prefect reads the environment set in main

    try:
        deploy()
    except DeployError as error:
        raise StartError(str(error)) from error


def _end_lost_runs() -> None:
    from hertz.flows.server.work_pool import end_lost_runs

    if lost := end_lost_runs(_runs().keys()):
        _say(f"{lost} run(s) were in progress when Prefect ended; they are marked as crashed")


def _stay(server: _Program, worker: _Program) -> None:
    while True:
        if server.has_died():
            server.start_again()
            _wait_for(server)
        if worker.has_died():
            _end_lost_runs()
            worker.start_again()
        time.sleep(1)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
