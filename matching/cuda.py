"""The threshold test fused into a tile's product on the GPU: a tile is never written to memory.

In: the bound's thin matrices on the device and what each side still takes. Out: the surviving
pairs with their bounds. Writing a bfloat16 tile costs as much as computing it (measured in a
study), so a program holds one block of products in registers, tests it, and appends what survives.
"""

from __future__ import annotations

import numpy as np
import torch
import triton
import triton.language as tl

from matching.bounds import Bound
from matching.products import Found

ROWS, COLUMNS, DEPTH = 128, 128, 64  # of the block of products one program holds
ROOM = 1 << 22  # survivors a tile may have before it is asked again with more room


class CudaTiles:
    """`products.Tiles` of bfloat16 or float32, by the kernel below."""

    def __init__(self, bound: Bound) -> None:
        self.left, self.right = bound.left.contiguous(), bound.right.contiguous()

    def upper(self, rows: slice, columns: slice) -> np.ndarray:
        """See `products.Tiles`."""
        return (self.left[rows] @ self.right[columns].T).float().cpu().numpy()

    def find(
        self, rows: slice, columns: slice, least_rows: np.ndarray, least_columns: np.ndarray
    ) -> Found:
        """See `products.Tiles`."""
        left, right = self.left[rows], self.right[columns]
        least = [torch.from_numpy(x).to(left.device) for x in (least_rows, least_columns)]
        room = ROOM
        while True:
            found = torch.empty((2, room), dtype=torch.int32, device=left.device)
            bounds = torch.empty(room, dtype=torch.float32, device=left.device)
            count = torch.zeros(1, dtype=torch.int32, device=left.device)
            grid = (triton.cdiv(len(left), ROWS), triton.cdiv(len(right), COLUMNS))
            _survivors[grid](
                left, right, *least, found, bounds, count,
                len(left), len(right), left.shape[1], room, int(rows == columns),
                ROWS=ROWS, COLUMNS=COLUMNS, DEPTH=DEPTH,
            )  # fmt: skip
            many = int(count)
            if many <= room:
                i, j = found[:, :many].cpu().numpy()
                return i, j, bounds[:many].cpu().numpy()
            room = many


@triton.jit  # type: ignore[untyped-decorator]
def _survivors(  # type: ignore[no-untyped-def]  # noqa: ANN202
    left, right, least_rows, least_columns, found, bounds, count,  # noqa: ANN001
    height, width, depth, room, diagonal,  # noqa: ANN001
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    """One block of products: multiply, test, append."""
    i = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    j = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    products = tl.zeros((ROWS, COLUMNS), dtype=tl.float32)
    for start in range(0, depth, DEPTH):
        k = start + tl.arange(0, DEPTH)
        a = tl.load(
            left + i[:, None].to(tl.int64) * depth + k[None, :],
            mask=(i[:, None] < height) & (k[None, :] < depth),
            other=0.0,
        )
        b = tl.load(
            right + j[None, :].to(tl.int64) * depth + k[:, None],
            mask=(j[None, :] < width) & (k[:, None] < depth),
            other=0.0,
        )
        products = tl.dot(a, b, products, input_precision="ieee")
    mine = tl.load(least_rows + i, mask=i < height, other=float("inf"))
    theirs = tl.load(least_columns + j, mask=j < width, other=float("inf"))
    keep = products >= tl.minimum(mine[:, None], theirs[None, :])
    keep = keep & (i[:, None] < height) & (j[None, :] < width)
    if diagonal:
        keep = keep & (j[None, :] > i[:, None])
    flags = tl.reshape(keep.to(tl.int32), (ROWS * COLUMNS,))
    many = tl.sum(flags, axis=0)
    if many > 0:
        at = tl.atomic_add(count, many) + tl.cumsum(flags, axis=0) - flags
        kept = (flags > 0) & (at < room)
        rows = tl.reshape(tl.broadcast_to(i[:, None], (ROWS, COLUMNS)), (ROWS * COLUMNS,))
        columns = tl.reshape(tl.broadcast_to(j[None, :], (ROWS, COLUMNS)), (ROWS * COLUMNS,))
        tl.store(found + at, rows, mask=kept)
        tl.store(found + room + at, columns, mask=kept)
        tl.store(bounds + at, tl.reshape(products, (ROWS * COLUMNS,)), mask=kept)
