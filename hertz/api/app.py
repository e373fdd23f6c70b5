"""Builds and runs the API: lists and explanations of the published snapshot, intake and console.

Reads need no lock and no model.
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

from hertz.api import health, openapi
from hertz.api.console.routes import add_console
from hertz.api.errors import add_error_handlers
from hertz.api.intake.routes import add_intake
from hertz.api.lists import routes, similar
from hertz.api.lists.fast_path import FastPath
from hertz.api.lists.similar import Similarity
from hertz.api.middleware.guard import Guard
from hertz.api.middleware.metrics import Metrics
from hertz.api.middleware.security import Keys, check_address, keys_from_environment
from hertz.api.snapshot.follower import SnapshotFollower
from hertz.core.logs import wants_json
from hertz.policy.model import Policy
from hertz.storage.settings import ApiSettings

_DESCRIPTION = """The match lists of the published snapshot, with scores and explanations.

Users are registered, updated, deleted and blocked here too; the next run brings the lists up to
date."""
_FIRST_CHECK_SECONDS = 2.0  # a start waits so long for the snapshot; then /ready says when it is


def create_app(
    home: Path,
    settings: ApiSettings | None = None,
    keys: Keys | None = None,
    policy: Policy | None = None,
) -> FastAPI:
    """Returns the application of one home; it starts without a snapshot and follows CURRENT.

    Args:
        home: The home directory.
        settings: Limits of requests; None for the defaults.
        keys: The accepted API keys; None to let this machine call without one.
        policy: The policy that the intake accepts; without one the application only reads.
    """
    keys = keys or Keys()
    app = FastAPI(title="Hertz", description=_DESCRIPTION, version="1", lifespan=_lifespan)
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
    add_console(app, keys)
    add_error_handlers(app)
    openapi.complete_document(app)
    app.add_middleware(FastPath, state=app.state)  # the middleware added last is the outermost
    settings = settings or ApiSettings()
    app.add_middleware(Guard, settings=settings, keys=keys, metrics=app.state.metrics)
    return app


def serve(home: Path, settings: ApiSettings, policy: Policy | None = None) -> None:
    """Runs the API until it is interrupted; with port 0 it takes a free one and logs it.

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
        access_log=False,  # the guard writes an access log without ids
        log_config=log_config(),
    )


def log_config() -> dict[str, Any]:
    """Returns uvicorn's logging configuration with Hertz's formatters and loggers."""
    config = copy.deepcopy(LOGGING_CONFIG)
    formatter = "JsonFormatter" if wants_json() else "TextFormatter"
    config["formatters"]["default"]["()"] = f"hertz.core.logs.{formatter}"
    config["loggers"]["hertz.api"] = {"handlers": ["default"], "level": "INFO", "propagate": False}
    return config


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Runs the follower and the intake's writer while the application runs, then closes all."""
    follower: SnapshotFollower = app.state.follower
    task = asyncio.create_task(follower.follow())
    if app.state.writer:
        app.state.writer.start()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(follower.first_check.wait(), _FIRST_CHECK_SECONDS)
    gc.freeze()  # what lives as long as the server need not be searched for garbage
    yield
    if app.state.writer:
        await asyncio.to_thread(app.state.writer.stop)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    app.state.similarity.close()
    follower.overlay.close()
