"""A certified upper bound on every pair's mutual score, as one product of two thin matrices.

In: features, a category and rows. Out: `Bound`: for any two rows a and b that may meet

    mutual(a, b) / total weight <= left[a] . right[b] + slack

whatever the order in which the product is summed. No mean lies above the larger of 0 and the
arithmetic one, and that is a sum of symmetric bilinear forms:

    cosine           the embedding itself
    code terms       E diag(l) E^T of the symmetrised term matrix, one row a code
    number terms     the same over bins, each pair of bins at the best that it allows
    overlap terms    Jaccard <= shared / sqrt(|p| |q|) = P.Q, and
                     P_a.Q_b + Q_a.P_b = ((P+Q)_a.(P+Q)_b - (P-Q)_a.(P-Q)_b) / 2

Columns that add and columns that subtract are each rotated onto their principal axes, and only the
axes with the most energy are kept: for the rest, Cauchy and Schwarz bound x_a.x_b by |x_a| |x_b|,
one column in all (the idea of Li, Chan, Yiu and Mamoulis, FEXIPRO, SIGMOD 2017). Rounding to the
tile's dtype is bounded the same way, x.y - x^.y^ <= |dx| |y| + |x^| |dy|: by two columns in
bfloat16, by its most in int16, whose unit is so small that this hardly matters. The pairs that
survive have the product of what was left out put in the place of its bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from matching.features import Features
from matching.pairs import common_columns, is_open, term_matrix
from matching.policy import Term

BINS = 16
CHUNK = 2048  # rows whose columns are laid out at once, in float64
SAMPLE = 4096  # columns, and SAMPLE_ROWS rows, by which the number of axes is chosen
SAMPLE_ROWS = 128
# Columns multiplied in the time that one surviving pair takes: measured for float32 and int16 on a
# CPU; the others from the ratio of the speeds.
PAIR_COSTS = {
    "cpu": {torch.float32: 7_000, torch.int16: 11_000, torch.bfloat16: 42_000},
    "cuda": {torch.float32: 100_000, torch.bfloat16: 1_000_000},
}
STEP = 16  # the number of axes is a multiple of this
# How far one step of summing may err, in units of float32. A tensor core adds products that it has
# aligned to the largest one and cut off, at half the precision of rounding and once more for the
# running sum (Fasi, Higham, Mikaitis and Pranesh, Numerical behavior of NVIDIA tensor cores, 2021).
SUMMING = {"cpu": 1, "cuda": 4}
UNITS = {torch.float32: 2.0**-24, torch.bfloat16: 2.0**-9}  # half the spacing below 1
LONGEST = 32_700  # row of integers: its products with others, and parts of them, fit into int32


@dataclass(frozen=True)
class Bound:
    """The two thin matrices, and what they leave out.

    Attributes:
        left: `(n, columns)` tensor of the tile's dtype, on the device; an even number of int16.
        right: The same.
        unit: What a product of 1 is worth.
        rest: `(n, left out)` float32.
        signs: `(left out,)` float32: 1 where a column adds, -1 where it subtracts.
        spread: `(n,)` float32, no less than the rows' lengths in `rest`.
        slack: In units of the total weight.
        total: The total weight.
    """

    left: torch.Tensor
    right: torch.Tensor
    unit: float
    rest: np.ndarray
    signs: np.ndarray
    spread: np.ndarray
    slack: float
    total: float

    def take(self, order: np.ndarray) -> Bound:
        """The same for the rows in another order."""
        names = ("left", "right", "rest", "spread")
        return replace(self, **{name: getattr(self, name)[order] for name in names})


Columns = Callable[[np.ndarray, Any], np.ndarray]  # of some rows, in a dtype


@dataclass(frozen=True)
class _Form:
    """Columns of one term: `add` minus `subtract` is bounded below by nothing but the term."""

    add: Columns
    subtract: Columns


class Forms:
    """A category's terms as columns; `total` is the sum of their weights."""

    def __init__(self, forms: list[_Form], total: float) -> None:
        self._forms, self.total = forms, total

    def columns(
        self, rows: np.ndarray, dtype: type[np.floating[Any]] = np.float64
    ) -> tuple[np.ndarray, np.ndarray]:
        """Columns that add and columns that subtract, `(rows, .)` each."""
        add = [form.add(rows, dtype) for form in self._forms]
        subtract = [form.subtract(rows, dtype) for form in self._forms]
        return np.concatenate(add, axis=1), np.concatenate(subtract, axis=1)


