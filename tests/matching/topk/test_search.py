"""The exact top-k equals the readable reference, pair by pair, whatever the tiles."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hertz.matching.features import Features, build_features
from hertz.matching.reference import eligible, score
from hertz.matching.topk import thresholds
from hertz.matching.topk.bound.factors import category_groups
from hertz.matching.topk.cpu import block as cpu_block
from hertz.matching.topk.options import SearchOptions
from hertz.matching.topk.search import TopK, find_neighbors, top_k
from tests.matching.topk.oracle import (
    EVERYTHING,
    brute_force,
    categories,
    count_underfilled,
    listed,
    means,
)
from tests.matching.worlds import (
    ELIGIBILITY,
    make_policy,
    make_profiles,
    make_vectors,
    make_world,
    mutual_top_k,
)

DTYPES = ["float32", "bfloat16", "int16"]


def tiled(features: Features, category: str, **options: Unpack[SearchOptions]) -> TopK:
    """Returns the top-k by way of tiles, however few the users."""
    found = find_neighbors(features, [category], brute_force_rows=0, **options)
    return top_k(features, category, found[category])


@pytest.mark.thorough
@settings(max_examples=60, deadline=None)
@given(
    users=st.integers(0, 40),
    seed=st.integers(0, 1000),
    first=categories,
    second=categories,
    combine=means,
    k=st.integers(1, 8),
    distinct=st.sampled_from([1, 3, None]),
    tile=st.sampled_from([1, 7, 64, 1024]),
    dtype=st.sampled_from(DTYPES),
    threads=st.integers(1, 3),
    small=st.sampled_from([0, 10, 512]),
)
def test_lists_equal_the_reference_for_every_policy(
    users: int,
    seed: int,
    first: dict[str, Any],
    second: dict[str, Any],
    combine: str,
    k: int,
    distinct: int | None,
    tile: int,
    dtype: str,
    threads: int,
    small: int,
) -> None:
    features = make_world(users, seed, {"first": first, "second": second}, combine, k, distinct)
    options: SearchOptions = {
        "tile_size": tile,
        "dtype": dtype,
        "threads": threads,
        "brute_force_rows": small,
    }
    lists = find_neighbors(features, ["first", "second"], **options)
    assert list(lists) == ["first", "second"]
    for category, found in lists.items():
        assert listed(top_k(features, category, found)) == brute_force(features, category)


@pytest.mark.thorough
@settings(max_examples=40, deadline=None)
@given(
    users=st.integers(0, 40),
    seed=st.integers(0, 1000),
    more=st.lists(categories, min_size=2, max_size=4),
    cosine=st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=4, max_size=4),
    combine=means,
    tile=st.sampled_from([7, 64]),
    dtype=st.sampled_from(DTYPES),
    threads=st.integers(1, 2),
)
def test_categories_that_share_columns_equal_the_reference(
    users: int,
    seed: int,
    more: list[dict[str, Any]],
    cosine: list[float],
    combine: str,
    tile: int,
    dtype: str,
    threads: int,
) -> None:
    sharing = {}
    for at, category in enumerate(more):
        weights = {n: min(w, 1.0) for n, w in category["weights"].items()}
        rules = {**category["eligibility"], "same": ["domain"]}
        sharing[str(at)] = {"weights": {**weights, "cosine": cosine[at]}, "eligibility": rules}
    features = make_world(users, seed, sharing, combine, 5)
    assert category_groups(features.policy) == [list(sharing)]
    options: SearchOptions = {
        "tile_size": tile,
        "dtype": dtype,
        "threads": threads,
        "brute_force_rows": 0,
    }
    lists = find_neighbors(features, list(sharing), **options)
    assert list(lists) == list(sharing)
    for category, found in lists.items():
        assert listed(top_k(features, category, found)) == brute_force(features, category)


def test_only_categories_with_the_same_blocks_share_columns() -> None:
    likewise = {"eligibility": {"same": ["domain"]}}
    policy = make_policy(
        {
            "first": {"weights": {"cosine": 1.0, "size": 1.0}, **likewise},
            "anywhere": {"weights": {"cosine": 1.0}},
            "second": {"weights": {"cosine": 0.4, "wishes": 1.0}, **likewise},
            "hardly": {"weights": {"cosine": 0.01, "wishes": 1.0}, **likewise},
            "never": {"weights": {"wishes": 1.0}, **likewise},
        }
    )
    assert category_groups(policy) == [["first", "second"], ["anywhere"], ["hardly"], ["never"]]


def test_lists_equal_the_reference_at_300_users() -> None:
    features = make_world(300, 5, {"all": EVERYTHING}, "harmonic", 10)
    expected = brute_force(features, "all")
    for dtype in DTYPES:
        assert listed(tiled(features, "all", dtype=dtype)) == expected


def test_float_tiles_higher_than_a_stripe_find_the_lists_of_integer_tiles() -> None:
    features = make_world(1500, 7, {"all": EVERYTHING}, k=10)
    expected = find_neighbors(features, ["all"], dtype="int16", tile_size=512)["all"]
    for dtype in ("float32", "bfloat16"):
        found = find_neighbors(features, ["all"], dtype=dtype, tile_size=512)["all"]
        np.testing.assert_array_equal(found.ids, expected.ids)
        np.testing.assert_array_equal(found.scores, expected.scores)


@pytest.mark.thorough
@pytest.mark.parametrize("combine", ["arithmetic", "geometric", "harmonic", "minimum"])
@pytest.mark.parametrize("same", [[], ["domain"]])
def test_rows_whose_seed_was_too_high_are_searched_again(
    combine: str, same: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_block, "SAMPLE_STEP", 3)
    monkeypatch.setattr(thresholds, "SEED_DEVIATIONS", -2.0)
    underfilled = count_underfilled(monkeypatch)
    everything = {**EVERYTHING, "eligibility": {**ELIGIBILITY, "same": same}}
    features = make_world(300, 8, {"all": everything}, combine, 10)
    assert listed(tiled(features, "all", tile_size=64)) == brute_force(features, "all")
    assert max(underfilled) > 20


def test_breakdown_is_the_reference_bit_for_bit() -> None:
    features = make_world(60, 3, {"all": EVERYTHING})
    top = mutual_top_k(features)["all"]
    assert len(top.users) > 60
    for i, (a, b) in enumerate(zip(top.users, top.others, strict=True)):
        expected = score(features, "all", a, b)
        assert top.scores.forward[i] == expected.forward
        assert top.scores.backward[i] == expected.backward
        assert top.scores.forward_terms[i].tolist() == list(expected.forward_terms.values())
        assert top.scores.backward_terms[i].tolist() == list(expected.backward_terms.values())


@pytest.mark.thorough
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_lists_do_not_depend_on_tiles_or_threads(threads: int) -> None:
    features = make_world(200, 9, {"all": EVERYTHING}, k=7)
    expected = listed(mutual_top_k(features)["all"])
    before = torch.get_num_threads()
    for tile in (1, 31, 200):
        assert listed(tiled(features, "all", tile_size=tile, threads=threads)) == expected
    assert torch.get_num_threads() == before


def test_all_equal_users_are_listed_by_id() -> None:
    policy = make_policy({"all": {"weights": {"cosine": 1.0}}}, k=4)
    vectors = np.tile(make_vectors(2, 1)[1:], (30, 1))
    features = build_features(policy, make_profiles(30, 1), vectors)
    top = mutual_top_k(features)["all"]
    assert top.others[top.users == 10].tolist() == [0, 1, 2, 3]
    assert top.others[top.users == 2].tolist() == [0, 1, 3, 4]


def test_nobody_eligible_gives_empty_lists_and_one_user_is_alone() -> None:
    for users in (0, 1):
        top = mutual_top_k(make_world(users, 1, {"all": EVERYTHING}))["all"]
        assert len(top.users) == 0
        assert top.eligible_pairs == 0
    never = {"weights": {"cosine": 1.0}, "eligibility": {"same": ["size"], "different": ["size"]}}
    for small in (0, 512):
        features = make_world(50, 1, {"none": never})
        found = find_neighbors(features, ["none"], brute_force_rows=small)["none"]
        assert found.eligible_pairs == 0
        assert (found.ids == -1).all()


def test_counts_eligible_pairs_once() -> None:
    features = make_world(80, 4, {"all": {"weights": {"cosine": 1.0}, "eligibility": ELIGIBILITY}})
    n = len(features)
    expected = sum(eligible(features, "all", a, b) for a in range(n) for b in range(a))
    for small in (0, 512):
        found = find_neighbors(features, ["all"], brute_force_rows=small)
        assert found["all"].eligible_pairs == expected


def test_blocking_either_way_separates() -> None:
    category = {"weights": {"cosine": 1.0}, "eligibility": {"blocked": ["blocks"]}}
    features = make_world(40, 2, {"all": category}, k=39)
    top = tiled(features, "all")
    together = set(zip(top.users.tolist(), top.others.tolist(), strict=True))
    assert len(features.blocked) > 0
    for low, high in features.blocked.tolist():
        assert (low, high) not in together
        assert (high, low) not in together


def test_progress_counts_up_to_all_rows() -> None:
    seen: list[tuple[int, int]] = []
    features = make_world(50, 2, {"all": EVERYTHING})
    find_neighbors(
        features,
        ["all"],
        None,
        lambda done, total: seen.append((done, total)),
        brute_force_rows=0,
        tile_size=10,
    )
    assert seen[-1][0] == seen[-1][1]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
