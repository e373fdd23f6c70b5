"""Vector loops in LLVM IR: blocks of int16 products, the reference's dot product, words of bits.

numba compiles them for the processor on which they run. Nothing is checked: kernels do that. numba
without IR, torch and numpy were tried, at an eighth to a half of the speed; a C extension would
need a compiler on each machine (docs/decisions/llvm-inner-loops.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from hertz.matching.features import LANES

BLOCK_ROWS = 4  # rows of a block of int16 products
BLOCK_COLUMNS = 16  # columns of a block; a block has a bit for each product in a word of 64
VECTOR_INTS = 8  # int32 in a vector of 256 bits

_I8 = ir.IntType(8)
_I32 = ir.IntType(32)
_I64 = ir.IntType(64)
_INT32_VECTOR = ir.VectorType(_I32, VECTOR_INTS)
_INT16_VECTOR = ir.VectorType(ir.IntType(16), 2 * VECTOR_INTS)
_PRODUCT_VECTOR = ir.VectorType(_I32, 2 * VECTOR_INTS)
_FLOAT_LANES = ir.VectorType(ir.FloatType(), LANES)
_DOUBLE_LANES = ir.VectorType(ir.DoubleType(), LANES)


@intrinsic
def multiply_block(  # type: ignore[no-untyped-def]  # noqa: ANN201
    context, left, stride, panel, pairs, base, row_thresholds, column_thresholds, out, out_stride  # noqa: ANN001
):  # fmt: skip
    """Write a block of int16 products and mark those that reach a threshold.

    Args:
        context: Typing context of numba.
        left: Address of BLOCK_ROWS rows of `pairs` pairs of int16.
        stride: Bytes from one row of `left` to the next.
        panel: Address of `(pairs, BLOCK_COLUMNS, 2)` int16.
        pairs: Number of pairs of int16 in a row.
        base: Address of BLOCK_ROWS rows of BLOCK_COLUMNS int32, to which the products are added.
        row_thresholds: Address of BLOCK_ROWS int32.
        column_thresholds: Address of BLOCK_COLUMNS int32.
        out: Address of BLOCK_ROWS rows of BLOCK_COLUMNS int32, written.
        out_stride: Bytes from one row of `out` to the next.

    Returns:
        uint64 with bit `BLOCK_COLUMNS * row + column` set where `out` reaches the row's or the
        column's threshold.
    """
    return types.uint64(*[types.intp] * 9), _lowering(_emit_multiply_block)


@intrinsic
def dot(context, x, y, count):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return `reference.cosine` of `count` float32, a multiple of LANES, at two addresses."""
    return types.float64(types.intp, types.intp, types.intp), _lowering(_emit_dot)


@intrinsic
def prefetch(context, address):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Ask the processor to read the cache line at an address, without waiting for it."""
    return types.void(types.intp), _lowering(_emit_prefetch)


@intrinsic
def count_ones(context, word):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return the number of ones in a uint64, an int64."""
    return types.int64(types.uint64), _lowering(_emit_count_ones)


