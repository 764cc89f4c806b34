"""The intrinsics that searches stand on say what plain Python says, and can be called from it."""

import numpy as np
import pytest

from astarzero.envs.compile import bind
from astarzero.envs.machine import HELD_WORDS, LANES, count_bits, first_of, held, lowest_bit, nth_bit, prefetch, promise


def first_kernel(words, start, wanted, care):
    return first_of(words, start, wanted, care)


def test_several_words_are_compared_at_once_as_one_after_another():
    def one_by_one(words, start, wanted, care):
        return next((n for n in range(LANES) if words[start + n] == 0 or (int(words[start + n]) ^ wanted) & care == 0), LANES)

    generator, outcomes = np.random.default_rng(5), set()
    for _ in range(500):
        words = (generator.integers(0, 4, 3 * LANES) << 30 | generator.integers(0, 2, 3 * LANES)).astype(np.uint32)
        start, wanted, care = int(generator.integers(2 * LANES)), int(generator.choice(words)), ~int(generator.integers(4))
        outcomes.add(one_by_one(words, start, wanted, care))
        found = bind(first_kernel, {})(words, start, wanted, care), first_of(words, start, wanted, care)
        assert found == (one_by_one(words, start, wanted, care),) * 2
    assert len(outcomes) > 4
    assert bind(first_kernel, {})(np.full(LANES, 5, np.uint32), 0, 2, -1) == LANES


def held_kernel(row, read):
    """Copies the row, then overwrites it, and reads the copy."""
    copy = held(row)
    for place in range(row.shape[0]):
        row[place] = 0
    for place in range(copy.shape[0]):
        read[place] = copy[place]


@pytest.mark.parametrize("length", [1, 2, HELD_WORDS])
def test_a_row_that_is_held_stays_as_it_was(length):
    row, read = np.arange(1, length + 1, dtype=np.uint64), np.zeros(length, np.uint64)
    bind(held_kernel, {})(row, read)
    assert read.tolist() == list(range(1, length + 1))
    assert not row.any()


def test_a_longer_row_is_itself():
    row, read = np.arange(1, HELD_WORDS + 2, dtype=np.uint64), np.ones(HELD_WORDS + 1, np.uint64)
    bind(held_kernel, {})(row, read)
    assert not read.any()


def bits_kernel(words, counts, places):
    for number in range(words.shape[0]):
        counts[number], places[number] = count_bits(words[number]), lowest_bit(words[number])


def test_bits_are_counted_and_the_lowest_found():
    words = np.random.default_rng(6).integers(0, 1 << 63, 200, dtype=np.uint64) << np.arange(200, dtype=np.uint64) % np.uint64(64)
    words[0], counts, places = 0, np.zeros(200, np.int64), np.zeros(200, np.int64)
    bind(bits_kernel, {})(words, counts, places)
    assert counts.tolist() == [bin(word).count("1") for word in words.tolist()] == [count_bits(word) for word in words]
    assert places.tolist() == [lowest_bit(word) for word in words]
    assert all(word >> place & 1 and word % (1 << place) == 0 for word, place in zip(words.tolist(), places.tolist(), strict=True) if word)
    assert places[0] == 64


def test_from_plain_python_a_promise_is_looked_at_and_a_row_may_be_asked_for():
    promise(True)
    prefetch(np.zeros(3), 7)
    with pytest.raises(AssertionError):
        promise(False)


def nth_kernel(words, numbers, bits):
    for place in range(words.shape[0]):
        bits[place] = nth_bit(words[place], numbers[place])


def test_the_nth_bit_is_the_same_from_a_kernel_and_from_plain_python():
    rng = np.random.default_rng(7)
    words, numbers, bits = rng.integers(0, 1 << 63, 300, dtype=np.uint64), rng.integers(-2, 70, 300), np.zeros(300, np.uint64)
    bind(nth_kernel, {})(words, numbers, bits)
    assert bits.tolist() == [int(nth_bit(word, number)) for word, number in zip(words, numbers, strict=True)]
    ones = [[1 << place for place in range(64) if word >> place & 1] for word in words.tolist()]
    assert bits.tolist() == [one[number] if 0 <= number < len(one) else 0 for one, number in zip(ones, numbers.tolist(), strict=True)]
