"""Terms as columns of numbers, whose products bound a pair's mutual score from above.

In: features, categories and rows. Out: columns that add and columns that subtract: for two rows the
products of the first less those of the second are no less than the weighted sum of the terms, seen
from either side and halved. Terms that weigh the same in several categories, once their cosine
does, are columns that these share. Each term is one symmetric bilinear form:

    cosine           the embedding itself
    code terms       E diag(l) E^T of the symmetrised term matrix, one row a code
    number terms     the same over bins, each pair of bins at the best that it allows
    overlap terms    Jaccard <= shared / sqrt(|p| |q|) = P.Q, and
                     P_a.Q_b + Q_a.P_b = ((P+Q)_a.(P+Q)_b - (P-Q)_a.(P-Q)_b) / 2
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hertz.matching.features import Features
from hertz.matching.kernels.columns import looked_up, members, scaled_rows, sizes
from hertz.matching.pair_scores import common_columns, has_open_vocabulary, term_matrix
from hertz.policy.model import Policy, Term

BINS = 16
LEAST_SHARED = 0.05  # of a category's weights is the cosine's, where its columns are shared

# Of some rows, into columns from the third on those that add, from the fourth those that subtract.
Write = Callable[[np.ndarray, np.ndarray, int, int], None]


@dataclass(frozen=True)
class _Form:
    """Columns of one term.

    Attributes:
        widths: How many add, and how many subtract.
        write: Writes those of some rows.
        square: No row's columns are longer than its root.
    """

    widths: tuple[int, int]
    write: Write
    square: float


class Forms:
    """Some terms as columns.

    Attributes:
        longest: No row is longer.
        widths: How many columns add, and how many subtract.
    """

    def __init__(self, forms: list[_Form]) -> None:
        self.longest = float(np.sqrt(sum(form.square for form in forms)))
        self.widths = [sum(form.widths[side] for form in forms) for side in (0, 1)]
        self._forms = forms

    def columns(self, rows: np.ndarray) -> np.ndarray:
        """`(rows, columns)` float32: first those that add, then those that subtract."""
        out = np.empty((len(rows), sum(self.widths)), dtype=np.float32)
        add_at, subtract_at = 0, self.widths[0]
        for form in self._forms:
            form.write(rows, out, add_at, subtract_at)
            add_at, subtract_at = add_at + form.widths[0], subtract_at + form.widths[1]
        return out


@dataclass(frozen=True)
class CategoryFactors:
    """The terms of categories that are searched together.

    Attributes:
        parts: Terms that all of them have in common, then what each has of its own.
        units: For each category, what a product of 1 is worth in its scores.
    """

    parts: list[Forms]
    units: list[float]

    @property
    def longest(self) -> float:
        """No category's rows are longer."""
        common, *own = (part.longest for part in self.parts)
        return max(float(np.hypot(common, max(own))), 1e-9)


