"""Terminal output of `hertz intake` and `hertz forget`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from hertz.stages.forget import Receipt
from hertz.storage.intake.queue import INTAKE_FILE, Intake
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import current_snapshot


def waiting_in(home: Path) -> dict[str, Any]:
    """Returns what `hertz intake --json` prints: counts and user ids, no profile."""
    snapshot = current_snapshot(home)
    folded = read_manifest(snapshot).intake_sequence if snapshot else 0
    found: dict[str, Any] = {"waiting": 0, "published_sequence": folded, "last_sequence": folded}
    if not (home / INTAKE_FILE).exists():
        return {**found, "by_kind": {}, "oldest_seconds": None, "user_ids": {}}
    with Intake(home) as intake:
        events = intake.events(folded)
        oldest = intake.first_received(folded)
        last = intake.last_sequence()
    age = datetime.now(UTC) - datetime.fromisoformat(oldest) if oldest else None
    users: dict[str, list[int]] = {}
    for event in events:
        users.setdefault(event.kind, []).append(event.user_id)
    return {
        **found,
        "waiting": len(events),
        "last_sequence": last,
        "by_kind": {kind: len(ids) for kind, ids in users.items()},
        "oldest_seconds": round(age.total_seconds(), 3) if age else None,
        "user_ids": users,
    }


def show_waiting(found: dict[str, Any]) -> None:
    """Prints the events that wait for the next run, as a table."""
    console = Console()
    if not found["waiting"]:
        console.print("no event waits: the published snapshot has everything that was sent")
        return
    title = f"{found['waiting']} events wait for the next run"
    table = Table("event", Column("count", justify="right"), "users", title=title)
    for kind, ids in found["user_ids"].items():
        more = " ..." if len(ids) > 20 else ""
        table.add_row(kind, f"{len(ids):,}", ", ".join(map(str, ids[:20])) + more)
    console.print(table)
    console.print(f"the oldest was sent {found['oldest_seconds']:,.0f} s ago")


def show_receipt(receipt: Receipt) -> None:
    """Prints what was removed from which store, as a table."""
    console = Console()
    title = f"Forgotten user: tombstone {receipt.user[:16]}"
    table = Table("store", Column("removed", justify="right"), "note", title=title)
    for line in receipt.stores:
        table.add_row(line["store"], f"{line['removed']:,}", line["note"])
    console.print(table)
    if receipt.scan is not None:
        show_scan(receipt.scan)


def show_scan(scan: dict[str, Any]) -> None:
    """Prints what a search of every byte has found."""
    console = Console()
    for line in scan["found"]:
        console.print(f"found: {line['file']}: {line['place']} ({line['times']} times)")
    for note in scan["notes"]:
        console.print(f"note: {note}")
    outcome = f"{len(scan['found'])} places hold the user" if scan["found"] else "nothing found"
    console.print(f"searched {scan['files']:,} files, {scan['bytes']:,} bytes: {outcome}")
