"""Sets of points of a board as tuples of uint64 words, for any number of words: one source, compiled for each number.

Point (row, column) of a board of that width is bit `row * stride + column` with stride = width + 1: the spare column keeps the two
sides of the board apart, so that all neighbours of a whole set are four shifts. Results may hold bits off the board; intersect
them with a set of points. How many words there are must be known to the compiler, hence `like`: an array that has as many
*dimensions* as a set has words. One word holds boards up to 7x7, two up to 10x10, six 19x19.

The operations are intrinsics because Numba cannot build a tuple in a loop; each is complete in itself, since `compile.py`
hashes an intrinsic by its own code. Read next: go_rules.py.
"""

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.types.containers import UniTuple
from numba.extending import intrinsic

from astarzero.envs.machine import count_bits, lowest_bit, nth_bit

WORD_BITS = 64
ZERO, ONE = np.uint64(0), np.uint64(1)

if numba.config.DISABLE_JIT:

    def load(row, start, like):
        return tuple(np.uint64(word) for word in row[start : start + like.ndim])

    def point_at(place, like):
        return tuple(np.uint64((1 << int(place)) >> (WORD_BITS * word) & (2**WORD_BITS - 1)) for word in range(like.ndim))

    def union(first, second):
        return tuple(one | other for one, other in zip(first, second, strict=True))

    def common(first, second):
        return tuple(one & other for one, other in zip(first, second, strict=True))

    def without(first, second):
        return tuple(one & ~other for one, other in zip(first, second, strict=True))

    def neighbours(points, stride):
        whole = sum(int(word) << (WORD_BITS * number) for number, word in enumerate(points))
        spread = whole << 1 | whole >> 1 | whole << int(stride) | whole >> int(stride)
        return tuple(np.uint64(spread >> (WORD_BITS * number) & (2**WORD_BITS - 1)) for number in range(len(points)))

    def once_and_twice(points, near, far):
        whole = sum(int(word) << (WORD_BITS * number) for number, word in enumerate(points))
        one = two = 0
        for by in (int(near), int(far)):
            for moved in (whole << by, whole >> by):
                one, two = one | moved, two | one & moved
        places = range(0, WORD_BITS * len(points), WORD_BITS)
        return tuple(tuple(np.uint64(bits >> place & (2**WORD_BITS - 1)) for place in places) for bits in (one, two))

    def some(points):
        return any(points)

    def lowest(points):
        for number, word in enumerate(points):
            if word:
                return tuple(word & (~word + ONE) if other == number else ZERO for other in range(len(points)))
        return points
