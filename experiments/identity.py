"""`astarzero identity`: A* with a heap and A* as a tree search, expansion by expansion.

The claim: `dial_search` with the switches of A* expands the same (state, g) in the same order as a heap A*, whatever breaks ties and
whatever is done about duplicates, if (1) the live leaves of the tree are the open list, (2) the best leaf is carried up exactly after
each expansion and each removal, (3) what is carried is a total order (f, tie, age) and not f alone, and (4) goals are tested when they
are selected and h is judged when a state is generated. No h needs to be consistent.

Three judges: `heap_order`, a heap A* in plain Python written from the textbook and nothing of this package; the production search
(best_first.py), where it has the rule; and the tree. The negative controls each break one condition and must fail to agree, but for
the one that has a heap of its own: comparing f alone *is* A* with ties broken by the path, first children first.

Source: Hart, Nilsson, Raphael 1968. Read next: ../search/dial.py, random_graph.py.
"""

import functools
import heapq
import json as json_text
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from astarzero.envs import make
from astarzero.envs.compile import bind
from astarzero.envs.domain import cost_to_go
from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.envs.oracles import ExactTable, exact_table
from astarzero.experiments import random_graph
from astarzero.experiments.contest import header_of, wide_console
from astarzero.experiments.results import Shard
from astarzero.search import Budget, exact_oracle, from_heuristic, noisy_oracle, tabulated
from astarzero.search.best_first import best_first
from astarzero.search.dial import DUPLICATE_RULES, TIES, Dial, dial_search
from astarzero.search.drive import ENTRIES, NODES, Drive
from astarzero.search.evaluator import exact_answers
from astarzero.search.frontier import seeded_tie
from astarzero.search.node import CLOSED

Order = list[tuple[int, float]]  # (index of the state, g), in the order of expansion
Record = dict[str, Any]


@dataclass(frozen=True)
class Ground:
    """A solved world and a judge of it."""

    world: str
    table: ExactTable
    name: str  # of the judge
    judge: Evaluator

    @functools.cached_property
    def estimates(self) -> list[float]:
        """h of every state, as the judge has it; inf at a dead end, 0 at a goal."""
        value = self.judge.evaluate(self.table.states).value
        h = np.zeros(len(self.table.states)) if value is None else np.maximum(cost_to_go(value), 0).astype(np.float64)
        h[self.table.graph.goal], h[self.table.graph.dead] = 0.0, np.inf
        return h.tolist()


@dataclass(frozen=True)
class Problem:
    """A ground and the state to begin from."""

    ground: Ground
    root: int  # index in the ground's table

    @property
    def state(self) -> np.ndarray:
        return self.ground.table.states[self.root]


# --- three ways to A* ------------------------------------------------------------------------------------------------------------


def tie_of(tie: str, h: float, age: int, name: int, path: tuple[int, ...], seed: int) -> tuple[Any, ...]:
    """What orders open nodes of equal f; smaller comes first. `age` counts what was opened, `name` distinct states."""
    return {
        "seeded": lambda: (h + seeded(name, seed), age), "low-h": lambda: (h, age), "high-h": lambda: (-h, age),
        "oldest": lambda: (age,), "newest": lambda: (-age,), "path": lambda: (path, age),
    }[tie]()  # fmt: skip


@functools.cache
def seeded(name: int, seed: int) -> float:
    return float(bind(seeded_tie, {})(name, seed))


def heap_order(problem: Problem, tie: str, duplicates: str, seed: int, limit: int) -> Order:
    """The expansions of a heap A*, at most `limit`: plain Python over the edges of the world."""
    graph, h = problem.ground.table.graph, problem.ground.estimates
    order: Order = []
    names: dict[int, int] = {}  # state -> its number among all states met
    best: dict[int, tuple[float, int]] = {}  # state -> g and age of the entry that stands for it
    closed: set[int] = set()  # ages of entries that were expanded
    heap: list[tuple[Any, ...]] = []
    ages = copies = 0

    def opened(state: int, g: float, path: tuple[int, ...]) -> None:
        nonlocal ages, copies
        best[state] = (g, ages)
        if h[state] < np.inf:
            name = copies if duplicates == "tree" else names[state]
            heapq.heappush(heap, (g + h[state], tie_of(tie, h[state], ages, name, path, seed), ages, state, g, path))
        ages += 1
        copies += not graph.dead[state]

    names[problem.root] = 0
    opened(problem.root, 0.0, ())
    while heap and len(order) < limit:
        _, _, age, state, g, path = heapq.heappop(heap)
        if duplicates != "tree" and best[state][1] != age:
            continue  # a better path took its place
        if graph.goal[state]:
            break
        order.append((state, g))
        closed.add(age)
        for number, edge in enumerate(range(graph.first_edge[state], graph.first_edge[state + 1])):
            child, child_g = int(graph.child[edge]), g + float(graph.cost[edge])
            known = child in names
            names.setdefault(child, len(names))
            if known and duplicates != "tree":
                expanded = best[child][1] in closed
                if duplicates == "first" or (duplicates == "closed" and expanded) or child_g >= best[child][0]:
                    continue
            opened(child, child_g, (*path, number))
    return order


