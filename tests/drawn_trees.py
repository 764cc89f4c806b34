"""Games for two whose trees are drawn by lot: every vertex has a value and a prior of its own, so that no rule meets a tie.

One set of rules, and judges that are always asked from outside: all these games share a kernel for each rule of selection.
"""

import functools

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.search.forest import Forest, TreeConfig

GOES_ON, WIN, DRAW, LOSS = range(4)  # kinds of vertices


def step(state, action, context, successor):
    """context = (heads int64 [N, A], -1 for none; kinds int64 [N])."""
    head = context[0][np.int64(state[0]), action]
    if head < 0:
        return 0.0
    successor[0] = head
    return 1.0


def never(state, context):
    return False


def is_end(state, context):
    return context[1][np.int64(state[0])] != GOES_ON


def outcome(state, context):
    return np.float64(DRAW - context[1][np.int64(state[0])])


@functools.cache
def drawn_tree(seed: int = 0, depth: int = 6, width: int = 3, ends: float | None = None, illegal: float = 0.0) -> tuple[Domain, Evaluator]:
    """A game and its judge: values in -.9 .. .9 for who is to move, priors normal logits.

    Vertex v has the children width * v + 1 .. width * v + width, `depth` deep; from the last ones moves lead back to the lower half, and
    no game ends. With `ends`, a chance, the last vertices are over, and others by this chance: won, drawn or lost for who is to move. By
    the chance `illegal` a move is none.
    """
    rng = np.random.default_rng(seed)
    size = (width ** (depth + 1) - 1) // (width - 1)
    inner = size - width**depth
    kinds = np.full(size, GOES_ON)
    heads = np.arange(1, size * width + 1).reshape(size, width)
    heads[inner:] = rng.integers(inner // 2, inner, (size - inner, width))
    if ends is not None:
        over = (rng.random(size) < ends) | (np.arange(size) >= inner)
        over[0] = False
        kinds[over] = rng.integers(WIN, LOSS + 1, over.sum())
    heads[:, 1:][rng.random((size, width - 1)) < illegal] = -1
    return game_of(heads, kinds), judge_of(rng.normal(size=(size, width)), rng.uniform(-0.9, 0.9, size))


def game_of(heads: np.ndarray, kinds: np.ndarray) -> Domain:
    size, width = heads.shape
    return Domain(
        world="drawn", name="drawn", num_words=1, num_actions=width, step=step, is_goal=never, is_terminal=is_end, outcome=outcome,
        context=(heads, kinds), discount=-1.0, parse=lambda text: np.array([int(text)], np.uint64),
        format=lambda state: str(int(state[0])), random_state=lambda rng: rng.integers(size, size=1).astype(np.uint64),
        instance_sets={"all": lambda: np.arange(size, dtype=np.uint64)[:, None]},
    )  # fmt: skip


def bandits(seed: int, number: int, arms: int) -> tuple[Domain, Evaluator, np.ndarray, np.ndarray]:
    """(game, judge, logits [number, arms], q [number, arms]): roots 0 .. number - 1, and behind every arm a line without a choice or an
    end, whose values say the same q wherever one looks."""
    rng = np.random.default_rng(seed)
    logits, q = rng.normal(scale=2.0, size=(number, arms)), rng.uniform(-0.9, 0.9, (number, arms))
    first = number + 2 * np.arange(number * arms).reshape(number, arms)  # of the two vertices of an arm, who take turns
    size = number * (1 + 2 * arms)
    heads, values = np.full((size, arms), -1), np.zeros(size)
    heads[:number], values[:number] = first, (np.exp(logits) * q).sum(1) / np.exp(logits).sum(1)
    heads[first, 0], heads[first + 1, 0] = first + 1, first
    values[first], values[first + 1] = -q, q
    policy = np.zeros((size, arms))
    policy[:number] = logits
    return game_of(heads, np.zeros(size, np.int64)), judge_of(policy, values), logits, q


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


def paths(forest: Forest, tree: int = 0) -> dict[tuple[int, ...], int]:
    """The node of every path of actions from the root, in a tree that keeps duplicates."""
    found, waiting = {}, [((), 0)]
    while waiting:
        path, node = waiting.pop()
        found[path] = node
        edges = forest.arrays["edges"][tree, forest.edges(tree, node)]
        waiting += [((*path, int(edge["action"])), int(edge["child"])) for edge in edges if edge["child"] >= 0]
    return found


def visits(forest: Forest, tree: int = 0) -> dict[tuple[int, ...], int]:
    """How often each node was met, its own judgement included, by the path of actions to it."""
    return {path: int(forest.arrays["nodes"]["visits"][tree, node]) for path, node in paths(forest, tree).items()}
