"""The dial: one tree search with named switches, of which A* is one setting and AlphaZero another.

**A* is the deterministic, value-only tree search.** Go down to the leaf with the least backed-up key, expand it, judge *all* its
successors, back up the least key: with `Dial()` the states are expanded in the order of the heap A* (best_first.py), one by one,
as `astarzero identity` counts. Turn the switches one at a time and it becomes AlphaZero's PUCT. In a game for two the same
setting is unbounded best-first minimax (Cohen-Solal 2020), the value-driven counterpart of A*.

A heap does the same A* faster: this search is for understanding, the others are for use.

What each statistic means while switches stand in between:
- every node keeps the best leaf below it and the mean return over all evaluations below it, and `backup` mixes the two where a
  child is chosen, so 0 and 1 are exactly best-child and mean backup;
- N(node) counts the evaluations in its subtree, its own included; a descent maximises Q + exploration c_puct P sqrt(N) / (1 + n);
- one player: Q is scaled to 0..1 by the least and greatest return met in this tree; two: Q is in -1..1 for the mover, unscaled;
- an untried child has its parent's mean return, and for the best backup its parent's own key, as in partial expansion A*;
- dead ends (h = inf) leave the choices of their ancestors, and so do, in games, values that are certain where `proofs` is on.

Sources: Hart, Nilsson, Raphael 1968 (A*); Korf & Chickering 1996 (best-first minimax); Cohen-Solal 2020 (unbounded, with proven
values); Rosin 2011 (PUCT); Silver et al. 2018 (AlphaZero); Schrittwieser et al. 2020 (scaled Q).
Read next: dial_kernel.py, best_first.py, mcts.py.
"""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain, value_of
from astarzero.envs.evaluation import Evaluator
from astarzero.envs.line import write_key

from astarzero.search.dial_kernel import (  # isort: skip
    AT_GENERATION, CHARGED, COST, DEEPER, DUPLICATES, EXPLORE, LINE, MAX_NODES, MIX, ONE, PROVE, PROVEN, READS_PRIOR,
    READS_VALUE, TEMPERATURE, TIE, TWO, VALUE, dial_kernel,
)  # fmt: skip
from astarzero.search.drive import ENTRIES, GOAL_NODE, MAX_EXPANSIONS, Arrays, Drive, trace_plan
from astarzero.search.evaluator import default_evaluator, kernel_face
from astarzero.search.node import DEAD
from astarzero.search.result import UNLIMITED, Budget, SearchResult

EXPANDS = ("all", "one")
DUPLICATE_RULES = ("tree", "graph", "closed", "first")  # in the order of the kernel's numbers
GOAL_TESTS = ("selection", "generation")
TIES = ("seeded", "low-h", "high-h", "oldest", "newest", "path")  # likewise
DECISIONS = ("best", "visits")
CHOICES = {"expand": EXPANDS, "duplicates": DUPLICATE_RULES, "goal_test": GOAL_TESTS, "tie": TIES, "decide": DECISIONS}
SHARES = ("backup", "exploration", "prior", "value", "cost")
PATIENCE = 16  # simulations an evaluation, at most, in games: those that end where the game is over cost none


@dataclass(frozen=True)
class Dial:
    """The switches; as they stand here they are A*.

    backup: 0 a node is worth its best child, 1 the mean over its subtree; between, both mixed.
    exploration: 0 a descent is greedy, 1 it adds the whole bonus of PUCT.
    c_puct: the constant in that bonus.
    expand: "all" judges every successor when it is generated, "one" judges a node when a descent ends in it.
    duplicates: "tree" keeps all copies of a state; "graph" the one with the cheapest path, expanded anew (re-opened) when that improves;
        "closed" likewise, but what was expanded stays; "first" the first copy.
    prior: multiplies the policy's logits; 0 is uniform and does not ask for it.
    value: multiplies h, or the value in games; 0 does not ask for it.
    cost: multiplies the cost of the path; 0 is greedy best-first search.
    goal_test: a goal ends the search on "generation", or on "selection", when a descent ends in it.
    tie: order of leaves with equal keys: "seeded" low h and then by the seed, "low-h", "high-h", "oldest", "newest", or "path", which
        compares f alone at each node, so that the first child wins.
    proofs: games: values that are certain are taken out of the choices, and end the search at the root.
    decide: games: the move is the child of "best" backed-up value, or of most "visits".
    """

    backup: float = 0.0
    exploration: float = 0.0
    c_puct: float = 1.25
    expand: str = "all"
    duplicates: str = "graph"
    prior: float = 0.0
    value: float = 1.0
    cost: float = 1.0
    goal_test: str = "selection"
    tie: str = "seeded"
    proofs: bool = True
    decide: str = "best"

    def __post_init__(self) -> None:
        for name in SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"Switch {name} is {getattr(self, name)}, but it must be from 0 to 1.")
        if not 0 <= self.c_puct < math.inf:
            raise ValueError(f"Switch c_puct is {self.c_puct}, but it must be at least 0 and finite.")
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"Switch {name} is '{getattr(self, name)}', but it must be {', '.join(allowed[:-1])} or {allowed[-1]}.")


