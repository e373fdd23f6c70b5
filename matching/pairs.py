"""The reference score on many pairs at once: `scoring.py`'s arithmetic in its order, bit for bit.

In: features and two arrays of rows. Out: mutual and directional scores and every term's
contribution. Cost: a few hundred nanoseconds a pair, memory proportional to the pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from matching.features import Features
from matching.policy import Policy


@dataclass(frozen=True)
class PairScores:
    """Scores of m pairs in a category with t terms.

    Attributes:
        mutual: `(m,)` float32.
        forward: `(m,)` float64, first -> second; `backward` the other way.
        forward_terms: `(m, t)` float64 contributions in the order of the category's weights.
        backward_terms: The same for `backward`.
    """

    mutual: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    forward_terms: np.ndarray
    backward_terms: np.ndarray

    def take(self, keep: np.ndarray) -> PairScores:
        """The pairs at positions `keep`."""
        return PairScores(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


def score_pairs(features: Features, category: str, a: np.ndarray, b: np.ndarray) -> PairScores:
    """Scores of the pairs `(a[i], b[i])`: two `(m,)` integer arrays of rows."""
    weights = features.policy.categories[category].weights
    forward_terms = np.empty((len(a), len(weights)))
    backward_terms = np.empty((len(a), len(weights)))
    for column, (name, weight) in enumerate(weights.items()):
        forward, backward = _both_ways(features, name, a, b)
        forward_terms[:, column] = weight * forward
        backward_terms[:, column] = weight * backward
    forward, backward = _sum(forward_terms), _sum(backward_terms)
    mutual = combine(features.policy.combine, forward, backward).astype(np.float32)
    return PairScores(mutual, forward, backward, forward_terms, backward_terms)


def combine(how: str, forward: np.ndarray, backward: np.ndarray) -> np.ndarray:
    """`scoring.combine` on arrays of any shape."""
    if how == "arithmetic":
        return (forward + backward) * 0.5
    if how == "minimum":
        return np.minimum(forward, backward)
    x, y = np.maximum(forward, 0.0), np.maximum(backward, 0.0)
    product, total = x * y, x + y
    if how == "geometric":
        return np.sqrt(product)
    harmonic = np.divide(2.0 * product, total, out=np.zeros_like(product), where=total > 0)
    return np.where((x > 0) & (y > 0), harmonic, 0.0)


def term_matrix(policy: Policy, name: str) -> np.ndarray:
    """An `equal`, `table` or `ordinal` term as a `(codes + 1, codes + 1)` float64 matrix.

    Rows look at columns; the last row and column stand for "not told".
    """
    term = policy.terms[name]
    codes = policy.shown_codes(str(term.field))
    matrix = np.full((len(codes) + 1, len(codes) + 1), term.missing)
    for i, mine in enumerate(codes):
        matrix[i, :-1] = [policy.term_value(name, mine, theirs) for theirs in codes]
    return matrix


def _both_ways(
    features: Features, name: str, a: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The term's values for a looking at b, and for b looking at a."""
    term = features.policy.terms[name]
    if term.kind == "cosine":
        cosines = _cosines(features.vectors, a, b)
        return cosines, cosines
    if term.kind == "overlap":
        mine, theirs = features.sets[str(term.mine)], features.sets[str(term.theirs)]
        return (
            _jaccard(mine[a], theirs[b], features, name),
            _jaccard(mine[b], theirs[a], features, name),
        )
    if term.kind == "number":
        values = features.numbers[str(term.field)]
        distance = np.abs(values[a] - values[b])
        ramp = np.clip((term.zero - distance) / (term.zero - term.full), 0.0, 1.0)
        ramp = np.where(np.isnan(distance), term.missing, ramp)
        return ramp, ramp
    codes = features.codes[str(term.field)]
    if not features.policy.shown_codes(str(term.field)):  # an open vocabulary: `equal` only
        told = (codes[a] >= 0) & (codes[b] >= 0)
        same = np.where(told, codes[a] == codes[b], term.missing)
        return same, same
    matrix = term_matrix(features.policy, name)
    return matrix[codes[a], codes[b]], matrix[codes[b], codes[a]]


def _jaccard(wishes: np.ndarray, traits: np.ndarray, features: Features, name: str) -> np.ndarray:
    term = features.policy.terms[name]
    sizes = wishes.sum(axis=1), traits.sum(axis=1)
    shared = np.zeros(len(wishes), dtype=np.int64)
    for mine, theirs in common_columns(features, str(term.mine), str(term.theirs)):
        shared += wishes[:, mine] & traits[:, theirs]
    either = np.maximum(sizes[0] + sizes[1] - shared, 1)
    return np.where((sizes[0] > 0) & (sizes[1] > 0), shared / either, term.missing)


def common_columns(features: Features, mine: str, theirs: str) -> list[tuple[int, int]]:
    """Positions of the codes that both fields have: (column in `mine`, column in `theirs`)."""
    positions = {name: i for i, name in enumerate(features.code_names[theirs])}
    names = features.code_names[mine]
    return [(i, positions[name]) for i, name in enumerate(names) if name in positions]


def _sum(terms: np.ndarray) -> np.ndarray:
    """Row sums, term after term: the order is part of the score."""
    total = np.zeros(len(terms))
    for column in range(terms.shape[1]):
        total += terms[:, column]
    return total


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _cosines(vectors: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`scoring.cosine` of many pairs: eight lanes, then a fixed tree.

    A fused multiply-add gives the same bits: the product of two float32 is exact in float64.
    """
    out = np.empty(len(a))
    for pair in range(len(a)):
        x, y = vectors[a[pair]], vectors[b[pair]]
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
        for j in range(0, len(x), 8):
            s0 += np.float64(x[j]) * np.float64(y[j])
            s1 += np.float64(x[j + 1]) * np.float64(y[j + 1])
            s2 += np.float64(x[j + 2]) * np.float64(y[j + 2])
            s3 += np.float64(x[j + 3]) * np.float64(y[j + 3])
            s4 += np.float64(x[j + 4]) * np.float64(y[j + 4])
            s5 += np.float64(x[j + 5]) * np.float64(y[j + 5])
            s6 += np.float64(x[j + 6]) * np.float64(y[j + 6])
            s7 += np.float64(x[j + 7]) * np.float64(y[j + 7])
        out[pair] = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
    return out
