"""Searches a large eligibility block on a CPU, tile by tile, without n^2 memory.

Pairs whose upper bound reaches the threshold of either side are scored and inserted into both heaps
(`category.py`). A heap that ends above its seed has missed nothing; the few others are underfilled
and searched again. So neither the order of the tiles nor the threads show in the result.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import wait

import numpy as np

from hertz.core.compute import single_threaded, slices
from hertz.matching.topk.cpu.category import CpuCategorySearch
from hertz.matching.topk.cpu.tiles import make_tiles
from hertz.matching.topk.options import ReportDone
from hertz.matching.topk.plan import BlockPlan, Tile
from hertz.matching.topk.thresholds import OVERSAMPLING, SAMPLE_STEP, seed_rank

SEEDED_ROWS = 1024  # rows, at most, whose seeds a thread computes at once
REPORT_SECONDS = 0.2  # between two reports of progress


class CpuBlockSearch:
    """The search of one block in the plan's categories by some threads of a CPU.

    If it is seeded, thresholds start at seeds, which may leave heaps underfilled.
    """

    def __init__(
        self, plan: BlockPlan, categories: Sequence[CpuCategorySearch], threads: int, seeded: bool
    ) -> None:
        self._plan = plan
        self._categories = categories
        self._threads = threads
        self._seeded = seeded
        self._tiles = make_tiles(plan.bound)

    def run(self, report_share: ReportDone) -> None:
        """Searches all tiles, and reports the share of tiles done, 0 to 1."""
        todo = deque(self._plan.tiles)
        total = len(todo)
        active = self._plan.active_count
        with single_threaded(self._threads) as pool:
            if self._seeded:
                size = min(-(-active // self._threads), SEEDED_ROWS)
                list(pool.map(self._seed, slices(active, size)))
            workers = [pool.submit(self._work, todo) for _ in range(min(self._threads, total))]
            try:
                while wait(workers, timeout=REPORT_SECONDS).not_done:
                    report_share(1 - len(todo) / total)
            finally:
                todo.clear()
        for worker in workers:
            worker.result()

    def _seed(self, rows: slice) -> None:
        """Seeds the thresholds of some active rows with a sample, where it is large enough."""
        n = len(self._plan.rows)
        rank = seed_rank(self._categories[0].depth, SAMPLE_STEP, self._plan.active_count == n)
        sample = np.arange(0, n, SAMPLE_STEP)
        if len(sample) < 2 * OVERSAMPLING * rank:
            return
        indices = range(len(self._categories))
        bounds = self._tiles.upper_bounds(indices, rows, slice(0, n, SAMPLE_STEP))
        for category, upper in zip(self._categories, bounds, strict=True):
            category.seed_thresholds(rows, sample, upper, rank)

    def _work(self, todo: deque[Tile]) -> None:
        """Searches tiles until none is left; runs in every thread."""
        while todo:
            try:
                tile = todo.popleft()
            except IndexError:  # another thread took the last one
                return
            self._search_tile(tile)

    def _search_tile(self, tile: Tile) -> None:
        """Finds, scores and inserts the surviving pairs of a tile in every category."""
        rows, columns = (self._plan.sides[side] for side in tile)
        categories = [
            category
            for category in self._categories
            if self._plan.has_eligible[category.category_index][tile]
        ]
        indices = [category.category_index for category in categories]
        if any(category.lacks_thresholds(tile) for category in categories):
            bounds = self._tiles.upper_bounds(indices, rows, columns)
            found = [
                category.start_thresholds(tile, upper)
                for category, upper in zip(categories, bounds, strict=True)
            ]
        else:
            thresholds = [category.thresholds for category in categories]
            found = self._tiles.find_survivors(indices, rows, columns, thresholds)
        for category, survivors in zip(categories, found, strict=True):
            category.insert_survivors(tile, survivors)
