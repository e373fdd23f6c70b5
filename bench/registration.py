"""Runs `hertz loadtest` against servers of 1,000 and 100,000 users and prints the medians.

    python bench/registration.py [--users 1000 100000] [--times 5] [--json]

Each load test sends 30 requests, 3 at a time, in two rounds; it runs several times on each server.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from api_world import publish_world
from running import URL, hertz, served


def measure(users: int, times: int, home: Path) -> dict[str, Any]:
    """Returns the medians of the rounds' figures over several load tests.

    Args:
        users: Number of users that the server has.
        times: Number of load tests.
        home: An empty home directory.
    """
    publish_world(home, users)
    with served(home):
        tests = [hertz(home, "loadtest", "--url", URL, "--json") for _ in range(times + 1)]
    runs = [json.loads(test) for test in tests[1:]]  # the first one loads caches
    found: dict[str, Any] = {"users": users}
    for name in ("registration", "recommendation"):
        rounds = {
            f"{which}_{figure}": round(median(run[name][which][figure] for run in runs), 2)
            for which in ("first", "second")
            for figure in ("avg_ms", "p99_ms")
        }
        rounds["second_over_first"] = round(median(r[name]["second_over_first"] for r in runs), 3)
        found[name] = rounds
    return found


def main() -> None:
    """Measures every size and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=[1000, 100_000])
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    runs = []
    for users in options.users:
        with tempfile.TemporaryDirectory() as home:
            runs.append(measure(users, options.times, Path(home)))
    if options.json:
        print(json.dumps({"runs": runs}))
        return
    for run in runs:
        for name in ("registration", "recommendation"):
            print(f"{run['users']:>8,} {name:<15} {run[name]}")


if __name__ == "__main__":
    main()
