"""What the rule book alone says of a node. Kernel helpers, compiled into their callers."""

from astarzero.envs.domain import cost_to_go, is_goal, is_terminal

CLOSED, GOAL, PENDING, DEAD = 1, 2, 4, 8  # flags: expanded; a goal; waits for its first judgement; a dead end


def classify(state, context):
    """GOAL, DEAD (terminal and no goal: h = inf without an evaluation) or PENDING judgement."""
    if is_goal(state, context):
        return GOAL
    return DEAD if is_terminal(state, context) else PENDING


def judged_cost(value):
    """The cost-to-go that a value (or q) stands for, never below 0. Nan stays nan, which max(0, .) would turn into 0."""
    cost = cost_to_go(value)
    return 0 if cost < 0 else cost
