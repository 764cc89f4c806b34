"""An open list of 8 bytes an entry: a 4-ary heap of uint64, the priority in the upper half, the node in the lower. Kernel helpers.

The upper half holds the bits of the priority as float32, which order numbers >= 0 as the numbers themselves are ordered. The
lower half holds the node's number counted down from the largest: of equal priorities the latest comes first, and no second
array moves along. Who pushes the successors of a node draws their order by the seed, so that no tie falls by action number.

A better path to a node is pushed again; who reads an entry compares it with `pack` of what the node is worth now.
Sources: Johnson 1975 (d-ary heaps). Read next: bounded.py, its user; bucket_queue.py, for whole numbers.
"""

import numpy as np

LOWER_HALF = np.uint64(0xFFFFFFFF)
SHIFT_32 = np.uint64(32)


def pack(priority, node):
    """The entry of `node`: the least priority makes the least entry. Adding 0.0 turns -0.0, whose bits are large, into 0.0."""
    bits = np.uint64(np.float32(priority + 0.0).view(np.uint32))
    return (bits << SHIFT_32) | (LOWER_HALF - np.uint64(node))


def priority_of(entry):
    return np.float64(np.uint32(entry >> SHIFT_32).view(np.float32))


def node_of(entry):
    return np.int64(LOWER_HALF - (entry & LOWER_HALF))


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