def term_forms(features: Features, category: str) -> Forms:
    """The terms of a category."""
    weights = features.policy.categories[category].weights
    total = sum(weights.values())
    terms = [(features.policy.terms[n], w / total) for n, w in weights.items() if w]
    return Forms([_FORMS[_kind(features, t)](features, t, w) for t, w in terms], total)


def rotated_bound(forms: Forms, rows: np.ndarray, k: int, dtype: torch.dtype, device: str) -> Bound:
    """Bound for the pairs among `rows`, `(n,)` int64, of which each side's k best are wanted."""
    axes = _principal_axes(forms, rows, k, PAIR_COSTS[device][dtype])
    signs, others = axes.signs()
    kept = np.empty((len(rows), len(signs) + 1), dtype=np.float32)  # and what bounds the rest
    rest = np.empty((len(rows), len(others)), dtype=np.float32)
    for chunk in _chunks(len(rows)):
        kept[chunk, :-1], left_out = axes.split(forms.columns(rows[chunk]))
        rest[chunk], kept[chunk, -1] = left_out, (1 + 1e-6) * _lengths(left_out)
    signs = np.r_[signs, np.float32(1)]
    return _laid_out(forms, kept, signs, rest, others, len(rows), dtype, device)


def plain_bound(
    forms: Forms, rows: np.ndarray, sought: int, dtype: torch.dtype, device: str
) -> Bound:
    """The same with all columns as they are: less to prepare, more to multiply.

    Only the first `sought` rows get a left side.
    """
    widths = [part.shape[1] for part in forms.columns(rows[:1], np.float32)]
    whole = np.zeros((len(rows), sum(widths) + 1), dtype=np.float32)
    for chunk in _chunks(len(rows)):
        columns = forms.columns(rows[chunk], np.float32)
        whole[chunk, : widths[0]], whole[chunk, widths[0] : -1] = columns
    signs = np.repeat(np.array([1, -1, 1], dtype=np.float32), [*widths, 1])
    rest = np.zeros((len(rows), 0), np.float32)
    return _laid_out(forms, whole, signs, rest, rest[0], sought, dtype, device)


def _laid_out(
    forms: Forms,
    kept: np.ndarray,
    signs: np.ndarray,
    rest: np.ndarray,
    others: np.ndarray,
    sought: int,
    dtype: torch.dtype,
    device: str,
) -> Bound:
    """The thin matrices of the kept columns, `(n, .)` float32, of which the last bounds `rest`."""
    unit, lost, length = 1.0, 0.0, _longest(kept)
    if dtype == torch.int16:
        left, right, unit, lost = _integers(kept, signs, sought, length)
    else:
        left, right = _floats(kept, signs, sought, dtype)
    spread = right[:, kept.shape[1] - 1].float().numpy() * np.float32(np.sqrt(unit))
    # A sum of c products errs by at most c units of the factors' lengths (Higham 2002, 3.1), in
    # the accumulator's float32; a bfloat16 result is rounded once more. The last 2^-20 is for the
    # rounding of the columns, the float64 steps, the score's own rounding and the threshold's.
    square = (length + lost) ** 2 + 2 * float(spread.max(initial=0.0)) ** 2
    steps = SUMMING[device] * (left.shape[1] + rest.shape[1] + 8)
    error = steps * UNITS[torch.float32] * square + lost * (2 * length + lost)
    if dtype == torch.bfloat16:
        error += 2 * UNITS[dtype] * (1 + 2 * square)
    slack = error + 2.0**-20 * (1 + square)
    left, right = left.to(device), right.to(device)
    return Bound(left, right, unit, rest, others, spread, slack, forms.total)


