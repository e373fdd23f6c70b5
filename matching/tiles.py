"""The exact k best of a large eligibility block, tile by tile, without n^2 memory.

In: a block's rows and the lists of all users. The rows are put into an order in which alike ones
are neighbours, and cut into tiles. A tile of pairs is one product of the bound's thin matrices;
only pairs whose upper bound reaches what either side still takes are scored, exactly, and offered
to both sides. What a side takes starts at a score that a sample lets one hope for, and rises with
what it has. A side whose list ends above what was hoped for has missed nothing; the few others
(`disappointed`) have to be sought again. So neither the order of the tiles nor the threads show in
the result.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import ExitStack
from itertools import pairwise
from threading import Lock

import numpy as np
import torch

from matching.blocks import classify
from matching.bounds import Bound, plain_bound, rotated_bound
from matching.forms import Forms
from matching.hardware import single_threaded
from matching.heaps import NOBODY, pick
from matching.kernels import find, still_reach
from matching.lists import Lists
from matching.pairs import PairScorer, Rules
from matching.products import FloatTiles, Found, IntegerTiles, Tiles

STEP = 24  # every 24th row is in the sample
SURE = 2.6  # standard deviations between what is expected of the sample and what is hoped for
TILES = {"cpu": 1024, "cuda": 8192}
SHARE_TO_ROTATE = 0.2  # of the rows sought: for fewer, finding the axes costs more than it saves
Tick = Callable[[float], None]


class BlockPass:
    """One block of one category.

    Args:
        scorer: The category's scores.
        rules: The category's rules.
        forms: The category's terms as columns.
        rows: `(n,)` int64 rows of the block; pairs of which neither is sought are not looked at.
        lists: What is offered to, written.
        tile: Rows and columns of a tile; changes memory and speed, never the result.
        dtype: What a tile is computed in; the same holds.
        device: "cpu" or "cuda": where tiles are multiplied and tested; the same holds.
        threads: Tiles worked off at the same time; the same holds.
        bound: Of the rows, where it is known.
    """

    def __init__(
        self,
        scorer: PairScorer,
        rules: Rules,
        forms: Forms,
        rows: np.ndarray,
        lists: Lists,
        tile: int,
        dtype: torch.dtype,
        device: str,
        threads: int,
        bound: Bound | None = None,
    ) -> None:
        self.scorer, self.rules, self.lists, self.tile = scorer, rules, lists, tile
        self.threads = threads
        self.scored: list[int] = []  # pairs scored, a call each
        classes, sought = classify(rules, rows), lists.sought[rows]
        self.pairs = classes.pairs
        alike = np.zeros(len(rows), dtype=np.int64)
        if not bound and sought.sum() > SHARE_TO_ROTATE * len(rows):
            depth = lists.scores.shape[1]
            bound = rotated_bound(forms, rows, depth, dtype, device, threads)
            alike = _pivots(bound, tile)
        order = np.lexsort((alike, classes.of, ~sought))
        self.rows, count = rows[order], int(sought.sum())
        if bound:
            self.bound = bound.take(order)
        else:
            self.bound = plain_bound(forms, self.rows, count, dtype, device, threads)
        # A mean that is cut off at 0 says nothing of the bound below it.
        self.floor = 0.0 if scorer.combine in ("geometric", "harmonic") else -np.inf
        self.hoped = np.full(len(rows), -np.inf, dtype=np.float32)
        self.hopes = bool(sought.all())
        self.least = np.where(lists.taking[self.rows], -np.inf, np.inf).astype(np.float32)
        self._raise(slice(0, len(rows)))
        first = range(0, count, tile)
        starts = [*first, *range(count, len(rows), tile)]
        self.cuts = [slice(a, b) for a, b in pairwise([*starts, len(rows)])]
        self._group(classes.of[order], classes.meet, len(first))
        self.tiles = _tiles(self.bound, device)
        self.locks = [Lock() for _ in self.cuts]

    def run(self, tick: Tick) -> None:
        """Work the tiles off; `tick` is called with the share done, 0 to 1."""
        todo, total = deque(self.plan), len(self.plan)
        with single_threaded(self.threads) as pool:
            if self.hopes:
                list(pool.map(self._hope, self.cuts))
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
        """Take from a sample the score that a row's last entry will hardly stay below.

        Of `expected` sampled members of a row's list there are almost never more than `wanted`, so
        the sample's score of that rank lies below the last one of the list.
        """
        expected = self.lists.scores.shape[1] / STEP
        wanted = math.ceil(expected + SURE * math.sqrt(expected) + 1)
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

    def _group(self, classes: np.ndarray, meet: np.ndarray, sought: int) -> None:
        """Which tiles have pairs that may meet, the most alike first: thresholds rise early."""
        members = np.zeros((len(self.cuts), len(meet)), dtype=np.float32)
        for at, cut in enumerate(self.cuts):
            members[at, classes[cut]] = 1.0
        possible = members @ meet.astype(np.float32) @ members.T > 0
        self.mixed = members @ (~meet).astype(np.float32) @ members.T > 0
        alike = np.zeros((len(self.cuts), len(self.cuts)))
        if len(self.bound.left) == len(self.bound.right):
            alike = self._alike()
        tiles = [(i, j) for i in range(sought) for j in range(i, len(self.cuts)) if possible[i, j]]
        self.plan = sorted(tiles, key=lambda t: (t[0] != t[1], -alike[t], t))

    def _alike(self) -> np.ndarray:
        """How alike tiles are on average, by a few rows of each: `(tiles, tiles)` float64."""
        some = [slice(cut.start, cut.stop, -(-self.tile // 16)) for cut in self.cuts]
        middles = [
            torch.stack([side[few].float().mean(dim=0) for few in some]).double().cpu().numpy()
            for side in (self.bound.left, self.bound.right)
        ]
        alike: np.ndarray = middles[0] @ middles[1].T
        return alike

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
            self._start(upper, rows, columns, self.mixed[i, j])
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
            once = np.unique(np.minimum(i, j) * self.tile + np.maximum(i, j))
            i, j = once // self.tile, once % self.tile
            upper[j, i] = -np.inf
        upper[i, j] = -np.inf
        self._offer(*self._scored(i + mine.start, j + theirs.start))

    def _tightened(
        self, i: np.ndarray, j: np.ndarray, upper: np.ndarray, row: int, column: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the found pairs whose tighter bound still reaches what either side takes."""
        a, b, bound = i.astype(np.int64) + row, j.astype(np.int64) + column, self.bound
        keep = still_reach(upper, bound.spread, bound.rest, bound.signs, self.least, a, b)
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


def _pivots(bound: Bound, tile: int) -> np.ndarray:
    """`(n,)` the most alike of a strided sample of rows, one for each tile."""
    pivots = _multipliable(bound.right[::tile]).T
    parts = [bound.left[at : at + 8 * tile] for at in range(0, len(bound.left), 8 * tile)]
    alike = [(_multipliable(part) @ pivots).argmax(dim=1) for part in parts]
    return torch.cat(alike).cpu().numpy()


def _multipliable(integers: torch.Tensor) -> torch.Tensor:
    """As floats: torch multiplies integers one by one."""
    return integers if integers.is_floating_point() else integers.float()


def _tiles(bound: Bound, device: str) -> Tiles:
    if device == "cuda":
        from matching.cuda import CudaTiles  # needs triton, which a machine without a GPU lacks

        return CudaTiles(bound)
    return FloatTiles(bound) if bound.left.is_floating_point() else IntegerTiles(bound)
