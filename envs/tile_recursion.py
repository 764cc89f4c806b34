"""Counts what IDA* would visit, by a recursion in machine code made for one board, as templates of C++ make it.

Each place (where the blank is, and the action that led there; see sliding_descent.py) gets a function of its own, in which every
shift, swap and mask is a constant: some ten instructions a node. Numba has no words for functions that call each other, so an
intrinsic writes them in LLVM's language beside the kernel that calls it; compile.py hashes the tables they are made from.

They only add up, and cannot stop half way: so whoever asks must expect few nodes, and drops the answer to go step by step where the
goal is met, or a budget exceeded (../search/packed_ida.py). The order of successors is therefore of no importance here.
"""

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from astarzero.envs.descent import MADE_SHIFT, PLACE_MASK, SLACK_SHIFT, uncounted
from astarzero.envs.sliding_descent import MOVES, TILES, Ways

WORD = ir.IntType(64)
FUNCTION = ir.FunctionType(WORD, [WORD, WORD, WORD])  # (board, slack, count so far) -> count
CALL = "fastcc"  # arguments in registers
SIGN = 63  # the bit that makes a count negative


def recursion_of(ways: Ways, farther: np.ndarray, goal: np.ndarray):
    """`count_below` (see descent.py) for one board; bit t of farther, int64 [places, WAYS]: does a way take tile t farther from home?"""
    if numba.config.DISABLE_JIT:
        return uncounted
    tables, home = (ways.place, ways.shift, ways.swap, farther), int(goal[0])

    @intrinsic
    def count_below(typing_context, board, label):
        def generate(context, builder, signature, arguments):
            functions = write_functions(builder.module, tables, home)
            return call_one(builder, functions, arguments[0], arguments[1])

        return types.int64(types.uint64, types.int64), generate

    return count_below


def write_functions(module, tables, goal):
    """One function a place; tables: place reached, shift, swap and farther, arrays [places, WAYS]."""
    functions = [ir.Function(module, FUNCTION, f"count_below_{place}") for place in range(len(tables[0]))]
    for place, function in enumerate(functions):
        function.linkage, function.calling_convention = "internal", CALL
        rows = zip(*(table[place] for table in tables), strict=True)
        write_function(function, place // MOVES, [way for way in rows if way[0] >= 0], functions, goal)
    return functions


def write_function(function, blank, ways, functions, goal):
    """One call counts a node, and looks at each of its `ways`; the compiler sees only constants."""
    builder = ir.IRBuilder(function.append_basic_block())
    board, slack, count = function.args
    count = builder.add(count, word(1 + (len(ways) << MADE_SHIFT)))
    if not (goal >> 4 * blank) & (TILES - 1):
        met = builder.zext(builder.icmp_unsigned("==", board, word(goal)), WORD)
        count = builder.or_(count, builder.shl(met, word(SIGN)))
    for reached, shift, swap, farther in ways:
        tile = builder.and_(builder.lshr(board, word(shift)), word(TILES - 1))
        left = builder.sub(slack, builder.and_(builder.lshr(word(farther), tile), word(1)))
        before = builder.block
        with builder.if_then(builder.icmp_signed(">=", left, word(0))):
            moved = builder.xor(board, builder.mul(tile, word(swap)))
            more = builder.call(functions[reached], [moved, left, count], cconv=CALL, tail=True)
            called = builder.block
        count = joined(builder, [(count, before), (more, called)])
    builder.ret(count)


def call_one(builder, functions, board, label):
    """A call of the function that the label's place asks for, by a jump; returns its count."""
    place, slack = builder.and_(label, word(PLACE_MASK)), builder.ashr(label, word(SLACK_SHIFT))
    start, end = builder.block, builder.append_basic_block()
    chosen, answers = builder.switch(place, end), [(word(-1), start)]
    for number, function in enumerate(functions):
        block = builder.append_basic_block()
        chosen.add_case(word(number), block)
        with builder.goto_block(block):
            answers.append((builder.call(function, [board, slack, word(0)], cconv=CALL), block))
            builder.branch(end)
    builder.position_at_end(end)
    return joined(builder, answers)


def word(number):
    return ir.Constant(WORD, int(number))


def joined(builder, choices):
    """The value of whichever block the processor came from; choices: [(value, block)]."""
    phi = builder.phi(WORD)
    for value, block in choices:
        phi.add_incoming(value, block)
    return phi
