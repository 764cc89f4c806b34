"""Exact fractions in one uint64 word, for rules that must never be wrong.

The high half is the numerator (int32, two's complement), the low half the denominator > 0 (uint32), always in lowest
terms, so equal numbers are equal words. Word 0 is no number (the number 0 is 0 / 1). A result beyond |numerator| <= 2^31 - 1
or denominator <= 2^32 - 1 is NO_NUMBER, never a wrong one: factors are taken out before multiplying (Knuth, TAOCP 4.5.1), so
that int64 is enough on the way. All arithmetic is explicit int64 or uint64, because Numba makes float64 of a mixture.

Used by countdown.py; any world over the rationals may (tests/test_linear_equation.py packs equations).
"""

import re
from fractions import Fraction

import numpy as np

MAX_NUMERATOR = 2**31 - 1
MAX_DENOMINATOR = 2**32 - 1
HALF, LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
NO_NUMBER = np.uint64(0)
LIMITS = f"a number holds a numerator of at most {MAX_NUMERATOR} and a denominator of at most {MAX_DENOMINATOR}"
OPERATIONS = ("a+b", "a*b", "a-b", "b-a", "a/b", "b/a")

# --- rules: plain functions for kernels -------------------------------------------------------------------------------


def numerator(number):
    high = np.int64(number >> HALF)
    return high - 2**32 if high >= 2**31 else high


def denominator(number):
    return np.int64(number & LOW)


def fraction_word(top, bottom):
    """top / bottom (int64, lowest terms, bottom > 0) as a word; NO_NUMBER when it does not fit."""
    if abs(top) > MAX_NUMERATOR or bottom > MAX_DENOMINATOR:
        return NO_NUMBER
    return (np.uint64(top & 0xFFFFFFFF) << HALF) | np.uint64(bottom)


def common_divisor(a, b):
    """gcd of int64 a >= 0 and 0 <= b < 2^32. After one step 32 bits are enough, and their division is twice as fast."""
    if b == 0:
        return a
    large, small = np.uint32(b), np.uint32(a % b)
    while small != 0:
        large, small = small, np.uint32(large % small)
    return np.int64(large)


def quotient(top, bottom):
    """top / bottom (int64 without a common factor, any sign) as a word; NO_NUMBER when bottom = 0."""
    if bottom == 0:
        return NO_NUMBER
    return fraction_word(top, bottom) if bottom > 0 else fraction_word(-top, -bottom)


def lowest(top, shared, rest):
    """top / (shared * rest) as a word, where only `shared` may have a factor in common with `top`."""
    factor = common_divisor(abs(top), shared)
    bottom = np.uint64(rest) * np.uint64(shared // factor)
    return fraction_word(top // factor, np.int64(bottom)) if bottom <= LOW else NO_NUMBER


def six_results(a, b):
    """What two numbers (words) give, in the order of OPERATIONS: six words, NO_NUMBER where one does not exist or fit."""
    p, q, r, s = numerator(a), denominator(a), numerator(b), denominator(b)
    shared = common_divisor(abs(p), abs(r))
    if shared == 0:  # 0 and 0
        return a, a, a, a, NO_NUMBER, NO_NUMBER
    x, y = p // shared, r // shared
    if q == 1 and s == 1:
        difference, back = fraction_word(p - r, 1), fraction_word(r - p, 1)
        return fraction_word(p + r, 1), fraction_word(p * r, 1), difference, back, quotient(x, y), quotient(y, x)
    common = common_divisor(q, s)
    left, right = q // common, s // common
    total, difference, back = NO_NUMBER, NO_NUMBER, NO_NUMBER
    if np.uint64(left) * np.uint64(right) <= LOW:  # else the sum's denominator does not fit, and p * right might overflow
        total = lowest(p * right + r * left, common, left * right)
        difference = lowest(p * right - r * left, common, left * right)
        back = lowest(r * left - p * right, common, left * right)
    across, down = common_divisor(abs(p), s), common_divisor(abs(r), q)
    bottom = np.uint64(q // down) * np.uint64(s // across)
    product = fraction_word((p // across) * (r // down), np.int64(bottom)) if bottom <= LOW else NO_NUMBER
    return total, product, difference, back, quotient(x * right, y * left), quotient(y * left, x * right)


def precedes(a, b):
    """Is the number a smaller than b? The products fit in int64."""
    return numerator(a) * denominator(b) < numerator(b) * denominator(a)


# --- for people -------------------------------------------------------------------------------------------------------


def to_word(number: Fraction | int) -> np.uint64:
    """An exact number as a word. ValueError when it does not fit."""
    top, bottom = number.numerator, number.denominator
    if abs(top) > MAX_NUMERATOR or bottom > MAX_DENOMINATOR:
        raise ValueError(f"{number} is out of range: {LIMITS}.")
    return fraction_word(np.int64(top), np.int64(bottom))


def to_fraction(word: np.uint64) -> Fraction:
    """The number in a word: the inverse of `to_word`."""
    return Fraction(int(numerator(word)), int(denominator(word)))


def read_number(text: str) -> Fraction:
    """'7', '-7' or '3/2' -> an exact number that fits in a word. ValueError in one sentence."""
    if not re.fullmatch(r"-?[0-9]+(/[0-9]+)?", text):
        raise ValueError(f"'{text}' is not a number: give whole numbers, or fractions such as 3/2.")
    if len(text) > 22:  # longer than any number that fits, and int() refuses thousands of digits
        raise ValueError(f"{text[:9]}... is out of range: {LIMITS}.")
    top, _, bottom = text.partition("/")
    if bottom and int(bottom) == 0:
        raise ValueError(f"'{text}' divides by zero: give a fraction whose denominator is at least 1.")
    number = Fraction(int(top), int(bottom or 1))
    to_word(number)
    return number
