"""Exact mutual top-k: everyone's k best eligible others in each category, without n^2 memory.

In: `Features`. Out: for each category the kept pairs, ordered by user, then score descending, then
user id ascending, with scores equal to `reference.score` bit for bit.

Users are grouped into eligibility blocks. Small blocks are scored pair by pair, large ones through
certified upper bounds (`bounds.py`, `tiles.py`). Every pair that could belong in a list is scored
exactly, so the result does not depend on the tile size, the number of threads, the dtype of the
tiles or the order of the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np

from hertz.matching.eligibility import eligibility_rules
from hertz.matching.features import Features
from hertz.matching.pair_scores import PairScorer, PairScores, score_pairs
from hertz.matching.topk.blocks import blocks
from hertz.matching.topk.bound.factors import category_groups
from hertz.matching.topk.lists import Lists, NeighborLists, empty_lists, finished
from hertz.matching.topk.options import CategorySearch, Progress, SearchOptions
from hertz.matching.topk.thresholds import Tick, part_of

SMALL = 512  # rows; a block of so few is scored pair by pair
TOGETHER = 500_000  # pairs of small blocks scored at once


@dataclass(frozen=True)
class TopK:
    """The kept pairs of one category, m in all.

    Attributes:
        users: `(m,)` int64 rows of the features, ascending.
        others: `(m,)` int64 rows; within a user by score descending, then row ascending.
        ranks: `(m,)` int32, 1 for the best.
        scores: Their exact scores, user -> other as `forward`.
        eligible_pairs: Unordered pairs that may meet in this category.
    """

    users: np.ndarray
    others: np.ndarray
    ranks: np.ndarray
    scores: PairScores
    eligible_pairs: int


def top_k(features: Features, category: str, found: NeighborLists) -> TopK:
    """The policy's k best of the neighbours, with their whole scores."""
    ids = found.ids[:, : features.policy.k]
    users, ranks = np.nonzero(ids >= 0)
    others = ids[users, ranks].astype(np.int64)
    scores = score_pairs(features, category, users, others)
    return TopK(users, others, (ranks + 1).astype(np.int32), scores, found.eligible_pairs)


def find_neighbors(
    features: Features,
    category: str,
    depth: int | None = None,
    progress: Progress | None = None,
    **how: Unpack[SearchOptions],
) -> NeighborLists:
    """`find_neighbors_by_category` one category."""
    return find_neighbors_by_category(features, [category], depth, progress, **how)[category]


def find_neighbors_by_category(
    features: Features,
    categories: Sequence[str],
    depth: int | None = None,
    progress: Progress | None = None,
    **how: Unpack[SearchOptions],
) -> dict[str, NeighborLists]:
    """Everyone's best eligible others in each category.

    Args:
        features: Everyone who may be matched.
        categories: Categories of the policy; those that share columns are searched in one pass.
        depth: How many are kept of each user; the policy's k if not given.
        progress: Called with (users done, users in all), where a user counts in each category.
        how: See `SearchOptions`.
    """
    lists = {name: empty_lists(len(features), depth or features.policy.k) for name in categories}
    found = search(features, lists, progress, **how)
    return {name: finished(features, lists[name], *found[name]) for name in categories}


def search(
    features: Features,
    lists: Mapping[str, Lists],
    progress: Progress | None = None,
    **how: Unpack[SearchOptions],
) -> dict[str, tuple[int, int]]:
    """Offer to the lists every pair with someone sought that could matter to either side.

    Args:
        features: Everyone who may be matched.
        lists: Of each category; all of them seek the same rows.
        progress: See `find_neighbors_by_category`.
        how: See `SearchOptions`.

    Returns:
        For each category: pairs that may meet, and pairs that were scored.
    """
    report, done, whole = progress or _silent, 0, len(features) * len(lists)
    found: dict[str, tuple[int, int]] = {}

    def tick(rows: float) -> None:
        report(int(rows), whole)

    for group in category_groups(features.policy):
        if mine := {name: lists[name] for name in group if name in lists}:
            found |= _search_group(features, mine, part_of(tick, done, len(mine)), how)
            done += len(mine) * len(features)
    report(whole, whole)
    return found


def _search_group(
    features: Features, lists: Mapping[str, Lists], tick: Tick, how: SearchOptions
) -> dict[str, tuple[int, int]]:
    """The same for categories that share columns."""
    small, names = how.get("small", SMALL), list(lists)
    found = blocks(features, features.policy.eligibility_of(names[0]).same)
    categories = [
        CategorySearch(PairScorer(features, name), eligibility_rules(features, name), lists[name])
        for name in names
    ]
    few = [rows for rows in found if len(rows) <= small]
    counts = np.array([_score_small(category, few) for category in categories]).T
    done, large = sum(len(rows) for rows in few), [rows for rows in found if len(rows) > small]
    tick(done)
    if large:
        from hertz.matching.topk.large_blocks import search_large  # torch takes seconds to import

        after = part_of(tick, done, 1)
        counts += search_large(features, names, categories, large, after, how)
    return {name: (int(p), int(s)) for name, p, s in zip(names, *counts, strict=True)}


def _score_small(category: CategorySearch, small: list[np.ndarray]) -> tuple[int, int]:
    """Score the pairs of small blocks with someone sought; how many may meet, how many scored."""
    pairs, scored, lists = 0, 0, category.lists
    for a, b in _all_pairs(small):
        allowed = category.rules.may_meet(a, b)
        pairs += int(allowed.sum())
        allowed &= lists.sought[a] | lists.sought[b]
        a, b = a[allowed], b[allowed]
        lists.offer(a, b, category.scorer.mutual(a, b))
        scored += len(a)
    return pairs, scored


def _all_pairs(blocks: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All pairs of rows within blocks, about TOGETHER at a time."""
    parts: list[np.ndarray] = []
    waiting = 0
    for at, rows in enumerate(blocks):
        parts.append(rows[np.stack(np.triu_indices(len(rows), 1))])
        waiting += parts[-1].shape[1]
        if waiting >= TOGETHER or at == len(blocks) - 1:
            a, b = np.concatenate(parts, axis=1)
            yield a, b
            parts, waiting = [], 0


def _silent(done: int, total: int) -> None:
    pass
