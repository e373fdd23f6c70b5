"""Certified upper bound of every pair's mutual score, as one product of two thin matrices.

For any two rows a and b that may meet, and each category,

    mutual(a, b) / scale <= left[a] . right[b] + slack

over the columns of part 0, which the categories share, and of the category's own part, in whatever
order they are summed. The factors bound the arithmetic mean of the two directional scores, and no
mean lies above the larger of 0 and the arithmetic one.

The product x_a.x_b of the residual, the columns that a rotation leaves out, is bounded by
|x_a| |x_b| (Cauchy and Schwarz): one column in each part. Rounding to the tile's dtype is bounded
the same way, x.y - x^.y^ <= |dx| |y| + |x^| |dy|: by two columns in bfloat16, and in int16 by a
constant in the slack. On a CPU, survivors are tested again with the product of the residuals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch

from hertz.core.compute import ROWS, in_threads, slices, torch_device
from hertz.matching.kernels.columns import quantize
from hertz.matching.topk.bound.factors import CategoryFactors
from hertz.matching.topk.bound.rotation import (
    PAIR_COSTS,
    Projection,
    SplitColumns,
    Unrotated,
    fit_rotations,
)
from hertz.matching.topk.bound.slack import UNIT_ROUNDOFF, PartSize, slack
from hertz.matching.topk.options import ResolvedOptions

CHUNK_ROWS = {"cpu": ROWS, "cuda": 16_384}  # rows written at once: a GPU needs few calls
GPU_DEPTH = 64  # columns that a GPU multiplies at a time: each part is padded to a multiple of it
# Norm of the longest row of int16: products of two such rows, and sums of a part of them, fit into
# int32.
INT16_NORM = 32_700


@dataclass(frozen=True)
class UpperBound:
    """The two thin matrices, and the residual that they bound; tensors are on one device.

    Part 0 of the columns is common to all categories, part 1 + c belongs to category c.

    Attributes:
        left: `(active, columns)` of the tile's dtype: the left side of the first rows.
        right: `(n, columns)` of the tile's dtype; int16 columns are even in number in each part.
        part_starts: `(parts + 1,)` int64: first column of each part.
        product_scale: Value, in each category's scale, of a product of 1.
        residuals: `(n, residual columns)` float32; a GPU, which scores survivors at once, has none.
        residual_starts: `(parts + 1,)` int64: first residual column of each part.
        residual_signs: `(residual columns,)` float32: 1 where a column adds, -1 where it subtracts.
        residual_norms: `(n, parts)` float32 upper bounds of the norms of the rows' residuals.
        slacks: For each category, what the left side of the inequality may exceed the product by.
        category_scales: For each category, the score that a value of 1 stands for.
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

    def reordered(self, order: np.ndarray, active_count: int) -> UpperBound:
        """Returns the bound with its rows in another order, `(n,)` int64 positions.

        The first `active_count` rows in the new order have a left side.
        """
        positions = torch.from_numpy(order).to(self.right.device)
        return replace(
            self,
            left=_selected(self.left, positions[:active_count]),
            right=_selected(self.right, positions),
            residuals=_selected(self.residuals, positions),
            residual_norms=self.residual_norms[positions],
        )

    def for_category(self, category: int) -> UpperBound:
        """Returns the bound of one category, given by its position."""
        if len(self.category_scales) == 1:
            return self
        columns, part_starts = _columns_of_category(self.part_starts, category)
        residual_columns, residual_starts = _columns_of_category(self.residual_starts, category)
        return replace(
            self,
            left=self.left[:, columns],
            right=self.right[:, columns],
            part_starts=part_starts,
            residuals=self.residuals[:, residual_columns],
            residual_starts=residual_starts,
            residual_signs=self.residual_signs[residual_columns],
            residual_norms=self.residual_norms[:, [0, 1 + category]],
            slacks=[self.slacks[category]],
            category_scales=[self.category_scales[category]],
        )


