"""Measures the time from a registration over HTTP to the new user's first list.

    python bench/on_demand.py [--users 10000] [--json]

It publishes sample users with synthetic vectors and the template voice, starts a server, registers
a user, and runs `hertz nightly --incremental`, which encodes the new user's text with the real
model. The time begins with the registration request and ends with the first list.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from nightly import ROOT, store_synthetic_vectors
from running import URL, answer, hertz, served

from hertz.cli.sample.sample import make_sample
from hertz.stages.embed import embed
from hertz.stages.nightly import explain_without_model
from hertz.stages.prepare import prepare
from hertz.stages.publish import publish_run
from hertz.stages.recompute import recompute
from hertz.stages.run import open_run
from hertz.storage.files import write_frame
from hertz.storage.settings import load_settings
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import published_snapshot

NEW = 987_654_321


def publish_night(users: int, home: Path) -> Path:
    """Publishes a run of that many sample users; returns the source file."""
    source = home / "profiles.parquet"
    settings = load_settings(ROOT / "hertz.toml", home, str(source))
    write_frame(make_sample(users + 1, 7, settings.policy).head(users), source)
    with open_run(settings) as run:
        prepare(run)
        store_synthetic_vectors(run)
        for stage in (embed, recompute, explain_without_model, publish_run):
            stage(run)
    return source


def register(users: int, home: Path) -> float:
    """Sends the registration; returns the milliseconds until the answer."""
    settings = load_settings(ROOT / "hertz.toml", home)
    profile = make_sample(users + 1, 7, settings.policy).tail(1).row(0, named=True)
    body = {name: value for name, value in profile.items() if value is not None}
    started = time.perf_counter()
    httpx.post(f"{URL}/api/v3/users", json=body | {"userId": NEW}).raise_for_status()
    return 1000 * (time.perf_counter() - started)


def measure(users: int, home: Path) -> dict[str, Any]:
    """Returns the figures of one registration and its on-demand run."""
    source = publish_night(users, home)
    with served(home):
        answered = register(users, home)
        started = time.perf_counter()
        hertz(home, "nightly", "--incremental", "--source", str(source))
        ran = time.perf_counter() - started
        listed = answer(f"/api/v3/tuning?userId={NEW}&category=friend", 60).json()
        seconds = time.perf_counter() - started
    stages = read_manifest(published_snapshot(home)).stages
    return {
        "users": users,
        "registration_ms": round(answered, 1),
        "run_s": round(ran, 1),
        "post_to_first_list_s": round(seconds + answered / 1000, 1),
        "listed": len(listed["data"]["userIdList"]),
        "stages_s": stages.seconds,
        "path": stages.recompute.path,
    }


def main() -> None:
    """Measures, and prints a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = measure(options.users, Path(home))
    print(json.dumps(found) if options.json else "\n".join(f"{k}: {v}" for k, v in found.items()))


if __name__ == "__main__":
    main()
