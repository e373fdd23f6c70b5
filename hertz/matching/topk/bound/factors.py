"""Factors of terms: columns whose products bound a pair's mutual score from above.

For two rows, the product of the positive columns less that of the negative ones is no less than the
weighted sum of the terms, averaged over both directions. Categories that are searched together
share the columns of terms with the same weight, relative to the cosine. Each term is a symmetric
bilinear form:

    cosine           the embedding itself
    code terms       E diag(l) E^T of the symmetrized term matrix, one row a code
    number terms     the same over bins; two bins have the largest value that their members can have
    overlap terms    Jaccard <= shared / sqrt(|p| |q|) = P.Q, and
                     P_a.Q_b + Q_a.P_b = ((P+Q)_a.(P+Q)_b - (P-Q)_a.(P-Q)_b) / 2
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from hertz.matching.features import Features
from hertz.matching.kernels.columns import (
    set_sizes,
    write_scaled_rows,
    write_set_factors,
    write_table_rows,
)
from hertz.matching.pair_scores import common_codes, has_open_vocabulary, term_matrix
from hertz.policy.model import Policy, Term

NUMBER_BINS = 16
OPEN_CODE_BUCKETS = 64
MIN_COSINE_SHARE = 0.05  # of a category's weights, where categories share columns
SMALLEST_EIGENVALUE = 1e-13  # eigenvalues below are rounding errors of 0

Write = Callable[[np.ndarray, np.ndarray, int, int], None]
"""Writes the columns of some rows, `(m,)` int64, into an array, `(m, columns)` float32: positive
columns from the third argument on, negative ones from the fourth."""


class ColumnCounts(NamedTuple):
    """Numbers of columns whose products add to the bound, and that subtract from it."""

    positive: int
    negative: int


@dataclass(frozen=True)
class TermFactors:
    """Columns of one weighted term, and an upper bound of the squared norm of any row's."""

    counts: ColumnCounts
    write: Write
    max_squared_norm: float


class FactorPart:
    """Columns of some terms, the positive ones of all terms first.

    Attributes:
        max_norm: Upper bound of the norm of any row.
        counts: Number of columns of each sign.
    """

    def __init__(self, terms: Sequence[TermFactors]) -> None:
        self.max_norm = float(np.sqrt(sum(term.max_squared_norm for term in terms)))
        self.counts = ColumnCounts(
            sum(term.counts.positive for term in terms), sum(term.counts.negative for term in terms)
        )
        self._terms = terms

    def columns(self, rows: np.ndarray) -> np.ndarray:
        """Returns the rows' columns, `(m, columns)` float32; `rows` is `(m,)` int64."""
        out = np.empty((len(rows), sum(self.counts)), dtype=np.float32)
        positive_start = 0
        negative_start = self.counts.positive
        for term in self._terms:
            term.write(rows, out, positive_start, negative_start)
            positive_start += term.counts.positive
            negative_start += term.counts.negative
        return out


@dataclass(frozen=True)
class CategoryFactors:
    """Factors of categories that are searched together.

    Attributes:
        parts: Columns of the terms that all categories share, then each category's own.
        scales: For each category, the score that a product of 1 stands for.
    """

    parts: list[FactorPart]
    scales: list[float]

    @property
    def max_norm(self) -> float:
        """Upper bound of the norm of any row in any category."""
        common, *own = (part.max_norm for part in self.parts)
        return max(float(np.hypot(common, max(own))), 1e-9)


def category_groups(policy: Policy) -> list[list[str]]:
    """Groups the categories that can share columns.

    Categories of a group have the same `same` fields, and so the same eligibility blocks, and the
    same cosine term, which makes up MIN_COSINE_SHARE of the weights or more.
    """
    groups: dict[tuple[object, ...], list[str]] = {}
    for name, category in policy.categories.items():
        weights = category.weights
        cosine = _cosine_term(policy, weights)
        shares = cosine and weights[cosine] >= MIN_COSINE_SHARE * sum(weights.values())
        key = (policy.eligibility_of(name).same, cosine) if shares else (name,)
        groups.setdefault(key, []).append(name)
    return list(groups.values())


def category_factors(features: Features, categories: Sequence[str]) -> CategoryFactors:
    """Returns the factors of a single category, or of several of one of `category_groups`.

    The scale of a single category is the sum of its weights, that of several is each one's weight
    of the cosine.
    """
    policy = features.policy
    weights = [policy.categories[name].weights for name in categories]
    if len(categories) > 1:
        scales = [some[str(_cosine_term(policy, some))] for some in weights]
    else:
        scales = [sum(some.values()) for some in weights]
    scaled = [
        {name: weight / scale for name, weight in some.items() if weight}
        for some, scale in zip(weights, scales, strict=True)
    ]
    common = dict(set.intersection(*(set(some.items()) for some in scaled)))
    own = [{n: w for n, w in some.items() if n not in common} for some in scaled]
    parts = [
        FactorPart([_term_factors(features, name, some[name]) for name in sorted(some)])
        for some in (common, *own)
    ]
    return CategoryFactors(parts, scales)


