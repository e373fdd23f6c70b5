"""The readable reference: the score of one pair of users, to which all fast code is equal.

directional  d(a -> b) = sum of weight * term(a, b), in the order of the category's weights
mutual       m(a, b) = m(b, a) = combine(d(a -> b), d(b -> a)), rounded once to float32
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hertz.matching.features import LANES, Features


@dataclass(frozen=True)
class Score:
    """A pair's score in one category, seen from its first user.

    Attributes:
        mutual: Mutual score, a float32 value, never NaN.
        forward: Directional score d(first -> second), float64.
        backward: Directional score d(second -> first), float64.
        forward_terms: Contribution of each term to `forward`, by the term's name.
        backward_terms: Contribution of each term to `backward`, by the term's name.
    """

    mutual: float
    forward: float
    backward: float
    forward_terms: dict[str, float]
    backward_terms: dict[str, float]


def score(features: Features, category: str, a: int, b: int) -> Score:
    """Returns the score of rows `a` and `b` in a category, whether or not they may meet."""
    forward_terms = contributions(features, category, a, b)
    backward_terms = contributions(features, category, b, a)
    forward = _sum(forward_terms)
    backward = _sum(backward_terms)
    mutual = combine(features.policy.combine, forward, backward)
    return Score(float(np.float32(mutual)), forward, backward, forward_terms, backward_terms)


def eligible(features: Features, category: str, a: int, b: int) -> bool:
    """Tells whether rows `a` and `b` may meet in a category: the rules hold in both directions."""
    rules = features.policy.eligibility_of(category)
    codes = features.codes
    numbers = features.numbers
    if a == b or any(codes[f][a] != codes[f][b] or codes[f][a] < 0 for f in rules.same):
        return False
    if any(
        codes[f][a] == codes[f][b] or min(codes[f][a], codes[f][b]) < 0 for f in rules.different
    ):
        return False
    if any(not abs(numbers[w.field][a] - numbers[w.field][b]) <= w.distance for w in rules.within):
        return False
    for rule in rules.accepts:
        for wisher, other in ((a, b), (b, a)):
            wishes = _members(features, rule.wish, wisher)
            code = codes[rule.of][other]
            if wishes and (code < 0 or features.code_names[rule.of][code] not in wishes):
                return False
    return not rules.blocked or [min(a, b), max(a, b)] not in features.blocked.tolist()


def contributions(features: Features, category: str, a: int, b: int) -> dict[str, float]:
    """Returns weight times value of each term of a category, `a` looking at `b`."""
    weights = features.policy.categories[category].weights
    return {name: weight * term_value(features, name, a, b) for name, weight in weights.items()}


def term_value(features: Features, name: str, a: int, b: int) -> float:
    """Returns the value of a term, `a` looking at `b`: its `missing` if either has no value."""
    term = features.policy.terms[name]
    if term.kind == "cosine":
        return cosine(features.vectors[a], features.vectors[b])
    if term.kind == "overlap":
        return jaccard(features, str(term.mine), a, str(term.theirs), b, term.missing)
    field = str(term.field)
    if term.kind == "number":
        distance = abs(features.numbers[field][a] - features.numbers[field][b])
        return term.missing if math.isnan(distance) else ramp(distance, term.full, term.zero)
    mine, theirs = features.codes[field][a], features.codes[field][b]
    if mine < 0 or theirs < 0:
        return term.missing
    names = features.code_names[field]
    return features.policy.term_value(name, names[mine], names[theirs])


def cosine(x: np.ndarray, y: np.ndarray) -> float:
    """Returns the dot product of two `(dim,)` float32 vectors, dim a multiple of LANES.

    The product of two float32 is exact in float64. Lane l sums the products l, l + LANES,
    l + 2 LANES, ...; then the upper half of the lanes is added to the lower one until a single lane
    is left: fast on every machine, the same on all.
    """
    lanes = np.zeros(LANES)
    for products in (x.astype(np.float64) * y.astype(np.float64)).reshape(-1, LANES):
        lanes += products
    while len(lanes) > 1:
        lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
    return float(lanes[0])


def jaccard(features: Features, mine: str, a: int, theirs: str, b: int, missing: float) -> float:
    """Returns |wishes and traits| / |wishes or traits| of a's set `mine` and b's set `theirs`."""
    wishes = _members(features, mine, a)
    traits = _members(features, theirs, b)
    if not wishes or not traits:
        return missing
    return len(wishes & traits) / len(wishes | traits)


def _members(features: Features, field: str, row: int) -> set[str]:
    """Returns the codes in a row's set."""
    names = features.code_names[field]
    return {name for name, on in zip(names, features.sets[field][row], strict=True) if on}


def ramp(distance: float, full: float, zero: float) -> float:
    """Returns 1 for distances up to `full`, 0 from `zero` on, and linear values between."""
    return float(min(1.0, max(0.0, (zero - distance) / (zero - full))))


def combine(mean: str, forward: float, backward: float) -> float:
    """Returns the mutual score of two directional ones, the same if they are exchanged.

    It is never above the larger of 0 and their arithmetic mean. The geometric and the harmonic mean
    are 0 unless both directions are above 0.
    """
    if mean == "arithmetic":
        return (forward + backward) * 0.5
    if mean == "minimum":
        return min(forward, backward)
    if forward <= 0.0 or backward <= 0.0:
        return 0.0
    product = forward * backward
    return math.sqrt(product) if mean == "geometric" else 2.0 * product / (forward + backward)


def _sum(terms: dict[str, float]) -> float:
    """Adds contributions one after the other; Python's `sum` would correct rounding errors."""
    total = 0.0
    for value in terms.values():
        total += value
    return total
