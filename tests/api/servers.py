"""Starts real servers on free ports of the loopback, for tests over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from hertz.api.app import create_app
from hertz.api.snapshot.overlay import UserStatus
from hertz.policy.model import Policy
from hertz.storage.intake.queue import IsPublished

TIMEOUT_SECONDS = 20.0
# A program that serves the home in its first argument, for tests that need a process of its own.
SERVE = """
import sys; from pathlib import Path; from hertz.api.app import serve
from hertz.storage.settings import ApiSettings
serve(Path(sys.argv[1]), ApiSettings(port=0))
"""


class AllVisible:
    """A visibility that hides nobody, as if nothing happened after the snapshot."""

    ready = True
    is_empty = True

    def status(self, user_id: int, _: int, has_user: IsPublished) -> UserStatus | None:
        """Returns the user's status in the snapshot."""
        return "known" if has_user(user_id) else None

    def hides(self, user_id: int, other_id: int, _: int) -> bool:
        """Returns False: nobody is hidden."""
        return False


@contextmanager
def served_app(app: FastAPI) -> Iterator[httpx.Client]:
    """Runs an application in a thread; yields a client."""
    config = uvicorn.Config(app, port=0, ws="none", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=TIMEOUT_SECONDS) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def served_home(home: Path, policy: Policy | None = None) -> Iterator[httpx.Client]:
    """Serves a home, with the intake if there is a policy; yields a client."""
    with served_app(create_app(home, policy=policy)) as client:
        yield client


def eventually(holds: Callable[[], object]) -> None:
    """Waits until a condition holds; fails after 20 seconds."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
