"""Commands that look after a home: its state, its past runs, its faults, what it removes."""

from __future__ import annotations

import json
from typing import Annotated

from typer import Argument, Exit, Option, echo

from hertz.cli.options import DEFAULT_POLICY, AsJson, Home, PolicyFile, Source, settings_of


def status(policy: PolicyFile = DEFAULT_POLICY, home: Home = None, as_json: AsJson = False) -> None:
    """Show the published snapshot: policy, counts, models, and a run that the gate held."""
    from hertz.cli.report import held_in, show_status, status_of
    from hertz.storage.snapshot.snapshots import published_snapshot

    where = settings_of(policy, home).home
    held = held_in(where)
    found = status_of(published_snapshot(where)) | {"held": held._asdict() if held else None}
    echo(json.dumps(found, ensure_ascii=False)) if as_json else show_status(found)


def runs(
    last: Annotated[int, Option(min=1, help="Number of runs to show.")] = 14,
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Show the last runs: outcome, users, seconds and quality figures of each."""
    from hertz.cli.report import show_runs
    from hertz.storage.snapshot.history import list_runs

    found = list_runs(settings_of(policy, home).home, last)
    if as_json:
        echo(json.dumps([run.as_json() for run in found], ensure_ascii=False))
    else:
        show_runs(found)


def rollback(
    to: Annotated[
        str | None,
        Option(help="Run id of the snapshot. Default: the one before the published one."),
    ] = None,
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
) -> None:
    """Publish an older snapshot again; a running API follows within a second."""
    from hertz.storage.snapshot.snapshots import rollback as roll

    echo(f"published again: {roll(settings_of(policy, home).home, to).name}")


def publish(
    run_id: Annotated[str, Argument(help="Run id of a snapshot that the gate held.")],
    force: Annotated[bool, Option("--force", help="Publish although the gate refused it.")] = False,
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
) -> None:
    """Publish a run that the gate held. Without --force: show the reason and the report."""
    from hertz.cli.report import held_in
    from hertz.stages.publish import publish_anyway

    settings = settings_of(policy, home)
    held = held_in(settings.home)
    if held and held.run_id == run_id and not force:
        found = f"held: {held.reason}\nreport: {held.report}"
        echo(f"{found}\nto publish it anyway, add --force", err=True)
        raise Exit(1)
    echo(f"published: {publish_anyway(settings, run_id).name}")


def cleanup(
    keep: Annotated[
        int | None, Option(min=1, help="Number of newest snapshots to keep. Default: storage.keep.")
    ] = None,
    held: Annotated[
        bool, Option("--held", help="Also remove snapshots that the gate held.")
    ] = False,
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Remove old snapshots, files of killed runs, and vectors of unused models."""
    from hertz.stages.cleanup import cleanup as clean

    done = clean(settings_of(policy, home), keep, held)
    if as_json:
        echo(json.dumps(done._asdict()))
    else:
        echo(f"removed: {', '.join(done.removed) or 'none'} ({done.freed_bytes:,} bytes)")
        echo(f"kept: {', '.join(done.kept) or 'none'}")
        echo(f"vectors of unused models removed: {', '.join(done.vectors) or 'none'}")


def intake(policy: PolicyFile = DEFAULT_POLICY, home: Home = None, as_json: AsJson = False) -> None:
    """Show the events that wait for the next run: registrations, updates, deletions, blocks."""
    from hertz.cli.intake_report import show_waiting, waiting_in

    found = waiting_in(settings_of(policy, home).home)
    echo(json.dumps(found)) if as_json else show_waiting(found)


def forget(
    user_id: Annotated[int, Argument(help="Id of the user to forget.")],
    verify: Annotated[
        bool,
        Option(
            "--verify", help="Only search every byte of the home; exit code 1 if the user is found."
        ),
    ] = False,
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Hide a user at once, erase every trace, and show what was removed from which store."""
    from hertz.cli.intake_report import show_receipt, show_scan
    from hertz.stages.forget import forget as forget_user
    from hertz.stages.forget import verify as search

    settings = settings_of(policy, home)
    if verify:
        scan = search(settings, user_id)
        found = bool(scan.findings)
        echo(scan.to_json()) if as_json else show_scan(scan.as_dict())
    else:
        receipt = forget_user(settings, user_id)
        found = receipt.is_incomplete
        echo(receipt.to_json()) if as_json else show_receipt(receipt)
    raise Exit(int(found))


def doctor(
    policy: PolicyFile = DEFAULT_POLICY,
    home: Home = None,
    source: Source = None,
    as_json: AsJson = False,
) -> None:
    """Check everything that a night needs; show a fix for each fault; exit code 1 on a fault."""
    from hertz.cli.doctor.doctor import as_dict, examine, faults, show

    findings = examine(policy, home, source)
    echo(json.dumps(as_dict(findings), ensure_ascii=False)) if as_json else show(findings)
    raise Exit(int(faults(findings) > 0))
