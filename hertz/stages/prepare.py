"""First stage: read the profiles, keep the valid rows, quarantine the others with their reasons.

What the intake has taken so far is folded in: see `stages/merge_intake.py`.
"""

from __future__ import annotations

import os

from hertz.core.errors import SourceError
from hertz.core.faults import fault_point
from hertz.policy.profiles import validate_profiles
from hertz.stages.merge_intake import merge_intake
from hertz.stages.run import Run
from hertz.storage.files import write_frame
from hertz.storage.settings import SourceSettings
from hertz.storage.sources import Source, read_source


def prepare(run: Run) -> None:
    """Write users.parquet and quarantine.parquet into the run's folder.

    Raises:
        SourceError: If the source cannot be read, or not one of its rows is valid.
    """
    with run.stage("prepare") as figures:
        source = _read(run.settings.source)
        valid = validate_profiles(run.settings.policy, source.frame, source.rejected)
        checked, folded = merge_intake(run.settings, source.frame, valid)
        write_frame(checked.quarantine, run.folder / "quarantine.parquet")
        write_frame(checked.profiles, run.folder / "users.parquet")
        fault_point("prepare.written")
        figures["users"] = len(checked.profiles)
        figures["quarantined"] = checked.quarantine["row"].n_unique()
        figures["ignored_columns"] = list(checked.ignored_columns)
        figures |= folded
    if not len(checked.profiles):
        first = checked.quarantine.row(0, named=True)
        message = (
            f"not one of {figures['quarantined']} rows is a valid profile; row {first['row']}: "
            f"{first['field']}: {first['reason']}"
        )
        raise SourceError(message)


def _read(settings: SourceSettings) -> Source:
    if settings.query:
        address = os.environ.get("HERTZ_DATABASE_URL")
        if not address:
            message = (
                "source.query is set, but HERTZ_DATABASE_URL is not: set the database's address"
            )
            raise SourceError(message)
        return read_source(address, settings.query)
    if not settings.path:
        message = "no profiles: set source.path in hertz.toml, or name a file with --source"
        raise SourceError(message)
    return read_source(settings.path)
