"""Measures the overhead of Prefect: the deployment `nightly` against the command `hertz nightly`.

    python bench/overhead.py                      10,000 sample users, three runs each way
    python bench/overhead.py --users 2000 --rounds 1 --json

Both read the same profiles from a fresh copy of the same home, which has synthetic text vectors;
the template voice explains. The two alternate, so that a busy machine slows both. The time runs
from the command, or from the request that starts the deployment, until the end is seen. The seconds
of the stages are subtracted, which leaves the time for starting programs, waiting for the worker
and reporting to the server. CPU seconds (of the command; of server, worker and flow run) depend
little on other load.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

ROOT = Path(__file__).parent.parent
FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
START_SECONDS = 900.0  # limit for a start on a busy machine


def prepare(folder: Path, users: int) -> None:
    """Writes profiles, a policy file without a language model, and a home with all vectors."""
    from nightly import store_synthetic_vectors

    from hertz.cli.sample.sample import make_sample
    from hertz.stages.prepare import prepare as read_profiles
    from hertz.stages.run import open_run
    from hertz.storage.files import write_frame
    from hertz.storage.settings import load_settings
    from hertz.storage.snapshot.snapshots import discard

    text = (ROOT / "hertz.toml").read_text(encoding="utf-8")
    before, after = text.split("[explanations]")
    after = after.replace('model = "bundled"', 'model = ""', 1)
    (folder / "hertz.toml").write_text(f"{before}[explanations]{after}", encoding="utf-8")
    source = folder / "profiles.parquet"
    settings = load_settings(folder / "hertz.toml", folder / "prepared", str(source))
    write_frame(make_sample(users, 7, settings.policy), source)
    with open_run(settings) as run:
        read_profiles(run)
        store_synthetic_vectors(run)
        discard(run.folder)


def one_night(
    folder: Path, run: Callable[[dict[str, str]], None], used: Callable[[], float]
) -> dict[str, float]:
    """Returns the seconds of a night in a fresh home: in total, in its stages, and of the CPU.

    Args:
        folder: Folder that `prepare` has filled.
        run: Runs a night with these options of the command line.
        used: Returns the CPU seconds used so far.
    """
    from hertz.storage.snapshot.manifest import read_manifest
    from hertz.storage.snapshot.snapshots import published_snapshot

    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(folder / "prepared", home)
    options = {
        "policy": str(folder / "hertz.toml"),
        "home": str(home),
        "source": str(folder / "profiles.parquet"),
    }
    started, before = time.perf_counter(), used()
    run(options)
    seconds, cpu = time.perf_counter() - started, used() - before
    stages = read_manifest(published_snapshot(home)).stages
    return {"seconds": seconds, "stages": sum(stages.seconds.values()), "cpu": cpu}


def cpu_of_commands() -> float:
    """Returns the CPU seconds of all ended commands of this process."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_below(program: int) -> Callable[[], float]:
    """Returns a function for the CPU seconds of all that a program has started, ended or not."""

    def used() -> float:
        return sum(sum(p.cpu_times()[:4]) for p in psutil.Process(program).children(recursive=True))

    return used


def by_command(options: dict[str, str]) -> None:
    """Runs `hertz nightly`."""
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    command = [sys.executable, "-m", "hertz.cli.main", "nightly", *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def through(address: str) -> Callable[[dict[str, str]], None]:
    """Returns a function that runs the deployment `nightly` as the UI starts it."""

    def run(options: dict[str, str]) -> None:
        with httpx.Client(base_url=address, timeout=60) as client:
            deployment = client.get("/deployments/name/nightly/nightly").json()["id"]
            body = {"parameters": {"options": options}}
            made = client.post(f"/deployments/{deployment}/create_flow_run", json=body).json()
            state = made["state"]
            while state["type"] not in FINAL:
                time.sleep(0.2)
                answer = client.get(f"/flow_runs/{made['id']}")
                state = answer.json()["state"] if answer.is_success else state
        if state["type"] != "COMPLETED":
            raise SystemExit(state["message"])

    return run


@contextmanager
def started_prefect(folder: Path) -> Iterator[tuple[str, int]]:
    """Runs `make prefect` on a free port; yields the API's address and the process id."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    environment = os.environ | {
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_API_PORT": str(port),
    }
    output = folder / "output"
    with output.open("wb") as file:
        program = subprocess.Popen(
            [sys.executable, "-m", "hertz.flows.server.start"],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=file,
        )
    try:
        last = time.monotonic() + START_SECONDS
        while "Ctrl-C stops it" not in output.read_text(encoding="utf-8"):
            if program.poll() is not None or time.monotonic() > last:
                raise SystemExit(output.read_text(encoding="utf-8"))
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/api", program.pid
    finally:
        program.send_signal(signal.SIGTERM)
        program.wait(120)


def measured(users: int, rounds: int) -> dict[str, Any]:
    """Returns the seconds of every night, their medians, and what Prefect adds."""
    nights: dict[str, list[dict[str, float]]] = {"hertz nightly": [], "Prefect": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, users)
        with started_prefect(folder) as (address, program):
            through_prefect = through(address)
            for _ in range(rounds):
                nights["hertz nightly"].append(one_night(folder, by_command, cpu_of_commands))
                nights["Prefect"].append(one_night(folder, through_prefect, cpu_below(program)))
    medians = {
        way: {
            "seconds": statistics.median(n["seconds"] for n in of),
            "around_stages": statistics.median(n["seconds"] - n["stages"] for n in of),
            "cpu": statistics.median(n["cpu"] for n in of),
        }
        for way, of in nights.items()
    }
    alone, prefect = medians["hertz nightly"], medians["Prefect"]
    added = prefect["around_stages"] - alone["around_stages"]
    return {
        "users": users,
        "nights": nights,
        "medians": medians,
        "added_seconds": round(added, 1),
        "added_share": round(added / alone["seconds"], 3),
        "added_cpu_seconds": round(prefect["cpu"] - alone["cpu"], 1),
        "added_cpu_share": round(prefect["cpu"] / alone["cpu"] - 1, 3),
        "load": os.getloadavg()[0],
    }


def main() -> None:
    """Measures, and prints a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    found = measured(options.users, options.rounds)
    if options.json:
        print(json.dumps(found))
        return
    print(f"{found['users']:,} users, median of {options.rounds}, load {found['load']:.1f}")
    for way, figures in found["medians"].items():
        print(
            f"  {way:<14} {figures['seconds']:>7.1f} s, {figures['around_stages']:.1f} around the "
            f"stages, {figures['cpu']:.1f} CPU s"
        )
    print(f"  Prefect adds   {found['added_seconds']:>7.1f} s, {found['added_share']:.1%}")
    print(f"  CPU            {found['added_cpu_seconds']:>7.1f} s, {found['added_cpu_share']:.1%}")


if __name__ == "__main__":
    main()
