"""The exact k best of a large eligibility block on a CPU, tile by tile, without n^2 memory.

In: a block's plan, and for each of its categories the lists of all users. A tile of pairs is one
product of the bound's thin matrices, of which the columns that categories have in common are
multiplied once; only pairs whose upper bound reaches what either side still takes are scored, and
offered to both (`category_pass.py`). A side whose list ends above what was hoped for has missed
nothing; the few others (`disappointed`) have to be sought again. So neither the order of the tiles
nor the threads show in the result.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import wait

import numpy as np

from hertz.core.compute import single_threaded, slices
from hertz.matching.topk.cpu.category import CpuCategorySearch
from hertz.matching.topk.cpu.tiles import FloatTiles, IntegerTiles, Tiles
from hertz.matching.topk.plan import Plan
from hertz.matching.topk.thresholds import ASKED, STEP, Tick, hopeful

HOPING = 1024  # rows that a thread asks the sample for at once, at most


class CpuBlockSearch:
    """One block.

    Args:
        plan: The block's.
        categories: The plan's.
        threads: Tiles worked off at the same time; changes speed, never the result.
        hopes: Whether a row may hope for too much, and be sought again.
    """

    def __init__(
        self, plan: Plan, categories: Sequence[CpuCategorySearch], threads: int, hopes: bool
    ) -> None:
        self.plan, self.cuts, self.categories = plan, plan.cuts, categories
        self.threads, self.hopes = threads, hopes
        whole = plan.bound.left.is_floating_point()
        self.tiles: Tiles = FloatTiles(plan.bound) if whole else IntegerTiles(plan.bound)

    def run(self, tick: Tick) -> None:
        """Work the tiles off; `tick` is called with the share done, 0 to 1."""
        todo, total = deque(self.plan.tiles), len(self.plan.tiles)
        with single_threaded(self.threads) as pool:
            if self.hopes:
                size = min(-(-self.plan.sought // self.threads), HOPING)
                list(pool.map(self._hope, slices(self.plan.sought, size)))
            workers = [pool.submit(self._work, todo) for _ in range(min(self.threads, total))]
            try:
                while wait(workers, timeout=0.2).not_done:
                    tick(1 - len(todo) / total)
            finally:
                todo.clear()
        for worker in workers:
            worker.result()

    def _hope(self, cut: slice) -> None:
        """Let rows hope for what a sample has, where it is large enough."""
        rows, which = len(self.plan.rows), range(len(self.categories))
        depth = self.categories[0].lists.scores.shape[1]
        wanted = hopeful(depth, STEP, self.plan.sought == rows)
        sample = np.arange(0, rows, STEP)
        if len(sample) < 2 * ASKED * wanted:
            return
        uppers = self.tiles.upper(which, cut, slice(0, rows, STEP))
        for category, upper in zip(self.categories, uppers, strict=True):
            category.hope(cut, sample, upper, wanted)

    def _work(self, todo: deque[tuple[int, int]]) -> None:
        while todo:
            try:
                tile = todo.popleft()
            except IndexError:  # another thread took the last one
                return
            self._tile(*tile)

    def _tile(self, i: int, j: int) -> None:
        rows, columns = self.cuts[i], self.cuts[j]
        which = [c.its for c in self.categories if self.plan.possible[c.its, i, j]]
        some = [self.categories[its] for its in which]
        if any(category.starts(i, j) for category in some):
            uppers = self.tiles.upper(which, rows, columns)
            found = [
                category.find_first(i, j, upper)
                for category, upper in zip(some, uppers, strict=True)
            ]
        else:
            least = [[c.least[side] for c in some] for side in (rows, columns)]
            found = self.tiles.find(which, rows, columns, *least)
        for category, pairs in zip(some, found, strict=True):
            category.take(i, j, pairs)
