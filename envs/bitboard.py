"""Sets of points of a board as tuples of uint64 words, for any number of words: one source, compiled for each number.

Point (row, column) of a board of that width is bit `row * stride + column` with stride = width + 1: the spare column keeps the two
sides of the board apart, so that all neighbours of a whole set are four shifts. Results may hold bits off the board; intersect
them with a set of points. How many words there are must be known to the compiler, hence `like`: an array that has as many
*dimensions* as a set has words. One word holds boards up to 7x7, two up to 10x10, six 19x19.

Numba has no words for a tuple made in a loop, hence two intrinsics: `nothing` makes one and `put` changes a word of it; the
compiler unrolls the loops and nothing of them is left. Read next: go_rules.py.
"""

import numba
import numpy as np
from numba.core.types import uint64
from numba.core.types.containers import UniTuple
from numba.extending import intrinsic

from astarzero.envs.machine import count_bits, lowest_bit, nth_bit

WORD_BITS = 64
ZERO, ONE = np.uint64(0), np.uint64(1)

if numba.config.DISABLE_JIT:

    def nothing(like):
        return (ZERO,) * like.ndim

    def put(points, word, bits):
        return (*points[:word], bits, *points[word + 1 :])
else:

    @intrinsic
    def nothing(typing_context, like):
        """The empty set."""

        def generate(context, builder, signature, arguments):
            return context.get_constant_null(signature.return_type)

        return UniTuple(uint64, like.ndim)(like), generate

    @intrinsic
    def put(typing_context, points, word, bits):
        """The set with another word."""

        def generate(context, builder, signature, arguments):
            old, place, bits = arguments
            words = [
                builder.select(builder.icmp_signed("==", place, place.type(number)), bits, builder.extract_value(old, number))
                for number in range(signature.return_type.count)
            ]
            return context.make_tuple(builder, signature.return_type, words)

        return points(points, word, uint64), generate


def load(row, start, like):
    """The set in words start, start + 1, ... of a row."""
    points = nothing(like)
    for word in range(len(points)):
        points = put(points, word, row[start + word])
    return points


def store(row, start, points):
    """Write a set into words start, start + 1, ... of a row."""
    for word in range(len(points)):
        row[start + word] = points[word]


def point_at(place, like):
    """The set of one point, given as its bit."""
    return put(nothing(like), place // WORD_BITS, ONE << np.uint64(place % WORD_BITS))


def union(first, second):
    """Points of either set."""
    for word in range(len(first)):
        first = put(first, word, first[word] | second[word])
    return first


def common(first, second):
    """Points of both sets."""
    for word in range(len(first)):
        first = put(first, word, first[word] & second[word])
    return first


def without(first, second):
    """Points of the first set that are not in the second."""
    for word in range(len(first)):
        first = put(first, word, first[word] & ~second[word])
    return first


def moved(points, by):
    """(the set `by` bits up, the set `by` bits down), 0 < by < 64."""
    by, rest = np.uint64(by), np.uint64(WORD_BITS - by)
    up, down = points, points
    for word in range(len(points)):
        up = put(up, word, points[word] << by | (points[word - 1] >> rest if word > 0 else ZERO))
        down = put(down, word, points[word] >> by | (points[word + 1] << rest if word + 1 < len(points) else ZERO))
    return up, down


def neighbours(points, stride):
    """Every neighbour of a point of the set, on the board or off it; a point itself only when a neighbour is in the set too."""
    right, left = moved(points, 1)
    below, above = moved(points, stride)
    return union(union(right, left), union(below, above))


def once_and_twice(points, near, far):
    """(what the set covers when moved up or down by `near` or `far` bits, what it covers twice or more), on the board or off it."""
    up, down = moved(points, near)
    below, above = moved(points, far)
    one, other = union(up, down), union(below, above)
    return union(one, other), union(common(one, other), union(common(up, down), common(below, above)))


def some(points):
    """Is any point in the set?"""
    every = ZERO
    for word in range(len(points)):
        every |= points[word]
    return every != ZERO


def lowest(points):
    """The set of the lowest point alone; empty of an empty set."""
    below = ZERO
    for word in range(len(points)):
        bits = points[word]
        points = put(points, word, bits & (~bits + ONE) if below == ZERO else ZERO)
        below |= bits
    return points


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


def nth(points, number):
    """The set of point `number` alone, counted from 0 at the lowest; empty when there are not so many."""
    for word in range(len(points)):
        bits = points[word]
        points = put(points, word, nth_bit(bits, number))
        number -= count_bits(bits)
    return points
