"""Sends requests to a running server and measures its answers, as a Python backend sees them.

Out: milliseconds of each answer with status 200, in two rounds, and the number of other answers.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

import httpx
import polars as pl

from hertz.core.errors import HertzError

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None)
_MOST_PER_SECOND = 2000  # registrations that a sustained test has profiles for


@dataclass
class Rounds:
    """Milliseconds of each answer with status 200 in two rounds, and the number of others."""

    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)
    seconds: float = 0.0  # of both rounds
    failed: dict[str, int] = field(default_factory=dict)  # by status or by the client's error


@dataclass(frozen=True)
class Plan:
    """Size of a test: a number of requests in each round, or the duration of both rounds."""

    requests: int = 30
    clients: int = 3  # requests in progress at a time
    seconds: float | None = None  # replaces `requests`

    @property
    def most_requests(self) -> int:
        """Number of requests in both rounds, at most."""
        return int(self.seconds * _MOST_PER_SECOND) if self.seconds else 2 * self.requests


def client_of(url: str) -> httpx.AsyncClient:
    """Returns a client of the server, with the API key of the environment."""
    keys = os.environ.get("HERTZ_API_KEY") or os.environ.get("HERTZ_API_KEYS", "").split(",")[0]
    headers = {"X-API-Key": keys.strip()} if keys.strip() else {}
    return httpx.AsyncClient(
        base_url=url, headers=headers, timeout=30, limits=_LIMITS, trust_env=False
    )


async def health_of(client: httpx.AsyncClient) -> dict[str, Any]:
    """Returns the server's answer to /health: the snapshot that it serves, and its users.

    Raises:
        HertzError: Nothing answers at the address, or the server has no snapshot to serve.
    """
    url = client.base_url
    try:
        answer = await client.get("/health")
    except httpx.HTTPError as error:
        message = f"{url}: no answer ({type(error).__name__}); start one with `hertz serve`"
        raise HertzError(message) from error
    if answer.status_code != 200:
        message = f"{url}: cannot serve (status {answer.status_code}): see /health"
        raise HertzError(message)
    return dict(answer.json())


def registrations(profiles: pl.DataFrame) -> list[dict[str, Any]]:
    """Returns bodies of registrations, with new user ids and without empty values."""
    first = time.time_ns() // 1_000_000 * 1_000_000  # a million ids for each millisecond
    rows = profiles.drop("userId", "blockedUserIds").iter_rows(named=True)
    bodies = ({name: value for name, value in row.items() if value} for row in rows)
    return [{"userId": first + n, **body} for n, body in enumerate(bodies)]


async def register(
    client: httpx.AsyncClient, bodies: list[dict[str, Any]], plan: Plan, keep: bool
) -> Rounds:
    """Registers users in two rounds, and deletes them at the end unless `keep`."""
    sent: list[int] = []

    def requests() -> Iterator[httpx.Request]:
        for body in bodies:
            sent.append(body["userId"])
            yield client.build_request("POST", "/api/v3/users", json=body)

    try:
        return await _rounds(client, requests(), plan)
    finally:
        for start in range(0, 0 if keep else len(sent), 8):  # a refused one need not exist
            users = sent[start : start + 8]
            await asyncio.gather(*(client.delete(f"/api/v3/users/{user}") for user in users))


async def recommend(
    client: httpx.AsyncClient, users: list[int], category: str, plan: Plan
) -> Rounds:
    """Requests lists in two rounds: in turn ids alone and scored lists, each of another user."""
    paths = (
        path
        for user in users
        for path in (
            f"/api/v3/tuning?userId={user}&category={category}",
            f"/matches/{user}?category={category}&limit=10",
        )
    )
    requests = (client.build_request("GET", path) for path in cycle(paths))
    return await _rounds(client, requests, plan)


async def _rounds(
    client: httpx.AsyncClient, requests: Iterator[httpx.Request], plan: Plan
) -> Rounds:
    """Sends two rounds of requests and returns their times."""
    found = Rounds()
    start = time.perf_counter()
    for times in (found.first, found.second):
        left: Iterator[httpx.Request] = islice(requests, plan.requests)
        if plan.seconds:
            left = _within(plan.seconds / 2, requests)
        await asyncio.gather(*(_send(client, left, times, found) for _ in range(plan.clients)))
    found.seconds = time.perf_counter() - start
    return found


def _within(seconds: float, requests: Iterator[httpx.Request]) -> Iterator[httpx.Request]:
    """Yields requests until the seconds are over; each that is built is sent."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end and (request := next(requests, None)):
        yield request


async def _send(
    client: httpx.AsyncClient, requests: Iterator[httpx.Request], times: list[float], found: Rounds
) -> None:
    """Sends one request after another until none is left."""
    for request in requests:
        start = time.perf_counter()
        try:
            status = str((await client.send(request)).status_code)
        except httpx.HTTPError as error:
            status = type(error).__name__
        if status == "200":
            times.append((time.perf_counter() - start) * 1000)
        else:
            found.failed[status] = found.failed.get(status, 0) + 1
