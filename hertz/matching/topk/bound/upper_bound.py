"""A certified upper bound on every pair's mutual score, as one product of two thin matrices.

In: the terms of some categories as columns, and rows. Out: `UpperBound`: for any two rows a and b
that may meet, and each category

    mutual(a, b) / unit <= left[a] . right[b] + slack

over the columns that are common to the categories and the category's own, whatever the order in
which the product is summed. No mean lies above the larger of 0 and the arithmetic one, and that is
what the columns of `forms.py` are for.

The product x_a.x_b of columns that `axes.py` leaves out is bounded by |x_a| |x_b| (Cauchy and
Schwarz), one column in each part. Rounding to the tile's dtype is bounded the same way,
x.y - x^.y^ <= |dx| |y| + |x^| |dy|: by two columns in bfloat16, by its most in int16, whose unit is
so small that this hardly matters. On a CPU the pairs that survive have the product of what was left
out put in the place of its bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch

from hertz.core.compute import ROWS, in_threads, slices, torch_device
from hertz.matching.kernels.columns import quantise
from hertz.matching.topk.bound.factors import CategoryFactors
from hertz.matching.topk.bound.rotation import PAIR_COSTS, Part, Plain, principal_axes

CHUNKS = {"cpu": ROWS, "cuda": 16_384}  # rows laid out at once: a GPU wants few calls
# How far one step of summing may err, in units of float32. A tensor core adds products that it has
# aligned to the largest one and cut off, at half the precision of rounding and once more for the
# running sum (Fasi, Higham, Mikaitis and Pranesh, Numerical behavior of NVIDIA tensor cores, 2021).
SUMMING = {"cpu": 1, "cuda": 4}
UNITS = {torch.float32: 2.0**-24, torch.bfloat16: 2.0**-9}  # half the spacing below 1
DEPTH = 64  # columns that a GPU multiplies at a time: there are zeros up to a multiple of it
LONGEST = 32_700  # row of integers: its products with others, and parts of them, fit into int32


@dataclass(frozen=True)
class UpperBound:
    """The two thin matrices, and what they leave out; tensors on the device.

    Part 0 of the columns is common to all categories, part 1 + c is what category c adds.

    Attributes:
        left: `(sought, columns)` of the tile's dtype; an even number of int16 in each part.
        right: `(n, columns)` of the same.
        part_starts: `(parts + 1,)` int64: the columns of each part.
        product_scale: What a product of 1 is worth.
        residuals: `(n, left out)` float32; of no columns on a GPU, which scores at once instead.
        residual_starts: `(parts + 1,)` int64: the columns of each part.
        residual_signs: `(left out,)` float32: 1 where a column adds, -1 where it subtracts.
        residual_norms: `(n, parts)` float32, no less than the rows' lengths in each part of `rest`.
        slacks: Of each category, in its unit.
        category_scales: What 1 is worth in each category's scores.
    """

    left: torch.Tensor
    right: torch.Tensor
    part_starts: np.ndarray
    product_scale: float
    residuals: torch.Tensor
    residual_starts: np.ndarray
    residual_signs: torch.Tensor
    residual_norms: torch.Tensor
    slacks: list[float]
    category_scales: list[float]

    def reordered(self, order: np.ndarray, sought: int) -> UpperBound:
        """The same in another order; the first `sought` rows, who have one, keep a left side."""
        places = torch.from_numpy(order).to(self.right.device)
        sides = [(self.left, places[:sought]), (self.right, places), (self.residuals, places)]
        left, right, rest = (
            torch.index_select(
                side, 0, at, out=_empty(len(at), side.shape[1], side.dtype, at.device)
            )
            for side, at in sides
        )
        return replace(
            self, left=left, right=right, residuals=rest, residual_norms=self.residual_norms[places]
        )

    def for_category(self, category: int) -> UpperBound:
        """The bound of one of the categories."""
        if len(self.category_scales) == 1:
            return self
        columns, starts = _parts_of(self.part_starts, category)
        others, rest_starts = _parts_of(self.residual_starts, category)
        return replace(
            self,
            left=self.left[:, columns],
            right=self.right[:, columns],
            part_starts=starts,
            residuals=self.residuals[:, others],
            residual_starts=rest_starts,
            residual_signs=self.residual_signs[others],
            residual_norms=self.residual_norms[:, [0, 1 + category]],
            slacks=[self.slacks[category]],
            category_scales=[self.category_scales[category]],
        )


def _parts_of(starts: np.ndarray, category: int) -> tuple[torch.Tensor, np.ndarray]:
    """The columns of the common part and of a category's, and where each then starts."""
    sizes = np.diff(starts)[[0, 1 + category]]
    first = np.array([0, starts[1 + category] - sizes[0]])
    columns = np.arange(sizes.sum()) + np.repeat(first, sizes)
    return torch.from_numpy(columns), np.r_[0, np.cumsum(sizes)]


