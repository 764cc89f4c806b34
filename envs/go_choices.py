"""Which moves a player without a net looks at: the legal ones, by the whole history, that do not fill an eye of its own."""

import numpy as np

from astarzero.envs.bitboard import common, load, point_at, some, union, without
from astarzero.envs.compile import bind
from astarzero.envs.go_rollouts import eyes_of
from astarzero.envs.go_rules import stones_of
from astarzero.envs.line import Line


def plays_but_eyes(line: Line) -> np.ndarray:
    """Legal plays that fill no eye of the player to move (go_rollouts.py says what an eye is), the pass left out: bool [A]."""
    mask = line.action_mask()
    mask[-1] = False
    bind(clear_eyes, {})(line.state, line.domain.context, mask)
    return mask


def clear_eyes(state, context, mask):
    """Kernel: False in `mask`, bool [A], at the eyes of the player to move."""
    like, places = context[0], context[3]
    own, enemy = stones_of(state, context)
    eyes = eyes_of(own, enemy, without(load(context[1], 0, like), union(own, enemy)), context)
    for action in range(mask.shape[0] - 1):
        if some(common(eyes, point_at(places[action], like))):
            mask[action] = False
