"""Additive pattern databases as compiled rules: how the tiles of a pattern become a number, and what stands under it.

The tiles are split into *patterns*. A pattern's database holds, for every placement of its tiles, the fewest moves of *these*
tiles that bring them home, wherever the blank is; moves of other tiles do not count, so the values of all patterns may be
added (Korf & Felner 2002). On a square board the same databases read the board's reflection about its main diagonal too, which
swaps tiles in pairs and leaves the blank's home alone: *orientation* 0 is the board, 1 its reflection, h the larger of the two sums.

A placement's rank is dense, in [0, cells! / (cells - k)!): tile i of the pattern contributes its cell less the number of earlier
tiles on lower cells, times a weight. Beside a board stands its inverse, "where": one place a tile, laid out like a board, holding the cell.

context = (the domain's seven tables, see sliding_rules.py; turned int64 [O, cells], a cell as the orientation numbers it;
tiles int64 [O, P, K], the tiles of a pattern, filled up with 0; weights int64 [P, K], 0 where there is no tile; starts int64 [P];
values uint8, the databases end to end, pattern p from starts[p] on; pattern_of int64 [O, tiles]; crossings int64 [O, tiles, tiles],
the change of a rank for each tile that the first one passes upwards, on the diagonal for each cell).
Read next: pattern_tables.py, which builds them.
"""

import numpy as np

from astarzero.envs.machine import count_bits
from astarzero.envs.sliding_rules import blank_of, tile_at

NONE, ONE = np.uint64(0), np.uint64(1)


def locate(state, context):
    """The inverse of a board, as three words (one-word boards fill the first): bits places[tile] hold the tile's cell."""
    places, blank = context[3], blank_of(state, context)
    first, second, third = NONE, NONE, NONE
    for cell in range(places.shape[0]):
        if cell != blank:
            tile = np.int64(tile_at(state, cell, context))
            moved = np.uint64(cell) << np.uint64(places[tile, 1])
            if places[tile, 0] == 0:
                first |= moved
            elif places[tile, 0] == 1:
                second |= moved
            else:
                third |= moved
    return first, second, third


def rank_of(orientation, pattern, first, second, third, context):
    """The rank of a pattern's placement. A one-word board gives its inverse three times, and the choice between words vanishes."""
    places, mask, turned, tiles, weights = context[3], context[4][0], context[7], context[8], context[9]
    rank, occupied = 0, NONE
    for number in range(tiles.shape[2]):
        tile = tiles[orientation, pattern, number]
        word = first if places[tile, 0] == 0 else second if places[tile, 0] == 1 else third
        cell = turned[orientation, np.int64((word >> np.uint64(places[tile, 1])) & mask)]
        here = ONE << np.uint64(cell)
        rank += weights[pattern, number] * (cell - count_bits(occupied & (here - ONE)))
        occupied |= here
    return rank


def rank_change(orientation, board, tile, cell, blank, context):
    """By how much the rank of the tile's pattern changes when `tile` slides from `cell` into the blank; `board` [W] is before the move.

    A step along a line of the orientation changes one digit by one. A step across passes the cells in between, and each
    tile of the same pattern on them changes one digit.
    """
    turned, crossings = context[7], context[13]
    origin, target = turned[orientation, cell], turned[orientation, blank]
    low, high = min(origin, target), max(origin, target)
    change = (high - low) * crossings[orientation, tile, tile]
    for between in range(low + 1, high):
        passed = tile_at(board, turned[orientation, between], context)  # turned twice is not turned
        change += crossings[orientation, tile, np.int64(passed)]
    return change if target > origin else -change


def pattern_value(orientation, pattern, first, second, third, context):
    """The fewest moves of a pattern's tiles: see `rank_of`."""
    return np.int64(context[11][context[10][pattern] + rank_of(orientation, pattern, first, second, third, context)])


def additive(state, context):
    """The sum over patterns, the larger of both orientations: admissible, of the right parity, never below Manhattan.

    Not consistent: a database forgets where the blank is, so a move may free it and change a value by 3, 5 or more.
    """
    first, second, third = locate(state, context)
    best = 0
    for orientation in range(context[8].shape[0]):
        total = 0
        for pattern in range(context[8].shape[1]):
            total += pattern_value(orientation, pattern, first, second, third, context)
        best = max(best, total)
    return best
