"""Compiled loops that write columns of numbers, a row at a time.

A loop over a slice becomes vector instructions. One over sums of indices does not: they might be
negative, and would then count from the end.
"""

from __future__ import annotations

import numpy as np

from hertz.matching.kernels.pairs import kernel


@kernel
def scaled_rows(
    table: np.ndarray, rows: np.ndarray, factor: np.float32, out: np.ndarray, at: int
) -> None:
    """Write `table[rows] * factor` into the columns of `out` from `at` on; float32."""
    for place in range(len(rows)):
        row, written = table[rows[place]], out[place, at : at + table.shape[1]]
        for column in range(len(row)):
            written[column] = row[column] * factor


@kernel
def looked_up(
    table: np.ndarray, codes: np.ndarray, rows: np.ndarray, out: np.ndarray, at: int
) -> None:
    """Write `table[codes[rows]]` into the columns of `out` from `at` on; -1 is the last code."""
    for place in range(len(rows)):
        row, written = table[codes[rows[place]]], out[place, at : at + table.shape[1]]
        for column in range(len(row)):
            written[column] = row[column]


@kernel
def sizes(sets: np.ndarray) -> np.ndarray:
    """Members of each of `(n, items)` bool: `(n,)` int64."""
    out = np.empty(len(sets), dtype=np.int64)
    for row in range(len(sets)):
        mine, total = sets[row], 0
        for item in range(len(mine)):
            total += mine[item]
        out[row] = total
    return out


@kernel
def packed(sets: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Some columns, `(m,)` int64, of `(n, items)` bool as bits: `(n, ceil(m / 64))` uint64."""
    out = np.empty((len(sets), -(-len(columns) // 64)), dtype=np.uint64)
    for row in range(len(sets)):
        mine = sets[row]
        for word in range(out.shape[1]):
            bits, some = np.uint64(0), columns[64 * word : 64 * word + 64]
            for at in range(len(some)):
                bits |= np.uint64(mine[some[at]]) << np.uint64(at)
            out[row, word] = bits
    return out


@kernel
def members(
    mine: np.ndarray,
    theirs: np.ndarray,
    my_columns: np.ndarray,
    their_columns: np.ndarray,
    my_worth: np.ndarray,
    their_worth: np.ndarray,
    rows: np.ndarray,
    out: np.ndarray,
    add_at: int,
    subtract_at: int,
) -> None:
    """Write the sum and the difference of two sets, whose members are worth what their row says.

    Args:
        mine: `(n, items)` bool.
        theirs: `(n, other items)` bool.
        my_columns: `(common,)` int64 columns of `mine` that both have.
        their_columns: The same of `theirs`.
        my_worth: `(n,)` float32.
        their_worth: The same.
        rows: `(m,)` int64.
        out: `(m, columns)` float32, written.
        add_at: From this column on the sum.
        subtract_at: And from this one on the difference.
    """
    width = len(my_columns)
    one, other = np.empty(width, dtype=np.uint8), np.empty(width, dtype=np.uint8)
    for place in range(len(rows)):
        row = rows[place]
        for column in range(width):
            one[column] = mine[row, my_columns[column]]
            other[column] = theirs[row, their_columns[column]]
        added = out[place, add_at : add_at + width]
        subtracted = out[place, subtract_at : subtract_at + width]
        p, q = my_worth[row], their_worth[row]
        for column in range(width):
            x, y = p * np.float32(one[column]), q * np.float32(other[column])
            added[column], subtracted[column] = x + y, x - y


@kernel
def quantise(columns: np.ndarray, scale: np.float32, out: np.ndarray, at: int) -> None:
    """Write columns, `(m, columns)` float32, as multiples of `1 / scale`.

    Args:
        columns: See above.
        scale: See above.
        out: `(m, at + columns)` int16 or wider, written.
        at: From where on.
    """
    for place in range(len(columns)):
        row, written = columns[place], out[place, at : at + columns.shape[1]]
        for column in range(len(row)):
            written[column] = np.int16(np.int32(np.rint(row[column] * scale)))
