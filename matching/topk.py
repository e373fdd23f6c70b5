"""Exact mutual top-k: everyone's k best eligible others in each category, without n^2 memory.

In: `Features`. Out: for each category the kept pairs, ordered by user, then score descending, then
user id ascending, with scores equal to `scoring.score` bit for bit.

Users are grouped into eligibility blocks (only users with the same `same` fields meet). A block is
worked off in tiles of rows against all its columns: approximate scores in float32, whose error is
bounded; a pair stays a candidate unless its upper bound is below the k-th largest lower bound of
its row. Candidates are scored exactly by `pairs.score_pairs` and ranked. So the result does not
depend on the tile size, the number of threads, the device or the order of the input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from matching.features import Features
from matching.pairs import PairScores, score_pairs
from matching.tiles import BlockScorer

TILE_CELLS = 2_000_000  # scores in a tile: 8 MB in float32, a handful of such matrices at a time
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


def mutual_top_k(
    features: Features,
    device: str = "cpu",
    tile_cells: int = TILE_CELLS,
    progress: Progress | None = None,
) -> dict[str, TopK]:
    """Top-k of every category of the policy, by category name.

    Args:
        features: Everyone who may be matched.
        device: Where torch works: "cpu" or "cuda".
        tile_cells: Scores in a tile; changes memory and speed, never the result.
        progress: Called with (users done, users in all).
    """
    parts: dict[str, list[TopK]] = {name: [] for name in features.policy.categories}
    plan = _plan(features)
    total, done = sum(len(block) for _, block in plan), 0
    for names, block in plan:
        scorers = {name: BlockScorer(features, name, block, device) for name in names}
        vectors = torch.from_numpy(features.vectors[block]).to(device)
        height = max(1, tile_cells // len(block))
        for start in range(0, len(block), height):
            tile = slice(start, min(start + height, len(block)))
            cosines = vectors[tile] @ vectors.T
            for name, scorer in scorers.items():
                parts[name].append(_tile_top_k(scorer, name, cosines, tile))
            done += tile.stop - tile.start
            if progress:
                progress(done, total)
    return {name: _joined(features, name, found) for name, found in parts.items()}


def blocks(features: Features, same: tuple[str, ...]) -> list[np.ndarray]:
    """Rows that share told values of the `same` fields: ascending arrays of two rows or more."""
    everyone = np.arange(len(features), dtype=np.int64)
    if not same:
        return [everyone] if len(everyone) > 1 else []
    keys = np.stack([features.codes[field] for field in same], axis=1)
    told = everyone[(keys >= 0).all(axis=1)]
    _, block_of = np.unique(keys[told], axis=0, return_inverse=True)
    order = np.argsort(block_of.ravel(), kind="stable")
    cuts = np.flatnonzero(np.diff(block_of.ravel()[order])) + 1
    return [rows for rows in np.split(told[order], cuts) if len(rows) > 1]


def _plan(features: Features) -> list[tuple[list[str], np.ndarray]]:
    """(categories, rows of a block): categories with equal blocks share the cosines."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in features.policy.categories:
        groups.setdefault(features.policy.eligibility_of(name).same, []).append(name)
    return [(names, block) for same, names in groups.items() for block in blocks(features, same)]


def _tile_top_k(scorer: BlockScorer, category: str, cosines: torch.Tensor, tile: slice) -> TopK:
    """The kept pairs of a tile's rows: those no bound excludes, scored exactly."""
    allowed, bounds = scorer.allowed(tile), scorer.bounds(cosines, tile)
    low = bounds.low.masked_fill(~allowed, -torch.inf)
    keep = min(scorer.features.policy.k, low.shape[1])
    threshold = low.topk(keep, dim=1).values[:, -1:]
    found = torch.nonzero((bounds.high >= threshold - bounds.slack) & allowed).cpu().numpy()
    users, others = scorer.block[tile][found[:, 0]], scorer.block[found[:, 1]]
    return _ranked(scorer.features, category, users, others, int(allowed.sum()))


def _ranked(
    features: Features, category: str, users: np.ndarray, others: np.ndarray, pairs: int
) -> TopK:
    """Exact scores of the candidates, the best k of each user."""
    scores = score_pairs(features, category, users, others)
    order = np.lexsort((others, -scores.mutual, users))
    ranks = _positions(users[order]) + 1
    kept = ranks <= features.policy.k
    order, ranks = order[kept], ranks[kept].astype(np.int32)
    return TopK(users[order], others[order], ranks, scores.take(order), pairs)


def _positions(groups: np.ndarray) -> np.ndarray:
    """Position of each element within its run of equal values."""
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    lengths = np.diff(np.r_[starts, len(groups)])
    return np.arange(len(groups)) - np.repeat(starts, lengths)


def _joined(features: Features, category: str, parts: list[TopK]) -> TopK:
    """All tiles' kept pairs in the order of users; a pair was counted from both its sides."""
    if not parts:
        empty = np.zeros(0, dtype=np.int64)
        return _ranked(features, category, empty, empty, 0)
    users = np.concatenate([p.users for p in parts])
    order = np.argsort(users, kind="stable")
    columns = {
        name: np.concatenate([getattr(p.scores, name) for p in parts])[order]
        for name in PairScores.__dataclass_fields__
    }
    return TopK(
        users[order],
        np.concatenate([p.others for p in parts])[order],
        np.concatenate([p.ranks for p in parts])[order],
        PairScores(**columns),
        sum(p.eligible_pairs for p in parts) // 2,
    )
