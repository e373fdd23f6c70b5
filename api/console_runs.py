"""What the console's first page shows: what is served and how it is, and what became of the runs.

In: the home and the application's health. Out: frozen values for the templates, and the bytes of a
run's report. A run's id from an address is only ever compared with those that there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from api.console_pages import age
from api.console_texts import Language
from api.follower import Served
from api.why import public
from matching.errors import SnapshotError
from storage.snapshots import list_snapshots, read_manifest

RUNS = 50  # the newest that are shown
REPORT = "report.html"


class Now(NamedTuple):
    """The served snapshot."""

    run: str
    made: str
    age: str
    users: int
    policy: str
    policy_hash: str
    embedding_model: str
    language_model: str | None
    intake: int


@dataclass(frozen=True)
class Run:
    """What became of one run; a figure is None where nothing is known of it."""

    id: str
    outcome: str
    reason: str
    ended: str
    age: str
    users: int | None
    matches: int | None
    explanations: int | None
    quarantined: int | None
    coverage: float | None
    seconds: float | None
    served: bool
    report: bool


@dataclass(frozen=True)
class Overview:
    """Everything on the first page."""

    now: Now | None
    notes: list[str]
    runs: list[Run]
    older: list[str]
    held: list[str]


def overview(home: Path, served: Served | None, notes: list[str], language: Language) -> Overview:
    """What is served, what is wrong with it, and the runs, newest first."""
    current = served.manifest.run_id if served else ""
    folders = _folders(home)
    records = {run: _from_manifest(folder) for run, folder in folders.items()}
    names = sorted(records, reverse=True)[:RUNS]
    return Overview(
        now=_now(served, language) if served else None,
        notes=notes,
        runs=[_run(name, records[name], folders.get(name), current, language) for name in names],
        older=[run for run in sorted(folders, reverse=True) if run != current],
        held=[],
    )


def report(home: Path, run_id: str) -> bytes | None:
    """The report in a kept snapshot; None where there is none."""
    folder = _folders(home).get(run_id)
    try:
        return (folder / REPORT).read_bytes() if folder else None
    except FileNotFoundError:
        return None


def _folders(home: Path) -> dict[str, Path]:
    """The kept snapshots by run."""
    return {snapshot.name: snapshot for snapshot in list_snapshots(home)}


def _now(served: Served, language: Language) -> Now:
    manifest = served.manifest
    return Now(
        run=manifest.run_id,
        made=manifest.created_at.isoformat(timespec="seconds"),
        age=age(manifest.created_at, language),
        users=served.reader.users,
        policy=manifest.policy_name,
        policy_hash=manifest.policy_hash,
        embedding_model=public(manifest.embedding_model),
        language_model=public(manifest.language_model or "") or None,
        intake=manifest.intake_sequence,
    )


def _from_manifest(snapshot: Path) -> dict[str, Any]:
    """The record of a run that none was written of, as far as its snapshot tells."""
    try:
        manifest = read_manifest(snapshot)
    except SnapshotError as error:
        return {"outcome": "failed", "reason": str(error).replace(f"{snapshot.parent}/", "")}
    seconds = [part["seconds"] for part in manifest.get("stages", {}).values()]
    return {
        "outcome": "published",
        "ended_at": manifest.get("created_at"),
        "counts": manifest.get("counts", {}),
        "total_seconds": sum(seconds) if seconds else None,
    }


def _run(
    run: str, record: Mapping[str, Any], folder: Path | None, current: str, language: Language
) -> Run:
    counts: Mapping[str, Any] = record.get("counts") or {}
    overall = (record.get("quality") or {}).get("overall") or {}
    ended = record.get("ended_at") or ""
    return Run(
        id=run,
        outcome=record["outcome"],
        reason=record.get("reason", ""),
        ended=ended,
        age=age(datetime.fromisoformat(ended), language) if ended else "",
        users=counts.get("users"),
        matches=_total(counts.get("matches")),
        explanations=_total(counts.get("explanations")),
        quarantined=counts.get("quarantined"),
        coverage=overall.get("coverage"),
        seconds=record.get("total_seconds"),
        served=run == current,
        report=folder is not None and (folder / REPORT).is_file(),
    )


def _total(parts: Mapping[str, int] | None) -> int | None:
    return sum(parts.values()) if parts else None
