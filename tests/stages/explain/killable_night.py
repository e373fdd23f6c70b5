"""A run that a test kills: with real stores, snapshots and child process, but no model.

Half of its texts are accepted. Every prompt that it sends to the engine is a line in FOLDER/ledger.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from zlib import crc32

import polars as pl

from hertz.stages.explain import model_writer
from hertz.stages.explain.explain import explain
from hertz.stages.run import Run, open_run
from hertz.storage.files import write_frame
from hertz.storage.snapshot.manifest import Manifest
from hertz.storage.snapshot.snapshots import publish
from hertz.storage.snapshot.stage_results import ExplainResult
from tests.nights import settings_for
from tests.stages.explain.explaining import recording
from tests.storage.manifests import manifest_of, recorded_manifest


def main() -> None:
    """Runs the night of the arguments FOLDER SHARE CHUNK."""
    model_writer.failed_checks = _half
    where, share, chunk = sys.argv[1:]
    night(Path(where), budget=int(share), chunk=int(chunk), retries=0)


def night(folder: Path, generate: bool = True, **changed: object) -> Path:
    """Explains the profiles and matches in the folder, and publishes them; returns the snapshot."""
    settings = settings_for(folder, folder / "none.parquet", str(folder / "model"))
    chosen = settings.explanations.model_copy(update=changed)
    with open_run(settings.model_copy(update={"explanations": chosen})) as run:
        for name in ("users", "matches"):
            write_frame(pl.read_parquet(folder / f"{name}.parquet"), run.folder / f"{name}.parquet")
        explain(run, generate, recording(folder / "ledger", seconds=0.01))
        return publish(settings.home, run.folder, _manifest(run), keep=2)


def _manifest(run: Run) -> Manifest:
    stages = recorded_manifest().stages.model_copy(update={"explain": run.result(ExplainResult)})
    return manifest_of(run.id, run.settings.policy, stages=stages)


def _half(*arguments: Any) -> list[str]:  # noqa: ANN401
    return ["bad"] if crc32(arguments[-1].content.encode()) % 2 else []
