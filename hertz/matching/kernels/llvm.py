"""Inner loops whose sums stay in vector registers, written in LLVM's language.

numba's own compiler keeps such sums in memory. LLVM turns these into what the processor has where
they run, so no compiler has to be installed. Addresses, strides and counts are integers; nothing is
checked. numba's cache does not look here: after a change, delete matching/__pycache__.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from hertz.matching.features import LANES

BLOCK_ROWS, BLOCK_COLUMNS = 4, 16  # of a block of integer products: a bit each in a word of 64
WORDS = 8  # int32 of a register of 256 bits

_I16, _I32, _I64 = ir.IntType(16), ir.IntType(32), ir.IntType(64)
_SUMS, _PAIRS = ir.VectorType(_I32, WORDS), ir.VectorType(_I16, 2 * WORDS)
_PRODUCTS = ir.VectorType(_I32, 2 * WORDS)
_SINGLE, _DOUBLE = (ir.VectorType(t(), LANES) for t in (ir.FloatType, ir.DoubleType))


@intrinsic
def block(context, left, stride, panel, pairs, base, mine, theirs, out, out_stride):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Write a block of integer products, and say which of them reach what either side takes.

    Args:
        context: numba's.
        left: Address of BLOCK_ROWS rows of `pairs` pairs of int16.
        stride: Bytes from one to the next.
        panel: Address of `(pairs, BLOCK_COLUMNS, 2)` int16.
        pairs: How many.
        base: Address of BLOCK_ROWS rows of BLOCK_COLUMNS int32, to which the products are added.
        mine: Address of BLOCK_ROWS int32.
        theirs: Address of BLOCK_COLUMNS int32.
        out: Address of BLOCK_ROWS rows of BLOCK_COLUMNS int32, written.
        out_stride: Bytes from one to the next.

    Returns:
        uint64 with bit `BLOCK_COLUMNS * row + column` set where `out` is no less than either.
    """
    return types.uint64(*[types.intp] * 9), _block


@intrinsic
def dot(context, x, y, count):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Sum `count` products of float32 as `reference.cosine` does: a float64."""
    return types.float64(types.intp, types.intp, types.intp), _dot


@intrinsic
def prefetch(context, address):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Begin to read what will soon be asked for."""
    return types.void(types.intp), _prefetch


