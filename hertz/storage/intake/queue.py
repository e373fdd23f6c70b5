"""The intake: registrations, updates, deletions and blocks, durable before they are answered.

<home>/intake.sqlite holds events, numbered in the order they were taken. Nothing marks an event as
done: a run folds all events up to a number S over the source and writes S into its manifest
(`intake_sequence`). What waits are the events after the published snapshot's S, so a killed run
loses and doubles nothing, and after a rollback they wait again.

The latest event of a user decides: `register` and `update` carry a whole profile, `delete` and
`forget` remove the user. `forgotten` holds marks (`storage/marks.py`) of ids that no source may
bring back; a new registration lifts the mark.
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
_STANDINGS = "('register', 'update', 'delete', 'forget')"
_INSERT = """
    insert into events (kind, user_id, other_id, payload, received_at, key, request)
    values (?, ?, ?, ?, ?, ?, ?)
"""
_LATEST_STANDING = f"""
    select kind from events where user_id = ? and kind in {_STANDINGS}
    order by sequence desc limit 1
"""
_FOLDED = f"""
    select max(sequence), user_id, kind, received_at, payload from events
    where sequence <= ? and kind in {_STANDINGS} group by user_id
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
        and e.sequence <= ? and e.kind in {_STANDINGS})
"""
_REMOVED = """
    select user_id, max(sequence) from events
    where kind = 'forget' or (kind = 'delete' and sequence <= ?) group by user_id order by user_id
