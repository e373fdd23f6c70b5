"""Searches a large eligibility block on a GPU: bounds, scores and lists stay in its memory.

As on a CPU (`cpu/block.py`), the columns that categories have in common are multiplied once, and
pairs whose bound reaches the threshold of either side are scored and inserted (`category.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from hertz.matching.topk.gpu.category import MAX_PAIRS_AT_ONCE, GpuCategorySearch
from hertz.matching.topk.gpu.kernels import find_survivors
from hertz.matching.topk.options import PairPositions, ReportDone
from hertz.matching.topk.plan import BlockPlan
from hertz.matching.topk.thresholds import OVERSAMPLING, SAMPLE_STEP, seed_rank


class GpuBlockSearch:
    """The search of one block in the plan's categories, on the device of its bound."""

    def __init__(self, plan: BlockPlan, categories: Sequence[GpuCategorySearch]) -> None:
        self._plan = plan
        self._bound = plan.bound
        self._categories = categories
        self._device = plan.bound.right.device

    def run(self, report_share: ReportDone) -> None:
        """Searches all tiles, then underfilled rows again; reports the share of tiles done."""
        plan = self._plan
        self._seed()
        for done, tile in enumerate(plan.tiles):
            report_share(done / len(plan.tiles))
            categories = [
                category
                for category in self._categories
                if plan.has_eligible[category.category_index][tile]
            ]
            rows = plan.sides[tile.row_side]
            self._search_tile(categories, rows, plan.sides[tile.column_side])
        for category in self._categories:
            self._search_underfilled(category)
            category.write_heaps()

    def _seed(self) -> None:
        """Seeds the thresholds of all active rows with a sample, where it is large enough."""
        n = len(self._plan.rows)
        active = self._plan.active_count
        depth = self._categories[0].depth
        step = SAMPLE_STEP if n // SAMPLE_STEP >= 6 * depth else 1
        sample = torch.arange(0, n, step, device=self._device)
        rank = seed_rank(depth, step, active == n)
        candidates = min(OVERSAMPLING * rank, len(sample))
        if rank > candidates:
            return
        right = self._bound.right[sample]
        size = max(1, MAX_PAIRS_AT_ONCE // len(sample))
        for start in range(0, active, size):
            rows = torch.arange(start, min(start + size, active), device=self._device)
            left = self._bound.left[start : start + size]
            common = self._multiply_part(0, left, right)
            for category in self._categories:
                upper = common + self._multiply_part(1 + category.category_index, left, right)
                best = sample[upper.topk(candidates, dim=1).indices]
                category.seed_thresholds(rows, best, rank)

    def _multiply_part(self, part: int, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Returns the float32 products over the columns of one part of the bound."""
        columns = slice(*self._bound.part_starts[part : part + 2])
        return (left[:, columns] @ right[:, columns].T).float()

    def _search_tile(
        self, categories: Sequence[GpuCategorySearch], rows: slice, columns: slice
    ) -> None:
        """Scores and inserts the survivors of a tile, in halves where they are too many at once."""
        row_thresholds = torch.stack([category.thresholds[rows] for category in categories])
        column_thresholds = torch.stack([category.thresholds[columns] for category in categories])
        found = self._find_survivors(
            categories, rows, columns, row_thresholds, column_thresholds, rows == columns
        )
        if not found:
            for smaller_rows, smaller_columns in _split_tile(rows, columns):
                self._search_tile(categories, smaller_rows, smaller_columns)
            return
        for category, survivors in zip(categories, found, strict=True):
            a, b = survivors.rows + rows.start, survivors.columns + columns.start
            category.insert_pairs(a, b, both_ways=True)
            category.raise_thresholds(rows)
            category.raise_thresholds(columns)

    def _search_underfilled(self, category: GpuCategorySearch) -> None:
        """Searches the rows again whose seed was too high."""
        rows = category.underfilled_rows()
        if len(rows):
            category.reset(rows)
            for columns in self._plan.sides:
                self._search_rows(category, rows, columns)

    def _search_rows(self, category: GpuCategorySearch, rows: torch.Tensor, columns: slice) -> None:
        """Scores the survivors of some rows and a slice of columns, inserted for the rows alone."""
        never = torch.full((1, columns.stop - columns.start), torch.inf, device=self._device)
        row_thresholds = category.thresholds[rows][None]
        found = self._find_survivors([category], rows, columns, row_thresholds, never)
        if found:
            a, b = rows[found[0].rows], found[0].columns + columns.start
            category.insert_pairs(a, b, both_ways=False)
            category.raise_thresholds(rows)
        elif len(rows) > 1:
            for fewer_rows in rows.chunk(2):
                self._search_rows(category, fewer_rows, columns)
        else:
            for half in _halves(columns):
                self._search_rows(category, rows, half)

    def _find_survivors(
        self,
        categories: Sequence[GpuCategorySearch],
        rows: slice | torch.Tensor,
        columns: slice,
        row_thresholds: torch.Tensor,
        column_thresholds: torch.Tensor,
        diagonal: bool = False,
    ) -> list[PairPositions] | None:
        """Finds the survivors of a tile; see `kernels.find_survivors`."""
        parts = [0, *(1 + category.category_index for category in categories)]
        starts = self._bound.part_starts
        return find_survivors(
            self._bound.left[rows],
            self._bound.right[columns],
            [starts[part : part + 2].tolist() for part in parts],
            row_thresholds,
            column_thresholds,
            diagonal,
            MAX_PAIRS_AT_ONCE,
        )


def _split_tile(rows: slice, columns: slice) -> list[tuple[slice, slice]]:
    """Splits a tile into smaller ones; of one on the diagonal, the part above the diagonal."""
    if rows == columns:
        first, second = _halves(rows)
        return [(first, first), (first, second), (second, second)]
    if rows.stop - rows.start > columns.stop - columns.start:
        return [(half, columns) for half in _halves(rows)]
    return [(rows, half) for half in _halves(columns)]


def _halves(side: slice) -> tuple[slice, slice]:
    """Splits a slice in the middle."""
    middle = (side.start + side.stop) // 2
    return slice(side.start, middle), slice(middle, side.stop)
