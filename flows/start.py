"""`make prefect`: a Prefect server and a worker on loopback, with Hertz's deployments.

In: nothing; PREFECT_SERVER_API_PORT (4200) and PREFECT_HOME (./.prefect) where they are set.
Out: a running server and worker until Ctrl-C or SIGTERM; then neither is left, nor a run of theirs.
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

import httpx
import psutil
from filelock import FileLock, Timeout

ROOT = Path(__file__).parent.parent
POOL = "hertz"
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
    "PREFECT_WORKER_QUERY_SECONDS": "3",  # a run asked for in the UI starts at once
}
SIGNALS = {signal.SIGINT, signal.SIGTERM}
if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # which nohup asks for
    SIGNALS.add(signal.SIGHUP)
SECONDS_TO_START = 180  # a first start makes the database; slow machines take a minute
SECONDS_TO_STOP = 20


class StartError(Exception):
    """Why Prefect could not be started, or did not stay up."""


def main() -> str | None:
    """Start everything, wait for Ctrl-C, stop everything. Returns what went wrong, if anything."""
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    os.environ.update(ENVIRONMENT)
    os.chdir(ROOT)
    try:
        with _only_one(), LOG.open("wb") as log, _running(["server", "start"], log) as server:
            _wait_for(server)
            _prepare_pool()
            _deploy()
            with _running(["worker", "start", "--pool", POOL, "--limit", "1"]) as worker:
                _say(HOW_TO)
                _stay(server, worker)
    except KeyboardInterrupt:
        _say("Prefect is stopped; what was published stays published.")
    except StartError as error:
        return f"flows.start: {error}"
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


@contextmanager
def _running(
    command: list[str], output: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A Prefect process, stopped at the end with all it has started.

    In a session of its own: Ctrl-C reaches this program alone, which stops the worker first.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _stop(process)


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


def _wait_for(server: subprocess.Popen[bytes]) -> None:
    _say(f"starting Prefect at {ADDRESS} ...")
    last = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < last:
        _alive(server, "server")
        with suppress(httpx.TransportError):
            if httpx.get(f"{ADDRESS}/api/health").is_success:
                return
        time.sleep(0.5)
    message = f"the server did not answer within {SECONDS_TO_START} s; see {LOG}"
    raise StartError(message)


def _prepare_pool() -> None:
    from flows.pool import create_pool, end_lost_runs  # Prefect reads the environment set in main

    create_pool(POOL)
    if lost := end_lost_runs(POOL):
        _say(f"{lost} run(s) were in progress when Prefect ended last; they are marked as crashed")


def _deploy() -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        message = f"prefect.yaml could not be deployed:\n{done.stdout}{done.stderr}"
        raise StartError(message)


def _stay(server: subprocess.Popen[bytes], worker: subprocess.Popen[bytes]) -> None:
    while True:
        _alive(server, "server")
        _alive(worker, "worker")
        time.sleep(1)


def _alive(process: subprocess.Popen[bytes], what: str) -> None:
    if process.poll() is not None:
        message = f"the {what} ended with code {process.returncode}; the server's log is {LOG}"
        raise StartError(message)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
