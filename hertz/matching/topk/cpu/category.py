"""Searches one category of a large block on a CPU: thresholds, exact scores and heaps.

A row's threshold starts at a seed from a sample, and rises with the worst entry of its heap.
"""

from __future__ import annotations

from contextlib import ExitStack
from threading import Lock

import numpy as np

from hertz.matching.kernels.heaps import EMPTY_ID, largest_columns
from hertz.matching.kernels.pairs import find_survivors, reaches_with_residuals
from hertz.matching.topk.cpu.tiles import Survivors
from hertz.matching.topk.options import SearchedCategory
from hertz.matching.topk.plan import BlockPlan, Tile
from hertz.matching.topk.thresholds import OVERSAMPLING, clipping_score


class CpuCategorySearch:
    """The search of one block in one category on a CPU; its methods may run in several threads.

    Attributes:
        depth: Number of entries of a heap.
        thresholds: `(n,)` float32 least upper bound, in the bound's unit, at which a pair could
            still enter the row's heap; -inf where nothing is known yet.
    """

    def __init__(self, plan: BlockPlan, category_index: int, category: SearchedCategory) -> None:
        self.plan = plan
        self.category_index = category_index
        self._rows = plan.rows
        self._category = category
        self._heaps = category.heaps
        self.depth = category.heaps.depth
        self._score_scale = plan.bound.category_scales[category_index]
        self._slack = plan.bound.slacks[category_index]
        self._residual_norms = plan.bound.residual_norms.numpy()
        self._residuals = plan.bound.residuals.numpy()
        self._residual_signs = plan.bound.residual_signs.numpy()
        self._clipping_score = clipping_score(category.scorer.combine)
        self._scored_counts: list[int] = []  # appended to by all threads
        self._locks = [Lock() for _ in plan.sides]
        self._seeds = np.full(len(self._rows), -np.inf, dtype=np.float32)
        accepting = self._heaps.accepting[self._rows]
        self.thresholds = np.where(accepting, -np.inf, np.inf).astype(np.float32)
        self._raise_thresholds(slice(0, len(self._rows)))

    @property
    def scored_pairs(self) -> int:
        """Number of pairs scored and inserted so far."""
        return sum(self._scored_counts)

    def seed_thresholds(
        self, rows: slice, sample: np.ndarray, upper: np.ndarray, rank: int
    ) -> None:
        """Seeds each row's threshold with a sample score that its last entry almost always reaches.

        That is the score of a `rank`, from 1, among those with a sample, `(s,)` int64 positions,
        with which the m rows have the upper bounds `upper`, `(m, s)` float32.
        """
        picked = largest_columns(upper, np.arange(len(upper)), OVERSAMPLING * rank)
        at, place = np.nonzero(picked != EMPTY_ID)
        a = self._rows[at + rows.start]
        b = self._rows[sample[picked[at, place]]]
        allowed = self._category.rules.may_meet(a, b)
        scores = np.full(picked.shape, -np.inf, dtype=np.float32)
        scores[at[allowed], place[allowed]] = self._category.scorer.mutual(a[allowed], b[allowed])
        self._seeds[rows] = -np.partition(-scores, rank - 1, axis=1)[:, rank - 1]
        self._raise_thresholds(rows)

    def underfilled_rows(self) -> np.ndarray:
        """Returns the block's rows whose seed was too high, once all tiles are searched."""
        return self._rows[self._heaps.worst_scores(self._rows) < self._seeds]

    def lacks_thresholds(self, tile: Tile) -> bool:
        """Returns whether some rows of a tile have no threshold yet."""
        return any((self.thresholds[self.plan.sides[side]] == -np.inf).any() for side in tile)

    def start_thresholds(self, tile: Tile, upper: np.ndarray) -> Survivors:
        """Gives thresholds to the rows of a tile that have none, and returns the survivors.

        The upper bounds, `(rows, columns)` float32, of inserted pairs are set to -inf.
        """
        rows, columns = (self.plan.sides[side] for side in tile)
        with self._lock_sides(tile):
            self._insert_best_by_bound(tile, upper)
        found = np.empty((2, upper.size), dtype=np.int32)
        diagonal = 0 if rows == columns else -1
        thresholds = self.thresholds
        count = find_survivors(upper, thresholds[rows], thresholds[columns], diagonal, found)
        i, j = found[:, :count]
        return Survivors(i, j, upper[i, j])

    def insert_survivors(self, tile: Tile, survivors: Survivors) -> None:
        """Scores the pairs of a tile that still reach a threshold, and inserts them."""
        rows, columns = (self.plan.sides[side] for side in tile)
        i, j = self._tight_pairs(survivors, rows.start, columns.start)
        a, b = self._eligible_rows(i, j)
        mutual = self._category.scorer.mutual(a, b)
        with self._lock_sides(tile):
            self._insert(a, b, mutual)
            self._raise_thresholds(rows)
            self._raise_thresholds(columns)

    def _insert_best_by_bound(self, tile: Tile, upper: np.ndarray) -> None:
        """Fills the heaps of rows without a threshold with a tile's best pairs by their bounds."""
        rows, columns = (self.plan.sides[side] for side in tile)
        new_rows = np.flatnonzero(self.thresholds[rows] == -np.inf)
        new_columns = np.flatnonzero(self.thresholds[columns] == -np.inf)
        if not len(new_rows) and not len(new_columns):
            return  # another thread has filled them since
        if self.plan.has_ineligible[self.category_index][tile]:
            self._mask_ineligible(upper, rows, columns)
        self._insert_largest(upper, rows, columns, new_rows)
        if rows != columns:
            self._insert_largest(upper.T, columns, rows, new_columns)
        self._raise_thresholds(rows)
        self._raise_thresholds(columns)

    def _insert_largest(
        self, upper: np.ndarray, rows: slice, columns: slice, new_rows: np.ndarray
    ) -> None:
        """Inserts each new row's pairs with the largest bounds, and sets these bounds to -inf."""
        picked = largest_columns(np.ascontiguousarray(upper), new_rows, self.depth)
        at, _ = np.nonzero(picked != EMPTY_ID)
        i = new_rows[at]
        j = picked[picked != EMPTY_ID].astype(np.int64)
        if rows == columns:  # on the diagonal both sides may have picked the same pair
            pairs = np.unique(np.minimum(i, j) * len(upper) + np.maximum(i, j))
            i, j = pairs // len(upper), pairs % len(upper)
            upper[j, i] = -np.inf
        upper[i, j] = -np.inf
        a, b = self._eligible_rows(i + rows.start, j + columns.start)
        self._insert(a, b, self._category.scorer.mutual(a, b))

    def _mask_ineligible(self, upper: np.ndarray, rows: slice, columns: slice) -> None:
        """Sets the upper bounds of pairs that may not meet to -inf."""
        b = self._rows[columns]
        for i, a in enumerate(self._rows[rows]):
            upper[i, ~self._category.rules.may_meet(np.full(len(b), a), b)] = -np.inf

    def _tight_pairs(
        self, survivors: Survivors, first_row: int, first_column: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the positions in the block of the survivors that pass the test with residuals."""
        i = survivors.rows.astype(np.int64) + first_row
        j = survivors.columns.astype(np.int64) + first_column
        keep = reaches_with_residuals(
            survivors.bounds, self._residual_norms, self._residuals,
            self.plan.bound.residual_starts, self._residual_signs, 1 + self.category_index,
            self.thresholds, i, j,
        )  # fmt: skip
        return i[keep], j[keep]

    def _eligible_rows(self, i: np.ndarray, j: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the rows of the features of the pairs of positions that may meet."""
        a, b = self._rows[i], self._rows[j]
        allowed = self._category.rules.may_meet(a, b)
        return a[allowed], b[allowed]

    def _insert(self, a: np.ndarray, b: np.ndarray, mutual: np.ndarray) -> None:
        """Inserts scored pairs into the heaps of both sides; the caller holds their locks."""
        self._scored_counts.append(len(a))
        self._heaps.insert_pairs(a, b, mutual)

    def _raise_thresholds(self, side: slice) -> None:
        """Raises the thresholds of some rows to what heaps, seeds and minimum scores allow."""
        rows = self._rows[side]
        scores = np.maximum(self._heaps.worst_scores(rows), self._heaps.min_scores[rows])
        scores = np.maximum(scores, self._seeds[side]).astype(np.float64)
        bounds = (scores / self._score_scale - self._slack).astype(np.float32)
        bounds[scores <= self._clipping_score] = -np.inf
        self.thresholds[side] = np.maximum(self.thresholds[side], bounds)

    def _lock_sides(self, tile: Tile) -> ExitStack:
        """Locks the heaps of both sides of a tile, always in one order to avoid a deadlock."""
        stack = ExitStack()
        for side in sorted(set(tile)):
            stack.enter_context(self._locks[side])
        return stack
