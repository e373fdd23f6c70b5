"""Last stage: the serving files, the report, the gate, and the one atomic step that publishes.

A run whose figures are outside the policy's gate is held: kept aside whole, while the old snapshot
serves. `publish_anyway` publishes it after a person has looked.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hertz.core.errors import GateError
from hertz.core.faults import fault_point
from hertz.reports.figures import Quality
from hertz.reports.gate import describe, outside, summarize
from hertz.reports.runs import Counts
from hertz.stages.forget import purge_removed
from hertz.stages.report import measure_run, write_report
from hertz.stages.run import Run, Stopwatch
from hertz.storage.files import read_frame
from hertz.storage.settings import Settings
from hertz.storage.snapshot import snapshots
from hertz.storage.snapshot.history import record_of, write_record
from hertz.storage.snapshot.manifest import SCHEMA_VERSION, Manifest, read_manifest
from hertz.storage.snapshot.serving import write_serving
from hertz.storage.snapshot.stage_results import PublishResult, ReportResult


def publish_run(run: Run) -> Path:
    """Writes serving/, the report and the manifest; publishes and returns the run's folder.

    Users whose deletion is published with it are then erased from all that is kept.

    Raises:
        GateError: If the figures are outside the policy's gate; the run is held.
    """
    watch = Stopwatch()
    users, matches, explanations = (
        read_frame(run.folder / f"{name}.parquet") for name in ("users", "matches", "explanations")
    )
    write_serving(run.folder, run.settings.policy, users, matches, explanations)
    run.record(PublishResult(seconds=watch.seconds))
    manifest = _report(run)
    if manifest.quality.is_outside:
        _hold(run, manifest)
    home, keep = run.settings.home, run.settings.storage.keep
    snapshot = snapshots.publish(home, run.folder, manifest, keep)
    write_record(home, record_of(manifest, "published"))
    fault_point("publish.before_erasures")
    purge_removed(run.settings, manifest.intake_sequence)
    return snapshot


def publish_anyway(settings: Settings, run_id: str) -> Path:
    """Publishes a held run although its figures are outside the gate; returns its folder.

    Raises:
        LockedError: If a run holds the home.
        SnapshotError: If no such run is held, or it is damaged.
    """
    home = settings.home
    with snapshots.locked_home(home, f"publish {run_id}"):
        snapshot = snapshots.publish_held(home, run_id, settings.storage.keep)
        manifest = read_manifest(snapshot)
        reason = summarize(manifest.quality.gate)
        write_record(home, record_of(manifest, "published", reason, forced=True))
        purge_removed(settings, manifest.intake_sequence)
    return snapshot


def manifest_of(run: Run, quality: Quality) -> Manifest:
    """Returns the manifest of a run, without its checksums."""
    policy, stages = run.settings.policy, run.stage_results()
    return Manifest(
        schema_version=SCHEMA_VERSION,
        run_id=run.id,
        created_at=datetime.now(UTC).replace(microsecond=0),
        policy_name=policy.name,
        policy_hash=policy.digest,
        policy=policy,
        embedding_model=stages.embed.model,
        language_model=stages.explain.model,
        intake_sequence=stages.prepare.intake_sequence,
        counts=Counts(
            users=stages.prepare.users,
            quarantined=stages.prepare.quarantined,
            eligible_pairs=stages.recompute.eligible_pairs,
            matches=stages.recompute.matches,
            explanations=stages.explain.explanations,
        ),
        stages=stages,
        quality=quality,
    )


def _report(run: Run) -> Manifest:
    """Measures the run and writes its report; returns the manifest."""
    watch = Stopwatch()
    manifest = manifest_of(run, measure_run(run))
    fault_point("publish.before_report")
    write_report(run, manifest)
    run.record(ReportResult(seconds=watch.seconds))
    return manifest.model_copy(update={"stages": run.stage_results()})


def _hold(run: Run, manifest: Manifest) -> None:
    """Keeps the run aside and raises a GateError, whose first line is the reason."""
    home = run.settings.home
    serving = snapshots.current_snapshot(home)
    held = snapshots.hold(home, run.folder, manifest)
    reason = summarize(manifest.quality.gate)
    write_record(home, record_of(manifest, "held", reason))
    purge_removed(run.settings, 0)  # users who asked to be forgotten while the run held the home
    lines = [
        f"run {run.id} is held, not published: {reason}",
        *(f"  {describe(check)}; {check.note}" for check in outside(manifest.quality.gate)),
        f"  {serving.name} goes on serving" if serving else "  nothing is published yet",
        f"  look at {held / snapshots.REPORT}; then `hertz publish --force {run.id}`, or mend it "
        "and run again; the limits are in [policy.gate]",
    ]
    raise GateError("\n".join(lines))
