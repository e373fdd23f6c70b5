"""Exact mutual top-k: every user's k best eligible others in each category, never holding n^2 scores.

In: `Features`. Out: for each category the kept pairs, ordered by user, then score descending, then
user id ascending, with scores equal to `scoring.score` bit for bit.

Users are grouped into eligibility blocks (only users with the same `same` fields meet). A block is
worked off in tiles of rows against all its columns: approximate scores in float32, whose error is
bounded; a pair stays a candidate unless its upper bound is below the k-th largest lower bound of
its row. Candidates are scored exactly by `pairs.score_pairs` and ranked. So the result does not
depend on the tile size, the number of threads, the device or the order of the input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from matching.features import Features
from matching.pairs import PairScores, score_pairs
from matching.tiles import TileScorer, combine_tile, eligible_tile

TILE_CELLS = 4_000_000  # scores in a tile: 16 MB in float32, a handful of such matrices at a time
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
    """Top-k of every category of the policy, by category name."""
    policy = features.policy
    parts: dict[str, list[TopK]] = {name: [] for name in policy.categories}
    scorers = {name: TileScorer(features, name, device) for name in policy.categories}
    plan = list(_plan(features, tile_cells))
    total, done = sum(len(rows) for _, rows, _ in plan), 0
    for names, rows, block in plan:
        for name, part in _tile_top_k(scorers, names, rows, block):
            parts[name].append(part)
        done += len(rows)
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


def _plan(
    features: Features, tile_cells: int
) -> Iterator[tuple[list[str], np.ndarray, np.ndarray]]:
    """(categories, rows of the tile, rows of its block): categories with equal blocks go together."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in features.policy.categories:
        groups.setdefault(features.policy.eligibility_of(name).same, []).append(name)
    for same, names in groups.items():
        for block in blocks(features, same):
            height = max(1, tile_cells // len(block))
            for start in range(0, len(block), height):
                yield names, block[start : start + height], block


def _tile_top_k(
    scorers: dict[str, TileScorer], names: list[str], rows: np.ndarray, block: np.ndarray
) -> Iterator[tuple[str, TopK]]:
    """The kept pairs of a tile's rows, for each category; the cosines are computed once for all."""
    features, device = scorers[names[0]].features, scorers[names[0]].device
    vectors = torch.from_numpy(features.vectors)
    cosines = vectors[rows].to(device) @ vectors[block].to(device).T
    for name in names:
        mask = eligible_tile(features, features.policy.eligibility_of(name), rows, block)
        row, column = _candidates(scorers[name], cosines, mask, rows, block)
        users, others = rows[row], block[column]
        yield name, _ranked(features, name, users, others, int(mask.sum()))


def _candidates(
    scorer: TileScorer, cosines: torch.Tensor, mask: np.ndarray, rows: np.ndarray, block: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions (row, column) in the tile that no bound excludes from their row's top k."""
    policy = scorer.features.policy
    tile, allowed = scorer.score(cosines, rows, block), torch.from_numpy(mask).to(cosines.device)
    low = combine_tile(policy.combine, tile.forward - tile.error, tile.backward - tile.error)
    low.masked_fill_(~allowed, -torch.inf)
    keep = min(policy.k, len(block))
    threshold = low.topk(keep, dim=1).values[:, -1:]
    high = combine_tile(policy.combine, tile.forward + tile.error, tile.backward + tile.error)
    # The means are taken in float32 too: a few units more than the error of what they are given.
    found = torch.nonzero((high + 8 * 2.0**-24 >= threshold) & allowed).cpu().numpy()
    return found[:, 0], found[:, 1]


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
