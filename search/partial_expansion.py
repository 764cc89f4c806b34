"""Partial expansion A*: of a node's successors it keeps those that are wanted now, and comes back to the node for the rest.

A node waits under its *bound*, at first its f = g + w h. When it is the best, its successors are made; those with f <= bound are
stored, and the node waits again under the least f of the others, until none is left. The nodes that A* generates and never
expands are thus never held; the price is time: a node is expanded once for each f among its successors, and a successor that
was not stored is judged anew each time, which is an *evaluation* each time. So it pays where h is cheap, branches are many and
memory is what ends a search; with a net, or where most successors have f = bound, it does not.

Everything else is best_first.py: re-opening on a better g (the bound starts anew), the goal test, budgets, bounds. `cutoff` > 0
also stores successors with f <= bound + cutoff; at infinity this is A*.

Source: Yoshizumi, Miura, Ishida 2000, "A* with partial expansion for large branching factor problems". Not here: Felner et al.
2012, whose EPEA* makes only the successors that are wanted, where a domain can say which they are.
Read next: best_first.py.
"""

import math
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain, value_of, write_onward
from astarzero.envs.evaluation import Evaluator, node_value
from astarzero.envs.machine import held
from astarzero.envs.state_table import EMPTY, add_row, copy_row, find_slot

from astarzero.search.drive import (  # isort: skip
    ASK, BUDGET_MET, ENTRIES, EXHAUSTED, EXPANSIONS, FREE, GENERATED, GOAL_NODE, GROW, INLINE, MASK, MAX_EXPANSIONS, NODES, NOT_A_NUMBER,
    PHASE, SEED, SLICE, SLICE_END, SOLVED, Arrays, Drive, check_options, trace_plan,
)  # fmt: skip
from astarzero.search.evaluator import default_evaluator, kernel_face
from astarzero.search.frontier import entry_type, pop, push, seeded_tie
from astarzero.search.node import CLOSED, DEAD, GOAL, PENDING, classify, judged_cost
from astarzero.search.questions import ask_about_new, heard_value
from astarzero.search.result import Budget, SearchResult

START, SELECT, JUDGE, STORE = range(4)
# cells of `control`; NODE: whose COUNT successors are looked at; LEFT_OUT: how many a judge, not the rules, called dead
NODE, COUNT, CHARGED, GOAL_ON_GENERATION, LEFT_OUT = range(FREE, FREE + 5)
WEIGHT, CUTOFF = 0, 1  # of `numbers`
ROOT = -1  # NODE while the root is judged: the one successor of nothing


def partial_expansion_kernel(
    control, numbers, context, tables, papers, states, g, h, bound, parent, action, flags, slots, heap,
    known, kinds, estimates, successors, actions, costs, inverse,
):  # fmt: skip
    """Runs until it ends or must stop: see best_first_kernel. `known` [A]: the node of a successor, EMPTY when it is not stored."""
    if control[PHASE] == START:  # row 0 of `states` is the root
        copy_row(successors[0], states[0])
        actions[0], costs[0], known[0], kinds[0] = -1, 0.0, EMPTY, classify(states[0], context)
        estimates[0] = np.inf if kinds[0] == DEAD else 0.0
        g[0], h[0], bound[0] = 0.0, 0.0, np.inf
        control[NODE], control[COUNT], control[PHASE] = ROOT, 1, JUDGE
    while True:
        if control[PHASE] == SELECT:
            outcome = select(control, bound, flags, states, heap, actions.shape[0])
            if outcome != 0:
                return outcome
            make_successors(control, context, states, action, slots, known, kinds, estimates, successors, actions, costs, inverse)
            control[PHASE] = JUDGE
        if control[PHASE] == JUDGE and control[CHARGED]:
            said = ask_about_new(0, control[COUNT], successors, kinds, control, context, papers)
            if said == ASK:
                control[PHASE] = STORE
            if said != 0:
                return said
        outcome = store(
            control, numbers, context, tables, papers, states, g, h, bound, parent, action, flags, slots, heap,
            known, kinds, estimates, successors, actions, costs,
        )  # fmt: skip
        if outcome != 0:
            return outcome
        control[PHASE] = SELECT


def select(control, bound, flags, states, heap, num_actions):
    """Take the best open node from the heap as NODE."""
    if control[EXPANSIONS] >= control[SLICE_END]:
        return SLICE
    if control[NODES] + num_actions > states.shape[0] or control[ENTRIES] + num_actions + 1 > heap.shape[0]:
        return GROW
    while control[ENTRIES] > 0:
        node = heap[0]["item"]
        current = not flags[node] & CLOSED and heap[0]["key"] == bound[node]  # else pushed before its g or its bound changed
        if current and flags[node] & GOAL:
            control[GOAL_NODE] = node
            return SOLVED
        if current and control[EXPANSIONS] >= control[MAX_EXPANSIONS]:
            return BUDGET_MET
        pop(heap, control[ENTRIES])
        control[ENTRIES] -= 1
        if current:
            control[NODE] = node
            control[EXPANSIONS] += 1
            return 0
    return EXHAUSTED


def make_successors(control, context, states, action, slots, known, kinds, estimates, successors, actions, costs, inverse):
    """Write the successors of NODE, which of them are stored, and what the rule book says of the rest."""
    node = control[NODE]
    control[COUNT] = write_onward(held(states[node]), action[node], inverse, context, successors, actions, costs)
    control[GENERATED] += control[COUNT]
    for number in range(control[COUNT]):
        _, known[number] = find_slot(successors[number], states, slots, control[MASK])
        kinds[number] = classify(successors[number], context) if known[number] == EMPTY else 0
        estimates[number] = np.inf if kinds[number] == DEAD else 0.0


