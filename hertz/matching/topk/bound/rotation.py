"""Rotation of factor columns: the ones that are multiplied, and the residual that is bounded.

The positive and the negative columns of each part are rotated onto their principal axes, of which
only the ones with the most energy are kept (the idea of Li, Chan, Yiu and Mamoulis, FEXIPRO, SIGMOD
2017).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch

from hertz.matching.topk.bound.factors import CategoryFactors, ColumnCounts, FactorPart

SAMPLE = 4096  # columns of the sampled products by which the number of axes is chosen
SAMPLE_ROWS = 128  # rows of the sampled products
# Columns multiplied in the time that one surviving pair takes: measured for float32 and int16 on a
# CPU; for the others derived from the ratio of the speeds, on a GPU of its memory and its cores.
PAIR_COSTS = {
    "cpu": {torch.float32: 7_000, torch.int16: 7_000, torch.bfloat16: 42_000},
    "cuda": {torch.float32: 25_000, torch.bfloat16: 200_000},
}
AXIS_STEP = 16  # the number of kept axes is a multiple of this


class SplitColumns(NamedTuple):
    """Values of a part's columns (last dimension) that are multiplied, and that are left out."""

    kept: torch.Tensor
    residual: torch.Tensor


@dataclass(frozen=True)
class Unrotated:
    """The columns of a part as they are, all of them kept."""

    counts: ColumnCounts
    device: torch.device

    def split(self, part: FactorPart, rows: np.ndarray) -> SplitColumns:
        """Returns the part's columns of rows, `(m,)` int64: `(m, columns)` float32."""
        columns = torch.from_numpy(part.columns(rows)).to(self.device)
        return SplitColumns(columns, columns[:, :0])

    def signs(self) -> SplitColumns:
        """Returns 1 for each positive column and -1 for each negative one, float32."""
        return SplitColumns(_signs(self.counts, self.device), torch.zeros(0, device=self.device))


@dataclass(frozen=True)
class Rotation:
    """Principal axes of a part's positive and of its negative columns.

    Attributes:
        positive_axes: `(columns, axes)` float64, by falling energy.
        negative_axes: The same of the negative columns.
        kept: Number of axes of each sign that are multiplied.
    """

    positive_axes: torch.Tensor
    negative_axes: torch.Tensor
    kept: ColumnCounts

    def to(self, device: torch.device) -> Rotation:
        """Returns the rotation with its axes on a device."""
        return Rotation(self.positive_axes.to(device), self.negative_axes.to(device), self.kept)

    def split(self, part: FactorPart, rows: np.ndarray) -> SplitColumns:
        """Returns rows, `(m,)` int64, on the axes: `(m, kept)` and `(m, residual)` float64."""
        columns = torch.from_numpy(part.columns(rows)).to(self.positive_axes.device).double()
        positive = columns[:, : part.counts.positive] @ self.positive_axes
        negative = columns[:, part.counts.positive :] @ self.negative_axes
        kept = [positive[:, : self.kept.positive], negative[:, : self.kept.negative]]
        residual = [positive[:, self.kept.positive :], negative[:, self.kept.negative :]]
        return SplitColumns(torch.cat(kept, dim=1), torch.cat(residual, dim=1))

    def signs(self) -> SplitColumns:
        """Returns 1 for each axis of positive columns and -1 for the others, float32."""
        residual = ColumnCounts(
            self.positive_axes.shape[1] - self.kept.positive,
            self.negative_axes.shape[1] - self.kept.negative,
        )
        device = self.positive_axes.device
        return SplitColumns(_signs(self.kept, device), _signs(residual, device))


Projection = Unrotated | Rotation


@dataclass(frozen=True)
class _SampledPart:
    """Sampled rows, `(rows, axes)` float64, on all axes of a part, and the energy of each axis."""

    rotation: Rotation
    energies: np.ndarray
    sample: np.ndarray


