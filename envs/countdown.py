"""Combining numbers: 24 and Countdown are one world. Take two numbers, put back their sum, product, difference or quotient; reach the target.

A row is uint64[k + 1]: word 0 the target, words 1..k the numbers, exact fractions in lowest terms, ascending by value, free
slots (0) last. A number's high half is its numerator (int32, two's complement), its low half the denominator (> 0). A
result whose |numerator| passes 2^31 - 1 or whose denominator passes 2^32 - 1 makes its action illegal: never a wrong number.

Action 6 * pair + operation: pairs (i < j) of slots in lexicographic order, operations a + b, a * b, a - b, b - a, a / b,
b / a with a = slot i, b = slot j. Each costs 1. Number rules: rational (any fraction), integer (results >= 0, exact
division), positive (results >= 1, exact division, and as on television one number equal to the target suffices).

Exact facts (tests hold them): of the 1,820 hands of four cards 1..13, 1,362 make 24 over the rationals, 1,346 by the rule integer.
"""

import functools
import itertools
import math
import re
from fractions import Fraction

import numpy as np

from astarzero.envs.domain import Domain, Heuristic
from astarzero.envs.oracles import exact_table

RULES = ("rational", "integer", "positive")
RATIONAL, INTEGER, POSITIVE = 0, 1, 2
OPERATIONS = ("{a}+{b}", "{a}*{b}", "{a}-{b}", "{b}-{a}", "{a}/{b}", "{b}/{a}")
SMALLEST, LARGEST = 2, 6  # numbers a state may hold
MAX_NUMERATOR = 2**31 - 1
MAX_DENOMINATOR = 2**32 - 1
HALF, LOW, ONE = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(1)
FREE = np.uint64(0)

# --- rules; context = (number rule int64 [1], slots of each pair int64 [C(k, 2), 2], counted as words of the row) ---------


def numerator(number):
    high = np.int64(number >> HALF)
    return high - 2**32 if high >= 2**31 else high


def denominator(number):
    return np.int64(number & LOW)


def number_of(top, bottom, rule):
    """top / bottom (int64, lowest terms, bottom > 0) as a word, or FREE where it does not fit or the rule forbids it."""
    if abs(top) > MAX_NUMERATOR or bottom > MAX_DENOMINATOR or (rule != RATIONAL and (bottom != 1 or top < rule - 1)):
        return FREE
    return (np.uint64(top & 0xFFFFFFFF) << HALF) | np.uint64(bottom)


def common_divisor(a, b):
    """gcd of int64 a, b >= 0; stops early at 1, the usual case here."""
    if b == 0:
        return a
    large, small = np.uint32(b), np.uint32(a % b)
    while small != 0:
        large, small = small, np.uint32(large % small)
    return np.int64(large)


