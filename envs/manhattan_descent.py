"""How IDA* walks sliding tiles by Manhattan distance: the `Descent` (see descent.py) of all boards of one word.

The rule writes all ways of a node onto the stack, and looks up what each does to the label. The same ways go to tile_recursion.py,
which counts small subtrees.
"""

import numpy as np

from astarzero.envs.descent import Descent
from astarzero.envs.sliding_descent import FARTHER, FOUR, NIBBLE, NO_WAY, PLACE, TILES, TWO, descent_of, ways_of
from astarzero.envs.tile_recursion import recursion_of

FOURTH = np.uint64(3)


def descend_by_manhattan(board, label, boards, labels, notes, top, tables):
    """`descend` with tables = (shift, swap uint64 [places * WAYS], change int64 [places * WAYS * TILES], of a label by the tile)."""
    first = (np.uint64(label) & PLACE) << TWO
    for number in range(3):
        top = move_by_manhattan(board, label, boards, labels, top, first + np.uint64(number), tables)
    if tables[1][first + FOURTH]:  # only at a root
        top = move_by_manhattan(board, label, boards, labels, top, first + FOURTH, tables)
    return top


def move_by_manhattan(board, label, boards, labels, top, way, tables):
    """Write the node behind a way; the top rises if it is within the bound. A way that is not there falls off by its label."""
    shift, swap, change = tables
    tile = (board >> shift[way]) & NIBBLE
    reached = label + change[(way << FOUR) + tile]
    boards[top], labels[top] = board ^ (tile * swap[way]), reached
    return top + np.uint64(reached >= 0)


def manhattan_descent(context: tuple[np.ndarray, ...]) -> Descent | None:
    """The descent by Manhattan distance, None on boards of several words; `context` is the domain's."""
    neighbours, distances, goal = context[:3]
    if len(goal) > 1:
        return None
    ways = ways_of(neighbours)
    farther = distances[:, ways.blank] > distances[:, ways.cell]  # [tiles, places, WAYS]: the tile goes where the blank was
    change = np.full((*ways.place.shape, TILES), NO_WAY, np.int64)
    change[..., : len(distances)] = ways.step[..., None] + FARTHER * np.moveaxis(farther, 0, -1)
    marks = (farther.astype(np.int64) << np.arange(len(distances))[:, None, None]).sum(0)
    tables, recursion = (ways.shift.ravel(), ways.swap.ravel(), change.ravel()), recursion_of(ways, marks, goal)
    return descent_of(ways, descend_by_manhattan, tables, goal, count_below=recursion)
