"""Compiled loops over match lists that are kept as heaps, the worst entry at the root.

In: scores, `(n, depth)` float32, and ids, `(n, depth)` int32, of n users' lists; an empty entry has
the score -inf and the id EMPTY_ID. Among equal scores the lower id is the better entry. Python's
heapq inserts one entry a call, and numpy's partition works on whole arrays: neither fits a loop
over pairs whose two users have a list each.
"""

from __future__ import annotations

import numpy as np

from hertz.matching.kernels.compiled import kernel

EMPTY_ID = np.iinfo(np.int32).max  # id of an empty entry: worse than every user's among equals


@kernel
def largest_columns(upper: np.ndarray, rows: np.ndarray, depth: int) -> np.ndarray:
    """Finds the columns of the largest values in some rows of a tile.

    Args:
        upper: `(all rows, columns)` float32 values of the tile.
        rows: `(m,)` int64 rows of `upper`.
        depth: Number of columns to find in each row.

    Returns:
        `(m, depth)` int32 columns in the order of a heap; EMPTY_ID where a row has fewer values
        above -inf.
    """
    values = np.empty(depth, dtype=np.float32)
    picked = np.full((len(rows), depth), EMPTY_ID, dtype=np.int32)
    for position in range(len(rows)):
        row = rows[position]
        values[:] = -np.inf
        for column in range(upper.shape[1]):
            if upper[row, column] > values[0]:
                insert(values, picked[position], upper[row, column], column)
    return picked


@kernel
def _is_worse(score: float, user: int, other_score: float, other: int) -> bool:
    return score < other_score or (score == other_score and user > other)


@kernel
def insert(scores: np.ndarray, ids: np.ndarray, score: float, user: int) -> None:
    """Inserts an entry into a full heap if it is better than the root, which it replaces.

    Args:
        scores: `(depth,)` float32 heap of scores, -inf where empty; written.
        ids: `(depth,)` int32 ids of the entries, EMPTY_ID where empty; written.
        score: Score of the new entry.
        user: Id of the new entry, not in the heap yet.
    """
    if _is_worse(scores[0], ids[0], score, user):
        _replace_root(scores, ids, score, user)


@kernel
def _replace_root(scores: np.ndarray, ids: np.ndarray, score: float, user: int) -> None:
    """Replaces the root of a heap and moves the new entry down to its place."""
    position = 0
    size = len(scores)
    while True:
        child = 2 * position + 1
        if child >= size:
            break
        right = child + 1
        if right < size and _is_worse(scores[right], ids[right], scores[child], ids[child]):
            child = right
        if not _is_worse(scores[child], ids[child], score, user):
            break
        scores[position] = scores[child]
        ids[position] = ids[child]
        position = child
    scores[position] = score
    ids[position] = user


@kernel
def sort_heaps(scores: np.ndarray, ids: np.ndarray) -> None:
    """Sorts each row's heap, best entry first, and writes -1 for EMPTY_ID.

    Rows are reversed and sorted by insertion: a heap is nearly in order from worst to best, and one
    that was made of a sorted list is in order but for a few entries.

    Args:
        scores: `(n, depth)` float32, written.
        ids: `(n, depth)` int32, written.
    """
    for row in range(len(scores)):
        _reverse(scores[row])
        _reverse(ids[row])
        _sort_by_insertion(scores[row], ids[row])
        last = scores.shape[1] - 1
        while last >= 0 and ids[row, last] == EMPTY_ID:
            ids[row, last] = -1
            last -= 1


@kernel
def _reverse(values: np.ndarray) -> None:
    for first in range(len(values) // 2):
        last = len(values) - 1 - first
        values[first], values[last] = values[last], values[first]


@kernel
def _sort_by_insertion(scores: np.ndarray, ids: np.ndarray) -> None:
    """Sorts one list, best entry first."""
    for rank in range(1, len(scores)):
        score = scores[rank]
        user = ids[rank]
        place = rank
        while place > 0 and _is_worse(scores[place - 1], ids[place - 1], score, user):
            scores[place] = scores[place - 1]
            ids[place] = ids[place - 1]
            place -= 1
        scores[place] = score
        ids[place] = user


@kernel
def insert_pairs(
    scores: np.ndarray,
    ids: np.ndarray,
    accepting: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    mutual: np.ndarray,
) -> None:
    """Inserts the two users of each scored pair into each other's list.

    Args:
        scores: `(n, depth)` float32 heaps, written.
        ids: `(n, depth)` int32 ids of the entries, written.
        accepting: `(n,)` bool: whether the user's list may change.
        a: `(m,)` int64 rows of the pairs' first users.
        b: `(m,)` int64 rows of the pairs' second users.
        mutual: `(m,)` float32 mutual scores of the pairs.
    """
    for pair in range(len(a)):
        x, y = a[pair], b[pair]
        if accepting[x]:
            insert(scores[x], ids[x], mutual[pair], y)
        if accepting[y]:
            insert(scores[y], ids[y], mutual[pair], x)


@kernel
def lists_to_heaps(
    ids: np.ndarray,
    scores: np.ndarray,
    previous_rows: np.ndarray,
    new_rows: np.ndarray,
    heap_scores: np.ndarray,
    heap_ids: np.ndarray,
) -> None:
    """Copies a previous run's sorted lists into heaps, without the users who are not carried over.

    Args:
        ids: `(m, depth)` int32 lists of the previous run, best first, as rows of that run; -1
            where empty.
        scores: `(m, depth)` float32 scores of the entries.
        previous_rows: `(n,)` int64 row whose list each user had in the previous run, -1 for a user
            whose heap stays empty.
        new_rows: `(m,)` int32 row of each of the previous run's users in this run, -1 for none.
        heap_scores: `(n, depth)` float32, all -inf, written.
        heap_ids: `(n, depth)` int32, all EMPTY_ID, written.
    """
    for user in range(len(previous_rows)):
        previous = previous_rows[user]
        place = ids.shape[1]  # filled from the end: the worst entry comes first
        for rank in range(ids.shape[1] if previous >= 0 else 0):
            entry = ids[previous, rank]
            if entry >= 0 and new_rows[entry] >= 0:
                place -= 1
                heap_scores[user, place] = scores[previous, rank]
                heap_ids[user, place] = new_rows[entry]


@kernel
def remove_below(
    scores: np.ndarray,
    ids: np.ndarray,
    user_ids: np.ndarray,
    bound_scores: np.ndarray,
    bound_ids: np.ndarray,
) -> None:
    """Empties the entries of sorted lists that are worse than a bound.

    Args:
        scores: `(n, depth)` float32 scores, best first; written: -inf where an entry is removed.
        ids: `(n, depth)` int32 rows of the entries, -1 where empty; written.
        user_ids: `(n,)` int64 user id of each row.
        bound_scores: `(n,)` float32: entries with a lower score are removed.
        bound_ids: `(n,)` int64: of the entries with the bound's score, those with a higher user id
            are removed.
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
