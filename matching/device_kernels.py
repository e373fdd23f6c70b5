"""What a GPU's path multiplies: Triton's kernels on a GPU, the same in torch on a CPU.

The torch formulation lets the whole path run, and be tested, where there is no GPU.
"""

from __future__ import annotations

import torch

from matching.features import LANES

PAIRS = 1 << 11  # multiplied at once by torch, which copies their rows: few enough for the cache

Survivors = tuple[torch.Tensor, torch.Tensor]


def survivors(
    left: torch.Tensor,
    right: torch.Tensor,
    least_rows: torch.Tensor,
    least_columns: torch.Tensor,
    diagonal: bool,
    room: int,
) -> Survivors | None:
    """Pairs whose product reaches what either side takes.

    Args:
        left: `(rows, columns)` bfloat16 or float32, a multiple of `bounds.DEPTH` of columns.
        right: `(others, columns)` of the same dtype.
        least_rows: `(rows,)` float32.
        least_columns: `(others,)` float32.
        diagonal: Only pairs above the diagonal count.
        room: How many there may be at most.

    Returns:
        Rows and columns, `(m,)` int64 each; None where there are more than `room`.
    """
    if left.is_cuda:
        from matching import cuda  # needs triton, which a machine without a GPU lacks

        return cuda.survivors(left, right, least_rows, least_columns, diagonal, room)
    products = (left @ right.T).float()
    keep = products >= torch.minimum(least_rows[:, None], least_columns)
    i, j = (keep.triu(1) if diagonal else keep).nonzero(as_tuple=True)
    return (i, j) if len(i) <= room else None


def cosines(vectors: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """`scoring.cosine` of the rows `a` and `b`, `(m,)` int64 each: `(m,)` float64.

    Args:
        vectors: `(n, dim)` float32, dim a multiple of LANES.
        a: Rows.
        b: The same.
    """
    if vectors.is_cuda:
        from matching import cuda

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
