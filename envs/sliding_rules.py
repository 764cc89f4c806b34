"""The compiled rules of sliding tiles, for boards of any size, and the heuristics that need no database.

Up to 16 cells are one uint64, four bits a cell, row by row from the least significant; the blank is 0, so a move is two XORs.
Larger boards have six bits a cell, ten cells a word, and the blank's cell in the last word's top byte. An action moves the
*blank*: 0 up, 1 down, 2 left, 3 right.

context = (neighbours int64 [cells, 4], -1 off the board; distances int64 [tiles, cells]; goal uint64 [W];
places int64 [cells, 2], the word and shift of a cell; mask uint64 [1], of one cell;
moves int16 [5 * cells * 5]: by 1 + the action that is left out (-1: none) and the blank's cell, 4 * the cell that
the blank goes to + the action, for each of the moves; last, how many there are;
farther int8 [tiles * cells * 4]: how much farther from its goal a tile is after the blank's move by that action, onto
that cell, where the blank was. These two have 16 cells also for smaller boards).
"""

import itertools
from bisect import bisect_left

import numpy as np

from astarzero.envs.machine import lowest_bit, promise
from astarzero.envs.state_table import copy_row, same_row

IN_ONE_WORD = 16  # cells, at most
BITS, CELLS_A_WORD, BLANK_SHIFT = 6, 10, 56  # of boards in several words
LONGEST_LINE = 6  # for linear conflict, whose table has (longest + 1) ** longest entries
LANES = np.uint64(0x1111111111111111)
ONE, TWO, FIFTEEN, TOP_BYTE = np.uint64(1), np.uint64(2), np.uint64(15), np.uint64(BLANK_SHIFT)


def find_blank(board):
    """The cell of a one-word board that holds 0: the lowest nibble with none of its four bits set (those beyond the board are higher)."""
    occupied = board | (board >> TWO)
    occupied |= occupied >> ONE
    return lowest_bit(~occupied & LANES) >> 2


def blank_of(state, context):
    """The blank's cell."""
    if state.shape[0] == 1:
        return find_blank(state[0])
    return np.int64(state[state.shape[0] - 1] >> TOP_BYTE)


def tile_at(state, cell, context):
    """The tile at a cell; meaningless at the blank of a board in several words."""
    if state.shape[0] == 1:
        return (state[0] >> np.uint64(4 * cell)) & FIFTEEN
    places, mask = context[3], context[4]
    return (state[places[cell, 0]] >> np.uint64(places[cell, 1])) & mask[0]


def slide(state, blank, cell, context, successor):
    """Write the board after the tile at `cell` has moved into the blank."""
    tile = tile_at(state, cell, context)
    if state.shape[0] == 1:
        successor[0] = state[0] ^ (tile << np.uint64(4 * cell)) ^ (tile << np.uint64(4 * blank))
        return
    places = context[3]
    copy_row(successor, state)
    successor[places[cell, 0]] ^= tile << np.uint64(places[cell, 1])
    successor[places[blank, 0]] ^= tile << np.uint64(places[blank, 1])
    if state.shape[0] > 1:
        successor[successor.shape[0] - 1] ^= np.uint64(blank ^ cell) << TOP_BYTE


def step(state, action, context, successor):
    blank = blank_of(state, context)
    cell = context[0][blank, action]
    if cell < 0:
        return 0.0
    slide(state, blank, cell, context, successor)
    return 1.0


def expand(state, context, successors, actions, costs):
    blank = blank_of(state, context)
    for number in range(4):  # always as many: a branch would be a guess. Those beyond the count mean nothing
        actions[number], costs[number] = move_blank(number, state, blank, -1, context, successors[number]), 1.0
    return table_of_moves(4, state, blank, -1, context)


def expand_onward(state, back, context, successors, actions, costs):
    """Counts them. `nth_onward` makes one when it is asked about, so that what follows need not read it back from memory."""
    return table_of_moves(4, state, blank_of(state, context), back, context)


def nth_onward(number, state, back, context, successors, actions, costs):
    return move_blank(number, state, blank_of(state, context), back, context, successors[number]), 1.0


def move_blank(number, state, blank, back, context, successor):
    """Make the successor by the move that the table has there, and return its action."""
    move = table_of_moves(number, state, blank, back, context)
    slide(state, blank, move >> 2, context, successor)
    return move & 3


def table_of_moves(number, state, blank, back, context):
    """An entry of `moves`."""
    place = 5 * ((back + 1) * cells_of(state, context) + blank) + number
    promise(place >= 0)
    move = np.int64(context[5][place])
    promise(move >= 0)
    return move


