"""The intrinsics that searches stand on say what plain Python says."""

import numpy as np
import pytest

from astarzero.envs.compile import bind
from astarzero.envs.machine import HELD_WORDS, LANES, first_of, held


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
        assert bind(first_kernel, {})(words, start, wanted, care) == one_by_one(words, start, wanted, care)
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
