"""IDA*: depth-first searches under a rising bound on g + w h, in memory proportional to the plan (Korf 1985).

A level for each step of the current path holds that node's successors, judged in one batch. States on the path are not entered
again, so the search ends on any finite world. There is no table: a state is judged each time it is met.

This loop runs in every world with any evaluator. Where a heuristic lends a `Descent` (sliding tiles), `ida` hands over to
packed_ida.py, which is far faster. Read next: packed_ida.py.
"""

import math
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain, expand, value_of
from astarzero.envs.evaluation import Evaluator, node_value
from astarzero.envs.state_table import copy_row, same_row

from astarzero.search.drive import (  # isort: skip
    BUDGET_MET, EXHAUSTED, EXPANSIONS, FREE, GENERATED, GROW, INLINE, MAX_EXPANSIONS, NODES, NOT_A_NUMBER, PHASE, SEED, SLICE, SLICE_END,
    SOLVED, Arrays, Drive, check_options,
)  # fmt: skip
from astarzero.search.evaluator import default_evaluator, kernel_face
from astarzero.search.frontier import seeded_bits
from astarzero.search.node import DEAD, GOAL, PENDING, classify, judged_cost
from astarzero.search.packed_ida import packed_ida
from astarzero.search.questions import ask_about_new, heard_value
from astarzero.search.result import Budget, SearchResult, Status

FIRST_LEVELS = 64
ROUNDING = 1e-9  # a sum that is above the bound by so little, relatively, is not above it

START, WALK, JUDGED = range(3)
LEVEL, CHARGED, SEEDED = range(FREE, FREE + 3)  # cells of `control`
BOUND, NEXT_BOUND, WEIGHT = range(3)  # cells of `bounds`
LEVEL_NUMBERS = ("count", "cursor", "first", "turn", "chosen")  # successors, how many were entered, their seeded order, which is entered


def ida_kernel(control, bounds, context, tables, papers, states, g, count, cursor, first, turn, chosen, rows, actions, costs, h, kinds):
    """Runs until it ends or must stop: see best_first_kernel. Level l holds the successors of the path's node l - 1; level 0 the root.

    states [L, W] are the path's nodes; rows [L, A, W], actions, costs, h and kinds [L, A] the levels.
    """
    while True:
        level = control[LEVEL]
        if control[PHASE] == START:
            copy_row(rows[0, 0], states[0])
            actions[0, 0], costs[0, 0], g[0], chosen[0], control[NODES], control[PHASE] = -1, 0.0, 0.0, 0, 1, JUDGED
            outcome = open_level(
                0, 1, control, context, tables, papers, states, count, cursor, first, turn, chosen, rows, actions, h, kinds
            )  # fmt: skip
            if outcome != 0:
                return outcome
        if control[PHASE] == JUDGED:
            asked = 0
            for number in range(count[level]):
                if kinds[level, number] == PENDING and control[CHARGED] and not control[INLINE]:
                    h[level, number] = judged_cost(heard_value(asked, papers))
                    asked += 1
                if h[level, number] != h[level, number]:
                    return NOT_A_NUMBER
            control[PHASE] = WALK
        if cursor[level] == count[level]:
            if level > 0:
                control[LEVEL] -= 1
                continue
            if bounds[NEXT_BOUND] == np.inf:
                return EXHAUSTED
            bounds[BOUND], bounds[NEXT_BOUND], cursor[0] = bounds[NEXT_BOUND], np.inf, 0
        child = (first[level] + turn[level] * cursor[level]) % count[level]
        child_g = g[level] + costs[level, child]
        total = child_g + bounds[WEIGHT] * h[level, child]
        if total > bounds[BOUND] + ROUNDING * abs(bounds[BOUND]) or h[level, child] == np.inf:
            cursor[level] += 1
            bounds[NEXT_BOUND] = min(bounds[NEXT_BOUND], total)
            continue
        chosen[level] = child
        if kinds[level, child] == GOAL:
            return SOLVED
        if control[EXPANSIONS] >= control[MAX_EXPANSIONS]:
            return BUDGET_MET
        if control[EXPANSIONS] >= control[SLICE_END]:
            return SLICE
        if level + 2 > g.shape[0]:
            return GROW
        copy_row(states[level], rows[level, child])
        cursor[level] += 1
        control[EXPANSIONS] += 1
        deeper = level + 1
        control[NODES] = max(control[NODES], deeper + 1)
        made = expand(states[level], context, rows[deeper], actions[deeper], costs[deeper])
        control[GENERATED] += made
        kept = keep_new(made, level, states, rows[deeper], actions[deeper], costs[deeper])
        g[deeper], control[LEVEL], control[PHASE] = child_g, deeper, JUDGED
        outcome = open_level(
            deeper, kept, control, context, tables, papers, states, count, cursor, first, turn, chosen, rows, actions, h, kinds
        )  # fmt: skip
        if outcome != 0:
            return outcome


