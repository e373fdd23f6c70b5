"""Compiled loops that multiply tiles of int16 and test the products at once.

The sums of products fit into int32, and are exact in any order. Part 0 of the columns is common to
all categories, and each category adds one other part. A block of 4 x 16 products stays in registers
(the register blocking of Goto and van de Geijn, Anatomy of high-performance matrix multiplication,
2008). torch and numpy were tried: docs/decisions/llvm-inner-loops.md.
"""

from __future__ import annotations

import numpy as np

from hertz.matching.kernels.compiled import kernel
from hertz.matching.kernels.llvm import BLOCK_COLUMNS, BLOCK_ROWS, lowest_one, multiply_block

INT32_MAX = np.iinfo(np.int32).max
INT32_MIN = np.iinfo(np.int32).min
LINE = 4 * BLOCK_COLUMNS  # bytes of a block's row of int32, and of a panel's row of int16 pairs


@kernel
def find_product_survivors(
    left: np.ndarray,
    right: np.ndarray,
    part_starts: np.ndarray,
    parts: np.ndarray,
    row_thresholds: np.ndarray,
    column_thresholds: np.ndarray,
    diagonal: bool,
    found: np.ndarray,
) -> np.ndarray:
    """Finds the pairs of rows whose product reaches the threshold of either side.

    Args:
        left: `(rows, columns)` int16.
        right: `(other rows, columns)` int16.
        part_starts: `(all parts + 1,)` int64, even: first column of each part.
        parts: `(categories,)` int64 part of each category that is searched.
        row_thresholds: `(categories, rows)` int32 smallest product that each row of `left` accepts.
        column_thresholds: `(categories, other rows)` int32, the same of each row of `right`.
        diagonal: Whether only pairs above the diagonal count.
        found: `(categories, 3, rows * other rows)` int32 or longer, written: the survivors' rows of
            `left`, rows of `right` and products.

    Returns:
        `(categories,)` int64 number of survivors.
    """
    counts = np.zeros(len(parts), dtype=np.int64)
    if not len(parts):
        return counts
    shape = (len(left), len(right))
    stride = left.strides[0]
    whole = len(left) // BLOCK_ROWS * BLOCK_ROWS
    last_rows = _padded_last_rows(left)
    row_limits = _padded_thresholds(row_thresholds, BLOCK_ROWS)
    column_limits = _padded_thresholds(column_thresholds, BLOCK_COLUMNS)
    panel = np.empty((left.shape[1] // 2, BLOCK_COLUMNS), dtype=np.int32)
    zeros = np.zeros((BLOCK_ROWS, BLOCK_COLUMNS), dtype=np.int32)
    # A single category without columns of its own is tested on the products of part 0.
    common_only = len(parts) == 1 and part_starts[parts[0]] == part_starts[parts[0] + 1]
    common = np.empty_like(zeros)
    products = common if common_only else np.empty_like(zeros)
    for j in range(0, len(right), BLOCK_COLUMNS):
        _fill_panel(right[j : j + BLOCK_COLUMNS], panel)
        for i in range(0, min(len(left), j + BLOCK_COLUMNS) if diagonal else len(left), BLOCK_ROWS):
            row = left.ctypes.data + i * stride if i < whole else last_rows.ctypes.data
            hits = multiply_block(
                row, stride, panel.ctypes.data, part_starts[1] // 2, zeros.ctypes.data,
                row_limits.ctypes.data + 4 * i, column_limits.ctypes.data + 4 * j,
                common.ctypes.data, LINE,
            )  # fmt: skip
            for category in range(len(parts)):
                first = part_starts[parts[category]]
                last = part_starts[parts[category] + 1]
                if not common_only:
                    hits = multiply_block(
                        row + 2 * first, stride, panel.ctypes.data + first // 2 * LINE,
                        (last - first) // 2, common.ctypes.data,
                        row_limits.ctypes.data + category * row_limits.strides[0] + 4 * i,
                        column_limits.ctypes.data + category * column_limits.strides[0] + 4 * j,
                        products.ctypes.data, LINE,
                    )  # fmt: skip
                if hits:
                    counts[category] = _append_survivors(
                        hits, products, i, j, shape, diagonal, found[category], counts[category]
                    )
    return counts


@kernel
def multiply_tile(
    left: np.ndarray, right: np.ndarray, part_starts: np.ndarray, parts: np.ndarray, out: np.ndarray
) -> None:
    """Writes all products of the rows of two matrices; see `find_product_survivors`.

    They are written into `out`, `(categories, rows, other rows)` int32, whose rows and columns are
    rounded up to whole blocks: what lies beyond the matrices has no meaning.
    """
    stride = left.strides[0]
    whole = len(left) // BLOCK_ROWS * BLOCK_ROWS
    last_rows = _padded_last_rows(left)
    panel = np.empty((left.shape[1] // 2, BLOCK_COLUMNS), dtype=np.int32)
    zeros = np.zeros((BLOCK_ROWS, BLOCK_COLUMNS), np.int32)
    unreachable = np.full(BLOCK_COLUMNS, INT32_MAX, np.int32)
    common = np.empty_like(zeros)
    for j in range(0, len(right), BLOCK_COLUMNS):
        _fill_panel(right[j : j + BLOCK_COLUMNS], panel)
        for i in range(0, len(left), BLOCK_ROWS):
            row = left.ctypes.data + i * stride if i < whole else last_rows.ctypes.data
            multiply_block(
                row, stride, panel.ctypes.data, part_starts[1] // 2, zeros.ctypes.data,
                unreachable.ctypes.data, unreachable.ctypes.data, common.ctypes.data, LINE,
            )  # fmt: skip
            for category in range(len(parts)):
                first = part_starts[parts[category]]
                last = part_starts[parts[category] + 1]
                block = i * out.strides[1] + 4 * j
                multiply_block(
                    row + 2 * first, stride, panel.ctypes.data + first // 2 * LINE,
                    (last - first) // 2, common.ctypes.data,
                    unreachable.ctypes.data, unreachable.ctypes.data,
                    out.ctypes.data + category * out.strides[0] + block, out.strides[1],
                )  # fmt: skip


@kernel
def _append_survivors(
    hits: np.uint64,
    products: np.ndarray,
    i: int,
    j: int,
    shape: tuple[int, int],
    diagonal: bool,
    found: np.ndarray,
    count: int,
) -> int:
    """Appends the survivors of the block at `i`, `j` to `found`; returns the new count."""
    while hits:
        row, column = divmod(lowest_one(hits), BLOCK_COLUMNS)
        hits &= hits - np.uint64(1)
        a = i + row
        b = j + column
        if a < shape[0] and b < shape[1] and (b > a or not diagonal):
            found[0, count] = a
            found[1, count] = b
            found[2, count] = products[row, column]
            count += 1
    return count


@kernel
def _padded_thresholds(thresholds: np.ndarray, padding: int) -> np.ndarray:
    """Appends `padding` columns of INT32_MAX, so that the last block can be read whole."""
    padded = np.full((len(thresholds), thresholds.shape[1] + padding), INT32_MAX, dtype=np.int32)
    padded[:, : thresholds.shape[1]] = thresholds
    return padded


@kernel
def _padded_last_rows(left: np.ndarray) -> np.ndarray:
    """Returns the rows that do not fill a block, followed by rows of zeros."""
    count = len(left) % BLOCK_ROWS
    rows = np.zeros((BLOCK_ROWS, left.shape[1]), dtype=np.int16)
    rows[:count] = left[len(left) - count :]
    return rows


@kernel
def _fill_panel(right: np.ndarray, panel: np.ndarray) -> None:
    """Transposes up to BLOCK_COLUMNS rows by pairs of int16, with zeros for absent rows."""
    pairs = right.view(np.int32)
    panel[:, len(right) :] = 0
    for row in range(len(right)):
        for pair in range(len(panel)):
            panel[pair, row] = pairs[row, pair]
