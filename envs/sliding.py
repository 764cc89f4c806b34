"""Sliding-tile puzzles: h x w boards of up to 16 cells in one uint64, four bits a cell, row by row from the least significant.

The blank is 0, so a move is two XORs. An action moves the *blank*: 0 up, 1 down, 2 left, 3 right. Every move costs 1.

Exact facts (tests hold them): 8-puzzle 181,440 solvable states, diameter 31, mean h* 21.9724, mean Manhattan 14.0;
15-puzzle: Korf's 100 instances (Korf 1985) have optimal lengths summing to 5,305; the longest solution is 80.
"""

import functools
import re

import numpy as np

from astarzero.envs.domain import Domain, Heuristic

MAX_CELLS = 16
BITS = np.uint64(4)
NIBBLE = np.uint64(15)
LANES = np.uint64(0x1111111111111111)
ONE, TWO, THREE, SIXTY = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(60)
DIRECTIONS = ((-1, 0, "up"), (1, 0, "down"), (0, -1, "left"), (0, 1, "right"))

# --- rules; context = (neighbours int64 [cells, 4], -1 off the board; distances int64 [tiles, cells]; board uint64 [2]: goal, cells)


def find_blank(board, cells):
    """The cell that holds 0. A nibble is 0 where none of its four bits is set; `cells` masks nibbles beyond the board."""
    occupied = board | (board >> TWO)
    occupied |= occupied >> ONE
    lane = ~occupied & LANES & cells
    return np.int64((((lane - ONE) & LANES) * LANES) >> SIXTY)  # counts the lanes below


def slide(board, blank, cell):
    """Move the tile at `cell` into the blank."""
    tile = (board >> (np.uint64(cell) * BITS)) & NIBBLE
    return board ^ (tile << (np.uint64(cell) * BITS)) ^ (tile << (np.uint64(blank) * BITS))


def step(state, action, context, successor):
    neighbours, _, board = context
    blank = find_blank(state[0], board[1])
    cell = neighbours[blank, action]
    if cell < 0:
        return 0.0
    successor[0] = slide(state[0], blank, cell)
    return 1.0


def expand(state, context, successors, actions, costs):
    neighbours, _, board = context
    blank = find_blank(state[0], board[1])
    count = 0
    for action in range(4):
        cell = neighbours[blank, action]
        if cell >= 0:
            successors[count, 0] = slide(state[0], blank, cell)
            actions[count] = action
            costs[count] = 1.0
            count += 1
    return count


def is_goal(state, context):
    return state[0] == context[2][0]


def manhattan(state, context):
    """Sum over tiles of the city-block distance to the tile's goal cell: admissible and consistent."""
    neighbours, distances, _ = context
    total = 0
    for cell in range(neighbours.shape[0]):
        total += distances[np.int64((state[0] >> (np.uint64(cell) * BITS)) & NIBBLE), cell]
    return total


def manhattan_of_child(parent, parent_h, action, child, context):
    """Only the tile that moved changes its distance."""
    neighbours, distances, board = context
    blank = find_blank(parent[0], board[1])
    cell = neighbours[blank, action]
    tile = np.int64((parent[0] >> (np.uint64(cell) * BITS)) & NIBBLE)
    return parent_h + distances[tile, blank] - distances[tile, cell]


def encode(state, context, features):
    """One-hot: feature `cell * cells + tile`."""
    cells = context[0].shape[0]
    for cell in range(cells):
        features[cell * cells + np.int64((state[0] >> (np.uint64(cell) * BITS)) & NIBBLE)] = 1.0


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
            f"Size {height}x{width} is out of range: both sides must be at least 2 and the board at most {MAX_CELLS} cells (4x4)."
        )
    return height, width


def pack(tiles: list[int] | np.ndarray) -> np.ndarray:
    """Tiles by cell, row by row, 0 the blank -> row uint64 [1]."""
    return np.array([sum(int(tile) << (4 * cell) for cell, tile in enumerate(tiles))], np.uint64)


def unpack(state: np.ndarray, cells: int) -> list[int]:
    """The tiles by cell of a row: the inverse of `pack`."""
    return [(int(state[0]) >> (4 * cell)) & 15 for cell in range(cells)]


