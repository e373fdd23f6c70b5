"""Last stage: the serving files, the manifest, and the one atomic step that publishes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stages.forget import purge_removed
from stages.run import Run
from storage.files import read_frame
from storage.serving import write_serving
from storage.snapshots import publish


def publish_run(run: Run) -> Path:
    """Write serving/ and the manifest, then publish the run's folder; its final path.

    Users whose deletion is published with it are then erased from all that is kept.
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
    told = manifest(run)
    snapshot = publish(run.settings.home, run.folder, told, run.settings.storage.keep)
    purge_removed(run.settings, told["intake_sequence"])
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
