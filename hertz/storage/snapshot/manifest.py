"""The manifest of a snapshot: what it contains, where it comes from, and its checksums.

It is the last file that a snapshot gets, so a folder with a manifest is whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from hertz.core.errors import SnapshotError
from hertz.policy.load import describe_error
from hertz.reports.figures import is_none
from hertz.reports.runs import ReportedRun
from hertz.storage.files import write_text
from hertz.storage.snapshot.stage_results import StageResults

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"


class Manifest(ReportedRun):
    """The manifest of a snapshot.

    Attributes:
        intake_sequence: Sequence number of the last intake event that the run merged.
        erased_users: Number of users erased from the snapshot since; None if nobody was.
        files: SHA-256 of each file, in hex, by its path in the snapshot.
        stamps: Inode, size and times of each file when its checksum was taken.
    """

    schema_version: Literal[1]
    intake_sequence: int = 0
    stages: StageResults
    erased_users: int | None = Field(default=None, exclude_if=is_none)
    files: dict[str, str] = Field(default_factory=dict)
    stamps: dict[str, list[int]] = Field(default_factory=dict)


def read_manifest(snapshot: Path) -> Manifest:
    """Reads the manifest of a snapshot.

    Raises:
        SnapshotError: If it is missing, is not JSON, is of another schema version, or lacks a part;
            one line that says what to run.
    """
    path = snapshot / MANIFEST
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        message = f"{path}: {_describe(error)}; `hertz nightly` publishes a new snapshot"
        raise SnapshotError(message) from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest of a snapshot, atomically and durably."""
    text = json.dumps(manifest.as_json(), ensure_ascii=False, indent=1)
    write_text(folder / MANIFEST, text)


def _describe(error: OSError | ValidationError) -> str:
    """Returns the first fault of a manifest in words; a foreign schema version comes first."""
    if isinstance(error, OSError):
        return f"cannot be read ({type(error).__name__})"
    faults = error.errors(include_url=False)
    version = next((fault for fault in faults if fault["loc"] == ("schema_version",)), None)
    if version:
        found = None if version["type"] == "missing" else version["input"]
        return f"schema version {found!r}, but this Hertz reads {SCHEMA_VERSION}"
    return f"damaged or of another form: {describe_error(faults[0])}"
