"""The exact k best of a large eligibility block on a CPU, tile by tile, without n^2 memory.

In: a block's plan and the lists of all users. A tile of pairs is one product of the bound's thin
matrices; only pairs whose upper bound reaches what either side still takes are scored, exactly, and
offered to both sides. What a side takes starts at a score that a sample lets one hope for, and
rises with what it has. A side whose list ends above what was hoped for has missed nothing; the few
others (`disappointed`) have to be sought again. So neither the order of the tiles nor the threads
show in the result.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import wait
from contextlib import ExitStack
from threading import Lock

import numpy as np

from matching.hardware import single_threaded, slices
from matching.heaps import NOBODY, pick
from matching.kernels import find, still_reach
from matching.lists import Lists
from matching.pairs import PairScorer, Rules
from matching.plan import Plan
from matching.products import FloatTiles, Found, IntegerTiles, Tiles
from matching.thresholds import STEP, Tick, floor, hopeful

HOPING = 1024  # rows that a thread asks the sample for at once, at most


class BlockPass:
    """One block of one category.

    Args:
        plan: The block's.
        scorer: The category's scores.
        rules: The category's rules.
        lists: What is offered to, written.
        threads: Tiles worked off at the same time; changes speed, never the result.
        hopes: Whether a row may hope for too much, and be sought again.
    """

    def __init__(
        self,
        plan: Plan,
        scorer: PairScorer,
        rules: Rules,
        lists: Lists,
        threads: int,
        hopes: bool,
    ) -> None:
        self.plan, self.rows, self.bound, self.cuts = plan, plan.rows, plan.bound, plan.cuts
        self.scorer, self.rules, self.lists, self.threads = scorer, rules, lists, threads
        self.scored: list[int] = []  # pairs scored, a call each
        left_out = plan.bound.spread, plan.bound.rest, plan.bound.signs
        self.spread, self.rest, self.signs = (part.numpy() for part in left_out)
        self.floor = floor(scorer.combine)
        self.hoped = np.full(len(self.rows), -np.inf, dtype=np.float32)
        self.hopes = hopes
        self.least = np.where(lists.taking[self.rows], -np.inf, np.inf).astype(np.float32)
        self._raise(slice(0, len(self.rows)))
        whole = plan.bound.left.is_floating_point()
        self.tiles: Tiles = FloatTiles(plan.bound) if whole else IntegerTiles(plan.bound)
        self.locks = [Lock() for _ in self.cuts]

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

    def disappointed(self) -> np.ndarray:
        """Rows of the block that may have missed someone, once all tiles are worked off."""
        return self.rows[self.lists.scores[self.rows, 0] < self.hoped]

    def _hope(self, cut: slice) -> None:
        """Take from a sample the score that a row's last entry will hardly stay below."""
        everyone = self.plan.sought == len(self.rows)
        wanted = hopeful(self.lists.scores.shape[1], STEP, everyone)
        sample = np.arange(0, len(self.rows), STEP)
        asked = 3 * wanted  # some may not meet, and bounds rank only roughly
        if len(sample) < 2 * asked:
            return
        upper = self.tiles.upper(cut, slice(0, len(self.rows), STEP))
        picked = pick(upper, np.arange(len(upper)), asked)
        at, rank = np.nonzero(picked != NOBODY)
        a, b = self.rows[at + cut.start], self.rows[sample[picked[at, rank]]]
        allowed = self.rules.may_meet(a, b)
        scores = np.full(picked.shape, -np.inf, dtype=np.float32)
        scores[at[allowed], rank[allowed]] = self.scorer.mutual(a[allowed], b[allowed])
        self.hoped[cut] = -np.partition(-scores, wanted - 1, axis=1)[:, wanted - 1]
        self._raise(cut)

    def _work(self, todo: deque[tuple[int, int]]) -> None:
        while todo:
            try:
                tile = todo.popleft()
            except IndexError:  # another thread took the last one
                return
            self._tile(*tile)

    def _tile(self, i: int, j: int) -> None:
        rows, columns = self.cuts[i], self.cuts[j]
        if (self.least[rows] == -np.inf).any() or (self.least[columns] == -np.inf).any():
            found = self._find_first(i, j)
        else:
            found = self.tiles.find(rows, columns, self.least[rows], self.least[columns])
        a, b, mutual = self._scored(*self._tightened(*found, rows.start, columns.start))
        with self._holding(i, j):
            self._offer(a, b, mutual)
            self._raise(rows)
            self._raise(columns)

    def _find_first(self, i: int, j: int) -> Found:
        """Surviving pairs of a tile where some have no threshold yet, and get one."""
        rows, columns = self.cuts[i], self.cuts[j]
        upper = self.tiles.upper(rows, columns)
        with self._holding(i, j):
            self._start(upper, rows, columns, self.plan.mixed[i, j])
        found = np.empty((2, upper.size), dtype=np.int32)
        count = find(upper, self.least[rows], self.least[columns], 0 if i == j else -1, found)
        i_found, j_found = found[:, :count]
        return i_found, j_found, upper[i_found, j_found]

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
        picked = pick(np.ascontiguousarray(upper), without, self.lists.scores.shape[1])
        at, _ = np.nonzero(picked != NOBODY)
        i, j = without[at], picked[picked != NOBODY].astype(np.int64)
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
        keep = still_reach(upper, self.spread, self.rest, self.signs, self.least, a, b)
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
        least = (worst / self.bound.total - self.bound.slack).astype(np.float32)
        least[worst <= self.floor] = -np.inf
        self.least[side] = np.maximum(self.least[side], least)

    def _holding(self, i: int, j: int) -> ExitStack:
        """The heaps of both sides, for this thread alone."""
        stack = ExitStack()
        for at in sorted({i, j}):
            stack.enter_context(self.locks[at])
        return stack
