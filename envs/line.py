"""Steps by all the rules of a world with a past that matters: two_players.py says what the line of keys is.

`step_in_line` and `expand_in_line` are for kernels of searches; `Line` is a game in Python.
"""

import numpy as np

from astarzero.envs.domain import Domain, expand, is_terminal, step
from astarzero.envs.state_table import copy_row
from astarzero.envs.two_players import margin, outcome, position_key, repeats


def step_in_line(state, action, context, keys, length, successor):
    """`step`, but 0.0 too for a move that the line keys[:length] forbids."""
    cost = step(state, action, context, successor)
    return 0.0 if cost > 0.0 and repeats(state, action, successor, keys, length, context) else cost


def expand_in_line(state, context, keys, length, successors, actions, costs):
    """`expand` without the moves that the line keys[:length] forbids."""
    kept = 0
    for child in range(expand(state, context, successors, actions, costs)):
        if not repeats(state, actions[child], successors[child], keys, length, context):
            if kept < child:
                copy_row(successors[kept], successors[child])
                actions[kept], costs[kept] = actions[child], costs[child]
            kept += 1
    return kept


def mark_in_line(state, context, keys, length, mask, successors, actions, costs):
    """Kernel: the actions that `expand_in_line` writes, bool [A]."""
    mask[:] = False
    for child in range(expand_in_line(state, context, keys, length, successors, actions, costs)):
        mask[actions[child]] = True


def write_key(state, context, keys, place):
    """Kernel: put the key of a row into a line."""
    keys[place] = position_key(state, context)


def write_keys(states, context, keys):
    """Kernel: the keys of rows [B, W], uint64 [B]."""
    for index in range(states.shape[0]):
        keys[index] = position_key(states[index], context)


def advance_in_line(state, action, context, keys, length, successor):
    """Kernel: a step that also appends the successor's key to the line; returns 0.0 when it is illegal."""
    cost = step_in_line(state, action, context, keys, length, successor)
    if cost > 0.0:
        keys[length] = position_key(successor, context)
    return cost


def judge(state, context):
    """Kernel: (is the game over?, outcome and margin for the player to move)."""
    return is_terminal(state, context), outcome(state, context), margin(state, context)


class Line:
    """A game in Python: the rows from its start to now and their keys; `play` and `undo` move along it."""

    def __init__(self, domain: Domain, start: np.ndarray) -> None:
        self.domain = domain
        self.rows = [domain.check_states(start)[0].copy()]
        self._keys = np.zeros(64, np.uint64)
        domain.bind(write_key)(self.rows[0], domain.context, self._keys, 0)
        self._advance, self._mark, self._judge = (domain.bind(kernel) for kernel in (advance_in_line, mark_in_line, judge))
        self._buffers = domain.expansion_buffers()

    @property
    def state(self) -> np.ndarray:
        """The row of now, [W]."""
        return self.rows[-1]

    @property
    def keys(self) -> np.ndarray:
        """The line of keys up to now, uint64 [L]."""
        return self._keys[: len(self.rows)]

    def action_mask(self) -> np.ndarray:
        """The legal actions by all the rules: bool [A]."""
        mask = np.zeros(self.domain.num_actions, np.bool_)
        self._mark(self.state, self.domain.context, self._keys, len(self.rows), mask, *self._buffers)
        return mask

    @property
    def side(self) -> int:
        """Two players: whose turn it is, 0 or 1, an index into `Domain.sides`."""
        told = self.domain.side_to_move
        return (len(self.rows) - 1) % 2 if told is None else told(self.state)

    @property
    def over(self) -> bool:
        """Have the rules ended the game?"""
        return bool(self._judge(self.state, self.domain.context)[0])

    @property
    def outcome(self) -> float:
        """Two players: 1, 0 or -1, won, drawn or lost for the player to move, were the game over now."""
        return float(self._judge(self.state, self.domain.context)[1])

    @property
    def margin(self) -> float:
        """Two players: by how much the player to move leads, were the game over now."""
        return float(self._judge(self.state, self.domain.context)[2])

    def play(self, action: int) -> None:
        """Take a step; ValueError when it is illegal."""
        length, successor = self._make_room(), np.zeros_like(self.state)
        within = 0 <= action < self.domain.num_actions
        if not within or self._advance(self.state, action, self.domain.context, self._keys, length, successor) <= 0.0:
            name = self.domain.action_names[action] if within else str(action)
            raise ValueError(f"Action {name} is illegal in {self.domain.format(self.state)}; action_mask() has the legal ones.")
        self.rows.append(successor)

    def put(self, state: np.ndarray) -> None:
        """Go on from a row that no step leads to: a side that moves out of turn, a game taken up again after its end."""
        length, row = self._make_room(), self.domain.check_states(state)[0].copy()
        self.domain.bind(write_key)(row, self.domain.context, self._keys, length)
        self.rows.append(row)

    def _make_room(self) -> int:
        """Where the next key goes."""
        if len(self.rows) == len(self._keys):
            self._keys = np.concatenate([self._keys, np.zeros_like(self._keys)])
        return len(self.rows)

    def undo(self) -> None:
        """Take the last step back; ValueError at the start."""
        if len(self.rows) == 1:
            raise ValueError("There is no step to take back: this is the start of the game.")
        self.rows.pop()
