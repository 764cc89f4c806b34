"""A map from state rows to indices: open addressing over an array of slots that point into a pool of rows.

One idea, used by every search (transposition table), by enumeration and by tabulated evaluators. The pool `states` [N, W]
is the truth; `slots` uint32, its length a power of two, holds 0 where empty, so that fresh memory is an empty table, and else

    | some bits of the row's hash | 1 + the row's index |   the index takes as many bits as the number of a slot: `mask`

Slots come in groups of LANES, looked at together. A row's home is a group; where that is full it stands in the next one that is not, round
the end too. Nothing is ever taken out, so a group fills from its front, and the way from home is full up to where a row stands.

The bits of the hash that name no slot are compared before any row is read: a lookup of what is not there reads no row, and one
of what is there reads one, nearly always. The caller keeps the load at or under three quarters, and at least LANES slots.
"""

import numpy as np

from astarzero.envs.compile import bind
from astarzero.envs.machine import LANES, first_of, prefetch, promise

EMPTY = -1  # the index in an empty slot
SLOT = np.uint32
AHEAD = 32  # rows between asking for a slot and using it
GROUPS_AHEAD = 8  # groups between asking for a row and looking at it
FIRST_MIX = np.uint64(0x9E3779B97F4A7C15)  # splitmix64 (Steele, Lea, Flood 2014)
SECOND_MIX = np.uint64(0xBF58476D1CE4E5B9)
ANY = (1 << 32) - 1  # all bits of a slot
SHIFT_30 = np.uint64(30)
SHIFT_32 = np.uint64(32)
LOW_32 = np.uint64(0xFFFFFFFF)


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


def short_hash(state):
    """What the table knows of a row."""
    return np.int64(hash_row(state) & LOW_32)


def home_of(hashed, mask):
    """The slot where the search for a row begins, the first of its group. `mask` = slots in use - 1."""
    return hashed & mask & ~(LANES - 1)


def likely_slot(hashed, slots, mask):
    """The first slot on the way from home that is empty or has the hash, and so nearly always the row; and the index there, or EMPTY."""
    slot = home_of(hashed, mask)
    while True:
        promise(slot >= 0)
        place = first_of(slots, slot, hashed, ~mask)
        if place < LANES:
            return slot + place, (np.int64(slots[slot + place]) & mask) - 1
        slot = (slot + LANES) & mask


def probe(slot, hashed, state, states, slots, mask):
    """From what `likely_slot` found on, even if filled since: the slot that holds `state`, or the empty one where it belongs; and the
    index there, or EMPTY."""
    promise(mask >= 0)
    while True:
        promise(slot >= 0)
        entry = np.int64(slots[slot])
        if entry == 0:
            return slot, EMPTY
        if (entry ^ hashed) & ~mask == 0:
            index = (entry & mask) - 1
            promise(index >= 0)
            if same_row(states[index], state):
                return slot, index
        slot = (slot + 1) & mask


def write_slot(slots, slot, hashed, index, mask):
    """Let an empty slot point at row `index`."""
    promise(slot >= 0)
    slots[slot] = (hashed & ~mask) | (index + 1)


def find_slot(state, states, slots, mask):
    """The slot that holds `state`, or the empty slot where it belongs; and the index there, or EMPTY."""
    hashed = short_hash(state)
    slot, index = likely_slot(hashed, slots, mask)
    return (slot, index) if index == EMPTY else probe(slot, hashed, state, states, slots, mask)


def fill_slot(slots, slot, state, index, mask):
    """Let the slot that `find_slot` found empty point at row `index`, which is or will be `state`."""
    write_slot(slots, slot, short_hash(state), index, mask)


def add_row(index, states, slots, mask):
    """Let the table know row `index` of `states`, which it does not hold yet."""
    fill_slot(slots, find_slot(states[index], states, slots, mask)[0], states[index], index, mask)


def fetch_slot(state, slots, mask):
    """Start loading what `find_slot` will read first."""
    prefetch(slots, home_of(short_hash(state), mask))