def rotated_bound(
    forms: CategoryFactors, rows: np.ndarray, k: int, dtype: torch.dtype, device: str, threads: int
) -> UpperBound:
    """Upper bound for the pairs among `rows`, `(n,)` int64, rotated for lists of k."""
    parts = principal_axes(forms, rows, k, PAIR_COSTS[device][dtype])
    there = [axes.on(torch_device(device)) for axes in parts]
    return _laid_out(forms, rows, there, len(rows), dtype, device, threads)


def unrotated_bound(
    forms: CategoryFactors,
    rows: np.ndarray,
    sought: int,
    dtype: torch.dtype,
    device: str,
    threads: int,
) -> UpperBound:
    """The same with all columns as they are: less to prepare, more to multiply.

    Only the first `sought` rows get a left side.
    """
    parts = [Plain(part.widths, torch_device(device)) for part in forms.parts]
    return _laid_out(forms, rows, parts, sought, dtype, device, threads)


def _laid_out(
    forms: CategoryFactors,
    rows: np.ndarray,
    parts: Sequence[Part],
    sought: int,
    dtype: torch.dtype,
    device: str,
    threads: int,
) -> UpperBound:
    """The thin matrices of the kept columns and one that bounds the others, chunk by chunk."""
    where, integers = torch_device(device), dtype == torch.int16
    scale = LONGEST / forms.longest if integers else 1.0
    signs = [part.signs() for part in parts]
    starts = np.cumsum(
        [0, *(_width(len(kept), len(left_out), dtype, device) for kept, left_out in signs)]
    )
    others = [len(left_out) if device == "cpu" else 0 for _, left_out in signs]
    rest_starts = np.cumsum([0, *others])
    right = _empty(len(rows), int(starts[-1]), dtype, where)
    rest = _empty(len(rows), int(rest_starts[-1]), torch.float32, where)
    spread = torch.zeros((len(rows), len(parts)), device=where)
    told = [at for at in range(len(parts)) if starts[at] < starts[at + 1]]

    def fill(chunk: slice) -> None:
        for at in told:
            kept, left_out = parts[at].split(forms.parts[at], rows[chunk])
            above = (1 + 1e-6) * _lengths(left_out)
            if others[at]:
                rest[chunk, rest_starts[at] : rest_starts[at + 1]] = left_out
            columns = slice(int(starts[at]), int(starts[at + 1]))
            if integers:
                _write_integers(right[chunk].numpy(), columns, kept.numpy(), above.numpy(), scale)
            else:
                _write_floats(right[chunk, columns], kept, above)
            spread[chunk, at] = right[chunk, columns.start + kept.shape[1]].float() / scale

    in_threads(fill, slices(len(rows), CHUNKS[device]), threads)
    left = _mirrored(right[:sought], starts, [kept for kept, _ in signs])
    widths = np.diff(starts) + np.diff(rest_starts)
    longest = [float(column.max()) for column in spread.T]
    slacks = [
        _slack(
            [forms.parts[at].longest for at in (0, its)],
            [longest[at] for at in (0, its)],
            [len(signs[at][0]) for at in (0, its)],
            int(widths[0] + widths[its]),
            dtype,
            device,
            scale,
        )
        for its in range(1, len(parts))
    ]
    left_out = torch.cat([negative for _, negative in signs])
    return UpperBound(
        left, right, starts, scale**-2, rest, rest_starts, left_out, spread, slacks, forms.units
    )


