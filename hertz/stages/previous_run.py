"""Decides whether the published lists can be reused, and names the reason.

In: the run's features and the published snapshot. Out: one of three paths: everyone is matched, the
published lists are updated, or they are linked as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from hertz.core.errors import SnapshotError, StorageError
from hertz.matching.features import Features
from hertz.matching.topk.incremental import (
    MAX_CHANGED_SHARE,
    SPARE_ENTRIES,
    Delta,
    PreviousLists,
    find_delta,
)
from hertz.policy.model import Policy
from hertz.stages.run import Run
from hertz.storage.snapshot.manifest import Manifest, read_manifest
from hertz.storage.snapshot.neighbours import read_neighbours
from hertz.storage.snapshot.snapshots import current_snapshot
from hertz.storage.snapshot.stage_results import EmbedResult, MatchPath, RecomputeResult

SCORES_VERSION = 2  # raised whenever the code would give another score to the same pair


@dataclass(frozen=True)
class Reuse:
    """What a run reuses of the published lists.

    Attributes:
        path: Whether everyone is matched, the published lists are updated, or linked as they are.
        lists: Neighbor lists of the published snapshot, by category.
        delta: Users who differ from the snapshot; None if everyone is matched.
        result: Result of the recompute stage that made the lists.
    """

    path: MatchPath
    why: str
    snapshot: Path = Path()
    lists: dict[str, PreviousLists] = field(default_factory=dict)
    delta: Delta | None = None
    result: RecomputeResult | None = None


def changed_users(policy: Policy, before: pl.DataFrame, now: pl.DataFrame) -> set[int]:
    """Returns the ids of users who were added or removed, or of whom a code changed."""
    same = unchanged_users(before, now, policy.code_fields)
    return {*before["user_id"], *now["user_id"]}.difference(same)


def unchanged_users(before: pl.DataFrame, now: pl.DataFrame, fields: Sequence[str]) -> pl.Series:
    """Returns the ids of users who are in both frames with the same values of all the fields."""
    columns = [
        pl.col(name).list.join("\x1f")  # a control character, which no profile contains
        if now.schema[name] == pl.List(pl.String)
        else pl.col(name)
        for name in fields
    ]
    old, new = (frame.select("user_id", *columns) for frame in (before, now))
    return new.join(old, on=["user_id", *fields], how="semi", nulls_equal=True)["user_id"]


def choose_reuse(run: Run, features: Features, fingerprints: np.ndarray, full: bool) -> Reuse:
    """Decides what a run reuses of the published lists; with `full`, everyone is matched."""
    if full:
        return Reuse("full", "requested")
    try:
        snapshot = current_snapshot(run.settings.home)
        if snapshot is None:
            return Reuse("full", "nothing is published yet")
        manifest = read_manifest(snapshot)
    except SnapshotError as error:
        return Reuse("full", str(error))
    if changed := _changed_setting(run, manifest):
        return Reuse("full", f"{changed} changed since {snapshot.name}")
    try:
        lists = read_neighbours(snapshot)
    except StorageError as error:
        return Reuse("full", str(error))
    first = next(iter(lists.values()), None)
    if first is None or first.lists.ids.shape[1] != run.settings.policy.k + SPARE_ENTRIES:
        return Reuse("full", f"{snapshot.name} keeps lists of another length")
    delta = find_delta(first, features, fingerprints)
    changes = f"{int(delta.changed.sum())} users new or changed, {delta.removed} gone"
    why = f"{changes} since {snapshot.name}"
    if delta.share > MAX_CHANGED_SHARE:
        return Reuse("full", f"{why}: over {MAX_CHANGED_SHARE:.0%} of all")
    path: MatchPath = "incremental" if delta.share else "unchanged"
    return Reuse(path, why, snapshot, lists, delta, manifest.stages.recompute)


def _changed_setting(run: Run, manifest: Manifest) -> str:
    """Returns the name of what makes the published scores differ from this run's; else empty."""
    if manifest.policy_hash != run.settings.policy.digest:
        return "the policy"
    if manifest.stages.embed.model_identity != run.result(EmbedResult).model_identity:
        return "the embedding model"
    if manifest.stages.recompute.scores_version != SCORES_VERSION:
        return "the scores' version"
    return ""