ALPHAZERO = Dial(
    backup=1.0, exploration=1.0, expand="one", duplicates="tree", prior=1.0, goal_test="generation", proofs=False, decide="visits"
)
PRESETS = {
    "astar": Dial(),
    "greedy": Dial(cost=0.0, duplicates="closed"),
    "value-mcts": dataclasses.replace(ALPHAZERO, prior=0.0),
    "policy-mcts": dataclasses.replace(ALPHAZERO, value=0.0),
    "alphazero": ALPHAZERO,
}


def preset(name: str, domain: Domain) -> Dial:
    """A setting of PRESETS as `domain` allows it: in a game a state reached again is no cheaper path, so the tree keeps duplicates."""
    if name not in PRESETS:
        raise ValueError(f"Preset '{name}' is not known; give one of {', '.join(PRESETS)}.")
    return dataclasses.replace(PRESETS[name], duplicates="tree") if domain.discount < 0 else PRESETS[name]


# the arrays of the kernel, in its order: of states, and of nodes
POOL = {"estimate": np.float32, "logits": np.float32, "node": np.int32, "kind": np.int8}
NODE_TYPES = {
    "parent": np.int32, "row": np.int32, "action": np.int16, "g": np.float32, "cost": np.float32, "prior": np.float32,
    "visits": np.int32, "total": np.float64, "key": np.float64, "tie": np.float64, "leaf": np.int32,
    "first_child": np.int32, "num_children": np.int16, "flags": np.int8, "order": np.int32,
}  # fmt: skip


def dial_search(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None = None,
    *,
    dial: Dial | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    line: np.ndarray | None = None,
    inspect: Callable[[Drive], None] | None = None,
) -> SearchResult:
    """Search from `state` [W] with the switches of `dial`, by default A*'s; a head that the evaluator lacks reads 0 or uniform.

    One player: ends SOLVED with a plan, or EXHAUSTED. Two players: ends SOLVED when `proofs` is on and the root's value is certain, else
    by the budget; `value` is for the player to move and `action_weights` say what to play. `line` is the line of keys up to `state`
    where the past matters (envs/two_players.py). `inspect` is shown the arrays of the ended search: `nodes` are states, `entries` nodes.
    """
    dial, budget = dial or preset("astar", domain), budget or Budget()
    if evaluator is None:
        evaluator = default_evaluator(domain)
    two = domain.discount < 0
    if two and dial.duplicates != "tree":
        raise ValueError(f"{domain.name} is a game, where a state met again is no cheaper path; set the switch duplicates to tree.")
    rules, tables = kernel_face(domain, evaluator)
    kernel = domain.bind(dial_kernel, **rules)
    reads = {head for head, weight in (("value", dial.value), ("prior", dial.prior)) if weight > 0 and head in evaluator.heads}
    nodes: Arrays = {"states": np.zeros((0, domain.num_words), np.uint64)}
    nodes.update((name, np.zeros(0, kind)) for name, kind in POOL.items())
    nodes["logits"] = np.zeros((0 if "prior" in reads else 1, domain.num_actions), np.float32)
    entries: Arrays = {name: np.zeros(0, kind) for name, kind in NODE_TYPES.items()}
    past = np.zeros(0, np.uint64) if line is None else np.asarray(line, np.uint64)
    keys = np.zeros(len(past) + 256 if domain.keeps_history else 1, np.uint64)
    withdrawn = np.zeros(domain.num_actions + 1, np.int64)
    scratch: list[np.ndarray] = [keys, withdrawn, *domain.expansion_buffers()]
    table, most = dial.duplicates != "tree", domain.num_actions
    drive = Drive(
        domain, state, evaluator, budget, seed, most, nodes, entries, scratch=scratch, has_table=table, heads=reads, asks=most
    )  # fmt: skip
    control, numbers = drive.control, np.zeros(7)
    numbers[[MIX, EXPLORE, COST, VALUE]] = dial.backup, dial.exploration * dial.c_puct, 0.0 if two else dial.cost, dial.value
    numbers[TEMPERATURE] = 1.0 / dial.prior if dial.prior > 0 else 1.0
    set_switches(control, dial, two, reads, budget)
    if domain.keeps_history:
        control[LINE] = begin_line(drive, past)
    for name, array in drive.entries.items():
        array[:1] = -1 if name in ("parent", "action", "num_children", "order") else 0  # the root

    def gather() -> tuple[Any, ...]:
        pool, tree = tuple(drive.nodes.values()), tuple(drive.entries.values())
        return control, numbers, domain.context, tables, drive.desk.papers, pool, tree, drive.slots, *scratch

    def deepen() -> None:
        scratch[0] = np.concatenate([scratch[0], np.zeros_like(scratch[0])])

    status = drive.run(kernel, gather, {DEEPER: deepen})
    if inspect is not None:
        inspect(drive)
    goal = int(control[GOAL_NODE])
    plan = trace_plan(drive.entries["parent"], drive.entries["action"], goal) if goal >= 0 else None
    told = {} if plan and dial.decide == "best" else root_statistics(drive, dial)
    result = drive.result(status, plan, lambda cost: lower_bound(drive, dial, reads, cost), **told)
    return dataclasses.replace(result, nodes=int(control[ENTRIES]))