def _slack(
    longest: list[float],
    spreads: list[float],
    counts: list[int],
    width: int,
    dtype: torch.dtype,
    device: str,
    scale: float,
) -> float:
    """How far products of the common part and a category's own may lie below the score.

    Args:
        longest: No row of each part is longer.
        spreads: Nor what is left out of it.
        counts: Columns of each that are kept.
        width: All columns.
        dtype: Of the tiles.
        device: Where they are multiplied.
        scale: Of integers.
    """
    # Rounded to whole numbers, and before that to float32.
    lost = [0.51 * math.sqrt(n) / scale if dtype == torch.int16 else 0.0 for n in counts]
    # A sum of c products errs by at most c units of the factors' lengths (Higham 2002, 3.1), in
    # the accumulator's float32; a bfloat16 result is rounded once a part. The last 2^-20 is for the
    # rounding of the columns, the float64 steps, the score's own rounding and the threshold's.
    sides = [1.001 * length + less for length, less in zip(longest, lost, strict=True)]
    square = sum(side**2 for side in sides) + 2 * sum(spread**2 for spread in spreads)
    error = SUMMING[device] * (width + 8) * UNITS[torch.float32] * square
    error += sum(less * (2.002 * length + less) for length, less in zip(longest, lost, strict=True))
    if dtype == torch.bfloat16:
        error += 4 * UNITS[dtype] * (1 + 2 * square)
    return error + 2.0**-20 * (1 + square)


def _width(kept: int, left_out: int, dtype: torch.dtype, device: str) -> int:
    """Columns of a part of which `kept` are multiplied; of an empty one none."""
    if not kept + left_out:
        return 0
    columns = kept + 1 + (2 if dtype == torch.bfloat16 else 0)
    multiple = DEPTH if device == "cuda" else 2 if dtype == torch.int16 else 1
    return columns + -columns % multiple


def _empty(rows: int, columns: int, dtype: torch.dtype, where: torch.device) -> torch.Tensor:
    """On a CPU by numpy, which asks for large pages: they are written four times as fast."""
    if where.type != "cpu":
        return torch.empty((rows, columns), dtype=dtype, device=where)
    return torch.from_numpy(np.empty((rows, columns), dtype=f"i{dtype.itemsize}")).view(dtype)


def _write_integers(
    right: np.ndarray, columns: slice, kept: np.ndarray, above: np.ndarray, scale: float
) -> None:
    """Write a part's columns as multiples of `1 / scale`."""
    end = columns.start + kept.shape[1]
    quantise(kept.astype(np.float32, copy=False), np.float32(scale), right, columns.start)
    right[:, end] = np.ceil(scale * above)
    right[:, end + 1 : columns.stop] = 0


def _write_floats(right: torch.Tensor, kept: torch.Tensor, above: torch.Tensor) -> None:
    """Write a part's columns, in bfloat16 with two more that bound what each row loses."""
    count, dtype = kept.shape[1], right.dtype
    right[:, :count], right[:, count + 1 :] = kept, 0
    right[:, count] = _above(above, dtype)
    if dtype == torch.bfloat16:
        lost = _lengths(kept - right[:, :count])
        right[:, count + 1] = _above(_lengths(kept) + lost, dtype)
        right[:, count + 2] = _above(lost, dtype)


def _mirrored(right: torch.Tensor, starts: np.ndarray, signs: list[torch.Tensor]) -> torch.Tensor:
    """The left side: columns that subtract negated, in bfloat16 each part's last two exchanged."""
    left = right.clone()
    for (start, stop), kept in zip(pairwise(starts.tolist()), signs, strict=True):
        end = start + len(kept)
        left[:, start:end] *= kept.to(right.dtype)
        if stop > start and right.dtype == torch.bfloat16:
            left[:, end + 1 : end + 3] = right[:, end + 1 : end + 3].flip(1)
    return left


def _lengths(matrix: torch.Tensor) -> torch.Tensor:
    """Of each row."""
    return torch.linalg.vector_norm(matrix, dim=1)


def _above(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Values of `dtype` that are nowhere below `values`."""
    return (values * (1 + 4 * UNITS[dtype]) + 1e-12).to(dtype)
