"""The intake: a durable queue of registrations, updates, deletions and blocks.

<home>/intake.sqlite holds events, numbered in the order of their arrival. No event is marked as
done: a run folds all events up to a number S over the source and writes S into its manifest
(`intake_sequence`). The pending events are those after the published snapshot's S, so a killed run
neither loses nor repeats an event, and after a rollback the events are pending again.

The latest event of a user decides: `register` and `update` contain a complete profile, `delete` and
`forget` remove the user. The table `forgotten` holds the tombstones of ids that no source may bring
back; a new registration removes the tombstone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from hertz.core.errors import IntakeFullError, StorageError
from hertz.core.faults import fault_point
from hertz.storage.intake.events import Event, Fold, Outcome, Profile, Request, Verdict
from hertz.storage.intake.tombstones import Tombstones

INTAKE_FILE = "intake.sqlite"
BUSY_SECONDS = 5.0

IsPublished = Callable[[int], bool]

_TABLES = """
    create table if not exists events (
        sequence integer primary key autoincrement, kind text not null, user_id integer not null,
        other_id integer, payload text, received_at text not null, key text unique, request blob
    );
    create index if not exists events_of_user on events (user_id, sequence);
    create index if not exists events_of_other on events (other_id) where other_id is not null;
    create table if not exists forgotten (mark blob primary key) without rowid;
"""
_REMOVALS = "('delete', 'forget')"
_DECIDING_KINDS = "('register', 'update', 'delete', 'forget')"
_INSERT = """
    insert into events (kind, user_id, other_id, payload, received_at, key, request)
    values (?, ?, ?, ?, ?, ?, ?)
"""
_LATEST_KIND = f"""
    select kind from events where user_id = ? and kind in {_DECIDING_KINDS}
    order by sequence desc limit 1
"""
_FOLDED = f"""
    select max(sequence), user_id, kind, received_at, payload from events
    where sequence <= ? and kind in {_DECIDING_KINDS} group by user_id
"""
_BLOCKS = f"""
    select max(sequence), user_id, other_id, kind from events b
    where sequence <= ? and kind in ('block', 'unblock') and sequence > coalesce((
        select max(sequence) from events e
        where e.user_id = b.user_id and e.sequence <= ? and e.kind in {_REMOVALS}), 0)
    group by user_id, other_id
"""
_SUPERSEDE = f"""
    update events set payload = null
    where payload is not null and exists (
        select 1 from events e where e.user_id = events.user_id and e.sequence > events.sequence
        and e.sequence <= ? and e.kind in {_DECIDING_KINDS})
"""
_REMOVED = """
    select user_id, max(sequence) from events
    where kind = 'forget' or (kind = 'delete' and sequence <= ?) group by user_id order by user_id
