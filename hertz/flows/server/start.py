"""`make prefect`: a Prefect server and a worker on loopback, with Hertz's deployments.

In: PREFECT_SERVER_API_PORT (4200) and PREFECT_HOME (./.prefect), if set. Out: a server and worker,
restarted if they die, until Ctrl-C or SIGTERM; then neither is left, nor a flow run.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
from filelock import FileLock, Timeout

from hertz.core.logs import wants_json
from hertz.flows.server.pool_name import POOL
from hertz.flows.server.supervision import (
    SIGNALS,
    StartError,
    Supervised,
    run_processes,
    runs_ended_at_exit,
    say,
)

ROOT = Path(__file__).parents[3]
PORT = os.environ.get("PREFECT_SERVER_API_PORT", "4200")
ADDRESS = f"http://127.0.0.1:{PORT}"
HOME = Path(os.environ.get("PREFECT_HOME") or ROOT / ".prefect").resolve()
LOG = HOME / "server.log"
LEASES = "prefect.server.concurrency.lease_storage.filesystem"
ENVIRONMENT = {
    "PREFECT_HOME": str(HOME),
    "PREFECT_API_URL": f"{ADDRESS}/api",
    "PREFECT_SERVER_API_HOST": "127.0.0.1",
    "PREFECT_SERVER_API_PORT": PORT,
    # By default they are in memory, and a restarted server forgets which runs are in progress.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": LEASES,
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_CLASS": "hertz.core.logs.LineHandler",
    "PREFECT_WORKER_QUERY_SECONDS": "3",  # a run started in the UI begins within three seconds
}
if wants_json():
    ENVIRONMENT |= {
        "PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": "json",
        "PREFECT_LOGGING_FORMATTERS_JSON_CLASS": "hertz.core.logs.JsonFormatter",
    }
SECONDS_TO_START = 600  # the first start creates the database; a slow, busy machine takes minutes
HOW_TO = f"""
Hertz's Prefect is running; Ctrl-C stops it.
  UI        {ADDRESS}
  schedule  nightly at 02:00 Asia/Seoul (pause it in the UI under Deployments)
  run now   PREFECT_API_URL={ADDRESS}/api .venv/bin/prefect deployment run nightly/nightly
            or Deployments > nightly > Run in the UI
"""


def main() -> str | None:
    """Starts everything, waits for Ctrl-C, stops everything. Returns the reason of a failure."""
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    os.environ.update(ENVIRONMENT)
    os.chdir(ROOT)
    try:
        with _only_one(), LOG.open("wb") as log, runs_ended_at_exit(HOME):
            with closing(Supervised("server", ["server", "start"], log)) as server:
                _wait_until_ready(server)
                _deploy()
                _mark_lost_runs()
                with closing(Supervised("worker", ["worker", "start", "--pool", POOL])) as worker:
                    say(HOW_TO)
                    _keep_running(server, worker)
    except KeyboardInterrupt:
        say("Prefect is stopped; what was published stays published.")
    except StartError as error:
        return f"hertz.flows.server.start: {error}"
    return None


@contextmanager
def _only_one() -> Iterator[None]:
    """Holds PREFECT_HOME and the port: two servers would corrupt one database."""
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


def _wait_until_ready(server: Supervised) -> None:
    """Waits until the server answers; restarts it if it dies meanwhile."""
    say(f"starting Prefect at {ADDRESS}; its log is {LOG}")
    last = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < last:
        if server.has_died():
            server.restart()
        with suppress(httpx.TransportError):
            if httpx.get(f"{ADDRESS}/api/health").is_success:
                return
        time.sleep(0.5)
    message = f"the server did not answer within {SECONDS_TO_START} s; see {LOG}"
    raise StartError(message)


def _deploy() -> None:
    """Registers pool, deployments and automations."""
    # Imported late: Prefect reads the environment that main has set.
    from hertz.flows.server.deploy import deploy

    deploy()


def _mark_lost_runs() -> None:
    """Marks runs as crashed whose process has ended without a report."""
    # Imported late: Prefect reads the environment that main has set.
    from hertz.flows.server.work_pool import end_lost_runs

    if lost := end_lost_runs(run_processes(HOME).keys()):
        say(f"{lost} run(s) were in progress when Prefect ended; they are marked as crashed")


def _keep_running(server: Supervised, worker: Supervised) -> None:
    """Restarts the server or the worker whenever it has died, until interrupted."""
    while True:
        if server.has_died():
            server.restart()
            _wait_until_ready(server)
        if worker.has_died():
            _mark_lost_runs()
            worker.restart()
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
