"""The open list: a 4-ary heap in three parallel arrays, smallest (key, tie) first. Kernel helpers, compiled into their callers.

A better path to a node that is already in the heap is pushed again; the search skips the older, larger entry when it surfaces.
"""

import numpy as np

JITTER = 1e-9
UNIT = 2.0**-53
MIX = np.uint64(0x9E3779B97F4A7C15)
SECOND_MIX = np.uint64(0xBF58476D1CE4E5B9)
SHIFT_11, SHIFT_29, SHIFT_32 = np.uint64(11), np.uint64(29), np.uint64(32)


def seeded_bits(number, seed):
    """64 random bits for a number, the same for the same seed."""
    mixed = (np.uint64(number) + MIX * (np.uint64(seed) + np.uint64(1))) * MIX
    mixed = (mixed ^ (mixed >> SHIFT_29)) * SECOND_MIX
    return mixed ^ (mixed >> SHIFT_32)


def seeded_tie(node, seed):
    """A number in [0, JITTER) that orders nodes of equal priority by the seed, never by action number."""
    return np.float64(seeded_bits(node, seed) >> SHIFT_11) * UNIT * JITTER


def push(heap_key, heap_tie, heap_node, size, key, tie, node):
    """Add an entry to a heap of `size` entries."""
    place = size
    while place > 0:
        above = (place - 1) >> 2
        if heap_key[above] < key or (heap_key[above] == key and heap_tie[above] <= tie):
            break
        heap_key[place] = heap_key[above]
        heap_tie[place] = heap_tie[above]
        heap_node[place] = heap_node[above]
        place = above
    heap_key[place] = key
    heap_tie[place] = tie
    heap_node[place] = node


def pop(heap_key, heap_tie, heap_node, size):
    """Remove entry 0 of a heap of `size` entries; `size - 1` remain."""
    last = size - 1
    key, tie, node = heap_key[last], heap_tie[last], heap_node[last]
    place = 0
    while True:
        first = 4 * place + 1
        if first >= last:
            break
        best = first
        for child in range(first + 1, min(first + 4, last)):
            if heap_key[child] < heap_key[best] or (heap_key[child] == heap_key[best] and heap_tie[child] < heap_tie[best]):
                best = child
        if key < heap_key[best] or (key == heap_key[best] and tie <= heap_tie[best]):
            break
        heap_key[place] = heap_key[best]
        heap_tie[place] = heap_tie[best]
        heap_node[place] = heap_node[best]
        place = best
    heap_key[place] = key
    heap_tie[place] = tie
    heap_node[place] = node