def store(
    control, numbers, context, tables, papers, states, g, h, bound, parent, action, flags, slots, heap,
    known, kinds, estimates, successors, actions, costs,
):  # fmt: skip
    """Improve the known successors of NODE, store the new ones within its bound, and set its bound to the least f that is left."""
    node, origin = control[NODE], max(control[NODE], 0)
    limit, left, asked = bound[origin] + numbers[CUTOFF], np.inf, 0
    for number in range(control[COUNT]):
        child, row = known[number], successors[number]
        child_g = np.float32(g[origin] + costs[number])
        if child == EMPTY:
            if control[CHARGED] and kinds[number] == PENDING:
                if control[INLINE]:
                    value = node_value(row, states[origin], value_of(h[origin]), actions[number], context, tables)
                else:
                    value = heard_value(asked, papers)
                estimates[number] = judged_cost(value)
                asked += 1
            if estimates[number] != estimates[number]:
                return NOT_A_NUMBER
            control[LEFT_OUT] += kinds[number] == PENDING and estimates[number] == np.inf
            at_once = control[GOAL_ON_GENERATION] and kinds[number] == GOAL
            child_f = child_g + numbers[WEIGHT] * estimates[number]
            if child_f > limit and not at_once:
                left = min(left, child_f)
                continue
            child = control[NODES]
            control[NODES] += 1
            copy_row(states[child], row)
            add_row(child, states, slots, control[MASK])
            h[child], flags[child] = estimates[number], kinds[number] & ~PENDING
        elif child_g >= g[child]:
            continue
        flags[child] &= ~CLOSED
        g[child], parent[child], action[child] = child_g, node, actions[number]
        bound[child] = child_g + numbers[WEIGHT] * h[child]
        if flags[child] & GOAL and control[GOAL_ON_GENERATION]:
            control[GOAL_NODE] = child
            return SOLVED
        if h[child] < np.inf:
            push(heap, control[ENTRIES], bound[child], h[child] + seeded_tie(child, control[SEED]), child)
            control[ENTRIES] += 1
    if left < np.inf:
        bound[node] = left
        push(heap, control[ENTRIES], left, h[node] + seeded_tie(node, control[SEED]), node)
        control[ENTRIES] += 1
    elif node != ROOT:
        flags[node] |= CLOSED
    return 0


def partial_expansion(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None = None,
    *,
    weight: float = 1.0,
    cutoff: float = 0.0,
    goal_test: str = "selection",
    budget: Budget | None = None,
    seed: int = 0,
) -> SearchResult:
    """Partial expansion A* from `state` [W]; `evaluator` defaults to the domain's first heuristic.

    weight multiplies h and bounds the cost as in A*; cutoff, in units of cost, is how far above a node's bound successors are
    stored; goal_test as in best_first. expansions, generated and evaluations count every time anew.
    """
    evaluator, budget = evaluator or default_evaluator(domain), budget or Budget()
    check_options(weight=weight, cutoff=cutoff, goal_test=goal_test)
    rules, tables = kernel_face(domain, evaluator)
    kernel = domain.bind(partial_expansion_kernel, **rules)
    nodes: Arrays = {
        "states": np.zeros((0, domain.num_words), np.uint64), "g": np.zeros(0, np.float32), "h": np.zeros(0, np.float32),
        "bound": np.zeros(0, np.float64), "parent": np.zeros(0, np.int32), "action": np.zeros(0, np.int16), "flags": np.zeros(0, np.int8),
    }  # fmt: skip
    entries: Arrays = {"heap": np.zeros(0, entry_type(np.int32))}
    num_actions, buffers = domain.num_actions, domain.expansion_buffers()
    known, kinds, estimates = np.zeros(num_actions, np.int64), np.zeros(num_actions, np.int8), np.zeros(num_actions, np.float32)
    scratch = (known, kinds, estimates, *buffers)
    drive = Drive(
        domain, state, evaluator, budget, seed, num_actions, nodes, entries, num_actions + 1, scratch, heads={"value"}, asks=num_actions
    )  # fmt: skip
    control, numbers, inverse = drive.control, np.array([weight, cutoff]), domain.inverse
    control[CHARGED], control[GOAL_ON_GENERATION] = "value" in evaluator.heads, goal_test == "generation"

    def gather() -> tuple[Any, ...]:
        arrays = (*drive.nodes.values(), drive.slots, *drive.entries.values())
        return control, numbers, domain.context, tables, drive.desk.papers, *arrays, *scratch, inverse

    status = drive.run(kernel, gather)
    goal = int(control[GOAL_NODE])
    plan = trace_plan(drive.nodes["parent"], drive.nodes["action"], goal)
    return drive.result(status, plan if goal >= 0 else None, lambda cost: lower_bound(drive, weight, cost))


def lower_bound(drive: Drive, weight: float, cost: float) -> float:
    """As in best_first.py, and sharper: what an open node has not stored yet is within no f below its bound.

    That bound is on g + w h, of which g + h is at least 1 / w where w > 1.
    """
    control, nodes, count = drive.control, drive.nodes, int(drive.control[NODES])
    trusted = drive.evaluator.admissible or not control[CHARGED]
    if control[LEFT_OUT] and not trusted:
        return 0.0  # successors were left out on the word of an evaluator that may be wrong
    open_nodes = (nodes["flags"][:count] & (CLOSED | DEAD)) == 0
    g, h, bound = (nodes[name][:count][open_nodes].astype(np.float64) for name in ("g", "h", "bound"))
    estimate = np.maximum(g + h, bound / max(1.0, weight)) if trusted else g
    return min(cost, float(estimate.min(initial=math.inf)))
