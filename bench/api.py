"""Measures latency, throughput and memory of the read API at growing numbers of users.

    python bench/api.py                            1,000, 10,000, 100,000 and 1,000,000 users
    python bench/api.py --users 1000 100000 --json

For each size a real server runs in a process of its own; another process has 8 clients with
keep-alive connections, which ask for a random user in each request. The sizes alternate, and each
route alternates with an endpoint of the same server that returns a constant of the same length, so
that a busy machine affects all of them alike. The result is the median of the ratios within a turn.
CPU is the server's time per request. Memory is the resident set at the end, without the pages of
the serving file, which belong to the page cache. Every size has 10 matches per user in 3 categories
and one explanation per user (`bench/api_world.py`); the files are deleted at the end.
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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil
from api_world import ROOT, publish_world

from hertz.storage.snapshot.serving import SERVING_FILE

ROUTES = {
    "tuning v1": "/api/v1/tuning?userId={}",
    "tuning v3": "/api/v3/tuning?userId={}&category=friend",
    "matches": "/matches/{}?limit=10&category=friend",
    "matches, explained": "/matches/{}?limit=10",
}
CLIENTS = 8


Figures = dict[str, float]


@dataclass
class Size:
    """A server of one size, and its figures.

    Attributes:
        users: Number of users.
        serving_mb: Size of the serving file.
        generated_s: Seconds that publishing took.
        port: Port of the server.
        process: Process of the server.
        ready_s: Seconds until the server was ready.
        turns: Route -> for each turn, the figures of the route and of the constant endpoint.
    """

    users: int
    serving_mb: float
    generated_s: float
    port: int = 0
    process: psutil.Process | None = None
    ready_s: float = 0.0
    turns: dict[str, list[tuple[Figures, Figures]]] = field(default_factory=dict)


def main() -> None:
    """Measures every size and prints a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--users", type=int, nargs="+", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument(
        "--seconds", type=float, default=0.6, help="duration of each turn of a route"
    )
    parser.add_argument(
        "--folder", type=Path, help="folder of the serving files (default: temporary)"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        sizes = [_start(stack, users, options.folder) for users in options.users]
        for turn in range(options.turns + 1):
            for name, path in ROUTES.items():
                for size in sizes:
                    pair = _pair(size, path, options.seconds, turn)
                    if turn:  # the first turn loads the file into the page cache
                        size.turns.setdefault(name, []).append(pair)
        found = {"clients": CLIENTS, "sizes": [_size(size) for size in sizes]}
        found["p50_growth"] = {name: _growth(sizes[0], sizes[-1], name) for name in ROUTES}
    print(json.dumps(found) if options.json else _table(found))


def _start(stack: ExitStack, users: int, folder: Path | None) -> Size:
    """Publishes a snapshot and serves it until the stack is closed."""
    home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=folder)))
    start = time.perf_counter()
    serving = publish_world(home, users) / SERVING_FILE
    size = Size(users, serving.stat().st_size / 1e6, time.perf_counter() - start)
    size.port, size.process, size.ready_s = stack.enter_context(_server(home))
    return size


@contextmanager
def _server(home: Path) -> Iterator[tuple[int, psutil.Process, float]]:
    """Runs a server; yields its port, its process, and the seconds until it was ready."""
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


def _pair(size: Size, path: str, seconds: float, seed: int) -> tuple[Figures, Figures]:
    """Measures a route, then the constant endpoint with answers of the same length."""
    url = f"http://127.0.0.1:{size.port}{path.format(size.users // 2)}"
    length = len(httpx.get(url, trust_env=False).content)
    job = {"port": size.port, "users": size.users, "clients": CLIENTS, "seconds": seconds}
    ours, constant = (
        _turn(size, job | {"path": p, "seed": seed}) for p in (path, f"/constant?size={length}")
    )
    return ours | {"bytes": length}, constant


def _turn(size: Size, job: dict[str, Any]) -> Figures:
    """Runs the clients once; returns their figures and the server's CPU time per request."""
    assert size.process is not None
    before = size.process.cpu_times()
    command = [sys.executable, "-m", "bench.api_client", json.dumps(job)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    after = size.process.cpu_times()
    found: Figures = json.loads(done.stdout)
    used = after.user + after.system - before.user - before.system
    return found | {"cpu_us": 1e6 * used / found.pop("requests")}


def _size(size: Size) -> dict[str, Any]:
    """Returns the figures of a size in plain values."""
    assert size.process is not None
    maps = size.process.memory_maps(grouped=True)
    mapped = sum(m.rss for m in maps if m.path.endswith(SERVING_FILE.name))
    return {
        "users": size.users,
        "serving_mb": size.serving_mb,
        "generated_s": size.generated_s,
        "ready_s": size.ready_s,
        "memory_mb": (size.process.memory_info().rss - mapped) / 1e6,
        "mapped_mb": mapped / 1e6,
        "routes": {name: _route(turns) for name, turns in size.turns.items()},
    }


def _route(turns: list[tuple[Figures, Figures]]) -> Figures:
    """Returns the medians over a route's turns."""
    names = ("bytes", "p50_ms", "p99_ms", "per_second", "cpu_us")
    found = {name: median(ours[name] for ours, _ in turns) for name in names}
    for name in ("p50_ms", "p99_ms", "per_second", "cpu_us"):
        found[f"constant_{name}"] = median(constant[name] for _, constant in turns)
    found["throughput_share"] = median(a["per_second"] / b["per_second"] for a, b in turns)
    found["cpu_over_constant"] = median(a["cpu_us"] / b["cpu_us"] for a, b in turns)
    return found


def _growth(first: Size, last: Size, name: str) -> float:
    """Returns the median ratio of a route's p50 at the most users to that at the fewest."""
    pairs = zip(first.turns[name], last.turns[name], strict=True)
    return median(b["p50_ms"] / a["p50_ms"] for (a, _), (b, _) in pairs)


def _table(found: dict[str, Any]) -> str:
    """Returns the figures as text."""
    lines = []
    for size in found["sizes"]:
        lines.append(
            f"{size['users']:,} users: {size['serving_mb']:,.0f} MB serving file, ready in "
            f"{size['ready_s']:.1f} s, server {size['memory_mb']:.0f} MB + "
            f"{size['mapped_mb']:,.0f} MB mapped"
        )
        for name, f in size["routes"].items():
            lines.append(
                f"  {name:<18}{f['bytes']:6.0f} B  p50 {f['p50_ms']:.2f}  p99 {f['p99_ms']:.2f} ms"
                f"  {f['per_second']:6,.0f}/s = {f['throughput_share']:.0%} of the constant's,"
                f"  CPU {f['cpu_us']:.0f} us = {f['cpu_over_constant']:.2f} of it"
            )
    growth = ", ".join(f"{name} {ratio:.2f}" for name, ratio in found["p50_growth"].items())
    return "\n".join([*lines, f"p50 at the most users over the fewest: {growth}"])


if __name__ == "__main__":
    main()
