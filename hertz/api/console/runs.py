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

from hertz.api.console.pages import age
from hertz.api.lists.why import public
from hertz.api.snapshot.follower import Served
from hertz.core.errors import SnapshotError
from hertz.core.interface_texts.catalogue import Language
from hertz.storage.snapshot.history import Outcome, list_runs, told
from hertz.storage.snapshot.snapshots import HELD, REPORT, list_held, list_snapshots, read_manifest

RUNS = 60  # the newest that are shown


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
    forced: bool
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
    kept, held = _kept(home), _held(home)
    records = {run["run_id"]: run for run in list_runs(home, RUNS)}
    for run, folder in (kept | held).items():
        records.setdefault(run, _from_manifest(run, folder))
    folders = kept | held
    return Overview(
        now=_now(served, language) if served else None,
        notes=notes,
        runs=[
            _run(record, folders.get(run), current, language)
            for run, record in sorted(records.items(), reverse=True)[:RUNS]
        ],
        older=[run for run in sorted(kept, reverse=True) if run != current],
        held=sorted(held),
    )


def report(home: Path, run_id: str) -> bytes | None:
    """The report in a snapshot that is kept or held; None where there is none."""
    folder = (_kept(home) | _held(home)).get(run_id)
    try:
        return (folder / REPORT).read_bytes() if folder else None
    except FileNotFoundError:
        return None


def _kept(home: Path) -> dict[str, Path]:
    """The snapshots by run."""
    return {snapshot.name: snapshot for snapshot in list_snapshots(home)}


def _held(home: Path) -> dict[str, Path]:
    """What the gate held back, by run."""
    return {folder.name.removeprefix(HELD): folder for folder in list_held(home)}


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


def _from_manifest(run: str, folder: Path) -> dict[str, Any]:
    """The record of a run that left none, as far as its snapshot tells."""
    outcome: Outcome = "held" if folder.name.startswith(HELD) else "published"
    try:
        return told(run, outcome, "", read_manifest(folder))
    except SnapshotError as error:
        return told(run, "failed", str(error).replace(f"{folder}", run), {})


def _run(record: dict[str, Any], folder: Path | None, current: str, language: Language) -> Run:
    counts, run = record["counts"], record["run_id"]
    ended = datetime.fromisoformat(record["ended_at"])
    overall = (record["quality"] or {}).get("overall", {})
    return Run(
        id=run,
        outcome=record["outcome"],
        reason=record["reason"],
        forced=record["forced"],
        ended=record["ended_at"],
        age=age(ended, language),
        users=counts.get("users"),
        matches=_total(counts.get("matches")),
        explanations=_total(counts.get("explanations")),
        quarantined=counts.get("quarantined"),
        coverage=overall.get("coverage"),
        seconds=record["total_seconds"] or None,
        served=run == current,
        report=folder is not None and (folder / REPORT).is_file(),
    )


def _total(parts: Mapping[str, int] | None) -> int | None:
    return sum(parts.values()) if parts else None
