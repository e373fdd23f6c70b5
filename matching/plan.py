"""In which order a large eligibility block is worked off.

In: a block's rows and the lists of all users. Out: a `Plan`: the rows with those sought first and
alike ones as neighbours, their bound, cut into tiles, and the tiles with pairs that may meet, the
most alike first, so that thresholds rise early. None of it shows in the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from matching.blocks import Classes, classify
from matching.bounds import Bound, plain_bound, rotated_bound
from matching.forms import Forms
from matching.lists import Lists
from matching.pairs import Rules

SHARE_TO_ROTATE = 0.2  # of the rows sought: for fewer, finding the axes costs more than it saves


@dataclass(frozen=True)
class Means:
    """What changes speed and memory, never the result.

    Attributes:
        tile: Rows and columns of a tile.
        dtype: What a tile is computed in.
        device: "cpu" or "cuda".
        threads: Tiles worked off at the same time on a CPU.
    """

    tile: int
    dtype: torch.dtype
    device: str
    threads: int


@dataclass(frozen=True)
class Plan:
    """A block, ready to be worked off.

    Attributes:
        rows: `(n,)` int64 rows of the features.
        bound: Of the rows, in this order.
        sought: So many of the first rows are sought; pairs of others are not looked at.
        cuts: The rows of each tile side.
        tiles: Pairs of cuts, in the order in which they are looked at.
        mixed: `(cuts, cuts)` bool: whether there are pairs that may not meet.
        pairs: Unordered pairs of the block that may meet.
    """

    rows: np.ndarray
    bound: Bound
    sought: int
    cuts: list[slice]
    tiles: list[tuple[int, int]]
    mixed: np.ndarray
    pairs: int


def planned(
    rules: Rules,
    forms: Forms,
    rows: np.ndarray,
    lists: Lists,
    means: Means,
    bound: Bound | None = None,
) -> Plan:
    """The plan for a block.

    Args:
        rules: The category's rules.
        forms: The category's terms as columns.
        rows: `(n,)` int64 rows of the block.
        lists: What will be offered to.
        means: How tiles are multiplied.
        bound: Of the rows, where it is known.
    """
    classes, wanted = classify(rules, rows), lists.sought[rows]
    alike = np.zeros(len(rows), dtype=np.int64)
    how = means.dtype, means.device, means.threads
    if not bound and wanted.sum() > SHARE_TO_ROTATE * len(rows):
        bound = rotated_bound(forms, rows, lists.scores.shape[1], *how)
        alike = _pivots(bound, means.tile)
    order, sought = np.lexsort((alike, classes.of, ~wanted)), int(wanted.sum())
    rows = rows[order]
    bound = bound.take(order, sought) if bound else plain_bound(forms, rows, sought, *how)
    first = range(0, sought, means.tile)
    starts = [*first, *range(sought, len(rows), means.tile)]
    cuts = [slice(a, b) for a, b in pairwise([*starts, len(rows)])]
    tiles, mixed = _in_order(classes, order, cuts, len(first), bound)
    return Plan(rows, bound, sought, cuts, tiles, mixed, classes.pairs)


def _in_order(
    classes: Classes, order: np.ndarray, cuts: list[slice], sought: int, bound: Bound
) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Tiles with pairs that may meet, and which have others as well."""
    members = np.zeros((len(cuts), len(classes.meet)), dtype=np.float32)
    for at, cut in enumerate(cuts):
        members[at, classes.of[order][cut]] = 1.0
    possible = members @ classes.meet.astype(np.float32) @ members.T > 0
    mixed = members @ (~classes.meet).astype(np.float32) @ members.T > 0
    alike = np.zeros((len(cuts), len(cuts)))
    if len(bound.left) == len(bound.right):  # all are sought
        alike = _alike(bound, cuts)
    tiles = [(i, j) for i in range(sought) for j in range(i, len(cuts)) if possible[i, j]]
    return sorted(tiles, key=lambda t: (t[0] != t[1], -alike[t], t)), mixed


def _alike(bound: Bound, cuts: list[slice]) -> np.ndarray:
    """How alike tiles are on average, by a few rows of each: `(tiles, tiles)` float64."""
    some = [slice(cut.start, cut.stop, -(-(cut.stop - cut.start) // 16)) for cut in cuts]
    middles = [
        torch.stack([side[few].float().mean(dim=0) for few in some]).double().cpu().numpy()
        for side in (bound.left, bound.right)
    ]
    alike: np.ndarray = middles[0] @ middles[1].T
    return alike


def _pivots(bound: Bound, tile: int) -> np.ndarray:
    """`(n,)` the most alike of a strided sample of rows, one for each tile."""
    pivots = _multipliable(bound.right[::tile]).T
    parts = [bound.left[at : at + 8 * tile] for at in range(0, len(bound.left), 8 * tile)]
    alike = [(_multipliable(part) @ pivots).argmax(dim=1) for part in parts]
    return torch.cat(alike).cpu().numpy()


def _multipliable(integers: torch.Tensor) -> torch.Tensor:
    """As floats: torch multiplies integers one by one."""
    return integers if integers.is_floating_point() else integers.float()
