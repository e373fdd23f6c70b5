"""Everyone's best matches: heaps while pairs are scored, and the finished neighbor lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hertz.core.compute import in_threads, slices
from hertz.matching.features import Features
from hertz.matching.kernels.heaps import EMPTY_KEY, decode_scores, heaps_to_lists, insert_pairs


@dataclass(frozen=True)
class NeighborLists:
    """The best matches of every user in one category, best first.

    Attributes:
        ids: `(n, depth)` int32 rows of the features, -1 where an entry is empty.
        scores: `(n, depth)` float32 mutual scores, -inf where an entry is empty.
        bound_scores: `(n,)` float32. An eligible user who is not listed is worse than
            (bound score, bound id): has a lower score, or the same score and a higher user id.
            -inf where all eligible users are listed.
        bound_ids: `(n,)` int64 user ids, the second part of the bound.
        eligible_pairs: Number of unordered pairs that may meet in this category.
        scored_pairs: Number of pairs that were scored to find the lists.
    """

    ids: np.ndarray
    scores: np.ndarray
    bound_scores: np.ndarray
    bound_ids: np.ndarray
    eligible_pairs: int
    scored_pairs: int


@dataclass(frozen=True)
class PairCounts:
    """Numbers of unordered pairs of one category that may meet, and that were scored exactly."""

    eligible: int
    scored: int

    def __add__(self, other: PairCounts) -> PairCounts:
        """Returns the sums of both numbers."""
        return PairCounts(self.eligible + other.eligible, self.scored + other.scored)


@dataclass(frozen=True)
class TopKHeaps:
    """A heap of the best matches so far for each of n users, the worst entry at its root.

    Attributes:
        keys: `(n, depth)` int64 entries, EMPTY_KEY where empty; see `kernels/heaps.py`.
        min_scores: `(n,)` float32: the search may leave out entries with a lower score.
        active: `(n,)` bool: users of whom every pair that could matter is searched.
        accepting: `(n,)` bool: users into whose heaps entries are inserted.
    """

    keys: np.ndarray
    min_scores: np.ndarray
    active: np.ndarray
    accepting: np.ndarray

    @property
    def depth(self) -> int:
        """Number of entries of a heap."""
        return self.keys.shape[1]

    def worst_scores(self, rows: np.ndarray | slice) -> np.ndarray:
        """Returns the scores of the worst entries of some heaps: float32, -inf where empty."""
        return decode_scores(np.ascontiguousarray(self.keys[rows, 0]))

    def reset(self, rows: np.ndarray) -> TopKHeaps:
        """Empties the heaps of `rows` and returns heaps in which only these are searched.

        Entries worse than the worst that a row had may be left out: it only has to find as good
        ones again.
        """
        only = np.zeros(len(self.active), dtype=bool)
        only[rows] = True
        min_scores = self.min_scores.copy()
        min_scores[rows] = np.maximum(min_scores[rows], self.worst_scores(rows))
        self.keys[rows] = EMPTY_KEY
        return TopKHeaps(self.keys, min_scores, active=only, accepting=only)

    def insert_pairs(self, a: np.ndarray, b: np.ndarray, mutual: np.ndarray) -> None:
        """Inserts each side of every pair, by its float32 score, into the other side's heap."""
        insert_pairs(self.keys, self.accepting, a, b, mutual)


def empty_heaps(users: int, depth: int) -> TopKHeaps:
    """Returns empty heaps, with everyone active and accepting."""
    return TopKHeaps(
        keys=np.full((users, depth), EMPTY_KEY, dtype=np.int64),
        min_scores=np.full(users, -np.inf, dtype=np.float32),
        active=np.ones(users, dtype=bool),
        accepting=np.ones(users, dtype=bool),
    )


def finish(features: Features, heaps: TopKHeaps, counts: PairCounts) -> NeighborLists:
    """Returns the heaps as sorted lists, once all pairs that matter are inserted."""
    ids = np.empty(heaps.keys.shape, dtype=np.int32)
    scores = np.empty(heaps.keys.shape, dtype=np.float32)

    in_threads(
        lambda some: heaps_to_lists(heaps.keys[some], scores[some], ids[some]), slices(len(ids))
    )
    full = ids[:, -1] >= 0
    last = np.where(full, ids[:, -1], 0)
    return NeighborLists(
        ids=ids,
        scores=scores,
        bound_scores=np.where(full, scores[:, -1], -np.inf).astype(np.float32),
        bound_ids=np.where(full, features.user_ids[last] if len(features) else 0, 0),
        eligible_pairs=counts.eligible,
        scored_pairs=counts.scored,
    )
