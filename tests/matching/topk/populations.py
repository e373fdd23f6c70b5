"""A population that changes from run to run, for tests of incremental searches."""

from __future__ import annotations

import numpy as np
import polars as pl

from hertz.matching.features import Features, build_features
from hertz.matching.topk.incremental import (
    Delta,
    PreviousLists,
    find_delta,
    update_neighbors,
    user_fingerprints,
)
from hertz.matching.topk.lists import NeighborLists
from hertz.matching.topk.search import find_neighbors
from hertz.policy.model import Policy
from tests.matching.worlds import make_profiles, make_vectors


class ChangingUsers:
    """A random population that changes from run to run, and its lists, updated each time.

    Args:
        users: Number of users at first.
        seed: Seed of all random draws.
        depth: Number of entries of a list.
        policy: Policy with a category `all`.
        brute_force_rows: Rows up to which a block is searched without tiles.
    """

    def __init__(
        self, users: int, seed: int, depth: int, policy: Policy, brute_force_rows: int = 0
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.policy = policy
        self.brute_force_rows = brute_force_rows
        self.profiles = make_profiles(users, seed)
        self.vectors = make_vectors(users, seed)
        self.features = self._features()
        self.depth = depth
        self.lists = find_neighbors(self.features, ["all"], depth)["all"]

    def change(self, leave: int, alter: int, join: int) -> Delta:
        """Removes, changes and adds random users, and updates the lists."""
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
        return self.update()

    def update(self) -> Delta:
        """Updates the lists after a change of `profiles`, and returns the delta."""
        previous = PreviousLists(
            self.features.user_ids, user_fingerprints(self.features), self.lists
        )
        self.features = self._features()
        delta = find_delta(previous, self.features, user_fingerprints(self.features))
        self.lists = update_neighbors(
            self.features, {"all": self.lists}, delta, brute_force_rows=self.brute_force_rows
        )["all"]
        return delta

    def expected(self) -> NeighborLists:
        """Returns the lists of a full search."""
        return find_neighbors(self.features, ["all"], self.depth)["all"]

    def _features(self) -> Features:
        return build_features(self.policy, self.profiles, self.vectors)
