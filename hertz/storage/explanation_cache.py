"""Caches the language model's explanations by content hash, for all later runs.

Of refused explanations, only the hash and the number of attempts are kept, so that later runs do
not try them again. The cache is one SQLite file, <home>/explanation_cache/written.sqlite.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import orjson

from hertz.core.compute import slices
from hertz.core.errors import StorageError
from hertz.explanations.facts import Explanation

HASHES_PER_QUERY = 10_000  # below SQLite's limit of variables
TABLES = """
    create table if not exists accepted (
        content_hash text primary key, title text not null, content text not null,
        reasons text not null
    ) without rowid;
    create table if not exists tried (
        content_hash text primary key, times integer not null
    ) without rowid;
    drop table if exists refused;
"""


class ExplanationCache:
    """Caches the explanations that a home's language model wrote.

    Every method raises `StorageError` if the file is damaged or cannot be written.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / "explanation_cache" / "written.sqlite"

    def get_many(self, hashes: Sequence[str]) -> dict[str, Explanation]:
        """Returns the accepted explanations of these hashes, as far as they are kept."""
        found: dict[str, Explanation] = {}
        with self._open() as database:
            for part in slices(len(hashes), HASHES_PER_QUERY):
                placeholders = ",".join("?" * len(hashes[part]))
                query = f"select * from accepted where content_hash in ({placeholders})"
                for key, title, content, reasons in database.execute(query, hashes[part]):
                    found[key] = Explanation(title, content, orjson.loads(reasons))
        return found

    def failed_attempts(self) -> dict[str, int]:
        """Returns the number of refused attempts of each hash."""
        with self._open() as database:
            return dict(database.execute("select content_hash, times from tried").fetchall())

    def put_many(
        self, accepted: Mapping[str, Explanation], attempts: Mapping[str, int] | None = None
    ) -> None:
        """Keeps explanations and numbers of refused attempts by content hash, all or nothing."""
        rows = [
            (key, text.title, text.content, orjson.dumps(text.reasons).decode())
            for key, text in accepted.items()
        ]
        with self._open() as database, database:
            database.executemany("insert or replace into accepted values (?, ?, ?, ?)", rows)
            tried = (attempts or {}).items()
            database.executemany("insert or replace into tried values (?, ?)", tried)

    def prune(self, kept: set[str]) -> list[str]:
        """Erases all accepted explanations but those of these hashes; returns the erased hashes."""
        if not self.path.exists():
            return []
        with self._open() as database:
            held = database.execute("select content_hash from accepted").fetchall()
            gone = [key for (key,) in held if key not in kept]
            if gone:
                database.execute("pragma secure_delete = on")
                database.execute("pragma temp_store = memory")
                with database:
                    rows = [(key,) for key in gone]
                    database.executemany("delete from accepted where content_hash = ?", rows)
                database.execute("vacuum")
        return gone

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Opens the file and makes its tables; errors of SQLite become `StorageError`."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path)) as database:
                database.execute("pragma synchronous = full")
                database.executescript(TABLES)
                yield database
        except (OSError, sqlite3.Error) as error:
            message = f"{self.path}: cannot be used ({error}); check the disk, or remove the file"
            raise StorageError(message) from error
