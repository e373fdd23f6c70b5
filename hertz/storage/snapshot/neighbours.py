"""What a night leaves for the next one to start from: lists a little longer than those published.

<snapshot>/neighbours.parquet, one row a category and user, in the policy's order of categories.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from hertz.matching.topk.incremental import PreviousLists
from hertz.matching.topk.lists import NeighborLists
from hertz.storage.files import read_frame, write_frame

NEIGHBOURS = "neighbours.parquet"


def write_neighbours(folder: Path, known: dict[str, PreviousLists]) -> None:
    """Write the lists of every category, by name."""
    write_frame(pl.concat([_frame(name, k) for name, k in known.items()]), folder / NEIGHBOURS)


def read_neighbours(snapshot: Path) -> dict[str, PreviousLists]:
    """The lists of every category, by name; their counts of pairs are 0.

    Raises:
        StorageError: If the file is missing or damaged.
    """
    frame = read_frame(snapshot / NEIGHBOURS)
    parts = frame.partition_by("category", maintain_order=True, as_dict=True)
    return {str(name): _known(part) for (name,), part in parts.items()}


def _frame(category: str, known: PreviousLists) -> pl.DataFrame:
    lists = known.lists
    return pl.DataFrame(
        {
            "category": pl.repeat(category, len(known.user_ids), dtype=pl.String, eager=True),
            "user_id": known.user_ids,
            "fingerprint": known.fingerprints,
            "bound_score": lists.bound_scores,
            "bound_id": lists.bound_ids,
            "rows": pl.Series(lists.ids, dtype=pl.Array(pl.Int32, lists.ids.shape[1])),
            "scores": pl.Series(lists.scores, dtype=pl.Array(pl.Float32, lists.ids.shape[1])),
        }
    )


def _known(part: pl.DataFrame) -> PreviousLists:
    lists = NeighborLists(
        ids=np.ascontiguousarray(part["rows"].to_numpy()),
        scores=np.ascontiguousarray(part["scores"].to_numpy()),
        bound_scores=part["bound_score"].to_numpy(),
        bound_ids=part["bound_id"].to_numpy(),
        eligible_pairs=0,
        scored_pairs=0,
    )
    return PreviousLists(part["user_id"].to_numpy(), part["fingerprint"].to_numpy(), lists)
