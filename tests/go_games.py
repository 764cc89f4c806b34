"""What only the tests of Go need: counting games, counting legal positions, games from diagrams, and GNU Go where it is."""

import functools
import os

import numpy as np
import pytest

from astarzero.envs import make
from astarzero.envs.domain import Domain, is_terminal
from astarzero.envs.go_rules import every_stone_has_liberties
from astarzero.envs.gtp_client import find_program
from astarzero.envs.line import Line, step_in_line
from astarzero.envs.two_players import position_key

LONGEST_GAME = 200
NOTHING_SKIPS = "ASTARZERO_NOTHING_SKIPS"  # set in the environment (by .ci/run): a test without its program fails


def gnu_go() -> str:
    """Where the program is. The test that asks is skipped where it is not, and fails where nothing may be skipped."""
    path = find_program("gnugo")
    if path is None and os.environ.get(NOTHING_SKIPS):
        pytest.fail(f"GNU Go, Debian's package gnugo, is not installed, and {NOTHING_SKIPS} is set: install it.", pytrace=False)
    if path is None:
        pytest.skip("needs GNU Go, Debian's package gnugo")
    return path


def count_games_kernel(depth, num_actions, context, rows, keys, actions):
    """Kernel: sequences of `depth` legal moves from rows[0], or shorter ones that end the game; actions int64 [depth + 1]."""
    keys[0], actions[0], level, total = position_key(rows[0], context), 0, 0, 0
    while level >= 0:
        action = actions[level]
        if level == depth or is_terminal(rows[level], context):
            total += 1
            level -= 1
        elif action == num_actions:
            level -= 1
        else:
            actions[level] += 1
            if step_in_line(rows[level], action, context, keys, level + 1, rows[level + 1]) > 0.0:
                level += 1
                keys[level], actions[level] = position_key(rows[level], context), 0
    return total


def count_games(domain: Domain, state: np.ndarray, depth: int = LONGEST_GAME) -> int:
    rows = np.zeros((depth + 1, domain.num_words), np.uint64)
    rows[0] = state
    keys, actions = np.zeros(depth + 1, np.uint64), np.zeros(depth + 1, np.int64)
    return domain.bind(count_games_kernel)(depth, domain.num_actions, domain.context, rows, keys, actions)


def legal_positions_kernel(context, row, digits, keys):
    """Kernel: count the ways to fill a one-word board with empty, black and white points that leave every stone a liberty.

    `digits` counts in base 3, 0 on entry; the key of each position goes into `keys` uint64 [L], as many as fit.
    """
    places, stone_keys, total = context[3], context[5], 0
    while True:
        if every_stone_has_liberties(row, context):
            if total < keys.shape[0]:
                keys[total] = row[3]
            total += 1
        cell = 0
        while cell < digits.shape[0] and digits[cell] == 2:
            row[1] ^= np.uint64(1) << np.uint64(places[cell])
            row[3] ^= stone_keys[1, places[cell]]
            digits[cell] = 0
            cell += 1
        if cell == digits.shape[0]:
            return total
        row[0] ^= np.uint64(1) << np.uint64(places[cell])
        row[3] ^= stone_keys[0, places[cell]]
        if digits[cell] == 1:
            row[1] ^= np.uint64(1) << np.uint64(places[cell])
            row[3] ^= stone_keys[1, places[cell]]
        digits[cell] += 1


def legal_positions(domain: Domain, most_keys: int = 0) -> tuple[int, np.ndarray]:
    """(how many, the keys of the first `most_keys`)."""
    row, keys = np.zeros(domain.num_words, np.uint64), np.zeros(most_keys, np.uint64)
    count = domain.bind(legal_positions_kernel)(domain.context, row, np.zeros(domain.num_actions - 1, np.int64), keys)
    return count, keys[:count]


@functools.cache
def go(size: str | int = 9, **options) -> Domain:
    return make("go", size=size, **options)


def after(domain: Domain, moves: str, start: str | None = None) -> Line:
    """A game from a position (default: the empty board) by moves such as "A1 B2 pass"."""
    line = Line(domain, domain.parse(start) if start else domain.instance_sets["start"]()[0])
    for move in moves.split():
        line.play(domain.action_names.index(move))
    return line


def legal_names(line: Line) -> set[str]:
    return {line.domain.action_names[action] for action in np.flatnonzero(line.action_mask())}
