"""The Chroma database of a snapshot: one record a user, for similarity search with filters.

A record holds the user's vector, the told codes as filterable metadata, and each category's top-k
as one compact value (`top_<category>`: user ids joined by commas, best first).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

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
    """
    import chromadb  # a second to import, and only this stage needs it
    from chromadb.config import Settings

    records = _metadata(policy, profiles, matches)
    path = str(folder / "chroma")
    client = chromadb.PersistentClient(path, settings=Settings(anonymized_telemetry=False))
    collection = client.create_collection(
        COLLECTION, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
    )
    ids = profiles["user_id"].cast(pl.String).to_list()
    for start in range(0, len(ids), BATCH):
        part = slice(start, start + BATCH)
        collection.add(ids=ids[part], embeddings=vectors[part], metadatas=records[part])
        if progress:
            progress(min(start + BATCH, len(ids)), len(ids))
    client.close()


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
