"""Compiled loops over pairs of users and over tiles of upper bounds.

In: arrays over n rows (users), and pairs of rows `a[i]`, `b[i]`, `(m,)` int64 each. Scores are
summed in the reference's order, which is why none of them is compiled with fast-math.
"""

from __future__ import annotations

import math

import numpy as np

from hertz.matching.kernels.compiled import kernel, reordered_sum_kernel
from hertz.matching.kernels.llvm import count_ones, dot, lowest_one, prefetch

CACHE_LINE = 64  # bytes that memory is read by
PREFETCHED_PAIRS = 2  # pairs whose rows are prefetched before they are multiplied (measured)
WORD = 64  # columns of a tile tested at once: a bit each


@kernel
def cosines(vectors: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns `reference.cosine` of each pair, `(m,)` float64.

    The vectors are `(n, dim)` float32, dim a multiple of LANES. A fused multiply-add would give the
    same bits: the product of two float32 is exact in float64.
    """
    out = np.empty(len(a))
    start = vectors.ctypes.data
    stride = vectors.strides[0]
    for pair in range(len(a)):
        if pair + PREFETCHED_PAIRS < len(a):
            for offset in range(0, stride, CACHE_LINE):
                prefetch(start + a[pair + PREFETCHED_PAIRS] * stride + offset)
                prefetch(start + b[pair + PREFETCHED_PAIRS] * stride + offset)
        out[pair] = dot(start + a[pair] * stride, start + b[pair] * stride, vectors.shape[1])
    return out


@kernel
def table_values(matrix: np.ndarray, codes: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns `matrix[codes[a], codes[b]]`, `(m,)` float64."""
    out = np.empty(len(a))
    for pair in range(len(a)):
        out[pair] = matrix[codes[a[pair]], codes[b[pair]]]
    return out


@kernel
def jaccards(
    wishes: np.ndarray,
    traits: np.ndarray,
    wish_counts: np.ndarray,
    trait_counts: np.ndarray,
    missing: float,
    a: np.ndarray,
    b: np.ndarray,
) -> np.ndarray:
    """Returns `reference.jaccard` of a's wishes and b's traits, `(m,)` float64; see OverlapTerm."""
    out = np.empty(len(a))
    for pair in range(len(a)):
        x, y = a[pair], b[pair]
        if wish_counts[x] == 0 or trait_counts[y] == 0:
            out[pair] = missing
            continue
        shared = np.int64(0)
        for word in range(wishes.shape[1]):
            shared += count_ones(wishes[x, word] & traits[y, word])
        out[pair] = shared / (wish_counts[x] + trait_counts[y] - shared)
    return out


@kernel
def ramps(
    numbers: np.ndarray, full: float, zero: float, missing: float, a: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """Returns `reference.ramp` of each pair's distance, `(m,)` float64; see `NumberTerm`."""
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
    code_columns: np.ndarray,
    accepted: np.ndarray,
    blocked: np.ndarray,
    blocked_starts: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
) -> np.ndarray:
    """Returns `reference.eligible` of each pair, `(m,)` bool; see `EligibilityRules`."""
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
        for rule in range(code_columns.shape[1]):
            allowed &= accepted[x, code_columns[y, rule]] and accepted[y, code_columns[x, rule]]
        out[pair] = allowed and not _is_blocked(blocked, blocked_starts, x, y)
    return out


@kernel
def _is_blocked(blocked: np.ndarray, blocked_starts: np.ndarray, x: int, y: int) -> bool:
    """Tells whether y is among the blocked rows of x."""
    first, end = blocked_starts[x], blocked_starts[x + 1]
    if first == end:
        return False
    place = first + np.searchsorted(blocked[first:end], y)
    return place < end and blocked[place] == y


@kernel
def find_survivors(
    upper: np.ndarray,
    row_thresholds: np.ndarray,
    column_thresholds: np.ndarray,
    offset: int,
    found: np.ndarray,
) -> int:
    """Finds the pairs of a tile whose upper bound reaches the threshold of either side.

    Args:
        upper: `(rows, columns)` float32 upper bounds; pairs at -inf are passed over.
        row_thresholds: `(rows,)` float32 threshold of each row.
        column_thresholds: `(columns,)` float32 threshold of each column.
        offset: On the diagonal, the column of the first row: only pairs right of the diagonal
            count. Elsewhere -1.
        found: `(2, rows * columns)` int32 or longer, written: rows and columns of the survivors.

    Returns:
        The number of survivors.
    """
    count = 0
    whole = len(column_thresholds) // WORD * WORD
    for i in range(len(row_thresholds)):
        row = upper[i]
        right = i + offset + 1 if offset >= 0 else 0
        for start in range(right // WORD * WORD, len(column_thresholds), WORD):
            if start < whole:  # of a fixed length, so that it is compiled to vector instructions
                some = slice(start, start + WORD)
                hits = _reached(row[some], row_thresholds[i], column_thresholds[some])
            else:
                hits = np.uint64(0)
                for j in range(start, len(column_thresholds)):
                    reached = np.uint64(row[j] >= min(row_thresholds[i], column_thresholds[j]))
                    hits |= reached << np.uint64(j - start)
            while hits:
                j = start + lowest_one(hits)
                hits &= hits - np.uint64(1)
                if j >= right and row[j] > -np.inf:
                    found[0, count] = i
                    found[1, count] = j
                    count += 1
    return count


@kernel
def _reached(row: np.ndarray, row_threshold: float, column_thresholds: np.ndarray) -> np.uint64:
    """Returns a word with bit j set where WORD bounds reach a threshold of either side."""
    hits = np.uint64(0)
    for j in range(WORD):
        reached = np.uint64(row[j] >= min(row_threshold, column_thresholds[j]))
        hits |= reached << np.uint64(j)
    return hits


@kernel
def reaches_with_residuals(
    upper: np.ndarray,
    residual_norms: np.ndarray,
    residuals: np.ndarray,
    residual_starts: np.ndarray,
    residual_signs: np.ndarray,
    part: int,
    thresholds: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
) -> np.ndarray:
    """Returns which pairs reach a threshold by the products of their residuals: `(m,)` bool.

    In the bounds `upper`, `(m,)` float32, these replace the products of the residuals' norms, in
    part 0 and in the category's own `part`. The arrays of residuals are those of `UpperBound`, and
    the thresholds are `(n,)` float32.
    """
    out = np.empty(len(a), dtype=np.bool_)
    end = residual_starts[1]
    first = residual_starts[part]
    last = residual_starts[part + 1]
    common_signs = residual_signs[:end]
    own_signs = residual_signs[first:last]
    for pair in range(len(a)):
        x, y = a[pair], b[pair]
        norms = residual_norms[x, 0] * residual_norms[y, 0]
        norms += residual_norms[x, part] * residual_norms[y, part]
        tight = upper[pair] - norms
        tight += _signed_product(residuals[x, :end], residuals[y, :end], common_signs)
        if first < last:
            tight += _signed_product(residuals[x, first:last], residuals[y, first:last], own_signs)
        out[pair] = tight >= min(thresholds[x], thresholds[y])
    return out


@reordered_sum_kernel
def _signed_product(x: np.ndarray, y: np.ndarray, signs: np.ndarray) -> np.float32:
    """Returns the sum of `x * y * signs`, float32."""
    total = np.float32(0.0)
    for column in range(len(signs)):
        total += x[column] * y[column] * signs[column]
    return total
