"""Last stage but one: the run's figures, the gate's verdicts, and the report in the snapshot.

In: the run's finished frames and the published snapshot they are compared with. Out: the quality
figures for the manifest, and report.html in the run's folder: one file that needs no other.
"""

from __future__ import annotations

import logging
from pathlib import Path

import polars as pl

from hertz.core.errors import SnapshotError, StorageError
from hertz.reports.figures import Comparison, ExplanationFigures, ModelCounts, Quality, TextCount
from hertz.reports.gate import checks, summarize
from hertz.reports.page import RUNS_SHOWN, render
from hertz.reports.quality import compare, measure
from hertz.stages.run import Run
from hertz.storage.files import read_frame, write_text
from hertz.storage.snapshot.history import is_recorded, list_runs, record_of, write_record
from hertz.storage.snapshot.manifest import Manifest, read_manifest
from hertz.storage.snapshot.snapshots import HELD, REPORT, current_snapshot, kept_folders
from hertz.storage.snapshot.stage_results import EmbedResult, ExplainResult

logger = logging.getLogger(__name__)

LISTS = ["category", "user_id", "other_id", "mutual"]
TEXTS = ["category", "language", "origin"]


def measure_run(run: Run) -> Quality:
    """Returns the quality figures of a run, with what they are compared with and the gate."""
    policy = run.settings.policy
    users = read_frame(run.folder / "users.parquet")
    matches = read_frame(run.folder / "matches.parquet", LISTS)
    quarantine = read_frame(run.folder / "quarantine.parquet")
    explanations = read_frame(run.folder / "explanations.parquet", TEXTS)
    measured = measure(policy, users, matches, quarantine)
    quality = Quality(
        **dict(measured),
        last=_compare_with_published(run, users, matches),
        explanations=explanation_figures(run.result(ExplainResult), explanations),
    )
    return quality.model_copy(update={"gate": checks(policy.gate, quality)})


def explanation_figures(result: ExplainResult, explanations: pl.DataFrame) -> ExplanationFigures:
    """Returns the figures of the explain stage, and texts by category, language and origin."""
    texts = explanations.group_by(TEXTS).len("texts").sort(TEXTS)
    candidates = result.candidates
    return ExplanationFigures(
        **{name: getattr(result, name) for name in ModelCounts.model_fields},
        origins=result.explanations,
        grounded=round(result.accepted / candidates, 6) if candidates else None,
        prefix_hits=result.prefix_hit_rate,
        model_failed=bool(result.generator_failed),
        texts=tuple(TextCount(**line) for line in texts.iter_rows(named=True)),
    )


def write_report(run: Run, manifest: Manifest) -> Path:
    """Writes report.html into the run's folder, with the runs before; returns its path."""
    record_snapshots(run.settings.home)
    before = [r for r in list_runs(run.settings.home, RUNS_SHOWN) if r.run_id != run.id]
    this = record_of(manifest, "held" if manifest.quality.is_outside else "published")
    path = run.folder / REPORT
    write_text(path, render(manifest, [*before, this][-RUNS_SHOWN:]))
    return path


def record_snapshots(home: Path) -> None:
    """Records snapshots without a record, such as that of a run killed at its end."""
    for folder in kept_folders(home):
        run_id = folder.name.removeprefix(HELD)
        if is_recorded(home, run_id):
            continue
        try:
            manifest = read_manifest(folder)
        except SnapshotError as error:  # cannot be served either, but must not stop a night
            logger.warning("not in the history: %s", error)
            continue
        held = folder.name != run_id
        reason = summarize(manifest.quality.gate) if held else ""
        write_record(home, record_of(manifest, "held" if held else "published", reason))


def _compare_with_published(
    run: Run, users: pl.DataFrame, matches: pl.DataFrame
) -> Comparison | None:
    """Returns the changes since the published snapshot; None if none can be read."""
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
    return Comparison(
        **dict(found),
        run_id=manifest.run_id,
        incomparable=_incomparable(run, manifest),
        scores={name: part.scores for name, part in manifest.quality.categories.items()},
    )


def _incomparable(run: Run, manifest: Manifest) -> str:
    """Returns why lists and scores may differ, as in `Check.why`; empty if they may not."""
    if manifest.policy_hash != run.settings.policy.digest:
        return "policy_changed"
    same = manifest.stages.embed.model_identity == run.result(EmbedResult).model_identity
    return "" if same else "model_changed"
