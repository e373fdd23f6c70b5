"""Brings the previous run's lists up to date: the result of a full search at a part of its cost.

Lists are somewhat longer than k. Users who changed or left are dropped from them; users who changed
are searched fully, and inserted into everyone else's lists; a list that is left with fewer than k
entries, though more users are eligible, is searched for anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from hertz.core.compute import in_threads, slices
from hertz.matching.features import Features
from hertz.matching.kernels.hashing import hash_rows, sum_member_values
from hertz.matching.kernels.heaps import lists_to_heaps, remove_below
from hertz.matching.topk.lists import NeighborLists, PairCounts, TopKHeaps, empty_heaps, finish
from hertz.matching.topk.options import Progress, SearchOptions
from hertz.matching.topk.search import fill_heaps

SPARE_ENTRIES = 16  # entries kept beyond k, so that few lists run short
MAX_CHANGED_SHARE = 0.3  # share of users up to which this is 1.8 times as fast or more (measured)


@dataclass(frozen=True)
class PreviousLists:
    """The lists that the previous run left for one category of m users.

    Attributes:
        user_ids: `(m,)` int64 user ids, ascending.
        fingerprints: `(m,)` uint64 fingerprint of each user, from `user_fingerprints`.
        lists: Neighbor lists of the users, whose entries are rows of `user_ids`.
    """

    user_ids: np.ndarray
    fingerprints: np.ndarray
    lists: NeighborLists


@dataclass(frozen=True)
class Delta:
    """How today's n users differ from those of the previous run.

    Attributes:
        previous_rows: `(n,)` int64 row in the previous run, -1 for a new user.
        changed: `(n,)` bool: whether the user is new or has another fingerprint.
        removed: Number of users of the previous run who left.
    """

    previous_rows: np.ndarray
    changed: np.ndarray
    removed: int

    @property
    def share(self) -> float:
        """Number of users who changed or left, as a share of today's users."""
        return float(self.changed.sum() + self.removed) / max(len(self.changed), 1)


def user_fingerprints(features: Features) -> np.ndarray:
    """Returns a hash of all that scores and eligibility rules read of each user: `(n,)` uint64.

    Two different users have the same fingerprint with a probability of 2^-64.
    """
    hashes = np.zeros(len(features), dtype=np.uint64)
    vectors = np.ascontiguousarray(features.vectors).view(np.uint64)
    in_threads(lambda rows: hash_rows(vectors[rows], hashes[rows]), slices(len(features)))
    name_hashes = {field: _hash_names(names) for field, names in features.code_names.items()}
    columns = [
        *(
            np.r_[name_hashes[field], np.uint64(0)][codes]
            for field, codes in features.codes.items()
        ),
        *(sum_member_values(sets, name_hashes[field]) for field, sets in features.sets.items()),
        *(values.view(np.uint64) for values in features.numbers.values()),
        _hash_blocked(features),
    ]
    hash_rows(np.stack(columns, axis=1), hashes)
    return hashes


def find_delta(previous: PreviousLists, features: Features, fingerprints: np.ndarray) -> Delta:
    """Finds the users who are new, changed or gone since the previous lists of any category.

    The fingerprints, `(n,)` uint64, are those of today's features.
    """
    previous_rows = np.full(len(features), -1, dtype=np.int64)
    changed = np.ones(len(features), dtype=bool)
    if len(previous.user_ids):
        at = np.searchsorted(previous.user_ids, features.user_ids)
        at = at.clip(max=len(previous.user_ids) - 1)
        previous_rows = np.where(previous.user_ids[at] == features.user_ids, at, -1)
        changed = (previous_rows < 0) | (previous.fingerprints[at] != fingerprints)
    removed = len(previous.user_ids) - int((previous_rows >= 0).sum())
    return Delta(previous_rows, changed, removed)


