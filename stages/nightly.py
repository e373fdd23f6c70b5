"""The runs: each holds the home, builds a snapshot aside, and publishes it or leaves all as it was.

nightly      profiles -> vectors -> matches -> explanations -> published snapshot
embed_only   profiles -> vectors, so that a later night finds them ready; publishes nothing
recompute_only  a night in which no model writes: kept explanations and the template voice
explain_only    explanations anew for the published matches, as a snapshot of their own
"""

from __future__ import annotations

from pathlib import Path

from matching.errors import SnapshotError
from stages.embed import embed
from stages.explain import explain
from stages.prepare import prepare
from stages.publish import publish_run
from stages.recompute import recompute
from stages.run import Progress, Run, no_progress, open_run
from storage.settings import Settings
from storage.snapshots import adopt, discard, published_snapshot, read_manifest


def nightly(settings: Settings, progress: Progress = no_progress) -> Path:
    """One whole night. Returns the published snapshot's folder."""
    with open_run(settings, progress) as run:
        prepare(run)
        embed(run)
        recompute(run)
        explain(run)
        return publish_run(run)


def embed_only(settings: Settings, progress: Progress = no_progress) -> Run:
    """Encode what is new. Returns the run, for its figures; its folder is gone."""
    with open_run(settings, progress) as run:
        prepare(run)
        embed(run)
        discard(run.folder)
        return run


def recompute_only(settings: Settings, progress: Progress = no_progress) -> Path:
    """Match everyone anew without starting a language model. Returns the published snapshot."""
    with open_run(settings, progress) as run:
        prepare(run)
        embed(run)
        recompute(run)
        explain(run, generate=False)
        return publish_run(run)


def explain_only(settings: Settings, progress: Progress = no_progress) -> Path:
    """Explain the published matches anew. Returns the published snapshot.

    Raises:
        SnapshotError: If nothing is published, or it was made with another policy.
    """
    with open_run(settings, progress) as run:
        adopt_published(run)
        explain(run)
        return publish_run(run)


def adopt_published(run: Run) -> None:
    """Take users, matches and Chroma over from the published snapshot, by hard links."""
    snapshot = published_snapshot(run.settings.home)
    manifest = read_manifest(snapshot)
    if manifest["policy_hash"] != run.settings.policy.digest:
        message = (
            f"{snapshot.name} was made with policy {manifest['policy_hash'][:12]}, hertz.toml now "
            f"has {run.settings.policy.digest[:12]}; run `hertz recompute` first"
        )
        raise SnapshotError(message)
    adopt(
        snapshot, run.folder, ("users.parquet", "quarantine.parquet", "matches.parquet", "chroma")
    )
    run.stages.update({n: manifest["stages"][n] for n in ("prepare", "embed", "recompute")})