def _block(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
    left, stride, panel, pairs, base, mine, theirs, out, out_stride = arguments
    reached: Any = ir.Constant(_I64, 0)
    for at, total in enumerate(_integer_sums(builder, left, stride, panel, pairs, base)):
        row, column = divmod(at * WORDS, BLOCK_COLUMNS)
        least = _load(builder, theirs, _SUMS, 4 * column)
        bar = _spread(builder, _load(builder, mine, _I32, 4 * row))
        least = builder.select(builder.icmp_signed("<", bar, least), bar, least)
        bits = builder.bitcast(builder.icmp_signed(">=", total, least), ir.IntType(WORDS))
        place = ir.Constant(_I64, WORDS * at)
        reached = builder.or_(reached, builder.shl(builder.zext(bits, _I64), place))
        here = builder.add(out, builder.mul(out_stride, ir.Constant(_I64, row)))
        builder.store(total, _address(builder, here, _SUMS, 4 * column), align=4)
    return reached


def _integer_sums(builder: Any, left: Any, stride: Any, panel: Any, pairs: Any, base: Any) -> Any:  # noqa: ANN401
    """BLOCK_ROWS * BLOCK_COLUMNS / WORDS vectors of sums, each in a register of its own."""
    rows = [builder.add(left, builder.mul(stride, ir.Constant(_I64, r))) for r in range(BLOCK_ROWS)]

    def added(pair: Any) -> list[Any]:  # noqa: ANN401
        offset = builder.mul(pair, ir.Constant(_I64, 4))
        here = builder.add(panel, builder.mul(pair, ir.Constant(_I64, 4 * BLOCK_COLUMNS)))
        columns = [
            _load(builder, here, _PAIRS, 4 * start) for start in range(0, BLOCK_COLUMNS, WORDS)
        ]
        twos = [_spread(builder, _load(builder, builder.add(row, offset), _I32)) for row in rows]
        return [_products(builder, two, column) for two in twos for column in columns]

    starts = [
        _load(builder, base, _SUMS, 4 * at) for at in range(0, BLOCK_ROWS * BLOCK_COLUMNS, WORDS)
    ]
    return _loop(builder, pairs, 1, starts, added, builder.add)


def _products(builder: Any, two: Any, column: Any) -> Any:  # noqa: ANN401
    """Products of neighboring int16, added in pairs: on x86 one instruction, pmaddwd."""
    both = [builder.sext(builder.bitcast(x, _PAIRS), _PRODUCTS) for x in (two, column)]
    products = builder.mul(*both)
    return builder.add(*[_shuffled(builder, products, range(at, 2 * WORDS, 2)) for at in (0, 1)])


def _dot(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
    x, y, count = arguments

    def added(at: Any) -> list[Any]:  # noqa: ANN401
        offset = builder.mul(at, ir.Constant(_I64, 4))
        both = [_load(builder, builder.add(side, offset), _SINGLE) for side in (x, y)]
        return [builder.fmul(*[builder.fpext(side, _DOUBLE) for side in both])]

    nothing = ir.Constant(_DOUBLE, [0.0] * LANES)
    (total,) = _loop(builder, count, LANES, [nothing], added, builder.fadd)
    width = LANES // 2
    while width:
        halves = [_shuffled(builder, total, range(at, at + width)) for at in (0, width)]
        total = builder.fadd(*halves)
        width //= 2
    return builder.extract_element(total, ir.Constant(_I32, 0))


def _prefetch(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, _I32, _I32, _I32])
    function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
    how = [ir.Constant(_I32, value) for value in (0, 3, 1)]  # to read, to keep, data
    builder.call(function, [builder.inttoptr(arguments[0], byte), *how])
    return context.get_dummy_value()


def _loop(builder: Any, count: Any, step: int, starts: list[Any], added: Any, add: Any) -> Any:  # noqa: ANN401
    """`starts`, and what `added` gives for 0, step, ... below `count` added to them."""
    zero, before = ir.Constant(_I64, 0), builder.block
    body, after = builder.append_basic_block(), builder.append_basic_block()
    builder.cbranch(builder.icmp_signed("<", zero, count), body, after)
    builder.position_at_end(body)
    at, *sums = (builder.phi(start.type) for start in (zero, *starts))
    totals = [add(*both) for both in zip(sums, added(at), strict=True)]
    following = builder.add(at, ir.Constant(_I64, step))
    for phi, start, then in zip([at, *sums], [zero, *starts], [following, *totals], strict=True):
        phi.add_incoming(start, before)
        phi.add_incoming(then, body)
    builder.cbranch(builder.icmp_signed("<", following, count), body, after)
    builder.position_at_end(after)
    results = [builder.phi(start.type) for start in starts]
    for phi, start, total in zip(results, starts, totals, strict=True):
        phi.add_incoming(start, before)
        phi.add_incoming(total, body)
    return results


def _spread(builder: Any, value: Any) -> Any:  # noqa: ANN401
    """An int32 in all words of a register."""
    nothing, first = ir.Constant(_SUMS, ir.Undefined), ir.Constant(_I32, 0)
    return _shuffled(builder, builder.insert_element(nothing, value, first), [0] * WORDS)


def _shuffled(builder: Any, vector: Any, lanes: Any) -> Any:  # noqa: ANN401
    nothing, places = ir.Constant(vector.type, ir.Undefined), list(lanes)
    kind = ir.VectorType(_I32, len(places))
    return builder.shuffle_vector(vector, nothing, ir.Constant(kind, places))


def _load(builder: Any, start: Any, kind: Any, offset: int = 0) -> Any:  # noqa: ANN401
    return builder.load(_address(builder, start, kind, offset), align=4)


def _address(builder: Any, start: Any, kind: Any, offset: int) -> Any:  # noqa: ANN401
    return builder.inttoptr(builder.add(start, ir.Constant(_I64, offset)), kind.as_pointer())
