"""In which order a large eligibility block is worked off.

In: a block's rows, and the lists of all users in some categories. Out: a `Plan`: the rows with
those sought first and alike ones as neighbours, their bound, cut into tiles, and the tiles with
pairs that may meet, the most alike first, so that thresholds rise early. None of it shows in the
result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from hertz.matching.eligibility import EligibilityRules
from hertz.matching.topk.blocks import Classes, classify
from hertz.matching.topk.bound.factors import CategoryFactors
from hertz.matching.topk.bound.upper_bound import UpperBound, rotated_bound, unrotated_bound
from hertz.matching.topk.lists import Lists
from hertz.matching.topk.options import Means

SHARE_TO_ROTATE = 0.2  # of the rows sought: for fewer, finding the axes costs more than it saves


@dataclass(frozen=True)
class Plan:
    """A block, ready to be worked off.

    Attributes:
        rows: `(n,)` int64 rows of the features.
        bound: Of the rows, in this order.
        sought: So many of the first rows are sought; pairs of others are not looked at.
        cuts: The rows of each tile side.
        tiles: Pairs of cuts, in the order in which they are looked at.
        possible: `(categories, cuts, cuts)` bool: whether there are pairs that may meet.
        mixed: The same of pairs that may not.
        pairs: Unordered pairs of the block that may meet, in each category.
    """

    rows: np.ndarray
    bound: UpperBound
    sought: int
    cuts: list[slice]
    tiles: list[tuple[int, int]]
    possible: np.ndarray
    mixed: np.ndarray
    pairs: list[int]


def planned(
    rules: Sequence[EligibilityRules],
    forms: CategoryFactors,
    rows: np.ndarray,
    lists: Lists,
    means: Means,
    bound: UpperBound | None = None,
) -> Plan:
    """The plan for a block.

    Args:
        rules: Each category's.
        forms: The categories' terms as columns.
        rows: `(n,)` int64 rows of the block.
        lists: What will be offered to in one category; all seek the same.
        means: How tiles are multiplied.
        bound: Of the rows, where it is known.
    """
    classes, wanted = [classify(some, rows) for some in rules], lists.sought[rows]
    alike = np.zeros(len(rows), dtype=np.int64)
    how = means.dtype, means.device, means.threads
    if not bound and wanted.sum() > SHARE_TO_ROTATE * len(rows):
        bound = rotated_bound(forms, rows, lists.scores.shape[1], *how)
        alike = _pivots(bound, means.tile)
    keys = [alike, *(some.of for some in classes), ~wanted]
    order, sought = np.lexsort(keys), int(wanted.sum())
    rows = rows[order]
    bound = bound.reordered(order, sought) if bound else unrotated_bound(forms, rows, sought, *how)
    first = range(0, sought, means.tile)
    starts = [*first, *range(sought, len(rows), means.tile)]
    cuts = [slice(a, b) for a, b in pairwise([*starts, len(rows)])]
    met = [_met(some, order, cuts) for some in classes]
    possible, mixed = (np.stack(tables) for tables in zip(*met, strict=True))
    tiles = _in_order(np.asarray(possible.any(axis=0)), cuts, len(first), bound)
    pairs = [some.pairs for some in classes]
    return Plan(rows, bound, sought, cuts, tiles, possible, mixed, pairs)


def _met(classes: Classes, order: np.ndarray, cuts: list[slice]) -> tuple[np.ndarray, np.ndarray]:
    """Tiles with pairs that may meet, and with pairs that may not: `(cuts, cuts)` bool each."""
    members, of = np.zeros((len(cuts), len(classes.meet)), dtype=np.float32), classes.of[order]
    for at, cut in enumerate(cuts):
        members[at, of[cut]] = 1.0
    meet, apart = (table.astype(np.float32) for table in (classes.meet, ~classes.meet))
    return members @ meet @ members.T > 0, members @ apart @ members.T > 0


def _in_order(
    possible: np.ndarray, cuts: list[slice], sought: int, bound: UpperBound
) -> list[tuple[int, int]]:
    """The possible tiles."""
    alike = np.zeros((len(cuts), len(cuts)))
    if len(bound.left) == len(bound.right):  # all are sought
        alike = _alike(bound, cuts)
    tiles = [(i, j) for i in range(sought) for j in range(i, len(cuts)) if possible[i, j]]
    return sorted(tiles, key=lambda t: (t[0] != t[1], -alike[t], t))


def _alike(bound: UpperBound, cuts: list[slice]) -> np.ndarray:
    """How alike tiles are on average, by a few rows of each: `(tiles, tiles)` float64."""
    some = [slice(cut.start, cut.stop, -(-(cut.stop - cut.start) // 16)) for cut in cuts]
    middles = [
        torch.stack([side[few].float().mean(dim=0) for few in some]).double().cpu().numpy()
        for side in (bound.left, bound.right)
    ]
    alike: np.ndarray = middles[0] @ middles[1].T
    return alike


def _pivots(bound: UpperBound, tile: int) -> np.ndarray:
    """`(n,)` the most alike of a strided sample of rows, one for each tile."""
    pivots = _multipliable(bound.right[::tile]).T
    parts = [bound.left[at : at + 8 * tile] for at in range(0, len(bound.left), 8 * tile)]
    alike = [(_multipliable(part) @ pivots).argmax(dim=1) for part in parts]
    return torch.cat(alike).cpu().numpy()


def _multipliable(integers: torch.Tensor) -> torch.Tensor:
    """As floats: torch multiplies integers one by one."""
    return integers if integers.is_floating_point() else integers.float()
