"""Lists carried over from night to night equal those of a full search, whatever has changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hertz.matching.features import Features, build_features
from hertz.matching.topk import thresholds
from hertz.matching.topk.cpu import block as tiles
from hertz.matching.topk.incremental import (
    Delta,
    PreviousLists,
    find_delta,
    update_neighbors,
    update_neighbors_by_category,
    user_fingerprints,
)
from hertz.matching.topk.lists import NeighborLists
from hertz.matching.topk.search import find_neighbors, find_neighbors_by_category, top_k
from hertz.policy.model import Policy
from tests.matching.topk.test_search import (
    brute_force,
    categories,
    count_disappointed,
    listed,
    means,
)
from tests.matching.worlds import make_policy, make_profiles, make_vectors

COSINE = {"weights": {"cosine": 1.0}}


class Nights:
    """A population that changes, and its lists carried along."""

    def __init__(self, users: int, seed: int, depth: int, policy: Policy, small: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.policy, self.small = policy, small
        self.profiles = make_profiles(users, seed)
        self.vectors = make_vectors(users, seed)
        self.features = self._features()
        self.depth = depth
        self.lists = find_neighbors(self.features, "all", depth)

    def change(self, leave: int, alter: int, join: int) -> Delta:
        """Some leave, some change, some join; the lists follow."""
        n = len(self.profiles)
        stays = np.sort(self.rng.permutation(n)[: n - leave])
        profiles, vectors = self.profiles[stays], self.vectors[stays]
        fresh = make_profiles(alter + join, int(self.rng.integers(1 << 30)))
        changed = self.rng.permutation(len(profiles))[:alter]
        ids = [
            *profiles["user_id"].gather(changed),
            *(10_000_000 + self.rng.permutation(1_000_000)[:join]),
        ]
        fresh = fresh[: len(ids)].with_columns(user_id=pl.Series(ids, dtype=pl.Int64))
        keep = np.setdiff1d(np.arange(len(profiles)), changed)
        everyone = pl.concat([profiles[keep], fresh])
        others = make_vectors(len(fresh), int(self.rng.integers(1 << 30)))
        order = everyone["user_id"].arg_sort().to_numpy()
        self.profiles = everyone[order]
        self.vectors = np.concatenate([vectors[keep], others])[order]
        return self.follow()

    def follow(self) -> Delta:
        """Bring the lists up to date with the profiles."""
        known = PreviousLists(self.features.user_ids, user_fingerprints(self.features), self.lists)
        self.features = self._features()
        change = find_delta(known, self.features, user_fingerprints(self.features))
        self.lists = update_neighbors(self.features, "all", self.lists, change, small=self.small)
        return change

    def expected(self) -> NeighborLists:
        return find_neighbors(self.features, "all", self.depth)

    def _features(self) -> Features:
        return build_features(self.policy, self.profiles, self.vectors)


def assert_same(nights: Nights) -> None:
    expected, k = nights.expected(), nights.policy.k
    np.testing.assert_array_equal(nights.lists.ids[:, :k], expected.ids[:, :k])
    np.testing.assert_array_equal(nights.lists.scores[:, :k], expected.scores[:, :k])
    assert nights.lists.eligible_pairs == expected.eligible_pairs


@settings(max_examples=25, deadline=None)
@given(
    users=st.integers(0, 60),
    seed=st.integers(0, 1000),
    category=categories,
    combine=means,
    k=st.integers(1, 6),
    spare=st.sampled_from([0, 1, 4]),
    small=st.sampled_from([0, 512]),
    changes=st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=3
    ),
)
def test_equals_a_full_search_for_every_policy(
    users: int,
    seed: int,
    category: dict[str, Any],
    combine: str,
    k: int,
    spare: int,
    small: int,
    changes: list[tuple[int, int, int]],
) -> None:
    nights = Nights(users, seed, k + spare, make_policy({"all": category}, combine, k), small)
    for leave, alter, join in changes:
        nights.change(min(leave, len(nights.profiles)), alter, join)
        assert_same(nights)
    found = top_k(nights.features, "all", nights.lists)
    assert listed(found) == brute_force(nights.features, "all")


@pytest.mark.parametrize("spare", [0, 3, 16])
def test_twenty_random_nights_equal_a_full_search(spare: int) -> None:
    category = {"weights": {"cosine": 1.0, "size": 0.3, "wishes": 0.4}, "eligibility": {}}
    nights = Nights(700, 3, 8 + spare, make_policy({"all": category}, k=8))
    for _ in range(20):
        draw = nights.rng.integers(0, 25, 3)
        nights.change(*(int(x) for x in draw))
        assert_same(nights)


def test_categories_that_share_columns_are_carried_on_together() -> None:
    categories = {
        "one": {"weights": {"cosine": 1.0, "size": 0.3}},
        "two": {"weights": {"cosine": 0.5, "wishes": 0.4}, "eligibility": {"different": ["size"]}},
    }
    nights = Nights(700, 3, 12, make_policy({**categories, "all": COSINE}, k=8))
    before, lists = (
        nights.features,
        find_neighbors_by_category(nights.features, list(categories), 12),
    )
    for _ in range(5):
        nights.change(4, 12, 6)
        known = PreviousLists(before.user_ids, user_fingerprints(before), lists["one"])
        change = find_delta(known, nights.features, user_fingerprints(nights.features))
        before, lists = (
            nights.features,
            update_neighbors_by_category(nights.features, lists, change, small=0),
        )
        for name in categories:
            expected = find_neighbors(before, name, 12)
            np.testing.assert_array_equal(lists[name].ids[:, :8], expected.ids[:, :8])
            np.testing.assert_array_equal(lists[name].scores[:, :8], expected.scores[:, :8])


def test_the_changed_who_hoped_for_too_much_are_searched_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tiles, "STEP", 3)
    monkeypatch.setattr(thresholds, "SURER", -2.0)
    sought = count_disappointed(monkeypatch)
    nights = Nights(700, 4, 12, make_policy({"all": COSINE}, k=8))
    for _ in range(3):
        sought.clear()
        nights.change(5, 30, 10)
        assert max(sought) > 5
        assert_same(nights)


def test_changed_blocks_are_followed() -> None:
    category = {"weights": {"cosine": 1.0}, "eligibility": {"blocked": ["blocks"]}}
    nights = Nights(120, 5, 8, make_policy({"all": category}))
    best = int(nights.features.user_ids[nights.lists.ids[0, 0]])
    blocks = nights.profiles["blocks"].to_list()
    blocks[0] = sorted({*blocks[0], best})
    nights.profiles = nights.profiles.with_columns(
        blocks=pl.Series(blocks, dtype=pl.List(pl.Int64))
    )
    change = nights.follow()
    assert change.changed.sum() == 2  # both sides of the new block
    assert_same(nights)
    assert best not in nights.features.user_ids[nights.lists.ids[0]]


def test_nothing_changed_scores_nothing() -> None:
    nights = Nights(600, 1, 9, make_policy({"all": COSINE}))
    before = nights.lists
    change = nights.follow()
    assert change.share == 0
    assert nights.lists.scored_pairs == 0
    np.testing.assert_array_equal(nights.lists.ids, before.ids)


def test_few_changes_score_few_pairs() -> None:
    nights = Nights(1500, 1, 24, make_policy({"all": COSINE}, k=8))
    full = nights.lists.scored_pairs
    nights.change(3, 3, 3)
    assert_same(nights)
    assert nights.lists.scored_pairs < full / 5


@pytest.mark.parametrize("field", ["color", "size", "age", "wants", "blocks", "town"])
def test_a_fingerprint_changes_with_every_field_that_counts(field: str) -> None:
    everything = {
        "weights": {"town": 1.0, "color": 1.0, "size": 1.0, "age": 1.0, "wishes": 1.0},
        "eligibility": {"blocked": ["blocks"]},
    }
    policy = make_policy({"all": everything})
    profiles, vectors = make_profiles(40, 2), make_vectors(40, 2)
    marks = user_fingerprints(build_features(policy, profiles, vectors))
    others = make_profiles(40, 99)
    mixed = profiles.with_columns(others[field])
    differs = [
        a != b for a, b in zip(profiles[field].to_list(), others[field].to_list(), strict=True)
    ]
    changed = user_fingerprints(build_features(policy, mixed, vectors)) != marks
    if field == "blocks":  # the blocked side changes too; ids of nobody here change nothing
        assert changed.any()
    else:
        assert changed.tolist() == differs
    turned = np.roll(vectors, 1, axis=1)
    assert (user_fingerprints(build_features(policy, profiles, turned)) != marks).sum() >= 39