"""


class Intake:
    """Reads and writes the intake of one home; several processes may have it open.

    Every method raises `StorageError` if the file is damaged or cannot be written, and
    `IntakeFullError` if the disk is full; nothing is half-written then.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / INTAKE_FILE
        with self._storage_errors():
            home.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                self.path, BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            for name, value in (
                ("journal_mode", "wal"),
                ("synchronous", "full"),
                ("secure_delete", "on"),
                ("temp_store", "memory"),  # VACUUM must not spill profiles elsewhere
            ):
                self._database.execute(f"pragma {name} = {value}").fetchall()
            self._database.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def apply(self, requests: Sequence[Request], is_published: IsPublished) -> list[Outcome]:
        """Applies requests in order, all in one durable transaction.

        Args:
            requests: The requests.
            is_published: Returns whether the published snapshot has a user.

        Returns:
            The outcome of each request, in the same order.
        """
        received = datetime.now(UTC).isoformat(timespec="microseconds")
        with self._transaction():
            return [self._apply(request, is_published, received) for request in requests]

    def last_sequence(self) -> int:
        """Returns the number of the latest event; 0 before the first."""
        with self._storage_errors():
            query = "select coalesce(max(seq), 0) from sqlite_sequence where name = 'events'"
            return int(self._database.execute(query).fetchone()[0])

    def fold(self, upto: int) -> Fold:
        """Returns all events up to a number, combined into one change to the source."""
        with self._storage_errors():
            profiles, removed = [], set()
            for sequence, user, kind, received, payload in self._database.execute(_FOLDED, (upto,)):
                if kind in ("register", "update"):
                    profiles.append(Profile(sequence, user, received, orjson.loads(payload)))
                else:
                    removed.add(user)
            blocks = {
                (user, other): (sequence, kind == "block")
                for sequence, user, other, kind in self._database.execute(_BLOCKS, (upto, upto))
            }
        return Fold(upto, profiles, frozenset(removed), blocks)

    def events(self, after: int) -> list[Event]:
        """Returns the events after a number, in order, without their profiles."""
        query = (
            "select sequence, kind, user_id, other_id from events where sequence > ? "
            "order by sequence"
        )
        with self._storage_errors():
            return [Event(*row) for row in self._database.execute(query, (after,))]

    def first_received(self, after: int) -> str | None:
        """Returns the time of the first event after a number (ISO, UTC), or None."""
        query = "select min(received_at) from events where sequence > ?"
        with self._storage_errors():
            return self._database.execute(query, (after,)).fetchone()[0]

    def change_counters(self) -> tuple[int, int]:
        """Returns two counters.

        The first changes when another connection writes, the second grows when events are erased.
        """
        with self._storage_errors():
            return self._pragma("data_version"), self._pragma("user_version")

    def forgotten(self, user_ids: Iterable[int]) -> set[int]:
        """Returns the ids that were forgotten and have not registered again."""
        with self._storage_errors():
            if not self._any_forgotten():
                return set()
            tombstones = self._tombstones()
            held = {row[0] for row in self._database.execute("select mark from forgotten")}
        return {user for user in user_ids if tombstones.of(user) in held}

    def tombstone_of(self, user_id: int) -> bytes:
        """Returns the user's tombstone."""
        with self._storage_errors():
            return self._tombstones().of(user_id)

    def removed(self, upto: int) -> dict[int, int]:
        """Returns the users to be erased, each with the number of the latest removal.

        These are all forgotten users, and those whose deletion a run has folded.

        Args:
            upto: Number of the last event that a run has folded.
        """
        with self._storage_errors():
            return dict(self._database.execute(_REMOVED, (upto,)).fetchall())

    def payloads_of(self, user_id: int, upto: int) -> list[dict[str, Any]]:
        """Returns the profiles that a user's events up to a number still contain."""
        query = (
            "select payload from events where user_id = ? and sequence <= ? and payload is not null"
        )
        with self._storage_errors():
            rows = self._database.execute(query, (user_id, upto)).fetchall()
        return [orjson.loads(payload) for (payload,) in rows]

    def supersede(self, upto: int) -> int:
        """Erases profiles that a later event up to a number replaces; returns their number."""
        with self._transaction():
            return self._database.execute(_SUPERSEDE, (upto,)).rowcount

    def erase(self, user_id: int, upto: int) -> int:
        """Erases a user's events up to a number, and the user's id in the events of others.

        Leaves a tombstone, unless the user has registered again since. `wipe` removes the bytes.

        Returns:
            The number of changed events.
        """
        with self._transaction():
            erased = self._database.execute(
                "delete from events where sequence <= ? and (user_id = ? or other_id = ?)",
                (upto, user_id, user_id),
            ).rowcount + self._unname(user_id)
            latest = self._database.execute(_LATEST_KIND, (user_id,)).fetchone()
            if latest is None or latest[0] not in ("register", "update"):
                self._add_tombstone(user_id)
            erasures = self._pragma("user_version") + 1
            self._database.execute(f"pragma user_version = {erasures}")
        return erased

    def wipe(self) -> None:
        """Rewrites the file and empties its log, so that no byte of erased events is left."""
        with self._storage_errors():
            erasures = self._pragma("user_version")
            self._database.execute("vacuum")
            busy, _, _ = self._database.execute("pragma wal_checkpoint(truncate)").fetchone()
            if busy:
                message = f"{self.path}: in use by another process; run `hertz forget` again"
                raise StorageError(message)
            self._database.execute(f"pragma application_id = {erasures}")

    @property
    def is_wiped(self) -> bool:
        """Whether the file was rewritten since something was last erased from it."""
        with self._storage_errors():
            return self._pragma("application_id") == self._pragma("user_version")

    def _unname(self, user_id: int) -> int:
        """Removes a user from the id lists in others' profiles; returns the number of profiles."""
        query = "select sequence, payload from events where instr(payload, ?)"
        changed = []
        for sequence, payload in self._database.execute(query, (str(user_id),)).fetchall():
            profile = orjson.loads(payload)
            kept = {
                name: [item for item in value if item != user_id or isinstance(item, (str, bool))]
                if isinstance(value, list)
                else value
                for name, value in profile.items()
            }
            if kept != profile:
                changed.append((orjson.dumps(kept).decode(), sequence))
        self._database.executemany("update events set payload = ? where sequence = ?", changed)
        return len(changed)

    def _apply(self, request: Request, is_published: IsPublished, received: str) -> Outcome:
        """Applies one request within the transaction."""
        if request.key is not None:
            query = "select sequence, request from events where key = ?"
            earlier = self._database.execute(query, (request.key,)).fetchone()
            if earlier:
                same = earlier[1] == request.fingerprint
                return Outcome("repeated" if same else "key_reused", earlier[0])
        tombstones = self._tombstones() if self._any_forgotten() else None
        verdict = self._verdict(request, is_published, tombstones)
        if verdict != "done":
            return Outcome(verdict)
        if request.kind == "register" and tombstones:
            tombstone = tombstones.of(request.user_id)
            self._database.execute("delete from forgotten where mark = ?", (tombstone,))
        elif request.kind == "forget":
            self._add_tombstone(request.user_id)
        stored = self._database.execute(
            _INSERT,
            (
                request.kind,
                request.user_id,
                request.other_id,
                self._payload(request, tombstones),
                received,
                request.key,
                request.fingerprint if request.key is not None else None,
            ),
        )
        return Outcome("done", int(stored.lastrowid or 0))

    def _payload(self, request: Request, tombstones: Tombstones | None) -> str | None:
        """Returns the profile as it is stored: without the ids of forgotten users."""
        if request.profile is None:
            return None
        profile = dict(request.profile)
        for name, value in profile.items():
            if tombstones and isinstance(value, list):
                profile[name] = [
                    item
                    for item in value
                    if not isinstance(item, int) or not self._gone(item, tombstones)
                ]
        return orjson.dumps(profile).decode()

    def _verdict(
        self, request: Request, is_published: IsPublished, tombstones: Tombstones | None
    ) -> Verdict:
        """Decides what happens to a request, from the events before it."""
        if request.kind == "forget":
            return "done"
        exists = self._exists(request.user_id, is_published, tombstones)
        if request.kind == "register":
            return "exists" if exists else "done"
        if not exists or (
            request.other_id is not None and self._gone(request.other_id, tombstones)
        ):
            return "unknown"
        return "done"

    def _exists(
        self, user_id: int, is_published: IsPublished, tombstones: Tombstones | None
    ) -> bool:
        """Returns whether a user exists, counting the pending events."""
        latest = self._database.execute(_LATEST_KIND, (user_id,)).fetchone()
        if latest:
            return latest[0] in ("register", "update")
        return not self._gone(user_id, tombstones) and is_published(user_id)

    def _gone(self, user_id: int, tombstones: Tombstones | None) -> bool:
        """Returns whether a user was forgotten."""
        if tombstones is None:
            return False
        query = "select 1 from forgotten where mark = ?"
        return self._database.execute(query, (tombstones.of(user_id),)).fetchone() is not None

    def _pragma(self, name: str) -> int:
        """Reads a number from the file's header."""
        return int(self._database.execute(f"pragma {name}").fetchone()[0])

    def _add_tombstone(self, user_id: int) -> None:
        """Stores the tombstone of a user."""
        tombstone = self._tombstones().of(user_id)
        self._database.execute("insert or ignore into forgotten values (?)", (tombstone,))

    def _tombstones(self) -> Tombstones:
        """Opens the tombstones; the first one makes the key."""
        return Tombstones(self.home, fresh=not self._any_forgotten())

    def _any_forgotten(self) -> bool:
        """Returns whether any user is forgotten."""
        return self._database.execute("select 1 from forgotten limit 1").fetchone() is not None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Runs the block as one durable transaction."""
        with self._storage_errors():
            self._database.execute("begin immediate")
            try:
                yield
                fault_point("intake.before_commit")
                self._database.execute("commit")
                fault_point("intake.after_commit")
            finally:
                if self._database.in_transaction:
                    self._database.execute("rollback")

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        """Turns errors of SQLite into errors that name the file and the fix."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
            message = f"{self.path}: cannot be used ({error}); check the disk's space and rights"
            raise (IntakeFullError if full else StorageError)(message) from error
