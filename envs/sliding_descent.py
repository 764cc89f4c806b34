"""How IDA* walks sliding tiles: a `Descent` (see domain.py) for boards of one word and heuristics that a move changes by 1, up or down.

A place is 5 * blank + action, the action ROOT where a search begins. From a place lead up to four *ways*, in the order up, left,
right, down that published programs try (Korf 1985); the one that undoes the last action is left out. They are kept last first,
since a stack turns them round. A way finds the tile that moves by `shift`, and moves it by a product and an XOR: `swap` has one bit at
either cell. Then depth + h stays or rises by 2. A way that is not there changes the label so much that its node falls off at once.
"""

import numpy as np

from astarzero.envs.domain import DEPTH_SHIFT, PLACE_MASK, SLACK_SHIFT, Descent

VISITED, UNDO = (0, 2, 3, 1), (1, 0, 3, 2)  # actions: up, left, right, down; what undoes each of 0..3
ROOT, MOVES = 4, 5  # a search begins after no action: the fifth
WAYS, TILES = 4, 16
ONE_DEEPER, FARTHER, NO_WAY = 1 << DEPTH_SHIFT, -(1 << SLACK_SHIFT), -(1 << 62)  # changes of a label
TWO, FOUR, NIBBLE, PLACE = np.uint64(2), np.uint64(4), np.uint64(TILES - 1), np.uint64(PLACE_MASK)
FOURTH = np.uint64(3)


def descend_by_manhattan(board, label, note, boards, labels, notes, top, tables):
    """`descend` with tables = (shifts, swaps uint64 [places * WAYS], changes int64 [places * WAYS * TILES], of a label by the tile)."""
    swaps = tables[1]
    first = (np.uint64(label) & PLACE) << TWO
    for number in range(3):
        top = move_by_manhattan(board, label, boards, labels, top, first + np.uint64(number), tables)
    if swaps[first + FOURTH]:  # only at a root
        top = move_by_manhattan(board, label, boards, labels, top, first + FOURTH, tables)
    return top


def move_by_manhattan(board, label, boards, labels, top, way, tables):
    shifts, swaps, changes = tables
    tile = (board >> shifts[way]) & NIBBLE
    reached = label + changes[(way << FOUR) + tile]
    boards[top], labels[top] = board ^ (tile * swaps[way]), reached
    return top + np.uint64(reached >= 0)


def places_reached(neighbours: np.ndarray) -> np.ndarray:
    """The place that each way leads to, -1 where there is none: int64 [places, WAYS], the way that is visited first last."""
    reached = np.full((MOVES * len(neighbours), WAYS), -1, np.int64)
    for place in range(len(reached)):
        blank, last = divmod(place, MOVES)
        allowed = [action for action in VISITED if neighbours[blank, action] >= 0 and (last == ROOT or action != UNDO[last])]
        reached[place, : len(allowed)] = [MOVES * neighbours[blank, action] + action for action in reversed(allowed)]
    return reached


def manhattan_descent(context: tuple[np.ndarray, ...]) -> Descent:
    """The descent by Manhattan distance; `context` is the domain's, of a board of up to 16 cells."""
    neighbours, distances, goal = context[:3]
    reached = places_reached(neighbours)
    blanks, cells = np.arange(len(reached))[:, None] // MOVES, reached // MOVES
    there = reached >= 0
    swaps = np.where(there, (1 << 4 * blanks) | (1 << 4 * np.maximum(cells, 0)), 0)
    farther = distances[:, blanks] > distances[:, cells]  # [tiles, places, WAYS]
    changes = np.full((*reached.shape, TILES), NO_WAY, np.int64)
    steps = np.moveaxis(ONE_DEEPER + FARTHER * farther, 0, -1) + (reached - np.arange(len(reached))[:, None])[..., None]
    changes[..., : len(distances)] = np.where(there[..., None], steps, NO_WAY)
    return Descent(
        descend_by_manhattan,
        (4 * np.maximum(cells, 0).astype(np.uint64).ravel(), swaps.astype(np.uint64).ravel(), changes.ravel()),
        counts=there.sum(1),
        actions=np.arange(len(reached)) % MOVES,
        root=lambda row: (MOVES * blank_cell(row, len(neighbours)) + ROOT, 0),
        waiting=lambda place, after: reached[place].tolist().index(after),
        goal=goal,
        rise=2,
        branching=WAYS,
    )


def blank_cell(row: np.ndarray, cells: int) -> int:
    """The blank's cell of a one-word row [1]."""
    return next(cell for cell in range(cells) if not (int(row[0]) >> 4 * cell) & 15)
