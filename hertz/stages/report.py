"""Last stage but one: the run's figures, the gate's judgment, and the report in the snapshot.

In: the run's finished frames and the published snapshot they are compared with. Out: `quality` for
the manifest, and report.html in the run's folder: one file that needs no other.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import polars as pl

from hertz.core.errors import SnapshotError, StorageError
from hertz.reports.gate import Check, checks, first_line
from hertz.reports.page import RUNS_SHOWN, render
from hertz.reports.quality import compare, measure
from hertz.stages.run import Run
from hertz.storage.files import read_frame, write_text
from hertz.storage.snapshot.history import is_recorded, list_runs, record, told
from hertz.storage.snapshot.snapshots import (
    HELD,
    REPORT,
    current_snapshot,
    kept_folders,
    read_manifest,
)

logger = logging.getLogger(__name__)

LISTS = ["category", "user_id", "other_id", "mutual"]
TEXTS = ["category", "language", "origin"]
COUNTED = (
    "candidates", "accepted", "retried", "bios_cut", "prompt_tokens", "cached_tokens",
    "output_tokens", "generating_seconds", "engine_restarts",
)  # fmt: skip


def measure_run(run: Run) -> dict[str, Any]:
    """The quality figures of a run, with what they are compared with and the gate's checks."""
    policy = run.settings.policy
    users = read_frame(run.folder / "users.parquet")
    matches = read_frame(run.folder / "matches.parquet", LISTS)
    quarantine = read_frame(run.folder / "quarantine.parquet")
    explanations = read_frame(run.folder / "explanations.parquet", TEXTS)
    found = measure(policy, users, matches, quarantine)
    found["last"] = _last(run, users, matches)
    found["explanations"] = explained(run.stages["explain"], explanations)
    found["gate"] = [c._asdict() | {"note": c.note} for c in checks(policy.gate, found)]
    return found


def explained(figures: dict[str, Any], explanations: pl.DataFrame) -> dict[str, Any]:
    """What the stage `explain` counted, and texts by category, language and origin.

    Args:
        figures: The stage's figures.
        explanations: `category`, `language`, `origin`.
    """
    texts = explanations.group_by(TEXTS).len("texts").sort(TEXTS)
    counted = {name: figures[name] for name in COUNTED if name in figures}
    candidates = counted.get("candidates", 0)
    return {
        "origins": figures["explanations"],
        **counted,
        "grounded": round(counted["accepted"] / candidates, 6) if candidates else None,
        "prefix_hits": figures.get("prefix_hit_rate"),
        "failed_checks": figures.get("failed_checks", {}),
        "left_to_template": figures.get("left_to_template", {}),
        "model_failed": bool(figures.get("generator_failed")),
        "texts": texts.to_dicts(),
    }


def write_report(run: Run, manifest: dict[str, Any]) -> Path:
    """Write report.html into the run's folder, against the runs before; its path."""
    remember_snapshots(run.settings.home)
    before = [r for r in list_runs(run.settings.home, RUNS_SHOWN) if r["run_id"] != run.id]
    outside = any(check["verdict"] == "outside" for check in manifest["quality"]["gate"])
    this = told(run.id, "held" if outside else "published", "", manifest)
    path = run.folder / REPORT
    write_text(path, render(manifest, [*before, this][-RUNS_SHOWN:]))
    return path


def remember_snapshots(home: Path) -> None:
    """Write down snapshots of which nothing is: older ones, and that of a run killed at its end."""
    for folder in kept_folders(home):
        run_id = folder.name.removeprefix(HELD)
        if is_recorded(home, run_id):
            continue
        try:
            manifest = read_manifest(folder)
        except SnapshotError as error:  # it may serve nobody, but stops no night either
            logger.warning("not in the history: %s", error)
            continue
        if folder.name == run_id:
            record(home, run_id, "published", manifest=manifest)
        else:
            record(home, run_id, "held", held_reason(manifest), manifest)


def held_reason(manifest: dict[str, Any]) -> str:
    """What is outside the gate, in one line, by a run's manifest."""
    return first_line(judged(manifest))


def judged(manifest: dict[str, Any]) -> list[Check]:
    """The gate's checks of a run, from its manifest."""
    found = manifest["quality"]["gate"]
    return [Check(**{name: check[name] for name in Check._fields}) for check in found]


def _last(run: Run, users: pl.DataFrame, matches: pl.DataFrame) -> dict[str, Any] | None:
    """How the run differs from the published snapshot; None where there is none to read."""
    try:
        snapshot = current_snapshot(run.settings.home)
        if snapshot is None:
            return None
        manifest = read_manifest(snapshot)
        last_users = read_frame(snapshot / "users.parquet", ["user_id"])
        last_matches = read_frame(snapshot / "matches.parquet", LISTS)
    except StorageError as error:
        logger.warning("run %s is compared with nothing: %s", run.id, error)
        return None
    found = compare(users, matches, last_users, last_matches, run.settings.policy.categories)
    shown = manifest.get("quality") or {}
    scores = {name: part["scores"] for name, part in shown.get("categories", {}).items()}
    return {
        "run_id": manifest["run_id"],
        "incomparable": _incomparable(run, manifest),
        **found,
        "scores": scores,
    }


def _incomparable(run: Run, manifest: dict[str, Any]) -> str:
    """Why lists and scores may differ as much as they like (`gate.NOTES`); empty: they may not."""
    if manifest["policy_hash"] != run.settings.policy.digest:
        return "policy_changed"
    made_with = manifest["stages"]["embed"].get("model_identity")
    return "" if made_with == run.stages["embed"].get("model_identity") else "model_changed"
