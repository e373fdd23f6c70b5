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

ROWS, COLUMNS, DEPTH = 128, 128, 64  # of the block of products one program holds
ROOM = 1 << 22  # survivors a tile may have before it is asked again with more room


class CudaTiles:
    """Finds the surviving pairs of tiles.

    Args:
        left: `(n, columns)` tensor on the device, bfloat16 or float32.
        right: The same.
    """

    def __init__(self, left: torch.Tensor, right: torch.Tensor) -> None:
        self.left, self.right = left.contiguous(), right.contiguous()

    def find(
        self, rows: slice, columns: slice, least_rows: np.ndarray, least_columns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pairs whose bound reaches what either side takes: rows and columns of the tile, bounds.

        Args:
            rows: Rows of `left`.
            columns: Rows of `right`; where they are the same, only pairs above the diagonal.
            least_rows: `(rows,)` float32.
            least_columns: `(columns,)` float32.

        Returns:
            `(m,)` int32, int32 and float32, in no particular order.
        """
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
                len(left), len(right), left.shape[1], room, rows == columns,
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