@intrinsic
def lowest_one(context, word):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return the position of the lowest one in a uint64 that is not 0, an int64."""
    return types.int64(types.uint64), _lowering(_emit_lowest_one)


def ir_digest() -> str:
    """Returns a digest of the IR of all intrinsics, constants included."""
    module = ir.Module()
    for emit in _EMITTERS:
        arguments = [_I64] * (emit.__code__.co_argcount - 1)
        function = ir.Function(module, ir.FunctionType(_I64, arguments), emit.__name__)
        builder = ir.IRBuilder(function.append_basic_block())
        emit(builder, *function.args)
        builder.unreachable()
    return hashlib.blake2b(str(module).encode(), digest_size=8).hexdigest()


def _lowering(emit: Callable[..., ir.Value | None]) -> Callable[..., ir.Value]:
    """Returns the code generator that numba calls for an intrinsic."""

    def lower(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:  # noqa: ANN401
        value = emit(builder, *arguments)
        return context.get_dummy_value() if value is None else value

    return lower


def _emit_multiply_block(
    builder: ir.IRBuilder,
    left: ir.Value,
    stride: ir.Value,
    panel: ir.Value,
    pairs: ir.Value,
    base: ir.Value,
    row_thresholds: ir.Value,
    column_thresholds: ir.Value,
    out: ir.Value,
    out_stride: ir.Value,
) -> ir.Value:
    """Emits `multiply_block`: the products, their comparison with thresholds, and the stores."""
    reached = ir.Constant(_I64, 0)
    for index, sums in enumerate(_emit_block_sums(builder, left, stride, panel, pairs, base)):
        row, column = divmod(index * VECTOR_INTS, BLOCK_COLUMNS)
        thresholds = _load(builder, column_thresholds, _INT32_VECTOR, 4 * column)
        own = _broadcast(builder, _load(builder, row_thresholds, _I32, 4 * row))
        thresholds = builder.select(builder.icmp_signed("<", own, thresholds), own, thresholds)
        bits = builder.bitcast(builder.icmp_signed(">=", sums, thresholds), ir.IntType(VECTOR_INTS))
        shift = ir.Constant(_I64, VECTOR_INTS * index)
        reached = builder.or_(reached, builder.shl(builder.zext(bits, _I64), shift))
        row_address = builder.add(out, builder.mul(out_stride, ir.Constant(_I64, row)))
        pointer = _pointer(builder, row_address, _INT32_VECTOR, 4 * column)
        builder.store(sums, pointer, align=4)
    return reached


def _emit_block_sums(
    builder: ir.IRBuilder,
    left: ir.Value,
    stride: ir.Value,
    panel: ir.Value,
    pairs: ir.Value,
    base: ir.Value,
) -> list[ir.Value]:
    """Emits the loop over pairs of columns; returns the block's sums, row by row."""
    # The sums fill BLOCK_ROWS * BLOCK_COLUMNS / VECTOR_INTS = 8 of AVX2's 16 vector registers.
    rows = [builder.add(left, builder.mul(stride, ir.Constant(_I64, r))) for r in range(BLOCK_ROWS)]

    def products(pair: ir.Value) -> list[ir.Value]:
        offset = builder.mul(pair, ir.Constant(_I64, 4))
        line = builder.add(panel, builder.mul(pair, ir.Constant(_I64, 4 * BLOCK_COLUMNS)))
        columns = [
            _load(builder, line, _INT16_VECTOR, 4 * start)
            for start in range(0, BLOCK_COLUMNS, VECTOR_INTS)
        ]
        row_pairs = [
            _broadcast(builder, _load(builder, builder.add(row, offset), _I32)) for row in rows
        ]
        return [_pair_products(builder, two, column) for two in row_pairs for column in columns]

    starts = [
        _load(builder, base, _INT32_VECTOR, 4 * start)
        for start in range(0, BLOCK_ROWS * BLOCK_COLUMNS, VECTOR_INTS)
    ]
    return _emit_sum_loop(builder, pairs, 1, starts, products, builder.add)


def _pair_products(builder: ir.IRBuilder, left: ir.Value, right: ir.Value) -> ir.Value:
    """Multiplies int16 and adds neighboring products: on x86 one instruction, pmaddwd."""
    wide = [
        builder.sext(builder.bitcast(side, _INT16_VECTOR), _PRODUCT_VECTOR)
        for side in (left, right)
    ]
    products = builder.mul(*wide)
    even = _shuffle(builder, products, range(0, 2 * VECTOR_INTS, 2))
    odd = _shuffle(builder, products, range(1, 2 * VECTOR_INTS, 2))
    return builder.add(even, odd)


def _emit_dot(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, count: ir.Value) -> ir.Value:
    """Emits `dot`: LANES running sums, then the upper half onto the lower until one is left."""

    def products(index: ir.Value) -> list[ir.Value]:
        offset = builder.mul(index, ir.Constant(_I64, 4))
        sides = [_load(builder, builder.add(side, offset), _FLOAT_LANES) for side in (x, y)]
        return [builder.fmul(*[builder.fpext(side, _DOUBLE_LANES) for side in sides])]

    zeros = ir.Constant(_DOUBLE_LANES, [0.0] * LANES)
    (lanes,) = _emit_sum_loop(builder, count, LANES, [zeros], products, builder.fadd)
    width = LANES // 2
    while width:
        lower = _shuffle(builder, lanes, range(width))
        upper = _shuffle(builder, lanes, range(width, 2 * width))
        lanes = builder.fadd(lower, upper)
        width //= 2
    return builder.extract_element(lanes, ir.Constant(_I32, 0))


