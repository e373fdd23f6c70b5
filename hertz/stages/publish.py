"""Last stage: the serving files, the report, the gate, and the one atomic step that publishes.

A run whose figures are outside the policy's gate is held: kept aside whole, while the old snapshot
serves. `publish_anyway` publishes it after a look.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hertz.core.errors import GateError
from hertz.core.faults import fault_point
from hertz.reports.gate import Check, first_line, told
from hertz.stages.forget import purge_removed
from hertz.stages.report import held_reason, judged, measure_run, write_report
from hertz.stages.run import Run
from hertz.storage.files import read_frame
from hertz.storage.settings import Settings
from hertz.storage.snapshot.history import record
from hertz.storage.snapshot.serving import write_serving
from hertz.storage.snapshot.snapshots import (
    REPORT,
    current_snapshot,
    hold,
    locked_home,
    publish,
    publish_held,
    read_manifest,
)


def publish_run(run: Run) -> Path:
    """Write serving/, the report and the manifest, then publish the run's folder; its final path.

    Users whose deletion is published with it are then erased from all that is kept.

    Raises:
        GateError: If the figures are outside the policy's gate; the run is held.
    """
    with run.stage("publish"):
        frames = {
            name: read_frame(run.folder / f"{name}.parquet")
            for name in ("users", "matches", "explanations")
        }
        policy = run.settings.policy
        write_serving(
            run.folder, policy, frames["users"], frames["matches"], frames["explanations"]
        )
    settings, whole = run.settings, manifest(run)
    with run.stage("report"):
        whole["quality"] = measure_run(run)
        fault_point("publish.before_report")
        write_report(run, whole)
    found = judged(whole)
    if first_line(found):
        _hold(run, whole, found)
    snapshot = publish(settings.home, run.folder, whole, settings.storage.keep)
    record(settings.home, run.id, "published", manifest=whole)
    fault_point("publish.before_erasures")
    purge_removed(settings, whole["intake_sequence"])
    return snapshot


def publish_anyway(settings: Settings, run_id: str) -> Path:
    """Publish a held run although its figures are outside the gate; its final path.

    Raises:
        LockedError: If a run holds the home.
        SnapshotError: If no such run is held, or it is damaged.
    """
    home = settings.home
    with locked_home(home, f"publish {run_id}"):
        snapshot = publish_held(home, run_id, settings.storage.keep)
        whole = read_manifest(snapshot)
        record(home, run_id, "published", held_reason(whole), whole, forced=True)
        purge_removed(settings, whole.get("intake_sequence", 0))
    return snapshot


def manifest(run: Run) -> dict[str, Any]:
    """What the snapshot is and where it comes from, without its checksums."""
    policy, stages = run.settings.policy, run.stages
    return {
        "run_id": run.id,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "policy_name": policy.name,
        "policy_hash": policy.digest,
        "policy": json.loads(policy.model_dump_json()),
        "embedding_model": stages["embed"]["model"],
        "language_model": stages["explain"]["model"],
        "intake_sequence": stages["prepare"].get("intake_sequence", 0),
        "counts": {
            "users": stages["prepare"]["users"],
            "quarantined": stages["prepare"]["quarantined"],
            "eligible_pairs": stages["recompute"]["eligible_pairs"],
            "matches": stages["recompute"]["matches"],
            "explanations": stages["explain"]["explanations"],
        },
        "stages": stages,
    }


def _hold(run: Run, whole: dict[str, Any], found: list[Check]) -> None:
    """Keep the run aside and say why.

    Raises:
        GateError: Always; its first line is the reason.
    """
    home = run.settings.home
    serving = current_snapshot(home)
    held = hold(home, run.folder, whole)
    reason = first_line(found)
    record(home, run.id, "held", reason, whole)
    purge_removed(run.settings, 0)  # who asked to be forgotten while the run held the home
    outside = [check for check in found if check.verdict == "outside"]
    lines = [
        f"run {run.id} is held, not published: {reason}",
        *(f"  {told(check)}; {check.note}" for check in outside),
        f"  {serving.name} goes on serving" if serving else "  nothing is published yet",
        f"  look at {held / REPORT}; then `hertz publish --force {run.id}`, or mend it and run "
        "again; the limits are in [policy.gate]",
    ]
    message = "\n".join(lines)
    raise GateError(message)
