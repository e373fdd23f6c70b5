"""The exact k best of a large eligibility block on a GPU: bounds, scores and lists stay there.

In: a block's plan and the lists of all users. As in `tiles.py`, a tile's bounds are tested against
what either side still takes; only what reaches it is scored, exactly, and offered to both sides. A
list is a row of keys: an entry's score in the upper half of an int64, below it its row counted from
the end. The larger key is the better entry, ties included, so a list is what `topk` keeps.
"""

from __future__ import annotations

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


def keys_of(scores: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """int64 that order entries as lists do: float32 scores, and of the same score the lower id."""
    bits = (scores + 0.0).view(torch.int32)  # one zero, not two
    rising = torch.where(bits < 0, bits ^ SIGN, bits)
    return (rising.long() << 32) | (NOBODY - ids.long())


EMPTY = int(keys_of(torch.tensor(-torch.inf), torch.tensor(NOBODY)))


class DevicePass:
    """One block of one category, on the device of its plan's bound.

    Args:
        plan: The block's.
        scorer: The category's scores and rules, on the device.
        lists: What is offered to, written at the end of `run`.
        combine: The policy's mean.
    """

    def __init__(self, plan: Plan, scorer: DeviceScorer, lists: Lists, combine: str) -> None:
        self.plan, self.bound, self.lists = plan, plan.bound, lists
        self.scorer, self.floor, self.depth = scorer, floor(combine), lists.scores.shape[1]
        self.scored = 0
        self.ids = torch.from_numpy(plan.rows).to(plan.bound.right.device)
        self.by_id = self.ids.argsort()
        scores, ids, self.bounds, self.taking = (
            self._taken(part) for part in (lists.scores, lists.ids, lists.bounds, lists.taking)
        )
        self.keys = keys_of(scores, ids).sort(dim=1, descending=True).values
        self.hoped = torch.full_like(self.bounds, -torch.inf)
        self.least = torch.where(self.taking, -torch.inf, torch.inf)
        self._raise(slice(None))

    def run(self, tick: Tick) -> None:
        """Work the tiles off; `tick` is called with the share done, 0 to 1."""
        plan = self.plan
        self._hope()
        for done, (i, j) in enumerate(plan.tiles):
            tick(done / len(plan.tiles))
            self._tile(plan.cuts[i], plan.cuts[j])
        self._again((entries_of(self.keys[:, -1])[0] < self.hoped).nonzero()[:, 0])
        rows, worst_first = np.sort(plan.rows), self.keys[self.by_id].flip(1)
        scores, ids = (part.cpu().numpy() for part in entries_of(worst_first))
        self.lists.scores[rows], self.lists.ids[rows] = scores, ids

    def _taken(self, array: np.ndarray) -> torch.Tensor:
        """Rows of the features in the order of the plan."""
        by_id = torch.from_numpy(array[np.sort(self.plan.rows)]).to(self.ids.device)
        out = torch.empty_like(by_id)
        out[self.by_id] = by_id
        return out

    def _hope(self) -> None:
        """Take from a sample the score that a row's last entry will hardly stay below."""
        n, sought = len(self.ids), self.plan.sought
        step = STEP if n // STEP >= 6 * self.depth else 1
        sample = torch.arange(0, n, step, device=self.ids.device)
        wanted = hopeful(self.depth, step, sought == n)
        asked = min(3 * wanted, len(sample))  # some may not meet, and bounds rank only roughly
        if wanted > asked:
            return
        right = self.bound.right[sample].T
        size = max(1, ROOM // len(sample))
        for start in range(0, sought, size):
            some = torch.arange(start, min(start + size, sought), device=self.ids.device)
            upper = (self.bound.left[some] @ right).float()
            others = sample[upper.topk(asked, dim=1).indices.flatten()]
            a, b = self.ids[some.repeat_interleave(asked)], self.ids[others]
            allowed = self.scorer.may_meet(a, b)
            scores = torch.full(a.shape, -torch.inf, device=a.device)
            scores[allowed] = self.scorer.mutual(a[allowed], b[allowed])
            self.hoped[some] = scores.view(-1, asked).topk(wanted, dim=1).values[:, -1]
        self._raise(slice(0, sought))

    def _tile(self, rows: slice, columns: slice) -> None:
        """Offer what survives of a tile to both sides; what is too much at once, in parts."""
        found = survivors(
            self.bound.left[rows],
            self.bound.right[columns],
            self.least[rows],
            self.least[columns],
            rows == columns,
            ROOM,
        )
        if not found:
            for part in _parts(rows, columns):
                self._tile(*part)
            return
        a, b, mutual = self._scored(found[0] + rows.start, found[1] + columns.start)
        self._offer(a, keys_of(mutual, self.ids[b]))
        self._offer(b, keys_of(mutual, self.ids[a]))
        self._raise(rows)
        self._raise(columns)

    def _again(self, rows: torch.Tensor) -> None:
        """Search for rows that had hoped for too much: they take what is as good as they have."""
        if not len(rows):
            return
        have = entries_of(self.keys[rows, -1])[0]
        self.bounds[rows] = self.bounds[rows].maximum(have)
        self.keys[rows], self.hoped[rows], self.least[rows] = EMPTY, -torch.inf, -torch.inf
        self._raise(rows)
        for columns in self.plan.cuts:
            self._column(rows, columns)

    def _column(self, rows: torch.Tensor, columns: slice) -> None:
        """Offer to some rows what survives of a tile of theirs."""
        nothing = torch.full((columns.stop - columns.start,), torch.inf, device=rows.device)
        found = survivors(
            self.bound.left[rows],
            self.bound.right[columns],
            self.least[rows],
            nothing,
            False,
            ROOM,
        )
        if not found:
            parts = [(half, columns) for half in rows.chunk(2)]
            if len(rows) == 1:
                parts = [(rows, half) for half in _halves(columns)]
            for part in parts:
                self._column(*part)
            return
        a, b, mutual = self._scored(rows[found[0]], found[1] + columns.start)
        self._offer(a, keys_of(mutual, self.ids[b]))
        self._raise(rows)

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

    def _raise(self, rows: slice | torch.Tensor) -> None:
        """What rows still take, from what they have."""
        last = entries_of(self.keys[rows, -1])[0]
        worst = last.maximum(self.bounds[rows]).maximum(self.hoped[rows]).double()
        least = (worst / self.bound.units[0] - self.bound.slacks[0]).float()
        least[worst <= self.floor] = -torch.inf
        self.least[rows] = self.least[rows].maximum(least)


def entries_of(keys: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The float32 scores and the int32 ids of `keys_of`."""
    rising = (keys >> 32).int()
    scores = torch.where(rising < 0, rising ^ SIGN, rising).view(torch.float32)
    return scores, (NOBODY - (keys & SIGN)).int()


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
