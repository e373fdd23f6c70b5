"""The Chroma database of a snapshot: one record a user, for similarity search with filters.

A record has the user's vector, the profile's codes as filterable metadata, and each category's
match list as one compact value (`top_<category>`: user ids joined by commas, best first).
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
# A published database must not change, but Chroma writes into this table when it opens one.
_SEAL = "create trigger sealed before insert on acquire_write begin select raise(ignore); end"


def write_chroma(
    folder: Path,
    policy: Policy,
    profiles: pl.DataFrame,
    vectors: np.ndarray,
    matches: pl.DataFrame,
    progress: Callable[[int, int], None] | None = None,
    database: str = FOLDER,
) -> None:
    """Writes and seals a new database below the folder of a snapshot that is being built.

    A process of its own writes it: Chroma's index files contain whatever was in the memory that
    they are written from, so texts and ids of other users would end up in them. The vectors,
    `(n_users, dim)` float32, are in the order of the profiles; the matches have the columns
    `category`, `user_id`, `other_id`, best match first; `progress` gets the users written, and all.

    Raises:
        StorageError: If the writing process ends early.
    """
    path = folder / database
    records = _metadata(policy, profiles, matches)
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
    with closing(sqlite3.connect(path / "chroma.sqlite3")) as opened, opened:
        opened.execute(_SEAL)


def write_delta(
    folder: Path,
    policy: Policy,
    profiles: pl.DataFrame,
    vectors: np.ndarray,
    matches: pl.DataFrame,
    replaced: Iterable[int],
) -> int:
    """Adds a small second database to a copied one; returns the number of users who differ.

    The frames and vectors are those of all users, as for `write_chroma`; `replaced` are the ids of
    users who changed, were added or removed since the copied run. The reader searches both
    databases; `replaced.json` lists the users who are hidden in the large one.

    Raises:
        StorageError: If the writing process ends early.
    """
    everyone = {*replaced, *_replaced(folder)}
    rows = profiles["user_id"].is_in(list(everyone))
    shutil.rmtree(folder / DELTA, ignore_errors=True)
    now = profiles.filter(rows)
    write_chroma(folder, policy, now, vectors[rows.to_numpy()], matches, database=DELTA)
    write_text(folder / REPLACED, json.dumps(sorted(everyone)))
    return len(everyone)


def _write(path: str, saved_every: int, batches: Connection[Any, Any]) -> None:
    """Writes the batches received until None comes; Chroma saves after every `saved_every`."""
    import chromadb  # late: it takes a second
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path, settings=Settings(anonymized_telemetry=False))
    collection = client.create_collection(
        COLLECTION,
        configuration={
            "hnsw": {
                "space": "cosine",
                "batch_size": min(100, saved_every),
                "sync_threshold": saved_every,  # no batch is smaller, so the last one is saved, too
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

    An open database needs as much memory as its vectors: 1.5 GB for a million of 384 dimensions.
    """

    def __init__(self, snapshot: Path) -> None:
        """Opens the database.

        Raises:
            SnapshotError: If it is missing, or was published by a Hertz that did not seal it.
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
        """Returns the users with the most similar vectors and their cosine similarity, best first.

        The user is not part of the answer, and an unknown user has none. Every answer has one of
        the `accepted` codes in each of their fields; `hides` returns whether a user is left out.
        """
        known = self._databases[-1 if user_id in self._replaced else 0].vector_of(user_id)
        if not len(known):
            return []

        def hidden(other: int) -> bool:
            return other == user_id or hides(other)

        near = self._databases[0].nearest(
            known, limit, accepted, lambda other: hidden(other) or other in self._replaced
        )
        for delta in self._databases[1:]:
            near += delta.nearest(known, limit, accepted, hidden)
        return sorted(near, key=lambda pair: (-pair[1], pair[0]))[:limit]

    def close(self) -> None:
        """Closes the database and frees its memory."""
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
        """Returns a user's vector `(1, dim)`; an empty array for an unknown user."""
        found = self._users.get(ids=[str(user_id)], include=["embeddings"])["embeddings"]
        return np.asarray(found)

    def nearest(
        self,
        vectors: np.ndarray,
        limit: int,
        accepted: Mapping[str, Sequence[str]],
        hides: Callable[[int], bool],
    ) -> list[tuple[int, float]]:
        """Returns the most similar users who are not hidden, with their cosine similarity."""
        users = self._users.count()
        asked = limit + 1
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
        """Returns the given number of most similar users; ties by user id."""
        clauses: list[Any] = [{field: {"$in": list(codes)}} for field, codes in accepted.items()]
        found: Any = self._users.query(
            query_embeddings=vectors,
            n_results=number,
            where={"$and": clauses} if len(clauses) > 1 else next(iter(clauses), None),
            include=["distances"],
        )
        pairs = zip(map(int, found["ids"][0]), found["distances"][0], strict=True)
        ordered = sorted((float(distance), other) for other, distance in pairs)
        return [(other, 1 - distance) for distance, other in ordered]


def _replaced(folder: Path) -> set[int]:
    """Returns the users who are missing or outdated in the large database."""
    path = folder / REPLACED
    return set(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else set()


def _check_sealed(folder: Path) -> None:
    """Raises a SnapshotError unless a database is readable and sealed."""
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
    """Returns the metadata of each user: id, codes, and match lists."""
    records = profiles.select("user_id", *policy.code_fields)
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
