"""Sliding-tile puzzles, h x w boards of up to 36 cells: the world, its text and its parity. Its rules are in sliding_rules.py.

Every move costs 1; an action moves the *blank*: 0 up, 1 down, 2 left, 3 right.

Exact facts (tests hold them): 8-puzzle 181,440 solvable states, diameter 31, mean h* 21.9724, mean Manhattan 14.0;
15-puzzle: Korf's 100 instances (Korf 1985) have optimal lengths summing to 5,305; the longest solution is 80.
"""

import functools
import re

import numpy as np

from astarzero.envs.domain import Domain, Heuristic
from astarzero.envs.manhattan_descent import manhattan_descent
from astarzero.envs.pattern_descent import pattern_descent
from astarzero.envs.pattern_rules import additive
from astarzero.envs.pattern_tables import partitions, pattern_context
from astarzero.envs.sliding_drawing import render_picture, render_text
from astarzero.envs.sliding_rules import (
    BITS,
    BLANK_SHIFT,
    CELLS_A_WORD,
    IN_ONE_WORD,
    LONGEST_LINE,
    encode,
    expand,
    expand_onward,
    is_goal,
    linear_conflict,
    linear_conflict_context,
    linear_conflict_of_child,
    manhattan,
    manhattan_of_child,
    nth_onward,
    step,
)  # fmt: skip
from astarzero.envs.symmetry import Symmetries, identity

MAX_CELLS = 36
DIRECTIONS = ((-1, 0, "up"), (1, 0, "down"), (0, -1, "left"), (0, 1, "right"))
INVERSE = (1, 0, 3, 2)  # the action that undoes each

# --- the domain --------------------------------------------------------------------------------------------------------


def parse_size(size: str | int) -> tuple[int, int]:
    """'3' or 3 -> (3, 3); '3x4' -> (3, 4): rows x columns. ValueError in one sentence."""
    parts = str(size).lower().split("x")
    try:
        height, width = (int(part) for part in (parts * 2 if len(parts) == 1 else parts))
    except ValueError:
        raise ValueError(f"Size '{size}' is not a size: give one number (3) or rows x columns (3x4).") from None
    if height < 2 or width < 2 or height * width > MAX_CELLS:
        raise ValueError(
            f"Size {height}x{width} is out of range: both sides must be at least 2 and the board at most {MAX_CELLS} cells (6x6)."
        )
    return height, width


