"""What the published snapshot is worth to tonight's matching, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

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
from hertz.storage.snapshot.neighbours import read_neighbours
from hertz.storage.snapshot.snapshots import published_snapshot, read_manifest

_BETWEEN = "\x1f"  # no profile holds a control character
SCORES_VERSION = 2  # raised whenever the code would give another score to the same pair


@dataclass(frozen=True)
class LastNight:
    """How tonight's lists are to be found.

    Attributes:
        path: From nothing, from last night's lists, or by taking over what is published.
        why: The reason, for the report.
        snapshot: The published snapshot, where it is used.
        known: Its lists, by category.
        change: Who differs.
        counts: Its figures of pairs and matches.
    """

    path: Literal["full", "incremental", "unchanged"]
    why: str
    snapshot: Path = Path()
    known: dict[str, PreviousLists] = field(default_factory=dict)
    change: Delta | None = None
    counts: dict[str, Any] = field(default_factory=dict)

    @property
    def sought(self) -> np.ndarray:
        """Rows of those whose scores changed."""
        return np.flatnonzero(self.change.changed) if self.change else np.zeros(0, dtype=np.int64)


def changed_users(policy: Policy, before: pl.DataFrame, now: pl.DataFrame) -> set[int]:
    """Ids of users who came or went, or of whom a code changed."""
    codes = [name for name, rule in policy.fields.items() if rule.kind in ("code", "ordered")]
    return {*before["user_id"], *now["user_id"]}.difference(unchanged_users(before, now, codes))


def unchanged_users(before: pl.DataFrame, now: pl.DataFrame, fields: list[str]) -> pl.Series:
    """Ids of those in both frames who tell the same in all the fields."""
    columns = [
        pl.col(name).list.join(_BETWEEN) if now.schema[name] == pl.List(pl.String) else pl.col(name)
        for name in fields
    ]
    old, new = (frame.select("user_id", *columns) for frame in (before, now))
    return new.join(old, on=["user_id", *fields], how="semi", nulls_equal=True)["user_id"]


def last_night(run: Run, features: Features, marks: np.ndarray, full: bool) -> LastNight:
    """Choose the path; `marks` are the features' fingerprints, `full` forces the long one."""
    if full:
        return LastNight("full", "asked for")
    try:
        snapshot = published_snapshot(run.settings.home)
        manifest = read_manifest(snapshot)
    except SnapshotError:
        return LastNight("full", "nothing is published yet")
    differs = _differs(run, manifest)
    if differs:
        return LastNight("full", f"{differs} changed since {snapshot.name}")
    try:
        known = read_neighbours(snapshot)
    except StorageError as error:
        return LastNight("full", str(error))
    first = next(iter(known.values()), None)
    if first is None or first.lists.ids.shape[1] != run.settings.policy.k + SPARE_ENTRIES:
        return LastNight("full", f"{snapshot.name} keeps lists of another length")
    change = find_delta(first, features, marks)
    told = f"{int(change.changed.sum())} users new or changed, {change.removed} gone since "
    if change.share > MAX_CHANGED_SHARE:
        return LastNight("full", f"{told}{snapshot.name}: over {MAX_CHANGED_SHARE:.0%} of all")
    path: Literal["unchanged", "incremental"]
    path = "incremental" if change.share else "unchanged"
    counts = {
        name: manifest["stages"]["recompute"][name]
        for name in ("eligible_pairs", "scored_pairs", "matches")
    }
    if path == "unchanged":
        counts["scored_pairs"] = dict.fromkeys(counts["scored_pairs"], 0)
    return LastNight(path, told + snapshot.name, snapshot, known, change, counts)


def _differs(run: Run, manifest: dict[str, Any]) -> str:
    """What makes the published scores others than tonight's; empty if nothing does."""
    stages = manifest["stages"]
    if manifest["policy_hash"] != run.settings.policy.digest:
        return "the policy"
    if stages["embed"]["model_identity"] != run.stages["embed"]["model_identity"]:
        return "the embedding model"
    if stages["recompute"].get("scores_version") != SCORES_VERSION:
        return "the scores' version"
    return ""
