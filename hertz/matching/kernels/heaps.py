"""Compiled loops over match lists that are kept as heaps, the worst entry at the root.

An entry is one int64 key: its high half rises with the float32 score, its low half falls with the
user's row, so that the larger key is the better entry, ties included. heapq inserts one entry a
call and numpy's partition works on whole arrays: neither fits a loop over pairs.
"""

from __future__ import annotations

import numpy as np

from hertz.matching.kernels.compiled import kernel

INT32_MAX = 0x7FFFFFFF  # all bits of an int32 but its sign
EMPTY_ID = INT32_MAX  # id of an empty entry, whose score is -inf
EMPTY_KEY = int(np.float32(-np.inf).view(np.int32) ^ np.int32(INT32_MAX)) << 32


@kernel
def encode_key(score: np.float32, entry: int) -> np.int64:
    """Returns the key of an entry, by its float32 score and its row."""
    bits = np.int64(np.float32(score + np.float32(0.0)).view(np.int32))  # no key for -0.0
    return ((bits ^ INT32_MAX if bits < 0 else bits) << 32) | (EMPTY_ID - np.int64(entry))


@kernel
def _decode_score(key: np.int64) -> np.float32:
    """Returns the score of a key."""
    bits = key >> 32
    return np.int32(bits ^ INT32_MAX if bits < 0 else bits).view(np.float32)


@kernel
def decode_scores(keys: np.ndarray) -> np.ndarray:
    """Returns the scores of `(m,)` int64 keys: `(m,)` float32."""
    scores = np.empty(len(keys), dtype=np.float32)
    for at in range(len(keys)):
        scores[at] = _decode_score(keys[at])
    return scores


@kernel
def largest_columns(upper: np.ndarray, rows: np.ndarray, depth: int) -> np.ndarray:
    """Finds the columns of the `depth` largest float32 values in `rows`, `(m,)` int64, of a tile.

    Returns:
        `(m, depth)` int32 columns in the order of a heap; EMPTY_ID where a row has fewer values
        above -inf.
    """
    heap = np.empty(depth, dtype=np.int64)
    columns = np.empty((len(rows), depth), dtype=np.int32)
    for at in range(len(rows)):
        row = upper[rows[at]]
        heap[:] = EMPTY_KEY
        least = np.float32(-np.inf)
        for column in range(len(row)):
            if row[column] > least:
                insert(heap, encode_key(row[column], column))
                least = _decode_score(heap[0])
        for place in range(depth):
            columns[at, place] = EMPTY_ID - (heap[place] & INT32_MAX)
    return columns


@kernel
def insert(heap: np.ndarray, key: np.int64) -> None:
    """Replaces the root of a heap by a better entry, not in it yet, which moves to its place."""
    if key <= heap[0]:
        return
    at = 0
    child = 1
    while child < len(heap):
        if child + 1 < len(heap) and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[at] = heap[child]
        at = child
        child = 2 * at + 1
    heap[at] = key


@kernel
def insert_pairs(
    heaps: np.ndarray, accepting: np.ndarray, a: np.ndarray, b: np.ndarray, mutual: np.ndarray
) -> None:
    """Inserts the two users of each scored pair into each other's heap, if that is `accepting`.

    The heaps are `(n, depth)` int64 keys; `a`, `b` and the float32 `mutual` are `(m,)`.
    """
    for pair in range(len(a)):
        x, y = a[pair], b[pair]
        if accepting[x]:
            insert(heaps[x], encode_key(mutual[pair], y))
        if accepting[y]:
            insert(heaps[y], encode_key(mutual[pair], x))


@kernel
def heaps_to_lists(heaps: np.ndarray, scores: np.ndarray, ids: np.ndarray) -> None:
    """Sorts heaps, best entry first, and writes the scores and rows of their entries.

    Heaps are reversed and sorted by insertion: a heap is nearly in order from worst to best, and
    one that was made of a sorted list is in order but for a few entries.

    Args:
        heaps: `(n, depth)` int64 keys, sorted in place.
        scores: `(n, depth)` float32, written: -inf where an entry is empty.
        ids: `(n, depth)` int32, written: -1 where an entry is empty.
    """
    for user in range(len(heaps)):
        heap = heaps[user]
        for place in range(len(heap) // 2):
            last = len(heap) - 1 - place
            heap[place], heap[last] = heap[last], heap[place]
        for rank in range(len(heap)):
            key = heap[rank]
            place = rank
            while place > 0 and heap[place - 1] < key:
                heap[place] = heap[place - 1]
                place -= 1
            heap[place] = key
        for rank in range(len(heap)):
            scores[user, rank] = _decode_score(heap[rank])
            empty = heap[rank] == EMPTY_KEY
            ids[user, rank] = -1 if empty else EMPTY_ID - (heap[rank] & INT32_MAX)


@kernel
def lists_to_heaps(
    ids: np.ndarray,
    scores: np.ndarray,
    previous_rows: np.ndarray,
    new_rows: np.ndarray,
    heaps: np.ndarray,
) -> None:
    """Copies a previous run's sorted lists into heaps, without the users who are not carried over.

    Args:
        ids: `(m, depth)` int32 lists, best first, as rows of the previous run; -1 where empty.
        scores: `(m, depth)` float32 scores of the entries.
        previous_rows: `(n,)` int64 row of each user in the previous run; -1 leaves a heap empty.
        new_rows: `(m,)` int32 row of each of the previous run's users in this run, -1 for none.
        heaps: `(n, depth)` int64 keys, all EMPTY_KEY, written.
    """
    for user in range(len(previous_rows)):
        previous = previous_rows[user]
        place = ids.shape[1]  # filled from the end: the worst entry comes first
        for rank in range(ids.shape[1] if previous >= 0 else 0):
            entry = ids[previous, rank]
            if entry >= 0 and new_rows[entry] >= 0:
                place -= 1
                heaps[user, place] = encode_key(scores[previous, rank], new_rows[entry])


@kernel
def remove_below(
    scores: np.ndarray,
    ids: np.ndarray,
    user_ids: np.ndarray,
    bound_scores: np.ndarray,
    bound_ids: np.ndarray,
) -> None:
    """Empties the entries of sorted lists that are worse than a bound: score, then user id.

    Args:
        scores: `(n, depth)` float32 scores, best first; written: -inf where an entry is removed.
        ids: `(n, depth)` int32 rows of the entries, -1 where empty; written.
        user_ids: `(n,)` int64 user id of each row.
        bound_scores: `(n,)` float32 lowest score that stays.
        bound_ids: `(n,)` int64 highest user id that stays with the lowest score.
    """
    for user in range(len(scores)):
        for rank in range(scores.shape[1] - 1, -1, -1):
            score = scores[user, rank]
            entry = ids[user, rank]
            if entry >= 0:
                if score > bound_scores[user]:
                    break
                if score == bound_scores[user] and user_ids[entry] <= bound_ids[user]:
                    break
                scores[user, rank] = -np.inf
                ids[user, rank] = -1
