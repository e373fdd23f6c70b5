"""Exact mutual top-k: everyone's k best eligible others in each category, without n^2 memory.

Small eligibility blocks are scored pair by pair, large ones through certified upper bounds. Every
pair that could belong in a list is scored exactly, as `reference.score` does: the result does not
depend on the tile size, the number of threads, the dtype of the tiles or the order of the input.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

import numpy as np

from hertz.matching.eligibility import eligibility_rules
from hertz.matching.features import Features
from hertz.matching.pair_scores import PairScorer, PairScores, score_pairs
from hertz.matching.topk.blocks import eligibility_blocks
from hertz.matching.topk.bound.factors import category_groups
from hertz.matching.topk.lists import NeighborLists, PairCounts, TopKHeaps, empty_heaps, finish
from hertz.matching.topk.options import (
    Progress,
    ReportDone,
    SearchedCategory,
    SearchOptions,
    ignore_progress,
    progress_of_part,
)

BRUTE_FORCE_ROWS = 512  # rows up to which a block is scored pair by pair
PAIRS_AT_ONCE = 500_000  # pairs of small blocks scored in one call


@dataclass(frozen=True)
class TopK:
    """The kept pairs of one category, m in all.

    Attributes:
        users: `(m,)` int64 rows of the features, ascending.
        others: `(m,)` int64 rows; within a user by score descending, then row ascending.
        ranks: `(m,)` int32, 1 for the best.
        scores: Exact scores of the pairs, with the direction from user to other as `forward`.
        eligible_pairs: Number of unordered pairs that may meet in this category.
    """

    users: np.ndarray
    others: np.ndarray
    ranks: np.ndarray
    scores: PairScores
    eligible_pairs: int


def top_k(features: Features, category: str, neighbors: NeighborLists) -> TopK:
    """Returns the first k entries of each neighbor list, k as the policy says, fully scored."""
    ids = neighbors.ids[:, : features.policy.k]
    users, ranks = np.nonzero(ids >= 0)
    others = ids[users, ranks].astype(np.int64)
    scores = score_pairs(features, category, users, others)
    return TopK(users, others, (ranks + 1).astype(np.int32), scores, neighbors.eligible_pairs)


def find_neighbors(
    features: Features,
    categories: Sequence[str],
    depth: int | None = None,
    progress: Progress | None = None,
    **options: Unpack[SearchOptions],
) -> dict[str, NeighborLists]:
    """Returns everyone's best eligible others in each category.

    Args:
        features: Everyone who may be matched.
        categories: Categories of the policy; those that share factors are searched in one pass.
        depth: Number of entries kept for each user; by default the policy's k.
        progress: Called with the numbers of users done and in all, counted once a category.
        options: Options that change speed and memory only.
    """
    size = depth or features.policy.k
    heaps = {name: empty_heaps(len(features), size) for name in categories}
    counts = fill_heaps(features, heaps, progress, **options)
    return {name: finish(features, heaps.pop(name), counts[name]) for name in categories}


def fill_heaps(
    features: Features,
    heaps: Mapping[str, TopKHeaps],
    progress: Progress | None = None,
    **options: Unpack[SearchOptions],
) -> dict[str, PairCounts]:
    """Inserts every pair of an active user that could enter the heap of either side.

    The heaps of all categories have the same active users. Progress and options are those of
    `find_neighbors`.
    """
    report = progress or ignore_progress
    total = len(features) * len(heaps)
    done = 0
    counts: dict[str, PairCounts] = {}

    def report_rows(rows: float) -> None:
        report(int(rows), total)

    for group in category_groups(features.policy):
        heaps_of_group = {name: heaps[name] for name in group if name in heaps}
        if heaps_of_group:
            report_part = progress_of_part(report_rows, done, len(heaps_of_group))
            counts |= _fill_group(features, heaps_of_group, report_part, options)
            done += len(heaps_of_group) * len(features)
    report(total, total)
    return counts


def _fill_group(
    features: Features,
    heaps: Mapping[str, TopKHeaps],
    report_rows: ReportDone,
    options: SearchOptions,
) -> dict[str, PairCounts]:
    """Fills the heaps of categories that share factors, as `fill_heaps` does."""
    categories = [
        SearchedCategory(name, PairScorer(features, name), eligibility_rules(features, name), some)
        for name, some in heaps.items()
    ]
    blocks = eligibility_blocks(features, features.policy.eligibility_of(categories[0].name).same)
    limit = options.get("brute_force_rows", BRUTE_FORCE_ROWS)
    small = [rows for rows in blocks if len(rows) <= limit]
    large = [rows for rows in blocks if len(rows) > limit]
    counts = {category.name: _score_all_pairs(category, small) for category in categories}
    done = sum(len(rows) for rows in small)
    report_rows(done)
    if not large:
        return counts
    # torch takes seconds to import
    from hertz.matching.topk.large_blocks import search_large_blocks

    report_large = progress_of_part(report_rows, done)
    found = search_large_blocks(features, categories, large, report_large, options)
    return {name: counts[name] + found[name] for name in counts}


def _score_all_pairs(category: SearchedCategory, blocks: list[np.ndarray]) -> PairCounts:
    """Scores all eligible pairs of small blocks that have an active side, and inserts them."""
    counts = PairCounts(0, 0)
    heaps = category.heaps
    for a, b in _all_pairs(blocks):
        may_meet = category.rules.may_meet(a, b)
        keep = may_meet & (heaps.active[a] | heaps.active[b])
        a, b = a[keep], b[keep]
        heaps.insert_pairs(a, b, category.scorer.mutual(a, b))
        counts += PairCounts(int(may_meet.sum()), len(a))
    return counts


def _all_pairs(blocks: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the rows of all pairs within blocks, about PAIRS_AT_ONCE pairs at a time."""
    parts: list[np.ndarray] = []
    pairs = 0
    for at, rows in enumerate(blocks):
        parts.append(rows[np.stack(np.triu_indices(len(rows), 1))])
        pairs += parts[-1].shape[1]
        if pairs >= PAIRS_AT_ONCE or at == len(blocks) - 1:
            a, b = np.concatenate(parts, axis=1)
            yield a, b
            parts = []
            pairs = 0
