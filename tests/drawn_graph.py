"""A world drawn by hand, small enough to know every answer by heart. Action 0 goes right, 1 down, 2 slantwise.

    0 --2--> 1 --1--> 3 goal
    |\\       `-1--> 4 terminal, no goal          h*: 0: 3 (two ways), 1: 1, 2: 2, 3: 0, 4 and 5: inf
    | `--1--> 5 --1--> 4                         5 is lost but not terminal: only an evaluation can tell
    1
    v
    2 --2--> 3;  2 --1--> 5
"""

import numpy as np

from astarzero.envs.domain import Domain

START, UPPER, LOWER, GOAL, DEAD, LOST = range(6)
ARCS = {
    START: {0: (UPPER, 2.0), 1: (LOWER, 1.0), 2: (LOST, 1.0)},
    UPPER: {0: (GOAL, 1.0), 1: (DEAD, 1.0)},
    LOWER: {0: (GOAL, 2.0), 1: (LOST, 1.0)},
    LOST: {2: (DEAD, 1.0)},
}


def step(state, action, context, successor):
    arcs, prices = context
    successor[0] = np.uint64(arcs[state[0], action])
    return prices[state[0], action]


def is_goal(state, context):
    return state[0] == 3


def is_terminal(state, context):
    return state[0] == 3 or state[0] == 4


def encode(state, context, features):
    features[state[0]] = 1.0


def encode_nothing(state, context, features):
    """Every state looks alike, so whatever a net learns from this is constant."""
    features[0] = 1.0


def make() -> Domain:
    arcs, prices = np.zeros((6, 3), np.int64), np.zeros((6, 3))
    for state, ways in ARCS.items():
        for action, (successor, price) in ways.items():
            arcs[state, action], prices[state, action] = successor, price
    return Domain(
        world="drawn-graph",
        name="drawn-graph",
        num_words=1,
        num_actions=3,
        step=step,
        is_goal=is_goal,
        is_terminal=is_terminal,
        encode=encode,
        num_features=6,
        context=(arcs, prices),
        parse=lambda text: np.array([int(text)], np.uint64),
        format=lambda state: str(int(state[0])),
        random_state=lambda rng: np.array([START], np.uint64),
        instance_sets={"all": lambda: np.arange(6, dtype=np.uint64)[:, None]},
    )
