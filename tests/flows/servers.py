"""Starts `make prefect` as a user does: a real server and worker on a free port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from hertz.core.errors import HertzError
from hertz.flows.server.supervision import RUN_VARIABLE
from tests.ports import free_port

TIMEOUT = 400.0  # a limit for a busy machine, not a goal
T = TypeVar("T")
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class StillWaitingError(HertzError):
    """A condition that a test waits for did not become true in time."""


@dataclass(frozen=True)
class Prefect:
    """A running Prefect: its environment, its process and the file with its output."""

    environment: dict[str, str]
    program: subprocess.Popen[bytes]
    output: Path

    @property
    def home(self) -> Path:
        """Its PREFECT_HOME."""
        return Path(self.environment["PREFECT_HOME"])

    def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Sends a request, again and again while the busy server answers 503."""
        address = f"http://127.0.0.1:{self.environment['PREFECT_SERVER_API_PORT']}/api{path}"
        answer = httpx.request(method, address, json=body, timeout=TIMEOUT)
        while answer.status_code == 503:
            time.sleep(1)
            answer = httpx.request(method, address, json=body, timeout=TIMEOUT)
        return answer

    def find(self, what: str, **query: object) -> list[dict[str, Any]]:
        """Returns flow runs, task runs, logs, artifacts or deployments that match a query."""
        found: list[dict[str, Any]] = self.call("POST", f"/{what}/filter", query).json()
        return found

    def trigger(
        self, name: str, options: dict[str, Any], state: dict[str, Any] | None = None
    ) -> httpx.Response:
        """Starts a deployment with the form's values, as the UI does; at once if no `state`."""
        deployment = self.call("GET", f"/deployments/name/{name}/{name}").json()
        path = f"/deployments/{deployment['id']}/create_flow_run"
        return self.call("POST", path, {"parameters": {"options": options}, "state": state})

    def until(self, run_id: str, types: set[str]) -> dict[str, Any]:
        """Returns a flow run once its state is of one of the types."""

        def flow_run() -> dict[str, Any] | None:
            found: dict[str, Any] = self.call("GET", f"/flow_runs/{run_id}").json()
            return found if found["state"]["type"] in types else None

        return eventually(flow_run, f"flow run {run_id} to be {sorted(types)}")

    def run(self, name: str, options: dict[str, Any]) -> dict[str, Any]:
        """Starts a deployment and returns its flow run after its end."""
        return self.until(self.trigger(name, options).json()["id"], FINAL)

    def stop(self) -> None:
        """Interrupts it as Ctrl-C does, unless it has ended."""
        if self.program.poll() is None:
            self.program.send_signal(signal.SIGINT)
            self.program.wait(TIMEOUT)

    def processes(self, *words: str) -> list[psutil.Process]:
        """Returns the processes with this PREFECT_HOME and these words in the command line."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("PREFECT_HOME") == str(self.home):
                    found += [process] if set(words) <= set(process.cmdline()) else []
        return found

    def run_processes(self, run_id: str) -> list[psutil.Process]:
        """Returns the processes of a flow run."""
        found = []
        for process in self.processes():
            with suppress(psutil.Error):
                found += [process] if process.environ().get(RUN_VARIABLE) == run_id else []
        return found

    def kill(self, *words: str) -> None:
        """Kills the oldest process with these words, which has started the others."""
        min(self.processes(*words), key=lambda process: process.create_time()).kill()


@contextmanager
def started_prefect(folder: Path) -> Iterator[Prefect]:
    """Starts Prefect, waits until it is ready, and stops it at the end."""
    environment = os.environ | {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_API_PORT": str(free_port()),
        "OMP_NUM_THREADS": "2",
    }
    prefect = Prefect(environment, start(environment, folder / "output"), folder / "output")
    try:
        eventually(lambda: "Ctrl-C stops it" in _printed(prefect), "Prefect to start")
        yield prefect
    finally:
        prefect.stop()


def start(environment: dict[str, str], output: Path) -> subprocess.Popen[bytes]:
    """Starts the program of `make prefect`."""
    with output.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "hertz.flows.server.start"],
            env=environment,
            stdout=file,
            stderr=file,
        )


def eventually(find: Callable[[], T | None], what: str) -> T:
    """Calls `find` until it returns something true, and returns that."""
    last = time.monotonic() + TIMEOUT
    while time.monotonic() < last:
        if found := find():
            return found
        time.sleep(0.3)
    message = f"waited {TIMEOUT:.0f} s for {what}"
    raise StillWaitingError(message)


def _printed(prefect: Prefect) -> str:
    if prefect.program.poll() is not None:
        raise StillWaitingError(prefect.output.read_text(encoding="utf-8"))
    return prefect.output.read_text(encoding="utf-8")
