"""The API: whom to show to a user, and why, from the published snapshot; and the intake.

In: a home, and the policy by which what is sent to the intake is checked. Out: a FastAPI
application, and `serve`, which runs it. Reads need no lock and no model.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.config import LOGGING_CONFIG

from api.errors import install
from api.follower import SnapshotFollower
from api.intake_routes import add_intake
from api.routes import router
from matching.policy import Policy


def create_app(home: Path, policy: Policy | None = None) -> FastAPI:
    """The application for one home; it starts without a snapshot and follows CURRENT.

    Args:
        home: The home directory.
        policy: What the intake accepts; without one the application only reads.
    """
    app = FastAPI(title="Hertz", description=__doc__, version="1", lifespan=_lifespan)
    app.state.follower = SnapshotFollower(home)
    app.state.writer = None
    app.include_router(router)
    if policy:
        add_intake(app, home, policy)
    install(app)
    return app


def serve(home: Path, host: str, port: int, policy: Policy | None = None) -> None:
    """Run the API until interrupted; port 0 takes a free one, which the log names."""
    uvicorn.run(
        create_app(home, policy),
        host=host,
        port=port,
        ws="none",
        server_header=False,
        log_config=log_config(),
    )


def log_config() -> dict[str, Any]:
    """Uvicorn's logging, with our own messages and without the clients' addresses."""
    config = copy.deepcopy(LOGGING_CONFIG)
    config["formatters"]["access"]["fmt"] = '%(levelprefix)s "%(request_line)s" %(status_code)s'
    config["loggers"]["api"] = {"handlers": ["default"], "level": "INFO", "propagate": False}
    return config


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    follower: SnapshotFollower = app.state.follower
    await asyncio.to_thread(follower.refresh)
    task = asyncio.create_task(follower.follow())
    if app.state.writer:
        app.state.writer.start()
    yield
    if app.state.writer:
        await asyncio.to_thread(app.state.writer.stop)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    follower.overlay.close()
