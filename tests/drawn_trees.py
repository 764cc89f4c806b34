"""Games for two whose trees are drawn by lot: every vertex has a value and a prior of its own, so that no rule meets a tie.

Vertex v has the children width * v + 1 .. width * v + width. A lot of `ends` are over: won, drawn or lost for who is to move there.
One set of rules, and judges that are always asked from outside: all these games share a kernel for each rule of selection.
"""

import functools

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.search.forest import Forest, TreeConfig

GOES_ON, WIN, DRAW, LOSS = range(4)  # kinds of vertices


def step(state, action, context, successor):
    """context = (number of vertices int64 [1], width int64 [1], kinds int64 [N], legal bool [N, A])."""
    size, width, _, legal = context
    vertex = np.int64(state[0])
    child = width[0] * vertex + 1 + action
    if child >= size[0] or not legal[vertex, action]:
        return 0.0
    successor[0] = child
    return 1.0


def never(state, context):
    return False


def is_end(state, context):
    return context[2][np.int64(state[0])] != GOES_ON


def outcome(state, context):
    return np.float64(DRAW - context[2][np.int64(state[0])])


@functools.cache
def drawn_tree(seed: int = 0, depth: int = 11, width: int = 3, ends: float = 0.0, illegal: float = 0.0) -> tuple[Domain, Evaluator]:
    """A tree so deep, whose last vertices are over, and its judge: values in -.9 .. .9 for who is to move, priors normal logits.

    With chances of `ends` and `illegal` a vertex is over, a move is none.
    """
    rng = np.random.default_rng(seed)
    size = (width ** (depth + 1) - 1) // (width - 1)
    inner = size - width**depth
    kinds = np.where((rng.random(size) < ends) | (np.arange(size) >= inner), rng.integers(WIN, LOSS + 1, size), GOES_ON)
    kinds[0] = GOES_ON
    legal = rng.random((size, width)) >= illegal
    legal[:, 0] = True
    domain = Domain(
        world="drawn", name=f"drawn-{seed}", num_words=1, num_actions=width, step=step, is_goal=never, is_terminal=is_end, outcome=outcome,
        context=(np.array([size]), np.array([width]), kinds, legal), discount=-1.0, parse=lambda text: np.array([int(text)], np.uint64),
        format=lambda state: str(int(state[0])), random_state=lambda rng: rng.integers(inner, size=1).astype(np.uint64),
        instance_sets={"all": lambda: np.arange(size, dtype=np.uint64)[:, None]},
    )  # fmt: skip
    return domain, judge_of(rng.normal(size=(size, width)), rng.uniform(-0.9, 0.9, size))


def judge_of(logits: np.ndarray, values: np.ndarray) -> Evaluator:
    """Says logits[v] and values[v] of vertex v, float [N, A] and [N]."""
    logits, values = logits.astype(np.float32), values.astype(np.float32)

    def evaluate(states: np.ndarray) -> Evaluation:
        vertices = states[:, 0].astype(np.int64)
        return Evaluation(logits[vertices], values[vertices])

    return Evaluator("by lot", frozenset({"value", "prior"}), evaluate)


def rows(*vertices: int) -> np.ndarray:
    return np.array(vertices, np.uint64)[:, None]


def grow(game: tuple[Domain, Evaluator], roots: np.ndarray, simulations: int, **options) -> Forest:
    """A forest on a drawn tree that kept all duplicates (there are none), after so many simulations in each of its trees."""
    given = {name: options.pop(name) for name in ("budget", "seeds") if name in options}
    forest = Forest(game[0], roots, game[1], TreeConfig(**options), **given)
    forest.run(simulations)
    return forest


def visits(forest: Forest, tree: int = 0) -> dict[int, int]:
    """How often each vertex was met, its own judgement included."""
    count = forest.arrays["counts"][tree, 0]
    return dict(
        zip(forest.arrays["states"][tree, :count, 0].tolist(), forest.arrays["nodes"]["visits"][tree, :count].tolist(), strict=True)
    )
