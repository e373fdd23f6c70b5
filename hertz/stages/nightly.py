"""The runs: each locks the home, builds a snapshot aside, and publishes it or changes nothing.

A run is a tuple of stages; with a language model, the first checks whether the model would start.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hertz.core.errors import SnapshotError
from hertz.stages.check_model import check_model
from hertz.stages.cleanup import drop_vectors
from hertz.stages.embed import embed
from hertz.stages.explain.explain import explain
from hertz.stages.prepare import prepare
from hertz.stages.publish import publish_run
from hertz.stages.recompute import recompute, recompute_fully, recompute_quickly
from hertz.stages.run import Progress, Run, no_progress, open_run
from hertz.storage.settings import Settings
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.neighbours import NEIGHBOURS
from hertz.storage.snapshot.snapshots import discard, link_files, published_snapshot
from hertz.storage.snapshot.stage_results import ExplainResult

Stage = Callable[[Run], Any]
Stages = tuple[Stage, ...]


def explain_without_model(run: Run) -> ExplainResult:
    """Runs the stage `explain` without starting a language model."""
    return explain(run, generate=False)


def drop_folder(run: Run) -> Run:
    """Removes the folder of a run that publishes nothing; returns the run."""
    discard(run.folder)
    return run


def link_published(run: Run) -> None:
    """Links users and matches of the published snapshot, and copies its Chroma database.

    Raises:
        SnapshotError: If nothing is published, or it was made with another policy.
    """
    snapshot = published_snapshot(run.settings.home)
    manifest = read_manifest(snapshot)
    if manifest.policy_hash != run.settings.policy.digest:
        message = (
            f"{snapshot.name} was made with policy {manifest.policy_hash[:12]}, hertz.toml now "
            f"has {run.settings.policy.digest[:12]}; run `hertz recompute` first"
        )
        raise SnapshotError(message)
    tables = ("users.parquet", "quarantine.parquet", "matches.parquet", NEIGHBOURS)
    link_files(snapshot, run.folder, (*tables, "chroma"))
    stages = manifest.stages
    for result in (stages.prepare, stages.embed, stages.recompute, stages.chroma):
        run.record(result.model_copy(update={"seconds": 0.0, "adopted": snapshot.name}))


NIGHTLY: Stages = (check_model, prepare, embed, recompute, explain, publish_run)
NIGHTLY_FULLY: Stages = (check_model, prepare, embed, recompute_fully, explain, publish_run)
RE_EMBED: Stages = (*NIGHTLY_FULLY, drop_vectors)
ON_DEMAND: Stages = (prepare, embed, recompute_quickly, explain_without_model, publish_run)
EMBED_ONLY: Stages = (prepare, embed, drop_folder)
RECOMPUTE_ONLY: Stages = (prepare, embed, recompute, explain_without_model, publish_run)
RECOMPUTE_FULLY: Stages = (prepare, embed, recompute_fully, explain_without_model, publish_run)
EXPLAIN_ONLY: Stages = (check_model, link_published, explain, publish_run)


def nightly(settings: Settings, progress: Progress = no_progress) -> Path:
    """Runs all stages, from profiles to a published snapshot; returns its folder."""
    return _in_order(NIGHTLY, settings, progress)


def on_demand(settings: Settings, progress: Progress = no_progress) -> Path:
    """Publishes the intake's events fast, without a language model; returns the snapshot."""
    return _in_order(ON_DEMAND, settings, progress)


def re_embed(settings: Settings, progress: Progress = no_progress) -> Path:
    """Runs all stages for everyone with a new embedding model; then removes others' vectors."""
    _in_order(RE_EMBED, settings, progress)
    return published_snapshot(settings.home)


def embed_only(settings: Settings, progress: Progress = no_progress) -> Run:
    """Encodes new texts for a later run; returns the run, whose folder is removed."""
    return _in_order(EMBED_ONLY, settings, progress)


def recompute_only(
    settings: Settings, progress: Progress = no_progress, full: bool = False
) -> Path:
    """Runs all stages without a language model; with `full`, matches everyone anew."""
    return _in_order(RECOMPUTE_FULLY if full else RECOMPUTE_ONLY, settings, progress)


def explain_only(settings: Settings, progress: Progress = no_progress) -> Path:
    """Explains the published matches anew; returns the published snapshot's folder.

    Raises:
        SnapshotError: If nothing is published, or it was made with another policy.
    """
    return _in_order(EXPLAIN_ONLY, settings, progress)


def _in_order(stages: Stages, settings: Settings, progress: Progress) -> Any:  # noqa: ANN401
    """Locks the home and runs the stages; returns what the last one returns."""
    with open_run(settings, progress) as run:
        return [stage(run) for stage in stages][-1]