def _cosine_term(policy: Policy, weights: dict[str, float]) -> str | None:
    """Returns the name of the first cosine term with a weight."""
    return next((n for n, w in weights.items() if w and policy.terms[n].kind == "cosine"), None)


def _term_factors(features: Features, name: str, weight: float) -> TermFactors:
    term = features.policy.terms[name]
    if term.kind == "cosine":
        return _cosine_factors(features, weight)
    if term.kind == "overlap":
        return _overlap_factors(features, term, weight)
    if term.kind == "number":
        return _number_factors(features, term, weight)
    if has_open_vocabulary(features.policy, term):
        return _open_code_factors(features, term, weight)
    codes = features.codes[str(term.field)]
    return _matrix_factors(codes, weight * term_matrix(features.policy, name))


def _cosine_factors(features: Features, weight: float) -> TermFactors:
    """Returns the unit vectors, scaled by the root of the weight."""
    vectors = features.vectors
    factor = np.float32(np.sqrt(weight))

    def write(rows: np.ndarray, out: np.ndarray, positive_start: int, negative_start: int) -> None:
        write_scaled_rows(vectors, rows, factor, out, positive_start)

    return TermFactors(ColumnCounts(vectors.shape[1], 0), write, weight)


def _matrix_factors(codes: np.ndarray, matrix: np.ndarray) -> TermFactors:
    """Returns a matrix over codes, -1 the last, as eigenvectors times the eigenvalues' roots."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = [sign * values > SMALLEST_EIGENVALUE for sign in (1.0, -1.0)]
    tables = [vectors[:, k] * np.sqrt(np.abs(values[k])) for k in kept]
    max_squared_norm = float(sum((table**2).sum(axis=1) for table in tables).max())
    positive, negative = (np.ascontiguousarray(table, dtype=np.float32) for table in tables)

    def write(rows: np.ndarray, out: np.ndarray, positive_start: int, negative_start: int) -> None:
        write_table_rows(positive, codes, rows, out, positive_start)
        write_table_rows(negative, codes, rows, out, negative_start)

    return TermFactors(ColumnCounts(positive.shape[1], negative.shape[1]), write, max_squared_norm)


def _open_code_factors(features: Features, term: Term, weight: float) -> TermFactors:
    """Returns the factors of an `equal` term over buckets of codes: codes of one may be equal."""
    codes = features.codes[str(term.field)]
    matrix = np.eye(OPEN_CODE_BUCKETS + 1)
    matrix[-1, :] = term.missing
    matrix[:, -1] = term.missing
    return _matrix_factors(np.where(codes < 0, -1, codes % OPEN_CODE_BUCKETS), weight * matrix)


def _number_factors(features: Features, term: Term, weight: float) -> TermFactors:
    """Returns the factors of a `number` term over bins, as far apart as their nearest members."""
    numbers = features.numbers[str(term.field)]
    present = numbers[~np.isnan(numbers)]
    edges = np.zeros(1)
    if len(present):
        edges = np.unique(np.quantile(present, np.linspace(0, 1, NUMBER_BINS + 1)))
    bin_count = max(len(edges) - 1, 1)
    bins = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, bin_count - 1)
    low = edges[:bin_count]
    high = edges[-bin_count:]
    distance = np.maximum(np.maximum(low[:, None] - high[None], low[None] - high[:, None]), 0.0)
    matrix = np.full((bin_count + 1, bin_count + 1), term.missing)
    matrix[:-1, :-1] = np.clip((term.zero - distance) / (term.zero - term.full), 0.0, 1.0)
    return _matrix_factors(np.where(np.isnan(numbers), -1, bins), weight * matrix)


def _overlap_factors(features: Features, term: Term, weight: float) -> TermFactors:
    """Returns sums and differences of wishes and traits, each scaled by the root of its size."""
    wishes = features.sets[str(term.mine)]
    traits = features.sets[str(term.theirs)]
    common = common_codes(features, term)
    write = partial(
        write_set_factors, wishes, traits, common.wish_columns, common.trait_columns,
        _member_values(wishes, weight), _member_values(traits, weight),
    )  # fmt: skip
    width = len(common.wish_columns)
    return TermFactors(ColumnCounts(width, width), write, weight)


def _member_values(sets: np.ndarray, weight: float) -> np.ndarray:
    """Returns sqrt(weight / size) / 2 of each set, `(n,)` float32; an empty one counts as 1."""
    values: np.ndarray = np.sqrt(weight) / 2 / np.sqrt(np.maximum(set_sizes(sets), 1))
    return values.astype(np.float32)
