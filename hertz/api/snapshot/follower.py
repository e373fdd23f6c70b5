"""Follows CURRENT: which snapshot is served, and why not the one named where it cannot be.

A request takes `follower.served` once and keeps it to its end. A new snapshot is checked and
mapped aside, then takes the place in one assignment; the old one is unmapped when the last request
that holds it lets go. So reads take no lock and never see two snapshots.

The check of a file that is as the night left it costs one stat; one that was copied or written
since is read whole (about 1 GB/s) first, and the old snapshot serves meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel

from hertz.api.snapshot.match_list_encoder import Listing
from hertz.api.snapshot.overlay import Overlay
from hertz.core.errors import SnapshotError
from hertz.policy.model import Policy
from hertz.storage.page_cache import populate_page_cache
from hertz.storage.snapshot.serving import SERVING_FILE, ServingReader, serving_stamp
from hertz.storage.snapshot.snapshots import changed_files, published_snapshot, read_manifest

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1


class Manifest(BaseModel):
    """What the API reads of a snapshot's manifest."""

    run_id: str
    created_at: AwareDatetime
    policy_name: str
    policy_hash: str
    policy: Policy
    embedding_model: str
    language_model: str | None
    files: dict[str, str]
    intake_sequence: int = 0


@dataclass(frozen=True)
class Served:
    """One whole snapshot, open for reading."""

    folder: Path
    manifest: Manifest
    reader: ServingReader
    listings: dict[str, Listing]

    @property
    def created_at(self) -> datetime:
        """When it was made."""
        return self.manifest.created_at


class SnapshotFollower:
    """Holds the last snapshot of a home that could be served.

    Attributes:
        served: That snapshot; None before there is one.
        problem: Why the one that CURRENT names is not it; None if it is.
        looked: Set once it was looked for.
        overlay: What the intake says on top of it.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self.looked = asyncio.Event()
        self._seen: tuple[Path, tuple[int, ...]] | None = None
        self.served: Served | None = None
        self.problem: str | None = "the published snapshot is being opened and checked"
        self.overlay = Overlay(home)

    async def follow(self) -> None:
        """Look for a new snapshot and other writers now and ten times a second, until cancelled."""
        try:
            while True:
                await asyncio.to_thread(self.refresh)
                self.looked.set()
                await asyncio.sleep(POLL_SECONDS)
        finally:
            self.problem = "CURRENT is no longer followed: restart the server and see its log"

    def refresh(self) -> None:
        """Serve what CURRENT names if it is whole; otherwise stay, and tell the problem."""
        before, self.problem = self.problem, self._move_on()
        if self.problem and self.problem != before:
            logger.warning("not serving the published snapshot: %s", self.problem)
        self._follow_intake()

    @property
    def is_published(self) -> bool:
        """Whether there was a first night."""
        return (self._home / "CURRENT").exists()

    def knows(self, user_id: int) -> bool:
        """Whether the served snapshot has a user."""
        served = self.served
        return served is not None and served.reader.has_user(user_id)

    def _follow_intake(self) -> None:
        manifest = self.served.manifest if self.served else None
        sequence = manifest.intake_sequence if manifest else 0
        self.overlay.refresh(manifest, sequence, self.knows)

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
        populate_page_cache(snapshot / SERVING_FILE)  # it serves meanwhile
        return None


def _open(snapshot: Path) -> Served:
    """Map a snapshot whose serving file is the one its manifest tells of.

    Raises:
        SnapshotError: If it is not, or the file is not listed.
        ValueError: If the manifest lacks a key (pydantic's message names it).
    """
    raw = read_manifest(snapshot)
    manifest = Manifest.model_validate(raw)
    name = SERVING_FILE.as_posix()
    if name not in manifest.files:
        message = f"{snapshot}: its manifest does not list {name}; `hertz rollback` mends it"
        raise SnapshotError(message)
    if changed_files(snapshot, raw, name):
        message = f"{snapshot}: {name} is missing or differs from the manifest's checksum; "
        message += "`hertz rollback` mends it"
        raise SnapshotError(message)
    reader = ServingReader(snapshot)
    listings = {category: Listing(category, terms) for category, terms in reader.terms.items()}
    return Served(snapshot, manifest, reader, listings)
