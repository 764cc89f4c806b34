"""The open list for whole-number priorities: a stack for every (key, h), least key first, then least h. Kernel helpers.

Constant time to add and to take, 4.5 bytes an entry. Of equal keys the least h comes first (in A*: the greatest g), of equal
h the latest. Stacks are chains of chunks of one cache line, taken from one pool and given back to it. A better path to a
node that waits is pushed again; the search skips the older entry when it surfaces.

    top [K, H]        place of a stack's last entry, chunk * CHUNK + offset, or NONE
    lowest [K]        below this h every stack of the key is empty
    chunks [C * CHUNK] entries by place;  below [C]: the place under a chunk in its stack, or the next free chunk

Sources: Dial 1969; Burns, Hatem, Leighton, Ruml 2012 (buckets for A*, greatest g first). Read next: integer_kernel.py;
frontier.py is the heap, for any priorities.
"""

import numpy as np

from astarzero.envs.machine import prefetch, promise
from astarzero.search.drive import ENTRIES, FREE

NONE = -1
FIRST_KEYS, FIRST_H = 128, 64  # of `top` at first; both are always powers of two
CHUNK_BITS = 4
CHUNK = 1 << CHUNK_BITS  # of int32: a cache line
LAST = CHUNK - 1
LEAST_KEY, FIRST_FREE, CHUNKS = range(FREE, FREE + 3)  # cells of `control`; CHUNKS: how many were ever taken
FREE_BESIDE_QUEUE = FREE + 3  # from here on they are the kernel's


def push(control, top, lowest, chunks, below, key, h, node):
    """Put `node` on the stack of (key, h)."""
    promise(key >= 0)
    promise(h >= 0)
    place = np.int64(top[key, h])
    if (place + 1) & LAST == 0:  # full; or empty, and perhaps the best now
        chunk = control[FIRST_FREE]
        if chunk == NONE:
            chunk = control[CHUNKS]
            control[CHUNKS] += 1
        else:
            promise(chunk >= 0)
            control[FIRST_FREE] = below[chunk]
        promise(chunk >= 0)
        below[chunk] = place
        place = chunk << CHUNK_BITS
        lowest[key] = min(np.int64(lowest[key]), h)
        control[LEAST_KEY] = min(control[LEAST_KEY], key)
    else:
        place += 1
    promise(place >= 0)
    chunks[place] = node
    top[key, h] = place
    control[ENTRIES] += 1


def find_best(control, top, lowest):
    """The (key, h) of the best stack, and LEAST_KEY and `lowest` point there. Only while there are entries."""
    key = control[LEAST_KEY]
    promise(key >= 0)
    h = np.int64(lowest[key])
    promise(h >= 0)
    while h == top.shape[1] or top[key, h] == NONE:
        if h < top.shape[1]:
            h += 1
        else:
            lowest[key] = h
            key += 1
            promise(key >= 0)
            h = np.int64(lowest[key])
            promise(h >= 0)
    control[LEAST_KEY], lowest[key] = key, h
    return key, h


def entry_at(chunks, place):
    """The entry at a place."""
    promise(place >= 0)
    node = np.int64(chunks[place])
    promise(node >= 0)
    return node


def under(below, place):
    """The place of the entry under the one at `place` in its stack, or NONE."""
    promise(place >= 0)
    return place - 1 if place & LAST else np.int64(below[place >> CHUNK_BITS])


def drop_last(control, top, below, key, h, place):
    """Take the last entry off the stack of (key, h), which is at `place`; the place of the one before it, or NONE."""
    before = under(below, place)
    if place & LAST == 0:
        chunk = place >> CHUNK_BITS
        below[chunk] = control[FIRST_FREE]
        control[FIRST_FREE] = chunk
    top[key, h] = before
    control[ENTRIES] -= 1
    return before


def fetch_next(control, top, lowest, chunks, below, states, records, most):
    """Fetch what is known of the next `most` entries of the best stack ahead: they wait since long, and a round later they are taken."""
    place, count = np.int64(NONE), 0
    if control[ENTRIES] > 0:
        key, h = find_best(control, top, lowest)
        place = np.int64(top[key, h])
    while place != NONE and count < most:
        node = entry_at(chunks, place)
        prefetch(states, node)
        prefetch(records, node)
        place = under(below, place)
        count += 1


def empty_buckets(keys: int = FIRST_KEYS, width: int = FIRST_H) -> tuple[np.ndarray, np.ndarray]:
    """`top` [keys, width] and `lowest` [keys] where nothing waits."""
    return np.full((keys, width), NONE, np.int32), np.full(keys, width, np.int32)


def wide_enough(top: np.ndarray, key: int, h: int) -> tuple[int, int]:
    """The shape of `top` when it has grown to hold the stack of (key, h)."""
    keys, width = (max(size, 1 << int(wanted).bit_length()) for size, wanted in zip(top.shape, (key, h), strict=True))
    return keys, width


def widened(top: np.ndarray, keys: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """`top` and `lowest` of this shape, which hold what `top` does."""
    larger, lowest = empty_buckets(keys, width)
    larger[: top.shape[0], : top.shape[1]] = top
    lowest[: top.shape[0]] = 0
    return larger, lowest