def keep_new(made, level, states, rows, actions, costs):
    """Close the ranks of the `made` successors that are none of the path's nodes, states[:level + 1]; returns how many they are."""
    kept = 0
    for number in range(made):
        above = level
        while above >= 0 and not same_row(rows[number], states[above]):
            above -= 1
        if above < 0:
            if kept != number:
                copy_row(rows[kept], rows[number])
                actions[kept], costs[kept] = actions[number], costs[number]
            kept += 1
    return kept


def open_level(level, made, control, context, tables, papers, states, count, cursor, first, turn, chosen, rows, actions, h, kinds):
    """Classify and judge the `made` successors of a level, or say who must: ASK, BUDGET_MET."""
    bits = seeded_bits(control[EXPANSIONS], control[SEED]) * np.uint64(control[SEEDED])
    some = max(made, 1)
    count[level], cursor[level] = made, 0
    first[level], turn[level] = np.int64((bits >> np.uint64(32)) % np.uint64(some)), some - 1 if bits & np.uint64(1) else 1
    for number in range(made):
        kind = classify(rows[level, number], context)
        kinds[level, number] = kind
        h[level, number] = np.inf if kind == DEAD else 0.0
    if not control[CHARGED]:
        return 0
    said = ask_about_new(0, made, rows[level], kinds[level], control, context, papers)
    if said != 0 or not control[INLINE]:
        return said
    origin = max(level - 1, 0)
    for number in range(made):
        if kinds[level, number] == PENDING:
            known = value_of(h[origin, chosen[origin]])
            value = node_value(rows[level, number], states[origin], known, actions[level, number], context, tables)
            h[level, number] = judged_cost(value)
    return 0


def ida(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None = None,
    *,
    weight: float = 1.0,
    order: str | None = None,
    budget: Budget | None = None,
    seed: int = 0,
) -> SearchResult:
    """IDA* from `state` [W]; the plan costs at most `weight` times the optimum when h is admissible.

    order "seeded" draws the order in which successors are visited; "given" takes them as the world writes them or, with a `Descent`,
    as published programs do; default: "given" with a `Descent`, else "seeded".
    `nodes` counts the nodes of the longest path. EXHAUSTED: there is no plan.
    """
    evaluator, budget = evaluator or default_evaluator(domain), budget or Budget()
    packed = evaluator.descent is not None and evaluator.rules is not None and weight == 1
    order = order or ("given" if packed else "seeded")
    check_options(weight=weight, order=order)
    if evaluator.descent is not None and packed and order == "given":
        return packed_ida(domain, state, evaluator, evaluator.descent, budget)
    rules, tables = kernel_face(domain, evaluator)
    kernel = domain.bind(ida_kernel, **rules)
    shape = (0, domain.num_actions)
    levels: Arrays = {
        "states": np.zeros((0, domain.num_words), np.uint64), "g": np.zeros(0), **{name: np.zeros(0, np.int64) for name in LEVEL_NUMBERS},
        "rows": np.zeros((*shape, domain.num_words), np.uint64), "actions": np.zeros(shape, np.int64), "costs": np.zeros(shape),
        "h": np.zeros(shape), "kinds": np.zeros(shape, np.int8),
    }  # fmt: skip
    drive = Drive(
        domain, state, evaluator, budget, seed, 1, levels, first_nodes=FIRST_LEVELS, has_table=False, heads={"value"},
        asks=domain.num_actions,
    )  # fmt: skip
    control, bounds = drive.control, np.array([-1.0, math.inf, weight])  # below every sum: the first search only finds the first bound
    control[CHARGED], control[SEEDED] = "value" in evaluator.heads, order == "seeded"

    def gather() -> tuple[Any, ...]:
        return control, bounds, domain.context, tables, drive.desk.papers, *drive.nodes.values()

    status = drive.run(kernel, gather)
    plan = None
    if status is Status.SOLVED:
        levels_down = range(1, int(control[LEVEL]) + 1)
        plan = tuple(int(drive.nodes["actions"][level, drive.nodes["chosen"][level]]) for level in levels_down)
    return drive.result(status, plan, lambda cost: lower_bound(drive, float(bounds[BOUND]) / weight, status, cost))


def lower_bound(drive: Drive, bound: float, status: Status, cost: float) -> float:
    """The bound rose to where it is because everything below it was searched, so no solution is cheaper, when h is admissible."""
    if status is Status.EXHAUSTED:
        return math.inf
    trusted = drive.evaluator.admissible or "value" not in drive.evaluator.heads
    return max(0.0, min(cost, bound)) if trusted else 0.0
