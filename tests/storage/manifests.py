"""Manifests for tests: that of a real run, and the same with some values changed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from hertz.policy.model import Policy
from hertz.reports.quality import without_exposed
from hertz.storage.snapshot.manifest import Manifest

FILE = Path(__file__).parent / "snapshot" / "manifest_v1.json"  # as a run of 40 users wrote it


@cache
def recorded_manifest() -> Manifest:
    """Returns the manifest that a real run wrote."""
    return Manifest.model_validate_json(FILE.read_bytes())


def manifest_of(run_id: str, policy: Policy | None = None, **changes: object) -> Manifest:
    """Returns the recorded manifest under another run id, without the ids of its users.

    Args:
        run_id: Id of the run.
        policy: Another policy; None for the recorded one.
        changes: Other values of the manifest's attributes.
    """
    quality = without_exposed(recorded_manifest().quality, range(1000))
    changes = {"run_id": run_id, "quality": quality} | changes
    if policy:
        changes |= {"policy": policy, "policy_name": policy.name, "policy_hash": policy.digest}
    return recorded_manifest().model_copy(update=changes)
