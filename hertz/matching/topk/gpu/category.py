"""One category of a block that is worked off on a GPU: its lists, which stay there.

In: pairs of positions whose upper bound reaches what either side still takes, from
`device_pass.py`. Out: the pairs scored, exactly, and offered to both sides. A list is a row of
keys: an entry's score in the upper half of an int64, below it its row counted from the end. The
larger key is the better entry, ties included, so a list is what `topk` keeps.
"""

from __future__ import annotations

import numpy as np
import torch

from hertz.matching.kernels.heaps import EMPTY_ID
from hertz.matching.topk.gpu.pair_scores import GpuPairScorer
from hertz.matching.topk.options import CategorySearch
from hertz.matching.topk.plan import Plan
from hertz.matching.topk.thresholds import floor

ROOM = 1 << 26  # pairs, or entries of lists, handled at once
SIGN = 0x7FFFFFFF  # all bits of an int32 but its sign


def keys_of(scores: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """int64 that order entries as lists do: float32 scores, and of the same score the lower id."""
    bits = (scores + 0.0).view(torch.int32)  # one zero, not two
    rising = torch.where(bits < 0, bits ^ SIGN, bits)
    return (rising.long() << 32) | (EMPTY_ID - ids.long())


EMPTY = int(keys_of(torch.tensor(-torch.inf), torch.tensor(EMPTY_ID)))


class GpuCategorySearch:
    """One block of one category, on the device of its plan's bound.

    Args:
        plan: The block's.
        its: Which of the plan's categories.
        category: It, whose lists are written by `close`.
        scorer: Its scores and rules, on the device.
    """

    def __init__(
        self, plan: Plan, its: int, category: CategorySearch, scorer: GpuPairScorer
    ) -> None:
        self.plan, self.its, self.lists, self.scorer = plan, its, category.lists, scorer
        self.unit, self.slack = plan.bound.category_scales[its], plan.bound.slacks[its]
        self.floor, self.depth = floor(category.scorer.combine), self.lists.scores.shape[1]
        self.scored, own = 0, self.lists
        self.ids = torch.from_numpy(plan.rows).to(plan.bound.right.device)
        self.by_id = self.ids.argsort()
        scores, ids, self.bounds, self.taking = (
            self._taken(array) for array in (own.scores, own.ids, own.bounds, own.taking)
        )
        self.keys = keys_of(scores, ids).sort(dim=1, descending=True).values
        self.hoped = torch.full_like(self.bounds, -torch.inf)
        self.least = torch.where(self.taking, -torch.inf, torch.inf)
        self.rise(slice(None))

    def hope(self, some: torch.Tensor, others: torch.Tensor, wanted: int) -> None:
        """Take from a sample the score that a row's last entry will hardly stay below.

        Args:
            some: `(m,)` int64 positions.
            others: `(m, asked)` int64, the most promising of the sample for each.
            wanted: The rank among them whose score a list hardly ends below.
        """
        a, b = self.ids[some.repeat_interleave(others.shape[1])], self.ids[others.flatten()]
        allowed = self.scorer.may_meet(a, b)
        scores = torch.full(a.shape, -torch.inf, device=a.device)
        scores[allowed] = self.scorer.mutual(a[allowed], b[allowed])
        self.hoped[some] = scores.view(others.shape).topk(wanted, dim=1).values[:, -1]
        self.rise(some)

    def take(self, a: torch.Tensor, b: torch.Tensor) -> None:
        """Score the pairs of positions, `(m,)` int64, and offer the two of each to each other."""
        a, b, mutual = self._scored(a, b)
        self._offer(a, keys_of(mutual, self.ids[b]))
        self._offer(b, keys_of(mutual, self.ids[a]))

    def take_one_way(self, a: torch.Tensor, b: torch.Tensor) -> None:
        """The same, but only `b` is offered, to `a`."""
        a, b, mutual = self._scored(a, b)
        self._offer(a, keys_of(mutual, self.ids[b]))

    def disappointed(self) -> torch.Tensor:
        """Positions that may have missed someone, once all tiles are worked off."""
        return (entries_of(self.keys[:, -1])[0] < self.hoped).nonzero()[:, 0]

    def restart(self, rows: torch.Tensor) -> None:
        """Empty some lists, which then take what is as good as what they had."""
        have = entries_of(self.keys[rows, -1])[0]
        self.bounds[rows] = self.bounds[rows].maximum(have)
        self.keys[rows], self.hoped[rows], self.least[rows] = EMPTY, -torch.inf, -torch.inf
        self.rise(rows)

    def rise(self, rows: slice | torch.Tensor) -> None:
        """What rows still take, from what they have."""
        last = entries_of(self.keys[rows, -1])[0]
        worst = last.maximum(self.bounds[rows]).maximum(self.hoped[rows]).double()
        least = (worst / self.unit - self.slack).float()
        least[worst <= self.floor] = -torch.inf
        self.least[rows] = self.least[rows].maximum(least)

    def close(self) -> None:
        """Write the lists."""
        rows, worst_first = np.sort(self.plan.rows), self.keys[self.by_id].flip(1)
        scores, ids = (part.cpu().numpy() for part in entries_of(worst_first))
        self.lists.scores[rows], self.lists.ids[rows] = scores, ids

    def _taken(self, array: np.ndarray) -> torch.Tensor:
        """Rows of the features in the order of the plan."""
        by_id = torch.from_numpy(array[np.sort(self.plan.rows)]).to(self.ids.device)
        out = torch.empty_like(by_id)
        out[self.by_id] = by_id
        return out

    def _scored(
        self, a: torch.Tensor, b: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The pairs of positions that may meet, with their scores."""
        allowed = self.scorer.may_meet(self.ids[a], self.ids[b])
        a, b = a[allowed], b[allowed]
        self.scored += len(a)
        return a, b, self.scorer.mutual(self.ids[a], self.ids[b])

    def _offer(self, at: torch.Tensor, keys: torch.Tensor) -> None:
        """Keep the best of what each position has and is offered."""
        better = self.taking[at] & (keys > self.keys[at, -1])
        at, order = at[better].sort()
        keys = keys[better][order]
        if not len(at):
            return
        rows, counts = torch.unique_consecutive(at, return_counts=True)
        ends, most = counts.cumsum(0), int(counts.max())
        for start in range(0, len(rows), size := max(1, ROOM // (self.depth + most))):
            some, many = rows[start : start + size], counts[start : start + size]
            first, last = int(ends[start] - counts[start]), int(ends[start + len(some) - 1])
            row = torch.arange(len(some), device=at.device).repeat_interleave(many)
            place = torch.arange(first, last, device=at.device)
            place -= (ends - counts)[start : start + size][row]
            table = keys.new_full((len(some), self.depth + most), EMPTY)
            table[:, : self.depth] = self.keys[some]
            table[row, self.depth + place] = keys[first:last]
            self.keys[some] = table.topk(self.depth, dim=1).values


def entries_of(keys: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The float32 scores and the int32 ids of `keys_of`."""
    rising = (keys >> 32).int()
    scores = torch.where(rising < 0, rising ^ SIGN, rising).view(torch.float32)
    return scores, (EMPTY_ID - (keys & SIGN)).int()
