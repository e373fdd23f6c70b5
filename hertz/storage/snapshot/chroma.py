"""The Chroma database of a snapshot: one record a user, for similarity search with filters.

A record holds the user's vector, the told codes as filterable metadata, and each category's top-k
as one compact value (`top_<category>`: user ids joined by commas, best first).

A published one may not change, but Chroma writes when it opens one: vectors that it had not saved
yet, so the batches are cut such that each is; and a row in one table, so the database is sealed:
that table drops what is written to it (the write lock it stands for is still taken).

An on-demand run leaves the database as it is and writes a small one, `chroma/delta/`, of the users
who changed since; the reader searches both, and `replaced.json` names whom the large one hides.

A process of its own writes it: Chroma's index files take up whatever was in the memory they are
written from, so texts and ids of users who are not in the database would end up in them.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hertz.core.errors import SnapshotError, StorageError
from hertz.policy.model import Policy
from hertz.storage.files import write_text

COLLECTION = "users"
BATCH = 1000
FOLDER = "chroma"
DELTA = "chroma/delta"
REPLACED = "chroma/replaced.json"
_SEAL = "create trigger sealed before insert on acquire_write begin select raise(ignore); end"


def write_chroma(
    folder: Path,
    policy: Policy,
    profiles: pl.DataFrame,
    vectors: np.ndarray,
    matches: pl.DataFrame,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write `<folder>/chroma/` afresh.

    Args:
        folder: The snapshot being built.
        policy: Its code fields become metadata, its categories the lists.
        profiles: Validated profiles.
        vectors: `(n_users, dim)` float32, in the order of the profiles.
        matches: The matches frame.
        progress: Called with (users done, users in all).

    Raises:
        StorageError: If the process that writes it ends early.
    """
    _write_database(
        folder / FOLDER, _metadata(policy, profiles, matches), profiles, vectors, progress
    )


def write_delta(
    folder: Path,
    policy: Policy,
    profiles: pl.DataFrame,
    vectors: np.ndarray,
    matches: pl.DataFrame,
    replaced: Iterable[int],
) -> int:
    """Bring a database that was taken over into `<folder>/chroma/` up to date by a small one.

    Args:
        folder: The snapshot being built.
        policy: As for `write_chroma`.
        profiles: All of tonight's.
        vectors: `(n_users, dim)` float32, in the order of the profiles.
        matches: The matches frame.
        replaced: Users who changed, came or went since the database was taken over.

    Returns:
        How many users differ from the large database.

    Raises:
        StorageError: If the process that writes it ends early.
    """
    everyone = {*replaced, *_replaced(folder)}
    rows = profiles["user_id"].is_in(list(everyone))
    shutil.rmtree(folder / DELTA, ignore_errors=True)
    now = profiles.filter(rows)
    _write_database(
        folder / DELTA, _metadata(policy, now, matches), now, vectors[rows.to_numpy()], None
    )
    write_text(folder / REPLACED, json.dumps(sorted(everyone)))
    return len(everyone)


