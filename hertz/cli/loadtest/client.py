"""Sends requests to a running server and measures its answers, as a Python backend sees them.

In: the server's address, profiles to register, user ids. Out: milliseconds of each answer with
status 200, in two rounds, and the number of other answers. Registered users are deleted at the end.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import polars as pl

from hertz.core.errors import HertzError

_IDS_PER_MILLISECOND = 1_000_000
_TIMEOUT = 30.0
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None)


@dataclass
class Rounds:
    """Times of two rounds of requests.

    Attributes:
        first: Milliseconds of each answer with status 200 in the first round.
        second: The same of the second round.
        seconds: Duration of both rounds.
        failed: Number of other answers, by status or by the client's error.
    """

    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failed: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """Size of a test.

    Attributes:
        requests: Number of requests in each round.
        clients: Number of requests in progress at a time.
        seconds: Duration of both rounds, which then replaces `requests`.
    """

    requests: int = 30
    clients: int = 3
    seconds: float | None = None


Request = Callable[[], httpx.Request]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yields a client of the server, with the API key of the environment.

    Raises:
        HertzError: Nothing answers at the address.
    """
    keys = os.environ.get("HERTZ_API_KEY") or os.environ.get("HERTZ_API_KEYS", "").split(",")[0]
    headers = {"X-API-Key": keys.strip()} if keys.strip() else {}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, timeout=_TIMEOUT, limits=_LIMITS, trust_env=False
    ) as client:
        try:
            await client.get("/ready")
        except httpx.HTTPError as error:
            message = f"{url}: no answer ({type(error).__name__}); start one with `hertz serve`"
            raise HertzError(message) from error
        yield client


async def health_of(client: httpx.AsyncClient) -> dict[str, Any]:
    """Returns the server's answer to /health: the snapshot that it serves, and its users.

    Raises:
        HertzError: The server has no snapshot to serve.
    """
    answer = await client.get("/health")
    if answer.status_code != 200:
        message = f"{client.base_url}: cannot serve (status {answer.status_code}): see /health"
        raise HertzError(message)
    found: dict[str, Any] = answer.json()
    return found


def registrations(profiles: pl.DataFrame) -> list[dict[str, Any]]:
    """Returns bodies of registrations, with new user ids and without empty values."""
    first = time.time_ns() // 1_000_000 * _IDS_PER_MILLISECOND
    rows = profiles.drop("userId", "blockedUserIds").iter_rows(named=True)
    bodies = ({name: value for name, value in row.items() if value} for row in rows)
    return [{"userId": first + n, **body} for n, body in enumerate(bodies)]


async def register(
    client: httpx.AsyncClient, bodies: list[dict[str, Any]], plan: Plan, keep: bool
) -> Rounds:
    """Registers users in two rounds, and deletes them at the end unless `keep`."""
    unsent = iter(bodies)
    sent: list[int] = []

    def build() -> httpx.Request:
        body = next(unsent)
        sent.append(body["userId"])
        return client.build_request("POST", "/api/v3/users", json=body)

    try:
        return await _rounds(client, build, plan)
    finally:
        if not keep:
            await _delete(client, sent)


async def recommend(
    client: httpx.AsyncClient, users: list[int], category: str, plan: Plan
) -> Rounds:
    """Requests lists in two rounds: in turn ids alone and scored lists, each of another user."""
    paths = itertools.cycle(
        path
        for user in users
        for path in (
            f"/api/v3/tuning?userId={user}&category={category}",
            f"/matches/{user}?category={category}&limit=10",
        )
    )
    return await _rounds(client, lambda: client.build_request("GET", next(paths)), plan)


async def _rounds(client: httpx.AsyncClient, build: Request, plan: Plan) -> Rounds:
    """Sends two rounds of requests and returns their times."""
    found = Rounds()
    start = time.perf_counter()
    for times in (found.first, found.second):
        until = time.perf_counter() + plan.seconds / 2 if plan.seconds else None
        left = iter(range(plan.requests)) if until is None else itertools.count()
        senders = (_send(client, build, left, until, times, found) for _ in range(plan.clients))
        await asyncio.gather(*senders)
    found.seconds = time.perf_counter() - start
    return found


async def _send(
    client: httpx.AsyncClient,
    build: Request,
    left: Iterator[int],
    until: float | None,
    times: list[float],
    found: Rounds,
) -> None:
    """Sends one request after another until none is left or the time is over."""
    for _ in left:
        if until is not None and time.perf_counter() >= until:
            return
        try:
            request = build()
        except StopIteration:
            return
        start = time.perf_counter()
        try:
            status = str((await client.send(request)).status_code)
        except httpx.HTTPError as error:
            status = type(error).__name__
        if status == "200":
            times.append((time.perf_counter() - start) * 1000)
        else:
            found.failed[status] = found.failed.get(status, 0) + 1


async def _delete(client: httpx.AsyncClient, users: list[int]) -> None:
    """Deletes registered users, eight at a time; one that was refused need not exist."""
    for start in range(0, len(users), 8):
        chosen = users[start : start + 8]
        await asyncio.gather(*(client.delete(f"/api/v3/users/{user}") for user in chosen))
