"""Lists updated from run to run equal those of a full search, whatever has changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hertz.matching.features import build_features
from hertz.matching.topk import thresholds
from hertz.matching.topk.cpu import block as cpu_block
from hertz.matching.topk.incremental import (
    PreviousLists,
    find_delta,
    update_neighbors,
    user_fingerprints,
)
from hertz.matching.topk.search import find_neighbors, top_k
from tests.matching.topk.oracle import brute_force, categories, count_underfilled, listed, means
from tests.matching.topk.populations import ChangingUsers
from tests.matching.worlds import make_policy, make_profiles, make_vectors

COSINE = {"weights": {"cosine": 1.0}}


def assert_same(population: ChangingUsers) -> None:
    expected, k = population.expected(), population.policy.k
    np.testing.assert_array_equal(population.lists.ids[:, :k], expected.ids[:, :k])
    np.testing.assert_array_equal(population.lists.scores[:, :k], expected.scores[:, :k])
    assert population.lists.eligible_pairs == expected.eligible_pairs


@pytest.mark.thorough
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
    population = ChangingUsers(
        users, seed, k + spare, make_policy({"all": category}, combine, k), small
    )
    for leave, alter, join in changes:
        population.change(min(leave, len(population.profiles)), alter, join)
        assert_same(population)
    found = top_k(population.features, "all", population.lists)
    assert listed(found) == brute_force(population.features, "all")


@pytest.mark.thorough
@pytest.mark.parametrize("spare", [0, 3, 16])
def test_twenty_random_runs_equal_a_full_search(spare: int) -> None:
    category = {"weights": {"cosine": 1.0, "size": 0.3, "wishes": 0.4}, "eligibility": {}}
    population = ChangingUsers(700, 3, 8 + spare, make_policy({"all": category}, k=8))
    for _ in range(20):
        draw = population.rng.integers(0, 25, 3)
        population.change(*(int(x) for x in draw))
        assert_same(population)


def test_categories_that_share_columns_are_updated_together() -> None:
    categories = {
        "one": {"weights": {"cosine": 1.0, "size": 0.3}},
        "two": {"weights": {"cosine": 0.5, "wishes": 0.4}, "eligibility": {"different": ["size"]}},
    }
    population = ChangingUsers(700, 3, 12, make_policy({**categories, "all": COSINE}, k=8))
    before = population.features
    lists = find_neighbors(before, list(categories), 12)
    for _ in range(5):
        population.change(4, 12, 6)
        previous = PreviousLists(before.user_ids, user_fingerprints(before), lists["one"])
        delta = find_delta(previous, population.features, user_fingerprints(population.features))
        before = population.features
        lists = update_neighbors(before, lists, delta, brute_force_rows=0)
        for name in categories:
            expected = find_neighbors(before, [name], 12)[name]
            np.testing.assert_array_equal(lists[name].ids[:, :8], expected.ids[:, :8])
            np.testing.assert_array_equal(lists[name].scores[:, :8], expected.scores[:, :8])


def test_changed_users_whose_seed_was_too_high_are_searched_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cpu_block, "SAMPLE_STEP", 3)
    monkeypatch.setattr(thresholds, "SEED_DEVIATIONS_FEW_ACTIVE", -2.0)
    underfilled = count_underfilled(monkeypatch)
    population = ChangingUsers(700, 4, 12, make_policy({"all": COSINE}, k=8))
    for _ in range(3):
        underfilled.clear()
        population.change(5, 30, 10)
        assert max(underfilled) > 5
        assert_same(population)


def test_changed_blocks_are_followed() -> None:
    category = {"weights": {"cosine": 1.0}, "eligibility": {"blocked": ["blocks"]}}
    population = ChangingUsers(120, 5, 8, make_policy({"all": category}))
    best = int(population.features.user_ids[population.lists.ids[0, 0]])
    blocks = population.profiles["blocks"].to_list()
    blocks[0] = sorted({*blocks[0], best})
    population.profiles = population.profiles.with_columns(
        blocks=pl.Series(blocks, dtype=pl.List(pl.Int64))
    )
    delta = population.update()
    assert delta.changed.sum() == 2  # both sides of the new block
    assert_same(population)
    assert best not in population.features.user_ids[population.lists.ids[0]]


def test_nothing_changed_scores_nothing() -> None:
    population = ChangingUsers(600, 1, 9, make_policy({"all": COSINE}))
    before = population.lists
    delta = population.update()
    assert delta.share == 0
    assert population.lists.scored_pairs == 0
    np.testing.assert_array_equal(population.lists.ids, before.ids)


def test_few_changes_score_few_pairs() -> None:
    population = ChangingUsers(1500, 1, 24, make_policy({"all": COSINE}, k=8))
    full = population.lists.scored_pairs
    population.change(3, 3, 3)
    assert_same(population)
    assert population.lists.scored_pairs < full / 5


@pytest.mark.parametrize("field", ["color", "size", "age", "wants", "blocks", "town"])
def test_a_fingerprint_changes_with_every_field_that_counts(field: str) -> None:
    everything = {
        "weights": {"town": 1.0, "color": 1.0, "size": 1.0, "age": 1.0, "wishes": 1.0},
        "eligibility": {"blocked": ["blocks"]},
    }
    policy = make_policy({"all": everything})
    profiles, vectors = make_profiles(40, 2), make_vectors(40, 2)
    fingerprints = user_fingerprints(build_features(policy, profiles, vectors))
    others = make_profiles(40, 99)
    mixed = profiles.with_columns(others[field])
    differs = [
        a != b for a, b in zip(profiles[field].to_list(), others[field].to_list(), strict=True)
    ]
    changed = user_fingerprints(build_features(policy, mixed, vectors)) != fingerprints
    if field == "blocks":  # the blocked side changes too; unknown ids change nothing
        assert changed.any()
    else:
        assert changed.tolist() == differs
    turned = np.roll(vectors, 1, axis=1)
    assert (user_fingerprints(build_features(policy, profiles, turned)) != fingerprints).sum() >= 39
