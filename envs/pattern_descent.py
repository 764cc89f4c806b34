"""How IDA* walks the 8- and the 15-puzzle by additive pattern databases: the `Descent` (see descent.py) of square boards of one word.

A move changes the rank of one pattern in each orientation, so a node carries all ranks and all values, and a step looks up two.
Its notes are: the ranks in orientation 0, those in orientation 1 (a field a pattern), and a word of bytes: the values of the
patterns in either orientation (from bytes 0 and 3) and their two sums (bytes 6 and 7). h is the larger sum.

The databases are not consistent (the blank's place is minimised out), so a successor's h may show that its parent is hopeless:
h(parent) >= h(successor) - 1, and when that is above the bound none of the parent's successors is kept (bidirectional pathmax,
Felner, Zahavi, Holte, Schaeffer, Sturtevant, Zhang 2011). Read next: pattern_rules.py (ranks and crossings).
"""

import numpy as np

from astarzero.envs.descent import SLACK_SHIFT, Descent
from astarzero.envs.sliding_descent import FOUR, NIBBLE, PLACE, TILES, TWO, descent_of, ways_of

MOST_PATTERNS, RANK_BITS = 3, 64
BYTE, SUMS, SECOND_SUM = np.uint64(255), np.uint64(48), np.uint64(56)
SLACK = np.int64(SLACK_SHIFT)
HOPELESS = -(1 << SLACK_SHIFT)  # a label below has a slack of -2 or less: the parent with h - 1 is above the bound too
NONE, ONE = np.uint64(0), np.uint64(1)
FIELD, MASK, START, PLACE_OF_VALUE = range(4)  # rows of `lookups`, by tile: where its pattern's rank, database and value stand


def descend_by_patterns(board, label, boards, labels, notes, top, tables):
    """`descend` with the tables of `pattern_descent`."""
    place = np.uint64(label) & PLACE
    first_ranks, second_ranks, values = notes[top, 0], notes[top, 1], notes[top, 2]
    start, lowest = top, np.int64(0)
    for number in range(tables[0][place]):
        way = (place << TWO) + np.uint64(number)
        top, reached = move_by_patterns(board, label, first_ranks, second_ranks, values, boards, labels, notes, top, way, tables)
        lowest = min(lowest, reached)
    return start if lowest < HOPELESS else top


def move_by_patterns(board, label, first_ranks, second_ranks, values, boards, labels, notes, top, way, tables):
    """Write the node behind a way; the top rises if it is within the bound. Returns (top, the node's label)."""
    _, shift, swap, step, sign, across, passed, crossing, databases, lookups = tables
    tile = (board >> shift[way]) & NIBBLE
    row = tile << FOUR
    far, near, moved = across[way], ONE - across[way], row + tile
    change = np.int64(passed.shape[1] + 1) * crossing[far, moved]
    for number in range(passed.shape[1]):
        change += crossing[far, row + ((board >> passed[way, number]) & NIBBLE)]
    changes = np.uint64(sign[way] * change), np.uint64(sign[way] * crossing[near, moved])
    first_ranks += changes[0] if far == NONE else changes[1]
    second_ranks += changes[1] if far == NONE else changes[0]
    before = max((values >> SUMS) & BYTE, values >> SECOND_SUM)
    values = look_up(first_ranks, values, lookups[0], tile, databases, SUMS)
    values = look_up(second_ranks, values, lookups[1], tile, databases, SECOND_SUM)
    after = max((values >> SUMS) & BYTE, values >> SECOND_SUM)
    reached = label + step[way] + (((np.int64(before) - np.int64(after) - 1) >> 1) << SLACK)
    boards[top], labels[top] = board ^ (tile * swap[way]), reached
    notes[top, 0], notes[top, 1], notes[top, 2] = first_ranks, second_ranks, values
    return top + np.uint64(reached >= 0), reached


def look_up(ranks, values, lookups, tile, databases, total):
    """`values` with the new value of the pattern whose tile moved, and with the sum at `total` that it belongs to."""
    value = np.uint64(databases[lookups[START, tile] + ((ranks >> lookups[FIELD, tile]) & lookups[MASK, tile])])
    change = value - ((values >> lookups[PLACE_OF_VALUE, tile]) & BYTE)
    return values + (change << lookups[PLACE_OF_VALUE, tile]) + (change << total)


def pattern_descent(context: tuple[np.ndarray, ...]) -> Descent | None:
    """The descent by the databases of `context` (see pattern_rules.py); None when the board or the ranks do not fit.

    Its tables: counts int64 [places]; by way: shift, swap uint64, step int64, sign int64 (do cell numbers rise for the tile?), across
    uint64 (the orientation in which it passes others), passed uint64 [ways, side - 1] (the shifts of their cells); crossing int64
    [2, TILES * TILES], each in its rank's field; databases uint8; lookups uint64 [2, 4, TILES].
    """
    neighbours, turned, (tiles, weights, starts, databases, pattern_of, crossings) = context[0], context[7], context[8:14]
    cells, side = len(neighbours), round(len(neighbours) ** 0.5)
    sizes = np.diff([*starts, len(databases)])
    bits = np.array([int(size - 1).bit_length() for size in sizes])
    if cells > TILES or len(turned) != 2 or len(sizes) > MOST_PATTERNS or bits.sum() > RANK_BITS:
        return None
    fields = np.cumsum([0, *bits])[:-1]
    ways, crossing, lookups = ways_of(neighbours), np.zeros((2, TILES, TILES), np.int64), np.zeros((2, 4, TILES), np.uint64)
    for orientation, pattern in enumerate(pattern_of):
        crossing[orientation, :cells, :cells] = crossings[orientation] << fields[pattern][:, None]
        byte = 8 * (MOST_PATTERNS * orientation + pattern)
        lookups[orientation, :, :cells] = fields[pattern], (1 << bits[pattern]) - 1, starts[pattern], byte
    low, upright = np.minimum(ways.blank, ways.cell), np.abs(ways.blank - ways.cell) == side
    between = np.arange(1, side)
    passed = np.where(upright[..., None], low[..., None] + between, turned[1][(turned[1][low][..., None] + between) % cells])
    rule_tables = (ways.shift, ways.swap, ways.step, np.where(ways.blank > ways.cell, 1, -1), (~upright).astype(np.uint64))

    def notes(row: np.ndarray) -> np.ndarray:
        tile_at = [(int(row[0]) >> 4 * cell) & 15 for cell in range(cells)]
        ranks, values = [0, 0], 0
        for orientation in range(2):
            for pattern, members in enumerate(tiles[orientation]):
                places = [int(turned[orientation, tile_at.index(tile)]) for tile in members if tile]
                rank = sum(
                    int(weight) * (place - sum(other < place for other in places[:number]))
                    for number, (weight, place) in enumerate(zip(weights[pattern], places))
                )
                value = int(databases[starts[pattern] + rank])
                ranks[orientation] += rank << int(fields[pattern])
                values += (value << 8 * (MOST_PATTERNS * orientation + pattern)) + (value << 8 * (2 * MOST_PATTERNS + orientation))
        return np.array([*ranks, values], np.uint64)

    flat = (table.ravel() for table in rule_tables)
    tables = (ways.there.sum(1), *flat, 4 * passed.reshape(-1, side - 1).astype(np.uint64), crossing.reshape(2, -1), databases, lookups)
    return descent_of(ways, descend_by_patterns, tables, context[2], notes)
