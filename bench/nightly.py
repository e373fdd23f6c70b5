"""Measures seconds and peak memory of each stage of a nightly run at growing numbers of users.

    python bench/nightly.py                          2,000, 10,000 and 50,000 sample users
    python bench/nightly.py --users 2000 10000 --json
    python bench/nightly.py --users 50000 --synthetic  all stages but the encoding, in minutes

Each size runs in a process of its own and in an empty home. Memory is the largest sum of the
resident sets of the process and its children (such as the language model's engine), sampled every
50 ms.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from hertz.stages.run import Run

# Slow imports are inside the functions, because the language model's process imports this file too.

ROOT = Path(__file__).parent.parent


class PeakMemory:
    """Samples the resident memory of this process and its children; `peak` is its maximum in MB."""

    def __enter__(self) -> PeakMemory:
        self.peak, self._over = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self.peak = max(self.peak, _resident())


def _resident() -> float:
    """Returns the resident memory of this process and its children in MB."""
    total, me = 0, psutil.Process()
    for process in (me, *me.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def one_size(users: int, home: Path, synthetic: bool) -> list[dict[str, Any]]:
    """Runs the stages of a night in this process.

    Args:
        users: Number of sample users.
        home: An empty home directory.
        synthetic: Whether texts get synthetic vectors, so that `embed` encodes nothing.

    Returns:
        One row of figures for each stage.
    """
    from hertz.cli.sample.sample import make_sample
    from hertz.stages.embed import embed
    from hertz.stages.explain.explain import explain
    from hertz.stages.prepare import prepare
    from hertz.stages.publish import publish_run
    from hertz.stages.recompute import recompute
    from hertz.stages.run import open_run
    from hertz.storage.files import write_frame
    from hertz.storage.settings import load_settings

    source = home / "profiles.parquet"
    settings = load_settings(ROOT / "hertz.toml", home, str(source))
    write_frame(make_sample(users, 7, settings.policy), source)
    stages: tuple[Callable[[Run], object], ...]
    stages = (prepare, embed, recompute, explain, publish_run)
    rows = []
    with open_run(settings) as run:
        if synthetic:
            prepare(run)
            store_synthetic_vectors(run)
        for stage in stages:
            before = set(run.results)
            with PeakMemory() as memory:
                stage(run)
            if synthetic and stage is embed:
                continue
            seconds = sum(run.results[of].seconds for of in set(run.results) - before)
            name = stage.__name__.removesuffix("_run")
            rows.append(
                {"users": users, "stage": name, "seconds": seconds, "peak_mb": round(memory.peak)}
            )
            print(
                f"{users:>7,} {name:<10} {seconds:>9.1f} s {memory.peak:>8,.0f} MB", file=sys.stderr
            )
    return rows


def store_synthetic_vectors(run: Run) -> None:
    """Stores a synthetic vector for every text of the run's users.parquet."""
    from population import vectors

    from hertz.embedding.texts import all_texts
    from hertz.stages.embed import open_encoder
    from hertz.storage.embeddings import EmbeddingStore, text_hash
    from hertz.storage.files import read_frame

    identity = open_encoder(run.settings).identity
    texts = all_texts(run.settings.policy, read_frame(run.folder / "users.parquet"))
    EmbeddingStore(run.settings.home, identity).add(
        [text_hash(identity, text) for text in texts], vectors(len(texts), 7)
    )


def exponents(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Returns each stage's slope of log seconds over log users; 1 is linear, 2 quadratic."""
    found = {}
    for stage in dict.fromkeys(row["stage"] for row in rows):
        points = [
            (math.log(row["users"]), math.log(max(row["seconds"], 1e-3)))
            for row in rows
            if row["stage"] == stage
        ]
        mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
        spread = sum((x - mean_x) ** 2 for x, _ in points)
        slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else math.nan
        found[stage] = round(slope, 2)
    return found


def main() -> None:
    """Runs every size in a process of its own and prints a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=[2000, 10_000, 50_000])
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--synthetic", action="store_true", help="synthetic vectors, no encoding")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        if options.one:
            print(json.dumps(one_size(options.one, Path(home), options.synthetic)))
            return
    rows: list[dict[str, Any]] = []
    for users in options.users:
        command = [sys.executable, __file__, "--one", str(users)]
        command += ["--synthetic"] if options.synthetic else []
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        rows += json.loads(done.stdout.splitlines()[-1])
    result = {"runs": rows, "exponent": exponents(rows)}
    if options.json:
        print(json.dumps(result))
        return
    print("| users | stage | seconds | peak MB |\n|---:|---|---:|---:|")
    for row in rows:
        print(f"| {row['users']:,} | {row['stage']} | {row['seconds']:.1f} | {row['peak_mb']:,} |")
    print("growth exponents: " + ", ".join(f"{s} {e}" for s, e in result["exponent"].items()))


if __name__ == "__main__":
    main()
