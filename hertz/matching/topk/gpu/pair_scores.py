"""`pairs.py` on a GPU: the same arithmetic in the same order in torch, and so the same bits.

In: a category's scores and rules, and pairs of rows, `(m,)` int64 tensors. Out: whether they may
meet, and their mutual scores. Nothing here is fused: a fused multiply-add would round once less.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

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

Both = tuple[torch.Tensor, torch.Tensor]
Term = Callable[[torch.Tensor, torch.Tensor], Both]


class GpuPairScorer:
    """What pairs of rows are worth in a category, and which may meet.

    Args:
        scorer: The category's scores.
        rules: The category's rules.
        where: The device.
    """

    def __init__(self, scorer: PairScorer, rules: EligibilityRules, where: torch.device) -> None:
        self._combine, self._distances = scorer.combine, rules.distances.tolist()
        self._terms = [(weight, _term(term, where)) for weight, term in scorer.terms]
        tables = (rules.same, rules.different, rules.numbers, rules.code_columns)
        self._same, self._different, self._numbers, self._told = (
            [_put(column, where) for column in table.T] for table in tables
        )
        self._accepted, self._rows = _put(rules.accepted, where), len(rules.same)
        first = np.repeat(np.arange(self._rows), np.diff(rules.blocked_starts))
        self._blocked = _put(first * self._rows + rules.blocked, where)

    def mutual(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """`(m,)` float32 mutual scores."""
        forward = torch.zeros(len(a), dtype=torch.float64, device=a.device)
        backward = forward.clone()
        for weight, term in self._terms:
            there, back = term(a, b)
            forward += weight * there
            backward += weight * back
        return combine(self._combine, forward, backward).float()

    def may_meet(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """`(m,)` bool."""
        allowed = a != b
        for codes in self._same:
            allowed &= (codes[a] == codes[b]) & (codes[a] >= 0)
        for codes in self._different:
            allowed &= (codes[a] != codes[b]) & (codes[a] >= 0) & (codes[b] >= 0)
        for numbers, distance in zip(self._numbers, self._distances, strict=True):
            allowed &= (numbers[a] - numbers[b]).abs() <= distance
        for told in self._told:
            allowed &= self._accepted[a, told[b]] & self._accepted[b, told[a]]
        if len(self._blocked):
            pairs = a * self._rows + b
            at = torch.searchsorted(self._blocked, pairs).clamp(max=len(self._blocked) - 1)
            allowed &= self._blocked[at] != pairs
        return allowed


def combine(how: str, forward: torch.Tensor, backward: torch.Tensor) -> torch.Tensor:
    """`reference.combine` on tensors of any shape."""
    if how == "arithmetic":
        return (forward + backward) * 0.5
    if how == "minimum":
        return torch.minimum(forward, backward)
    x, y = forward.clamp(min=0.0), backward.clamp(min=0.0)
    product = x * y
    mean = product.sqrt() if how == "geometric" else 2.0 * product / (x + y)
    return torch.where((x > 0) & (y > 0), mean, 0.0)


@singledispatch
def _term(term: Any, where: torch.device) -> Term:  # noqa: ANN401
    """A term's values for a looking at b, and for b looking at a: `(m,)` float64 each."""
    raise TypeError(type(term).__name__)


@_term.register
def _(term: CosineTerm, where: torch.device) -> Term:
    vectors = _put(term.vectors, where)

    def both(a: torch.Tensor, b: torch.Tensor) -> Both:
        values = cosines(vectors, a, b)
        return values, values

    return both


@_term.register
def _(term: CodeTerm, where: torch.device) -> Term:
    codes, matrix = _put(term.codes, where), _put(term.matrix, where)
    return lambda a, b: (matrix[codes[a], codes[b]], matrix[codes[b], codes[a]])


@_term.register
def _(term: OpenCodeTerm, where: torch.device) -> Term:
    codes = _put(term.codes, where)

    def both(a: torch.Tensor, b: torch.Tensor) -> Both:
        mine, theirs = codes[a], codes[b]
        same = torch.where((mine < 0) | (theirs < 0), term.missing, (mine == theirs).double())
        return same, same

    return both


@_term.register
def _(term: NumberTerm, where: torch.device) -> Term:
    numbers = _put(term.numbers, where)

    def both(a: torch.Tensor, b: torch.Tensor) -> Both:
        distance = (numbers[a] - numbers[b]).abs()
        ramp = ((term.zero - distance) / (term.zero - term.full)).clamp(0.0, 1.0)
        values = torch.where(distance.isnan(), term.missing, ramp)
        return values, values

    return both


@_term.register
def _(term: OverlapTerm, where: torch.device) -> Term:
    wishes, traits = (_put(bits.view(np.int64), where) for bits in (term.wishes, term.traits))
    wished, told = _put(term.wish_counts, where), _put(term.trait_counts, where)

    def looking(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        shared = _ones(wishes[a] & traits[b]).sum(dim=1)
        values = shared.double() / (wished[a] + told[b] - shared)
        return torch.where((wished[a] == 0) | (told[b] == 0), term.missing, values)

    return lambda a, b: (looking(a, b), looking(b, a))


def _ones(words: torch.Tensor) -> torch.Tensor:
    """Number of ones in int64 words, whose shifts keep the sign (Warren, Hacker's Delight, 5-1)."""
    x = words - ((words >> 1) & 0x5555555555555555)
    x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333)
    x = (x + (x >> 4)) & 0x0F0F0F0F0F0F0F0F
    return (x * 0x0101010101010101) >> 56


def _put(array: np.ndarray, where: torch.device) -> torch.Tensor:
    own = array if array.flags.writeable else array.copy()  # torch takes no others
    return torch.from_numpy(np.ascontiguousarray(own)).to(where)
