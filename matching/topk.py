"""Exact mutual top-k: everyone's k best eligible others in each category, without n^2 memory.

In: `Features`. Out: for each category the kept pairs, ordered by user, then score descending, then
user id ascending, with scores equal to `scoring.score` bit for bit.

Users are grouped into eligibility blocks. Small blocks are scored pair by pair, large ones through
certified upper bounds (`bounds.py`, `tiles.py`). Every pair that could belong in a list is scored
exactly, so the result does not depend on the tile size, the number of threads, the dtype of the
tiles or the order of the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypedDict, Unpack

import numpy as np

from matching.blocks import blocks
from matching.features import Features
from matching.lists import Lists, Neighbours, empty_lists, finished
from matching.pairs import PairScorer, PairScores, Rules, eligibility_rules, score_pairs

SMALL = 512  # rows; a block of so few is scored pair by pair
TOGETHER = 500_000  # pairs of small blocks scored at once
Progress = Callable[[int, int], None]


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


def top_k(features: Features, category: str, found: Neighbours) -> TopK:
    """The policy's k best of the neighbours, with their whole scores."""
    ids = found.ids[:, : features.policy.k]
    users, ranks = np.nonzero(ids >= 0)
    others = ids[users, ranks].astype(np.int64)
    scores = score_pairs(features, category, users, others)
    return TopK(users, others, (ranks + 1).astype(np.int32), scores, found.eligible_pairs)


def neighbours(
    features: Features,
    category: str,
    depth: int | None = None,
    progress: Progress | None = None,
    **how: Unpack[How],
) -> Neighbours:
    """Everyone's best eligible others in a category.

    Args:
        features: Everyone who may be matched.
        category: A category of the policy.
        depth: How many are kept of each user; the policy's k if not given.
        progress: Called with (users done, users in all).
        how: See `How`.
    """
    lists = empty_lists(len(features), depth or features.policy.k)
    found = search(features, category, lists, progress, **how)
    return finished(features, lists, *found)


class How(TypedDict, total=False):
    """What changes speed and memory, never the result."""

    threads: int
    """Tiles worked off at the same time; by default torch's number of threads."""
    tile: int
    """Rows and columns of a tile."""
    dtype: str
    """"float32", "bfloat16" or "int16" tiles; by default what the hardware multiplies fastest."""
    device: Literal["cpu", "cuda"]
    """Where tiles are multiplied and tested, by default the CPU; it always gives the scores."""
    small: int
    """Rows up to which a block is scored pair by pair, without tiles."""


def search(
    features: Features,
    category: str,
    lists: Lists,
    progress: Progress | None = None,
    **how: Unpack[How],
) -> tuple[int, int]:
    """Offer to the lists every pair with someone sought that could matter to either side.

    Returns:
        Pairs that may meet in this category, and pairs that were scored.
    """
    report, small = progress or _silent, how.get("small", SMALL)
    found = blocks(features, features.policy.eligibility_of(category).same)
    few = [rows for rows in found if len(rows) <= small]
    scorer, rules = PairScorer(features, category), eligibility_rules(features, category)
    pairs, scored = _score_small(scorer, rules, few, lists)
    done, large = sum(len(rows) for rows in few), [rows for rows in found if len(rows) > small]
    if large:
        from matching.large_blocks import search_large  # torch takes seconds to import

        tick = partial(_tick, report, len(features), done)
        counts = search_large(features, category, scorer, rules, large, lists, tick, how)
        pairs, scored = pairs + counts[0], scored + counts[1]
    report(len(features), len(features))
    return pairs, scored


def _score_small(
    scorer: PairScorer, rules: Rules, small: list[np.ndarray], lists: Lists
) -> tuple[int, int]:
    """Score the pairs of small blocks with someone sought; how many may meet, how many scored."""
    pairs = scored = 0
    for a, b in _all_pairs(small):
        allowed = rules.may_meet(a, b)
        pairs += int(allowed.sum())
        allowed &= lists.sought[a] | lists.sought[b]
        a, b = a[allowed], b[allowed]
        lists.offer(a, b, scorer.mutual(a, b))
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


def _tick(report: Progress, users: int, small: int, before: int, rows: int, share: float) -> None:
    report(small + before + int(rows * share), users)


def _silent(done: int, total: int) -> None:
    pass
