"""Sends requests to a server as fast as it answers: many keep-alive clients in one process.

It writes each request as one line and searches the answer for its end, because a general HTTP
client uses more CPU than the server and would measure itself.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from typing import Any

import numpy as np

LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


async def _client(
    port: int, template: str, users: int, until: float, seed: int, times: list[float]
) -> None:
    """Sends requests for random users over one connection, and appends the seconds of each."""
    draw = random.Random(seed)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        path = template.format(draw.randint(1, users))
        start = time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        found = LENGTH.search(head)
        await reader.readexactly(int(found[1]) if found else 0)
        times.append(time.perf_counter() - start)
        if not head.startswith(b"HTTP/1.1 200"):
            message = f"{path}: {head.decode()}"
            raise RuntimeError(message)
    writer.close()


async def _measure(job: dict[str, Any]) -> list[float]:
    """Runs all clients of a job; returns the seconds of every request."""
    times: list[float] = []
    until = time.perf_counter() + job["seconds"]
    await asyncio.gather(
        *(
            _client(job["port"], job["path"], job["users"], until, job["seed"] + n, times)
            for n in range(job["clients"])
        )
    )
    return times


def main() -> None:
    """Reads a job as JSON; prints its throughput and the percentiles of its times (ms)."""
    import uvloop

    job = json.loads(sys.argv[1])
    start = time.perf_counter()
    times = uvloop.run(_measure(job))
    seconds = time.perf_counter() - start
    p50, p99 = np.percentile(np.array(times) * 1000, [50, 99])
    found = {
        "requests": len(times),
        "per_second": len(times) / seconds,
        "p50_ms": p50,
        "p99_ms": p99,
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
