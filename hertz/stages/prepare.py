"""First stage: reads the profiles, keeps the valid rows, quarantines the others with a reason.

The events of the intake are merged into the source's rows: see `stages/merge_intake.py`.
"""

from __future__ import annotations

import os

from hertz.core.errors import SourceError
from hertz.core.faults import fault_point
from hertz.policy.profiles import validate_profiles
from hertz.stages.merge_intake import merge_intake
from hertz.stages.run import Run, Stopwatch
from hertz.storage.files import write_frame
from hertz.storage.settings import SourceSettings
from hertz.storage.snapshot.stage_results import PrepareResult
from hertz.storage.sources import Source, read_source


def prepare(run: Run) -> PrepareResult:
    """Writes users.parquet and quarantine.parquet into the run's folder.

    Raises:
        SourceError: If the source cannot be read, or not one of its rows is valid.
    """
    watch = Stopwatch()
    source = _read(run.settings.source)
    valid = validate_profiles(run.settings.policy, source.frame, source.rejected)
    merged = merge_intake(run.settings, source.frame, valid)
    profiles, quarantine = merged.checked.profiles, merged.checked.quarantine
    write_frame(quarantine, run.folder / "quarantine.parquet")
    write_frame(profiles, run.folder / "users.parquet")
    fault_point("prepare.written")
    result = run.record(
        PrepareResult(
            seconds=watch.seconds,
            users=len(profiles),
            quarantined=quarantine["row"].n_unique(),
            ignored_columns=tuple(merged.checked.ignored_columns),
            intake_sequence=merged.sequence,
            intake_profiles=merged.sent,
            intake_removed=merged.removed,
            intake_blocks=merged.blocks,
        )
    )
    if not len(profiles):
        first = quarantine.row(0, named=True)
        message = (
            f"not one of {result.quarantined} rows is a valid profile; row {first['row']}: "
            f"{first['field']}: {first['reason']}"
        )
        raise SourceError(message)
    return result


def _read(settings: SourceSettings) -> Source:
    """Reads the configured source: a database query, or a file or folder."""
    if settings.query:
        if not (address := os.environ.get("HERTZ_DATABASE_URL")):
            message = (
                "source.query is set, but HERTZ_DATABASE_URL is not: set the database's address"
            )
            raise SourceError(message)
        return read_source(address, settings.query)
    if not settings.path:
        message = "no profiles: set source.path in hertz.toml, or name a file with --source"
        raise SourceError(message)
    return read_source(settings.path)
