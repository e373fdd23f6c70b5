"""A real server on a free port of the loopback, for tests that speak HTTP to it."""

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

PATIENCE = 20.0


class AllVisible:
    """Nothing has happened since the snapshot."""

    ready = True
    is_empty = True

    def status(self, user_id: int, _: int, has_user: IsPublished) -> UserStatus | None:
        """As the snapshot says."""
        return "known" if has_user(user_id) else None

    def hides(self, user_id: int, other_id: int, _: int) -> bool:
        """Nobody is hidden."""
        return False


@contextmanager
def served_app(app: FastAPI) -> Iterator[httpx.Client]:
    """Run an application in a thread; a client of it."""
    config = uvicorn.Config(app, port=0, ws="none", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def served_home(home: Path, policy: Policy | None = None) -> Iterator[httpx.Client]:
    """Run the API for a home, with the intake where there is a policy; a client of it."""
    with served_app(create_app(home, policy=policy)) as client:
        yield client


def eventually(holds: Callable[[], object]) -> None:
    """Wait until something holds; fail when it takes far too long."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
