"""The exact k best of a large eligibility block on a GPU: bounds, scores and lists stay there.

In: a block's plan, and its categories. As in `tiles.py`, a tile's bounds are tested against what
either side still takes, and what the categories have in common is multiplied once; only what
reaches it is scored, exactly, and offered to both sides (`device_category.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from hertz.matching.topk.gpu.category import ROOM, GpuCategorySearch
from hertz.matching.topk.gpu.kernels import survivors
from hertz.matching.topk.plan import Plan
from hertz.matching.topk.thresholds import ASKED, STEP, Tick, hopeful


class GpuBlockSearch:
    """One block, on the device of its plan's bound.

    Args:
        plan: The block's.
        categories: The plan's.
    """

    def __init__(self, plan: Plan, categories: Sequence[GpuCategorySearch]) -> None:
        self.plan, self.bound, self.categories = plan, plan.bound, categories
        self.where = plan.bound.right.device

    def run(self, tick: Tick) -> None:
        """Work the tiles off; `tick` is called with the share done, 0 to 1."""
        plan = self.plan
        self._hope()
        for done, (i, j) in enumerate(plan.tiles):
            tick(done / len(plan.tiles))
            which = [c for c in self.categories if plan.possible[c.its, i, j]]
            self._tile(which, plan.cuts[i], plan.cuts[j])
        for category in self.categories:
            self._again(category)
            category.close()

    def _hope(self) -> None:
        """Let rows hope for what a sample has, where it is large enough."""
        n, sought, depth = len(self.plan.rows), self.plan.sought, self.categories[0].depth
        step = STEP if n // STEP >= 6 * depth else 1
        sample = torch.arange(0, n, step, device=self.where)
        wanted = hopeful(depth, step, sought == n)
        asked = min(ASKED * wanted, len(sample))
        if wanted > asked:
            return
        right, size = self.bound.right[sample], max(1, ROOM // len(sample))
        for start in range(0, sought, size):
            some = torch.arange(start, min(start + size, sought), device=self.where)
            left = self.bound.left[start : start + size]
            common = self._product(0, left, right)
            for category in self.categories:
                upper = common + self._product(1 + category.its, left, right)
                category.hope(some, sample[upper.topk(asked, dim=1).indices], wanted)

    def _product(self, part: int, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """Of a part's columns, float32."""
        columns = slice(*self.bound.part_starts[part : part + 2].tolist())
        return (left[:, columns] @ right[:, columns].T).float()

    def _tile(self, categories: Sequence[GpuCategorySearch], rows: slice, columns: slice) -> None:
        """Offer what survives of a tile to both sides; what is too much at once, in parts."""
        mine, theirs = (torch.stack([c.least[s] for c in categories]) for s in (rows, columns))
        found = self._survivors(categories, rows, columns, mine, theirs, rows == columns)
        if not found:
            for part in _parts(rows, columns):
                self._tile(categories, *part)
            return
        for category, (a, b) in zip(categories, found, strict=True):
            category.take(a + rows.start, b + columns.start)
            category.rise(rows)
            category.rise(columns)

    def _again(self, category: GpuCategorySearch) -> None:
        """Search for rows that had hoped for too much."""
        rows = category.disappointed()
        if len(rows):
            category.restart(rows)
            for columns in self.plan.cuts:
                self._column(category, rows, columns)

    def _column(self, category: GpuCategorySearch, rows: torch.Tensor, columns: slice) -> None:
        """Offer to some rows what survives of a tile of theirs."""
        nothing = torch.full((1, columns.stop - columns.start), torch.inf, device=self.where)
        found = self._survivors([category], rows, columns, category.least[rows][None], nothing)
        if not found:
            parts = [(half, columns) for half in rows.chunk(2)]
            if len(rows) == 1:
                parts = [(rows, half) for half in _halves(columns)]
            for part in parts:
                self._column(category, *part)
            return
        ((a, b),) = found
        category.take_one_way(rows[a], b + columns.start)
        category.rise(rows)

    def _survivors(
        self,
        categories: Sequence[GpuCategorySearch],
        rows: slice | torch.Tensor,
        columns: slice,
        least_rows: torch.Tensor,
        least_columns: torch.Tensor,
        diagonal: bool = False,
    ) -> list[tuple[torch.Tensor, torch.Tensor]] | None:
        """See `device_kernels.survivors`."""
        which = [1 + category.its for category in categories]
        parts = [self.bound.part_starts[part : part + 2].tolist() for part in (0, *which)]
        left, right = self.bound.left[rows], self.bound.right[columns]
        return survivors(left, right, parts, least_rows, least_columns, diagonal, ROOM)


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
