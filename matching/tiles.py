"""Bounds on the mutual scores of a tile of pairs in float32, and who of them may meet.

In: features, a category and an eligibility block (rows that share their `same` fields). Everything
a tile needs is laid out once a block; a tile is then a slice of the block's rows against all of it.
A term over codes is one product of thin matrices: rows of the weighted term matrix times one-hot
columns; a Jaccard term is a product of memberships and an element-wise ratio.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from matching.features import Features
from matching.pairs import common_columns, term_matrix
from matching.policy import Term

UNIT = 2.0**-24  # half the spacing of float32 below 1


@dataclass(frozen=True)
class Bounds:
    """Bounds on a tile's mutual scores, `(rows, block)` float32, in units of the total weight.

    A pair's score is at most `high + slack` if another's is at least `low`: a pair with
    `high + slack < low` of the other is certainly worth less, float32 rounding included.
    """

    low: torch.Tensor
    high: torch.Tensor
    slack: float


class BlockScorer:
    """Bounds and eligibility of one category within one block."""

    def __init__(self, features: Features, category: str, block: np.ndarray, device: str) -> None:
        self.features, self.block, self.device = features, block, device
        self.rules = features.policy.eligibility_of(category)
        self.combine = features.policy.combine
        weights = features.policy.categories[category].weights
        total = sum(weights.values())
        terms = {n: (features.policy.terms[n], w / total) for n, w in weights.items() if w}
        self.cosine = sum(weight for term, weight in terms.values() if term.kind == "cosine")
        thin = {n: found for n, found in terms.items() if _is_thin(features, found[0])}
        self._lay_out_thin(thin)
        self.element_wise: list[tuple[float, _Layout]] = [
            (weight, _LAYOUTS[term.kind](self, term))
            for name, (term, weight) in terms.items()
            if name not in thin and term.kind != "cosine"
        ]
        # A dot product of length n errs by at most n units of its factors' lengths (Higham 2002,
        # 3.1), every further operation by one; the last 4 are the reference's own rounding.
        width = features.vectors.shape[1] + self.hot.shape[1]
        self.error = (width + 4 * len(terms) + 16 + 4) * UNIT

    def bounds(self, cosines: torch.Tensor, tile: slice) -> Bounds:
        """Bounds for rows `block[tile]`; `cosines` is their `(rows, block)` float32 product."""
        if self.combine == "arithmetic":  # linear: one matrix serves both directions
            mid = self._directed(cosines, tile, 0.5 * (self.forward + self.backward)[tile])
            for weight, term in self.element_wise:
                there, back = term.both(tile)
                mid.add_(there, alpha=weight / 2).add_(back, alpha=weight / 2)
            return Bounds(mid, mid, 2 * self.error)
        forward = self._directed(cosines, tile, self.forward[tile])
        backward = self._directed(cosines, tile, self.backward[tile])
        for weight, term in self.element_wise:
            there, back = term.both(tile)
            forward.add_(there, alpha=weight)
            backward.add_(back, alpha=weight)
        # Every mean rises with each direction, and by as much as both do: bounds carry through.
        low = combine_tile(self.combine, forward - self.error, backward - self.error)
        high = combine_tile(self.combine, forward + self.error, backward + self.error)
        return Bounds(low, high, 8 * UNIT)

    def allowed(self, tile: slice) -> torch.Tensor:
        """Who of `block[tile]` may meet whom of the block, `(rows, block)` bool."""
        rows = self.block[tile]
        allowed = torch.ones(len(rows), len(self.block), dtype=torch.bool, device=self.device)
        allowed.diagonal(tile.start).fill_(False)
        for field in self.rules.different:
            codes = self.tensor(self.features.codes[field][self.block], torch.int32)
            allowed &= codes[tile, None] != codes[None, :]
            allowed &= (codes[tile, None] >= 0) & (codes[None, :] >= 0)
        for rule in self.rules.within:
            numbers = self.tensor(self.features.numbers[rule.field][self.block], torch.float64)
            allowed &= (numbers[tile, None] - numbers[None, :]).abs_() <= rule.distance
        for accepts in self.rules.accepts:
            table = self.tensor(_accepted(self.features, accepts.wish, accepts.of)[self.block])
            told = self.tensor(self.features.codes[accepts.of][self.block], torch.int64)
            told = torch.where(told < 0, table.shape[1] - 1, told)
            allowed &= (table[tile][:, told] > 0) & (table[:, told[tile]].T > 0)
        if self.rules.blocked:
            self._clear_blocked(allowed, rows)
        return allowed

    def tensor(self, values: np.ndarray, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """Values on the device."""
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device, dtype)

    def _lay_out_thin(self, thin: dict[str, tuple[Term, float]]) -> None:
        forward, backward, hot = [np.zeros((len(self.block), 1))] * 3
        for name, (term, weight) in thin.items():
            matrix = weight * term_matrix(self.features.policy, name)
            codes = self.features.codes[str(term.field)][self.block]
            forward = np.concatenate([forward, matrix[codes]], axis=1)
            backward = np.concatenate([backward, matrix.T[codes]], axis=1)
            hot = np.concatenate([hot, np.eye(len(matrix))[codes]], axis=1)
        self.forward, self.backward = self.tensor(forward), self.tensor(backward)
        self.hot = self.tensor(hot)

    def _directed(self, cosines: torch.Tensor, tile: slice, weighted: torch.Tensor) -> torch.Tensor:
        return torch.addmm(cosines, weighted, self.hot.T, beta=self.cosine)

    def _clear_blocked(self, allowed: torch.Tensor, rows: np.ndarray) -> None:
        blocked = self.features.blocked
        for pairs in (blocked, blocked[:, ::-1]):
            row = np.searchsorted(rows, pairs[:, 0]).clip(max=len(rows) - 1)
            column = np.searchsorted(self.block, pairs[:, 1]).clip(max=len(self.block) - 1)
            here = (rows[row] == pairs[:, 0]) & (self.block[column] == pairs[:, 1])
            found = (self.tensor(x[here], torch.int64) for x in (row, column))
            allowed[tuple(found)] = False


def combine_tile(how: str, forward: torch.Tensor, backward: torch.Tensor) -> torch.Tensor:
    """`scoring.combine` on tiles, but for the arithmetic mean."""
    if how == "minimum":
        return torch.minimum(forward, backward)
    x, y = forward.clamp(min=0.0), backward.clamp(min=0.0)
    if how == "geometric":
        return (x * y).sqrt_()
    return (x * y).mul_(2.0).div_((x + y).clamp_(min=torch.finfo(torch.float32).tiny))


class _Layout(Protocol):
    """A term that no thin product gives, laid out for a block."""

    def both(self, tile: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows looking at the block, and the block looking at rows."""
        ...


