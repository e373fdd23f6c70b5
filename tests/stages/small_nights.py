"""Nights without a model: real sources, intake, stores and snapshots, synthetic lists."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from hertz.embedding.texts import all_texts, user_vectors
from hertz.policy.model import Policy
from hertz.reports.figures import Origins
from hertz.stages.prepare import prepare
from hertz.stages.publish import publish_run
from hertz.stages.run import Run, open_run
from hertz.storage.embeddings import EmbeddingStore, text_hash
from hertz.storage.files import read_frame, write_frame
from hertz.storage.settings import Settings, SourceSettings, StorageSettings
from hertz.storage.snapshot.chroma import write_chroma
from tests.storage.manifests import recorded_manifest
from tests.storage.runs import random_frames

IDENTITY = json.dumps({"model": "synthetic"})
DIM = 16


def small_settings(home: Path, source: Path, policy: Policy, **of_source: str) -> Settings:
    """Returns settings of a home that keeps three snapshots and reads a file."""
    return Settings(
        source=SourceSettings(path=str(source), **of_source),
        storage=StorageSettings(home=home),
        policy=policy,
    )


def write_source(path: Path, rows: list[dict[str, object]]) -> Path:
    """Writes a JSONL source."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def small_night(settings: Settings, chroma: bool = False) -> Path:
    """Runs a whole night; returns the snapshot."""
    with open_run(settings) as run:
        prepare(run)
        finish(run, chroma)
        return publish_run(run)


def finish(run: Run, chroma: bool = False) -> None:
    """Runs everything between `prepare` and `publish_run` with random results."""
    policy, profiles = run.settings.policy, read_frame(run.folder / "users.parquet")
    frames = random_frames(policy, profiles["user_id"].to_list())
    model = frames.explanations.with_columns(
        model=pl.lit(None, pl.String),
        content_hash=pl.concat_str("category", "user_a", "user_b", "language", separator="-"),
    )
    write_frame(frames.matches, run.folder / "matches.parquet")
    write_frame(model, run.folder / "explanations.parquet")
    vectors = store_vectors(run.settings.home, policy, profiles)
    if chroma:
        write_chroma(run.folder, policy, profiles, vectors, frames.matches)
    counts = dict(frames.matches.group_by("category").len().iter_rows())
    texts = Origins(template=len(model))
    recorded = recorded_manifest().stages
    identity = {"model": "synthetic", "model_identity": json.loads(IDENTITY)}
    pairs = {"eligible_pairs": counts, "matches": counts}
    run.record(recorded.embed.model_copy(update=identity))
    run.record(recorded.recompute.model_copy(update=pairs))
    run.record(recorded.chroma)
    run.record(recorded.explain.model_copy(update={"model": None, "explanations": texts}))


def store_vectors(home: Path, policy: Policy, profiles: pl.DataFrame) -> np.ndarray:
    """Stores synthetic vectors of all texts; returns the users' vectors."""
    store = EmbeddingStore(home, IDENTITY)

    def lookup(texts: list[str]) -> np.ndarray:
        return store.get([text_hash(IDENTITY, text) for text in texts])

    texts = all_texts(policy, profiles)
    missing = store.missing([text_hash(IDENTITY, text) for text in texts])
    rows = [np.random.default_rng(int(key[:8], 16)).normal(size=DIM) for key in missing]
    store.add(missing, np.array(rows, dtype=np.float32).reshape(-1, DIM))
    return user_vectors(policy, profiles, lookup)