"""


class Intake:
    """The intake of one home, open for reading and writing; several processes may have it open.

    Every method raises `StorageError` where the file is damaged or cannot be written, and
    `IntakeFullError` where the disk is full; nothing is half-written then.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / INTAKE_FILE
        with self._telling():
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
        """Let go of the file."""
        self._database.close()

    def apply(self, requests: Sequence[Request], knows: IsPublished) -> list[Outcome]:
        """Take requests in order, all in one durable transaction.

        Args:
            requests: What is asked.
            knows: Whether the published snapshot has a user.
        """
        received = datetime.now(UTC).isoformat(timespec="microseconds")
        with self._transaction():
            return [self._apply(request, knows, received) for request in requests]

    def last_sequence(self) -> int:
        """Number of the latest event; 0 before the first."""
        with self._telling():
            query = "select coalesce(max(seq), 0) from sqlite_sequence where name = 'events'"
            return int(self._database.execute(query).fetchone()[0])

    def fold(self, upto: int) -> Fold:
        """All events up to a number, as one change to the source."""
        with self._telling():
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
        """The events after a number, in order, without what they carry."""
        query = (
            "select sequence, kind, user_id, other_id from events where sequence > ? "
            "order by sequence"
        )
        with self._telling():
            return [Event(*row) for row in self._database.execute(query, (after,))]

    def first_received(self, after: int) -> str | None:
        """When the first event after a number was taken (ISO, UTC)."""
        query = "select min(received_at) from events where sequence > ?"
        with self._telling():
            return self._database.execute(query, (after,)).fetchone()[0]

    def change_counters(self) -> tuple[int, int]:
        """(changes whenever any other connection writes, grows when events were erased)."""
        with self._telling():
            return self._pragma("data_version"), self._pragma("user_version")

    def forgotten(self, user_ids: Iterable[int]) -> set[int]:
        """Those of the ids that were forgotten and have not registered again."""
        with self._telling():
            if not self._any_forgotten():
                return set()
            marks = self._marks()
            held = {mark for (mark,) in self._database.execute("select mark from forgotten")}
        return {user for user in user_ids if marks.of(user) in held}

    def tombstone_of(self, user_id: int) -> bytes:
        """The user's mark, as receipts name them."""
        with self._telling():
            return self._marks().of(user_id)

    def removed(self, upto: int) -> dict[int, int]:
        """User -> number of the latest removal, of those whose traces are to be erased.

        Forgotten users at once, deleted ones once a run has folded their deletion (`upto`).
        """
        with self._telling():
            return dict(self._database.execute(_REMOVED, (upto,)).fetchall())

    def payloads_of(self, user_id: int, upto: int) -> list[dict[str, Any]]:
        """The profiles that a user's events up to a number still carry."""
        query = (
            "select payload from events where user_id = ? and sequence <= ? and payload is not null"
        )
        with self._telling():
            rows = self._database.execute(query, (user_id, upto)).fetchall()
        return [orjson.loads(payload) for (payload,) in rows]

    def supersede(self, upto: int) -> int:
        """Drop profiles that a later event up to a number replaces; how many."""
        with self._transaction():
            return self._database.execute(_SUPERSEDE, (upto,)).rowcount

    def erase(self, user_id: int, upto: int) -> int:
        """Erase a user's events up to a number, and what others' events name of the user; how many.

        Leaves a mark, unless the user has registered again since. `wipe` removes the bytes.
        """
        with self._transaction():
            erased = self._database.execute(
                "delete from events where sequence <= ? and (user_id = ? or other_id = ?)",
                (upto, user_id, user_id),
            ).rowcount + self._unname(user_id)
            standing = self._database.execute(_LATEST_STANDING, (user_id,)).fetchone()
            if standing is None or standing[0] not in ("register", "update"):
                self._mark(user_id)
            erasures = self._pragma("user_version") + 1
            self._database.execute(f"pragma user_version = {erasures}")
        return erased

    def wipe(self) -> None:
        """Rewrite the file and empty its log, so that no byte of what was erased is left."""
        with self._telling():
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
        with self._telling():
            return self._pragma("application_id") == self._pragma("user_version")

    def _unname(self, user_id: int) -> int:
        """Take a user out of the lists of ids in others' profiles; how many profiles."""
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

    def _apply(self, request: Request, knows: IsPublished, received: str) -> Outcome:
        if request.key is not None:
            query = "select sequence, request from events where key = ?"
            taken = self._database.execute(query, (request.key,)).fetchone()
            if taken:
                same = taken[1] == request.fingerprint
                return Outcome("repeated" if same else "key_reused", taken[0])
        marks = self._marks() if self._any_forgotten() else None
        verdict = self._verdict(request, knows, marks)
        if verdict != "done":
            return Outcome(verdict)
        if request.kind == "register" and marks:
            mark = marks.of(request.user_id)
            self._database.execute("delete from forgotten where mark = ?", (mark,))
        elif request.kind == "forget":
            self._mark(request.user_id)
        stored = self._database.execute(
            _INSERT,
            (
                request.kind,
                request.user_id,
                request.other_id,
                self._payload(request, marks),
                received,
                request.key,
                request.fingerprint if request.key is not None else None,
            ),
        )
        return Outcome("done", int(stored.lastrowid or 0))

    def _payload(self, request: Request, marks: Tombstones | None) -> str | None:
        """The profile as it is stored: forgotten users are not named in it."""
        if request.profile is None:
            return None
        profile = dict(request.profile)
        for name, value in profile.items():
            if marks and isinstance(value, list):
                profile[name] = [
                    item
                    for item in value
                    if not isinstance(item, int) or not self._gone(item, marks)
                ]
        return orjson.dumps(profile).decode()

    def _verdict(self, request: Request, knows: IsPublished, marks: Tombstones | None) -> Verdict:
        if request.kind == "forget":
            return "done"
        exists = self._exists(request.user_id, knows, marks)
        if request.kind == "register":
            return "exists" if exists else "done"
        if not exists or (request.other_id is not None and self._gone(request.other_id, marks)):
            return "unknown"
        return "done"

    def _exists(self, user_id: int, knows: IsPublished, marks: Tombstones | None) -> bool:
        standing = self._database.execute(_LATEST_STANDING, (user_id,)).fetchone()
        if standing:
            return standing[0] in ("register", "update")
        return not self._gone(user_id, marks) and knows(user_id)

    def _gone(self, user_id: int, marks: Tombstones | None) -> bool:
        if marks is None:
            return False
        query = "select 1 from forgotten where mark = ?"
        return self._database.execute(query, (marks.of(user_id),)).fetchone() is not None

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"pragma {name}").fetchone()[0])

    def _mark(self, user_id: int) -> None:
        mark = self._marks().of(user_id)
        self._database.execute("insert or ignore into forgotten values (?)", (mark,))

    def _marks(self) -> Tombstones:
        return Tombstones(self.home, fresh=not self._any_forgotten())

    def _any_forgotten(self) -> bool:
        return self._database.execute("select 1 from forgotten limit 1").fetchone() is not None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._telling():
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
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
            message = f"{self.path}: cannot be used ({error}); check the disk's space and rights"
            raise (IntakeFullError if full else StorageError)(message) from error
