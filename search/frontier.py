"""The open list: a 4-ary heap of entries, smallest (key, tie) first. Kernel helpers, compiled into their callers.

A better path to a node that is already in the heap is pushed again; the search skips the older, larger entry when it surfaces.
"""

from typing import Any

import numpy as np

from astarzero.envs.machine import prefetch, promise

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


def entry_type(item: Any) -> np.dtype:
    """An entry of a heap: its key, the tie-break, and what waits: a node, say."""
    return np.dtype([("key", np.float64), ("tie", np.float64), ("item", item)])


def comes_before(entry, key, tie):
    """Is an entry strictly smaller?"""
    return entry["key"] < key or (entry["key"] == key and entry["tie"] < tie)


def push(heap, size, key, tie, item):
    """Add an entry to a heap of `size` entries."""
    place = size
    promise(place >= 0)
    while place > 0:
        above = (place - 1) >> 2
        promise(above >= 0)
        if heap[above]["key"] < key or (heap[above]["key"] == key and heap[above]["tie"] <= tie):
            break
        heap[place] = heap[above]
        place = above
    entry = heap[place]
    entry["key"], entry["tie"], entry["item"] = key, tie, item


def pop(heap, size):
    """Remove entry 0 of a heap of `size` entries; `size - 1` remain.

    The least entries below it move up, all the way; the last entry takes the place they leave, and rises from there, seldom far."""
    last, place, first = size - 1, 0, 1
    promise(last >= 0)
    while first < last:
        for ahead in range(4 * first + 1, 4 * first + 17, 3):  # one of four groups comes next: in a large heap they are far away
            prefetch(heap, ahead)
        best = first
        for child in range(first + 1, min(first + 4, last)):
            if comes_before(heap[child], heap[best]["key"], heap[best]["tie"]):
                best = child
        heap[place] = heap[best]
        place, first = best, 4 * best + 1
    end = heap[last]
    while place > 0 and not comes_before(heap[(place - 1) >> 2], end["key"], end["tie"]):
        heap[place] = heap[(place - 1) >> 2]
        place = (place - 1) >> 2
    heap[place] = end
