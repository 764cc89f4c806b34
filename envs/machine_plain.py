"""What the functions of machine.py mean, in plain Python: for kernels without JIT, and for rules that are called outside of one."""

import numpy as np

LANES = 8  # uint32 words that `first_of` compares at once: half of a cache line
HELD_WORDS = 16  # of the longest row that `held` copies


def prefetch(array, index):
    """Plain Python has no caches to fill."""


def promise(condition):
    """Plain Python can afford to look."""
    assert condition


def first_of(words, start, wanted, care):
    window = words[start : start + LANES].astype(np.int64)
    return next((place for place, word in enumerate(window) if word == 0 or (word ^ wanted) & care == 0), LANES)


def held(row):
    return row.copy() if len(row) <= HELD_WORDS else row


def count_bits(word):
    return int(word).bit_count()


def lowest_bit(word):
    return (int(word) & -int(word)).bit_length() - 1 if word else 64
