"""Follows CURRENT: serves the published snapshot, or says why it cannot be served.

A request takes `follower.served` once and keeps it to its end. A new snapshot is checked and mapped
first and then replaces the old one in one assignment; the old one is unmapped when the last request
that holds it ends. So reads take no lock and never mix two snapshots.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from hertz.api.snapshot.match_list_encoder import MatchListEncoder
from hertz.api.snapshot.overlay import Overlay
from hertz.core.errors import SnapshotError
from hertz.storage.page_cache import populate_page_cache
from hertz.storage.snapshot.manifest import Manifest, read_manifest
from hertz.storage.snapshot.serving import SERVING_FILE, ServingReader, serving_stamp
from hertz.storage.snapshot.snapshots import changed_files, published_snapshot

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Served:
    """One complete snapshot, open for reading, with an encoder of each category's match lists."""

    folder: Path
    manifest: Manifest
    reader: ServingReader
    encoders: dict[str, MatchListEncoder]


class SnapshotFollower:
    """Holds the latest snapshot of a home that could be served.

    Attributes:
        served: The snapshot; None before there is one.
        problem: Why the snapshot that CURRENT names is not served; None if it is.
        first_check: Set after the first look at CURRENT.
        overlay: What the intake has taken since the snapshot was made.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._seen: object = None  # folder and stamp of the published snapshot at the last look
        self.served: Served | None = None
        self.problem: str | None = "the published snapshot is being opened and checked"
        self.first_check = asyncio.Event()
        self.overlay = Overlay(home)

    async def follow(self) -> None:
        """Looks for a new snapshot and new events ten times a second until it is cancelled."""
        try:
            while True:
                await asyncio.to_thread(self.refresh)
                self.first_check.set()
                await asyncio.sleep(POLL_SECONDS)
        finally:
            self.problem = "CURRENT is no longer followed: restart the server and see its log"

    def refresh(self) -> None:
        """Serves the snapshot that CURRENT names, or keeps the old one and sets the problem."""
        before = self.problem
        self.problem = self._serve_published()
        if self.problem and self.problem != before:
            logger.warning("not serving the published snapshot: %s", self.problem)
        manifest = self.served.manifest if self.served else None
        self.overlay.refresh(manifest, self.has_user)

    @property
    def is_published(self) -> bool:
        """Whether a snapshot was ever published."""
        return (self._home / "CURRENT").exists()

    def has_user(self, user_id: int) -> bool:
        """Returns whether the served snapshot has a user."""
        served = self.served
        return served is not None and served.reader.has_user(user_id)

    def _serve_published(self) -> str | None:
        """Opens the published snapshot if it is a new one; returns the problem, None without."""
        try:
            folder = published_snapshot(self._home)
            seen = (folder, serving_stamp(folder))
        except (SnapshotError, OSError, ValueError) as error:
            self._seen = None
            return str(error)
        if seen == self._seen:
            return self.problem
        self._seen = seen
        try:
            self.served = _open(folder)
        except (SnapshotError, ValueError) as error:
            return str(error)
        logger.info("serving snapshot %s", folder.name)
        populate_page_cache(folder / SERVING_FILE)  # the snapshot is served meanwhile
        return None


def _open(folder: Path) -> Served:
    """Opens a snapshot whose serving file has the checksum of the manifest."""
    manifest = read_manifest(folder)
    name = SERVING_FILE.as_posix()
    if name not in manifest.files:
        message = f"{folder}: its manifest does not list {name}; `hertz rollback` mends it"
        raise SnapshotError(message)
    if changed_files(folder, manifest, name):  # a stat, unless the file was copied or written since
        message = (
            f"{folder}: {name} is missing or differs from the manifest's checksum; "
            "`hertz rollback` mends it"
        )
        raise SnapshotError(message)
    reader = ServingReader(folder)
    encoders = {name: MatchListEncoder(name, terms) for name, terms in reader.terms.items()}
    return Served(folder, manifest, reader, encoders)
