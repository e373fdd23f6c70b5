"""The exact k best of a large eligibility block on a GPU: bounds, scores and lists stay there.

In: a block's plan and the lists of all users. As in `tiles.py`, a tile's bounds are tested against
what either side still takes; only what reaches it is scored, exactly, and offered to both sides. A
list is a row of keys: an entry's score in the upper half of an int64, below it its row counted from
the end. The larger key is the better entry, ties included, so a list is what `topk` keeps.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from matching.device_kernels import survivors
from matching.device_scores import DeviceScorer
from matching.heaps import NOBODY
from matching.lists import Lists
from matching.plan import Plan
from matching.thresholds import STEP, Tick, floor, hopeful

ROOM = 1 << 26  # pairs, or entries of lists, handled at once
SIGN = 0x7FFFFFFF  # all bits of an int32 but its sign


class DevicePass:
    """One block of one category, on the device of its plan's bound.

    Args:
        plan: The block's.
        scorer: The category's scores and rules, on the device.
        lists: What is offered to, written at the end of `run`.
        combine: The policy's mean.
        hopes: Whether a row may hope for too much, and be sought again.
    """

    def __init__(
        self, plan: Plan, scorer: DeviceScorer, lists: Lists, combine: str, hopes: bool
    ) -> None:
        self.plan, self.rows, self.bound, self.lists = plan, plan.rows, plan.bound, lists
        self.scorer, self.floor, self.hopes = scorer, floor(combine), hopes
        self.scored: list[int] = []  # pairs scored, a tile each
        where = plan.bound.left.device
        self.ids = torch.from_numpy(plan.rows).to(where)
        scores, ids, bounds, taking = (
            torch.from_numpy(array[plan.rows]).to(where)
            for array in (lists.scores, lists.ids, lists.bounds, lists.taking)
        )
        self.depth, self.bounds, self.taking = scores.shape[1], bounds, taking
        self.keys = keys_of(scores, ids).sort(dim=1, descending=True).values
        self.hoped = torch.full_like(bounds, -torch.inf)
        self.least = torch.where(taking, -torch.inf, torch.inf)
        self._raise(slice(0, len(plan.rows)))

    def run(self, tick: Tick) -> None:
        """Work the tiles off; `tick` is called with the share done, 0 to 1."""
        for cut in self.plan.cuts:
            if cut.stop <= self.plan.sought:
                self._hope(cut)
        for done, (i, j) in enumerate(self.plan.tiles):
            tick(done / len(self.plan.tiles))
            self._tile(self.plan.cuts[i], self.plan.cuts[j])
        scores, ids = (half.flip(1).cpu().numpy() for half in entries_of(self.keys))
        self.lists.scores[self.rows], self.lists.ids[self.rows] = scores, ids  # the worst first

    def disappointed(self) -> np.ndarray:
        """Rows of the block that may have missed someone, once all tiles are worked off."""
        return self.rows[self.lists.scores[self.rows, 0] < self.hoped.cpu().numpy()]

    def _hope(self, cut: slice) -> None:
        """Take from a sample the score that a row's last entry will hardly stay below.

        Without hopes one that as many of the sample reach as the list has entries.
        """
        n, depth, everyone = len(self.rows), self.depth, self.plan.sought == len(self.rows)
        step = STEP if n // STEP >= 6 * depth else 1
        sample = torch.arange(0, n, step, device=self.ids.device)
        wanted = hopeful(depth, step, everyone) if self.hopes else depth
        asked = min(3 * wanted, len(sample))  # some may not meet, and bounds rank only roughly
        if wanted > asked:
            return
        right = self.bound.right[sample].T
        for rows in _pieces(cut, max(1, ROOM // len(sample))):
            upper = (self.bound.left[rows] @ right).float()
            others = sample[upper.topk(asked, dim=1).indices.flatten()]
            mine = torch.arange(rows.start, rows.stop, device=others.device)
            a, b = self.ids[mine.repeat_interleave(asked)], self.ids[others]
            allowed = self.scorer.may_meet(a, b)
            scores = torch.full(a.shape, -torch.inf, device=a.device)
            scores[allowed] = self.scorer.mutual(a[allowed], b[allowed])
            self.hoped[rows] = scores.view(-1, asked).topk(wanted, dim=1).values[:, -1]
        self._raise(cut)

    def _tile(self, rows: slice, columns: slice) -> None:
        """Offer what survives of a tile; what is too much at once, in parts."""
        found = survivors(
            self.bound.left[rows],
            self.bound.right[columns],
            self.least[rows],
            self.least[columns],
            rows == columns,
            ROOM,
        )
        if found:
            self._offer_both(rows, columns, found[0] + rows.start, found[1] + columns.start)
            return
        for part in _parts(rows, columns):
            self._tile(*part)

    def _offer_both(self, rows: slice, columns: slice, a: torch.Tensor, b: torch.Tensor) -> None:
        """Score the pairs of positions that may meet, and offer them to each other."""
        allowed = self.scorer.may_meet(self.ids[a], self.ids[b])
        a, b = a[allowed], b[allowed]
        mine, theirs = self.ids[a], self.ids[b]
        mutual = self.scorer.mutual(mine, theirs)
        self.scored.append(len(a))
        self._offer(rows, a - rows.start, keys_of(mutual, theirs))
        self._offer(columns, b - columns.start, keys_of(mutual, mine))
        self._raise(rows)
        self._raise(columns)

    def _offer(self, side: slice, at: torch.Tensor, keys: torch.Tensor) -> None:
        """Keep the best of what each row of a side has and is offered."""
        kept = self.keys[side]
        better = self.taking[side][at] & (keys > kept[at, -1])
        at, order = at[better].sort()
        keys = keys[better][order]
        counts = at.bincount(minlength=len(kept))
        ends = counts.cumsum(0)
        most = int(counts.max())
        for part in _pieces(slice(0, len(kept)), max(1, ROOM // (self.depth + most))):
            first, last = int(ends[part.start] - counts[part.start]), int(ends[part.stop - 1])
            row, key = at[first:last], keys[first:last]
            place = torch.arange(first, last, device=at.device) - (ends - counts)[row]
            table = kept.new_full(
                (part.stop - part.start, self.depth + most), torch.iinfo(kept.dtype).min
            )
            table[:, : self.depth] = kept[part]
            table[row - part.start, self.depth + place] = key
            kept[part] = table.topk(self.depth, dim=1).values

    def _raise(self, side: slice) -> None:
        """What a side still takes, from what it has."""
        last = entries_of(self.keys[side, -1])[0]
        worst = last.maximum(self.bounds[side]).maximum(self.hoped[side]).double()
        least = (worst / self.bound.total - self.bound.slack).float()
        least[worst <= self.floor] = -torch.inf
        self.least[side] = self.least[side].maximum(least)


def keys_of(scores: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """int64 that order entries as lists do: float32 scores, and of the same score the lower id."""
    bits = (scores + 0.0).view(torch.int32)  # one zero, not two
    rising = torch.where(bits < 0, bits ^ SIGN, bits)
    return (rising.long() << 32) | (NOBODY - ids.long())


def entries_of(keys: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The float32 scores and the int32 ids of `keys_of`."""
    rising = (keys >> 32).int()
    scores = torch.where(rising < 0, rising ^ SIGN, rising).view(torch.float32)
    return scores, (NOBODY - (keys & SIGN)).int()


def _pieces(rows: slice, most: int) -> list[slice]:
    """Of so many rows at most."""
    starts = [*range(rows.start, rows.stop, most), rows.stop]
    return [slice(a, b) for a, b in pairwise(starts)]


def _parts(rows: slice, columns: slice) -> list[tuple[slice, slice]]:
    """A tile as smaller ones; of one on the diagonal the part above it."""
    if rows == columns:
        left, right = _halves(rows)
        return [(left, left), (left, right), (right, right)]
    if rows.stop - rows.start > columns.stop - columns.start:
        return [(half, columns) for half in _halves(rows)]
    return [(rows, half) for half in _halves(columns)]


def _halves(rows: slice) -> tuple[slice, slice]:
    middle = (rows.start + rows.stop) // 2
    return slice(rows.start, middle), slice(middle, rows.stop)