def update_neighbors(
    features: Features,
    previous: Mapping[str, NeighborLists],
    delta: Delta,
    progress: Progress | None = None,
    **options: Unpack[SearchOptions],
) -> dict[str, NeighborLists]:
    """Returns today's neighbor lists of each category, as deep as the previous ones.

    The first k entries of each list, and all of it where the list is complete, equal those of a
    full search. Progress and options are those of `find_neighbors`.
    """
    carried = {name: _carry_over(features, lists, delta) for name, lists in previous.items()}
    heaps = {name: lists.heaps for name, lists in carried.items()}
    counts = fill_heaps(features, heaps, progress, **options)
    return {
        name: _complete(features, name, lists, counts[name], options)
        for name, lists in carried.items()
    }


@dataclass(frozen=True)
class _CarriedLists:
    """Previous lists without users who changed or left, bounded by minimum scores and user ids."""

    heaps: TopKHeaps
    bound_ids: np.ndarray


def _carry_over(features: Features, previous: NeighborLists, delta: Delta) -> _CarriedLists:
    """Makes heaps of today's rows from the previous lists of the users who did not change."""
    n = len(features)
    heaps = replace(empty_heaps(n, previous.ids.shape[1]), active=delta.changed)
    previous_rows = np.where(delta.changed, -1, delta.previous_rows)
    same = previous_rows >= 0
    row_today = np.full(len(previous.ids), -1, dtype=np.int32)
    row_today[previous_rows[same]] = np.flatnonzero(same)

    def carry(rows: slice) -> None:
        lists_to_heaps(
            previous.ids, previous.scores, previous_rows[rows], row_today, heaps.keys[rows]
        )

    in_threads(carry, slices(n))
    heaps.min_scores[same] = previous.bound_scores[previous_rows[same]]
    bound_ids = np.zeros(n, dtype=np.int64)
    bound_ids[same] = previous.bound_ids[previous_rows[same]]
    return _CarriedLists(heaps, bound_ids)


def _complete(
    features: Features,
    category: str,
    carried: _CarriedLists,
    counts: PairCounts,
    options: SearchOptions,
) -> NeighborLists:
    """Finishes carried lists, and searches those anew that are left with fewer than k entries."""
    first = _cut_at_bounds(features, finish(features, carried.heaps, counts), carried)
    short = (first.ids[:, features.policy.k - 1] < 0) & (first.bound_scores > -np.inf)
    if not short.any():
        return first
    heaps = empty_heaps(len(features), carried.heaps.depth)
    heaps = replace(heaps, active=short, accepting=short)
    again = fill_heaps(features, {category: heaps}, None, **options)[category]
    second = finish(features, heaps, PairCounts(again.eligible, counts.scored + again.scored))
    return replace(
        second,
        ids=np.where(short[:, None], second.ids, first.ids),
        scores=np.where(short[:, None], second.scores, first.scores),
        bound_scores=np.where(short, second.bound_scores, first.bound_scores),
        bound_ids=np.where(short, second.bound_ids, first.bound_ids),
    )


def _cut_at_bounds(
    features: Features, lists: NeighborLists, carried: _CarriedLists
) -> NeighborLists:
    """Removes the entries below the carried bounds: unlisted users may be better than they are."""

    def cut(rows: slice) -> None:
        remove_below(
            lists.scores[rows],
            lists.ids[rows],
            features.user_ids,
            carried.heaps.min_scores[rows],
            carried.bound_ids[rows],
        )

    in_threads(cut, slices(len(lists.ids)))
    full = lists.ids[:, -1] >= 0
    return replace(
        lists,
        bound_scores=np.where(full, lists.bound_scores, carried.heaps.min_scores),
        bound_ids=np.where(full, lists.bound_ids, carried.bound_ids),
    )


def _hash_blocked(features: Features) -> np.ndarray:
    """Returns a hash of the users with whom each user must not meet: `(n,)` uint64."""
    ids = features.user_ids.astype(np.uint64)
    id_hashes = ids.copy()
    hash_rows(ids[:, None], id_hashes)
    sums = np.zeros(len(features), dtype=np.uint64)
    low, high = features.blocked.T
    np.add.at(sums, low, id_hashes[high])
    np.add.at(sums, high, id_hashes[low])
    return sums


def _hash_names(names: tuple[str, ...]) -> np.ndarray:
    """Returns a 64-bit hash of each name: `(names,)` uint64."""
    digests = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
    return np.frombuffer(b"".join(digests), dtype=np.uint64)
