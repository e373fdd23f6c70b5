"""The inner operations of the search on a GPU, as Triton kernels.

Writing a bfloat16 tile costs as much as computing it (measured in a study), so a program holds one
block of bounds in registers, tests it, and writes one bit a pair.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

from hertz.matching.features import LANES
from hertz.matching.topk.options import PairPositions

# Rows (and as many columns) of the block of bounds that one program holds, and the depth of a step
# of its product: as large as the registers of a Hopper, Ampere or Turing GPU allow.
BLOCKS = {torch.bfloat16: (128, 64), torch.float32: (64, 32)}
# Warps of a program that tests for several categories: with twice the usual number, the common
# products and the whole ones both fit into the registers (read from the compiled code, not timed).
WARPS = 8
WORD = 32  # pairs whose bits are written together
PAIRS = 32  # pairs whose rows one program multiplies


def find_survivors(
    left: torch.Tensor,
    right: torch.Tensor,
    parts: list[list[int]],
    row_thresholds: torch.Tensor,
    column_thresholds: torch.Tensor,
    diagonal: bool,
    max_pairs: int,
) -> list[PairPositions] | None:
    """Finds the pairs that reach a threshold; see `kernels.find_survivors`."""
    side, depth = BLOCKS[left.dtype]
    grid = (triton.cdiv(len(left), side), triton.cdiv(len(right), side))
    shape = len(parts) - 1, grid[0] * side, grid[1] * side // WORD
    words = torch.zeros(shape, dtype=torch.int32, device=left.device)
    (_, common), *own = parts
    columns = torch.tensor(own, dtype=torch.int32, device=left.device)
    _reached[grid](
        left, right, columns, row_thresholds, column_thresholds, words, len(left), len(right),
        int(diagonal), WIDTH=left.shape[1], COMMON=common, CATEGORIES=len(own), ROWS=side,
        COLUMNS=side, DEPTH=depth, WORD=WORD, num_warps=WARPS if len(own) > 1 else 4,
    )  # fmt: skip
    found: list[PairPositions] = []
    for table in words:
        rows, word_columns = table.nonzero(as_tuple=True)
        bits = table[rows, word_columns, None] >> torch.arange(WORD, device=left.device) & 1
        if int(bits.sum()) > max_pairs:
            return None
        which, bit = bits.nonzero(as_tuple=True)
        found.append(PairPositions(rows[which], word_columns[which] * WORD + bit))
    return found


def cosines(vectors: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Returns the cosines of pairs of rows; see `kernels.cosines`."""
    out = torch.empty(len(a), dtype=torch.float64, device=a.device)
    if len(a):
        grid = (triton.cdiv(len(a), PAIRS),)
        _cosines[grid](vectors, a, b, out, len(a), WIDTH=vectors.shape[1], PAIRS=PAIRS, LANES=LANES)
    return out


@triton.jit  # type: ignore[untyped-decorator]
def _reached(  # type: ignore[no-untyped-def]  # noqa: ANN202
    left, right, own, row_thresholds, column_thresholds, words, height, width, diagonal,  # noqa: ANN001
    WIDTH: tl.constexpr, COMMON: tl.constexpr, CATEGORIES: tl.constexpr, ROWS: tl.constexpr,
    COLUMNS: tl.constexpr, DEPTH: tl.constexpr, WORD: tl.constexpr,
):  # fmt: skip
    """Tests one block of bounds: the common products, then those of each category added."""
    first_row, first_column = tl.program_id(0) * ROWS, tl.program_id(1) * COLUMNS
    if (diagonal == 0) | (first_column + COLUMNS > first_row + 1):
        i, j = first_row + tl.arange(0, ROWS), first_column + tl.arange(0, COLUMNS)
        k = tl.arange(0, DEPTH)
        rows, columns = tl.minimum(i, height - 1), tl.minimum(j, width - 1)
        left_rows = left + rows[:, None].to(tl.int64) * WIDTH + k[None, :]
        right_rows = right + columns[None, :].to(tl.int64) * WIDTH + k[:, None]
        common = tl.zeros((ROWS, COLUMNS), dtype=tl.float32)
        for step in range(COMMON // DEPTH):
            x, y = tl.load(left_rows + step * DEPTH), tl.load(right_rows + step * DEPTH)
            common = tl.dot(x, y, common, input_precision="ieee")
        at = first_column // WORD + tl.arange(0, COLUMNS // WORD)
        stride = tl.num_programs(1) * (COLUMNS // WORD)
        table = tl.num_programs(0).to(tl.int64) * ROWS * stride
        for category in range(CATEGORIES):
            products = common
            for step in range(tl.load(own + 2 * category), tl.load(own + 2 * category + 1), DEPTH):
                x, y = tl.load(left_rows + step), tl.load(right_rows + step)
                products = tl.dot(x, y, products, input_precision="ieee")
            row_threshold = tl.load(row_thresholds + category * height + rows)[:, None]
            column_threshold = tl.load(column_thresholds + category * width + columns)[None, :]
            keep = products >= tl.minimum(row_threshold, column_threshold)
            keep = keep & (i < height)[:, None] & (j < width)[None, :]
            keep = keep & ((diagonal == 0) | (j[None, :] > i[:, None]))
            bits = keep.to(tl.int32) << (j % WORD)[None, :]
            word = tl.sum(tl.reshape(bits, (ROWS, COLUMNS // WORD, WORD)), axis=2)
            here = words + category * table
            tl.store(here + i[:, None].to(tl.int64) * stride + at[None, :], word)


@triton.jit  # type: ignore[untyped-decorator]
def _cosines(  # type: ignore[no-untyped-def]  # noqa: ANN202
    vectors, a, b, out, pairs,  # noqa: ANN001
    WIDTH: tl.constexpr, PAIRS: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    """Computes `reference.cosine` of some pairs: lane by lane, then halves onto halves."""
    pair, lane = tl.program_id(0) * PAIRS + tl.arange(0, PAIRS), tl.arange(0, LANES)
    inside = pair < pairs
    first = vectors + tl.load(a + pair, mask=inside, other=0)[:, None] * WIDTH + lane[None, :]
    second = vectors + tl.load(b + pair, mask=inside, other=0)[:, None] * WIDTH + lane[None, :]
    total = tl.zeros((PAIRS, LANES), dtype=tl.float64)
    for start in range(0, WIDTH, LANES):
        total += tl.load(first + start).to(tl.float64) * tl.load(second + start).to(tl.float64)
    half: tl.constexpr = LANES // 2
    for step in tl.static_range(half.bit_length()):
        lower, upper = tl.split(tl.permute(tl.reshape(total, (PAIRS, 2, half >> step)), (0, 2, 1)))
        total = lower + upper
    tl.store(out + pair, tl.reshape(total, (PAIRS,)), mask=inside)
