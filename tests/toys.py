"""Worlds whose answers are known by heart, written down as edges: "S-A 2, S-B 1" are two one-way streets and what they cost.

A user's own domain, outside the package: everything here is what `Domain` asks for. The graph lives in `context`, so all
toys share one set of rules and hence one set of kernels. A vertex whose name begins with G is a goal, with X a dead end that
the rule book knows (terminal); one that no street leaves is a dead end too, which only a judge can know.
"""

import collections
import dataclasses
import functools
import heapq
import itertools
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from astarzero.envs import make
from astarzero.envs.domain import Domain, Heuristic
from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.envs.oracles import ExactTable, exact_table
from astarzero.search import SEARCHES, Budget, SearchResult, exact_oracle, noisy_oracle, tabulated
from astarzero.search.evaluator import exact_answers

PLENTY = Budget(expansions=5_000)
FOR_ONE, FOR_TWO = ([name for name, search in SEARCHES.items() if players in search.players] for players in (1, 2))

# --- rules; context = (heads int64 [N, A], -1 for none; costs float64 [N, A]; kinds int64 [N]: 1 goal, 2 terminal; guesses [N]) ----------


def step(state, action, context, successor):
    heads, costs, _, _ = context
    vertex = np.int64(state[0])
    if heads[vertex, action] < 0:
        return 0.0
    successor[0] = heads[vertex, action]
    return costs[vertex, action]


def is_goal(state, context):
    return context[2][np.int64(state[0])] == 1


def is_terminal(state, context):
    return context[2][np.int64(state[0])] == 2


def guess(state, context):
    return context[3][np.int64(state[0])]


# --- from text to a domain ---------------------------------------------------------------------------------------------------


def graph(name: str, streets: str, guesses: Mapping[str, float] | None = None, admissible: bool = True) -> Domain:
    """The world of `streets`; actions are numbered vertex by vertex as they are written. Vertices without a guess have h = 0."""
    edges = [(*ends.split("-"), float(cost)) for ends, cost in (street.split() for street in streets.split(","))]
    vertices = list(dict.fromkeys(itertools.chain.from_iterable(edge[:2] for edge in edges)))
    leaving = {vertex: [edge for edge in edges if edge[0] == vertex] for vertex in vertices}
    width = max(len(ways) for ways in leaving.values())
    heads, costs = np.full((len(vertices), width), -1, np.int64), np.zeros((len(vertices), width))
    for row, ways in enumerate(leaving.values()):
        for action, (_, head, cost) in enumerate(ways):
            heads[row, action], costs[row, action] = vertices.index(head), cost
    kinds = np.array([{"G": 1, "X": 2}.get(vertex[0], 0) for vertex in vertices])
    estimates = np.array([(guesses or {}).get(vertex, 0.0) for vertex in vertices])

    def parse(text: str) -> np.ndarray:
        if text not in vertices:
            raise ValueError(f"'{text}' is no vertex: give one of {' '.join(vertices)}.")
        return np.array([vertices.index(text)], np.uint64)

    return Domain(
        world="toy",
        name=f"toy-{name}",
        num_words=1,
        num_actions=width,
        step=step,
        is_goal=is_goal,
        is_terminal=is_terminal,
        context=(heads, costs, kinds, estimates),
        parse=parse,
        format=lambda state: vertices[int(state[0])],
        random_state=lambda rng: rng.integers(len(vertices), size=1).astype(np.uint64),
        heuristics={"guess": Heuristic(guess, admissible=admissible)},
        instance_sets={"all": lambda: np.arange(len(vertices), dtype=np.uint64)[:, None]},
    )


@functools.cache
def inconsistent() -> Domain:
    """SCIENCE section 6: admissible but not consistent. The cheapest way is S-B-A-G, 3.5; who never re-opens A pays 4."""
    return graph("inconsistent", "S-A 2, S-B 1, B-A 0.5, A-G 2", {"S": 3.5, "B": 2.5})


