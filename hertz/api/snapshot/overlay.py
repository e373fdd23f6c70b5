"""What the intake has taken and the snapshots may not know yet, in memory, honored by every read.

Fed by this server's own writes before they are answered, and five times a second by those of other
processes. Holds the events that any kept snapshot lacks, so that a rollback needs no waiting; what
a newer snapshot already knows does no harm here. Reads take no lock: they look ids up in
dictionaries that are changed in single steps or replaced whole.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from hertz.core.errors import SnapshotError, StorageError
from hertz.storage.intake.events import Event
from hertz.storage.intake.queue import INTAKE_FILE, Intake, IsPublished
from hertz.storage.snapshot.snapshots import list_snapshots, read_manifest

logger = logging.getLogger(__name__)

Standing = Literal["known", "pending", "gone"]


class _State:
    """The latest word on every user and pair that the events name."""

    def __init__(self) -> None:
        self.removed: dict[int, int] = {}  # user -> number of the latest removal
        self.latest: dict[int, tuple[int, bool]] = {}  # user -> (number, whether there is one)
        self.pairs: dict[tuple[int, int], tuple[int, bool]] = {}
        self.blocked: defaultdict[int, set[int]] = defaultdict(set)
        self.sequence = 0

    def apply(self, event: Event) -> None:
        """Take an event; one that was overtaken by a later one changes nothing."""
        user = event.user_id
        if event.other_id is not None:
            self._apply_block(event, user, event.other_id)
        elif self.latest.get(user, (0, False))[0] < event.sequence:
            present = event.kind in ("register", "update")
            if not present:
                self.removed[user] = event.sequence
            self.latest[user] = (event.sequence, present)

    def _apply_block(self, event: Event, user: int, other: int) -> None:
        if self.pairs.get((user, other), (0, False))[0] >= event.sequence:
            return
        self.pairs[user, other] = (event.sequence, event.kind == "block")
        either = self.pairs[user, other][1] or self.pairs.get((other, user), (0, False))[1]
        for one, two in ((user, other), (other, user)):
            if either:
                self.blocked[one].add(two)
            elif one in self.blocked:
                self.blocked[one].discard(two)


class Overlay:
    """Who is gone, pending or blocked, whatever the snapshot says.

    Attributes:
        problem: Why the intake cannot be read; None if it can.
        ready: Whether it was read at least once, or there is none.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._state = _State()
        self._changing = threading.Lock()
        self._intake: Intake | None = None
        self._seen: tuple[object, int, int] | None = None
        self.problem: str | None = None
        self.ready = False

    def standing(self, user_id: int, sequence: int, knows: IsPublished) -> Standing | None:
        """How a user stands: None where neither the snapshot nor an event knows the user.

        Args:
            user_id: The user.
            sequence: The snapshot's `intake_sequence`.
            knows: Whether the snapshot has a user.
        """
        state = self._state
        latest = state.latest.get(user_id)
        if latest is None:
            return "known" if knows(user_id) else None
        if not latest[1]:
            return "gone"
        renewed = state.removed.get(user_id, 0) > sequence
        return "known" if knows(user_id) and not renewed else "pending"

    def hides(self, user_id: int, other_id: int, sequence: int) -> bool:
        """Whether the other must not be shown to the user, whatever the snapshot's lists say."""
        state = self._state
        blocked = state.blocked.get(user_id)
        if blocked and other_id in blocked:
            return True
        removed = state.removed.get(other_id)
        return removed is not None and (removed > sequence or not state.latest[other_id][1])

    @property
    def is_empty(self) -> bool:
        """Whether it hides nothing at all."""
        return not self._state.removed and not self._state.blocked

    def apply(self, events: Iterable[Event]) -> None:
        """Take this server's own events, before they are answered."""
        with self._changing:
            for event in events:
                self._state.apply(event)

    def refresh(self, served: object, sequence: int, knows: IsPublished) -> None:
        """Take what other processes wrote; start anew where a snapshot changed.

        Args:
            served: The manifest of the snapshot served: the object, not what it says, counts.
            sequence: Its `intake_sequence`.
            knows: Whether it has a user.
        """
        try:
            self._refresh(served, sequence, knows)
        except StorageError as error:
            self._close()
            if self.problem is None:
                logger.warning("deletions and blocks are not followed: %s", error)
            self.problem = str(error)
        else:
            self.problem, self.ready = None, True

    def close(self) -> None:
        """Let go of the intake."""
        self._close()

    def _refresh(self, served: object, sequence: int, knows: IsPublished) -> None:
        if self._intake is None:
            if not (self._home / INTAKE_FILE).exists():
                return
            self._intake = Intake(self._home)
        written, erased = self._intake.change_counters()
        before, self._seen = self._seen, (served, erased, written)
        if before is None or before[0] is not served or before[1] != erased:
            self._rebuild(self._intake, min(sequence, self._floor()), knows)
        elif before[2] != written:
            self._take(self._intake.events(self._state.sequence))

    def _take(self, events: list[Event]) -> None:
        with self._changing:
            for event in events:
                self._state.apply(event)
                self._state.sequence = event.sequence

    def _rebuild(self, intake: Intake, after: int, knows: IsPublished) -> None:
        """Start anew; whoever was erased stays hidden while the served snapshot has them."""
        with self._changing:
            fresh = _State()
            fresh.sequence = after
            for event in intake.events(after):
                fresh.apply(event)
                fresh.sequence = event.sequence
            for user, removed in self._state.removed.items():
                if user not in fresh.latest and knows(user):
                    fresh.removed[user], fresh.latest[user] = removed, (removed, False)
            self._state = fresh

    def _floor(self) -> int:
        """The smallest number that a kept snapshot folded: a rollback goes no further."""
        found = []
        for snapshot in list_snapshots(self._home):
            try:
                found.append(int(read_manifest(snapshot).get("intake_sequence", 0)))
            except SnapshotError:  # not served either; it cannot be rolled back to
                continue
        return min(found, default=0)

    def _close(self) -> None:
        if self._intake is not None:
            self._intake.close()
        self._intake, self._seen = None, None
