"""The API: whom to show to a user, and why, from the published snapshot; intake and console.

In: a home, the settings, the accepted keys, and the policy by which what is sent to the intake is
checked. Out: a FastAPI application, and `serve`, which runs it. Reads need no lock and no model.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.config import LOGGING_CONFIG

from hertz.api import health
from hertz.api import openapi as document
from hertz.api.console import routes as console
from hertz.api.errors import install
from hertz.api.intake.routes import add_intake
from hertz.api.lists import routes, similar
from hertz.api.lists.fast_path import LeanReads
from hertz.api.lists.similar import Similarity
from hertz.api.middleware.guard import Guard
from hertz.api.middleware.metrics import Metrics
from hertz.api.middleware.security import Keys, check_address, keys_from_environment
from hertz.api.snapshot.follower import SnapshotFollower
from hertz.core.logs import wants_json
from hertz.policy.model import Policy
from hertz.storage.settings import ApiSettings

_PATIENCE = 2.0  # seconds a start waits for the snapshot; a larger check goes on behind /ready


def create_app(
    home: Path,
    settings: ApiSettings | None = None,
    keys: Keys | None = None,
    policy: Policy | None = None,
) -> FastAPI:
    """The application for one home; it starts without a snapshot and follows CURRENT.

    Args:
        home: The home directory.
        settings: Limits.
        keys: Who may call.
        policy: What the intake accepts; without one the application only reads.
    """
    keys = keys or Keys()
    app = FastAPI(title="Hertz", description=__doc__, version="1", lifespan=_lifespan)
    app.state.home = home
    app.state.follower = SnapshotFollower(home)
    app.state.visibility = app.state.follower.overlay
    app.state.writer = None
    app.state.similarity = Similarity()
    app.state.metrics = Metrics(app.state.follower)
    for router in (routes.router, similar.router, health.router):
        app.include_router(router)
    if policy:
        add_intake(app, home, policy)
    console.install(app, keys)
    install(app)
    document.install(app)
    app.add_middleware(LeanReads, state=app)  # added last is outermost
    app.add_middleware(
        Guard,
        settings=settings or ApiSettings(),
        keys=keys,
        metrics=app.state.metrics,
    )
    return app


def serve(home: Path, settings: ApiSettings, policy: Policy | None = None) -> None:
    """Run the API until interrupted; port 0 takes a free one, which the log names.

    Raises:
        PolicyError: The address is not this machine's own and no API key is configured.
    """
    keys = keys_from_environment(settings.keys_file)
    check_address(settings.host, keys)
    uvicorn.run(
        create_app(home, settings, keys, policy),
        host=settings.host,
        port=settings.port,
        ws="none",
        server_header=False,
        access_log=False,  # the guard's own has no ids
        log_config=log_config(),
    )


def log_config() -> dict[str, Any]:
    """Uvicorn's logging, with our own messages, and errors without trace or message."""
    config = copy.deepcopy(LOGGING_CONFIG)
    lines = "hertz.core.logs.JsonFormatter" if wants_json() else "hertz.core.logs.TextFormatter"
    config["formatters"]["default"]["()"] = lines
    config["loggers"]["hertz.api"] = {"handlers": ["default"], "level": "INFO", "propagate": False}
    return config


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    follower: SnapshotFollower = app.state.follower
    task = asyncio.create_task(follower.follow())
    if app.state.writer:
        app.state.writer.start()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(follower.looked.wait(), _PATIENCE)
    gc.freeze()  # what lives as long as the server need not be looked through for garbage
    yield
    if app.state.writer:
        await asyncio.to_thread(app.state.writer.stop)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    app.state.similarity.close()
    follower.overlay.close()
