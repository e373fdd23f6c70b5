"""A certified upper bound on every pair's mutual score, as one product of two thin matrices.

In: features, a category and rows. Out: `Bound`: for any two rows a and b that may meet

    mutual(a, b) / total weight <= left[a] . right[b] + slack

whatever the order in which the product is summed. No mean lies above the larger of 0 and the
arithmetic one, and that is what the columns of `forms.py` are for.

Columns that add and columns that subtract are each rotated onto their principal axes, and only the
axes with the most energy are kept: for the rest, Cauchy and Schwarz bound x_a.x_b by |x_a| |x_b|,
one column in all (the idea of Li, Chan, Yiu and Mamoulis, FEXIPRO, SIGMOD 2017). Rounding to the
tile's dtype is bounded the same way, x.y - x^.y^ <= |dx| |y| + |x^| |dy|: by two columns in
bfloat16, by its most in int16, whose unit is so small that this hardly matters. On a CPU the pairs
that survive have the product of what was left out put in the place of its bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from matching.forms import Forms
from matching.hardware import ROWS, in_threads, place, slices
from matching.kernels import quantise

SAMPLE = 4096  # columns, and SAMPLE_ROWS rows, by which the number of axes is chosen
SAMPLE_ROWS = 128
# Columns multiplied in the time that one surviving pair takes: measured for float32 and int16 on a
# CPU; the others from the ratio of the speeds, on a GPU of its memory's and its cores'.
PAIR_COSTS = {
    "cpu": {torch.float32: 7_000, torch.int16: 7_000, torch.bfloat16: 42_000},
    "cuda": {torch.float32: 25_000, torch.bfloat16: 200_000},
}
CHUNKS = {"cpu": ROWS, "cuda": 16_384}  # rows laid out at once: a GPU wants few calls
STEP = 16  # the number of axes is a multiple of this
# How far one step of summing may err, in units of float32. A tensor core adds products that it has
# aligned to the largest one and cut off, at half the precision of rounding and once more for the
# running sum (Fasi, Higham, Mikaitis and Pranesh, Numerical behavior of NVIDIA tensor cores, 2021).
SUMMING = {"cpu": 1, "cuda": 4}
UNITS = {torch.float32: 2.0**-24, torch.bfloat16: 2.0**-9}  # half the spacing below 1
DEPTH = 64  # columns that a GPU multiplies at a time: there are zeros up to a multiple of it
LONGEST = 32_700  # row of integers: its products with others, and parts of them, fit into int32


@dataclass(frozen=True)
class Bound:
    """The two thin matrices, and what they leave out; tensors on the device.

    Attributes:
        left: `(sought, columns)` of the tile's dtype; an even number of int16.
        right: `(n, columns)` of the same.
        unit: What a product of 1 is worth.
        rest: `(n, left out)` float32; of no columns on a GPU, which scores at once instead.
        signs: `(left out,)` float32: 1 where a column adds, -1 where it subtracts.
        spread: `(n,)` float32, no less than the rows' lengths in `rest`.
        slack: In units of the total weight.
        total: The total weight.
    """

    left: torch.Tensor
    right: torch.Tensor
    unit: float
    rest: torch.Tensor
    signs: torch.Tensor
    spread: torch.Tensor
    slack: float
    total: float

    def take(self, order: np.ndarray, sought: int) -> Bound:
        """The same in another order; the first `sought` rows, who have one, keep a left side."""
        places = torch.from_numpy(order).to(self.right.device)
        sides = [(self.left, places[:sought]), (self.right, places), (self.rest, places)]
        left, right, rest = (
            torch.index_select(
                side, 0, at, out=_empty(len(at), side.shape[1], side.dtype, at.device)
            )
            for side, at in sides
        )
        return replace(self, left=left, right=right, rest=rest, spread=self.spread[places])


Both = tuple[torch.Tensor, torch.Tensor]
Split = Callable[[np.ndarray], Both]  # columns of rows: kept, left out


def rotated_bound(
    forms: Forms, rows: np.ndarray, k: int, dtype: torch.dtype, device: str, threads: int
) -> Bound:
    """Bound for the pairs among `rows`, `(n,)` int64, of which each side's k best are wanted."""
    axes = _principal_axes(forms, rows, k, PAIR_COSTS[device][dtype]).on(place(device))
    split = partial(axes.split, forms)
    return _laid_out(forms, rows, split, axes.signs(), len(rows), dtype, device, threads)


