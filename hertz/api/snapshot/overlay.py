"""Holds what the intake has taken and the served snapshot may not have yet; every read obeys it.

It holds every event that any kept snapshot lacks, so that a rollback takes effect at once; events
that a newer snapshot already has do no harm. Reads take no lock: they look ids up in dictionaries
that are changed in single steps or replaced whole.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from hertz.core.errors import SnapshotError, StorageError
from hertz.storage.intake.events import Event
from hertz.storage.intake.queue import INTAKE_FILE, Intake, IsPublished
from hertz.storage.snapshot.manifest import Manifest, read_manifest
from hertz.storage.snapshot.snapshots import list_snapshots

logger = logging.getLogger(__name__)

UserStatus = Literal["known", "pending", "removed"]


class _Latest(NamedTuple):
    """The number of the latest event about a user or pair, and whether it or its block exists."""

    sequence: int
    holds: bool


class _Version(NamedTuple):
    """What the overlay was last built from; `manifest` is compared by identity."""

    manifest: Manifest | None
    erased: int
    written: int


_NOTHING = _Latest(0, False)


class _State:
    """What the events say of every user and pair that they name.

    Attributes:
        removed: Number of the latest removal of each removed user.
        users: Latest event of each user.
        blocks: Latest block or unblock of each pair, in the order of the request.
        blocked: Users whom each user must not see, in both directions.
        sequence: Number of the last event that was read.
    """

    def __init__(self) -> None:
        self.removed: dict[int, int] = {}
        self.users: dict[int, _Latest] = {}
        self.blocks: dict[tuple[int, int], _Latest] = {}
        self.blocked: defaultdict[int, set[int]] = defaultdict(set)
        self.sequence = 0

    def apply(self, event: Event) -> None:
        """Applies an event; one that is older than what is known changes nothing."""
        user = event.user_id
        if event.other_id is not None:
            self._apply_block(event, user, event.other_id)
        elif self.users.get(user, _NOTHING).sequence < event.sequence:
            exists = event.kind in ("register", "update")
            if not exists:
                self.removed[user] = event.sequence
            self.users[user] = _Latest(event.sequence, exists)

    def _apply_block(self, event: Event, user: int, other: int) -> None:
        """Applies a block or unblock; a pair is hidden while either has blocked the other."""
        if self.blocks.get((user, other), _NOTHING).sequence >= event.sequence:
            return
        blocks = event.kind == "block"
        self.blocks[user, other] = _Latest(event.sequence, blocks)
        hidden = blocks or self.blocks.get((other, user), _NOTHING).holds
        for one, two in ((user, other), (other, user)):
            if hidden:
                self.blocked[one].add(two)
            elif one in self.blocked:
                self.blocked[one].discard(two)


class Overlay:
    """Says who is removed, pending or blocked, whatever the snapshot says.

    Attributes:
        problem: Why the intake cannot be read; None if it can.
        ready: Whether the intake was read at least once, or there is none.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._state = _State()
        self._changing = threading.Lock()
        self._intake: Intake | None = None
        self._version: _Version | None = None
        self.problem: str | None = None
        self.ready = False

    def status(self, user_id: int, sequence: int, has_user: IsPublished) -> UserStatus | None:
        """Returns a user's status; None if neither the snapshot nor an event names the user.

        `sequence` is the snapshot's `intake_sequence`.
        """
        state = self._state
        latest = state.users.get(user_id)
        if latest is None:
            return "known" if has_user(user_id) else None
        if not latest.holds:
            return "removed"
        removed_since = state.removed.get(user_id, 0) > sequence
        return "known" if has_user(user_id) and not removed_since else "pending"

    def hides(self, user_id: int, other_id: int, sequence: int) -> bool:
        """Returns whether the other must not be shown to the user, whatever the lists say."""
        state = self._state
        blocked = state.blocked.get(user_id)
        if blocked and other_id in blocked:
            return True
        removed = state.removed.get(other_id)
        return removed is not None and (removed > sequence or not state.users[other_id].holds)

    @property
    def is_empty(self) -> bool:
        """Whether nobody at all is hidden."""
        return not self._state.removed and not self._state.blocked

    def apply(self, events: Iterable[Event]) -> None:
        """Applies events, this server's own ones before their requests are answered."""
        with self._changing:
            for event in events:
                self._state.apply(event)

    def refresh(self, manifest: Manifest | None, has_user: IsPublished) -> None:
        """Applies other processes' events; rebuilds all when the served manifest is another one."""
        try:
            self._refresh(manifest, has_user)
        except StorageError as error:
            self.close()
            if self.problem is None:
                logger.warning("deletions and blocks are not followed: %s", error)
            self.problem = str(error)
        else:
            self.problem = None
            self.ready = True

    def close(self) -> None:
        """Closes the intake."""
        if self._intake is not None:
            self._intake.close()
        self._intake = None
        self._version = None

    def _refresh(self, manifest: Manifest | None, has_user: IsPublished) -> None:
        """Reads the intake if it or the snapshot changed."""
        if self._intake is None:
            if not (self._home / INTAKE_FILE).exists():
                return
            self._intake = Intake(self._home)
        written, erased = self._intake.change_counters()
        before = self._version
        self._version = _Version(manifest, erased, written)
        if before is None or before.manifest is not manifest or before.erased != erased:
            sequence = manifest.intake_sequence if manifest else 0
            oldest = min(sequence, self._smallest_kept_sequence())
            self._rebuild(self._intake, oldest, has_user)
        elif before.written != written:
            events = self._intake.events(self._state.sequence)
            self.apply(events)
            if events:
                self._state.sequence = events[-1].sequence

    def _rebuild(self, intake: Intake, after: int, has_user: IsPublished) -> None:
        """Reads all events after a number anew.

        Users whose events were erased stay hidden as long as the served snapshot has them.
        """
        with self._changing:
            fresh = _State()
            fresh.sequence = after
            for event in intake.events(after):
                fresh.apply(event)
                fresh.sequence = event.sequence
            for user, removed in self._state.removed.items():
                if user not in fresh.users and has_user(user):
                    fresh.removed[user] = removed
                    fresh.users[user] = _Latest(removed, False)
            self._state = fresh

    def _smallest_kept_sequence(self) -> int:
        """Returns the smallest `intake_sequence` of the kept snapshots, 0 without any."""
        found = []
        for snapshot in list_snapshots(self._home):
            try:
                found.append(read_manifest(snapshot).intake_sequence)
            except SnapshotError:  # no rollback can reach a snapshot that cannot be served
                continue
        return min(found, default=0)
