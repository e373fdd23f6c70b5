"""What a GPU's path multiplies: Triton's kernels on a GPU, the same in torch on a CPU.

The torch formulation lets the whole path run, and be tested, where there is no GPU.
"""

from __future__ import annotations

import torch

from hertz.matching.features import LANES

PAIRS = 1 << 11  # multiplied at once by torch, which copies their rows: few enough for the cache

Survivors = tuple[torch.Tensor, torch.Tensor]


def survivors(
    left: torch.Tensor,
    right: torch.Tensor,
    parts: list[list[int]],
    least_rows: torch.Tensor,
    least_columns: torch.Tensor,
    diagonal: bool,
    room: int,
) -> list[Survivors] | None:
    """Pairs whose product reaches what either side takes, for each of some categories.

    Args:
        left: `(rows, columns)` bfloat16 or float32.
        right: `(others, columns)` of the same dtype.
        parts: First and last columns, multiples of `bounds.DEPTH`: of those common to all
            categories, then of each category's own.
        least_rows: `(categories, rows)` float32.
        least_columns: `(categories, others)` float32.
        diagonal: Only pairs above the diagonal count.
        room: How many there may be at most in a category.

    Returns:
        Rows and columns for each category, `(m,)` int64 each; None where there are more than
        `room`.
    """
    if left.is_cuda:
        from hertz.matching.topk.gpu import (
            triton_kernels as cuda,
        )  # needs triton, which a machine without a GPU lacks

        return cuda.survivors(left, right, parts, least_rows, least_columns, diagonal, room)
    common, *own = ((left[:, a:b] @ right[:, a:b].T).float() for a, b in parts)
    found: list[Survivors] = []
    for products, mine, theirs in zip(own, least_rows, least_columns, strict=True):
        keep = common + products >= torch.minimum(mine[:, None], theirs)
        i, j = (keep.triu(1) if diagonal else keep).nonzero(as_tuple=True)
        if len(i) > room:
            return None
        found.append((i, j))
    return found


def cosines(vectors: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """`reference.cosine` of the rows `a` and `b`, `(m,)` int64 each: `(m,)` float64.

    Args:
        vectors: `(n, dim)` float32, dim a multiple of LANES.
        a: Rows.
        b: The same.
    """
    if vectors.is_cuda:
        from hertz.matching.topk.gpu import triton_kernels as cuda

        return cuda.cosines(vectors, a, b)
    out = torch.empty(len(a), dtype=torch.float64)
    for start in range(0, len(a), PAIRS):
        some = slice(start, start + PAIRS)
        out[some] = _summed(vectors[a[some]].double() * vectors[b[some]].double())
    return out


def _summed(products: torch.Tensor) -> torch.Tensor:
    total = torch.zeros((len(products), LANES), dtype=products.dtype)
    for start in range(0, products.shape[1], LANES):
        total += products[:, start : start + LANES]
    while total.shape[1] > 1:
        half = total.shape[1] // 2
        total = total[:, :half] + total[:, half:]
    return total[:, 0]
