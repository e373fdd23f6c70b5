"""Last night's lists brought up to date: what a full search finds, at a part of its cost.

In: tonight's features and what is known from last night: lists somewhat longer than k, a bound on
whoever is not listed, and a fingerprint of each user. Entries of users who changed or are gone are
dropped; those who changed are searched for fully, and offered to everyone else; a list that is left
with fewer than k entries, though there are more users, is searched for anew.
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
from hertz.matching.topk.lists import Lists, NeighborLists, empty_lists, finished
from hertz.matching.topk.options import Progress, SearchOptions
from hertz.matching.topk.search import search

SPARE_ENTRIES = 16  # entries kept beyond k, so that few lists run short
MAX_CHANGED_SHARE = 0.3  # share of users up to which this is 1.8 times as fast or more (measured)


@dataclass(frozen=True)
class PreviousLists:
    """What is known of a category from the last night.

    Attributes:
        user_ids: `(m,)` int64, ascending.
        fingerprints: `(m,)` uint64, of `fingerprints`.
        lists: Their neighbours, as rows of `user_ids`.
    """

    user_ids: np.ndarray
    fingerprints: np.ndarray
    lists: NeighborLists


@dataclass(frozen=True)
class Delta:
    """Who differs from the last night.

    Attributes:
        before: `(n,)` int64 row of the last night, -1 for a new user.
        changed: `(n,)` bool: new, or with another fingerprint.
        removed: How many users of the last night are gone.
    """

    before: np.ndarray
    changed: np.ndarray
    removed: int

    @property
    def share(self) -> float:
        """Changed and gone users, as a share of today's."""
        return float(self.changed.sum() + self.removed) / max(len(self.changed), 1)


def user_fingerprints(features: Features) -> np.ndarray:
    """`(n,)` uint64, the same as long as nothing changes that a score or a rule reads.

    Two different users have the same one with a chance of 2^-64.
    """
    n, names, blocked = len(features), features.code_names, features.blocked
    hashes = np.zeros(n, dtype=np.uint64)
    vectors = np.ascontiguousarray(features.vectors).view(np.uint64)
    in_threads(lambda rows: hash_rows(vectors[rows], hashes[rows]), slices(n))
    columns = [
        np.r_[_hashed(names[field]), np.uint64(0)][codes] for field, codes in features.codes.items()
    ]
    columns += [
        sum_member_values(member, _hashed(names[field])) for field, member in features.sets.items()
    ]
    columns += [values.view(np.uint64) for values in features.numbers.values()]
    met = np.zeros(n, dtype=np.uint64)
    ids = features.user_ids.astype(np.uint64)
    mixed = ids.copy()
    hash_rows(ids[:, None], mixed)
    for mine, theirs in (blocked.T, blocked.T[::-1]):
        np.add.at(met, mine, mixed[theirs])
    hash_rows(np.stack([*columns, met], axis=1), hashes)
    return hashes


def find_delta(known: PreviousLists, features: Features, marks: np.ndarray) -> Delta:
    """Who is new, changed or gone; `marks` are the features' fingerprints."""
    before = _places(features.user_ids, known.user_ids)
    sought = (
        (before < 0) | (known.fingerprints[before] != marks) if len(known.user_ids) else before < 0
    )
    return Delta(before, sought, len(known.user_ids) - int((before >= 0).sum()))


def update_neighbors(
    features: Features,
    category: str,
    known: NeighborLists,
    change: Delta,
    progress: Progress | None = None,
    **how: Unpack[SearchOptions],
) -> NeighborLists:
    """`update_neighbors_by_category` one category."""
    return update_neighbors_by_category(features, {category: known}, change, progress, **how)[
        category
    ]


def update_neighbors_by_category(
    features: Features,
    known: Mapping[str, NeighborLists],
    change: Delta,
    progress: Progress | None = None,
    **how: Unpack[SearchOptions],
) -> dict[str, NeighborLists]:
    """The neighbours of tonight, as deep as those known.

    The first k of each list, and where the lists are complete all of it, equal those of a full
    search.

    Args:
        features: Tonight's.
        known: Last night's neighbours in each category.
        change: What differs.
        progress: See `topk.find_neighbors_by_category`.
        how: See `topk.SearchOptions`.
    """
    carried = {name: _carried(features, lists, change) for name, lists in known.items()}
    lists = {name: lists for name, (lists, _) in carried.items()}
    found = search(features, lists, progress, **how)
    return {
        name: _completed(features, name, lists[name], bounds, found[name], how)
        for name, (_, bounds) in carried.items()
    }


def _completed(
    features: Features,
    category: str,
    lists: Lists,
    bounds: tuple[np.ndarray, np.ndarray],
    found: tuple[int, int],
    how: SearchOptions,
) -> NeighborLists:
    """The lists, those searched for anew that are left with fewer than k of more."""
    first = _cut(features, finished(features, lists, *found), bounds)
    short = (first.ids[:, features.policy.k - 1] < 0) & (first.bound_scores > -np.inf)
    if not short.any():
        return first
    anew = empty_lists(*lists.scores.shape)
    anew = replace(anew, sought=short, taking=short)
    again = search(features, {category: anew}, None, **how)[category]
    second = finished(features, anew, again[0], found[1] + again[1])
    return replace(
        second,
        ids=np.where(short[:, None], second.ids, first.ids),
        scores=np.where(short[:, None], second.scores, first.scores),
        bound_scores=np.where(short, second.bound_scores, first.bound_scores),
        bound_ids=np.where(short, second.bound_ids, first.bound_ids),
    )


def _carried(
    features: Features, known: NeighborLists, change: Delta
) -> tuple[Lists, tuple[np.ndarray, np.ndarray]]:
    """Last night's lists without those who changed or are gone, and their bounds."""
    n, depth = len(features), known.ids.shape[1]
    lists = replace(empty_lists(n, depth), sought=change.changed)
    before = np.where(change.changed, -1, change.before)
    same = before >= 0
    row_of = np.full(len(known.ids), -1, dtype=np.int32)
    row_of[before[same]] = np.flatnonzero(same)

    def carry(rows: slice) -> None:
        mine = before[rows]
        lists_to_heaps(known.ids, known.scores, mine, row_of, lists.scores[rows], lists.ids[rows])

    in_threads(carry, slices(n))
    lists.bounds[same] = known.bound_scores[before[same]]
    bound_ids = np.zeros(n, dtype=np.int64)
    bound_ids[same] = known.bound_ids[before[same]]
    return lists, (lists.bounds, bound_ids)


def _cut(
    features: Features, found: NeighborLists, bounds: tuple[np.ndarray, np.ndarray]
) -> NeighborLists:
    """Without the entries below the bound: someone not offered may be better than they."""
    least, least_ids = bounds

    def cut(rows: slice) -> None:
        mine = found.scores[rows], found.ids[rows]
        remove_below(*mine, features.user_ids, least[rows], least_ids[rows])

    in_threads(cut, slices(len(least)))
    full = found.ids[:, -1] >= 0
    return replace(
        found,
        bound_scores=np.where(full, found.bound_scores, least),
        bound_ids=np.where(full, found.bound_ids, least_ids),
    )


def _places(wanted: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Position of each of `wanted` in the ascending `among`, -1 where it is not there."""
    if not len(among):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.searchsorted(among, wanted).clip(max=len(among) - 1)
    return np.where(among[at] == wanted, at, -1)


def _hashed(names: tuple[str, ...]) -> np.ndarray:
    digests = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names]
    return np.frombuffer(b"".join(digests), dtype=np.uint64)