def cells_of(state, context):
    """How many cells the tables of moves have: for one-word boards always as many, a constant of the compiled code."""
    return IN_ONE_WORD if state.shape[0] == 1 else context[0].shape[0]


def is_goal(state, context):
    return same_row(state, context[2])


def encode(state, context, features):
    """One-hot: feature `cell * cells + tile`."""
    cells, blank = context[0].shape[0], blank_of(state, context)
    for cell in range(cells):
        features[cell * cells + (0 if cell == blank else np.int64(tile_at(state, cell, context)))] = 1.0


# --- heuristics -------------------------------------------------------------------------------------------------------------


def manhattan(state, context):
    """Sum over tiles of the city-block distance to the tile's goal cell: admissible and consistent."""
    distances, blank = context[1], blank_of(state, context)
    total = 0
    for cell in range(distances.shape[1]):
        if cell != blank:
            total += distances[np.int64(tile_at(state, cell, context)), cell]
    return total


def manhattan_of_child(parent, parent_h, action, child, context):
    """Only the tile that moved changes its distance: it stands where the blank was."""
    blank = blank_of(parent, context)
    if parent.shape[0] == 1:
        tile = tile_at(child, blank, context)
    else:  # the child was written just now
        tile = tile_at(parent, context[0][blank, action], context)
    place = 4 * (np.int64(tile) * cells_of(parent, context) + blank) + action
    promise(place >= 0)
    return parent_h + context[6][place]


# Linear conflict (Hansson, Mayer, Yung 1992): tiles that are in their goal line in the wrong order. All but a longest ordered set
# of them must leave the line and return, two moves each that city-block distances do not count.
# Its context is the domain's and, for rows (kind 0) and columns (1): lines int64 [2, n, n], the cells of a line, -1 beyond;
# line_of int64 [2, cells]; digits int64 [2, tiles, n], 1 + a tile's goal place in a line, 0 when its goal is not there;
# conflicts int64 [2, keys], the moves by the line's digits as a number.


def line_conflict(state, kind, line, context):
    """The moves that one line needs beyond the distances of its tiles."""
    lines, digits, conflicts = context[7], context[9], context[10]
    blank, base, key = blank_of(state, context), lines.shape[2] + 1, 0
    for place in range(lines.shape[2]):
        cell = lines[kind, line, place]
        digit = 0 if cell < 0 or cell == blank else digits[kind, np.int64(tile_at(state, cell, context)), line]
        key = key * base + digit
    return conflicts[key]


def linear_conflict(state, context):
    """Manhattan and the conflicts of all lines: admissible and consistent."""
    lines = context[7]
    total = manhattan(state, context)
    for kind in range(2):
        for line in range(lines.shape[1]):
            total += line_conflict(state, kind, line, context)
    return total


def linear_conflict_of_child(parent, parent_h, action, child, context):
    """A tile that moves up or down keeps its place in the order of its column and changes two rows; left or right, two columns."""
    line_of, blank = context[8], blank_of(parent, context)
    kind = 0 if action < 2 else 1
    first, second = line_of[kind, blank], line_of[kind, context[0][blank, action]]
    total = manhattan_of_child(parent, parent_h, action, child, context)
    for line in (first, second):
        total += line_conflict(child, kind, line, context) - line_conflict(parent, kind, line, context)
    return total


def linear_conflict_context(context: tuple[np.ndarray, ...], height: int, goal_tiles: list[int]) -> tuple[np.ndarray, ...]:
    """The domain's `context` and the tables of linear conflict."""
    cells, longest = len(goal_tiles), max(height, len(goal_tiles) // height)
    rows = np.arange(cells).reshape(height, -1)
    lines = np.full((2, longest, longest), -1, np.int64)
    line_of, digits = np.zeros((2, cells), np.int64), np.zeros((2, cells, longest), np.int64)
    for kind, board in enumerate((rows, rows.T)):
        for line, members in enumerate(board.tolist()):
            lines[kind, line, : len(members)] = members
            for place, cell in enumerate(members):
                line_of[kind, cell] = line
                if goal_tiles[cell]:
                    digits[kind, goal_tiles[cell], line] = 1 + place
    conflicts = [2 * out_of_order(key) for key in itertools.product(range(longest + 1), repeat=longest)]
    return (*context, lines, line_of, digits, np.array(conflicts, np.int64))


def out_of_order(digits: tuple[int, ...]) -> int:
    """How many of the digits above 0 are outside a longest increasing sequence of them (patience sorting, Schensted 1961)."""
    piles: list[int] = []
    placed = [digit for digit in digits if digit]
    for digit in placed:
        place = bisect_left(piles, digit)
        piles[place : place + 1] = [digit]
    return len(placed) - len(piles)
