"""An open list of 12 bytes an entry: a 4-ary heap in two parallel arrays, an uint64 that says how good and an int32 that says who.

The upper half of the uint64 holds the bits of the priority as float32, the lower half those of the tie-break: bits of numbers
>= 0 are ordered as the numbers are, so one comparison orders by (priority, tie). Of what is equal in both the latest tends to come
first; who pushes the successors of a node draws their order by the seed, so that no tie falls by action number.

A better path to a node is pushed again; who reads an entry compares it with `pack` of what the node is worth now.
Sources: Johnson 1975 (d-ary heaps). Read next: bounded.py, its user; bucket_queue.py, for whole numbers.
"""

import numpy as np

SHIFT_32 = np.uint64(32)


def bits_of(number):
    """The bits of a number >= 0 as float32. Adding 0.0 turns -0.0, whose bits are large, into 0.0."""
    return np.uint64(np.float32(number + 0.0).view(np.uint32))


def pack(priority, tie):
    """The least priority makes the least entry, of equal priorities the least tie."""
    return (bits_of(priority) << SHIFT_32) | bits_of(tie)


def priority_of(entry):
    return np.float64(np.uint32(entry >> SHIFT_32).view(np.float32))


def least_priority(heap, size):
    """Of the best entry; inf when there is none."""
    return priority_of(heap[0][0]) if size > 0 else np.inf


def best_entry(heap):
    return heap[0][0]


def best_node(heap):
    return np.int64(heap[1][0])


def push(heap, size, entry, node):
    """Add an entry to a heap (entries uint64 [M], nodes int32 [M]) of `size` entries."""
    entries, nodes = heap
    place = size
    while place > 0:
        above = (place - 1) >> 2
        if entries[above] < entry:
            break
        entries[place] = entries[above]
        nodes[place] = nodes[above]
        place = above
    entries[place] = entry
    nodes[place] = node


def pop(heap, size):
    """Remove entry 0 of a heap of `size` entries; `size - 1` remain."""
    entries, nodes = heap
    last = size - 1
    entry, node = entries[last], nodes[last]
    place = 0
    while True:
        first = 4 * place + 1
        if first >= last:
            break
        best = first
        for child in range(first + 1, min(first + 4, last)):
            if entries[child] < entries[best]:
                best = child
        if entry <= entries[best]:
            break
        entries[place] = entries[best]
        nodes[place] = nodes[best]
        place = best
    entries[place] = entry
    nodes[place] = node
