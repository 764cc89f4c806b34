"""How IDA* walks sliding tiles on boards of one word: the ways of a blank, and the `Descent` (see descent.py) along them.

A place is 5 * blank + action, the action ROOT where a search begins. From a place lead up to four *ways*, in the order up, left,
right, down that published programs try (Korf 1985); the one that undoes the last action is left out. They are kept last first,
since a stack turns them round. A way finds the tile that moves by `shift`, and moves it by a product and an XOR: `swap` has one bit at
either cell. Every move changes h by an odd number, so depth + h by an even one.
Read next: manhattan_descent.py, pattern_descent.py.
"""

from dataclasses import dataclass

import numpy as np

from astarzero.envs.descent import DEPTH_SHIFT, PLACE_MASK, SLACK_SHIFT, Descent, uncounted

VISITED, UNDO = (0, 2, 3, 1), (1, 0, 3, 2)  # actions: up, left, right, down; what undoes each of 0..3
ROOT, MOVES = 4, 5  # a search begins after no action: the fifth
WAYS, TILES = 4, 16
ONE_DEEPER, FARTHER, NO_WAY = 1 << DEPTH_SHIFT, -(1 << SLACK_SHIFT), -(1 << 62)  # changes of a label
TWO, FOUR, NIBBLE, PLACE = np.uint64(2), np.uint64(4), np.uint64(TILES - 1), np.uint64(PLACE_MASK)


@dataclass(frozen=True)
class Ways:
    """The ways of every place of a board; arrays [places, WAYS], 0 where there is no way."""

    place: np.ndarray  # int64, the place that a way leads to; -1: there is no way
    blank: np.ndarray  # int64, the cell that the blank leaves
    cell: np.ndarray  # int64, the cell that it goes to
    shift: np.ndarray  # uint64
    swap: np.ndarray  # uint64
    step: np.ndarray  # int64, what a way adds to a label, h apart; NO_WAY where there is none

    @property
    def there(self) -> np.ndarray:
        return self.place >= 0


def ways_of(neighbours: np.ndarray) -> Ways:
    """The ways on a board whose cells have these neighbours, int64 [cells, 4], -1 beyond the edge."""
    place = np.full((MOVES * len(neighbours), WAYS), -1, np.int64)
    for origin in range(len(place)):
        here, last = divmod(origin, MOVES)
        allowed = [action for action in VISITED if neighbours[here, action] >= 0 and (last == ROOT or action != UNDO[last])]
        place[origin, : len(allowed)] = [MOVES * neighbours[here, action] + action for action in reversed(allowed)]
    there, origins = place >= 0, np.arange(len(place))[:, None]
    blank, cell = np.where(there, origins // MOVES, 0), np.where(there, place // MOVES, 0)
    swap = np.where(there, (1 << 4 * blank.astype(np.uint64)) | (1 << 4 * cell.astype(np.uint64)), 0).astype(np.uint64)
    step = np.where(there, ONE_DEEPER + place - origins, NO_WAY)
    return Ways(place, blank, cell, 4 * cell.astype(np.uint64), swap, step)


def descent_of(
    ways: Ways, rule, tables: tuple[np.ndarray, ...], goal: np.ndarray, notes=lambda row: np.zeros(0, np.uint64), count_below=uncounted
) -> Descent:
    """A descent along `ways` by a rule that reads `tables`; `notes` makes those of a root."""
    cells = len(ways.place) // MOVES

    def root(row: np.ndarray) -> tuple[int, np.ndarray]:
        blank = next(cell for cell in range(cells) if not (int(row[0]) >> 4 * cell) & 15)
        return MOVES * blank + ROOT, notes(row)

    return Descent(
        rule,
        tables,
        counts=ways.there.sum(1),
        actions=np.arange(len(ways.place)) % MOVES,
        root=root,
        waiting=lambda place, after: ways.place[place].tolist().index(after),
        goal=goal,
        rise=2,
        branching=WAYS,
        count_below=count_below,
    )
