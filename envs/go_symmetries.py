"""The turns and reflections of a Go board: eight where it is square, four where it is not, two of a line, one of a single point.

The rules of go_rules.py do not know where on the board a point is, so what they say of an image is the image of what they say, with all
ko rules: of a line of keys (two_players.py), the image is the line of the images. Read next: symmetry.py (what a symmetry is).
"""

import numpy as np

from astarzero.envs.bitboard import ONE, WORD_BITS, ZERO
from astarzero.envs.compile import bind
from astarzero.envs.go_rules import BEFORE, KO, LAST, MOVE_MASK, field, info_of
from astarzero.envs.machine import lowest_bit
from astarzero.envs.symmetry import Symmetries

MOVES = MOVE_MASK << LAST | MOVE_MASK << BEFORE | MOVE_MASK << KO  # what a turn changes in the info word


def turns(height: int, width: int) -> np.ndarray:
    """What each symmetry of the board makes of each action, the pass included, the identity first: int64 [1, 2, 4 or 8, A]."""
    board = np.arange(height * width).reshape(height, width)
    images = [turned[::up, ::left] for turned in ((board, board.T) if height == width else (board,)) for up in (1, -1) for left in (1, -1)]
    different = dict.fromkeys((*image.ravel().tolist(), height * width) for image in images)
    return np.array(list(different), np.int64)


def board_symmetries(height: int, width: int, context: tuple[np.ndarray, ...]) -> Symmetries:
    """The symmetries of a Go domain with this context."""
    actions = turns(height, width)

    def turn(states: np.ndarray, which: np.ndarray) -> np.ndarray:
        rows = np.ascontiguousarray(states, np.uint64)
        images = np.zeros_like(rows)
        bind(turn_rows, {})(rows, which, context, actions, images)
        return images

    return Symmetries(actions, turn, cells=np.ascontiguousarray(actions[:, :-1]))


def turn_rows(states, which, context, turns, images):
    """Kernel: the image of each row [B, W] by turn which[b], written into `images` [B, W], zero on entry; turns int64 [S, A]."""
    for index in range(states.shape[0]):
        turn_row(states[index], turns[which[index]], context, images[index])


def turn_row(state, turn, context, image):
    """One row; turn int64 [A], the image of each action."""
    words, places, actions, keys = context[0].ndim, context[3], context[4], context[5]
    key = ZERO
    for number in range(2 * words):
        colour, left = number // words, state[number]
        while left:
            place = places[turn[actions[WORD_BITS * (number % words) + lowest_bit(left)]]]
            image[colour * words + place // WORD_BITS] |= ONE << np.uint64(place % WORD_BITS)
            key ^= keys[colour, place]
            left &= left - ONE
    info = info_of(state)
    turned = info & ~MOVES
    for shift in (LAST, BEFORE, KO):
        move = field(info, shift)
        if move > 0:
            turned |= np.uint64(turn[move - 1] + 1) << shift
    image[2 * words], image[2 * words + 1] = turned, key
