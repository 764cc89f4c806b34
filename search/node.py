"""What the rule book alone says of a node, and what a net sees of it. Kernel helpers, compiled into their callers."""

from astarzero.envs.domain import cost_to_go, encode_row, is_goal, is_terminal

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


def write_questions(first, end, states, flags, context, features):
    """Encode those of the nodes first..end - 1 that wait for judgement into the first rows of `features`; nothing when it has none."""
    asked = 0
    for node in range(first, end if features.shape[0] > 0 else first):
        if flags[node] & PENDING:
            encode_row(states[node], context, features[asked])
            asked += 1
