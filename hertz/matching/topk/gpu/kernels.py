"""The two inner operations of the search on a GPU: Triton kernels there, torch on a CPU.

The torch versions let the whole GPU search run, and be tested, on a machine without a GPU.
"""

from __future__ import annotations

import torch

from hertz.matching.features import LANES
from hertz.matching.topk.options import PairPositions

PAIRS_AT_ONCE = 1 << 11  # pairs whose rows torch copies at once: few enough for the cache


def find_survivors(
    left: torch.Tensor,
    right: torch.Tensor,
    parts: list[list[int]],
    row_thresholds: torch.Tensor,
    column_thresholds: torch.Tensor,
    diagonal: bool,
    max_pairs: int,
) -> list[PairPositions] | None:
    """Finds the pairs whose upper bound reaches the threshold of either side, by category.

    Args:
        left: `(rows, width)` bfloat16 or float32 left side of the bound.
        right: `(columns, width)` right side of the same dtype.
        parts: First column and end, multiples of `upper_bound.GPU_DEPTH`: of the part that all
            categories have in common, then of each category's own part.
        row_thresholds: `(categories, rows)` float32.
        column_thresholds: `(categories, columns)` float32.
        diagonal: Whether only pairs above the diagonal count.
        max_pairs: Number of pairs that a category may have at most.

    Returns:
        The surviving pairs of each category; None where one has more than `max_pairs`.
    """
    if left.is_cuda:
        # needs Triton, which is not installed on a machine without a GPU
        from hertz.matching.topk.gpu import triton_kernels

        return triton_kernels.find_survivors(
            left, right, parts, row_thresholds, column_thresholds, diagonal, max_pairs
        )
    common, *own = ((left[:, a:b] @ right[:, a:b].T).float() for a, b in parts)
    found: list[PairPositions] = []
    for products, of_rows, of_columns in zip(own, row_thresholds, column_thresholds, strict=True):
        keep = common + products >= torch.minimum(of_rows[:, None], of_columns)
        i, j = (keep.triu(1) if diagonal else keep).nonzero(as_tuple=True)
        if len(i) > max_pairs:
            return None
        found.append(PairPositions(i, j))
    return found


def cosines(vectors: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Returns `reference.cosine` of pairs of rows, `(m,)` int64 each: `(m,)` float64."""
    if vectors.is_cuda:
        # needs Triton, which is not installed on a machine without a GPU
        from hertz.matching.topk.gpu import triton_kernels

        return triton_kernels.cosines(vectors, a, b)
    out = torch.empty(len(a), dtype=torch.float64)
    for start in range(0, len(a), PAIRS_AT_ONCE):
        some = slice(start, start + PAIRS_AT_ONCE)
        out[some] = _sum_lanes(vectors[a[some]].double() * vectors[b[some]].double())
    return out


def _sum_lanes(products: torch.Tensor) -> torch.Tensor:
    """Sums each row's products in the order of `reference.cosine`: lanes first, then halves."""
    total = torch.zeros((len(products), LANES), dtype=products.dtype)
    for start in range(0, products.shape[1], LANES):
        total += products[:, start : start + LANES]
    while total.shape[1] > 1:
        half = total.shape[1] // 2
        total = total[:, :half] + total[:, half:]
    return total[:, 0]
