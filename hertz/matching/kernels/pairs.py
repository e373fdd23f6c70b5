"""Compiled loops over pairs and tiles. No score uses fast-math: its order of sums is a promise.

In: arrays over n rows, and pairs of rows `a`, `b`: `(m,)` int64 each. All kernels release the
interpreter's lock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

from hertz.matching.kernels.llvm import dot, prefetch

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
LINE = 64  # bytes that memory is read by
AHEAD = 2  # pairs whose rows are asked for before they are needed (measured)
WORD = 64  # columns of a tile tested at once: a bit each

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compiled, and kept compiled."""
    return numba.njit(nogil=True, cache=True)(function)


def _sum_kernel(function: F) -> F:
    """For sums in any order."""
    fast = {"reassoc", "contract"}
    return numba.njit(nogil=True, cache=True, fastmath=fast)(function)


@kernel
def cosines(vectors: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`reference.cosine` of many pairs, `(m,)` float64; `vectors` is `(n, dim)` float32.

    A fused multiply-add would give the same bits: the product of two float32 is exact in float64.
    """
    out, start, stride = np.empty(len(a)), vectors.ctypes.data, vectors.strides[0]
    for pair in range(len(a)):
        if pair + AHEAD < len(a):
            for offset in range(0, stride, LINE):
                prefetch(start + a[pair + AHEAD] * stride + offset)
                prefetch(start + b[pair + AHEAD] * stride + offset)
        out[pair] = dot(start + a[pair] * stride, start + b[pair] * stride, vectors.shape[1])
    return out


@kernel
def table_values(matrix: np.ndarray, codes: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`matrix[codes[a], codes[b]]`, `(m,)` float64."""
    out = np.empty(len(a))
    for pair in range(len(a)):
        out[pair] = matrix[codes[a[pair]], codes[b[pair]]]
    return out


@kernel
def _ones(word: np.uint64) -> np.uint64:
    """Number of ones in a word (Warren, Hacker's Delight, 5-1)."""
    x = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (x * np.uint64(0x0101010101010101)) >> np.uint64(56)


@kernel
def first_one(word: np.uint64) -> np.int64:
    """Place of a word's lowest one."""
    lowest = word & (~word + np.uint64(1))
    return np.int64(_ones(lowest - np.uint64(1)))


@kernel
def jaccards(
    wishes: np.ndarray,
    traits: np.ndarray,
    wished: np.ndarray,
    told: np.ndarray,
    missing: float,
    a: np.ndarray,
    b: np.ndarray,
) -> np.ndarray:
    """`reference.jaccard` of a's wishes and b's traits, `(m,)` float64.

    Args:
        wishes: `(n, words)` uint64 bits of the codes that both fields have.
        traits: The same.
        wished: `(n,)` int64 number of all wishes.
        told: `(n,)` int64 number of all traits.
        missing: The value where either is 0.
        a: Rows that look.
        b: Rows looked at.
    """
    out = np.empty(len(a))
    for pair in range(len(a)):
        x, y = a[pair], b[pair]
        if wished[x] == 0 or told[y] == 0:
            out[pair] = missing
            continue
        shared = np.int64(0)
        for word in range(wishes.shape[1]):
            shared += np.int64(_ones(wishes[x, word] & traits[y, word]))
        out[pair] = shared / (wished[x] + told[y] - shared)
    return out


@kernel
def ramps(
    numbers: np.ndarray, full: float, zero: float, missing: float, a: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """Return `reference.ramp` of distances, `missing` where one number is NaN: `(m,)` float64."""
    out = np.empty(len(a))
    for pair in range(len(a)):
        distance = abs(numbers[a[pair]] - numbers[b[pair]])
        ramp = min(1.0, max(0.0, (zero - distance) / (zero - full)))
        out[pair] = missing if math.isnan(distance) else ramp
    return out


@kernel
def may_meet(
    same: np.ndarray,
    different: np.ndarray,
    numbers: np.ndarray,
    distances: np.ndarray,
    told: np.ndarray,
    accepted: np.ndarray,
    blocked: np.ndarray,
    starts: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
) -> np.ndarray:
    """Return `reference.eligible` of many pairs, `(m,)` bool; see `EligibilityRules`."""
    out = np.zeros(len(a), dtype=np.bool_)
    for pair in range(len(a)):
        x, y = a[pair], b[pair]
        allowed = x != y
        for field in range(same.shape[1]):
            allowed &= same[x, field] == same[y, field] and same[x, field] >= 0
        for field in range(different.shape[1]):
            mine, theirs = different[x, field], different[y, field]
            allowed &= mine != theirs and mine >= 0 and theirs >= 0
        for field in range(numbers.shape[1]):
            allowed &= abs(numbers[x, field] - numbers[y, field]) <= distances[field]
        for rule in range(told.shape[1]):
            allowed &= accepted[x, told[y, rule]] and accepted[y, told[x, rule]]
        if allowed and starts[x] < starts[x + 1]:
            at = starts[x] + np.searchsorted(blocked[starts[x] : starts[x + 1]], y)
            allowed = at == starts[x + 1] or blocked[at] != y
        out[pair] = allowed
    return out


@kernel
def find_survivors(
    upper: np.ndarray, rows: np.ndarray, columns: np.ndarray, offset: int, found: np.ndarray
) -> int:
    """Positions of a tile whose upper bound reaches what either side still takes.

    Args:
        upper: `(rows, columns)` float32 upper bounds; -inf where a pair is done with.
        rows: `(rows,)` float32, the least bound each row still takes.
        columns: `(columns,)` float32, the same.
        offset: On the diagonal, the first row's column: only positions right of it count. Else -1.
        found: `(2, rows * columns)` int32 or longer, written: rows and columns.

    Returns:
        How many were found.
    """
    count, whole = 0, len(columns) // WORD * WORD
    for i in range(len(rows)):
        row = upper[i]
        right = i + offset + 1 if offset >= 0 else 0
        for start in range(right // WORD * WORD, len(columns), WORD):
            if start < whole:  # of a fixed length, so that it is compiled to vector instructions
                hits = _reached(row[start : start + WORD], rows[i], columns[start : start + WORD])
            else:
                hits = np.uint64(0)
                for j in range(start, len(columns)):
                    reached = np.uint64(row[j] >= min(rows[i], columns[j]))
                    hits |= reached << np.uint64(j - start)
            while hits:
                j = start + int(first_one(hits))
                hits &= hits - np.uint64(1)
                if j >= right and row[j] > -np.inf:
                    found[0, count], found[1, count] = i, j
                    count += 1
    return count


@kernel
def _reached(row: np.ndarray, mine: float, columns: np.ndarray) -> np.uint64:
    """A word with a one where a bound reaches what either side takes, the first one lowest."""
    hits = np.uint64(0)
    for j in range(WORD):
        hits |= np.uint64(row[j] >= min(mine, columns[j])) << np.uint64(j)
    return hits


@kernel
def reaches_with_residuals(
    upper: np.ndarray,
    spread: np.ndarray,
    rest: np.ndarray,
    starts: np.ndarray,
    signs: np.ndarray,
    its: int,
    least: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
) -> np.ndarray:
    """Whether a pair's bound is high enough with the products themselves where their bounds were.

    Args:
        upper: `(m,)` float32 bounds that have `spread[a] * spread[b]` of two parts in them.
        spread: `(n, parts)` float32.
        rest: `(n, columns)` float32.
        starts: `(parts + 1,)` int64 columns of each part: 0, and `its`.
        signs: `(columns,)` float32: the products are sums of `rest[a] * rest[b] * signs`.
        its: The other part.
        least: `(n,)` float32, what each row still takes; that of either side is enough.
        a: `(m,)` int64 rows.
        b: The same.

    Returns:
        `(m,)` bool.
    """
    out = np.empty(len(a), dtype=np.bool_)
    end, first, last = starts[1], starts[its], starts[its + 1]
    common, own = signs[:end], signs[first:last]
    for pair in range(len(a)):
        x, y = a[pair], b[pair]
        bounds = spread[x, 0] * spread[y, 0] + spread[x, its] * spread[y, its]
        tight = upper[pair] - bounds + _product(rest[x, :end], rest[y, :end], common)
        if first < last:
            tight += _product(rest[x, first:last], rest[y, first:last], own)
        out[pair] = tight >= min(least[x], least[y])
    return out


@_sum_kernel
def _product(x: np.ndarray, y: np.ndarray, signs: np.ndarray) -> np.float32:
    total = np.float32(0.0)
    for column in range(len(signs)):
        total += x[column] * y[column] * signs[column]
    return total


@kernel
def hash_rows(words: np.ndarray, hashes: np.ndarray) -> None:
    """Mix each row's words, each with its place, into its hash.

    Args:
        words: `(n, m)` uint64.
        hashes: `(n,)` uint64, read and written.
    """
    for row in range(len(words)):
        total = hashes[row]
        for column in range(words.shape[1]):
            total += _mixed(words[row, column] ^ (np.uint64(column + 1) * GOLDEN))
        hashes[row] = _mixed(total)


@kernel
def _mixed(word: np.uint64) -> np.uint64:
    """The finaliser of Steele, Lea and Flood, Fast splittable pseudorandom generators, 2014."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@kernel
def sum_member_values(member: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`(n,)` uint64: the sums of `values`, `(items,)` uint64, where `member`, `(n, items)` bool."""
    sums = np.zeros(len(member), dtype=np.uint64)
    for row in range(len(member)):
        for item in range(len(values)):
            sums[row] += values[item] * np.uint64(member[row, item])
    return sums