def place_of(cell: int, cells: int) -> tuple[int, int]:
    """(word, shift) of a cell on a board of so many cells."""
    return (0, 4 * cell) if cells <= IN_ONE_WORD else (cell // CELLS_A_WORD, BITS * (cell % CELLS_A_WORD))


def pack(tiles: list[int] | np.ndarray) -> np.ndarray:
    """Tiles by cell, row by row, 0 the blank -> row uint64 [W]."""
    cells = len(tiles)
    words = [0] * (1 if cells <= IN_ONE_WORD else cells // CELLS_A_WORD + 1)
    for cell, tile in enumerate(tiles):
        word, shift = place_of(cell, cells)
        words[word] |= int(tile) << shift
    if cells > IN_ONE_WORD:
        words[-1] |= list(tiles).index(0) << BLANK_SHIFT
    return np.array(words, np.uint64)


def unpack(state: np.ndarray, cells: int) -> list[int]:
    """The tiles by cell of a row: the inverse of `pack`."""
    mask = 15 if cells <= IN_ONE_WORD else (1 << BITS) - 1
    return [(int(state[word]) >> shift) & mask for word, shift in (place_of(cell, cells) for cell in range(cells))]


def reflect_boards(rows: np.ndarray, goal_tiles: list[int], width: int) -> np.ndarray:
    """Square boards [N, W] reflected about the main diagonal, each tile renamed to the one whose goal it then stands for."""
    cells = len(goal_tiles)
    places = [place_of(cell, cells) for cell in range(cells)]
    turned = np.arange(cells).reshape(width, width).T.ravel()
    renamed = np.zeros(cells, np.uint64)
    renamed[goal_tiles] = np.array(goal_tiles)[turned]
    mask, reflected = np.uint64(15 if cells <= IN_ONE_WORD else (1 << BITS) - 1), np.zeros_like(rows)
    for cell, (word, shift) in enumerate(places):
        tiles = renamed[(rows[:, word] >> np.uint64(shift)) & mask]
        word, shift = places[turned[cell]]
        reflected[:, word] |= tiles << np.uint64(shift)
    if cells > IN_ONE_WORD:
        reflected[:, -1] |= turned[rows[:, -1] >> np.uint64(BLANK_SHIFT)].astype(np.uint64) << np.uint64(BLANK_SHIFT)
    return reflected


def moves_of(neighbours: np.ndarray) -> np.ndarray:
    """The table of moves in `sliding_rules.table_of_moves` for the neighbours [cells, 4] of each cell."""
    moves = np.zeros((1 + len(INVERSE), max(len(neighbours), IN_ONE_WORD), 1 + len(INVERSE)), np.int16)
    for back in range(-1, len(INVERSE)):
        for blank, cells in enumerate(neighbours.tolist()):
            legal = [4 * cell + action for action, cell in enumerate(cells) if cell >= 0 and action != back]
            moves[back + 1, blank, : len(legal)], moves[back + 1, blank, -1] = legal, len(legal)
    return moves.ravel()


def farther_by(neighbours: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """The table `farther` of the rules."""
    farther = np.zeros((len(distances), max(len(neighbours), IN_ONE_WORD), len(INVERSE)), np.int8)
    for blank, cells in enumerate(neighbours.tolist()):
        for action, cell in enumerate(cells):
            if cell >= 0:
                farther[:, blank, action] = distances[:, blank] - distances[:, cell]
    return farther.ravel()


@functools.cache
def make(size: str | int = 3, goal: str = "blank-first") -> Domain:
    """The sliding puzzle of `size` (3, 4, 3x4, ...) whose goal is the tiles in order with the blank first or last."""
    height, width = parse_size(size)
    cells = height * width
    if goal not in ("blank-first", "blank-last"):
        raise ValueError(f"Goal '{goal}' is not known: give blank-first (0 1 2 ...) or blank-last (1 2 ... 0).")
    goal_tiles = list(range(cells)) if goal == "blank-first" else [*range(1, cells), 0]
    neighbours = np.full((cells, 4), -1, np.int64)
    distances = np.zeros((max(cells, IN_ONE_WORD), cells), np.int64)
    for cell in range(cells):
        row, column = divmod(cell, width)
        for action, (down, right, _) in enumerate(DIRECTIONS):
            if 0 <= row + down < height and 0 <= column + right < width:
                neighbours[cell, action] = cell + down * width + right
        for tile in range(1, cells):
            home_row, home_column = divmod(goal_tiles.index(tile), width)
            distances[tile, cell] = abs(row - home_row) + abs(column - home_column)
    goal_row = pack(goal_tiles)
    places = np.array([place_of(cell, cells) for cell in range(cells)])
    mask = np.array([15 if len(goal_row) == 1 else (1 << BITS) - 1], np.uint64)
    context = (neighbours, distances, goal_row, places, mask, moves_of(neighbours), farther_by(neighbours, distances))

    descent = functools.cache(lambda: manhattan_descent(context))
    heuristics = {"manhattan": Heuristic(manhattan, admissible=True, child_rule=manhattan_of_child, whole=True, descent=descent)}
    if max(height, width) <= LONGEST_LINE:
        tables = functools.cache(lambda: linear_conflict_context(context, height, goal_tiles))
        heuristics["linear-conflict"] = Heuristic(
            linear_conflict, admissible=True, child_rule=linear_conflict_of_child, whole=True, tables=tables
        )
    for number, name in enumerate(partitions(height, width)):
        tables = functools.cache(functools.partial(pattern_context, context, height, goal_tiles, name))
        descent = functools.cache(lambda tables=tables: pattern_descent(tables()))
        heuristics[f"pdb-{name}" if number else "pdb"] = Heuristic(additive, admissible=True, whole=True, tables=tables, descent=descent)

    def reflect(rows: np.ndarray, which: np.ndarray) -> np.ndarray:
        return np.where(which[:, None] == 1, reflect_boards(rows, goal_tiles, width), rows)

    def parse(text: str) -> np.ndarray:
        return parse_tiles(text, goal_tiles, width)

    def show(state: np.ndarray) -> str:
        return " ".join(str(tile) for tile in unpack(state, cells))

    def random_state(rng: np.random.Generator) -> np.ndarray:
        tiles = rng.permutation(cells).tolist()
        if not is_solvable(tiles, goal_tiles, width):
            swap_two_tiles(tiles)
        return pack(tiles)

    def every_state() -> np.ndarray:
        from astarzero.envs.oracles import reachable

        return reachable(domain, goal_row).states

    domain = Domain(
        world="sliding",
        name=f"sliding-{height}x{width}-{goal}",
        num_words=len(goal_row),
        num_actions=4,
        step=step,
        is_goal=is_goal,
        context=context,
        parse=parse,
        format=show,
        random_state=random_state,
        expand=expand,
        expand_onward=expand_onward,
        nth_onward=nth_onward,
        encode=encode,
        num_features=cells * cells,
        heuristics=heuristics,
        symmetries=Symmetries(np.array([[0, 1, 2, 3], [2, 3, 0, 1]]), reflect) if height == width else identity(4),
        whole_costs=True,
        inverse_actions=INVERSE,
        instance_sets={"all": every_state} if cells <= 10 else {},
        action_names=tuple(name for _, _, name in DIRECTIONS),
        render=lambda state: render_text(unpack(state, cells), width),
        render_rgb=lambda state: render_picture(unpack(state, cells), width),
    )
    return domain


def scramble(domain: Domain, rng: np.random.Generator, moves: int) -> np.ndarray:
    """The goal after `moves` uniformly random legal moves: row [W]. Not uniform over states; calibrating on depth certifies nothing."""
    state = domain.context[2].copy()
    for _ in range(moves):
        rows, _, _ = domain.successors(state)
        state = rows[rng.integers(len(rows))].copy()
    return state


# --- parity, parsing, drawing --------------------------------------------------------------------------------------------


def parity(tiles: list[int], width: int) -> int:
    """0 or 1; a move changes the permutation's parity and the blank's city-block parity together, so their sum is invariant."""
    transpositions, seen = 0, [False] * len(tiles)
    for start in range(len(tiles)):
        length, cell = 0, start
        while not seen[cell]:
            seen[cell] = True
            cell, length = tiles[cell], length + 1
        transpositions += max(0, length - 1)
    blank = tiles.index(0)
    return (transpositions + blank // width + blank % width) % 2


def is_solvable(tiles: list[int], goal_tiles: list[int], width: int) -> bool:
    return parity(tiles, width) == parity(goal_tiles, width)


def swap_two_tiles(tiles: list[int]) -> tuple[int, int]:
    """Swap the first two tiles that are not blank, in place, which mends an unsolvable parity; returns the two tiles."""
    first, second = [cell for cell, tile in enumerate(tiles) if tile][:2]
    tiles[first], tiles[second] = tiles[second], tiles[first]
    return tiles[second], tiles[first]


def parse_tiles(text: str, goal_tiles: list[int], width: int) -> np.ndarray:
    """'1 2 3 4 5 6 7 8 0' (spaces or commas) -> row [W]. Every way to be wrong is one ValueError sentence."""
    words, cells = text.replace(",", " ").split(), len(goal_tiles)
    board, rule = f"{cells // width}x{width} board", f"give each of 0..{cells - 1} once, 0 for the blank"
    for word in words:
        if not re.fullmatch(r"-?[0-9]{1,9}", word):
            raise ValueError(f"'{word[:20]}' is not a tile: {rule}.")
    tiles = [int(word) for word in words]
    if len(tiles) != cells:
        raise ValueError(f"{len(tiles)} tiles were given, but a {board} has {cells} cells; {rule}.")
    for tile in tiles:
        if not 0 <= tile < cells:
            raise ValueError(f"Tile {tile} is out of range on a {board}; {rule}.")
        if tiles.count(tile) > 1:
            missing = min(set(range(cells)) - set(tiles))
            raise ValueError(f"Tile {tile} stands more than once and tile {missing} is missing; {rule}.")
    if not is_solvable(tiles, goal_tiles, width):
        mended = tiles.copy()
        first, second = swap_two_tiles(mended)
        raise ValueError(f"No moves lead from {' '.join(words)} to the goal (odd parity); swapping tiles {first} and {second} mends it.")
    return pack(tiles)
