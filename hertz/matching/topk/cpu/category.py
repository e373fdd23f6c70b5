"""One category of a block that is worked off tile by tile on a CPU: what its lists take, and have.

In: pairs of a tile whose upper bound reaches what either side still takes, from `tiles.py`. Out:
the pairs scored, exactly, and offered to both sides. What a side takes starts at a score that a
sample lets one hope for, and rises with what it has.
"""

from __future__ import annotations

from contextlib import ExitStack
from threading import Lock

import numpy as np

from hertz.matching.kernels.heaps import EMPTY_ID, largest_columns
from hertz.matching.kernels.pairs import find_survivors, reaches_with_residuals
from hertz.matching.topk.cpu.tiles import Found
from hertz.matching.topk.options import CategorySearch
from hertz.matching.topk.plan import Plan
from hertz.matching.topk.thresholds import ASKED, floor


class CpuCategorySearch:
    """One block of one category.

    Args:
        plan: The block's.
        its: Which of the plan's categories.
        category: It, whose lists are written.
    """

    def __init__(self, plan: Plan, its: int, category: CategorySearch) -> None:
        self.plan, self.its, self.rows, self.cuts = plan, its, plan.rows, plan.cuts
        self.scorer, self.rules, self.lists = category.scorer, category.rules, category.lists
        self.scored: list[int] = []  # pairs scored, a call each
        self.unit, self.slack = plan.bound.category_scales[its], plan.bound.slacks[its]
        left_out = plan.bound.residual_norms, plan.bound.residuals, plan.bound.residual_signs
        self.spread, self.rest, self.signs = (part.numpy() for part in left_out)
        self.floor = floor(self.scorer.combine)
        self.hoped = np.full(len(self.rows), -np.inf, dtype=np.float32)
        self.least = np.where(self.lists.taking[self.rows], -np.inf, np.inf).astype(np.float32)
        self._raise(slice(0, len(self.rows)))
        self.locks = [Lock() for _ in self.cuts]

    def hope(self, cut: slice, sample: np.ndarray, upper: np.ndarray, wanted: int) -> None:
        """Take from a sample the score that a row's last entry will hardly stay below.

        Args:
            cut: Rows that hope.
            sample: Positions of the sample, `(m,)` int64.
            upper: Their bounds, `(rows, m)` float32.
            wanted: The rank in the sample whose score a list hardly ends below.
        """
        picked = largest_columns(upper, np.arange(len(upper)), ASKED * wanted)
        at, rank = np.nonzero(picked != EMPTY_ID)
        a, b = self.rows[at + cut.start], self.rows[sample[picked[at, rank]]]
        allowed = self.rules.may_meet(a, b)
        scores = np.full(picked.shape, -np.inf, dtype=np.float32)
        scores[at[allowed], rank[allowed]] = self.scorer.mutual(a[allowed], b[allowed])
        self.hoped[cut] = -np.partition(-scores, wanted - 1, axis=1)[:, wanted - 1]
        self._raise(cut)

    def disappointed(self) -> np.ndarray:
        """Rows of the block that may have missed someone, once all tiles are worked off."""
        return self.rows[self.lists.scores[self.rows, 0] < self.hoped]

    def starts(self, i: int, j: int) -> bool:
        """Whether some of a tile have no threshold yet."""
        sides = self.cuts[i], self.cuts[j]
        return any((self.least[side] == -np.inf).any() for side in sides)

    def find_first(self, i: int, j: int, upper: np.ndarray) -> Found:
        """Surviving pairs of a tile where some have no threshold yet, and get one."""
        rows, columns = self.cuts[i], self.cuts[j]
        with self._holding(i, j):
            self._start(upper, rows, columns, self.plan.mixed[self.its, i, j])
        found = np.empty((2, upper.size), dtype=np.int32)
        count = find_survivors(
            upper, self.least[rows], self.least[columns], 0 if i == j else -1, found
        )
        i_found, j_found = found[:, :count]
        return i_found, j_found, upper[i_found, j_found]

    def take(self, i: int, j: int, found: Found) -> None:
        """Score the pairs of a tile that still reach what either side takes, and offer them."""
        rows, columns = self.cuts[i], self.cuts[j]
        a, b, mutual = self._scored(*self._tightened(*found, rows.start, columns.start))
        with self._holding(i, j):
            self._offer(a, b, mutual)
            self._raise(rows)
            self._raise(columns)

    def _start(self, upper: np.ndarray, rows: slice, columns: slice, mixed: bool) -> None:
        """Give those that have no threshold yet the best of a tile by their bounds.

        The pairs taken are marked by -inf: they are done with.
        """
        empty = [np.flatnonzero(self.least[side] == -np.inf) for side in (rows, columns)]
        if not len(empty[0]) and not len(empty[1]):
            return
        if mixed:
            self._forbid(upper, rows, columns)
        self._take_best(upper, rows, columns, empty[0])
        if rows != columns:
            self._take_best(upper.T, columns, rows, empty[1])
        self._raise(rows)
        self._raise(columns)

    def _take_best(
        self, upper: np.ndarray, mine: slice, theirs: slice, without: np.ndarray
    ) -> None:
        picked = largest_columns(np.ascontiguousarray(upper), without, self.lists.scores.shape[1])
        at, _ = np.nonzero(picked != EMPTY_ID)
        i, j = without[at], picked[picked != EMPTY_ID].astype(np.int64)
        if mine == theirs:  # each pair once, nobody with oneself
            once = np.unique(np.minimum(i, j) * len(upper) + np.maximum(i, j))
            i, j = once // len(upper), once % len(upper)
            upper[j, i] = -np.inf
        upper[i, j] = -np.inf
        self._offer(*self._scored(i + mine.start, j + theirs.start))

    def _tightened(
        self, i: np.ndarray, j: np.ndarray, upper: np.ndarray, row: int, column: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the found pairs whose tighter bound still reaches what either side takes."""
        a, b = i.astype(np.int64) + row, j.astype(np.int64) + column
        starts, its = self.plan.bound.residual_starts, 1 + self.its
        left_out = self.spread, self.rest, starts, self.signs, its
        keep = reaches_with_residuals(upper, *left_out, self.least, a, b)
        return a[keep], b[keep]

    def _forbid(self, upper: np.ndarray, rows: slice, columns: slice) -> None:
        b = self.rows[columns]
        for i, a in enumerate(self.rows[rows]):
            upper[i, ~self.rules.may_meet(np.full(len(b), a), b)] = -np.inf

    def _scored(self, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows of the pairs of positions that may meet, with their scores."""
        a, b = self.rows[a], self.rows[b]
        allowed = self.rules.may_meet(a, b)
        a, b = a[allowed], b[allowed]
        return a, b, self.scorer.mutual(a, b)

    def _offer(self, a: np.ndarray, b: np.ndarray, mutual: np.ndarray) -> None:
        self.scored.append(len(a))
        self.lists.offer(a, b, mutual)

    def _raise(self, side: slice) -> None:
        """What a side still takes, from what it has."""
        rows = self.rows[side]
        worst = np.maximum(self.lists.scores[rows, 0], self.lists.bounds[rows])
        worst = np.maximum(worst, self.hoped[side]).astype(np.float64)
        least = (worst / self.unit - self.slack).astype(np.float32)
        least[worst <= self.floor] = -np.inf
        self.least[side] = np.maximum(self.least[side], least)

    def _holding(self, i: int, j: int) -> ExitStack:
        """The heaps of both sides, for this thread alone."""
        stack = ExitStack()
        for at in sorted({i, j}):
            stack.enter_context(self.locks[at])
        return stack
