"""Lists of the best so far, as heaps: the worst entry is the root.

In: scores, `(n, depth)` float32, and who has them, int32, of n users; EMPTY_ID where there is none
yet. In a tie the lower id is the better one.
"""

from __future__ import annotations

import numpy as np

from hertz.matching.kernels.pairs import kernel

EMPTY_ID = np.iinfo(np.int32).max  # an id worse than everyone's in a tie


@kernel
def largest_columns(upper: np.ndarray, rows: np.ndarray, depth: int) -> np.ndarray:
    """The `depth` largest of each of some rows of a tile: `(len(rows), depth)` int32 columns.

    EMPTY_ID where a row has fewer that are above -inf.
    """
    bounds = np.empty(depth, dtype=np.float32)
    picked = np.full((len(rows), depth), EMPTY_ID, dtype=np.int32)
    for at in range(len(rows)):
        row = rows[at]
        bounds[:] = -np.inf
        for j in range(upper.shape[1]):
            if upper[row, j] > bounds[0]:
                insert(bounds, picked[at], upper[row, j], j)
    return picked


@kernel
def _is_worse(score: float, who: int, than_score: float, than: int) -> bool:
    return score < than_score or (score == than_score and who > than)


@kernel
def insert(scores: np.ndarray, ids: np.ndarray, score: float, who: int) -> None:
    """Put an entry into a heap whose root is the worst of the k kept, if it is better than that.

    Args:
        scores: `(k,)` float32, -inf where empty; written.
        ids: `(k,)` int32, EMPTY_ID where empty; written.
        score: The entry's score; in a tie the lower id is better.
        who: The entry's id, not among the kept.
    """
    if _is_worse(scores[0], ids[0], score, who):
        _sink(scores, ids, score, who)


@kernel
def _sink(scores: np.ndarray, ids: np.ndarray, score: float, who: int) -> None:
    """Replace the root of a heap and put it in order again."""
    at, size = 0, len(scores)
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        right = child + 1
        if right < size and _is_worse(scores[right], ids[right], scores[child], ids[child]):
            child = right
        if not _is_worse(scores[child], ids[child], score, who):
            break
        scores[at], ids[at] = scores[child], ids[child]
        at = child
    scores[at], ids[at] = score, who


@kernel
def sort_heaps(scores: np.ndarray, ids: np.ndarray) -> None:
    """Sort each row's heap, best first; both arrays are `(n, depth)`, written: -1 for EMPTY_ID.

    By insertion: a heap is nearly in order, and one that was carried over all but sorted.
    """
    depth = scores.shape[1]
    for row in range(len(scores)):
        mine, theirs = scores[row], ids[row]
        for at in range(depth // 2):
            last = depth - 1 - at
            mine[at], mine[last] = mine[last], mine[at]
            theirs[at], theirs[last] = theirs[last], theirs[at]
        for at in range(1, depth):
            score, who, place = mine[at], theirs[at], at
            while place > 0 and _is_worse(mine[place - 1], theirs[place - 1], score, who):
                mine[place], theirs[place] = mine[place - 1], theirs[place - 1]
                place -= 1
            mine[place], theirs[place] = score, who
        last = depth - 1
        while last >= 0 and theirs[last] == EMPTY_ID:
            theirs[last] = -1
            last -= 1


@kernel
def insert_pairs(
    scores: np.ndarray,
    ids: np.ndarray,
    taking: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    mutual: np.ndarray,
) -> None:
    """Offer both sides of each pair to the other.

    Args:
        scores: `(n, depth)` float32 heaps, written.
        ids: `(n, depth)` int32, written.
        taking: `(n,)` bool: who is offered anything.
        a: `(m,)` int64 rows.
        b: `(m,)` int64 rows.
        mutual: `(m,)` float32.
    """
    for pair in range(len(a)):
        x, y = a[pair], b[pair]
        if taking[x]:
            insert(scores[x], ids[x], mutual[pair], y)
        if taking[y]:
            insert(scores[y], ids[y], mutual[pair], x)


@kernel
def lists_to_heaps(
    ids: np.ndarray,
    scores: np.ndarray,
    before: np.ndarray,
    row_of: np.ndarray,
    heap_scores: np.ndarray,
    heap_ids: np.ndarray,
) -> None:
    """Lists, best first, as heaps; entries without a row today are left out.

    Args:
        ids: `(m, depth)` int32 rows of yesterday, -1 where there is nobody.
        scores: `(m, depth)` float32.
        before: `(n,)` int64 row of yesterday whose list is taken, -1 for none.
        row_of: `(m,)` int32 row of today, -1 where there is none.
        heap_scores: `(n, depth)` float32, all -inf, written: the worst comes first.
        heap_ids: `(n, depth)` int32, all EMPTY_ID, written.
    """
    for user in range(len(before)):
        mine, at = before[user], ids.shape[1]
        for rank in range(ids.shape[1] if mine >= 0 else 0):
            if ids[mine, rank] >= 0 and row_of[ids[mine, rank]] >= 0:
                at -= 1
                heap_scores[user, at] = scores[mine, rank]
                heap_ids[user, at] = row_of[ids[mine, rank]]


@kernel
def remove_below(
    scores: np.ndarray,
    ids: np.ndarray,
    user_ids: np.ndarray,
    least: np.ndarray,
    least_ids: np.ndarray,
) -> None:
    """Empty the entries of lists, best first, that are worse than a bound.

    Args:
        scores: `(n, depth)` float32, written: -inf where there is nobody.
        ids: `(n, depth)` int32 rows, written: -1 there.
        user_ids: `(n,)` int64.
        least: `(n,)` float32 scores: an entry below it goes.
        least_ids: `(n,)` int64: of the same score, those with a higher user id go.
    """
    for user in range(len(scores)):
        for rank in range(scores.shape[1] - 1, -1, -1):
            score, who = scores[user, rank], ids[user, rank]
            if who >= 0:
                if score > least[user]:
                    break
                if score == least[user] and user_ids[who] <= least_ids[user]:
                    break
                scores[user, rank], ids[user, rank] = -np.inf, -1
