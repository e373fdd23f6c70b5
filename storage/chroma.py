"""The Chroma database of a snapshot: one record a user, for similarity search with filters.

A record holds the user's vector, the told codes as filterable metadata, and each category's top-k
as one compact value (`top_<category>`: user ids joined by commas, best first).

A process of its own writes it: Chroma's index files take up whatever was in the memory they are
written from, so texts and ids of users who are not in the database would end up in them.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from matching.errors import StorageError
from matching.policy import Policy

COLLECTION = "users"
BATCH = 1000


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
    records = _metadata(policy, profiles, matches)
    ids = profiles["user_id"].cast(pl.String).to_list()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    writer = context.Process(target=_write, args=(str(folder / "chroma"), there))
    writer.start()
    there.close()
    try:
        for start in range(0, len(ids), BATCH):
            part = slice(start, start + BATCH)
            here.send({"ids": ids[part], "embeddings": vectors[part], "metadatas": records[part]})
            here.recv()
            if progress:
                progress(min(start + BATCH, len(ids)), len(ids))
        here.send(None)
        here.recv()
    except (EOFError, OSError) as error:
        message = f"{folder / 'chroma'}: its writer ended early; see the log, then run again"
        raise StorageError(message) from error
    finally:
        here.close()
        writer.join()


def _write(path: str, batches: Connection[Any, Any]) -> None:
    """Write the batches that come, in a process that never saw anything else."""
    import chromadb  # a second to import
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path, settings=Settings(anonymized_telemetry=False))
    collection = client.create_collection(
        COLLECTION, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
    )
    while batch := batches.recv():
        collection.add(**batch)
        batches.send(True)
    client.close()
    batches.send(True)


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