def category_groups(policy: Policy) -> list[list[str]]:
    """Categories that may share columns: who may meet is divided alike, and the cosine counts."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for name, category in policy.categories.items():
        weights, same = category.weights, policy.eligibility_of(name).same
        shared = _cosine_of(policy, weights)
        known = shared and weights[shared] >= LEAST_SHARED * sum(weights.values())
        groups.setdefault((same, shared) if known else (name,), []).append(name)
    return list(groups.values())


def category_factors(features: Features, categories: Sequence[str]) -> CategoryFactors:
    """The terms of categories of one group of `category_groups`, or of any single one."""
    policy = features.policy
    weights = [policy.categories[name].weights for name in categories]
    units = [sum(some.values()) for some in weights]
    if len(categories) > 1:
        units = [some[str(_cosine_of(policy, some))] for some in weights]
    worth = [
        {name: weight / unit for name, weight in some.items() if weight}
        for some, unit in zip(weights, units, strict=True)
    ]
    common = dict(set.intersection(*(set(some.items()) for some in worth)))
    own = [{n: w for n, w in some.items() if n not in common} for some in worth]

    def forms(some: dict[str, float]) -> Forms:
        terms = [(policy.terms[name], weight) for name, weight in sorted(some.items())]
        return Forms([_FORMS[_kind(features, t)](features, t, w) for t, w in terms])

    return CategoryFactors([forms(some) for some in (common, *own)], units)


def _cosine_of(policy: Policy, weights: dict[str, float]) -> str | None:
    """The first cosine term that counts."""
    return next((n for n, w in weights.items() if w and policy.terms[n].kind == "cosine"), None)


def _kind(features: Features, term: Term) -> str:
    if term.kind in ("cosine", "overlap", "number"):
        return term.kind
    return "open" if has_open_vocabulary(features.policy, term) else "codes"


def _cosine(features: Features, term: Term, weight: float) -> _Form:
    vectors, factor = features.vectors, np.float32(np.sqrt(weight))

    def write(rows: np.ndarray, out: np.ndarray, add_at: int, subtract_at: int) -> None:
        scaled_rows(vectors, rows, factor, out, add_at)

    return _Form((vectors.shape[1], 0), write, weight)


def _codes(features: Features, term: Term, weight: float) -> _Form:
    name = next(n for n, t in features.policy.terms.items() if t is term)
    codes = features.codes[str(term.field)]
    return _of_codes(codes, weight * term_matrix(features.policy, name))


def _of_codes(codes: np.ndarray, matrix: np.ndarray) -> _Form:
    """A directional matrix over codes; -1 is its last row."""
    values, axes = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = [sign * values > 1e-13 for sign in (1.0, -1.0)]
    tables = [axes[:, k] * np.sqrt(np.abs(values[k])) for k in kept]
    square = float(sum((table**2).sum(axis=1) for table in tables).max())
    add, subtract = (np.ascontiguousarray(table, dtype=np.float32) for table in tables)

    def write(rows: np.ndarray, out: np.ndarray, add_at: int, subtract_at: int) -> None:
        looked_up(add, codes, rows, out, add_at)
        looked_up(subtract, codes, rows, out, subtract_at)

    return _Form((add.shape[1], subtract.shape[1]), write, square)


def _open(features: Features, term: Term, weight: float) -> _Form:
    """Codes that share a bucket may be equal; hidden ones are worth `missing`."""
    codes = features.codes[str(term.field)]
    matrix = np.eye(BINS * 4 + 1)
    matrix[-1, :] = matrix[:, -1] = term.missing
    return _of_codes(np.where(codes < 0, -1, codes % (BINS * 4)), weight * matrix)


def _number(features: Features, term: Term, weight: float) -> _Form:
    """Bins of like sizes; two bins are worth what their closest members would be."""
    values = features.numbers[str(term.field)]
    told = values[~np.isnan(values)]
    edges = np.unique(np.quantile(told, np.linspace(0, 1, BINS + 1))) if len(told) else np.zeros(1)
    bins = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, max(len(edges) - 2, 0))
    low, high = edges[: max(len(edges) - 1, 1)], edges[1:] if len(edges) > 1 else edges
    distance = np.maximum(np.maximum(low[:, None] - high[None], low[None] - high[:, None]), 0.0)
    matrix = np.full((len(low) + 1, len(low) + 1), term.missing)
    matrix[:-1, :-1] = np.clip((term.zero - distance) / (term.zero - term.full), 0.0, 1.0)
    return _of_codes(np.where(np.isnan(values), -1, bins), weight * matrix)


def _overlap(features: Features, term: Term, weight: float) -> _Form:
    names = str(term.mine), str(term.theirs)
    sets, common = [features.sets[name] for name in names], common_columns(features, *names)
    half = np.sqrt(weight) / 2
    worth = [(half / np.sqrt(np.maximum(sizes(s), 1))).astype(np.float32) for s in sets]
    both = sets[0], sets[1], common[0], common[1], worth[0], worth[1]

    def write(rows: np.ndarray, out: np.ndarray, add_at: int, subtract_at: int) -> None:
        members(*both, rows, out, add_at, subtract_at)

    return _Form((len(common[0]), len(common[0])), write, weight)


_FORMS: dict[str, Callable[[Features, Term, float], _Form]] = {
    "cosine": _cosine,
    "codes": _codes,
    "open": _open,
    "number": _number,
    "overlap": _overlap,
}