def set_switches(control: np.ndarray, dial: Dial, two: bool, reads: set[str], budget: Budget) -> None:
    """Write the switches that are no numbers into the cells of the kernel."""
    control[CHARGED], control[READS_VALUE], control[READS_PRIOR] = bool(reads), "value" in reads, "prior" in reads
    control[ONE], control[AT_GENERATION] = dial.expand == "one", dial.goal_test == "generation"
    control[DUPLICATES], control[TIE] = DUPLICATE_RULES.index(dial.duplicates), TIES.index(dial.tie)
    control[TWO], control[PROVE], control[MAX_NODES] = two, two and dial.proofs, budget.nodes
    if two and reads and not dial.proofs:
        control[MAX_EXPANSIONS] = min(budget.expansions, PATIENCE * min(budget.evaluations, UNLIMITED // PATIENCE))


def begin_line(drive: Drive, past: np.ndarray) -> int:
    """Put the line of keys up to the root, or the root's own, at the beginning of the kernel's; returns its length."""
    if len(past):
        drive.scratch[0][: len(past)] = past
        return len(past)
    drive.domain.bind(write_key)(drive.domain.check_states(drive.state)[0], drive.domain.context, drive.scratch[0], 0)
    return 1


def lower_bound(drive: Drive, dial: Dial, reads: set[str], cost: float) -> float:
    """The root's key, the least g + h over all leaves, or the least g where h is not admissible: see best_first.py."""
    tree = drive.entries
    if tree["flags"][0] & DEAD:
        return cost
    if drive.control[TWO]:
        return 0.0
    trusted, count = "value" not in reads or drive.evaluator.admissible, drive.control[ENTRIES]
    if dial.duplicates in ("closed", "first"):  # the best path may have been given up
        return min(cost, float(dial.value * drive.nodes["estimate"][0])) if trusted else 0.0
    if trusted and dial.cost == 1:
        return min(cost, float(tree["key"][0]))
    leaves = (tree["num_children"][:count] < 0) & ((tree["flags"][:count] & DEAD) == 0)
    return min(cost, float(tree["g"][:count][leaves].min(initial=math.inf)))


def root_statistics(drive: Drive, dial: Dial) -> dict[str, object]:
    """What the tree says of the root when there is no plan: its mixed value, and the action to take (the best child, or visit shares)."""
    tree, two = drive.entries, bool(drive.control[TWO])
    certain = tree["flags"][0] & PROVEN
    mix = 0.0 if certain else dial.backup
    if tree["num_children"][0] < 1 or not tree["visits"][0]:
        return {}
    children = np.arange(tree["first_child"][0], tree["first_child"][0] + tree["num_children"][0])
    live = children[(tree["flags"][children] & DEAD) == 0]
    visits, weights = tree["visits"][live], np.zeros(drive.domain.num_actions)
    best = float(tree["key"][0]) if two else value_of(float(tree["key"][0]))
    mean = float(tree["total"][0] / tree["visits"][0])
    if dial.decide == "visits" and not certain:
        weights[tree["action"][live]] = visits / max(1, visits.sum())
    elif len(live):
        own = tree["total"][live] / np.maximum(1, visits)
        worth = (own if two else value_of(own - dial.cost * tree["cost"][live])) + dial.cost * (0 if two else tree["g"][0])
        worth = np.where(visits > 0, worth, -mean)  # the less the better, as keys are
        order = np.lexsort((tree["leaf"][live], tree["tie"][live], (1 - mix) * tree["key"][live] + mix * worth))
        weights[tree["action"][live[order[0]]]] = 1.0
    return {"value": (1 - mix) * best + mix * mean, "action_weights": weights} if weights.any() else {}
