"""Scores and eligibility of pairs on a GPU, equal to `matching/pair_scores.py` bit for bit.

The same float64 arithmetic is done in the same order. No operation is fused: a fused multiply-add
would round once less.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np
import torch

from hertz.matching.eligibility import EligibilityRules
from hertz.matching.pair_scores import (
    CodeTerm,
    CosineTerm,
    NumberTerm,
    OpenCodeTerm,
    OverlapTerm,
    PairScorer,
)
from hertz.matching.topk.gpu.kernels import cosines


class TermValues(NamedTuple):
    """Values of one term, `(m,)` float64, for a looking at b and for b looking at a."""

    forward: torch.Tensor
    backward: torch.Tensor


TermFunction = Callable[[torch.Tensor, torch.Tensor], TermValues]
"""Returns the values of one term for the pairs of two `(m,)` int64 tensors of rows."""


class GpuPairScorer:
    """Scores pairs of rows, `(m,)` int64 tensors, in one category, and decides which may meet."""

    def __init__(self, scorer: PairScorer, rules: EligibilityRules, device: torch.device) -> None:
        self._combine = scorer.combine
        self._terms = [(weight, _term_function(term, device)) for weight, term in scorer.terms]
        self._same = _columns(rules.same, device)
        self._different = _columns(rules.different, device)
        self._numbers = _columns(rules.numbers, device)
        self._distances = rules.distances.tolist()
        self._code_columns = _columns(rules.code_columns, device)
        self._accepted = _to_device(rules.accepted, device)
        self._users = len(rules.same)
        first = np.repeat(np.arange(self._users), np.diff(rules.blocked_starts))
        self._blocked_pairs = _to_device(first * self._users + rules.blocked, device)

    def mutual(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Returns the mutual scores of pairs of rows: `(m,)` float32."""
        forward = torch.zeros(len(a), dtype=torch.float64, device=a.device)
        backward = forward.clone()
        for weight, term in self._terms:
            values = term(a, b)
            forward += weight * values.forward
            backward += weight * values.backward
        return combine(self._combine, forward, backward).float()

    def may_meet(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Returns whether pairs of rows may meet: `(m,)` bool."""
        allowed = a != b
        for codes in self._same:
            allowed &= (codes[a] == codes[b]) & (codes[a] >= 0)
        for codes in self._different:
            allowed &= (codes[a] != codes[b]) & (codes[a] >= 0) & (codes[b] >= 0)
        for numbers, distance in zip(self._numbers, self._distances, strict=True):
            allowed &= (numbers[a] - numbers[b]).abs() <= distance
        for column in self._code_columns:
            allowed &= self._accepted[a, column[b]] & self._accepted[b, column[a]]
        if len(self._blocked_pairs):
            pairs = a * self._users + b
            at = torch.searchsorted(self._blocked_pairs, pairs)
            allowed &= self._blocked_pairs[at.clamp(max=len(self._blocked_pairs) - 1)] != pairs
        return allowed


def combine(how: str, forward: torch.Tensor, backward: torch.Tensor) -> torch.Tensor:
    """Returns `reference.combine` of two float64 tensors of any shape."""
    if how == "arithmetic":
        return (forward + backward) * 0.5
    if how == "minimum":
        return torch.minimum(forward, backward)
    x, y = forward.clamp(min=0.0), backward.clamp(min=0.0)
    product = x * y
    mean = product.sqrt() if how == "geometric" else 2.0 * product / (x + y)
    return torch.where((x > 0) & (y > 0), mean, 0.0)


@singledispatch
def _term_function(term: Any, device: torch.device) -> TermFunction:  # noqa: ANN401
    """Returns the function that computes a term's values on the device."""
    raise TypeError(type(term).__name__)


@_term_function.register
def _(term: CosineTerm, device: torch.device) -> TermFunction:
    vectors = _to_device(term.vectors, device)

    def values(a: torch.Tensor, b: torch.Tensor) -> TermValues:
        products = cosines(vectors, a, b)
        return TermValues(products, products)

    return values


@_term_function.register
def _(term: CodeTerm, device: torch.device) -> TermFunction:
    codes = _to_device(term.codes, device)
    matrix = _to_device(term.matrix, device)
    return lambda a, b: TermValues(matrix[codes[a], codes[b]], matrix[codes[b], codes[a]])


@_term_function.register
def _(term: OpenCodeTerm, device: torch.device) -> TermFunction:
    codes = _to_device(term.codes, device)

    def values(a: torch.Tensor, b: torch.Tensor) -> TermValues:
        x, y = codes[a], codes[b]
        same = torch.where((x < 0) | (y < 0), term.missing, (x == y).double())
        return TermValues(same, same)

    return values


@_term_function.register
def _(term: NumberTerm, device: torch.device) -> TermFunction:
    numbers = _to_device(term.numbers, device)

    def values(a: torch.Tensor, b: torch.Tensor) -> TermValues:
        distance = (numbers[a] - numbers[b]).abs()
        ramp = ((term.zero - distance) / (term.zero - term.full)).clamp(0.0, 1.0)
        closeness = torch.where(distance.isnan(), term.missing, ramp)
        return TermValues(closeness, closeness)

    return values


@_term_function.register
def _(term: OverlapTerm, device: torch.device) -> TermFunction:
    wishes = _to_device(term.wishes.view(np.int64), device)
    traits = _to_device(term.traits.view(np.int64), device)
    wish_counts = _to_device(term.wish_counts, device)
    trait_counts = _to_device(term.trait_counts, device)

    def jaccards(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        shared = _popcount(wishes[a] & traits[b]).sum(dim=1)
        ratios = shared.double() / (wish_counts[a] + trait_counts[b] - shared)
        return torch.where((wish_counts[a] == 0) | (trait_counts[b] == 0), term.missing, ratios)

    return lambda a, b: TermValues(jaccards(a, b), jaccards(b, a))


def _popcount(words: torch.Tensor) -> torch.Tensor:
    """Returns the number of ones in each int64, whose right shifts keep the sign."""
    x = words - ((words >> 1) & 0x5555555555555555)
    x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333)
    x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0F
    return (x * 0x0101010101010101) >> 56


def _columns(table: np.ndarray, device: torch.device) -> list[torch.Tensor]:
    """Returns the columns of an `(n, columns)` table on the device."""
    return [_to_device(column, device) for column in table.T]


def _to_device(array: np.ndarray, device: torch.device) -> torch.Tensor:
    """Copies an array to the device."""
    writable = array if array.flags.writeable else array.copy()  # torch accepts no others
    return torch.from_numpy(np.ascontiguousarray(writable)).to(device)