@functools.cache
def make(size: str | int = 3, goal: str = "blank-first") -> Domain:
    """The sliding puzzle of `size` (3, 4, 3x4, ...) whose goal is the tiles in order with the blank first or last."""
    height, width = parse_size(size)
    cells = height * width
    if goal not in ("blank-first", "blank-last"):
        raise ValueError(f"Goal '{goal}' is not known: give blank-first (0 1 2 ...) or blank-last (1 2 ... 0).")
    goal_tiles = list(range(cells)) if goal == "blank-first" else [*range(1, cells), 0]
    neighbours = np.full((cells, 4), -1, np.int64)
    distances = np.zeros((MAX_CELLS, cells), np.int64)
    for cell in range(cells):
        row, column = divmod(cell, width)
        for action, (down, right, _) in enumerate(DIRECTIONS):
            if 0 <= row + down < height and 0 <= column + right < width:
                neighbours[cell, action] = cell + down * width + right
        for tile in range(1, cells):
            goal_row, goal_column = divmod(goal_tiles.index(tile), width)
            distances[tile, cell] = abs(row - goal_row) + abs(column - goal_column)
    board = np.array([pack(goal_tiles)[0], (1 << (4 * cells)) - 1], np.uint64)

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

        return reachable(domain, pack(goal_tiles)).states

    domain = Domain(
        world="sliding",
        name=f"sliding-{height}x{width}-{goal}",
        num_words=1,
        num_actions=4,
        step=step,
        is_goal=is_goal,
        context=(neighbours, distances, board),
        parse=parse,
        format=show,
        random_state=random_state,
        expand=expand,
        encode=encode,
        num_features=cells * cells,
        heuristics={"manhattan": Heuristic(manhattan, admissible=True, child_rule=manhattan_of_child, whole=True)},
        whole_costs=True,
        inverse_actions=(1, 0, 3, 2),
        instance_sets={"all": every_state} if cells <= 10 else {},
        action_names=tuple(name for _, _, name in DIRECTIONS),
        render=lambda state: render_text(unpack(state, cells), width),
        render_rgb=lambda state: render_picture(unpack(state, cells), width),
    )
    return domain


def scramble(domain: Domain, rng: np.random.Generator, moves: int) -> np.ndarray:
    """The goal after `moves` uniformly random legal moves: row [1]. Not uniform over states; calibrating on depth certifies nothing."""
    state = domain.context[2][:1].copy()
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
    """'1 2 3 4 5 6 7 8 0' (spaces or commas) -> row [1]. Every way to be wrong is one ValueError sentence."""
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


def render_text(tiles: list[int], width: int) -> str:
    """The board in rows, the blank a dot."""
    rows = [tiles[start : start + width] for start in range(0, len(tiles), width)]
    return "\n".join(" ".join(f"{tile or '.':>2}" for tile in row) for row in rows)


SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")  # of a seven-segment digit


def draw_digit(canvas: np.ndarray, digit: int, top: int, left: int, size: int, ink: tuple[int, int, int]) -> None:
    """A seven-segment digit 2*size high and size wide, for pictures without a font."""
    thick = max(2, size // 5)
    bars = {
        "a": (0, 0, thick, size), "g": (size - thick // 2, 0, thick, size), "d": (2 * size - thick, 0, thick, size),
        "f": (0, 0, size, thick), "b": (0, size - thick, size, thick), "e": (size, 0, size, thick), "c": (size, size - thick, size, thick),
    }  # fmt: skip
    for name in SEGMENTS[digit]:
        down, right, height, width = bars[name]
        canvas[top + down : top + down + height, left + right : left + right + width] = ink


def render_picture(tiles: list[int], width: int, pixels: int = 64) -> np.ndarray:
    """The board as uint8 [height * pixels, width * pixels, 3]: tiles in warm grey, digits in ink, the blank dark."""
    canvas = np.full((len(tiles) // width * pixels, width * pixels, 3), (44, 44, 52), np.uint8)
    size = pixels // 4
    for cell, tile in enumerate(tiles):
        top, left = cell // width * pixels, cell % width * pixels
        if tile:
            canvas[top + 2 : top + pixels - 2, left + 2 : left + pixels - 2] = (236, 226, 206)
            digits = str(tile)
            start = left + (pixels - len(digits) * size - (len(digits) - 1) * size // 2) // 2
            for place, digit in enumerate(digits):
                draw_digit(canvas, int(digit), top + pixels // 4, start + place * (size + size // 2), size, (60, 52, 40))
    return canvas
