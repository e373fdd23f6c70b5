"""The runs: each holds the home, builds a snapshot aside, and publishes it or leaves all as it was.

nightly      profiles -> vectors -> matches -> explanations -> published snapshot
embed_only   profiles -> vectors, so that a later night finds them ready; publishes nothing
re_embed     everyone encoded with the configured model and matched anew; vectors of others dropped
on_demand    the same as fast as it can be, where few users changed: no model writes
recompute_only  a night in which no model writes: kept explanations and the template voice
explain_only    explanations anew for the published matches, as a snapshot of their own

Runs in which a model writes first look whether it would start at all.
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
from hertz.storage.snapshot.snapshots import adopt, discard, published_snapshot

Stage = Callable[[Run], Any]
Stages = tuple[Stage, ...]


def explain_without_model(run: Run) -> None:
    """The stage `explain` when no language model is to be started."""
    explain(run, generate=False)


def drop_folder(run: Run) -> Run:
    """Last stage of a run that publishes nothing. Returns the run, for its figures."""
    discard(run.folder)
    return run


def adopt_published(run: Run) -> None:
    """Takes users, matches and Chroma from the published snapshot, by hard links.

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
    adopt(
        snapshot,
        run.folder,
        ("users.parquet", "quarantine.parquet", "matches.parquet", NEIGHBOURS, "chroma"),
    )
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
EXPLAIN_ONLY: Stages = (check_model, adopt_published, explain, publish_run)


def nightly(settings: Settings, progress: Progress = no_progress) -> Path:
    """One whole night. Returns the published snapshot's folder."""
    return _in_order(NIGHTLY, settings, progress)


def on_demand(settings: Settings, progress: Progress = no_progress) -> Path:
    """Bring what was sent to the intake into the lists. Returns the published snapshot's folder."""
    return _in_order(ON_DEMAND, settings, progress)


def re_embed(settings: Settings, progress: Progress = no_progress) -> Path:
    """Take a new embedding model into use. Returns the published snapshot's folder."""
    _in_order(RE_EMBED, settings, progress)
    return published_snapshot(settings.home)


def embed_only(settings: Settings, progress: Progress = no_progress) -> Run:
    """Encode what is new. Returns the run, for its figures; its folder is gone."""
    return _in_order(EMBED_ONLY, settings, progress)


def recompute_only(
    settings: Settings, progress: Progress = no_progress, full: bool = False
) -> Path:
    """Match without starting a language model. Returns the published snapshot.

    Args:
        settings: What to work on.
        progress: Where the stages report to.
        full: Match everyone anew, even where bringing the published lists up to date would do.
    """
    return _in_order(RECOMPUTE_FULLY if full else RECOMPUTE_ONLY, settings, progress)


def explain_only(settings: Settings, progress: Progress = no_progress) -> Path:
    """Explain the published matches anew. Returns the published snapshot.

    Raises:
        SnapshotError: If nothing is published, or it was made with another policy.
    """
    return _in_order(EXPLAIN_ONLY, settings, progress)


def _in_order(stages: Stages, settings: Settings, progress: Progress) -> Any:  # noqa: ANN401
    """Hold the home and run the stages; returns what the last one returns."""
    with open_run(settings, progress) as run:
        return [stage(run) for stage in stages][-1]
