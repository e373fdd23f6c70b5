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

from api.overlay import Overlay, Standing
from matching.errors import SnapshotError
from storage.serving import SERVING_FILE, Match, ServingReader, serving_stamp
from storage.snapshots import published_snapshot, read_manifest

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1
_WHOLE_LIST = 1000  # the longest that a policy allows


class Manifest(BaseModel):
    """What the API reads of a snapshot's manifest."""

    run_id: str
    created_at: str
    policy_hash: str
    files: dict[str, str]
    intake_sequence: int = 0


@dataclass(frozen=True)
class Served:
    """One whole snapshot, open for reading, and what must not be shown of it any more."""

    manifest: Manifest
    reader: ServingReader
    overlay: Overlay

    def standing(self, user_id: int) -> Standing | None:
        """How a user stands; None where nobody knows the user."""
        return self.overlay.standing(user_id, self.manifest.intake_sequence, self.reader.has_user)

    def hides(self, user_id: int, other_id: int) -> bool:
        """Whether the other is gone, or one of the two blocks the other one."""
        return self.overlay.hides(user_id, other_id, self.manifest.intake_sequence)

    def match_ids(self, category: str, user_id: int, limit: int) -> list[int]:
        """Ids of the user's best matches that may be shown, best first."""
        if self.overlay.is_empty:
            return self.reader.match_ids(category, user_id, limit)
        found = self.reader.match_ids(category, user_id, _WHOLE_LIST)
        return [other for other in found if not self.hides(user_id, other)][:limit]

    def matches(self, category: str, user_id: int, limit: int) -> list[Match]:
        """The user's best matches that may be shown, with scores and breakdowns, best first."""
        if self.overlay.is_empty:
            return self.reader.matches(category, user_id, limit)
        found = self.reader.matches(category, user_id, _WHOLE_LIST)
        return [match for match in found if not self.hides(user_id, match.other_id)][:limit]


class SnapshotFollower:
    """Holds the last snapshot of a home that could be served.

    Attributes:
        served: That snapshot; None before there is one.
        problem: Why the one that CURRENT names is not it; None if it is.
        overlay: What the intake says on top of it.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._seen: tuple[Path, tuple[int, ...]] | None = None
        self.served: Served | None = None
        self.problem: str | None = None
        self.overlay = Overlay(home)

    async def follow(self) -> None:
        """Look for a new snapshot and for other writers, ten times a second, until cancelled."""
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
            self.served = _open(snapshot, self.overlay)
        except (SnapshotError, ValueError) as error:
            return str(error)
        logger.info("serving snapshot %s", snapshot.name)
        return None


def _open(snapshot: Path, overlay: Overlay) -> Served:
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
    return Served(manifest, ServingReader(snapshot, sha256), overlay)
