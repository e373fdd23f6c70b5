"""Upper bounds of tiles of pairs on a CPU, and the pairs whose bound reaches a threshold.

`FloatTiles` multiplies tiles with torch and then tests them, `IntegerTiles` does both in one loop.
Columns that the categories have in common are multiplied once. Each thread reuses its own buffers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from threading import local
from typing import NamedTuple

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

STRIPE = 256  # rows of a tile multiplied at once: small enough to stay in the cache


class Survivors(NamedTuple):
    """The m pairs of a tile, `(m,)` int32 positions, whose float32 bounds reach a threshold."""

    rows: np.ndarray
    columns: np.ndarray
    bounds: np.ndarray


class FloatTiles:
    """Tiles of float32 or bfloat16, multiplied by torch."""

    def __init__(self, bound: UpperBound) -> None:
        parts = [slice(*part) for part in pairwise(bound.part_starts.tolist())]
        self._left = [bound.left[:, part] for part in parts]
        self._right = [bound.right[:, part] for part in parts]
        self._buffers = local()

    def upper_bounds(
        self, category_indices: Sequence[int], rows: slice, columns: slice
    ) -> list[np.ndarray]:
        """Returns all upper bounds of a tile: for each category, a new float32 array."""
        common = self._left[0][rows] @ self._right[0][columns].T
        return [
            self._add_own_columns(common, None, index, rows, columns).copy()
            for index in category_indices
        ]

    def find_survivors(
        self,
        category_indices: Sequence[int],
        rows: slice,
        columns: slice,
        thresholds: Sequence[np.ndarray],
    ) -> list[Survivors]:
        """Finds each category's pairs whose upper bound reaches the threshold of either side.

        Where rows and columns are the same, only pairs above the diagonal are found. Each category
        has thresholds for all rows of the block, `(n,)` float32.
        """
        width = columns.stop - columns.start
        stripes: list[list[Survivors]] = [[] for _ in category_indices]
        common_buffer, bound_buffer = (
            _buffer(self._buffers, name, (STRIPE * width,), self._right[0].dtype)
            for name in ("common", "bound")
        )
        found = _buffer(self._buffers, "found", (2, STRIPE * width), torch.int32).numpy()
        for first in range(rows.start, rows.stop, STRIPE):
            stripe = slice(first, min(first + STRIPE, rows.stop))
            size = (stripe.stop - first) * width
            common = common_buffer[:size].view(-1, width)
            out = bound_buffer[:size].view(-1, width)
            torch.mm(self._left[0][stripe], self._right[0][columns].T, out=common)
            above = first - rows.start
            for at, index in enumerate(category_indices):
                upper = self._add_own_columns(common, out, index, stripe, columns)
                diagonal = above if rows == columns else -1
                of_rows = thresholds[at][stripe]
                count = find_survivors(upper, of_rows, thresholds[at][columns], diagonal, found)
                i, j = found[:, :count]
                stripes[at].append(Survivors(i + np.int32(above), j.copy(), upper[i, j]))
        return [
            Survivors(*(np.concatenate(field) for field in zip(*parts, strict=True)))
            for parts in stripes
        ]

    def _add_own_columns(
        self,
        common: torch.Tensor,
        out: torch.Tensor | None,
        category_index: int,
        rows: slice,
        columns: slice,
    ) -> np.ndarray:
        """Adds the products of a category's own columns to those of the common ones."""
        left = self._left[1 + category_index][rows]
        right = self._right[1 + category_index][columns]
        total = torch.addmm(common, left, right.T, out=out) if left.shape[1] else common
        upper: np.ndarray = total.float().numpy()
        return upper


class IntegerTiles:
    """Tiles of int16, multiplied and tested by one compiled loop."""

    def __init__(self, bound: UpperBound) -> None:
        self._left = bound.left.numpy()
        self._right = bound.right.numpy()
        self._part_starts = bound.part_starts
        self._scale = bound.product_scale
        self._buffers = local()

    def upper_bounds(
        self, category_indices: Sequence[int], rows: slice, columns: slice
    ) -> list[np.ndarray]:
        """Returns all upper bounds of a tile; see `FloatTiles.upper_bounds`."""
        left = self._left[rows]
        right = np.ascontiguousarray(self._right[columns])
        padded_rows = len(left) + -len(left) % BLOCK_ROWS
        padded_columns = len(right) + -len(right) % BLOCK_COLUMNS
        products = np.empty((len(category_indices), padded_rows, padded_columns), dtype=np.int32)
        multiply_tile(left, right, self._part_starts, _own_parts(category_indices), products)
        return [
            product[: len(left), : len(right)] * np.float32(self._scale) for product in products
        ]

    def find_survivors(
        self,
        category_indices: Sequence[int],
        rows: slice,
        columns: slice,
        thresholds: Sequence[np.ndarray],
    ) -> list[Survivors]:
        """Finds the pairs that reach a threshold; see `FloatTiles.find_survivors`."""
        left = self._left[rows]
        right = self._right[columns]
        shape = (len(category_indices), 3, len(left) * len(right))
        found = _buffer(self._buffers, "found", shape, torch.int32).numpy()
        counts = find_product_survivors(
            left, right, self._part_starts, _own_parts(category_indices),
            self._integer_thresholds(thresholds, rows),
            self._integer_thresholds(thresholds, columns), rows == columns, found,
        )  # fmt: skip
        return [
            Survivors(i.copy(), j.copy(), np.float32(self._scale) * products.astype(np.float32))
            for i, j, products in (part[:, :n] for part, n in zip(found, counts, strict=True))
        ]

    def _integer_thresholds(self, thresholds: Sequence[np.ndarray], side: slice) -> np.ndarray:
        """Returns the least integer products that reach the thresholds, or slightly lower ones."""
        floats = np.stack([some[side] for some in thresholds]).astype(np.float64)
        products = np.floor(floats / self._scale)
        return products.clip(INT32_MIN, INT32_MAX).astype(np.int32)


def make_tiles(bound: UpperBound) -> FloatTiles | IntegerTiles:
    """Returns the tiles of a bound, by its dtype."""
    return FloatTiles(bound) if bound.left.is_floating_point() else IntegerTiles(bound)


def _own_parts(category_indices: Sequence[int]) -> np.ndarray:
    """Returns the parts of the bound's columns that belong to single categories: int64."""
    return np.array(category_indices, dtype=np.int64) + 1


def _buffer(buffers: local, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Returns this thread's buffer of a name, allocated again where it is too small."""
    kept: torch.Tensor | None = getattr(buffers, name, None)
    size = int(np.prod(shape))
    if kept is None or kept.numel() < size:
        kept = torch.empty(shape, dtype=dtype)
        setattr(buffers, name, kept)
    return kept.flatten()[:size].view(shape)