def _emit_prefetch(builder: ir.IRBuilder, address: ir.Value) -> None:
    """Emits `prefetch`: of data, to be read, to be kept in all caches."""
    kind = ir.FunctionType(ir.VoidType(), [_I8.as_pointer(), _I32, _I32, _I32])
    function = builder.module.declare_intrinsic("llvm.prefetch", [_I8.as_pointer()], kind)
    read, keep, data = (ir.Constant(_I32, value) for value in (0, 3, 1))
    builder.call(function, [builder.inttoptr(address, _I8.as_pointer()), read, keep, data])


def _emit_count_ones(builder: ir.IRBuilder, word: ir.Value) -> ir.Value:
    return builder.ctpop(word)


def _emit_lowest_one(builder: ir.IRBuilder, word: ir.Value) -> ir.Value:
    return builder.cttz(word, ir.Constant(ir.IntType(1), 1))


# All of what the intrinsics emit, for the digest.
_EMITTERS = (_emit_multiply_block, _emit_dot, _emit_prefetch, _emit_count_ones, _emit_lowest_one)


def _emit_sum_loop(
    builder: ir.IRBuilder,
    count: ir.Value,
    step: int,
    starts: list[ir.Value],
    summands: Callable[[ir.Value], list[ir.Value]],
    add: Callable[[ir.Value, ir.Value], ir.Value],
) -> list[ir.Value]:
    """Emits a loop over 0, step, ... below `count` with sums in registers, which it returns."""
    zero = ir.Constant(_I64, 0)
    before = builder.block
    body = builder.append_basic_block()
    after = builder.append_basic_block()
    builder.cbranch(builder.icmp_signed("<", zero, count), body, after)
    builder.position_at_end(body)
    index, *sums = (builder.phi(start.type) for start in (zero, *starts))
    totals = [add(*both) for both in zip(sums, summands(index), strict=True)]
    following = builder.add(index, ir.Constant(_I64, step))
    _join(index, before, zero, body, following)
    for phi, start, total in zip(sums, starts, totals, strict=True):
        _join(phi, before, start, body, total)
    builder.cbranch(builder.icmp_signed("<", following, count), body, after)
    builder.position_at_end(after)
    results = [builder.phi(start.type) for start in starts]
    for phi, start, total in zip(results, starts, totals, strict=True):
        _join(phi, before, start, body, total)
    return results


def _join(phi: Any, before: ir.Block, start: ir.Value, body: ir.Block, total: ir.Value) -> None:  # noqa: ANN401
    """Sets a phi node: `start` where control comes from `before`, `total` where from `body`."""
    phi.add_incoming(start, before)
    phi.add_incoming(total, body)


def _broadcast(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """Copies an int32 into all elements of a vector."""
    undefined = ir.Constant(_INT32_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_I32, 0))
    return _shuffle(builder, first, [0] * VECTOR_INTS)


def _shuffle(builder: ir.IRBuilder, vector: ir.Value, positions: Iterable[int]) -> ir.Value:
    """Picks elements of a vector by position."""
    picked = list(positions)
    mask = ir.Constant(ir.VectorType(_I32, len(picked)), picked)
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)


def _load(builder: ir.IRBuilder, address: ir.Value, kind: ir.Type, offset: int = 0) -> ir.Value:
    return builder.load(_pointer(builder, address, kind, offset), align=4)


def _pointer(builder: ir.IRBuilder, address: ir.Value, kind: ir.Type, offset: int) -> ir.Value:
    place = builder.add(address, ir.Constant(_I64, offset))
    return builder.inttoptr(place, kind.as_pointer())