def fit_rotations(
    factors: CategoryFactors, rows: np.ndarray, k: int, pair_cost: int
) -> list[Rotation]:
    """Returns a rotation for each part, with as many axes kept as make the search shortest.

    It is found by a sample of the block's `rows`, for lists of `k` entries and a surviving pair
    that takes as long as `pair_cost` multiplied columns.
    """
    sampled = rows[:: -(-len(rows) // SAMPLE)]
    common, *own = (_sample_part(part, sampled) for part in factors.parts)
    share = k / len(rows)
    kept = [_kept_axes(common, part, share, pair_cost) for part in own]
    kept_common = ColumnCounts(
        max(counts.positive for counts, _ in kept), max(counts.negative for counts, _ in kept)
    )
    rotations = [replace(common.rotation, kept=kept_common)]
    for part, (_, counts) in zip(own, kept, strict=True):
        rotations.append(replace(part.rotation, kept=counts))
    return rotations


def _sample_part(part: FactorPart, rows: np.ndarray) -> _SampledPart:
    """Computes a part's principal axes by some rows, `(m,)` int64, and rotates the rows."""
    columns = part.columns(rows).astype(np.float64)
    signed = np.split(columns, [part.counts.positive], axis=1)
    found = [np.linalg.eigh(side.T @ side) for side in signed]
    positive, negative = (torch.from_numpy(axes[:, ::-1].copy()) for _, axes in found)
    counts = ColumnCounts(positive.shape[1], negative.shape[1])
    rotation = Rotation(positive, negative, counts)
    return _SampledPart(
        rotation=rotation,
        energies=np.concatenate([energies[::-1] for energies, _ in found]),
        sample=rotation.split(part, rows).kept.numpy(),
    )


def _kept_axes(
    common: _SampledPart, own: _SampledPart, share: float, pair_cost: int
) -> tuple[ColumnCounts, ColumnCounts]:
    """Returns how many axes one category keeps: of the common part, and of its own."""
    energies = np.concatenate([common.energies, own.energies])
    signs = np.concatenate([part.rotation.signs().kept.numpy() for part in (common, own)])
    sample = np.concatenate([common.sample, own.sample], axis=-1)
    order = np.argsort(-energies, kind="stable")
    count = _kept_axis_count(sample[:, order], signs[order], share, pair_cost)
    group = np.repeat(np.arange(4), [*common.rotation.kept, *own.rotation.kept])
    kept = np.bincount(group[order[:count]], minlength=4).tolist()
    return ColumnCounts(*kept[:2]), ColumnCounts(*kept[2:])


def _kept_axis_count(sample: np.ndarray, signs: np.ndarray, share: float, pair_cost: int) -> int:
    """Returns the number of axes at which products and surviving pairs together cost least."""
    columns = sample.astype(np.float32)
    rows = columns[:: -(-len(columns) // SAMPLE_ROWS)]
    wanted = min(max(1, round(share * len(columns))), len(columns) - 1)
    exact = (rows * signs) @ columns.T
    # A pair survives where its bound reaches the threshold of its row, the score above which
    # `share` of the row's pairs lie; one entry more, as each row is also paired with itself.
    thresholds = np.partition(exact, -wanted - 1, axis=1)[:, -wanted - 1, None]
    exact_survivors = np.count_nonzero(exact >= thresholds)
    row_energies = _energies_from(rows)
    column_energies = _energies_from(columns)
    kept_product = np.zeros_like(exact)
    best = columns.shape[1]
    lowest_cost = float(columns.shape[1])
    for count in range(AXIS_STEP, columns.shape[1], AXIS_STEP):
        step = slice(count - AXIS_STEP, count)
        kept_product += (rows[:, step] * signs[step]) @ columns[:, step].T
        residual = np.sqrt(row_energies[:, count, None] * column_energies[:, count])
        survivors = np.count_nonzero(kept_product + residual >= thresholds)
        cost = count + 2 * pair_cost * (max(survivors - exact_survivors, 0) / exact.size)
        if cost < lowest_cost:
            best = count
            lowest_cost = cost
    return best


def _energies_from(rows: np.ndarray) -> np.ndarray:
    """Returns for each row and axis the sum of squares on this axis and all later ones."""
    return np.cumsum(rows[:, ::-1] ** 2, axis=1)[:, ::-1]


def _signs(counts: ColumnCounts, device: torch.device) -> torch.Tensor:
    """Returns 1 for each positive and -1 for each negative column, float32."""
    return torch.tensor([1.0, -1.0]).repeat_interleave(torch.tensor(counts)).to(device)
