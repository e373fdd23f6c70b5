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
tile's dtype is bounded the same way, by two columns: x.y - x^.y^ <= |dx| |y| + |x^| |dy|. The
pairs that survive have the product of what was left out put in the place of its bound.
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
# Columns multiplied in the time that one surviving pair takes: measured for float32 on a CPU; the
# others from the ratio of the speeds.
PAIR_COSTS = {"cpu": {4: 7_000, 2: 42_000}, "cuda": {4: 100_000, 2: 1_000_000}}
STEP = 16  # the number of axes is a multiple of this
# How far one step of summing may err, in units of float32. A tensor core adds products that it has
# aligned to the largest one and cut off, at half the precision of rounding and once more for the
# running sum (Fasi, Higham, Mikaitis and Pranesh, Numerical behavior of NVIDIA tensor cores, 2021).
SUMMING = {"cpu": 1, "cuda": 4}
UNITS = {torch.float32: 2.0**-24, torch.bfloat16: 2.0**-9}  # half the spacing below 1


@dataclass(frozen=True)
class Bound:
    """The two thin matrices, and what they leave out.

    Attributes:
        left: `(n, columns)` tensor of the tile's dtype, on the device.
        right: The same.
        rest: `(n, left out)` float32.
        signs: `(left out,)` float32: 1 where a column adds, -1 where it subtracts.
        spread: `(n,)` float32, no less than the rows' lengths in `rest`.
        slack: In units of the total weight.
        total: The total weight.
    """

    left: torch.Tensor
    right: torch.Tensor
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
    axes = _principal_axes(forms, rows, k, PAIR_COSTS[device][dtype.itemsize])
    signs = axes.signs()
    left = torch.empty((len(rows), len(signs[0]) + 3), dtype=dtype)
    right = torch.empty_like(left)
    rest = np.empty((len(rows), len(signs[1])), dtype=np.float32)
    spread = np.empty(len(rows), dtype=np.float32)
    for chunk in _chunks(len(rows)):
        kept, left_out = axes.split(forms.columns(rows[chunk]))
        rest[chunk] = left_out
        above = _above(_lengths(left_out), dtype)
        spread[chunk] = above.float().numpy()
        _fill(left[chunk], right[chunk], torch.from_numpy(kept), signs[0], above)
    return _with_slack(forms, left, right, rest, signs[1], spread, device)


def plain_bound(forms: Forms, rows: np.ndarray, sought: int, device: str) -> Bound:
    """The same with all columns as they are, in float32: less to prepare, more to multiply.

    Only the first `sought` rows get a left side.
    """
    widths = [part.shape[1] for part in forms.columns(rows[:1], np.float32)]
    right = np.empty((len(rows), sum(widths)), dtype=np.float32)
    for chunk in _chunks(len(rows)):
        columns = forms.columns(rows[chunk], np.float32)
        right[chunk, : widths[0]], right[chunk, widths[0] :] = columns
    left = right[:sought].copy()
    right[:, widths[0] :] *= -1
    rest, spread = np.zeros((len(rows), 0), np.float32), np.zeros(len(rows), np.float32)
    whole = torch.from_numpy(left), torch.from_numpy(right)
    return _with_slack(forms, *whole, rest, rest[0], spread, device)


def _with_slack(
    forms: Forms,
    left: torch.Tensor,
    right: torch.Tensor,
    rest: np.ndarray,
    signs: np.ndarray,
    spread: np.ndarray,
    device: str,
) -> Bound:
    # A sum of c products errs by at most c units of the factors' lengths (Higham 2002, 3.1), in
    # the accumulator's float32; a bfloat16 result is rounded once more. The last 2^-20 is for the
    # rounding of the columns, the float64 steps, the score's own rounding and the threshold's.
    length = _longest(left) * _longest(right) + 2 * float(spread.max(initial=0.0)) ** 2
    steps = SUMMING[device] * (left.shape[1] + rest.shape[1] + 8)
    error = steps * UNITS[torch.float32] * length
    if left.dtype != torch.float32:
        error += 2 * UNITS[left.dtype] * (1 + length)
    slack = error + 2.0**-20 * (1 + length)
    left, right = left.to(device), right.to(device)
    return Bound(left, right, rest, signs, spread, slack, forms.total)


def _longest(matrix: torch.Tensor) -> float:
    """Length of the longest row, a little above."""
    parts = (matrix[chunk].float().numpy() for chunk in _chunks(len(matrix)))
    return 1.001 * max(float(_lengths(part).max()) for part in parts)


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


def _fill(
    left: torch.Tensor,
    right: torch.Tensor,
    kept: torch.Tensor,
    signs: np.ndarray,
    spread: torch.Tensor,
) -> None:
    """Rows of the two thin matrices: the kept columns, and the three that bound what is lost."""
    dtype, columns = left.dtype, kept.shape[1]
    left[:, :columns] = kept
    right[:, :columns] = left[:, :columns] * torch.from_numpy(signs).to(dtype)
    length = _lengths(kept.numpy())
    lost = _lengths((kept - left[:, :columns]).numpy())
    left[:, columns] = right[:, columns] = spread
    left[:, columns + 1] = right[:, columns + 2] = _above(lost, dtype)
    left[:, columns + 2], right[:, columns + 1] = (
        _above(length + lost, dtype),
        _above(length, dtype),
    )


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
