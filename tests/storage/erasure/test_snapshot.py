"""After an erasure from the neighbor lists, the next run finds the same lists as a full run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hertz.matching.features import build_features
from hertz.matching.topk.incremental import (
    PreviousLists,
    find_delta,
    update_neighbors,
    user_fingerprints,
)
from hertz.matching.topk.search import find_neighbors, top_k
from hertz.storage.erasure.snapshot import without_users
from hertz.storage.files import read_frame, write_frame
from hertz.storage.snapshot.neighbours import NEIGHBOURS, read_neighbours, write_neighbours
from tests.matching.worlds import make_policy, make_profiles, make_vectors


@pytest.mark.parametrize("seed", range(6))
def test_the_next_night_finds_what_a_full_one_does(tmp_path: Path, seed: int) -> None:
    rules = {"weights": {"cosine": 1.0}, "eligibility": {"same": ["domain"]}}
    policy = make_policy({"all": rules}, k=4)
    profiles, vectors = make_profiles(60, seed, hidden=0.05), make_vectors(60, seed)
    features = build_features(policy, profiles, vectors)
    found = find_neighbors(features, ["all"], 6)["all"]
    known = PreviousLists(features.user_ids, user_fingerprints(features), found)
    write_neighbours(tmp_path, {"all": known})

    listed = found.ids[found.ids >= 0]
    bounds = np.searchsorted(features.user_ids, found.bound_ids[found.bound_scores > -np.inf])
    rows = {0, int(np.bincount(listed).argmax()), *bounds[:2].tolist()}
    gone = [int(features.user_ids[row]) for row in rows]
    before = read_frame(tmp_path / NEIGHBOURS)
    after = without_users(before, gone, [])
    assert after.schema == before.schema
    assert not set(gone) & {*after["user_id"], *after["bound_id"]}
    write_frame(after, tmp_path / NEIGHBOURS)

    stays = ~np.isin(features.user_ids, gone)
    rest = build_features(policy, profiles.filter(pl.Series(stays)), vectors[stays])
    carried = read_neighbours(tmp_path)["all"]
    change = find_delta(carried, rest, user_fingerprints(rest))
    assert change.removed == 0
    again = top_k(rest, "all", update_neighbors(rest, {"all": carried.lists}, change)["all"])
    full = top_k(rest, "all", find_neighbors(rest, ["all"], 6)["all"])
    assert again.users.tolist() == full.users.tolist()
    assert again.others.tolist() == full.others.tolist()
    assert again.scores.mutual.tobytes() == full.scores.mutual.tobytes()
