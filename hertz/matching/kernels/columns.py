"""Compiled loops that write columns of numbers, row by row.

A loop over a slice becomes vector instructions. A loop over sums of indices does not: such an index
might be negative, and would then count from the end.
"""

from __future__ import annotations

import numpy as np

from hertz.matching.kernels.compiled import kernel


@kernel
def write_scaled_rows(
    table: np.ndarray, rows: np.ndarray, factor: np.float32, out: np.ndarray, start: int
) -> None:
    """Writes `table[rows] * factor`, float32, into the columns of `out` from `start` on."""
    for position in range(len(rows)):
        row = table[rows[position]]
        written = out[position, start : start + table.shape[1]]
        for column in range(len(row)):
            written[column] = row[column] * factor


@kernel
def write_table_rows(
    table: np.ndarray, codes: np.ndarray, rows: np.ndarray, out: np.ndarray, start: int
) -> None:
    """Writes `table[codes[rows]]` into columns of `out` from `start` on; -1 is the last code."""
    for position in range(len(rows)):
        row = table[codes[rows[position]]]
        written = out[position, start : start + table.shape[1]]
        for column in range(len(row)):
            written[column] = row[column]


@kernel
def set_sizes(sets: np.ndarray) -> np.ndarray:
    """Returns the number of members of each set, `(n,)` int64; `sets` is `(n, items)` bool."""
    out = np.empty(len(sets), dtype=np.int64)
    for row in range(len(sets)):
        members = sets[row]
        total = 0
        for item in range(len(members)):
            total += members[item]
        out[row] = total
    return out


@kernel
def pack_bits(sets: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Packs some columns, `(m,)` int64, of sets, `(n, items)` bool, into bits.

    Returns:
        `(n, ceil(m / 64))` uint64, the first column in the lowest bit of the first word.
    """
    out = np.empty((len(sets), -(-len(columns) // 64)), dtype=np.uint64)
    for row in range(len(sets)):
        members = sets[row]
        for word in range(out.shape[1]):
            bits = np.uint64(0)
            some = columns[64 * word : 64 * word + 64]
            for bit in range(len(some)):
                bits |= np.uint64(members[some[bit]]) << np.uint64(bit)
            out[row, word] = bits
    return out


@kernel
def write_set_factors(
    wishes: np.ndarray,
    traits: np.ndarray,
    wish_columns: np.ndarray,
    trait_columns: np.ndarray,
    wish_values: np.ndarray,
    trait_values: np.ndarray,
    rows: np.ndarray,
    out: np.ndarray,
    positive_start: int,
    negative_start: int,
) -> None:
    """Writes the sum and the difference of two weighted sets of each of `rows`, `(m,)` int64.

    Sums are written into `out`, `(m, columns)` float32, from `positive_start` on, differences from
    `negative_start` on. The sets are `(n, items)` bool, of which the `(common,)` int64 columns of
    both stand for the same codes; a member of a row's set has the row's value, `(n,)` float32.
    """
    width = len(wish_columns)
    wished = np.empty(width, dtype=np.uint8)
    had = np.empty(width, dtype=np.uint8)
    for position in range(len(rows)):
        row = rows[position]
        for column in range(width):
            wished[column] = wishes[row, wish_columns[column]]
            had[column] = traits[row, trait_columns[column]]
        sums = out[position, positive_start : positive_start + width]
        differences = out[position, negative_start : negative_start + width]
        wish_value = wish_values[row]
        trait_value = trait_values[row]
        for column in range(width):
            x = wish_value * np.float32(wished[column])
            y = trait_value * np.float32(had[column])
            sums[column] = x + y
            differences[column] = x - y


@kernel
def quantize(columns: np.ndarray, scale: np.float32, out: np.ndarray, start: int) -> None:
    """Writes float32 columns into `out`, from `start` on, as int16 multiples of `1 / scale`."""
    for position in range(len(columns)):
        row = columns[position]
        written = out[position, start : start + columns.shape[1]]
        for column in range(len(row)):
            written[column] = np.int16(np.int32(np.rint(row[column] * scale)))
