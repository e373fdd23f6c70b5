"""`hertz loadtest`: measures a running server, and compares the times with earlier ones.

The short test sends 30 registrations at 3 in parallel, twice, and then requests for lists likewise.
The sustained test sends requests without a pause for some seconds; its rounds are its two halves.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any, NamedTuple

import httpx

from hertz.cli.loadtest import report as load_report
from hertz.cli.loadtest.client import (
    Plan,
    Rounds,
    connected,
    health_of,
    recommend,
    register,
    registrations,
)
from hertz.cli.sample.sample import make_sample
from hertz.core.errors import HertzError
from hertz.storage.files import read_frame
from hertz.storage.load_tests import read_load_test, save_load_test
from hertz.storage.settings import Settings
from hertz.storage.snapshot.snapshots import current_snapshot

TESTS = ("registration", "recommendation")
_MOST_PER_SECOND = 2000  # registrations that a sustained test has profiles for


def loadtest(
    settings: Settings,
    url: str | None,
    sustained: Plan | None,
    against: str | None,
    keep_users: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Runs the tests, stores the times with a plot, and compares them with a stored load test.

    Args:
        settings: Settings with the policy of the profiles and the home that keeps the times.
        url: Address of the server; None: the address of the settings.
        sustained: Size of the sustained test; None: no sustained test.
        against: Name of a stored load test; None: the latest.
        keep_users: Whether the registered users stay in the service.

    Returns:
        What --json prints, and the lines for people.

    Raises:
        HertzError: The server does not answer, or a test had no successful answer.
    """
    other = read_load_test(settings.home, against)
    address = url or f"http://{settings.api.host}:{settings.api.port}"
    plans = {"": Plan()} | ({"sustained ": sustained} if sustained else {})
    measured = asyncio.run(_measure(settings, address, plans, keep_users))
    _require_answers(measured.rounds)
    found = measured.summary()
    tests = {name: load_report.figures(rounds) for name, rounds in measured.rounds.items()}
    comparison = _against(other, measured.rounds) if other else {}
    times = {name: asdict(rounds) for name, rounds in measured.rounds.items()}
    stored = found | tests | {"comparison": comparison, "times_ms": times}
    path = save_load_test(settings.home, stored)
    runs = {"this run": times} | ({other["name"]: other["times_ms"]} if other else {})
    load_report.plot(path.with_suffix(".png"), {run: _both_rounds(r) for run, r in runs.items()})
    lines = _lines(measured.rounds, tests, comparison, other)
    whole = {name: tests[name] for name in TESTS} | found | {"comparison": comparison}
    if sustained:
        whole["sustained"] = {name: tests[f"sustained {name}"] for name in TESTS}
    return whole | {"stored": str(path)}, [*lines, f"stored in {path}, plot beside it"]


class _Measured(NamedTuple):
    """What was measured.

    Attributes:
        served: Address of the server, its snapshot and its number of users.
        rounds: Times of each test by its name.
    """

    served: dict[str, Any]
    rounds: dict[str, Rounds]

    def summary(self) -> dict[str, Any]:
        """Returns what was served, failed requests and successful answers a second."""
        failed = {name: found.failed for name, found in self.rounds.items() if found.failed}
        per_second = {
            name: round((len(found.first) + len(found.second)) / found.seconds, 1)
            for name, found in self.rounds.items()
        }
        return {**self.served, "failed": failed, "per_second": per_second}


async def _measure(
    settings: Settings, url: str, plans: dict[str, Plan], keep_users: bool
) -> _Measured:
    """Runs the tests of each plan; a plan's key is the prefix of its tests' names."""
    rounds: dict[str, Rounds] = {}
    async with connected(url) as client:
        health = await health_of(client)
        users = _users(settings, health)
        category = next(iter(settings.policy.categories))
        for prefix, plan in plans.items():
            await _warm_up(client, plan)
            bodies = registrations(make_sample(_bodies(plan), 7, settings.policy))
            rounds[f"{prefix}registration"] = await register(client, bodies, plan, keep_users)
            rounds[f"{prefix}recommendation"] = await recommend(client, users, category, plan)
    served = {"url": url, "snapshot": health["snapshot"], "users": health["users"]}
    return _Measured(served, rounds)


def _require_answers(rounds: dict[str, Rounds]) -> None:
    """Checks that each round of each test had an answer with status 200.

    Raises:
        HertzError: A round had none.
    """
    for name, found in rounds.items():
        if not found.first or not found.second:
            message = f"{name}: no request was answered with 200: {found.failed}"
            if "401" in found.failed:
                message += "; name an API key in HERTZ_API_KEY"
            raise HertzError(message)


def _bodies(plan: Plan) -> int:
    """Returns the number of profiles that a plan needs at most."""
    return 2 * plan.requests if plan.seconds is None else int(plan.seconds * _MOST_PER_SECOND)


def _users(settings: Settings, health: dict[str, Any]) -> list[int]:
    """Returns user ids: those of the local snapshot if the server has it, else 1, 2, 3, ..."""
    snapshot = current_snapshot(settings.home)
    if snapshot and snapshot.name == health["snapshot"] and (snapshot / "users.parquet").exists():
        ids: list[int] = read_frame(snapshot / "users.parquet")["user_id"].to_list()
        return ids
    return list(range(1, health["users"] + 1))


async def _warm_up(client: httpx.AsyncClient, plan: Plan) -> None:
    """Opens the connections, so that only answers are measured."""
    await asyncio.gather(*(client.get("/ready") for _ in range(plan.clients)))


def _against(other: dict[str, Any], rounds: dict[str, Rounds]) -> dict[str, Any]:
    """Compares each test with the same test of a stored load test."""
    before = other["times_ms"]
    tests = {
        name: load_report.compare(
            before[name]["first"] + before[name]["second"], found.first + found.second
        )
        for name, found in rounds.items()
        if name in before
    }
    return {"with": other["name"], **tests}


def _both_rounds(times: dict[str, dict[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """Returns the times of both rounds of each test, without other figures."""
    return {
        name: {part: found[part] for part in ("first", "second")} for name, found in times.items()
    }


def _lines(
    rounds: dict[str, Rounds],
    tests: dict[str, Any],
    comparison: dict[str, Any],
    other: dict[str, Any] | None,
) -> list[str]:
    shown: list[str] = []
    for name, found in rounds.items():
        within = load_report.compare(found.first, found.second)
        shown += load_report.lines(name, tests[name], within)
        if found.failed:
            shown.append(f"  not answered with 200: {found.failed}")
        if other and name in comparison:
            shown.append("  " + load_report.compared(name, other["name"], comparison[name]))
    return shown
