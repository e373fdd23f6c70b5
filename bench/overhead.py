"""What Prefect costs: the same night through the deployment `nightly` and through `hertz nightly`.

    python bench/overhead.py                      10,000 made-up users, three nights each way
    python bench/overhead.py --users 2000 --rounds 1 --json

Both read the same profiles from a fresh copy of the same home, whose text vectors are made up; the
template voice explains. The two take turns, so that a busy machine slows both. Counted is from the
command, or from pressing Run, to the end that is seen; a night's stages tell their own seconds, so
what is around them (starting programs, waiting for the worker, telling the server) stands apart.
CPU seconds (of the command; of server, worker and flow run) hardly know what else the machine does.
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
PATIENCE = 900.0  # seconds, for a busy machine


def prepare(folder: Path, users: int) -> None:
    """Profiles, a policy file without a language model, and a home with every text's vector."""
    from nightly import store_made_up

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
        store_made_up(run)
        discard(run.folder)


def one_night(
    folder: Path, run: Callable[[dict[str, str]], None], used: Callable[[], float]
) -> dict[str, float]:
    """Seconds of a night in a fresh home: all of it, what its stages tell, and of the processor."""
    from hertz.storage.snapshot.snapshots import published_snapshot, read_manifest

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
    stages = read_manifest(published_snapshot(home))["stages"]
    told = sum(figures["seconds"] for figures in stages.values())
    return {"seconds": seconds, "stages": told, "cpu": cpu}


def cpu_of_commands() -> float:
    """CPU seconds of all commands that this process has run and seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cpu_below(program: int) -> Callable[[], float]:
    """CPU seconds of all that a program has started, runs that ended included."""

    def used() -> float:
        return sum(sum(p.cpu_times()[:4]) for p in psutil.Process(program).children(recursive=True))

    return used


def by_command(options: dict[str, str]) -> None:
    """`hertz nightly`."""
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    command = [sys.executable, "-m", "hertz.cli.main", "nightly", *words]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def through(address: str) -> Callable[[dict[str, str]], None]:
    """The deployment `nightly`, as the UI starts it."""

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
    """`make prefect` on a free port; the API's address, and the process id."""
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
        last = time.monotonic() + PATIENCE
        while "Ctrl-C stops it" not in output.read_text(encoding="utf-8"):
            if program.poll() is not None or time.monotonic() > last:
                raise SystemExit(output.read_text(encoding="utf-8"))
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/api", program.pid
    finally:
        program.send_signal(signal.SIGTERM)
        program.wait(120)


def measured(users: int, rounds: int) -> dict[str, Any]:
    """Every night's seconds, and what Prefect adds at the median."""
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
    """Measure, and print a table or the JSON object."""
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
    for way, told in found["medians"].items():
        print(
            f"  {way:<14} {told['seconds']:>7.1f} s, {told['around_stages']:.1f} around the stages,"
            f" {told['cpu']:.1f} CPU s"
        )
    print(f"  Prefect adds   {found['added_seconds']:>7.1f} s, {found['added_share']:.1%}")
    print(f"  CPU            {found['added_cpu_seconds']:>7.1f} s, {found['added_cpu_share']:.1%}")


if __name__ == "__main__":
    main()
