"""`hertz loadtest`: measures a running server, and compares the times with earlier ones.

The short test sends 30 registrations at 3 in parallel, twice, and then requests for lists likewise;
the sustained test sends requests for some seconds, and its rounds are its two halves.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from hertz.cli.loadtest import report
from hertz.cli.loadtest.client import (
    Plan,
    Rounds,
    client_of,
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


def loadtest(
    settings: Settings,
    url: str | None,
    sustained: Plan | None,
    against: str | None,
    keep_users: bool,
) -> tuple[dict[str, Any], list[str]]:
    """Runs the tests, stores the times with a plot, and compares them with a stored load test.

    By default the settings name the server, and the stored load test is the latest.

    Returns:
        What --json prints, and the lines for people.

    Raises:
        HertzError: The server does not answer, or a test had no successful answer.
    """
    other = read_load_test(settings.home, against)
    address = url or f"http://{settings.api.host}:{settings.api.port}"
    plans = {"": Plan()} | ({"sustained ": sustained} if sustained else {})
    served, rounds = asyncio.run(_measure(settings, address, plans, keep_users))
    _require_answers(rounds)
    found = served | _totals(rounds)
    tests = {name: report.figures(times) for name, times in rounds.items()}
    comparison = _against(other, rounds) if other else {}
    times = {name: asdict(of_test) for name, of_test in rounds.items()}
    stored = found | tests | {"comparison": comparison, "times_ms": times}
    path = save_load_test(settings.home, stored)
    runs = {"this run": times} | ({other["name"]: other["times_ms"]} if other else {})
    report.plot(path.with_suffix(".png"), runs)
    whole = {name: tests[name] for name in TESTS} | found | {"comparison": comparison}
    if sustained:
        whole["sustained"] = {name: tests[f"sustained {name}"] for name in TESTS}
    lines = _lines(rounds, tests, comparison)
    return whole | {"stored": str(path)}, [*lines, f"stored in {path}, plot beside it"]


async def _measure(
    settings: Settings, url: str, plans: dict[str, Plan], keep_users: bool
) -> tuple[dict[str, Any], dict[str, Rounds]]:
    """Runs the tests of each plan, named by its key; returns what was served, and the times."""
    rounds: dict[str, Rounds] = {}
    async with client_of(url) as client:
        health = await health_of(client)
        users = _users(settings, health)
        category = next(iter(settings.policy.categories))
        for prefix, plan in plans.items():
            # Opens the connections, so that only answers are measured.
            await asyncio.gather(*(client.get("/ready") for _ in range(plan.clients)))
            bodies = registrations(make_sample(plan.most_requests, 7, settings.policy))
            rounds[f"{prefix}registration"] = await register(client, bodies, plan, keep_users)
            rounds[f"{prefix}recommendation"] = await recommend(client, users, category, plan)
    return {"url": url, "snapshot": health["snapshot"], "users": health["users"]}, rounds


def _totals(rounds: dict[str, Rounds]) -> dict[str, Any]:
    """Returns the failed requests and the successful answers a second of each test."""
    failed = {name: found.failed for name, found in rounds.items() if found.failed}
    answered = {name: len(found.first) + len(found.second) for name, found in rounds.items()}
    per_second = {name: round(n / rounds[name].seconds, 1) for name, n in answered.items()}
    return {"failed": failed, "per_second": per_second}


def _require_answers(rounds: dict[str, Rounds]) -> None:
    """Checks that each round of each test had an answer with status 200."""
    for name, found in rounds.items():
        if not found.first or not found.second:
            message = f"{name}: no request was answered with 200: {found.failed}"
            if "401" in found.failed:
                message += "; name an API key in HERTZ_API_KEY"
            raise HertzError(message)


def _users(settings: Settings, health: dict[str, Any]) -> list[int]:
    """Returns user ids: those of the local snapshot if the server has it, else 1, 2, 3, ..."""
    snapshot = current_snapshot(settings.home)
    if snapshot and snapshot.name == health["snapshot"] and (snapshot / "users.parquet").exists():
        return read_frame(snapshot / "users.parquet")["user_id"].to_list()
    return list(range(1, health["users"] + 1))


def _against(other: dict[str, Any], rounds: dict[str, Rounds]) -> dict[str, Any]:
    """Compares each test with the same test of a stored load test."""
    before = other["times_ms"]
    compared: dict[str, Any] = {"with": other["name"]}
    for name in [test for test in rounds if test in before]:
        earlier = before[name]["first"] + before[name]["second"]
        compared[name] = report.compare(earlier, rounds[name].first + rounds[name].second)
    return compared


def _lines(
    rounds: dict[str, Rounds], tests: dict[str, Any], comparison: dict[str, Any]
) -> list[str]:
    """Returns the lines for people."""
    shown: list[str] = []
    for name, found in rounds.items():
        shown += report.lines(name, tests[name], report.compare(found.first, found.second))
        if found.failed:
            shown.append(f"  not answered with 200: {found.failed}")
        if name in comparison:
            shown.append(f"  {name} against {comparison['with']}: {report.words(comparison[name])}")
    return shown