else:

    @intrinsic
    def load(typing_context, row, start, like):
        """The set in words start, start + 1, ... of a row."""

        def generate(context, builder, signature, arguments):
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            first = context.cast(builder, arguments[1], signature.args[1], types.intp)
            places = [builder.add(first, first.type(word)) for word in range(signature.return_type.count)]
            return context.make_tuple(builder, signature.return_type, [builder.load(builder.gep(data, [place])) for place in places])

        return UniTuple(types.uint64, like.ndim)(row, start, like), generate

    @intrinsic
    def point_at(typing_context, place, like):
        """The set of one point, given as its bit."""

        def generate(context, builder, signature, arguments):
            bit = context.cast(builder, arguments[0], signature.args[0], types.uint64)
            word, zero = builder.lshr(bit, bit.type(6)), bit.type(0)
            one = builder.shl(bit.type(1), builder.and_(bit, bit.type(63)))
            words = [
                builder.select(builder.icmp_unsigned("==", word, bit.type(number)), one, zero)
                for number in range(signature.return_type.count)
            ]
            return context.make_tuple(builder, signature.return_type, words)

        return UniTuple(types.uint64, like.ndim)(place, like), generate

    @intrinsic
    def union(typing_context, first, second):
        """Points of either set."""

        def generate(context, builder, signature, arguments):
            pairs = [[builder.extract_value(points, word) for points in arguments] for word in range(signature.return_type.count)]
            return context.make_tuple(builder, signature.return_type, [builder.or_(*pair) for pair in pairs])

        return first(first, second), generate

    @intrinsic
    def common(typing_context, first, second):
        """Points of both sets."""

        def generate(context, builder, signature, arguments):
            pairs = [[builder.extract_value(points, word) for points in arguments] for word in range(signature.return_type.count)]
            return context.make_tuple(builder, signature.return_type, [builder.and_(*pair) for pair in pairs])

        return first(first, second), generate

    @intrinsic
    def without(typing_context, first, second):
        """Points of the first set that are not in the second."""

        def generate(context, builder, signature, arguments):
            pairs = [[builder.extract_value(points, word) for points in arguments] for word in range(signature.return_type.count)]
            words = [builder.and_(one, builder.not_(other)) for one, other in pairs]
            return context.make_tuple(builder, signature.return_type, words)

        return first(first, second), generate

    @intrinsic
    def neighbours(typing_context, points, stride):
        """Every neighbour of a point of the set, on the board or off it; a point itself only when a neighbour is in the set too."""

        def generate(context, builder, signature, arguments):
            words = [builder.extract_value(arguments[0], word) for word in range(signature.return_type.count)]
            kind = words[0].type
            spread = [kind(0) for _ in words]
            for by in (kind(1), context.cast(builder, arguments[1], signature.args[1], types.uint64)):
                rest = builder.sub(kind(64), by)
                for number, word in enumerate(words):
                    up, down = builder.shl(word, by), builder.lshr(word, by)
                    if number > 0:
                        up = builder.or_(up, builder.lshr(words[number - 1], rest))
                    if number + 1 < len(words):
                        down = builder.or_(down, builder.shl(words[number + 1], rest))
                    spread[number] = builder.or_(spread[number], builder.or_(up, down))
            return context.make_tuple(builder, signature.return_type, spread)

        return points(points, stride), generate

    @intrinsic
    def once_and_twice(typing_context, points, near, far):
        """(what the set covers when moved up or down by `near` or `far` bits, what it covers twice or more), on the board or off it."""

        def generate(context, builder, signature, arguments):
            words = [builder.extract_value(arguments[0], word) for word in range(signature.args[0].count)]
            kind = words[0].type
            one, two = [kind(0) for _ in words], [kind(0) for _ in words]
            for number in (1, 2):
                by = context.cast(builder, arguments[number], signature.args[number], types.uint64)
                rest = builder.sub(kind(64), by)
                for number, word in enumerate(words):
                    up, down = builder.shl(word, by), builder.lshr(word, by)
                    if number > 0:
                        up = builder.or_(up, builder.lshr(words[number - 1], rest))
                    if number + 1 < len(words):
                        down = builder.or_(down, builder.shl(words[number + 1], rest))
                    for moved in (up, down):
                        two[number] = builder.or_(two[number], builder.and_(one[number], moved))
                        one[number] = builder.or_(one[number], moved)
            kinds = signature.args[0]
            return context.make_tuple(
                builder, signature.return_type, [context.make_tuple(builder, kinds, one), context.make_tuple(builder, kinds, two)]
            )

        return UniTuple(points, 2)(points, near, far), generate

    @intrinsic
    def some(typing_context, points):
        """Is any point in the set?"""

        def generate(context, builder, signature, arguments):
            every = builder.extract_value(arguments[0], 0)
            for word in range(1, signature.args[0].count):
                every = builder.or_(every, builder.extract_value(arguments[0], word))
            return builder.icmp_unsigned("!=", every, every.type(0))

        return types.boolean(points), generate

    @intrinsic
    def lowest(typing_context, points):
        """The set of the lowest point alone; empty of an empty set."""

        def generate(context, builder, signature, arguments):
            found, words = ir.IntType(1)(0), []
            for number in range(signature.return_type.count):
                word = builder.extract_value(arguments[0], number)
                words.append(builder.select(found, word.type(0), builder.and_(word, builder.neg(word))))
                found = builder.or_(found, builder.icmp_unsigned("!=", word, word.type(0)))
            return context.make_tuple(builder, signature.return_type, words)

        return points(points), generate


def store(row, start, points):
    """Write a set into words start, start + 1, ... of a row."""
    for word in range(len(points)):
        row[start + word] = points[word]


def count(points):
    """How many points."""
    total = 0
    for word in range(len(points)):
        total += count_bits(points[word])
    return total


def place_of(points):
    """The bit of the lowest point of a set that is not empty."""
    for word in range(len(points) - 1):
        if points[word] != ZERO:
            return WORD_BITS * word + lowest_bit(points[word])
    return WORD_BITS * (len(points) - 1) + lowest_bit(points[len(points) - 1])


def place_of_nth(points, number):
    """The bit of point `number`, counted from 0 at the lowest, of a set that has so many."""
    start, word = 0, points[0]
    for following in range(1, len(points)):
        here = count_bits(word)
        if number < here:
            break
        number -= here
        start, word = WORD_BITS * following, points[following]
    return start + nth_bit(word, number)