def _write_database(
    path: Path,
    records: list[dict[str, str | int]],
    profiles: pl.DataFrame,
    vectors: np.ndarray,
    progress: Callable[[int, int], None] | None,
) -> None:
    ids = profiles["user_id"].cast(pl.String).to_list()
    batches = -(-len(ids) // BATCH)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    arguments = (str(path), max(len(ids) // max(batches, 1), 1), there)
    writer = context.Process(target=_write, args=arguments)
    writer.start()
    there.close()
    try:
        for number in range(batches):
            part = slice(len(ids) * number // batches, len(ids) * (number + 1) // batches)
            here.send({"ids": ids[part], "embeddings": vectors[part], "metadatas": records[part]})
            here.recv()
            if progress:
                progress(part.stop, len(ids))
        here.send(None)
        here.recv()
    except (EOFError, OSError) as error:
        message = f"{path}: its writer ended early; see the log, then run again"
        raise StorageError(message) from error
    finally:
        here.close()
        writer.join()
    _seal(path)


def _write(path: str, saved_every: int, batches: Connection[Any, Any]) -> None:
    """Write the batches that come, in a process that never saw anything else."""
    import chromadb  # a second to import
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path, settings=Settings(anonymized_telemetry=False))
    collection = client.create_collection(
        COLLECTION,
        configuration={
            "hnsw": {
                "space": "cosine",
                "batch_size": min(100, saved_every),
                "sync_threshold": saved_every,  # no batch is smaller: the last one is saved, too
            }
        },
        embedding_function=None,
    )
    while batch := batches.recv():
        collection.add(**batch)
        batches.send(True)
    client.close()
    batches.send(True)


class ChromaReader:
    """Searches the Chroma database of a published snapshot, without changing a byte of it.

    Opening it takes what the vectors take (1.5 GB for a million of 384): only where it is used.
    """

    def __init__(self, snapshot: Path) -> None:
        """Open the database.

        Raises:
            SnapshotError: It is missing, or was published by a Hertz that did not seal it.
        """
        self._replaced = _replaced(snapshot)
        paths = [FOLDER, DELTA] if self._replaced else [FOLDER]
        self._databases = [_Database(snapshot / path) for path in paths]

    def similar(
        self,
        user_id: int,
        limit: int,
        accepted: Mapping[str, Sequence[str]],
        hides: Callable[[int], bool] = lambda _: False,
    ) -> list[tuple[int, float]]:
        """The users whose vectors are nearest, nearest first, with their cosine similarity.

        Args:
            user_id: Whose neighbours; never among them. An unknown user has none.
            limit: At most so many.
            accepted: For a code field, the codes of which a neighbour must have one.
            hides: Tells who is left out.
        """
        known = self._databases[-1 if user_id in self._replaced else 0].vector_of(user_id)
        if not len(known):
            return []

        def hidden(other: int) -> bool:
            return other == user_id or hides(other)

        near = self._databases[0].nearest(
            known, limit, accepted, lambda other: hidden(other) or other in self._replaced
        )
        if self._replaced:
            near += self._databases[1].nearest(known, limit, accepted, hidden)
        return sorted(near, key=lambda pair: (-pair[1], pair[0]))[:limit]

    def close(self) -> None:
        """Let go of the database and its memory."""
        for database in self._databases:
            database.client.close()


class _Database:
    """One Chroma database, opened without changing it."""

    def __init__(self, path: Path) -> None:
        _check_sealed(path)
        import chromadb
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        self.client = chromadb.PersistentClient(str(path), settings=settings)
        self._users = self.client.get_collection(COLLECTION, embedding_function=None)

    def vector_of(self, user_id: int) -> np.ndarray:
        """`(1, dim)`, or nothing for an unknown user."""
        found = self._users.get(ids=[str(user_id)], include=["embeddings"])["embeddings"]
        return np.asarray(found)

    def nearest(
        self,
        vectors: np.ndarray,
        limit: int,
        accepted: Mapping[str, Sequence[str]],
        hides: Callable[[int], bool],
    ) -> list[tuple[int, float]]:
        """The nearest users who are not hidden, nearest first, with their cosine similarity."""
        users, asked = self._users.count(), limit + 1
        while users:
            found = self._nearest(vectors, min(asked, users), accepted)
            near = [pair for pair in found if not hides(pair[0])]
            if len(near) >= limit or len(found) < asked or asked >= users:
                return near[:limit]
            asked *= 2
        return []

    def _nearest(
        self, vectors: np.ndarray, number: int, accepted: Mapping[str, Sequence[str]]
    ) -> list[tuple[int, float]]:
        found: Any = self._users.query(
            query_embeddings=vectors,
            n_results=number,
            where=_where(accepted),
            include=["distances"],
        )
        pairs = zip(map(int, found["ids"][0]), found["distances"][0], strict=True)
        ordered = sorted((float(distance), other) for other, distance in pairs)
        return [(other, 1 - distance) for distance, other in ordered]


def _where(accepted: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
    clauses = [{field: {"$in": list(codes)}} for field, codes in accepted.items()]
    return {"$and": clauses} if len(clauses) > 1 else (clauses[0] if clauses else None)


def _replaced(folder: Path) -> set[int]:
    """Users of whom the large database knows nothing, or something outdated."""
    path = folder / REPLACED
    return set(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else set()


def _seal(path: Path) -> None:
    with closing(sqlite3.connect(path / "chroma.sqlite3")) as database, database:
        database.execute(_SEAL)


def _check_sealed(folder: Path) -> None:
    path = folder / "chroma.sqlite3"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            named = database.execute("select 1 from sqlite_master where name = 'sealed'").fetchone()
    except sqlite3.Error as error:
        message = f"{path}: cannot be read ({error}); run `hertz nightly` again"
        raise SnapshotError(message) from error
    if not named:
        message = f"{path}: published by an older Hertz; `hertz nightly` makes it searchable"
        raise SnapshotError(message)


def _metadata(
    policy: Policy, profiles: pl.DataFrame, matches: pl.DataFrame
) -> list[dict[str, str | int]]:
    codes = [name for name, rule in policy.fields.items() if rule.kind in ("code", "ordered")]
    records = profiles.select("user_id", *codes)
    for category in policy.categories:
        top = (
            matches.lazy()
            .filter(pl.col("category") == category)
            .group_by("user_id", maintain_order=True)
            .agg(pl.col("other_id").cast(pl.String).str.join(",").alias(f"top_{category}"))
            .collect()
        )
        records = records.join(top, on="user_id", how="left", maintain_order="left")
    return [
        {name: value for name, value in row.items() if value is not None}
        for row in records.iter_rows(named=True)
    ]