@functools.cache
def trap() -> Domain:
    """From S the street to T is cheaper, but behind T are only dead ends: X says so, U does not. The one solution is S-A-G, 4."""
    return graph("trap", "S-T 1, S-A 2, T-U 1, T-X 1, A-G 2, A-S 1", {"A": 2.0})


@functools.cache
def lost() -> Domain:
    """No street leads to a goal."""
    return graph("lost", "S-A 1, S-B 1, A-S 1, A-X 1, B-A 2, B-U 1")


@functools.cache
def corridor() -> Domain:
    """S-A-B-C-G, a step forth (action 0) or back (action 1), and at B a side street to the wall W and back."""
    return graph("corridor", "S-A 1, A-B 1, A-S 1, B-C 1, B-A 1, B-W 1, C-G 1, C-B 1, W-B 1")


@functools.cache
def wild(seed: int, vertices: int = 30, width: int = 4) -> Domain:
    """A random graph with costs in halves, two goals, dead ends of both kinds, and loops."""
    rng = np.random.default_rng(seed)
    names = ["S", "G1", "G2", "X1", *(f"V{number}" for number in range(vertices - 4))]
    streets = []
    for tail in names:
        for head in rng.choice(names, size=rng.integers(1, width + 1), replace=False):
            if head != tail and tail not in ("X1", "V0"):
                streets.append(f"{tail}-{head} {rng.integers(1, 9) / 2}")
    return graph(f"wild-{seed}", ", ".join(streets))


TOYS: dict[str, Callable[[], Domain]] = {
    **{toy.__name__: toy for toy in (inconsistent, trap, lost, corridor)},
    **{f"wild-{seed}": functools.partial(wild, seed) for seed in (1, 5, 7)},
}

# --- problems ----------------------------------------------------------------------------------------------------------------

_tables: dict[tuple[object, ...], ExactTable] = {}


def table_of(domain: Domain) -> ExactTable:
    """The exact table of a domain's instance set "all", made once for all tests."""
    key = (domain.name, *(array.tobytes() for array in domain.context))
    if key not in _tables:
        _tables[key] = exact_table(domain)
    return _tables[key]


@dataclasses.dataclass(frozen=True)
class Problem:
    """A root and what is known of it."""

    table: ExactTable
    root: np.ndarray  # row [W]

    @property
    def domain(self) -> Domain:
        return self.table.domain

    @property
    def optimum(self) -> float:
        return float(self.table.costs(self.root)[0])

    def solve(self, search: str, evaluator: Evaluator | None = None, budget: Budget = PLENTY, **options) -> SearchResult:
        return SEARCHES[search](self.domain, self.root, evaluator or exact_oracle(self.table), budget=budget, **options)


def problem(domain: Domain, text: str = "S", table: ExactTable | None = None) -> Problem:
    return Problem(table or table_of(domain), domain.parse(text))


@functools.cache
def dealt() -> ExactTable:
    """Two hands that make 24, one that does not, and everything that can be made of them."""
    cards = make("countdown")
    return exact_table(cards, np.array([cards.parse(hand) for hand in HANDS]))


HANDS = ("3 3 8 8", "4 6 8 13", "1 1 1 1")
BOARDS = ("0 1 2 3 4 5", "3 1 2 4 0 5", "4 5 0 1 2 3")
PROBLEMS: dict[str, Callable[[], Problem]] = {  # what every search is tried on; solvable and not
    **{name: functools.partial(lambda toy: problem(toy()), toy) for name, toy in TOYS.items()},
    **{f"2x3: {board}": functools.partial(lambda board: problem(make("sliding", size="2x3"), board), board) for board in BOARDS},
    **{f"24: {hand}": functools.partial(lambda hand: problem(dealt().domain, hand, dealt()), hand) for hand in HANDS},
}

# --- judges ------------------------------------------------------------------------------------------------------------------


def street(domain: Domain, ends: str) -> tuple[int, int]:
    """"S-A" -> (index of S, action that leads to A)."""
    tail, head = (int(domain.parse(vertex)[0]) for vertex in ends.split("-"))
    return tail, int(np.flatnonzero(domain.context[0][tail] == head)[0])