def plain_bound(
    forms: Forms, rows: np.ndarray, sought: int, dtype: torch.dtype, device: str, threads: int
) -> Bound:
    """The same with all columns as they are: less to prepare, more to multiply.

    Only the first `sought` rows get a left side.
    """
    where, nothing = place(device), torch.zeros(0, device=place(device))

    def split(some: np.ndarray) -> Both:
        columns = torch.from_numpy(forms.columns(some)).to(where)
        return columns, nothing.expand(len(some), 0)

    signs = _signs(forms.widths, where), nothing

    return _laid_out(forms, rows, split, signs, sought, dtype, device, threads)


def _laid_out(
    forms: Forms,
    rows: np.ndarray,
    split: Split,
    signs: Both,
    sought: int,
    dtype: torch.dtype,
    device: str,
    threads: int,
) -> Bound:
    """The thin matrices of the kept columns and one that bounds the others, chunk by chunk."""
    count, integers, where = len(signs[0]) + 1, dtype == torch.int16, place(device)
    scale = LONGEST / forms.longest if integers else 1.0
    columns = count + {torch.int16: count % 2, torch.bfloat16: 2}.get(dtype, 0)
    if device == "cuda":
        columns += -columns % DEPTH
    right = _empty(len(rows), columns, dtype, where)
    rest = _empty(len(rows), len(signs[1]) if device == "cpu" else 0, torch.float32, where)
    spread = torch.empty(len(rows), device=where)

    def fill(chunk: slice) -> None:
        kept, left_out = split(rows[chunk])
        above = (1 + 1e-6) * _lengths(left_out)
        if rest.shape[1]:
            rest[chunk] = left_out
        if integers:
            _write_integers(right[chunk].numpy(), kept.numpy(), above.numpy(), scale)
        else:
            _write_floats(right[chunk], kept, above)
        spread[chunk] = right[chunk, count - 1].float() / scale

    in_threads(fill, slices(len(rows), CHUNKS[device]), threads)
    # Rounded to whole numbers, and before that to float32.
    lost = 0.51 * math.sqrt(count) / scale if integers else 0.0
    # A sum of c products errs by at most c units of the factors' lengths (Higham 2002, 3.1), in
    # the accumulator's float32; a bfloat16 result is rounded once more. The last 2^-20 is for the
    # rounding of the columns, the float64 steps, the score's own rounding and the threshold's.
    square = (1.001 * forms.longest + lost) ** 2 + 2 * float(spread.max()) ** 2
    steps = SUMMING[device] * (right.shape[1] + rest.shape[1] + 8)
    error = steps * UNITS[torch.float32] * square
    if integers:
        error += lost * (2.002 * forms.longest + lost)
    if dtype == torch.bfloat16:
        error += 2 * UNITS[dtype] * (1 + 2 * square)
    slack = error + 2.0**-20 * (1 + square)
    left = _mirrored(right[:sought], signs[0])
    return Bound(left, right, scale**-2, rest, signs[1], spread, slack, forms.total)


def _empty(rows: int, columns: int, dtype: torch.dtype, where: torch.device) -> torch.Tensor:
    """On a CPU by numpy, which asks for large pages: they are written four times as fast."""
    if where.type != "cpu":
        return torch.empty((rows, columns), dtype=dtype, device=where)
    return torch.from_numpy(np.empty((rows, columns), dtype=f"i{dtype.itemsize}")).view(dtype)


def _write_integers(right: np.ndarray, kept: np.ndarray, above: np.ndarray, scale: float) -> None:
    """Write the columns as multiples of `1 / scale`."""
    count = kept.shape[1]
    quantise(kept.astype(np.float32, copy=False), np.float32(scale), right)
    right[:, count] = np.ceil(scale * above)
    right[:, count + 1 :] = 0


