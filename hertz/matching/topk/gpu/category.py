"""Searches one category of a large block on a GPU: thresholds, exact scores and lists.

An entry of a list is one int64 key, as in `kernels/heaps.py`: the larger key is the better entry,
so torch's `topk` keeps the best entries, ties included.
"""

from __future__ import annotations

import numpy as np
import torch

from hertz.matching.kernels.heaps import EMPTY_ID, EMPTY_KEY, INT32_MAX
from hertz.matching.topk.gpu.pair_scores import GpuPairScorer
from hertz.matching.topk.options import SearchedCategory
from hertz.matching.topk.plan import BlockPlan
from hertz.matching.topk.thresholds import clipping_score

MAX_PAIRS_AT_ONCE = 1 << 26  # pairs, or entries of lists, in one call


def encode_keys(scores: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Returns the int64 keys of float32 scores and integer rows, as `heaps.encode_key` does."""
    bits = (scores + 0.0).view(torch.int32)  # -0.0 has the key of 0.0
    ordered = torch.where(bits < 0, bits ^ INT32_MAX, bits)
    return (ordered.long() << 32) | (EMPTY_ID - ids.long())


def decode_scores(keys: torch.Tensor) -> torch.Tensor:
    """Returns the float32 scores of int64 keys."""
    ordered = (keys >> 32).int()
    return torch.where(ordered < 0, ordered ^ INT32_MAX, ordered).view(torch.float32)


class GpuCategorySearch:
    """The search of one block in one category, on the device of its plan's bound.

    Attributes:
        depth: Number of entries of a list.
        scored_pairs: Number of pairs scored so far.
        thresholds: `(n,)` float32 least upper bound, in the bound's unit, at which a pair could
            still enter the row's list; -inf where nothing is known yet.
    """

    def __init__(
        self,
        plan: BlockPlan,
        category_index: int,
        category: SearchedCategory,
        scorer: GpuPairScorer,
    ) -> None:
        self.category_index = category_index
        self.depth = category.heaps.depth
        self.scored_pairs = 0
        self._rows = plan.rows
        self._heaps = category.heaps
        self._scorer = scorer
        self._score_scale = plan.bound.category_scales[category_index]
        self._slack = plan.bound.slacks[category_index]
        self._clipping_score = clipping_score(category.scorer.combine)
        self._ids = torch.from_numpy(plan.rows).to(plan.bound.right.device)
        self._id_order = self._ids.argsort()
        self._min_scores = self._in_plan_order(self._heaps.min_scores)
        self._accepting = self._in_plan_order(self._heaps.accepting)
        keys = self._in_plan_order(self._heaps.keys)
        self._keys = keys.sort(dim=1, descending=True).values
        self._seeds = torch.full_like(self._min_scores, -torch.inf)
        self.thresholds = torch.where(self._accepting, -torch.inf, torch.inf)
        self.raise_thresholds(slice(None))

    def seed_thresholds(self, rows: torch.Tensor, candidates: torch.Tensor, rank: int) -> None:
        """Seeds each row's threshold with a sample score that its last entry almost always reaches.

        That is the score of a `rank`, from 1, among those with the row's candidates: `(m, c)` int64
        positions of the sample's best by their bounds.
        """
        a = self._ids[rows.repeat_interleave(candidates.shape[1])]
        b = self._ids[candidates.flatten()]
        allowed = self._scorer.may_meet(a, b)
        scores = torch.full(a.shape, -torch.inf, device=a.device)
        scores[allowed] = self._scorer.mutual(a[allowed], b[allowed])
        self._seeds[rows] = scores.view(candidates.shape).topk(rank, dim=1).values[:, -1]
        self.raise_thresholds(rows)

    def insert_pairs(self, a: torch.Tensor, b: torch.Tensor, both_ways: bool) -> None:
        """Scores the pairs of positions, `(m,)` int64 each, that may meet, and inserts them.

        `b` is inserted into the lists of `a` and, if `both_ways`, `a` into the lists of `b`.
        """
        allowed = self._scorer.may_meet(self._ids[a], self._ids[b])
        a, b = a[allowed], b[allowed]
        self.scored_pairs += len(a)
        mutual = self._scorer.mutual(self._ids[a], self._ids[b])
        self._insert(a, encode_keys(mutual, self._ids[b]))
        if both_ways:
            self._insert(b, encode_keys(mutual, self._ids[a]))

    def underfilled_rows(self) -> torch.Tensor:
        """Returns the positions whose seed was too high, once all tiles are searched."""
        return (self._last_scores(slice(None)) < self._seeds).nonzero()[:, 0]

    def reset(self, rows: torch.Tensor) -> None:
        """Empties some lists, which then leave out what is worse than the worst they had."""
        last = self._last_scores(rows)
        self._min_scores[rows] = self._min_scores[rows].maximum(last)
        self._keys[rows] = EMPTY_KEY
        self._seeds[rows] = -torch.inf
        self.thresholds[rows] = -torch.inf
        self.raise_thresholds(rows)

    def raise_thresholds(self, rows: slice | torch.Tensor) -> None:
        """Raises the thresholds of some rows to what lists, seeds and minimum scores allow."""
        last = self._last_scores(rows)
        scores = last.maximum(self._min_scores[rows]).maximum(self._seeds[rows]).double()
        bounds = (scores / self._score_scale - self._slack).float()
        bounds[scores <= self._clipping_score] = -torch.inf
        self.thresholds[rows] = self.thresholds[rows].maximum(bounds)

    def write_heaps(self) -> None:
        """Writes the lists into the category's heaps, worst entry first."""
        rows = np.sort(self._rows)
        self._heaps.keys[rows] = self._keys[self._id_order].flip(1).cpu().numpy()

    def _last_scores(self, rows: slice | torch.Tensor) -> torch.Tensor:
        """Returns the score of the last entry of some lists: float32, -inf where it is empty."""
        return decode_scores(self._keys[rows, -1])

    def _in_plan_order(self, array: np.ndarray) -> torch.Tensor:
        """Moves the block's rows of an array over all users to the device, in the plan's order."""
        by_id = torch.from_numpy(array[np.sort(self._rows)]).to(self._ids.device)
        out = torch.empty_like(by_id)
        out[self._id_order] = by_id
        return out

    def _insert(self, at: torch.Tensor, keys: torch.Tensor) -> None:
        """Inserts keys, `(m,)` int64, into the lists at some positions, which keep the best."""
        better = self._accepting[at] & (keys > self._keys[at, -1])
        at, order = at[better].sort()
        keys = keys[better][order]
        if not len(at):
            return
        rows, counts = torch.unique_consecutive(at, return_counts=True)
        ends = counts.cumsum(0)
        width = self.depth + int(counts.max())
        size = max(1, MAX_PAIRS_AT_ONCE // width)
        for start in range(0, len(rows), size):
            chunk = slice(start, start + size)
            last = int(ends[chunk][-1])
            first = int(ends[start] - counts[start])
            self._merge(rows[chunk], counts[chunk], keys[first:last], width)

    def _merge(
        self, rows: torch.Tensor, counts: torch.Tensor, keys: torch.Tensor, width: int
    ) -> None:
        """Merges `counts` of the new keys into each of the lists, in a table of `width` columns."""
        row = torch.arange(len(rows), device=rows.device).repeat_interleave(counts)
        starts = counts.cumsum(0) - counts
        column = self.depth + torch.arange(len(keys), device=rows.device) - starts[row]
        table = keys.new_full((len(rows), width), EMPTY_KEY)
        table[:, : self.depth] = self._keys[rows]
        table[row, column] = keys
        self._keys[rows] = table.topk(self.depth, dim=1).values