def tree_order(problem: Problem, dial: Dial, seed: int, limit: int) -> Order:
    """The expansions of the tree search."""
    order: Order = []

    def look(drive: Drive) -> None:
        count = int(drive.control[ENTRIES])
        number = drive.entries["order"][:count]
        expanded = np.flatnonzero(number >= 0)
        expanded = expanded[np.argsort(number[expanded])]
        if len(expanded):
            states = problem.ground.table.graph.index(drive.nodes["states"][drive.entries["row"][expanded]])
            order.extend(zip(states.tolist(), drive.entries["g"][expanded].tolist(), strict=True))

    ground, spend = problem.ground, Budget(expansions=limit)
    dial_search(ground.table.domain, problem.state, ground.judge, dial=dial, budget=spend, seed=seed, inspect=look)
    return order


def production_order(problem: Problem, ordering: str, seed: int, limit: int) -> Order:
    """The expansions of best_first.py: run with one expansion more each time, and see who has been closed."""
    order: Order = []
    before: dict[int, float] = {}
    for budget in range(1, limit + 1):
        now: dict[int, float] = {}

        def look(drive: Drive, now: dict[int, float] = now) -> None:
            shut = np.flatnonzero(drive.nodes["flags"][: drive.control[NODES]] & CLOSED)
            if len(shut):
                states = problem.ground.table.graph.index(drive.nodes["states"][shut])
                now.update(zip(states.tolist(), drive.nodes["g"][shut].tolist(), strict=True))

        ground, spend = problem.ground, Budget(expansions=budget)
        result = best_first(ground.table.domain, problem.state, ground.judge, ordering=ordering, budget=spend, seed=seed, inspect=look)
        if result.expansions < budget:
            break
        order.extend((state, g) for state, g in now.items() if before.get(state) != g)
        before = now
    return order


# --- the grounds -----------------------------------------------------------------------------------------------------------------


def judges(table: ExactTable, seed: int) -> dict[str, Evaluator]:
    """By table, so that they share kernels: the truth; admissible but wildly inconsistent; neither; nothing; the world's heuristic."""
    rng, exact = np.random.default_rng(seed), exact_answers(table)
    assert exact.value is not None
    values: dict[str, np.ndarray | None] = {"inconsistent": exact.value * rng.random(exact.value.shape), "nothing": None}
    heuristics = [name for name in table.domain.heuristics if name != "blind"]
    if heuristics:
        values[heuristics[0]] = from_heuristic(table.domain, heuristics[0]).evaluate(table.states).value
    made = {"exact": exact_oracle(table), "noisy": noisy_oracle(table, 2.0, 0.0, seed)}
    for name, value in values.items():
        made[name] = tabulated(table.domain, table.states, Evaluation(value=value), name, slots=table.graph.slots, admissible=True)
    return made


