"""Follows CURRENT: which snapshot is served, and why not the one named where it cannot be.

A request takes `follower.served` once and keeps it to its end. A new snapshot is checked and
mapped aside, then takes the place in one assignment; the old one is unmapped when the last request
that holds it lets go. So reads take no lock and never see two snapshots.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from matching.errors import SnapshotError
from storage.serving import SERVING_FILE, ServingReader, serving_stamp
from storage.snapshots import published_snapshot, read_manifest

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2


class Manifest(BaseModel):
    """What the API reads of a snapshot's manifest."""

    run_id: str
    created_at: str
    policy_hash: str
    files: dict[str, str]


@dataclass(frozen=True)
class Served:
    """One whole snapshot, open for reading."""

    manifest: Manifest
    reader: ServingReader


class SnapshotFollower:
    """Holds the last snapshot of a home that could be served.

    Attributes:
        served: That snapshot; None before there is one.
        problem: Why the one that CURRENT names is not it; None if it is.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._seen: tuple[Path, tuple[int, ...]] | None = None
        self.served: Served | None = None
        self.problem: str | None = None

    async def follow(self) -> None:
        """Look for a new snapshot five times a second, until cancelled."""
        try:
            while True:
                await asyncio.sleep(POLL_SECONDS)
                await asyncio.to_thread(self.refresh)
        finally:
            self.problem = "CURRENT is no longer followed: restart the server and see its log"

    def refresh(self) -> None:
        """Serve what CURRENT names if it is whole; otherwise stay, and tell the problem."""
        before, self.problem = self.problem, self._move_on()
        if self.problem and self.problem != before:
            logger.warning("not serving the published snapshot: %s", self.problem)

    def _move_on(self) -> str | None:
        try:
            snapshot = published_snapshot(self._home)
            seen = (snapshot, serving_stamp(snapshot))
        except (SnapshotError, OSError, ValueError) as error:
            self._seen = None
            return str(error)
        if seen == self._seen:
            return self.problem
        self._seen = seen
        try:
            self.served = _open(snapshot)
        except (SnapshotError, ValueError) as error:
            return str(error)
        logger.info("serving snapshot %s", snapshot.name)
        return None


def _open(snapshot: Path) -> Served:
    """Map a snapshot whose serving file is the one its manifest tells of.

    Raises:
        SnapshotError: If it is not, or the file is not listed.
        ValueError: If the manifest lacks a key (pydantic's message names it).
    """
    manifest = Manifest.model_validate(read_manifest(snapshot))
    sha256 = manifest.files.get(SERVING_FILE.as_posix())
    if sha256 is None:
        message = (
            f"{snapshot}: its manifest does not list {SERVING_FILE}; `hertz rollback` mends it"
        )
        raise SnapshotError(message)
    return Served(manifest, ServingReader(snapshot, sha256))