def _write_floats(right: torch.Tensor, kept: torch.Tensor, above: torch.Tensor) -> None:
    """Write the columns, in bfloat16 with two more that bound what each row loses."""
    count, dtype = kept.shape[1], right.dtype
    right[:, :count], right[:, count + 1 :] = kept, 0
    right[:, count] = _above(above, dtype)
    if dtype == torch.bfloat16:
        lost = _lengths(kept - right[:, :count])
        right[:, count + 1] = _above(_lengths(kept) + lost, dtype)
        right[:, count + 2] = _above(lost, dtype)


def _mirrored(right: torch.Tensor, signs: torch.Tensor) -> torch.Tensor:
    """The left side: columns that subtract negated, in bfloat16 the last two exchanged."""
    left, count = right.clone(), len(signs)
    left[:, :count] *= signs.to(right.dtype)
    if right.dtype == torch.bfloat16:
        left[:, count + 1 : count + 3] = right[:, count + 1 : count + 3].flip(1)
    return left


def _lengths(matrix: torch.Tensor) -> torch.Tensor:
    """Of each row."""
    return torch.linalg.vector_norm(matrix, dim=1)


def _signs(counts: tuple[int, int] | list[int], where: torch.device) -> torch.Tensor:
    """1 for each column that adds, and -1 for each that subtracts."""
    return torch.tensor([1.0, -1.0]).repeat_interleave(torch.tensor(counts)).to(where)


@dataclass(frozen=True)
class _Axes:
    """Principal axes of the columns that add and of those that subtract.

    Attributes:
        axes: `(columns, axes)` float64 each, by falling energy.
        kept: How many of each are multiplied.
    """

    axes: tuple[torch.Tensor, torch.Tensor]
    kept: tuple[int, int]

    def on(self, where: torch.device) -> _Axes:
        """The same on a device."""
        add, subtract = (axes.to(where) for axes in self.axes)
        return replace(self, axes=(add, subtract))

    def split(self, forms: Forms, rows: np.ndarray) -> Both:
        """Columns on the axes that are kept and on the others, `(rows, .)` float64 each."""
        whole = torch.from_numpy(forms.columns(rows)).to(self.axes[0].device)
        columns = torch.split(whole.double(), forms.widths, dim=1)
        turned = [part @ axes for part, axes in zip(columns, self.axes, strict=True)]
        halves = list(zip(turned, self.kept, strict=True))
        kept, rest = (
            [part[:, :count] for part, count in halves],
            [part[:, c:] for part, c in halves],
        )
        return torch.cat(kept, dim=1), torch.cat(rest, dim=1)

    def signs(self) -> Both:
        """1 where a kept axis adds and -1 where it subtracts, and the same of the others."""
        others = [axes.shape[1] - count for axes, count in zip(self.axes, self.kept, strict=True)]
        where = self.axes[0].device
        return _signs(self.kept, where), _signs(others, where)


def _principal_axes(forms: Forms, rows: np.ndarray, k: int, pair_cost: int) -> _Axes:
    """Axes by a strided sample, and as many kept of both kinds as make the night shortest."""
    some = rows[:: -(-len(rows) // SAMPLE)]
    sample = np.split(forms.columns(some).astype(np.float64), forms.widths[:1], axis=1)
    found = [np.linalg.eigh(part.T @ part) for part in sample]
    energies = np.concatenate([energy[::-1] for energy, _ in found])
    add, subtract = (torch.from_numpy(axes[:, ::-1].copy()) for _, axes in found)
    order = np.argsort(-energies, kind="stable")
    whole = _Axes((add, subtract), (add.shape[1], subtract.shape[1]))
    rotated, signs = whole.split(forms, some)[0].numpy()[:, order], whole.signs()[0].numpy()[order]
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


def _above(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Values of `dtype` that are nowhere below `values`."""
    return (values * (1 + 4 * UNITS[dtype]) + 1e-12).to(dtype)
