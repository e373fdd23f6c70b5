"""What became of every run: one small JSON file each, kept longer than the snapshots.

<home>/history/<run_id>.json   counts, seconds a stage, quality figures, outcome; no user's id

In: what a run knows of itself at its end. Out: the last runs, oldest first, which reports compare
with and the console lists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from hertz.core.faults import fault_point
from hertz.reports.quality import without_ids
from hertz.storage.files import write_text

FOLDER = "history"
KEPT = 1000  # files, of some kilobytes each
ERASED_REASON = "(erased: it named a user who was forgotten)"

Outcome = Literal["published", "held", "failed"]


def record(
    home: Path,
    run_id: str,
    outcome: Outcome,
    reason: str = "",
    manifest: Mapping[str, Any] | None = None,
    forced: bool = False,
) -> None:
    """Write down how a run ended, in the place of what was known of it before.

    Args:
        home: The home directory.
        run_id: The run.
        outcome: Published, held back by the gate, or failed.
        reason: Why; its first line is kept.
        manifest: The snapshot's manifest, or as much of it as there is.
        forced: Whether a person published it although the gate had held it.
    """
    folder = home / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{run_id}.json"
    fault_point("history.before_record")
    write_text(path, json.dumps(told(run_id, outcome, reason, manifest or {}, forced)))
    for old in sorted(folder.glob("[!.]*.json"))[:-KEPT]:
        old.unlink()


def told(
    run_id: str,
    outcome: Outcome,
    reason: str,
    manifest: Mapping[str, Any],
    forced: bool = False,
) -> dict[str, Any]:
    """The record of a run, as it is written."""
    quality = manifest.get("quality")
    seconds = {name: part["seconds"] for name, part in manifest.get("stages", {}).items()}
    return {
        "run_id": run_id,
        "outcome": outcome,
        "reason": reason.partition("\n")[0],
        "forced": forced,
        "ended_at": manifest.get("created_at") or datetime.now(UTC).isoformat(timespec="seconds"),
        "policy_hash": manifest.get("policy_hash", ""),
        "counts": manifest.get("counts", {}),
        "seconds": seconds,
        "total_seconds": round(sum(seconds.values()), 3),
        "quality": without_ids(quality) if quality else None,
    }


def is_recorded(home: Path, run_id: str) -> bool:
    """Whether it is known how a run ended."""
    return (home / FOLDER / f"{run_id}.json").exists()


def list_runs(home: Path, last: int | None = None) -> list[dict[str, Any]]:
    """Recorded runs, oldest first: all that are kept, or so many of the last.

    A file that cannot be read is passed over: a report is worth less than a night.
    """
    paths = sorted((home / FOLDER).glob("[!.]*.json"))
    found = [_read(path) for path in (paths[-last:] if last else paths)]
    return [run for run in found if run]


def erase_from_history(home: Path, users: Collection[int]) -> dict[int, int]:
    """Take users' ids out of the reasons of failed runs; how many named each user."""
    found = dict.fromkeys(users, 0)
    for run in list_runs(home):
        named = [user for user in users if re.search(rf"(?<!\d){user}(?!\d)", run["reason"])]
        for user in named:
            found[user] += 1
        if named:
            path = home / FOLDER / f"{run['run_id']}.json"
            write_text(path, json.dumps({**run, "reason": ERASED_REASON}))
    return found


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] | None = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("run_id") == path.stem else None