def judge(
    domain: Domain,
    value: Mapping[str, float] | None = None,
    prior: Mapping[str, float] | None = None,
    q: Mapping[str, float] | None = None,
    admissible: bool = False,
) -> Evaluator:
    """A table from {"S": value} and {"S-A": prior logit or q}; what a given head does not name is 0."""
    states = domain.instance_sets["all"]()
    values = np.zeros(len(states))
    for vertex, number in (value or {}).items():
        values[int(domain.parse(vertex)[0])] = number
    tables = {}
    for head, numbers in (("prior", prior), ("q", q)):
        tables[head] = np.zeros((len(states), domain.num_actions))
        for ends, number in (numbers or {}).items():
            tables[head][street(domain, ends)] = number
    answers = Evaluation(
        prior_logits=None if prior is None else tables["prior"],
        value=None if value is None else values,
        q=None if q is None else tables["q"],
    )
    return tabulated(domain, states, answers, "by hand", admissible=admissible)


def asked(evaluator: Evaluator) -> Evaluator:
    """The same judge without compiled rules: the kernel stops and Python answers."""
    return dataclasses.replace(evaluator, rules=None)


def unfair(table: ExactTable, seed: int) -> Evaluator:
    """Admissible and wildly inconsistent: of every true cost a random share between nothing and all; a random policy."""
    rng, exact = np.random.default_rng(seed), exact_answers(table)
    shares, edge_shares = rng.random(exact.value.shape) ** 0.3, rng.random(exact.q.shape) ** 0.3
    answers = Evaluation(rng.normal(size=exact.q.shape), exact.value * shares, exact.q * edge_shares)
    return tabulated(table.domain, table.states, answers, "unfair", slots=table.graph.slots, admissible=True)


def judges(table: ExactTable) -> dict[str, Evaluator]:
    """Exact, admissible but inconsistent, noisy, and one that knows nothing; all by table, so that they share kernels."""
    nothing = tabulated(table.domain, table.states, Evaluation(), "nothing", slots=table.graph.slots, admissible=True)
    return {"exact": exact_oracle(table), "unfair": unfair(table, 0), "noisy": noisy_oracle(table, 1.0, 1.0, 0), "nothing": nothing}


def one_sentence(error: pytest.ExceptionInfo) -> str:
    """The message of a caught error, which must be one sentence."""
    text = str(error.value)
    assert text.endswith(".") and "\n" not in text and ". " not in text.replace("... ", ""), text
    return text


# --- references in plain Python ------------------------------------------------------------------------------------------------


@functools.cache
def breadth_first(height: int, width: int, blank_last: bool = False) -> dict[tuple[int, ...], int]:
    """Depth of every board by breadth-first search over tuples: knows nothing of the package."""
    cells = height * width
    goal = (*range(1, cells), 0) if blank_last else tuple(range(cells))
    depths, queue = {goal: 0}, collections.deque([goal])
    while queue:
        board = queue.popleft()
        blank = board.index(0)
        column = blank % width
        for other in (blank - width, blank + width, blank - 1 if column else -1, blank + 1 if column + 1 < width else -1):
            if 0 <= other < cells:
                tiles = list(board)
                tiles[blank], tiles[other] = tiles[other], 0
                moved = tuple(tiles)
                if moved not in depths:
                    depths[moved] = depths[board] + 1
                    queue.append(moved)
    return depths


def distances_from(table: ExactTable, root: np.ndarray) -> np.ndarray:
    """Cheapest cost from `root` to every state of a table, by Dijkstra's algorithm over its edges: float64 [N]."""
    graph, away = table.graph, np.full(len(table.states), np.inf)
    (start,) = graph.index(root)
    away[start], queue = 0.0, [(0.0, int(start))]
    while queue:
        cost, state = heapq.heappop(queue)
        if cost == away[state]:
            for edge in range(graph.first_edge[state], graph.first_edge[state + 1]):
                child, total = int(graph.child[edge]), cost + float(graph.cost[edge])
                if total < away[child]:
                    away[child] = total
                    heapq.heappush(queue, (total, child))
    return away
