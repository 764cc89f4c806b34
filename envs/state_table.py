"""A map from state rows to indices: open addressing over an int32 array of slots that point into a pool of rows.

One idea, used by every search (transposition table), by enumeration and by tabulated evaluators. The pool `states` [N, W]
is the truth; `slots` holds row indices, -1 where empty, its length a power of two. The caller keeps the load at or under one half.
"""

import numpy as np

from astarzero.envs.compile import bind
from astarzero.envs.machine import prefetch, promise

EMPTY = -1
AHEAD = 32  # rows between asking for a slot and using it
FIRST_MIX = np.uint64(0x9E3779B97F4A7C15)  # splitmix64 (Steele, Lea, Flood 2014)
SECOND_MIX = np.uint64(0xBF58476D1CE4E5B9)
SHIFT_30 = np.uint64(30)
SHIFT_32 = np.uint64(32)


def hash_row(state):
    """A 64-bit mix of a row's words, the same in every process."""
    mixed = np.uint64(0)
    for word in range(state.shape[0]):
        mixed = (mixed ^ state[word]) * FIRST_MIX
        mixed = (mixed ^ (mixed >> SHIFT_30)) * SECOND_MIX
        mixed ^= mixed >> SHIFT_32
    return mixed


def copy_row(target, source):
    """target[:] = source, without the temporary that Numba would allocate."""
    for word in range(target.shape[0]):
        target[word] = source[word]


def same_row(first, second):
    for word in range(first.shape[0]):
        if first[word] != second[word]:
            return False
    return True


def first_slot(state, mask):
    """Where the search for `state` begins. `mask` = slots in use - 1."""
    return np.int64(hash_row(state) & np.uint64(mask))


def probe(slot, state, states, slots, mask):
    """From its `first_slot` on: the slot that holds `state`, or the empty slot where it belongs."""
    promise(mask >= 0)
    while True:
        promise(slot >= 0)
        known = np.int64(slots[slot])
        if known == EMPTY:
            return slot
        promise(known >= 0)
        if same_row(states[known], state):
            return slot
        slot = (slot + 1) & mask


def find_slot(state, states, slots, mask):
    """The slot that holds `state`, or the empty slot where it belongs."""
    return probe(first_slot(state, mask), state, states, slots, mask)


def fetch_slot(state, slots, mask):
    """Start loading what `find_slot` will read first."""
    prefetch(slots, first_slot(state, mask))


def refill(states, count, slots, mask):
    """Point `slots[:mask + 1]` (all EMPTY) at rows 0..count-1 of `states`, which are distinct: none is compared with another."""
    promise(mask >= 0)
    for index in range(count):
        if index + AHEAD < count:
            prefetch(slots, first_slot(states[index + AHEAD], mask))
        slot = first_slot(states[index], mask)
        promise(slot >= 0)
        while slots[slot] != EMPTY:
            slot = (slot + 1) & mask
            promise(slot >= 0)
        slots[slot] = index


def slots_for(count: int) -> np.ndarray:
    """Empty slots for `count` rows at a load of at most one half: int32 [power of two]."""
    return np.full(1 << max(4, int(2 * count - 1).bit_length()), EMPTY, np.int32)


def index_rows(states: np.ndarray) -> np.ndarray:
    """Slots that map each of the distinct rows `states` [N, W] to its index."""
    slots = slots_for(len(states))
    bind(refill, {})(states, len(states), slots, len(slots) - 1)
    return slots


def find_rows(queries, states, slots, indices):
    """Kernel: `indices[i]` = index of row `queries[i]` in `states`, or -1."""
    for query in range(queries.shape[0]):
        indices[query] = slots[find_slot(queries[query], states, slots, slots.shape[0] - 1)]