def problems(world: str, count: int, seed: int) -> list[Problem]:
    """So many problems of one of WORLDS, the judges taking turns."""
    rng = np.random.default_rng((seed, list(WORLDS).index(world)))
    if world == "random graphs":
        tables = [exact_table(random_graph.make(seed + number)) for number in range(-(-count // 4))]
    elif world == "24":
        cards = make("countdown")
        tables = [exact_table(cards, np.array([cards.random_state(rng) for _ in range(count)]))]
    else:
        tables = [exact_table(make("sliding", size=world.split()[0]))]
    grounds = [[Ground(world, table, name, judge) for name, judge in judges(table, seed).items()] for table in tables]
    chosen = []
    for number in range(count):
        ours = grounds[number % len(grounds)]
        ground = ours[(number // len(grounds)) % len(ours)]
        roots = ground.table.graph.index(np.array([ground.table.domain.random_state(rng)])) if world != "24" else [rng.integers(count)]
        chosen.append(Problem(ground, int(roots[0])))
    return chosen


WORLDS = ("random graphs", "2x3 tiles", "3x3 tiles", "24")
CONTROLS = {  # what each breaks; all are held against the heap with seeded ties and re-opening
    "f alone, no tie carried up": Dial(tie="path"),
    "mean backup": Dial(backup=1.0),
    "backup half mean": Dial(backup=0.5),
    "h at selection": Dial(expand="one"),
    "goal test at generation": Dial(goal_test="generation"),
    "duplicates kept": Dial(duplicates="tree"),
    "no re-opening": Dial(duplicates="closed"),
    "a tenth of PUCT's bonus": Dial(exploration=0.1),
}
PRODUCTION = {"astar": Dial(), "greedy": Dial(cost=0.0, duplicates="closed")}  # orderings of best_first.py, which ties by the seed


def compare(given: Sequence[Problem], seed: int, limit: int, production_limit: int) -> Iterator[Record]:
    """One record a setting, a production search and a control: on how many problems both orders are the same."""

    def record(kind: str, setting: Record, pairs: Sequence[tuple[Order, Order]]) -> Record:
        made, again = (sum(counts) for counts in zip(*((len(one), len(one) - len({state for state, _ in one})) for one, _ in pairs)))
        equal = sum(one == other for one, other in pairs)
        return {"kind": kind, **setting, "instances": len(pairs), "equal": equal, "expansions": made, "again": again}

    plain: list[Order] = []
    for tie in TIES:
        for duplicates in DUPLICATE_RULES:
            dial = Dial(tie=tie, duplicates=duplicates)
            heaps = [heap_order(problem, tie, duplicates, seed, limit) for problem in given]
            plain = heaps if (tie, duplicates) == ("seeded", "graph") else plain
            trees = [tree_order(problem, dial, seed, limit) for problem in given]
            yield record("setting", {"tie": tie, "duplicates": duplicates}, list(zip(heaps, trees, strict=True)))
    for ordering, dial in PRODUCTION.items():
        made = [production_order(problem, ordering, seed, production_limit) for problem in given]
        trees = [tree_order(problem, dial, seed, production_limit) for problem in given]
        yield record("production", {"ordering": ordering}, list(zip(made, trees, strict=True)))
    for name, dial in CONTROLS.items():
        trees = [tree_order(problem, dial, seed, limit) for problem in given]
        yield record("control", {"breaks": name}, list(zip(plain, trees, strict=True)))


# --- the command -----------------------------------------------------------------------------------------------------------------


def identity(
    *, instances: int = 60, limit: int = 300, production_limit: int = 60, seed: int = 0, json: bool = False, out: Path | None = None
) -> int:
    """Count on how many problems the tree search with A*'s switches expands what a heap A* expands, in the same order.

    Random weighted graphs, the 2x3 and 3x3 tiles and 24, under an exact, an inconsistent, an inadmissible and a blind judge and the
    world's heuristic; every rule for ties and for duplicates; then the negative controls.

    Exit status: 0 when every setting agrees everywhere, 1 when one does not (the code is then wrong), 2 on bad input.

    Parameters
    ----------
    instances
        Problems of each of the four worlds.
    limit
        Expansions compared, a problem and setting, at most.
    production_limit
        Likewise with the production search, which is run anew for each expansion.
    seed
        Of ties, graphs, judges and problems.
    json
        One JSON object a line on standard output, and nothing else there.
    out
        Folder for identity.jsonl, which is replaced.
    """
    for name, number in (("instances", instances), ("limit", limit), ("production-limit", production_limit)):
        if number < 1:
            raise ValueError(f"Option {name} is {number}, but it must be at least 1.")
    records: list[Record] = []
    with Console(stderr=True).status("solving the worlds") as status:
        for world in WORLDS:
            given = problems(world, instances, seed)
            for record in compare(given, seed, limit, production_limit):
                records.append({"world": world, "seed": seed, **record})
                status.update(f"{world}: {len(records)} comparisons")
                if json:
                    sys.stdout.write(json_text.dumps(records[-1]) + "\n")
    if not json:
        for table in tables(records):
            wide_console().print(table)
    if out is not None:
        config = {"instances": instances, "limit": limit, "production_limit": production_limit}
        write(out / "identity.jsonl", records, header_of(shlex.join(["astarzero", *sys.argv[1:]]), seed, config))
    return 1 if any(record["equal"] < record["instances"] for record in records if record["kind"] != "control") else 0


def write(path: Path, records: Sequence[Record], header: Record) -> None:
    """The records as a shard of their own, in place of an older one."""
    path.unlink(missing_ok=True)
    with Shard(path, header) as shard:
        for number, record in enumerate(records):
            shard.append({**record, "unit": number})


def tables(records: Sequence[Record]) -> Iterator[Table]:
    """Settings, production searches and controls, a column a world."""
    titles = {
        "setting": ("The tree against a heap: same expansions in the same order", ("tie", "duplicates")),
        "production": ("The tree against the production search", ("ordering",)),
        "control": ("Negative controls: what breaks when a condition does", ("breaks",)),
    }
    for kind, (title, names) in titles.items():
        ours = [record for record in records if record["kind"] == kind]
        table = Table(title=title, title_justify="left")
        for heading in names:
            table.add_column(heading)
        for heading in (*WORLDS, "in all", "expansions", "of them again"):
            table.add_column(heading, justify="right")
        for key in dict.fromkeys(tuple(record[name] for name in names) for record in ours):
            row = [record for record in ours if tuple(record[name] for name in names) == key]
            counts = [f"{record['equal']} of {record['instances']}" for record in row]
            total = f"{sum(record['equal'] for record in row)} of {sum(record['instances'] for record in row)}"
            sums = [f"{sum(record[name] for record in row):,}" for name in ("expansions", "again")]
            table.add_row(*key, *counts, total, *sums)
        yield table
