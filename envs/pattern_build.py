"""Builds the database of one pattern by retrograde search: breadth-first from the goal over (placement, where the blank can be).

The blank moves for nothing among cells that hold no tile of the pattern, so a search state is a placement and a *region* of free
cells; a move of a pattern's tile costs 1. Per placement stand the cells that the blank was seen on (`reached`), those of them
whose moves are still to be made (`fresh`) and the least cost. A level is one pass over all placements by rank, and what it
reaches lies at fixed distances from what it reads, so memory is met in order. Every move changes the parity of the sum of the
tiles' rows and columns, so what a level adds is never mistaken for its own work: it has the other parity.

Ranks, weights and crossings: pattern_rules.py. Read next: pattern_tables.py.
"""

import math
import time
from collections.abc import Callable

import numpy as np

from astarzero.envs.compile import bind
from astarzero.envs.machine import lowest_bit

UNKNOWN = 255  # no placement of a pattern needs so many moves
SLICE_ROWS = 1 << 22  # placements a call, between two looks at Ctrl-C and the progress bar
ZERO, ONE = np.uint64(0), np.uint64(1)

Progress = Callable[[int], None]


def flood(cell, free, board):
    """The free cells that a blank on `cell` reaches; sets of cells are bits of a uint64, `board` = (width, all, not left, not right)."""
    region, before = ONE << np.uint64(cell), ZERO
    while region != before:
        before = region
        region |= ((region << ONE) & board[2]) | ((region >> ONE) & board[3]) | (region << board[0]) | (region >> board[0])
        region &= free
    return region


def settle(head, digits, weights, board, cells, index_at):
    """Place the tiles of the rank `head * (entries of a block)` but the last one: cells [K], index_at [cells]; returns the free cells."""
    count, free = cells.shape[0], board[1]
    index_at[:] = count
    for number in range(count - 1):
        digit = head // digits[number]
        head -= digit * digits[number]
        left = free
        for _ in range(digit):
            left &= left - ONE
        cell = lowest_bit(left)
        cells[number], index_at[cell] = cell, number
        free ^= ONE << np.uint64(cell)
    return free


def pass_kernel(first, last, level, phase, digits, weights, crossings, board, parity, cells, index_at, reached, fresh, values, added):
    """Make the moves of the fresh placements of blocks [first, last) whose parity is `phase`; a block varies the last tile.

    added int64 [2] grows by the regions and by the placements that were new.
    """
    count, num_cells, width = cells.shape[0], index_at.shape[0], np.int64(board[0])
    entries = num_cells - count + 1
    for head in range(first, last):
        base = head * entries
        any_fresh = False
        for entry in range(entries):
            any_fresh |= fresh[base + entry] != 0
        if not any_fresh:
            continue
        free = settle(head, digits, weights, board, cells, index_at)
        odd = phase
        for number in range(count - 1):
            odd += parity[cells[number]]
        left = free
        for entry in range(entries):
            cell = lowest_bit(left)
            left &= left - ONE
            todo = np.uint64(fresh[base + entry])
            if todo == ZERO or (odd + parity[cell]) & 1:
                continue
            fresh[base + entry] = 0
            cells[count - 1], index_at[cell] = cell, count - 1
            move_all(
                base + entry, level, todo, free ^ (ONE << np.uint64(cell)), width, weights, crossings, board, index_at,
                reached, fresh, values, added,
            )  # fmt: skip
            index_at[cell] = count