def lowest(top, shared, rest, rule):
    """top / (shared * rest) as a word, where only `shared` may have a factor in common with `top`."""
    factor = common_divisor(abs(top), shared)
    bottom = np.uint64(rest) * np.uint64(shared // factor)
    return number_of(top // factor, np.int64(bottom), rule) if bottom <= LOW else FREE


def quotient(top, bottom, rule):
    """top / bottom (int64, no common factor) as a word, FREE when bottom = 0."""
    if bottom == 0:
        return FREE
    return number_of(top, bottom, rule) if bottom > 0 else number_of(-top, -bottom, rule)


def results(first, second, rule):
    """The six results of two numbers as words, in the order of OPERATIONS, FREE where illegal."""
    p, q, r, s = numerator(first), denominator(first), numerator(second), denominator(second)
    shared = common_divisor(abs(p), abs(r))
    if shared == 0:  # 0 and 0
        return first, first, first, first, FREE, FREE
    x, y = p // shared, r // shared
    if q == 1 and s == 1:
        total, product, difference = number_of(p + r, 1, rule), number_of(p * r, 1, rule), p - r
        return total, product, number_of(difference, 1, rule), number_of(-difference, 1, rule), quotient(x, y, rule), quotient(y, x, rule)
    return fraction_results(p, q, r, s, x, y, rule)


def fraction_results(p, q, r, s, x, y, rule):
    """`results` of p / q and r / s (x / y = p / r in lowest terms). Factors are taken out before multiplying, so that int64 suffices (Knuth 4.5.1)."""
    common = common_divisor(q, s)
    left, right = q // common, s // common
    total, difference, back = FREE, FREE, FREE
    if np.uint64(left) * np.uint64(right) <= LOW:  # else the sum's denominator is too large
        total = lowest(p * right + r * left, common, left * right, rule)
        difference = lowest(p * right - r * left, common, left * right, rule)
        back = lowest(r * left - p * right, common, left * right, rule)
    across, down = common_divisor(abs(p), s), common_divisor(abs(r), q)
    bottom = np.uint64(q // down) * np.uint64(s // across)
    product = number_of((p // across) * (r // down), np.int64(bottom), rule) if bottom <= LOW else FREE
    return total, product, difference, back, quotient(x * right, y * left, rule), quotient(y * left, x * right, rule)


def precedes(first, second):
    """Is the number `first` smaller than `second`? The products fit in int64."""
    return numerator(first) * denominator(second) < numerator(second) * denominator(first)


def replace_pair(state, i, j, result, successor):
    """Write `state` without the numbers at words i and j and with `result` in its place."""
    successor[0] = state[0]
    place, waiting = 1, True
    for word in range(1, state.shape[0]):
        if word != i and word != j:
            if waiting and (state[word] == FREE or precedes(result, state[word])):
                successor[place] = result
                place, waiting = place + 1, False
            if state[word] == FREE:
                break
            successor[place] = state[word]
            place += 1
    if waiting:
        successor[place] = result
        place += 1
    for word in range(place, state.shape[0]):
        successor[word] = FREE


def step(state, action, context, successor):
    rule, pairs = context
    i, j = pairs[action // 6, 0], pairs[action // 6, 1]
    if state[j] == FREE:
        return 0.0
    result = results(state[i], state[j], rule[0])[action % 6]
    if result == FREE:
        return 0.0
    replace_pair(state, i, j, result, successor)
    return 1.0


def expand(state, context, successors, actions, costs):
    """Distinct successors without comparing rows.

    Two pairs of equal numbers are one pair: only the first copy of a number leads. Different pairs meet only where each
    result equals one of its pair, so that the state just loses the other number (6 - 0, 6 * 1, 8 - 4): `lost` marks those.
    """
    rule, pairs = context
    count, lost = 0, 0
    for pair in range(pairs.shape[0]):
        i, j = pairs[pair, 0], pairs[pair, 1]
        if state[j] == FREE or (i > 1 and state[i] == state[i - 1]) or (j > i + 1 and state[j] == state[j - 1]):
            continue
        words = results(state[i], state[j], rule[0])
        for operation in range(6):
            result, fresh = words[operation], words[operation] != FREE
            for earlier in range(operation):
                fresh &= words[earlier] != result
            if fresh and (result == state[i] or result == state[j]):
                bit = 1 << (i if result == state[j] else j)
                fresh = (lost & bit) == 0
                lost |= bit
            if fresh:
                replace_pair(state, i, j, result, successors[count])
                actions[count] = 6 * pair + operation
                costs[count] = 1.0
                count += 1
    return count


def is_goal(state, context):
    goal = (state[0] << HALF) | ONE
    if context[0][0] != POSITIVE:
        return state[1] == goal and state[2] == FREE
    for word in range(1, state.shape[0]):
        if state[word] == goal:
            return True
    return False


def is_terminal(state, context):
    """One number is left."""
    return state[2] == FREE


def steps_left(state, context):
    """Numbers left - 1, which is exact wherever the target can be reached at all; by the rule positive 1, since fewer numbers may do."""
    if is_goal(state, context):
        return 0.0
    left = 0
    while left + 2 < state.shape[0] and state[left + 2] != FREE:
        left += 1
    if left == 0:
        return np.inf
    return 1.0 if context[0][0] == POSITIVE else float(left)


def encode(state, context, features):
    features[0] = state[0]


# --- the domain -------------------------------------------------------------------------------------------------------


def pack(numbers, target, size):
    """Numbers (int or Fraction, any order) and a target -> canonical row uint64 [size + 1]."""
    row = np.zeros(size + 1, np.uint64)
    row[0] = target
    for word, number in enumerate(sorted(Fraction(number) for number in numbers), 1):
        row[word] = number_of(np.int64(number.numerator), np.int64(number.denominator), RATIONAL)
    return row


def unpack(state):
    """The numbers of a row, ascending: the inverse of `pack`."""
    return [Fraction(int(numerator(word)), int(denominator(word))) for word in state[1:] if word != FREE]

@functools.cache
def make(size=4, target=24, rule="rational"):
    pairs = np.array(list(itertools.combinations(range(1, size + 1), 2)), np.int64)
    return Domain(world="countdown", name=f"countdown-{size}-{target}-{rule}", num_words=size+1, num_actions=6*len(pairs), step=step,is_goal=is_goal,is_terminal=is_terminal,expand=expand,encode=encode,
      context=(np.array([RULES.index(rule)],np.int64),pairs), parse=lambda t:pack([Fraction(w) for w in t.split()], target,size), format=lambda s:" ".join(map(str,unpack(s))), random_state=None,
      heuristics={"steps":Heuristic(steps_left,True)}, instance_sets={"all":lambda: np.array([pack(h,target,size) for h in itertools.combinations_with_replacement(range(1,14),size)])})
