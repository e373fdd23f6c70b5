"""Upper bounds of a tile of pairs on a CPU, and which of them reach what either side takes.

In: a `Bound`. `FloatTiles` writes a tile with torch and looks through it, `IntegerTiles` does both
at once; `cuda.CudaTiles` is the same on a GPU. Buffers are kept, those of each thread apart.
"""

from __future__ import annotations

from threading import local
from typing import Protocol

import numpy as np
import torch

from matching.bounds import Bound
from matching.integers import LEAST, MOST, multiply, reach
from matching.kernels import find
from matching.registers import ROWS, WIDTH

STRIPE = 256  # rows of a tile written at once: small enough to stay in the cache

Found = tuple[np.ndarray, np.ndarray, np.ndarray]


class Tiles(Protocol):
    """The bounds of pairs, tile by tile."""

    def upper(self, rows: slice, columns: slice) -> np.ndarray:
        """All of a tile, `(rows, columns)` float32."""
        ...

    def find(
        self, rows: slice, columns: slice, least_rows: np.ndarray, least_columns: np.ndarray
    ) -> Found:
        """Pairs whose bound reaches what either side takes: rows and columns of the tile, bounds.

        Args:
            rows: Rows of `left`.
            columns: Rows of `right`; where they are the same, only pairs above the diagonal.
            least_rows: `(rows,)` float32.
            least_columns: `(columns,)` float32.

        Returns:
            `(m,)` int32, int32 and float32, in no particular order.
        """
        ...


class FloatTiles:
    """Tiles of float32 or bfloat16, by torch."""

    def __init__(self, bound: Bound) -> None:
        self._left, self._right, self._own = bound.left, bound.right, local()

    def upper(self, rows: slice, columns: slice) -> np.ndarray:
        """See `Tiles`."""
        return (self._left[rows] @ self._right[columns].T).float().numpy()

    def find(
        self, rows: slice, columns: slice, least_rows: np.ndarray, least_columns: np.ndarray
    ) -> Found:
        """See `Tiles`."""
        height, width, parts = rows.stop - rows.start, columns.stop - columns.start, []
        written = _buffer(self._own, "written", (STRIPE * width,), self._left.dtype)
        found = _buffer(self._own, "found", (2, STRIPE * width), torch.int32).numpy()
        right = self._right[columns].T
        for first in range(0, height, STRIPE):
            left = self._left[rows][first : first + STRIPE]
            out = written[: len(left) * width].view(len(left), width)
            upper = torch.mm(left, right, out=out).float().numpy()
            offset = first if rows == columns else -1
            count = find(upper, least_rows[first:], least_columns, offset, found)
            a, b = found[:, :count]
            parts.append((a + np.int32(first), b.copy(), upper[a, b]))
        a, b, bounds = (np.concatenate(part) for part in zip(*parts, strict=True))
        return a, b, bounds


class IntegerTiles:
    """Tiles of int16."""

    def __init__(self, bound: Bound) -> None:
        self._left, self._right = bound.left.numpy(), bound.right.numpy()
        self._unit, self._own = bound.unit, local()

    def upper(self, rows: slice, columns: slice) -> np.ndarray:
        """See `Tiles`."""
        left, right = self._left[rows], np.ascontiguousarray(self._right[columns])
        shape = [size + -size % step for size, step in ((len(left), ROWS), (len(right), WIDTH))]
        products = np.empty(shape, dtype=np.int32)
        multiply(left, right, products)
        upper: np.ndarray = products[: len(left), : len(right)] * np.float32(self._unit)
        return upper

    def find(
        self, rows: slice, columns: slice, least_rows: np.ndarray, least_columns: np.ndarray
    ) -> Found:
        """See `Tiles`."""
        left, right = self._left[rows], self._right[columns]
        size = len(left) * len(right)
        found = _buffer(self._own, "found", (3, size), torch.int32).numpy()
        mine, theirs = self._bars(least_rows), self._bars(least_columns)
        count = reach(left, right, mine, theirs, rows == columns, found)
        a, b, products = found[:, :count]
        return a.copy(), b.copy(), np.float32(self._unit) * products.astype(np.float32)

    def _bars(self, least: np.ndarray) -> np.ndarray:
        """The least products whose bounds are no less than `least`, or a little less."""
        bars = np.floor(least.astype(np.float64) / self._unit)
        return bars.clip(LEAST, MOST).astype(np.int32)


def _buffer(own: local, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Memory of this thread's, made anew where it is too small."""
    kept: torch.Tensor | None = getattr(own, name, None)
    if kept is None or kept.numel() < int(np.prod(shape)):
        kept = torch.empty(shape, dtype=dtype)
        setattr(own, name, kept)
    return kept.flatten()[: int(np.prod(shape))].view(shape)