def move_all(rank, level, todo, free, width, weights, crossings, board, index_at, reached, fresh, values, added):
    """All moves of pattern tiles into the cells `todo`: four directions, in each the tiles that can go there."""
    taken = board[1] & ~free
    for direction in range(4):
        if direction == 0:
            movers, shift = (todo << ONE) & board[2] & taken, -1
        elif direction == 1:
            movers, shift = (todo >> ONE) & board[3] & taken, 1
        elif direction == 2:
            movers, shift = (todo << board[0]) & taken, -width
        else:
            movers, shift = (todo >> board[0]) & taken, width
        while movers != ZERO:
            origin = lowest_bit(movers)
            movers &= movers - ONE
            target, tile = origin + shift, index_at[origin]
            change = abs(shift) * weights[tile]
            for between in range(min(origin, target) + 1, max(origin, target)):
                change += crossings[tile, index_at[between]]
            child = rank + (change if shift > 0 else -change)
            seen = np.uint64(reached[child])
            if (seen >> np.uint64(origin)) & ONE:
                continue
            region = flood(origin, free ^ (ONE << np.uint64(target)) ^ (ONE << np.uint64(origin)), board)
            reached[child] = seen | region
            fresh[child] = np.uint64(fresh[child]) | region
            added[0] += 1
            if values[child] == UNKNOWN:
                values[child] = level + 1
                added[1] += 1


def rank_weights(cells: int, count: int) -> np.ndarray:
    """What a step of tile i's cell adds to the rank of a placement of `count` tiles: (cells - i - 1)! / (cells - count)!, int64 [count]."""
    return np.array([math.perm(cells - number - 1, count - number - 1) for number in range(count)], np.int64)


def crossing_weights(weights: np.ndarray) -> np.ndarray:
    """How a rank changes when tile i passes tile j upwards: int64 [K, K + 1]; the last column, no tile, is 0.

    If j comes earlier it is now one more on a lower cell for i; if later, i is one fewer for j.
    """
    count = len(weights)
    table = np.zeros((count, count + 1), np.int64)
    for tile in range(count):
        for other in range(count):
            table[tile, other] = -weights[tile] if other < tile else weights[other] if other > tile else 0
    return table


def rank_in_python(cells: list[int], num_cells: int) -> int:
    """The rank of a placement, tile by tile: what pattern_rules.rank_of computes from a board."""
    digits = [cell - sum(other < cell for other in cells[:number]) for number, cell in enumerate(cells)]
    return int(rank_weights(num_cells, len(cells)) @ digits)


def build(height: int, width: int, homes: list[int], blank_home: int, progress: Progress = lambda done: None) -> np.ndarray:
    """The database of the tiles whose goal cells are `homes`: uint8 [cells! / (cells - k)!] by rank.

    `progress(placements known)` is called about once a second.
    """
    num_cells, count = height * width, len(homes)
    size = math.perm(num_cells, count)
    entries = num_cells - count + 1
    mask_type = np.uint16 if num_cells <= 16 else np.uint32 if num_cells <= 32 else np.uint64
    reached, fresh, values = np.zeros(size, mask_type), np.zeros(size, mask_type), np.full(size, UNKNOWN, np.uint8)
    everywhere = (1 << num_cells) - 1
    left_column = sum(1 << (row * width) for row in range(height))
    board = np.array([width, everywhere, everywhere & ~left_column, everywhere & ~(left_column << (width - 1))], np.uint64)
    weights = rank_weights(num_cells, count)
    crossings = crossing_weights(weights)
    digits = weights // entries  # weights among blocks; the last tile has no part in a block's number
    parity = np.array([(row + column) % 2 for row in range(height) for column in range(width)], np.int64)
    cells, index_at, added = np.zeros(count, np.int64), np.zeros(num_cells, np.int64), np.zeros(2, np.int64)
    goal, start = rank_in_python(homes, num_cells), int(parity[homes].sum())
    free = np.uint64(everywhere & ~sum(1 << home for home in homes))
    reached[goal] = fresh[goal] = bind(flood, {})(blank_home, free, board)
    values[goal] = 0
    kernel, level, known, looked = bind(pass_kernel, {}), 0, 1, time.perf_counter()
    blocks, step = size // entries, max(1, SLICE_ROWS // entries)
    while True:
        added[:] = 0
        for first in range(0, blocks, step):
            kernel(
                first, min(first + step, blocks), level, (start + level) % 2, digits, weights, crossings, board, parity, cells, index_at,
                reached, fresh, values, added,
            )  # fmt: skip
            if time.perf_counter() - looked > 0.5:
                looked = time.perf_counter()
                progress(known + int(added[1]))
        known, level = known + int(added[1]), level + 1
        if not added[0]:
            return values