def _integers(
    kept: np.ndarray, signs: np.ndarray, sought: int, length: float
) -> tuple[torch.Tensor, torch.Tensor, float, float]:
    """Both matrices as int16, what a product of theirs is worth, and the most that a row loses."""
    columns, scale, lost = kept.shape[1], LONGEST / max(length, 1e-9), 0.0
    right = np.zeros((len(kept), columns + columns % 2), dtype=np.int16)
    for chunk in _chunks(len(kept)):
        scaled = np.float32(scale) * kept[chunk]
        rounded = np.rint(scaled)
        rounded[:, -1] = np.ceil(scaled[:, -1])
        right[chunk, :columns] = rounded
        lost = max(lost, float(_lengths((scaled - rounded)[:, :-1]).max()))
    left = right[:sought].copy()
    left[:, :columns] *= signs.astype(np.int16)
    return torch.from_numpy(left), torch.from_numpy(right), scale**-2, 1.001 * lost / scale


def _longest(matrix: np.ndarray) -> float:
    """Length of the longest row, a little above."""
    return 1.001 * float(_lengths(matrix).max())


def _lengths(matrix: np.ndarray) -> np.ndarray:
    """Of each row."""
    return np.sqrt(np.einsum("ij,ij->i", matrix, matrix))


@dataclass(frozen=True)
class _Axes:
    """Principal axes of the columns that add and of those that subtract.

    Attributes:
        axes: `(columns, axes)` float64 each, by falling energy.
        kept: How many of each are multiplied.
    """

    axes: tuple[np.ndarray, np.ndarray]
    kept: tuple[int, int]

    def split(self, columns: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Columns on the axes that are kept and on the others, `(rows, .)` float64 each."""
        whole = list(zip(columns, self.axes, self.kept, strict=True))
        kept = [part @ axes[:, :count] for part, axes, count in whole]
        rest = [part @ axes[:, count:] for part, axes, count in whole]
        return np.concatenate(kept, axis=1), np.concatenate(rest, axis=1)

    def signs(self) -> tuple[np.ndarray, np.ndarray]:
        """1 where a kept axis adds and -1 where it subtracts, and the same of the others."""
        both = np.array([1, -1], dtype=np.float32)
        others = [axes.shape[1] - count for axes, count in zip(self.axes, self.kept, strict=True)]
        return np.repeat(both, self.kept), np.repeat(both, others)


def _chunks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, CHUNK):
        yield slice(start, min(start + CHUNK, rows))


def _principal_axes(forms: Forms, rows: np.ndarray, k: int, pair_cost: int) -> _Axes:
    """Axes by a strided sample, and as many kept of both kinds as make the night shortest."""
    sample = forms.columns(rows[:: -(-len(rows) // SAMPLE)])
    found = [np.linalg.eigh(part.T @ part) for part in sample]
    energies = np.concatenate([energy[::-1] for energy, _ in found])
    add, subtract = (np.ascontiguousarray(axes[:, ::-1]) for _, axes in found)
    order = np.argsort(-energies, kind="stable")
    whole = _Axes((add, subtract), (add.shape[1], subtract.shape[1]))
    rotated, signs = whole.split(sample)[0][:, order], whole.signs()[0][order]
    count = _how_many(rotated, signs, k / len(rows), pair_cost)
    adding = int((order[:count] < add.shape[1]).sum())
    return replace(whole, kept=(adding, count - adding))


def _how_many(rotated: np.ndarray, signs: np.ndarray, share: float, pair_cost: int) -> int:
    """Number of axes at which multiplying them and scoring the survivors cost least together.

    `share` of a row's pairs are wanted; a pair survives where its bound reaches the least of them.
    """
    rotated = rotated.astype(np.float32)
    rows = rotated[:: -(-len(rotated) // SAMPLE_ROWS)]
    wanted = min(max(1, round(share * len(rotated))), len(rotated) - 1)
    exact = (rows * signs) @ rotated.T
    threshold = np.partition(exact, -wanted - 1, axis=1)[:, -wanted - 1, None]  # but for oneself
    reached = np.count_nonzero(exact >= threshold)
    rest = [np.cumsum(side[:, ::-1] ** 2, axis=1)[:, ::-1] for side in (rows, rotated)]
    head, best, cheapest = np.zeros_like(exact), rotated.shape[1], float(rotated.shape[1])
    for count in range(STEP, rotated.shape[1], STEP):
        step = slice(count - STEP, count)
        head += (rows[:, step] * signs[step]) @ rotated[:, step].T
        bound = head + np.sqrt(rest[0][:, count, None] * rest[1][:, count])
        extra = max(np.count_nonzero(bound >= threshold) - reached, 0) / exact.size
        cost = count + 2 * pair_cost * extra
        if cost < cheapest:
            best, cheapest = count, cost
    return best


def _floats(
    kept: np.ndarray, signs: np.ndarray, sought: int, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Both matrices as floats, in bfloat16 with two columns more that bound what it loses."""
    whole, sign, columns = torch.from_numpy(kept), torch.from_numpy(signs), kept.shape[1]
    if dtype == torch.float32:
        return whole[:sought] * sign, whole
    right = torch.empty((len(kept), columns + 2), dtype=dtype)
    left = torch.empty_like(right)
    for chunk in _chunks(len(kept)):
        part, mine, theirs = kept[chunk, :-1], left[chunk], right[chunk]
        theirs[:, : columns - 1] = whole[chunk, :-1]
        theirs[:, columns - 1] = _above(kept[chunk, -1], dtype)
        mine[:, :columns] = theirs[:, :columns] * sign.to(dtype)
        length, lost = _lengths(part), _lengths(part - theirs[:, : columns - 1].float().numpy())
        mine[:, columns] = theirs[:, columns + 1] = _above(lost, dtype)
        mine[:, columns + 1], theirs[:, columns] = (
            _above(length + lost, dtype),
            _above(length, dtype),
        )
    return left[:sought], right


def _above(values: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    """Values of `dtype` that are nowhere below `values`."""
    return torch.from_numpy(values * (1 + 4 * UNITS[dtype]) + 1e-12).to(dtype)


def _kind(features: Features, term: Term) -> str:
    if term.kind in ("cosine", "overlap", "number"):
        return term.kind
    return "open" if is_open(features.policy, term) else "codes"


def _nothing(rows: np.ndarray, dtype: Any) -> np.ndarray:  # noqa: ANN401
    return np.zeros((len(rows), 0), dtype)


def _cosine(features: Features, term: Term, weight: float) -> _Form:
    def add(rows: np.ndarray, dtype: Any) -> np.ndarray:  # noqa: ANN401
        return dtype(np.sqrt(weight)) * features.vectors[rows].astype(dtype, copy=False)

    return _Form(add, _nothing)


def _codes(features: Features, term: Term, weight: float) -> _Form:
    name = next(n for n, t in features.policy.terms.items() if t is term)
    codes = features.codes[str(term.field)]
    return _of_codes(codes, weight * term_matrix(features.policy, name))


def _of_codes(codes: np.ndarray, matrix: np.ndarray) -> _Form:
    """A directional matrix over codes; -1 is its last row."""
    values, axes = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = [sign * values > 1e-13 for sign in (1.0, -1.0)]
    tables = [axes[:, k] * np.sqrt(np.abs(values[k])) for k in kept]
    add, subtract = tables
    return _Form(
        lambda rows, dtype: add.astype(dtype)[codes[rows]],
        lambda rows, dtype: subtract.astype(dtype)[codes[rows]],
    )


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
    common = common_columns(features, *names)
    scale = np.sqrt(weight) / 2

    def side(rows: np.ndarray, which: int, dtype: Any) -> np.ndarray:  # noqa: ANN401
        sets = features.sets[names[which]][rows]
        length = scale / np.sqrt(np.maximum(sets.sum(axis=1), 1))
        return sets[:, common[which]] * length.astype(dtype)[:, None]

    return _Form(
        lambda rows, dtype: side(rows, 0, dtype) + side(rows, 1, dtype),
        lambda rows, dtype: side(rows, 0, dtype) - side(rows, 1, dtype),
    )


_FORMS: dict[str, Callable[[Features, Term, float], _Form]] = {
    "cosine": _cosine,
    "codes": _codes,
    "open": _open,
    "number": _number,
    "overlap": _overlap,
}