def rotated_bound(
    factors: CategoryFactors, rows: np.ndarray, k: int, options: ResolvedOptions
) -> UpperBound:
    """Returns the upper bound of all pairs of `rows`, `(n,)` int64, with rotated columns.

    `k` is the length of the lists that are searched for: it decides how many columns are kept.
    """
    pair_cost = PAIR_COSTS[options.device][options.dtype]
    device = torch_device(options.device)
    rotations = fit_rotations(factors, rows, k, pair_cost)
    return _bound(factors, rows, [some.to(device) for some in rotations], len(rows), options)


def unrotated_bound(
    factors: CategoryFactors, rows: np.ndarray, active_count: int, options: ResolvedOptions
) -> UpperBound:
    """Returns the upper bound with all columns as they are: less to prepare, more to multiply.

    Of `rows`, `(n,)` int64, the first `active_count` have a left side.
    """
    device = torch_device(options.device)
    projections = [Unrotated(part.counts, device) for part in factors.parts]
    return _bound(factors, rows, projections, active_count, options)


def _bound(
    factors: CategoryFactors,
    rows: np.ndarray,
    projections: Sequence[Projection],
    active_count: int,
    options: ResolvedOptions,
) -> UpperBound:
    """Writes the matrices in chunks of rows, and derives the slack of each category."""
    signs = [projection.signs() for projection in projections]
    steps = INT16_NORM / factors.max_norm if options.dtype == torch.int16 else 1.0
    writer = _Writer(len(rows), signs, steps, options)

    def fill(chunk: slice) -> None:
        for part, projection in enumerate(projections):
            if writer.part_starts[part] < writer.part_starts[part + 1]:
                writer.write(part, chunk, projection.split(factors.parts[part], rows[chunk]))

    in_threads(fill, slices(len(rows), CHUNK_ROWS[options.device]), options.threads)
    kept_signs = [some.kept for some in signs]
    common, *own = writer.part_sizes(factors, kept_signs)
    return UpperBound(
        left=_left_side(writer.right[:active_count], writer.part_starts, kept_signs),
        right=writer.right,
        part_starts=writer.part_starts,
        product_scale=steps**-2,
        residuals=writer.residuals,
        residual_starts=writer.residual_starts,
        residual_signs=torch.cat([some.residual for some in signs]),
        residual_norms=writer.residual_norms,
        slacks=[slack([common, part], options.dtype, options.device, steps) for part in own],
        category_scales=factors.scales,
    )


class _Writer:
    """Matrices of a bound, named as in `UpperBound`, while they are written."""

    def __init__(
        self, rows: int, signs: list[SplitColumns], steps: float, options: ResolvedOptions
    ) -> None:
        device = torch_device(options.device)
        widths = [_part_width(some, options.dtype, options.device) for some in signs]
        on_cpu = options.device == "cpu"
        residual_widths = [len(some.residual) if on_cpu else 0 for some in signs]
        self.part_starts = np.cumsum([0, *widths])
        self.residual_starts = np.cumsum([0, *residual_widths])
        self.right = _empty(rows, sum(widths), options.dtype, device)
        self.residuals = _empty(rows, sum(residual_widths), torch.float32, device)
        self.residual_norms = torch.zeros((rows, len(signs)), device=device)
        self._steps = steps

    def write(self, part: int, chunk: slice, split: SplitColumns) -> None:
        """Writes the columns of some rows in one part."""
        norms = (1 + 1e-6) * _norms(split.residual)
        first, end = (int(start) for start in self.part_starts[part : part + 2])
        residual_first, residual_end = self.residual_starts[part : part + 2]
        if residual_first < residual_end:
            self.residuals[chunk, residual_first:residual_end] = split.residual
        if self.right.dtype == torch.int16:
            columns = slice(first, end)
            _write_integers(self.right[chunk].numpy(), columns, split.kept, norms, self._steps)
        else:
            _write_floats(self.right[chunk, first:end], split.kept, norms)
        written = self.right[chunk, first + split.kept.shape[1]].float()
        self.residual_norms[chunk, part] = written / self._steps

    def part_sizes(
        self, factors: CategoryFactors, kept_signs: list[torch.Tensor]
    ) -> list[PartSize]:
        """Returns what the rounding errors of each part depend on, once all rows are written."""
        widths = np.diff(self.part_starts) + np.diff(self.residual_starts)
        parts = zip(factors.parts, self.residual_norms.T, kept_signs, widths, strict=True)
        return [
            PartSize(part.max_norm, float(norms.max()), len(kept), int(width))
            for part, norms, kept, width in parts
        ]


