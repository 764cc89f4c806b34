"""A random weighted graph as a world, where a search meets what puzzles lack: many costs, loops, dead ends, several goals.

Every vertex is a state; streets are one-way and cost a multiple of 1/2, so that sums are exact in any order. As a world of the
command line it is called astarzero.experiments.random_graph. Read next: identity.py.
"""

import numpy as np

from astarzero.envs.domain import Domain

GOAL, WALL = 1, 2  # kinds of vertices; a wall ends the episode and is no goal


def step(state, action, context, successor):
    """context = (heads int64 [N, A], -1 for none; costs float64 [N, A]; kinds int64 [N])."""
    heads, costs, _ = context
    vertex = np.int64(state[0])
    if heads[vertex, action] < 0:
        return 0.0
    successor[0] = heads[vertex, action]
    return costs[vertex, action]


def is_goal(state, context):
    return context[2][np.int64(state[0])] == GOAL


def is_terminal(state, context):
    return context[2][np.int64(state[0])] == WALL


def outcome(state, context):
    """As a game, which it is with discount -1: a wall's first cost is what it is worth for the player to move there."""
    return context[1][np.int64(state[0]), 0]


def make(seed: int = 0, vertices: int = 120, width: int = 4) -> Domain:
    """A graph of so many vertices, 1 to `width` streets from each: two goals, two walls, and one vertex that no street leaves."""
    rng = np.random.default_rng(seed)
    heads, costs = np.full((vertices, width), -1, np.int64), np.zeros((vertices, width))
    for tail in range(vertices):
        others = rng.choice(vertices, size=rng.integers(1, width + 1), replace=False)
        others = others[others != tail]
        heads[tail, : len(others)], costs[tail, : len(others)] = others, rng.integers(1, 9, size=len(others)) / 2
    kinds = np.zeros(vertices, np.int64)
    special = rng.permutation(np.arange(1, vertices))[:5]
    kinds[special[:2]], kinds[special[2:4]], heads[special[4]] = GOAL, WALL, -1

    def parse(text: str) -> np.ndarray:
        if not text.isdecimal() or int(text) >= vertices:
            raise ValueError(f"'{text}' is no vertex: give a number from 0 to {vertices - 1}.")
        return np.array([int(text)], np.uint64)

    return Domain(
        world="random-graph", name=f"random-graph-{seed}", num_words=1, num_actions=width, step=step, is_goal=is_goal,
        is_terminal=is_terminal, context=(heads, costs, kinds), parse=parse, format=lambda state: str(int(state[0])),
        random_state=lambda rng: rng.integers(vertices, size=1).astype(np.uint64),
        instance_sets={"all": lambda: np.arange(vertices, dtype=np.uint64)[:, None]}, outcome=outcome,
    )  # fmt: skip
