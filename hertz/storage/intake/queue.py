"""The intake: a durable queue of registrations, updates, deletions and blocks.

No event is marked as done: a run folds all events up to a number over the source and writes that
number into its manifest, so a killed run neither loses nor repeats an event. A user's latest event
decides. The table `forgotten` holds the tombstones of ids that no source may bring back.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from hertz.core.errors import IntakeFullError, StorageError
from hertz.core.faults import fault_point
from hertz.storage.intake.events import Event, Fold, Outcome, Profile, Request, Verdict
from hertz.storage.intake.tombstones import Tombstones

INTAKE_FILE = "intake.sqlite"

IsPublished = Callable[[int], bool]  # whether the published snapshot has a user

_SQL = files(__package__).joinpath("queries.sql").read_text(encoding="utf-8")
_QUERIES = dict(
    re.findall(r"^-- name: (\w+)\n(.+?)(?=^-- name: |\Z)", _SQL, re.DOTALL | re.MULTILINE)
)


class Intake(AbstractContextManager["Intake"]):
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
                self.path, timeout=5.0, isolation_level=None, check_same_thread=False
            )
            self._database.executescript(_QUERIES["open"])

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def apply(self, requests: Sequence[Request], is_published: IsPublished) -> list[Outcome]:
        """Applies requests in order, all in one durable transaction."""
        received = datetime.now(UTC).isoformat(timespec="microseconds")
        with self._transaction():
            return [self._apply(request, is_published, received) for request in requests]

    def last_sequence(self) -> int:
        """Returns the number of the latest event; 0 before the first."""
        query = "select coalesce(max(seq), 0) from sqlite_sequence where name = 'events'"
        return int(self._rows(query)[0][0])

    def fold(self, upto: int) -> Fold:
        """Returns all events up to a number, combined into one change to the source."""
        profiles = []
        removed = set()
        with self._storage_errors():
            latest = self._database.execute(_QUERIES["latest"], (upto,))
            for sequence, user, kind, received, payload in latest:
                if kind in ("register", "update"):
                    profiles.append(Profile(sequence, user, received, orjson.loads(payload)))
                else:
                    removed.add(user)
        blocks = {
            (user, other): (sequence, kind == "block")
            for sequence, user, other, kind in self._rows(_QUERIES["blocks"], upto)
        }
        return Fold(upto, profiles, frozenset(removed), blocks)

    def events(self, after: int) -> list[Event]:
        """Returns the events after a number, in order, without their profiles."""
        return [Event(*row) for row in self._rows(_QUERIES["events"], after)]

    def first_received(self, after: int) -> str | None:
        """Returns the time of the first event after a number (ISO, UTC), or None."""
        found = self._rows("select min(received_at) from events where sequence > ?", after)
        return found[0][0]

    def change_counters(self) -> tuple[int, int]:
        """Returns a counter of other connections' writes, and one of erasures."""
        return self._pragma("data_version"), self._pragma("user_version")

    def forgotten(self, user_ids: Iterable[int]) -> set[int]:
        """Returns the ids that were forgotten and have not registered again."""
        stored = {mark for (mark,) in self._rows("select mark from forgotten")}
        if not stored:
            return set()
        tombstones = self._tombstones()
        return {user for user in user_ids if tombstones.of(user) in stored}

    def tombstone_of(self, user_id: int) -> bytes:
        """Returns the user's tombstone."""
        return self._tombstones().of(user_id)

    def removed(self, upto: int) -> dict[int, int]:
        """Returns the number of each forgotten user's latest removal, and of deletions `upto`."""
        return dict(self._rows(_QUERIES["removed"], upto))

    def payloads_of(self, user_id: int, upto: int) -> list[dict[str, Any]]:
        """Returns the profiles that a user's events up to a number still contain."""
        found = self._rows(_QUERIES["payloads"], user_id, upto)
        return [orjson.loads(payload) for (payload,) in found]

    def supersede(self, upto: int) -> int:
        """Erases profiles that a later event up to a number replaces; returns their number."""
        with self._transaction():
            return self._database.execute(_QUERIES["supersede"], (upto,)).rowcount

    def erase(self, user_id: int, upto: int) -> int:
        """Erases a user from all events up to a number; returns the number of changed events.

        Leaves a tombstone, unless the user has registered again since. `wipe` removes the bytes.
        """
        with self._transaction():
            erased = self._database.execute(
                "delete from events where sequence <= ? and (user_id = ? or other_id = ?)",
                (upto, user_id, user_id),
            ).rowcount + self._unname(user_id)
            if not self._has_profile(user_id):
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
        profile = self._payload(request, tombstones)
        fingerprint = request.fingerprint if request.key is not None else None
        about = (request.kind, request.user_id, request.other_id)
        values = (*about, profile, received, request.key, fingerprint)
        stored = self._database.execute(_QUERIES["insert"], values)
        return Outcome("done", int(stored.lastrowid or 0))

    def _payload(self, request: Request, tombstones: Tombstones | None) -> str | None:
        """Returns the profile as it is stored: without the ids of forgotten users."""
        if request.profile is None:
            return None
        profile = dict(request.profile)
        for name, value in profile.items():
            if isinstance(value, list):
                profile[name] = [item for item in value if not self._gone(item, tombstones)]
        return orjson.dumps(profile).decode()

    def _verdict(
        self, request: Request, is_published: IsPublished, tombstones: Tombstones | None
    ) -> Verdict:
        """Decides what happens to a request, from the events before it."""
        if request.kind == "forget":
            return "done"
        user_id = request.user_id
        exists = self._has_profile(user_id)
        if exists is None:
            exists = not self._gone(user_id, tombstones) and is_published(user_id)
        if request.kind == "register":
            return "exists" if exists else "done"
        return "done" if exists and not self._gone(request.other_id, tombstones) else "unknown"

    def _has_profile(self, user_id: int) -> bool | None:
        """Returns whether a user's latest event has a profile; None if no event decides."""
        latest = self._database.execute(_QUERIES["latest_kind"], (user_id,)).fetchone()
        return latest[0] in ("register", "update") if latest else None

    def _gone(self, value: object, tombstones: Tombstones | None) -> bool:
        """Returns whether a value is the id of a forgotten user."""
        if tombstones is None or not isinstance(value, int):
            return False
        return bool(self._rows("select 1 from forgotten where mark = ?", tombstones.of(value)))

    def _pragma(self, name: str) -> int:
        """Reads a number from the file's header."""
        return int(self._rows(f"pragma {name}")[0][0])

    def _rows(self, query: str, *values: object) -> list[Any]:
        """Returns all rows of a query."""
        with self._storage_errors():
            return self._database.execute(query, values).fetchall()

    def _add_tombstone(self, user_id: int) -> None:
        """Stores the tombstone of a user."""
        tombstone = self._tombstones().of(user_id)
        self._database.execute("insert or ignore into forgotten values (?)", (tombstone,))

    def _tombstones(self) -> Tombstones:
        """Opens the tombstones; the first one makes the key."""
        return Tombstones(self.home, fresh=not self._any_forgotten())

    def _any_forgotten(self) -> bool:
        """Returns whether any user is forgotten."""
        return bool(self._rows("select 1 from forgotten limit 1"))

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
