"""Tiles of integer products, tested as they are made: a tile is never written to memory.

In: the bound's thin matrices as int16, whose sums of products fit into int32. Out: the pairs whose
product reaches what either side takes, or all products. Integer sums are exact in any order.

A block of 4 x 16 products stays in registers while two columns at a time are multiplied and added
(the register blocking of Goto and van de Geijn, Anatomy of high-performance matrix multiplication,
2008): on AVX2 twice the multiplications of a float32 instruction.
"""

from __future__ import annotations

import numpy as np

from matching.kernels import first_one, kernel
from matching.registers import ROWS, WIDTH, block

MOST, LEAST = np.iinfo(np.int32).max, np.iinfo(np.int32).min


@kernel
def reach(
    left: np.ndarray,
    right: np.ndarray,
    mine: np.ndarray,
    theirs: np.ndarray,
    diagonal: bool,
    found: np.ndarray,
) -> int:
    """Pairs of rows whose product reaches what either side takes.

    Args:
        left: `(rows, columns)` int16, an even number of columns.
        right: `(others, columns)` int16.
        mine: `(rows,)` int32, the least product each row takes.
        theirs: `(others,)` int32, the same.
        diagonal: Only pairs above the diagonal count.
        found: `(3, rows * others)` int32 or longer, written: rows, columns and products.

    Returns:
        How many were found.
    """
    count, height, width = 0, len(left), len(right)
    panel = np.empty((left.shape[1] // 2, WIDTH), dtype=np.int32)
    products = np.empty((ROWS, WIDTH), dtype=np.int32)
    rest, bars = _last_rows(left), np.full(height + ROWS, MOST, dtype=np.int32)
    bars[:height] = mine
    least = np.full(width + WIDTH, MOST, dtype=np.int32)
    least[:width] = theirs
    stride, whole = left.strides[0], height // ROWS * ROWS
    for j in range(0, width, WIDTH):
        _pack(right[j : j + WIDTH], panel)
        for i in range(0, min(height, j + WIDTH) if diagonal else height, ROWS):
            hits = block(
                left.ctypes.data + i * stride if i < whole else rest.ctypes.data,
                stride,
                panel.ctypes.data,
                len(panel),
                bars.ctypes.data + 4 * i,
                least.ctypes.data + 4 * j,
                products.ctypes.data,
                4 * WIDTH,
            )
            while hits:
                row, column = divmod(int(first_one(hits)), WIDTH)
                hits &= hits - np.uint64(1)
                a, b = i + row, j + column
                if a < height and b < width and (b > a or not diagonal):
                    found[0, count], found[1, count] = a, b
                    found[2, count] = products[row, column]
                    count += 1
    return count


@kernel
def multiply(left: np.ndarray, right: np.ndarray, out: np.ndarray) -> None:
    """All products; `left` and `right` as for `reach`.

    Args:
        left: `(rows, columns)` int16.
        right: `(others, columns)` int16.
        out: int32, written: of as many rows and columns, each a whole number of blocks.
    """
    panel = np.empty((left.shape[1] // 2, WIDTH), dtype=np.int32)
    rest, nobody = _last_rows(left), np.full(WIDTH, MOST, dtype=np.int32)
    stride, whole = left.strides[0], len(left) // ROWS * ROWS
    for j in range(0, len(right), WIDTH):
        _pack(right[j : j + WIDTH], panel)
        for i in range(0, len(left), ROWS):
            block(
                left.ctypes.data + i * stride if i < whole else rest.ctypes.data,
                stride,
                panel.ctypes.data,
                len(panel),
                nobody.ctypes.data,
                nobody.ctypes.data,
                out.ctypes.data + i * out.strides[0] + 4 * j,
                out.strides[0],
            )


@kernel
def _last_rows(left: np.ndarray) -> np.ndarray:
    """The rows that do not fill a block, and rows of zeros after them."""
    rest = len(left) % ROWS
    rows = np.zeros((ROWS, left.shape[1]), dtype=np.int16)
    rows[:rest] = left[len(left) - rest :]
    return rows


@kernel
def _pack(right: np.ndarray, panel: np.ndarray) -> None:
    """Up to WIDTH rows, two columns at a time, one row after the other: `(pairs, WIDTH)` int32."""
    pairs = right.view(np.int32)
    panel[:, len(right) :] = 0
    for row in range(len(right)):
        for pair in range(len(panel)):
            panel[pair, row] = pairs[row, pair]
