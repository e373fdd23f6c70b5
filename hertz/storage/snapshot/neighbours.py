"""Neighbor lists of a snapshot, from which the next run starts; longer than the published lists.

<snapshot>/neighbours.parquet has one row for each category and user, in the policy's order of
categories.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from hertz.matching.topk.incremental import PreviousLists
from hertz.matching.topk.lists import NeighborLists
from hertz.storage.files import read_frame, write_frame

NEIGHBOURS = "neighbours.parquet"


def write_neighbours(folder: Path, lists: dict[str, PreviousLists]) -> None:
    """Writes the neighbor lists of every category, by name."""
    frames = (_frame(name, of_category) for name, of_category in lists.items())
    write_frame(pl.concat(frames), folder / NEIGHBOURS)


def read_neighbours(snapshot: Path) -> dict[str, PreviousLists]:
    """Returns the neighbor lists of every category, by name; their counts of pairs are 0.

    Raises:
        StorageError: If the file is missing or damaged.
    """
    frame = read_frame(snapshot / NEIGHBOURS)
    parts = frame.partition_by("category", maintain_order=True, as_dict=True)
    return {str(name): _lists(part) for (name,), part in parts.items()}


def _frame(category: str, previous: PreviousLists) -> pl.DataFrame:
    """Returns one category's lists as rows of the file."""
    lists = previous.lists
    return pl.DataFrame(
        {
            "category": pl.repeat(category, len(previous.user_ids), dtype=pl.String, eager=True),
            "user_id": previous.user_ids,
            "fingerprint": previous.fingerprints,
            "bound_score": lists.bound_scores,
            "bound_id": lists.bound_ids,
            "rows": pl.Series(lists.ids, dtype=pl.Array(pl.Int32, lists.ids.shape[1])),
            "scores": pl.Series(lists.scores, dtype=pl.Array(pl.Float32, lists.ids.shape[1])),
        }
    )


def _lists(part: pl.DataFrame) -> PreviousLists:
    """Returns one category's lists from its rows of the file."""
    lists = NeighborLists(
        ids=np.ascontiguousarray(part["rows"].to_numpy()),
        scores=np.ascontiguousarray(part["scores"].to_numpy()),
        bound_scores=part["bound_score"].to_numpy(),
        bound_ids=part["bound_id"].to_numpy(),
        eligible_pairs=0,
        scored_pairs=0,
    )
    return PreviousLists(part["user_id"].to_numpy(), part["fingerprint"].to_numpy(), lists)
