"""Plans the search of a large eligibility block: its upper bound, its tiles and their order.

Active rows come first and similar ones next to each other; the most similar tiles are searched
first, so that thresholds rise early. The order changes the speed and never the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from hertz.matching.topk.blocks import EligibilityClasses, classify
from hertz.matching.topk.bound.factors import CategoryFactors
from hertz.matching.topk.bound.upper_bound import UpperBound, rotated_bound, unrotated_bound
from hertz.matching.topk.options import ResolvedOptions, SearchedCategory

# Share of active rows above which columns are rotated: for fewer rows, finding the principal axes
# costs more than it saves.
MIN_ACTIVE_SHARE_TO_ROTATE = 0.2
SIMILARITY_ROWS = 16  # rows by which the mean of a tile's side is estimated


class Tile(NamedTuple):
    """A tile of pairs, by the positions of its sides in `BlockPlan.sides`, the lower one first."""

    row_side: int
    column_side: int


@dataclass(frozen=True)
class BlockPlan:
    """A block, ready to be searched in some categories.

    Attributes:
        rows: `(n,)` int64 rows of the features, in the order of the search.
        bound: Upper bound of the pairs' scores, its rows in the same order.
        active_count: Number of active rows, which come first; pairs of two others are left out.
        sides: Slices of `rows`, each one side of a tile.
        tiles: Tiles to search, in the order of the search.
        has_eligible: `(categories, sides, sides)` bool: whether a tile has pairs that may meet.
        has_ineligible: `(categories, sides, sides)` bool: whether it has pairs that may not.
        eligible_pairs: Number of unordered pairs of the block that may meet, for each category.
    """

    rows: np.ndarray
    bound: UpperBound
    active_count: int
    sides: list[slice]
    tiles: list[Tile]
    has_eligible: np.ndarray
    has_ineligible: np.ndarray
    eligible_pairs: list[int]


def plan_block(
    categories: Sequence[SearchedCategory],
    factors: CategoryFactors,
    rows: np.ndarray,
    options: ResolvedOptions,
    bound: UpperBound | None = None,
) -> BlockPlan:
    """Returns the plan for a block's `rows`, `(n,)` int64, and their `bound` if there is one.

    All categories have the same active rows.
    """
    groupings = [classify(category.rules, rows) for category in categories]
    heaps = categories[0].heaps
    active = heaps.active[rows]
    active_count = int(active.sum())
    nearest_pivot = np.zeros(len(rows), dtype=np.int64)
    if not bound and active_count > MIN_ACTIVE_SHARE_TO_ROTATE * len(rows):
        bound = rotated_bound(factors, rows, heaps.depth, options)
        nearest_pivot = _nearest_pivots(bound, options.tile_size)
    order = np.lexsort([nearest_pivot, *(grouping.class_of_row for grouping in groupings), ~active])
    rows = rows[order]
    if bound:
        bound = bound.reordered(order, active_count)
    else:
        bound = unrotated_bound(factors, rows, active_count, options)
    # No side has both active and other rows.
    size = options.tile_size
    cuts = [*range(0, active_count, size), *range(active_count, len(rows), size), len(rows)]
    sides = [slice(start, end) for start, end in pairwise(cuts)]
    members = [_side_classes(grouping, order, sides) for grouping in groupings]
    has_eligible = _flag_tiles([grouping.may_meet for grouping in groupings], members)
    return BlockPlan(
        rows=rows,
        bound=bound,
        active_count=active_count,
        sides=sides,
        tiles=_ordered_tiles(np.any(has_eligible, axis=0), sides, active_count, bound),
        has_eligible=has_eligible,
        has_ineligible=_flag_tiles([~grouping.may_meet for grouping in groupings], members),
        eligible_pairs=[grouping.eligible_pairs for grouping in groupings],
    )


def _side_classes(classes: EligibilityClasses, order: np.ndarray, sides: list[slice]) -> np.ndarray:
    """Returns which classes each side of the plan has: `(sides, classes)` float32, 0 or 1."""
    class_of_row = classes.class_of_row[order]
    members = np.zeros((len(sides), len(classes.may_meet)), dtype=np.float32)
    for at, side in enumerate(sides):
        members[at, class_of_row[side]] = 1.0
    return members


def _flag_tiles(
    pairs_of_classes: Sequence[np.ndarray], members: Sequence[np.ndarray]
) -> np.ndarray:
    """Returns which tiles have one of some pairs of classes: `(categories, sides, sides)` bool."""
    classes = zip(pairs_of_classes, members, strict=True)
    return np.stack([side @ pairs.astype(np.float32) @ side.T > 0 for pairs, side in classes])


def _ordered_tiles(
    has_eligible: np.ndarray, sides: list[slice], active_count: int, bound: UpperBound
) -> list[Tile]:
    """Returns the tiles with eligible pairs: the diagonal first, then the most similar sides."""
    similarity = np.zeros((len(sides), len(sides)))
    if active_count == len(bound.right):
        similarity = _side_similarity(bound, sides)
    tiles = [
        Tile(i, j)
        for i, side in enumerate(sides)
        if side.start < active_count
        for j in range(i, len(sides))
        if has_eligible[i, j]
    ]
    return sorted(tiles, key=lambda tile: (tile[0] != tile[1], -similarity[tile], tile))


def _side_similarity(bound: UpperBound, sides: list[slice]) -> np.ndarray:
    """Estimates the mean upper bound of every tile: `(sides, sides)` float64."""
    samples = [
        slice(side.start, side.stop, -(-(side.stop - side.start) // SIMILARITY_ROWS))
        for side in sides
    ]
    left, right = (
        torch.stack([matrix[sample].float().mean(dim=0) for sample in samples]).double()
        for matrix in (bound.left, bound.right)
    )
    similarity: np.ndarray = left.cpu().numpy() @ right.cpu().numpy().T
    return similarity


def _nearest_pivots(bound: UpperBound, tile_size: int) -> np.ndarray:
    """Returns for each row the most similar pivot, of one strided pivot a tile: `(n,)` int64."""
    pivots = _as_floats(bound.right[::tile_size]).T
    chunk = 8 * tile_size
    parts = [bound.left[start : start + chunk] for start in range(0, len(bound.left), chunk)]
    nearest = [(_as_floats(part) @ pivots).argmax(dim=1) for part in parts]
    return torch.cat(nearest).cpu().numpy()


def _as_floats(matrix: torch.Tensor) -> torch.Tensor:
    """Returns a matrix that torch multiplies fast: it multiplies integers one by one."""
    return matrix if matrix.is_floating_point() else matrix.float()
