"""Approximate scores of a tile of pairs in float32, with a bound on their error, and who may meet.

In: features, a category, an array of rows and an array of columns (both rows of the features).
Out: torch matrices. A term over codes is one product of thin matrices: rows of the weighted term
matrix times one-hot columns; a Jaccard term is one product of memberships and an element-wise ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from matching.features import Features
from matching.pairs import common_columns, term_matrix
from matching.policy import Eligibility, Term

FLOAT32_UNIT = 2.0**-24


@dataclass(frozen=True)
class Tile:
    """Directional scores of `(rows, columns)` in units of the category's total weight.

    Attributes:
        forward: float32, rows looking at columns; `backward`: columns looking at rows.
        error: Bound on the error of both against the reference, rounding to float32 included.
    """

    forward: torch.Tensor
    backward: torch.Tensor
    error: float


class TileScorer:
    """Scores tiles of one category on a device."""

    def __init__(self, features: Features, category: str, device: str) -> None:
        self.features, self.device = features, device
        weights = features.policy.categories[category].weights
        self.total = sum(weights.values())
        self.terms = {
            n: (features.policy.terms[n], w / self.total) for n, w in weights.items() if w
        }
        self.thin = {n: term_matrix(features.policy, n) for n in self.terms if self._is_thin(n)}
        width = features.vectors.shape[1] + sum(len(m) for m in self.thin.values())
        # A dot product of length n errs by at most n units of its factors' lengths (Higham 2002,
        # 3.1); every further operation by one; the last 2 units are the reference's own rounding.
        self.error = (width + 4 * len(self.terms) + 16 + 2) * FLOAT32_UNIT

    def score(self, cosines: torch.Tensor, rows: np.ndarray, columns: np.ndarray) -> Tile:
        """Both directional scores of the tile; `cosines` is its `(rows, columns)` float32 product."""
        forward = torch.zeros_like(cosines)
        if self.thin:
            hot = self._one_hot(columns)
            forward += self._weighted(rows, transposed=False) @ hot.T
            backward = self._weighted(rows, transposed=True) @ hot.T
        else:
            backward = torch.zeros_like(cosines)
        for name, (term, weight) in self.terms.items():
            if term.kind == "cosine":
                forward.add_(cosines, alpha=weight)
                backward.add_(cosines, alpha=weight)
            elif name not in self.thin:
                there, back = self._element_wise(term, rows, columns)
                forward.add_(there, alpha=weight)
                backward.add_(back, alpha=weight)
        return Tile(forward, backward, self.error)

    def _is_thin(self, name: str) -> bool:
        term = self.features.policy.terms[name]
        return bool(term.field and self.features.policy.shown_codes(term.field))

    def _weighted(self, rows: np.ndarray, transposed: bool) -> torch.Tensor:
        parts = []
        for name, matrix in self.thin.items():
            term, weight = self.terms[name]
            codes = self.features.codes[str(term.field)][rows]
            parts.append(weight * (matrix.T if transposed else matrix)[codes])
        return self._tensor(np.concatenate(parts, axis=1))

    def _one_hot(self, columns: np.ndarray) -> torch.Tensor:
        parts = []
        for name, matrix in self.thin.items():
            codes = self.features.codes[str(self.terms[name][0].field)][columns]
            parts.append(np.eye(len(matrix))[codes])
        return self._tensor(np.concatenate(parts, axis=1))

    def _element_wise(
        self, term: Term, rows: np.ndarray, columns: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if term.kind == "overlap":
            return self._jaccard(term, rows, columns), self._jaccard(term, columns, rows).T
        field = str(term.field)
        if term.kind == "equal":  # over an open vocabulary
            mine, theirs = (self._codes(field, where) for where in (rows, columns))
            told = (mine >= 0)[:, None] & (theirs >= 0)[None, :]
            same = (mine[:, None] == theirs[None, :]).float().masked_fill_(~told, term.missing)
            return same, same
        mine, theirs = (
            self._tensor(self.features.numbers[field][w], torch.float64) for w in (rows, columns)
        )
        distance = (mine[:, None] - theirs[None, :]).abs_()
        ramp = ((term.zero - distance) / (term.zero - term.full)).clamp_(0.0, 1.0).float()
        ramp = ramp.masked_fill_(distance.isnan(), term.missing)
        return ramp, ramp

    def _jaccard(self, term: Term, mine: np.ndarray, theirs: np.ndarray) -> torch.Tensor:
        """`mine` looking at `theirs`: one exact product of 0/1 matrices, then a ratio."""
        names = str(term.mine), str(term.theirs)
        common = np.array(common_columns(self.features, *names), dtype=np.int64).reshape(-1, 2)
        wishes, traits = self.features.sets[names[0]][mine], self.features.sets[names[1]][theirs]
        shared = self._tensor(wishes[:, common[:, 0]]) @ self._tensor(traits[:, common[:, 1]]).T
        sizes = self._tensor(wishes.sum(axis=1)), self._tensor(traits.sum(axis=1))
        either = (sizes[0][:, None] + sizes[1][None, :]).sub_(shared).clamp_(min=1.0)
        empty = (sizes[0] == 0)[:, None] | (sizes[1] == 0)[None, :]
        return shared.div_(either).masked_fill_(empty, term.missing)

    def _codes(self, field: str, where: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(self.features.codes[field][where]).to(self.device)

    def _tensor(self, values: np.ndarray, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device, dtype)


def combine_tile(how: str, forward: torch.Tensor, backward: torch.Tensor) -> torch.Tensor:
    """`scoring.combine` on tiles; never falling in either argument, which carries bounds through."""
    if how == "arithmetic":
        return (forward + backward).mul_(0.5)
    if how == "minimum":
        return torch.minimum(forward, backward)
    x, y = forward.clamp(min=0.0), backward.clamp(min=0.0)
    if how == "geometric":
        return (x * y).sqrt_()
    return (x * y).mul_(2.0).div_((x + y).clamp_(min=torch.finfo(torch.float32).tiny))


def eligible_tile(
    features: Features, rules: Eligibility, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Who of the rows may meet whom of the columns, `(rows, columns)` bool; both ascending.

    The `same` rules are left to the caller: rows and columns come from one block.
    """
    mask = rows[:, None] != columns[None, :]
    for field in rules.different:
        mine, theirs = features.codes[field][rows], features.codes[field][columns]
        mask &= (mine[:, None] != theirs[None, :]) & (mine >= 0)[:, None] & (theirs >= 0)[None, :]
    for rule in rules.within:
        numbers = features.numbers[rule.field]
        mask &= np.abs(numbers[rows][:, None] - numbers[columns][None, :]) <= rule.distance
    for accepts in rules.accepts:
        table = _accepted(features, accepts.wish, accepts.of)
        told = features.codes[accepts.of]
        mask &= table[rows][:, told[columns]] & table[columns][:, told[rows]].T
    if rules.blocked:
        _clear_blocked(mask, features.blocked, rows, columns)
    return mask


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


def _clear_blocked(
    mask: np.ndarray, blocked: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> None:
    for pairs in (blocked, blocked[:, ::-1]):
        row = np.searchsorted(rows, pairs[:, 0]).clip(max=len(rows) - 1)
        column = np.searchsorted(columns, pairs[:, 1]).clip(max=len(columns) - 1)
        here = (rows[row] == pairs[:, 0]) & (columns[column] == pairs[:, 1])
        mask[row[here], column[here]] = False
