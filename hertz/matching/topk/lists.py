"""Everyone's best so far while pairs are scored, and the finished lists.

A `Lists` is filled by offering scored pairs to it; it never holds more than `depth` entries a
user. `finished` turns it into `NeighborLists`, best first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hertz.core.compute import in_threads, slices
from hertz.matching.features import Features
from hertz.matching.kernels.heaps import EMPTY_ID, insert_pairs, sort_heaps


@dataclass(frozen=True)
class NeighborLists:
    """The best of every user in one category, best first.

    Attributes:
        ids: `(n, depth)` int32 rows of the features, -1 where there is nobody.
        scores: `(n, depth)` float32, -inf there.
        bound_scores: `(n,)` float32. Whoever is not listed is worse than (bound score, bound id):
            has a lower score, or the same and a higher user id. -inf where all are listed.
        bound_ids: `(n,)` int64 user ids.
        eligible_pairs: Unordered pairs that may meet in this category.
        scored_pairs: How many pairs were scored to find this.
    """

    ids: np.ndarray
    scores: np.ndarray
    bound_scores: np.ndarray
    bound_ids: np.ndarray
    eligible_pairs: int
    scored_pairs: int


@dataclass(frozen=True)
class Lists:
    """Heaps of n users, the worst entry at the root.

    Attributes:
        scores: `(n, depth)` float32, -inf where empty.
        ids: `(n, depth)` int32 rows, EMPTY_ID where empty.
        bounds: `(n,)` float32: entries below it need not be offered.
        sought: `(n,)` bool: whose pairs are to be looked at.
        taking: `(n,)` bool: who is offered anything.
    """

    scores: np.ndarray
    ids: np.ndarray
    bounds: np.ndarray
    sought: np.ndarray
    taking: np.ndarray

    def again(self, rows: np.ndarray) -> Lists:
        """The same lists, those of `rows` emptied: only these are sought, and take anything."""
        only = np.zeros(len(self.sought), dtype=bool)
        only[rows] = True
        bounds = np.where(only, np.maximum(self.bounds, self.scores[:, 0]), self.bounds)
        self.scores[rows], self.ids[rows] = -np.inf, EMPTY_ID
        return Lists(self.scores, self.ids, bounds, only, only)

    def offer(self, a: np.ndarray, b: np.ndarray, mutual: np.ndarray) -> None:
        """Offer the two of each pair, `(m,)` int64 rows, to each other."""
        insert_pairs(self.scores, self.ids, self.taking, a, b, mutual)


def empty_lists(users: int, depth: int) -> Lists:
    """Nobody has anyone yet, and everyone is sought."""
    return Lists(
        scores=np.full((users, depth), -np.inf, dtype=np.float32),
        ids=np.full((users, depth), EMPTY_ID, dtype=np.int32),
        bounds=np.full(users, -np.inf, dtype=np.float32),
        sought=np.ones(users, dtype=bool),
        taking=np.ones(users, dtype=bool),
    )


def finished(features: Features, lists: Lists, eligible: int, scored: int) -> NeighborLists:
    """The lists, sorted in place, once every pair that could matter was offered."""
    ids, scores = lists.ids, lists.scores

    def sort(rows: slice) -> None:
        sort_heaps(scores[rows], ids[rows])

    in_threads(sort, slices(len(ids)))
    full = ids[:, -1] >= 0
    last = np.where(full, ids[:, -1], 0)
    return NeighborLists(
        ids=ids,
        scores=scores,
        bound_scores=np.where(full, scores[:, -1], -np.inf).astype(np.float32),
        bound_ids=np.where(full, features.user_ids[last] if len(features) else 0, 0),
        eligible_pairs=eligible,
        scored_pairs=scored,
    )
