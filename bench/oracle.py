"""Checks neighbor lists against a brute-force search of some rows."""

from __future__ import annotations

import numpy as np

from hertz.matching.features import Features
from hertz.matching.pair_scores import score_pairs
from hertz.matching.reference import score
from hertz.matching.topk.lists import NeighborLists

CHECKED_ROWS = 20


def equals_reference(features: Features, found: NeighborLists) -> bool:
    """Returns whether sampled lists of category `all` are the best pairs by `reference.score`."""
    n, k = len(features), features.policy.k
    for row in np.linspace(0, n - 1, CHECKED_ROWS).astype(int):
        others = np.setdiff1d(np.arange(n), [row])
        mutual = score_pairs(features, "all", np.full(n - 1, row), others).mutual
        best = others[np.lexsort((others, -mutual))[:k]]
        read = [score(features, "all", int(row), int(b)).mutual for b in best]
        if found.ids[row, :k].tolist() != best.tolist() or found.scores[row, :k].tolist() != read:
            return False
    return True
