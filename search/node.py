"""What the rule book alone says of a node, shared by every search. Kernel helpers, compiled into their callers."""

from astarzero.envs.domain import is_goal, is_terminal

CLOSED, GOAL, PENDING, DEAD = 1, 2, 4, 8  # flags: expanded; a goal; waits for its first judgement; a dead end


def classify(state, context):
    """GOAL, DEAD (terminal and no goal: h = inf without an evaluation) or PENDING judgement."""
    if is_goal(state, context):
        return GOAL
    return DEAD if is_terminal(state, context) else PENDING
