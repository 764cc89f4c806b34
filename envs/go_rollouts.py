"""Random games of Go in a batch, scored: the cheapest evaluation of a position, and the yardstick of how fast rules are.

Policies: "uniform" takes any legal move, the pass among them, with equal chance, as OpenSpiel's random rollouts do; "no-eyes"
takes any legal play that does not fill an eye of one's own, and passes only when none is left. Both play by simple ko, so a
game could go on for ever (with suicide, "no-eyes" does) and is cut off after `cap` moves, by default OpenSpiel's 2 x points. An
*eye* is an empty point with stones of one's own on all sides and the opponent on at most one of its diagonals, on none at the edge.

A move is drawn without a list of the legal ones: draw an empty point (or the pass), and when it proves illegal draw again
among the others; what is accepted is uniform over what is legal.
"""

from dataclasses import dataclass

import numpy as np

from astarzero.envs.bitboard import (
    ONE,
    common,
    count,
    load,
    neighbours,
    nth,
    once_and_twice,
    place_of,
    some,
    union,
    without,
)
from astarzero.envs.compile import bind
from astarzero.envs.domain import Domain
from astarzero.envs.go_rules import (
    LAST,
    PASS,
    STRIDE,
    SUICIDE,
    area_lead,
    captured_by,
    field,
    info_of,
    is_terminal,
    ko_after,
    ko_of,
    komi_of,
    lost_by,
    stones_of,
)  # fmt: skip
from astarzero.envs.state_table import FIRST_MIX, SECOND_MIX, SHIFT_30

POLICIES = ("uniform", "no-eyes")
SHIFT_12, SHIFT_25, SHIFT_27, SHIFT_31, SHIFT_32 = (np.uint64(bits) for bits in (12, 25, 27, 31, 32))
XORSHIFT_STAR = np.uint64(0x2545F4914F6CDD1D)  # Vigna 2016, xorshift64*
THIRD_MIX = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Rollouts:
    """Results of G games from each of B rows, all [B, G]."""

    margin: np.ndarray  # float32, points by which the player to move in the row won, komi included
    moves: np.ndarray  # int32, moves played
    finished: np.ndarray  # bool; False where the game was cut off, and scored as it stood

    @property
    def outcome(self) -> np.ndarray:
        """1, 0 or -1: won, drawn or lost for the player to move in the row: float32 [B, G]."""
        return np.sign(self.margin)


def rollouts(
    domain: Domain, states: np.ndarray, games: int = 1, *, policy: str = "uniform", seed: int = 0, cap: int | None = None
) -> Rollouts:
    """Play `games` random games from each row [B, W] of a Go domain; game g of row b follows from (seed, b, g) alone."""
    if policy not in POLICIES:
        raise ValueError(f"Policy '{policy}' is not known: give {' or '.join(POLICIES)}.")
    limit = 2 * (domain.num_actions - 1) if cap is None else cap
    if games < 1 or limit < 1:
        raise ValueError(f"{games} games of at most {limit} moves were asked for; both must be at least 1.")
    rows = domain.check_states(states)
    shape = len(rows), games
    record = np.empty(limit, np.int16)
    results = Rollouts(np.empty(shape, np.float32), np.empty(shape, np.int32), np.empty(shape, np.bool_))
    bind(play_out_batch, {})(
        rows, domain.context, np.uint64(seed % (1 << 64)), policy == "no-eyes", record, results.margin, results.moves, results.finished
    )
    return results


def play_out_batch(states, context, seed, spare_eyes, record, margins, moves, finished):
    """Kernel: rows [B, W] -> results [B, G]. `record` int16 [cap] holds the actions of the last game."""
    for index in range(margins.shape[0]):
        for game in range(margins.shape[1]):
            random = first_random(seed, np.uint64(index), np.uint64(game))
            margin, length, over = play_out(states[index], context, random, record.shape[0], spare_eyes, record)
            margins[index, game], moves[index, game], finished[index, game] = margin, length, over


def first_random(seed, index, game):
    """A generator's state for one game, from three numbers (splitmix64's mixing); never 0."""
    mixed = ((seed * FIRST_MIX) ^ index) * FIRST_MIX ^ game
    mixed = (mixed ^ (mixed >> SHIFT_30)) * SECOND_MIX
    mixed = (mixed ^ (mixed >> SHIFT_27)) * THIRD_MIX
    return (mixed ^ (mixed >> SHIFT_31)) | ONE


def next_random(random):
    """The next state of a xorshift generator."""
    random ^= random >> SHIFT_12
    random ^= random << SHIFT_25
    return random ^ (random >> SHIFT_27)


def draw_below(random, limit):
    """A number in [0, limit) from the generator's state: the upper half of its product, scaled."""
    return np.int64((((random * XORSHIFT_STAR) >> SHIFT_32) * np.uint64(limit)) >> SHIFT_32)


def play_out(state, context, random, cap, spare_eyes, record):
    """One game from a row: (margin for the player to move in the row, moves, did two passes end it?); its actions go into `record`."""
    like, actions, info = context[0], context[4], info_of(state)
    stride, pass_action, suicide = context[2][STRIDE], context[2][PASS], context[2][SUICIDE] != 0
    own, enemy = stones_of(state, context)
    board, ko = load(context[1], 0, like), ko_of(state, context)
    passed, over = field(info, LAST) == pass_action + 1, is_terminal(state, context)
    length = 0
    while length < cap and not over:
        empty = without(board, union(own, enemy))
        choices = without(empty, ko)
        if spare_eyes:
            choices = without(choices, eyes_of(own, enemy, empty, context))
        random, point, captured, lost = draw_move(own, enemy, empty, choices, not spare_eyes, suicide, stride, random)
        if not some(point):
            record[length] = pass_action
            own, enemy, ko = enemy, own, without(board, board)
            over, passed = passed, True
        else:
            record[length] = actions[place_of(point)]
            ko = ko_after(point, captured, own, without(empty, point), stride)
            own, enemy = without(enemy, captured), without(union(own, point), lost)
            passed = False
        length += 1
    lead = area_lead(own, enemy, context) + 0.5 * komi_of(info) * (1 if whites_turn(info, length) else -1)
    return (lead if length % 2 == 0 else -lead), length, over


def draw_move(own, enemy, empty, choices, may_pass, suicide, stride, random):
    """(generator's state, the point played, stones it takes, own stones it loses), uniform over the legal `choices`.

    The empty set is the pass: a choice like the others when it may be, and what is left when none is legal.
    """
    nothing, left = without(empty, empty), count(choices)
    while True:
        number = draw_below(random, left + (may_pass | (left == 0)))
        random = next_random(random)
        if number == left:
            return random, nothing, nothing, nothing
        point = nth(choices, number)
        free = without(empty, point)
        captured = captured_by(point, enemy, free, stride)
        lost = nothing if some(captured) else lost_by(point, own, free, stride)
        if not some(lost) or suicide:
            return random, point, captured, lost
        choices = without(choices, point)
        left -= 1


def whites_turn(info, length):
    """Is White to move `length` moves after a row?"""
    return (np.int64(info & ONE) + length) % 2 == 1


def eyes_of(own, enemy, empty, context):
    """Empty points that are eyes of the player with stones `own`."""
    stride, like = context[2][STRIDE], context[0]
    board, edge = load(context[1], 0, like), load(context[1], like.ndim, like)
    walled = without(empty, neighbours(without(board, own), stride))
    one, two = once_and_twice(enemy, stride - 1, stride + 1)
    return without(walled, union(two, common(one, edge)))
