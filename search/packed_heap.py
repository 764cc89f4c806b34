"""An open list of 8 bytes an entry: a 4-ary heap of uint64, the priority in the upper half, the node in the lower. Kernel helpers.

The upper half holds the bits of the priority as float32, which order numbers >= 0 as the numbers themselves are ordered. The
lower half holds the node's number times an odd `factor` drawn from the seed, modulo 2^32: ties fall as the seed says, never by
action number, and multiplying by the factor's `inverse` gives the node back, so that no second array moves along.

A better path to a node is pushed again; who reads an entry compares it with `pack` of what the node is worth now.
Sources: Johnson 1975 (d-ary heaps). Read next: bounded.py, its user; bucket_queue.py, for whole numbers.
"""

import numpy as np

from astarzero.search.frontier import seeded_bits

LOWER_HALF = np.uint64(0xFFFFFFFF)
SHIFT_32 = np.uint64(32)


def seeded_factor(seed: int) -> tuple[int, int]:
    """An odd number below 2^32 and its inverse modulo 2^32."""
    with np.errstate(over="ignore"):
        factor = int(seeded_bits(0, seed)) % (1 << 32) | 1
    return factor, pow(factor, -1, 1 << 32)


def pack(priority, node, factor):
    """The entry of `node`: the least priority makes the least entry. Adding 0.0 turns -0.0, whose bits are large, into 0.0."""
    bits = np.uint64(np.float32(priority + 0.0).view(np.uint32))
    return (bits << SHIFT_32) | ((np.uint64(node) * np.uint64(factor)) & LOWER_HALF)


def priority_of(entry):
    return np.float64(np.uint32(entry >> SHIFT_32).view(np.float32))


def node_of(entry, inverse):
    return np.int64(((entry & LOWER_HALF) * np.uint64(inverse)) & LOWER_HALF)


def push(heap, size, entry):
    """Add an entry to a heap of `size` entries."""
    place = size
    while place > 0:
        above = (place - 1) >> 2
        if heap[above] <= entry:
            break
        heap[place] = heap[above]
        place = above
    heap[place] = entry


def pop(heap, size):
    """Remove entry 0 of a heap of `size` entries; `size - 1` remain."""
    last = size - 1
    entry = heap[last]
    place = 0
    while True:
        first = 4 * place + 1
        if first >= last:
            break
        best = first
        for child in range(first + 1, min(first + 4, last)):
            if heap[child] < heap[best]:
                best = child
        if entry <= heap[best]:
            break
        heap[place] = heap[best]
        place = best
    heap[place] = entry
