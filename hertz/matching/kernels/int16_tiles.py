"""Tiles of integer products, tested as they are made: a tile is never written to memory.

In: the bound's thin matrices as int16, whose sums of products fit into int32. Out, for each
category: the pairs whose product reaches what either side takes, or all products. Integer sums are
exact in any order.

A block of 4 x 16 products stays in registers while two columns at a time are multiplied and added
(the register blocking of Goto and van de Geijn, Anatomy of high-performance matrix multiplication,
2008): on AVX2 twice the multiplications of a float32 instruction.
"""

from __future__ import annotations

import numpy as np

from hertz.matching.kernels.llvm import BLOCK_COLUMNS, BLOCK_ROWS, block
from hertz.matching.kernels.pairs import first_one, kernel

INT32_MAX, INT32_MIN = np.iinfo(np.int32).max, np.iinfo(np.int32).min


@kernel
def find_product_survivors(
    left: np.ndarray,
    right: np.ndarray,
    starts: np.ndarray,
    which: np.ndarray,
    mine: np.ndarray,
    theirs: np.ndarray,
    diagonal: bool,
    found: np.ndarray,
) -> np.ndarray:
    """Pairs of rows whose product reaches what either side takes, for each of some categories.

    The product of the columns that are common to all is made once a pair.

    Args:
        left: `(rows, columns)` int16.
        right: `(others, columns)` int16.
        starts: `(parts + 1,)` int64, even: the columns of each part, the common ones first.
        which: `(categories,)` int64 other parts.
        mine: `(categories, rows)` int32, the least product each row takes.
        theirs: `(categories, others)` int32, the same.
        diagonal: Only pairs above the diagonal count.
        found: `(categories, 3, rows * others)` int32 or longer, written: rows, columns, products.

    Returns:
        `(categories,)` int64, how many were found.
    """
    counts, height, width = np.zeros(len(which), dtype=np.int64), len(left), len(right)
    panel = np.empty((left.shape[1] // 2, BLOCK_COLUMNS), dtype=np.int32)
    nothing = np.zeros((BLOCK_ROWS, BLOCK_COLUMNS), dtype=np.int32)
    alone = len(which) == 1 and starts[which[0]] == starts[which[0] + 1]  # nothing to be added
    common = np.empty_like(nothing)
    products = common if alone else np.empty_like(nothing)
    rest, bars, least = _last_rows(left), _bars(mine, BLOCK_ROWS), _bars(theirs, BLOCK_COLUMNS)
    if not len(which):
        return counts
    stride, whole = left.strides[0], height // BLOCK_ROWS * BLOCK_ROWS
    for j in range(0, width, BLOCK_COLUMNS):
        _pack(right[j : j + BLOCK_COLUMNS], panel)
        for i in range(0, min(height, j + BLOCK_COLUMNS) if diagonal else height, BLOCK_ROWS):
            row_of = left.ctypes.data + i * stride if i < whole else rest.ctypes.data
            hits = block(
                row_of,
                stride,
                panel.ctypes.data,
                starts[1] // 2,
                nothing.ctypes.data,
                bars.ctypes.data + 4 * i,
                least.ctypes.data + 4 * j,
                common.ctypes.data,
                4 * BLOCK_COLUMNS,
            )
            for at in range(len(which)):
                first, last = starts[which[at]], starts[which[at] + 1]
                if not alone:
                    hits = block(
                        row_of + 2 * first,
                        stride,
                        panel.ctypes.data + first // 2 * 4 * BLOCK_COLUMNS,
                        (last - first) // 2,
                        common.ctypes.data,
                        bars.ctypes.data + at * bars.strides[0] + 4 * i,
                        least.ctypes.data + at * least.strides[0] + 4 * j,
                        products.ctypes.data,
                        4 * BLOCK_COLUMNS,
                    )
                while hits:
                    row, column = divmod(int(first_one(hits)), BLOCK_COLUMNS)
                    hits &= hits - np.uint64(1)
                    a, b = i + row, j + column
                    if a < height and b < width and (b > a or not diagonal):
                        place = counts[at]
                        found[at, 0, place], found[at, 1, place] = a, b
                        found[at, 2, place] = products[row, column]
                        counts[at] += 1
    return counts


@kernel
def multiply_tile(
    left: np.ndarray, right: np.ndarray, starts: np.ndarray, which: np.ndarray, out: np.ndarray
) -> None:
    """All products; `left`, `right`, `starts` and `which` as for `find_product_survivors`.

    Args:
        left: `(rows, columns)` int16.
        right: `(others, columns)` int16.
        starts: `(parts + 1,)` int64.
        which: `(categories,)` int64.
        out: int32, written: of as many categories, rows and columns, of these whole blocks.
    """
    panel = np.empty((left.shape[1] // 2, BLOCK_COLUMNS), dtype=np.int32)
    nothing, nobody = (
        np.zeros((BLOCK_ROWS, BLOCK_COLUMNS), np.int32),
        np.full(BLOCK_COLUMNS, INT32_MAX, np.int32),
    )
    common, rest = np.empty_like(nothing), _last_rows(left)
    stride, whole = left.strides[0], len(left) // BLOCK_ROWS * BLOCK_ROWS
    for j in range(0, len(right), BLOCK_COLUMNS):
        _pack(right[j : j + BLOCK_COLUMNS], panel)
        for i in range(0, len(left), BLOCK_ROWS):
            row_of = left.ctypes.data + i * stride if i < whole else rest.ctypes.data
            block(
                row_of,
                stride,
                panel.ctypes.data,
                starts[1] // 2,
                nothing.ctypes.data,
                nobody.ctypes.data,
                nobody.ctypes.data,
                common.ctypes.data,
                4 * BLOCK_COLUMNS,
            )
            for at in range(len(which)):
                first, last = starts[which[at]], starts[which[at] + 1]
                block(
                    row_of + 2 * first,
                    stride,
                    panel.ctypes.data + first // 2 * 4 * BLOCK_COLUMNS,
                    (last - first) // 2,
                    common.ctypes.data,
                    nobody.ctypes.data,
                    nobody.ctypes.data,
                    out.ctypes.data + at * out.strides[0] + i * out.strides[1] + 4 * j,
                    out.strides[1],
                )


@kernel
def _bars(least: np.ndarray, more: int) -> np.ndarray:
    """`least`, and after each row of it `more` that take nobody."""
    bars = np.full((len(least), least.shape[1] + more), INT32_MAX, dtype=np.int32)
    bars[:, : least.shape[1]] = least
    return bars


@kernel
def _last_rows(left: np.ndarray) -> np.ndarray:
    """The rows that do not fill a block, and rows of zeros after them."""
    rest = len(left) % BLOCK_ROWS
    rows = np.zeros((BLOCK_ROWS, left.shape[1]), dtype=np.int16)
    rows[:rest] = left[len(left) - rest :]
    return rows


@kernel
def _pack(right: np.ndarray, panel: np.ndarray) -> None:
    """Transpose up to BLOCK_COLUMNS rows, two columns at a time, into `panel`."""
    pairs = right.view(np.int32)
    panel[:, len(right) :] = 0
    for row in range(len(right)):
        for pair in range(len(panel)):
            panel[pair, row] = pairs[row, pair]