def _part_width(signs: SplitColumns, dtype: torch.dtype, device: str) -> int:
    """Returns the number of matrix columns of a part: 0 for a part without any."""
    if not len(signs.kept) + len(signs.residual):
        return 0
    columns = len(signs.kept) + 1 + (2 if dtype == torch.bfloat16 else 0)
    multiple = GPU_DEPTH if device == "cuda" else 2 if dtype == torch.int16 else 1
    return columns + -columns % multiple


def _columns_of_category(starts: np.ndarray, category: int) -> tuple[torch.Tensor, np.ndarray]:
    """Returns the columns of part 0 and of a category's own part, and where each then starts."""
    widths = np.diff(starts)[[0, 1 + category]]
    shifts = np.array([0, starts[1 + category] - widths[0]])
    columns = np.arange(widths.sum()) + np.repeat(shifts, widths)
    return torch.from_numpy(columns), np.r_[0, np.cumsum(widths)]


def _selected(matrix: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Returns some rows of a matrix."""
    out = _empty(len(positions), matrix.shape[1], matrix.dtype, positions.device)
    return torch.index_select(matrix, 0, positions, out=out)


def _empty(rows: int, columns: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Allocates a matrix; on a CPU by numpy, whose large pages are written four times as fast."""
    if device.type != "cpu":
        return torch.empty((rows, columns), dtype=dtype, device=device)
    return torch.from_numpy(np.empty((rows, columns), dtype=f"i{dtype.itemsize}")).view(dtype)


def _write_integers(
    right: np.ndarray, columns: slice, kept: torch.Tensor, norms: torch.Tensor, steps: float
) -> None:
    """Writes a part's columns and residual norms as integer multiples of `1 / steps`."""
    end = columns.start + kept.shape[1]
    values = kept.numpy().astype(np.float32, copy=False)
    quantize(values, np.float32(steps), right, columns.start)
    right[:, end] = np.ceil(steps * norms.numpy())
    right[:, end + 1 : columns.stop] = 0


def _write_floats(right: torch.Tensor, kept: torch.Tensor, norms: torch.Tensor) -> None:
    """Writes a part's columns and residual norms, in bfloat16 with two more that bound rounding."""
    count = kept.shape[1]
    dtype = right.dtype
    right[:, :count] = kept
    right[:, count + 1 :] = 0
    right[:, count] = _rounded_up(norms, dtype)
    if dtype == torch.bfloat16:
        lost = _norms(kept - right[:, :count])
        right[:, count + 1] = _rounded_up(_norms(kept) + lost, dtype)
        right[:, count + 2] = _rounded_up(lost, dtype)


def _left_side(
    right: torch.Tensor, part_starts: np.ndarray, kept_signs: list[torch.Tensor]
) -> torch.Tensor:
    """Returns the left side of rows: negative columns negated, bfloat16's last two exchanged."""
    left = right.clone()
    for (start, stop), signs in zip(pairwise(part_starts.tolist()), kept_signs, strict=True):
        end = start + len(signs)
        left[:, start:end] *= signs.to(right.dtype)
        if stop > start and right.dtype == torch.bfloat16:
            left[:, end + 1 : end + 3] = right[:, end + 1 : end + 3].flip(1)
    return left


def _norms(matrix: torch.Tensor) -> torch.Tensor:
    """Returns the Euclidean norm of each row."""
    return torch.linalg.vector_norm(matrix, dim=1)


def _rounded_up(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Converts values to `dtype` so that none of them becomes smaller."""
    return (values * (1 + 4 * UNIT_ROUNDOFF[dtype]) + 1e-12).to(dtype)
