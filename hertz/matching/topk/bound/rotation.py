"""Which columns are multiplied: all of them, or those on the axes that tell pairs apart.

In: terms as columns, and a sample of rows. Out: for each part of the columns, those that add and
those that subtract each rotated onto their principal axes, of which only the ones with the most
energy are kept (the idea of Li, Chan, Yiu and Mamoulis, FEXIPRO, SIGMOD 2017).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from hertz.matching.topk.bound.factors import CategoryFactors, Forms

SAMPLE = 4096  # columns, and SAMPLE_ROWS rows, by which the number of axes is chosen
SAMPLE_ROWS = 128
# Columns multiplied in the time that one surviving pair takes: measured for float32 and int16 on a
# CPU; the others from the ratio of the speeds, on a GPU of its memory's and its cores'.
PAIR_COSTS = {
    "cpu": {torch.float32: 7_000, torch.int16: 7_000, torch.bfloat16: 42_000},
    "cuda": {torch.float32: 25_000, torch.bfloat16: 200_000},
}
STEP = 16  # the number of axes is a multiple of this

Both = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Plain:
    """All columns as they are."""

    widths: list[int]
    where: torch.device

    def split(self, forms: Forms, rows: np.ndarray) -> Both:
        """Columns of rows, `(rows, .)` float32 each: those multiplied, and those left out."""
        columns = torch.from_numpy(forms.columns(rows)).to(self.where)
        return columns, columns[:, :0]

    def signs(self) -> Both:
        """1 where a column adds and -1 where it subtracts, of both."""
        return _signs(self.widths, self.where), torch.zeros(0, device=self.where)


@dataclass(frozen=True)
class Axes:
    """Principal axes of the columns that add and of those that subtract.

    Attributes:
        axes: `(columns, axes)` float64 each, by falling energy.
        kept: How many of each are multiplied.
    """

    axes: tuple[torch.Tensor, torch.Tensor]
    kept: tuple[int, int]

    def on(self, where: torch.device) -> Axes:
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


Part = Plain | Axes


def principal_axes(forms: CategoryFactors, rows: np.ndarray, k: int, pair_cost: int) -> list[Axes]:
    """Axes of each part by a strided sample, and as many kept as make the night shortest."""
    some = rows[:: -(-len(rows) // SAMPLE)]
    found = [_all_axes(part, some) for part in forms.parts]
    kept = np.zeros((len(found), 2), dtype=np.int64)
    for its in range(1, len(found)):
        both = [found[0], found[its]]
        _, energies, signs, rotated = zip(*both, strict=True)
        energies, signs, rotated = (np.concatenate(x, axis=-1) for x in (energies, signs, rotated))
        order = np.argsort(-energies, kind="stable")
        count = _how_many(rotated[:, order], signs[order], k / len(rows), pair_cost)
        of = np.repeat(np.arange(4), [n for one in both for n in one[0].kept])
        mine = np.bincount(of[order[:count]], minlength=4).reshape(2, 2)
        kept[0], kept[its] = np.maximum(kept[0], mine[0]), mine[1]
    return [
        replace(one[0], kept=(int(add), int(subtract)))
        for one, (add, subtract) in zip(found, kept, strict=True)
    ]


def _all_axes(part: Forms, some: np.ndarray) -> tuple[Axes, np.ndarray, np.ndarray, np.ndarray]:
    """A part's axes by some rows, the energy and the sign of each, and the rows on them."""
    sample = np.split(part.columns(some).astype(np.float64), part.widths[:1], axis=1)
    found = [np.linalg.eigh(columns.T @ columns) for columns in sample]
    add, subtract = (torch.from_numpy(axes[:, ::-1].copy()) for _, axes in found)
    whole = Axes((add, subtract), (add.shape[1], subtract.shape[1]))
    energies = np.concatenate([energy[::-1] for energy, _ in found])
    return whole, energies, whole.signs()[0].numpy(), whole.split(part, some)[0].numpy()


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


def _signs(counts: tuple[int, int] | list[int], where: torch.device) -> torch.Tensor:
    """1 for each column that adds, and -1 for each that subtracts."""
    return torch.tensor([1.0, -1.0]).repeat_interleave(torch.tensor(counts)).to(where)
