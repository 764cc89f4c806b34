"""Hooks for worlds with two players, and for worlds with a past that matters; domain.py makes them fields of `Domain`.

**Two players** (discount = -1: the turn passes with each step). `step` returns 1.0 for a legal move; nothing is earned before
the end, which `is_terminal` tells, and then `outcome` and `margin` say what the end is worth for the player to move.
`is_goal` is never true.

**A past that matters** (keeps_history: in Go, superko). A row holds everything but what happened long ago. Beside a row goes
the *line*: the `position_key` of every state from the start of the game to this one, uint64 [L], oldest first, this row's
own last. `repeats` says whether a move that is legal by `step` is forbidden by the line. A search keeps the keys of its path
in an array, takes steps by `step_in_line` or `expand_in_line` (line.py), and appends `position_key(successor)`. Who binds `step` and
`expand` plays by all other rules. Worlds without history have defaults that cost nothing.
"""

from astarzero.envs.compile import hook
from astarzero.envs.state_table import hash_row


@hook
def outcome(state, context):
    """1.0, 0.0 or -1.0 when this terminal row is won, drawn or lost for the player to move."""
    raise NotImplementedError


@hook
def margin(state, context):
    """By how many points the player to move leads were this row terminal; the sign is `outcome`'s."""
    raise NotImplementedError


@hook
def position_key(state, context):
    """What `repeats` compares, a uint64: equal for equal positions, different (but for one pair in 2^64) for others."""
    raise NotImplementedError


@hook
def repeats(state, action, successor, keys, length, context):
    """Is the move to `successor`, which `step` wrote, forbidden by the line keys[:length], whose last key is that of `state`?"""
    raise NotImplementedError


@hook
def forget(row, context):
    """Strip a row, in place, of what decides neither moves nor outcomes once the line is given: rows that are then equal are one position.

    Without history one may go on from a stripped row; with it rows are stripped to be compared, and steps are taken from whole ones.
    """
    raise NotImplementedError


def no_outcome(state, context):
    """`outcome` and `margin` of worlds for one player: nothing beyond the costs."""
    return 0.0


def hash_of_row(state, context):
    """`position_key` of worlds that say no other."""
    return hash_row(state)


def forget_nothing(row, context):
    """`forget` of worlds whose rows say nothing idle."""


def never_repeats(state, action, successor, keys, length, context):
    """`repeats` of worlds without a past that matters."""
    return False