class _Overlap:
    """Jaccard of wishes against traits, laid out for a block."""

    def __init__(self, scorer: BlockScorer, term: Term) -> None:
        names = str(term.mine), str(term.theirs)
        sets = [scorer.features.sets[name][scorer.block] for name in names]
        pairs = common_columns(scorer.features, *names)
        common = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        self.wishes, self.traits = (
            scorer.tensor(s[:, c]) for s, c in zip(sets, common.T, strict=True)
        )
        self.wished, self.told = (scorer.tensor(s.sum(axis=1)) for s in sets)
        self.missing = term.missing

    def both(self, tile: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows looking at the block, and the block looking at rows."""
        there = self._ratio(self.wishes[tile] @ self.traits.T, self.wished[tile], self.told)
        back = self._ratio(self.traits[tile] @ self.wishes.T, self.told[tile], self.wished)
        return there, back

    def _ratio(self, shared: torch.Tensor, rows: torch.Tensor, block: torch.Tensor) -> torch.Tensor:
        either = (rows[:, None] + block[None, :]).sub_(shared).clamp_(min=1.0)
        ratio = shared.div_(either)
        ratio[rows == 0] = self.missing
        ratio[:, block == 0] = self.missing
        return ratio


class _Number:
    """A ramp over the distance of two numbers, laid out for a block."""

    def __init__(self, scorer: BlockScorer, term: Term) -> None:
        values = scorer.features.numbers[str(term.field)][scorer.block]
        self.values, self.term = scorer.tensor(values, torch.float64), term

    def both(self, tile: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """The same value both ways."""
        term = self.term
        distance = (self.values[tile, None] - self.values[None, :]).abs_()
        ramp = ((term.zero - distance) / (term.zero - term.full)).clamp_(0.0, 1.0).float()
        ramp = ramp.masked_fill_(distance.isnan(), term.missing)
        return ramp, ramp


class _OpenEqual:
    """Equality over an open vocabulary, laid out for a block."""

    def __init__(self, scorer: BlockScorer, term: Term) -> None:
        codes = scorer.features.codes[str(term.field)][scorer.block]
        self.codes, self.missing = scorer.tensor(codes, torch.int32), term.missing

    def both(self, tile: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """The same value both ways."""
        mine, theirs = self.codes[tile, None], self.codes[None, :]
        same = (mine == theirs).float().masked_fill_((mine < 0) | (theirs < 0), self.missing)
        return same, same


_LAYOUTS: dict[str, Callable[[BlockScorer, Term], _Layout]] = {
    "overlap": _Overlap,
    "number": _Number,
    "equal": _OpenEqual,
}


def _is_thin(features: Features, term: Term) -> bool:
    return term.kind in ("equal", "table", "ordinal") and bool(
        features.policy.shown_codes(str(term.field))
    )


def _accepted(features: Features, wish: str, of: str) -> np.ndarray:
    """`(n, codes + 1)` bool: may a user meet someone of that code (last: not told)?"""
    wishes, names = features.sets[wish], features.code_names
    positions = {name: i for i, name in enumerate(names[wish])}
    accepted = np.zeros((len(wishes), len(names[of]) + 1), dtype=bool)
    for column, name in enumerate(names[of]):
        if name in positions:
            accepted[:, column] = wishes[:, positions[name]]
    accepted[~wishes.any(axis=1)] = True
    return accepted
