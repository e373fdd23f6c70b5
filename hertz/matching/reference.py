"""The readable reference: what a match is worth, one pair at a time, in float64.

The oracle of every test and the meaning of every number shown to people. Everything fast must
equal it bit for bit: `pairs.py` does the same arithmetic in the same order on many pairs at once.

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
        mutual: The combined score, a float32 value; NaN-free.
        forward: d(first -> second), float64.
        backward: d(second -> first), float64.
        forward_terms: Weighted contribution of each term to `forward`, by term name.
        backward_terms: The same for `backward`.
    """

    mutual: float
    forward: float
    backward: float
    forward_terms: dict[str, float]
    backward_terms: dict[str, float]


def score(features: Features, category: str, a: int, b: int) -> Score:
    """Score of rows `a` and `b` in a category, whether or not they may meet."""
    forward_terms = contributions(features, category, a, b)
    backward_terms = contributions(features, category, b, a)
    forward, backward = _sum(forward_terms), _sum(backward_terms)
    mutual = combine(features.policy.combine, forward, backward)
    return Score(float(np.float32(mutual)), forward, backward, forward_terms, backward_terms)


def eligible(features: Features, category: str, a: int, b: int) -> bool:
    """Whether rows `a` and `b` may meet in a category: the rules hold in both directions."""
    rules = features.policy.eligibility_of(category)
    codes, numbers, sets = features.codes, features.numbers, features.sets
    if a == b or any(codes[f][a] != codes[f][b] or codes[f][a] < 0 for f in rules.same):
        return False
    if any(
        codes[f][a] == codes[f][b] or min(codes[f][a], codes[f][b]) < 0 for f in rules.different
    ):
        return False
    if any(not abs(numbers[w.field][a] - numbers[w.field][b]) <= w.distance for w in rules.within):
        return False
    for rule in rules.accepts:
        names = features.code_names[rule.wish], features.code_names[rule.of]
        for mine, theirs in ((a, b), (b, a)):
            wishes = {
                n for n, wanted in zip(names[0], sets[rule.wish][mine], strict=True) if wanted
            }
            told = codes[rule.of][theirs]
            if wishes and (told < 0 or names[1][told] not in wishes):
                return False
    return not rules.blocked or [min(a, b), max(a, b)] not in features.blocked.tolist()


def contributions(features: Features, category: str, a: int, b: int) -> dict[str, float]:
    """Weight times value of each term of a category, `a` looking at `b`."""
    weights = features.policy.categories[category].weights
    return {name: weight * term_value(features, name, a, b) for name, weight in weights.items()}


def term_value(features: Features, name: str, a: int, b: int) -> float:
    """Value of one term, `a` looking at `b`; the term's `missing` where either does not tell."""
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
    """Dot product of two float32 unit rows in one fixed order of float64 additions.

    The product of two float32 is exact in float64. Lane l adds up the products l, l + LANES,
    l + 2 LANES, ...; the upper half of the lanes is then added to the lower one until a single lane
    is left: fast on every machine, the same on all.
    """
    lanes = np.zeros(LANES)
    for products in (x.astype(np.float64) * y.astype(np.float64)).reshape(-1, LANES):
        lanes += products
    while len(lanes) > 1:
        lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
    return float(lanes[0])


def jaccard(features: Features, mine: str, a: int, theirs: str, b: int, missing: float) -> float:
    """|wishes of a and traits of b| / |either|, over codes; `missing` where either set is empty."""
    wishes = {
        n for n, on in zip(features.code_names[mine], features.sets[mine][a], strict=True) if on
    }
    traits = {
        n for n, on in zip(features.code_names[theirs], features.sets[theirs][b], strict=True) if on
    }
    if not wishes or not traits:
        return missing
    return len(wishes & traits) / len(wishes | traits)


def ramp(distance: float, full: float, zero: float) -> float:
    """1 up to `full`, 0 from `zero`, linear between."""
    return float(min(1.0, max(0.0, (zero - distance) / (zero - full))))


def combine(how: str, forward: float, backward: float) -> float:
    """The mutual score of two directional ones; symmetric.

    Never above the larger of 0 and their arithmetic mean. Geometric and harmonic are 0 unless both
    directions are above 0.
    """
    if how == "arithmetic":
        return (forward + backward) * 0.5
    if how == "minimum":
        return min(forward, backward)
    if forward <= 0.0 or backward <= 0.0:
        return 0.0
    product = forward * backward
    return math.sqrt(product) if how == "geometric" else 2.0 * product / (forward + backward)


def _sum(terms: dict[str, float]) -> float:
    total = 0.0
    for value in terms.values():
        total += value
    return total
