"""Fractions in one word: equal to `fractions.Fraction` wherever a result fits, NO_NUMBER wherever it does not."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from astarzero.envs.compile import bind
from astarzero.envs.rational import NO_NUMBER, precedes, read_number, six_results, to_fraction, to_word

TOP, BOTTOM = 2**31 - 1, 2**32 - 1
numerators = st.integers(-TOP, TOP) | st.integers(-20, 20) | st.sampled_from([TOP, -TOP, TOP - 1, 2**16, -(2**16), 46341])
denominators = st.integers(1, BOTTOM) | st.integers(1, 20) | st.sampled_from([BOTTOM, BOTTOM - 1, 2**31, 2**16, 2**16 + 1])
results_of, comes_before = bind(six_results, {}), bind(precedes, {})
numbers = st.builds(Fraction, numerators, denominators)


@given(numbers)
def test_a_number_goes_into_a_word_and_back(number):
    assert to_fraction(to_word(number)) == number
    assert read_number(str(number)) == number


@settings(max_examples=1000, deadline=None)
@given(numbers, numbers)
@example(Fraction(0), Fraction(0))
@example(Fraction(0), Fraction(3, 2))
@example(Fraction(-TOP), Fraction(-TOP, BOTTOM))  # the largest intermediate sum
@example(Fraction(TOP, BOTTOM), Fraction(TOP, BOTTOM - 1))
@example(Fraction(1, 2**16), Fraction(1, 2**16 + 1))
@example(Fraction(-7, 3), Fraction(7, 3))
def test_results_are_exact_or_absent(a, b):
    expected = [a + b, a * b, a - b, b - a, a / b if b else None, b / a if a else None]
    for word, number in zip(results_of(to_word(a), to_word(b)), expected, strict=True):
        if number is not None and abs(number.numerator) <= TOP and number.denominator <= BOTTOM:
            assert np.uint64(word) == to_word(number)
        else:
            assert word == NO_NUMBER
    assert comes_before(to_word(a), to_word(b)) == (a < b)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x", "'x' is not a number"),
        ("1.5", "'1.5' is not a number"),
        ("3/-2", "'3/-2' is not a number"),
        ("٣", "is not a number"),
        ("3/0", "'3/0' divides by zero"),
        ("2147483648", "2147483648 is out of range"),
        ("1/4294967296", "1/4294967296 is out of range"),
        ("9" * 5000, "999999999... is out of range"),
    ],
)
def test_what_is_no_number_gets_one_sentence(text, sentence):
    with pytest.raises(ValueError, match=r"^[^\n]*[:;] [^\n]*\.$") as error:
        read_number(text)
    assert sentence in str(error.value)
