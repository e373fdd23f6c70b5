"""Upper bounds of a tile of pairs on a CPU, and which of them reach what either side takes.

In: an `UpperBound` of some categories. `FloatTiles` writes tiles with torch and looks through them,
`IntegerTiles` does both at once. What is common to the categories is multiplied once. Buffers are
kept, those of each thread apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from threading import local

import numpy as np
import torch

from hertz.matching.kernels.int16_tiles import (
    INT32_MAX,
    INT32_MIN,
    find_product_survivors,
    multiply_tile,
)
from hertz.matching.kernels.llvm import BLOCK_COLUMNS, BLOCK_ROWS
from hertz.matching.kernels.pairs import find_survivors
from hertz.matching.topk.bound.upper_bound import UpperBound

STRIPE = 256  # rows of a tile written at once: small enough to stay in the cache

Found = tuple[np.ndarray, np.ndarray, np.ndarray]


class FloatTiles:
    """Tiles of float32 or bfloat16, by torch."""

    def __init__(self, bound: UpperBound) -> None:
        starts = bound.part_starts.tolist()
        parts = [slice(*part) for part in pairwise(starts)]
        self._left, self._right = (
            [side[:, part] for part in parts] for side in (bound.left, bound.right)
        )
        self._own = local()

    def upper(self, which: Sequence[int], rows: slice, columns: slice) -> list[np.ndarray]:
        """All of a tile, `(rows, columns)` float32 to write to, for each of some categories."""
        common = self._left[0][rows] @ self._right[0][columns].T
        return [self._added(common, None, its, rows, columns).copy() for its in which]

    def find(
        self,
        which: Sequence[int],
        rows: slice,
        columns: slice,
        least_rows: Sequence[np.ndarray],
        least_columns: Sequence[np.ndarray],
    ) -> list[Found]:
        """Pairs whose bound reaches what either side takes: rows and columns of the tile, bounds.

        Args:
            which: Categories.
            rows: Rows of `left`.
            columns: Rows of `right`; where they are the same, only pairs above the diagonal.
            least_rows: `(rows,)` float32 for each of the categories.
            least_columns: `(columns,)` float32, the same.

        Returns:
            For each of the categories `(m,)` int32, int32 and float32, in no particular order.
        """
        width = columns.stop - columns.start
        parts: list[list[Found]] = [[] for _ in which]
        written = [
            _buffer(self._own, name, (STRIPE * width,), self._right[0].dtype)
            for name in ("common", "whole")
        ]
        found = _buffer(self._own, "found", (2, STRIPE * width), torch.int32).numpy()
        for first in range(rows.start, rows.stop, STRIPE):
            some = slice(first, min(first + STRIPE, rows.stop))
            common, whole = (
                part[: (some.stop - first) * width].view(-1, width) for part in written
            )
            torch.mm(self._left[0][some], self._right[0][columns].T, out=common)
            above = first - rows.start
            for at, its in enumerate(which):
                upper = self._added(common, whole, its, some, columns)
                offset = above if rows == columns else -1
                least = least_rows[at][above : above + len(upper)]
                count = find_survivors(upper, least, least_columns[at], offset, found)
                a, b = found[:, :count]
                parts[at].append((a + np.int32(above), b.copy(), upper[a, b]))
        return [tuple(np.concatenate(part) for part in zip(*mine, strict=True)) for mine in parts]

    def _added(
        self, common: torch.Tensor, out: torch.Tensor | None, its: int, rows: slice, columns: slice
    ) -> np.ndarray:
        """The common products and a category's own."""
        left, right = self._left[1 + its][rows], self._right[1 + its][columns]
        whole = torch.addmm(common, left, right.T, out=out) if left.shape[1] else common
        upper: np.ndarray = whole.float().numpy()
        return upper


class IntegerTiles:
    """Tiles of int16."""

    def __init__(self, bound: UpperBound) -> None:
        self._left, self._right = bound.left.numpy(), bound.right.numpy()
        self._starts, self._unit, self._own = bound.part_starts, bound.product_scale, local()

    def upper(self, which: Sequence[int], rows: slice, columns: slice) -> list[np.ndarray]:
        """See `FloatTiles`."""
        left, right = self._left[rows], np.ascontiguousarray(self._right[columns])
        shape = [
            size + -size % step
            for size, step in ((len(left), BLOCK_ROWS), (len(right), BLOCK_COLUMNS))
        ]
        products = np.empty((len(which), *shape), dtype=np.int32)
        multiply_tile(left, right, self._starts, _parts(which), products)
        return [p[: len(left), : len(right)] * np.float32(self._unit) for p in products]

    def find(
        self,
        which: Sequence[int],
        rows: slice,
        columns: slice,
        least_rows: Sequence[np.ndarray],
        least_columns: Sequence[np.ndarray],
    ) -> list[Found]:
        """See `FloatTiles`."""
        left, right = self._left[rows], self._right[columns]
        shape = len(which), 3, len(left) * len(right)
        found = _buffer(self._own, "found", shape, torch.int32).numpy()
        mine, theirs = (self._bars(np.stack(least)) for least in (least_rows, least_columns))
        diagonal = rows == columns
        counts = find_product_survivors(
            left, right, self._starts, _parts(which), mine, theirs, diagonal, found
        )
        return [
            (a.copy(), b.copy(), np.float32(self._unit) * products.astype(np.float32))
            for a, b, products in (f[:, :n] for f, n in zip(found, counts, strict=True))
        ]

    def _bars(self, least: np.ndarray) -> np.ndarray:
        """The least products whose bounds are no less than `least`, or a little less."""
        bars = np.floor(least.astype(np.float64) / self._unit)
        return bars.clip(INT32_MIN, INT32_MAX).astype(np.int32)


Tiles = FloatTiles | IntegerTiles


def _parts(which: Sequence[int]) -> np.ndarray:
    """The parts of the columns that are the categories' own."""
    return np.array(which, dtype=np.int64) + 1


def _buffer(own: local, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Memory of this thread's, made anew where it is too small."""
    kept: torch.Tensor | None = getattr(own, name, None)
    if kept is None or kept.numel() < int(np.prod(shape)):
        kept = torch.empty(shape, dtype=dtype)
        setattr(own, name, kept)
    return kept.flatten()[: int(np.prod(shape))].view(shape)