def refill(states, count, slots, mask):
    """Point `slots[:mask + 1]` (all empty) at rows 0..count-1 of `states`, which are distinct: none is compared with another."""
    for index in range(count):
        if index + AHEAD < count:
            fetch_slot(states[index + AHEAD], slots, mask)
        hashed = short_hash(states[index])
        write_slot(slots, empty_slot(hashed, slots, mask), hashed, index, mask)


def enlarge(states, count, slots, mask, old, aside):
    """Let `slots[:mask + 1]` point at rows 0..count-1. `slots[:old]` does so by mask old - 1, the others are empty; old may be 0.

    `aside` is scratch, SLOT [LANES]. A table that doubles where it is reads itself once from end to end, and hardly any row."""
    if old == 0:
        refill(states, count, slots, mask)
    while 0 < old <= mask:
        double(states, slots, old, aside)
        old *= 2


def double(states, slots, size, aside):
    """Spread the entries in slots[:size] over twice as many.

    The next bit of the hash stands in the entry and says which of two groups is its home now: the same, or the one `size` further.
    A stray, away from home, may stand only behind a full group: of those entries alone the rows are read. Group after group is emptied
    and its entries put where they belong, strays last. Those find room no further than where they stood: the groups on their way hold
    only what stood there before, in as much room, and not yet the stray itself."""
    old_mask, mask = size - 1, 2 * size - 1
    first = np.int64(0)
    while slots[first + LANES - 1] != 0:
        first += LANES
    after_full = False
    for done in range(LANES, size + LANES, LANES):  # the groups from the one after `first` round to `first`, which is not full
        group = (first + done) & old_mask
        fetch_strays(states, slots, (group + LANES * GROUPS_AHEAD) & old_mask, old_mask)
        promise(group >= 0)
        low, high, strays = group, group + size, 0
        is_full = slots[group + LANES - 1] != 0
        for place in range(LANES):
            entry = np.int64(slots[group + place])
            if entry == 0:
                break
            slots[group + place] = 0
            if after_full and home_of(short_hash(states[(entry & old_mask) - 1]), old_mask) != group:
                aside[strays] = entry
                strays += 1
                continue
            moves = entry & size != 0
            target = high if moves else low
            promise(target >= 0)
            slots[target] = entry & ~size
            high += moves
            low += not moves
        for stray in range(strays):
            index = (np.int64(aside[stray]) & old_mask) - 1
            hashed = short_hash(states[index])
            write_slot(slots, empty_slot(hashed, slots, mask), hashed, index, mask)
        after_full = is_full


def fetch_strays(states, slots, group, mask):
    """Start loading the rows that may be strays if `group` is full: those of the next one."""
    promise(group >= 0)
    if slots[group + LANES - 1] != 0:
        after = (group + LANES) & mask
        promise(after >= 0)
        for place in range(LANES):
            prefetch(states, (np.int64(slots[after + place]) & mask) - 1)


def empty_slot(hashed, slots, mask):
    """The first empty slot on the way from home."""
    slot = home_of(hashed, mask)
    while True:
        promise(slot >= 0)
        place = first_of(slots, slot, 0, ANY)
        if place < LANES:
            return slot + place
        slot = (slot + LANES) & mask


def slots_for(count: int) -> np.ndarray:
    """Empty slots for `count` rows at a load of at most one half: uint32 [power of two]."""
    return np.zeros(1 << max(4, int(2 * count - 1).bit_length()), SLOT)


def index_rows(states: np.ndarray) -> np.ndarray:
    """Slots that map each of the distinct rows `states` [N, W] to its index."""
    slots = slots_for(len(states))
    bind(refill, {})(states, len(states), slots, len(slots) - 1)
    return slots


def find_rows(queries, states, slots, indices):
    """Kernel: `indices[i]` = index of row `queries[i]` in `states`, or -1."""
    for query in range(queries.shape[0]):
        _, indices[query] = find_slot(queries[query], states, slots, slots.shape[0] - 1)
