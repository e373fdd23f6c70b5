"""The read API as the users grow: latency, throughput and memory over generated serving files.

    python bench/api.py                            1,000, 10,000, 100,000 and 1,000,000 users
    python bench/api.py --users 1000 100000 --json

Each size: the real server in a process of its own, 8 clients with connections kept alive in
another, a random user each request. Each route takes turns with an endpoint of the same server that
returns a constant of the same size, so that whatever else the machine does meets both: what counts
are the ratios, medians over the turns. CPU is the server's own time a request. Memory is its
private (unique) set after all of it; pages of the mapped file are the page cache's. Every size has
10 matches a user in 3 categories and one explanation a user (`bench/api_world.py`); the files are
deleted at the end.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil
from api_world import ROOT, publish_world

from storage.serving import SERVING_FILE

ROUTES = {
    "tuning v1": "/api/v1/tuning?userId={}",
    "tuning v3": "/api/v3/tuning?userId={}&category=friend",
    "matches": "/matches/{}?limit=10&category=friend",
    "matches, explained": "/matches/{}?limit=10",
}
CLIENTS = 8


def main() -> None:
    """Measure every size, print the table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--users", type=int, nargs="+", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--turns", type=int, default=5, help="of each route and its constant")
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn")
    parser.add_argument(
        "--folder", type=Path, help="where the serving files go (default: temporary)"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sizes = [_size(users, options) for users in options.users]
    found = {"clients": CLIENTS, "sizes": sizes, "p50_growth": _growth(sizes)}
    print(json.dumps(found) if options.json else _table(found))


def _size(users: int, options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        start = time.perf_counter()
        snapshot = publish_world(Path(folder), users)
        made = time.perf_counter() - start
        with _server(Path(folder)) as (port, process, ready):
            before = process.memory_full_info().uss
            routes = {
                name: _route(port, process, path, users, options) for name, path in ROUTES.items()
            }
            memory = process.memory_full_info()
        return {
            "users": users,
            "serving_mb": (snapshot / SERVING_FILE).stat().st_size / 1e6,
            "generated_s": made,
            "ready_s": ready,
            "private_mb_at_start": before / 1e6,
            "private_mb": memory.uss / 1e6,
            "resident_mb": memory.rss / 1e6,
            "routes": routes,
        }


@contextmanager
def _server(home: Path) -> Iterator[tuple[int, psutil.Process, float]]:
    """A server on a free port, its process, and seconds until it was ready."""
    log = home / "server.log"
    start = time.perf_counter()
    with log.open("wb") as output:
        command = [sys.executable, "-m", "bench.api_server", str(home)]
        server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    try:
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
            if server.poll() is not None or time.perf_counter() - start > 120:
                raise RuntimeError(log.read_text())
            time.sleep(0.02)
        url = f"http://127.0.0.1:{found[1]}/ready"
        while httpx.get(url, trust_env=False).status_code != 200:
            time.sleep(0.02)
        yield int(found[1]), psutil.Process(server.pid), time.perf_counter() - start
    finally:
        server.terminate()
        server.wait(30)


def _route(
    port: int, process: psutil.Process, path: str, users: int, options: argparse.Namespace
) -> dict[str, float]:
    sample = httpx.get(f"http://127.0.0.1:{port}{path.format(users // 2)}", trust_env=False)
    constant = f"/constant?size={len(sample.content)}"
    turns = []
    for turn in range(options.turns + 1):
        job = {"port": port, "users": users, "clients": CLIENTS, "seconds": options.seconds}
        turns.append([_turn(process, job | {"path": p, "seed": turn}) for p in (path, constant)])
    turns = turns[1:]  # the first one touches the file's pages
    ours, constants = zip(*turns, strict=True)
    return {
        "bytes": len(sample.content),
        "p50_ms": median(turn["p50_ms"] for turn in ours),
        "p99_ms": median(turn["p99_ms"] for turn in ours),
        "per_second": median(turn["per_second"] for turn in ours),
        "constant_p50_ms": median(turn["p50_ms"] for turn in constants),
        "constant_p99_ms": median(turn["p99_ms"] for turn in constants),
        "throughput_share": median(a["per_second"] / b["per_second"] for a, b in turns),
        "cpu_us": median(turn["cpu_us"] for turn in ours),
        "cpu_over_constant": median(a["cpu_us"] / b["cpu_us"] for a, b in turns),
    }


def _turn(process: psutil.Process, job: dict[str, Any]) -> dict[str, float]:
    before = process.cpu_times()
    command = [sys.executable, "-m", "bench.api_client", json.dumps(job)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    after = process.cpu_times()
    found: dict[str, float] = json.loads(done.stdout)
    used = after.user + after.system - before.user - before.system
    return found | {"cpu_us": 1e6 * used / found.pop("requests")}


def _growth(sizes: list[dict[str, Any]]) -> dict[str, float]:
    """Each route's p50 at the most users over that at the fewest; as shares of the constant's.

    The constant's p50 takes the machine's mood out: both were measured in turns.
    """
    first, last = sizes[0]["routes"], sizes[-1]["routes"]
    return {
        name: (last[name]["p50_ms"] / last[name]["constant_p50_ms"])
        / (first[name]["p50_ms"] / first[name]["constant_p50_ms"])
        for name in ROUTES
    }


def _table(found: dict[str, Any]) -> str:
    lines = []
    for size in found["sizes"]:
        lines.append(
            f"{size['users']:,} users: {size['serving_mb']:,.0f} MB serving file, ready in "
            f"{size['ready_s']:.1f} s, server {size['private_mb']:.0f} MB private"
        )
        for name, f in size["routes"].items():
            lines.append(
                f"  {name:<18}{f['bytes']:7.0f} B  p50 {f['p50_ms']:.2f}  p99 {f['p99_ms']:.2f} ms"
                f"  {f['per_second']:6,.0f}/s = {f['throughput_share']:4.0%} of the constant's,"
                f"  CPU {f['cpu_us']:.0f} us = {f['cpu_over_constant']:.2f} of it"
            )
    growth = ", ".join(f"{name} {ratio:.2f}" for name, ratio in found["p50_growth"].items())
    return "\n".join(
        [*lines, f"p50 at the most users over the fewest (of the constant's): {growth}"]
    )


if __name__ == "__main__":
    main()
