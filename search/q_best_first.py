"""Q*-search: best-first over pairs of a node and an action, so that one evaluation of a state ranks all its successors unseen.

A pair (n, a) waits with priority g(n) + w (-q(n, a)), where -q estimates the cost of a plus the cost-to-go behind it. When it is
the best, a is applied; a new state is evaluated once and its own pairs are pushed. A* would have evaluated every successor.

Re-opening: a better path to a known state pushes its pairs again under the new g (their q is kept, no evaluation is spent); an
older pair is recognised when it surfaces, since its key no longer equals what the node says. A goal waits in the queue under its
g like anything else, so with an admissible q and w = 1 the first goal to surface is optimal; "generation" takes it at once. Pairs
that lead to known states cost nothing: a budget ends the search when the next new state would exceed it.

An *expansion* is a state whose pairs were made; *generated* counts the actions applied.
Sources: Agostinelli, Shperberg, Shmakov, McAleer, Fox, Baldi 2024 (Q* search).
Read next: best_first.py (the same house, over nodes).
"""

import math
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain, cost_to_go, expand, step
from astarzero.envs.evaluation import Evaluator, node_q
from astarzero.envs.state_table import EMPTY, add_row, fill_slot, find_slot

from astarzero.search.drive import (  # isort: skip
    ASK, BUDGET_MET, ENTRIES, EVALUATIONS, EXHAUSTED, EXPANSIONS, FREE, GENERATED, GOAL_NODE, GROW, INLINE, MASK, MAX_EVALUATIONS,
    MAX_EXPANSIONS, NODES, NOT_A_NUMBER, PHASE, SEED, SLICE, SLICE_END, SOLVED, Arrays, Drive, check_options, trace_plan,
)  # fmt: skip
from astarzero.search.evaluator import default_evaluator, kernel_face
from astarzero.search.frontier import entry_type, pop, push, seeded_tie
from astarzero.search.node import DEAD, GOAL, PENDING, classify, judged_cost
from astarzero.search.questions import ask_about_new, hear_q
from astarzero.search.result import Budget, SearchResult

START, SELECT, JUDGE, PUSH = range(4)
FIRST_NEW, BATCH, CHARGED, GOAL_ON_GENERATION, LEFT_OUT = range(FREE, FREE + 5)  # cells of `control`


def q_best_first_kernel(
    control, weights, context, tables, papers, states, g, parent, action, flags, q, slots,
    heap, successors, actions, costs,
):  # fmt: skip
    """Runs until it ends or must stop: see best_first_kernel. A pair is `node * (A + 1) + action`; action A stands for "a goal"."""
    width = actions.shape[0] + 1
    if control[PHASE] == START:  # row 0 of `states` is the root
        g[0], parent[0], action[0] = 0.0, -1, -1
        add_row(0, states, slots, control[MASK])
        flags[0] = classify(states[0], context)
        control[NODES], control[FIRST_NEW], control[PHASE] = 1, 0, JUDGE
    while True:
        if control[PHASE] == SELECT:
            if control[EXPANSIONS] >= control[SLICE_END]:
                return SLICE
            if control[NODES] + control[BATCH] > states.shape[0] or control[ENTRIES] + control[BATCH] * width > heap.shape[0]:
                return GROW
            control[FIRST_NEW] = control[NODES]
            taken = 0
            while taken < control[BATCH] and control[ENTRIES] > 0:
                node, move = heap[0]["item"] // width, heap[0]["item"] % width
                if move == width - 1:
                    if taken > 0:
                        break
                    control[GOAL_NODE] = node
                    return SOLVED
                if taken > 0 and not affordable(control, control[NODES] - control[FIRST_NEW] + 1):
                    break
                key = heap[0]["key"]
                pop(heap, control[ENTRIES])
                control[ENTRIES] -= 1
                if key != pair_key(g[node], q[node, move], weights):
                    continue  # pushed before the node's g improved
                taken += 1
                if follow_pair(
                    node, move, control, weights, context, states, g, parent, action, flags, q, slots,
                    heap, successors, actions, costs,
                ):  # fmt: skip
                    return SOLVED
            if taken == 0:
                return EXHAUSTED
            control[PHASE] = JUDGE
        if control[PHASE] == JUDGE:
            pending = 0
            for node in range(control[FIRST_NEW], control[NODES]):
                pending += flags[node] == PENDING
            if not affordable(control, pending):
                return BUDGET_MET
            if control[CHARGED]:
                said = ask_about_new(control[FIRST_NEW], control[NODES], states, flags, control, context, papers)
                if said == ASK:
                    control[PHASE] = PUSH
                if said != 0:
                    return said
        asked = 0
        for node in range(control[FIRST_NEW], control[NODES]):
            if flags[node] == GOAL:
                push(heap, control[ENTRIES], weights[0] * g[node], 0.0, node * width + width - 1)
                control[ENTRIES] += 1
            elif flags[node] == PENDING:
                if not control[CHARGED]:
                    q[node] = 0.0
                elif control[INLINE]:
                    node_q(states[node], context, tables, q[node])
                else:
                    hear_q(q[node], asked, papers)
                asked += 1
                flags[node] = 0
                control[EXPANSIONS] += 1
                if not push_pairs(node, control, weights, context, states, g, q, heap, successors, actions, costs):
                    return NOT_A_NUMBER
        control[FIRST_NEW] = control[NODES]
        control[PHASE] = SELECT


def affordable(control, states):
    """Are that many more states within the limits on expansions and evaluations?"""
    return control[EXPANSIONS] + states <= control[MAX_EXPANSIONS] and (
        not control[CHARGED] or control[EVALUATIONS] + states <= control[MAX_EVALUATIONS]
    )


def pair_key(g, q, weights):
    """Priority of a pair: w_g g + w_h * (estimated cost of the action and everything behind it)."""
    return weights[0] * g + weights[1] * judged_cost(q)


def push_pairs(node, control, weights, context, states, g, q, heap, successors, actions, costs):
    """Push every legal pair of `node`; those whose q is -inf lead to dead ends and are left out. False when a q is not a number."""
    width = actions.shape[0] + 1
    for number in range(expand(states[node], context, successors, actions, costs)):
        move = actions[number]
        if q[node, move] != q[node, move]:
            return False
        if q[node, move] > -np.inf:
            pair, key = node * width + move, pair_key(g[node], q[node, move], weights)
            push(heap, control[ENTRIES], key, seeded_tie(pair, control[SEED]), pair)
            control[ENTRIES] += 1
        else:
            control[LEFT_OUT] += 1
    return True


def follow_pair(
    node, move, control, weights, context, states, g, parent, action, flags, q, slots,
    heap, successors, actions, costs,
):  # fmt: skip
    """Apply an action; note a new state or a better path to a known one. True when a goal ends the search on generation."""
    child = control[NODES]
    child_g = np.float32(g[node] + step(states[node], move, context, states[child]))  # as it is stored
    control[GENERATED] += 1
    slot, index = find_slot(states[child], states, slots, control[MASK])
    known = index != EMPTY
    if known:
        child = index
        if child_g >= g[child]:
            return False
    else:
        fill_slot(slots, slot, states[child], child, control[MASK])
        control[NODES] += 1
        flags[child] = classify(states[child], context)
    g[child], parent[child], action[child] = child_g, node, move
    if flags[child] == GOAL and control[GOAL_ON_GENERATION]:
        control[GOAL_NODE] = child
        return True
    if known and child < control[FIRST_NEW]:
        if flags[child] == GOAL:
            width = actions.shape[0] + 1
            push(heap, control[ENTRIES], weights[0] * child_g, 0.0, child * width + width - 1)
            control[ENTRIES] += 1
        elif flags[child] != DEAD:
            push_pairs(child, control, weights, context, states, g, q, heap, successors, actions, costs)
    return False


def q_best_first(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None = None,
    *,
    weight: float = 1.0,
    batch: int = 1,
    goal_test: str = "selection",
    budget: Budget | None = None,
    seed: int = 0,
) -> SearchResult:
    """Q*-search from `state` [W] with the evaluator's q head; without one every pair looks alike (uniform cost over pairs).

    weight multiplies -q; batch pairs are followed at a time; goal_test as in best_first.
    """
    evaluator, budget = evaluator or default_evaluator(domain), budget or Budget()
    check_options(batch=batch, weight=weight, goal_test=goal_test)
    rules, tables = kernel_face(domain, evaluator)
    kernel = domain.bind(q_best_first_kernel, **rules)
    nodes: Arrays = {
        "states": np.zeros((0, domain.num_words), np.uint64), "g": np.zeros(0, np.float32), "parent": np.zeros(0, np.int32),
        "action": np.zeros(0, np.int16), "flags": np.zeros(0, np.int8), "q": np.zeros((0, domain.num_actions), np.float32),
    }  # fmt: skip
    entries = {"heap": np.zeros(0, entry_type(np.int64))}
    width, scratch = domain.num_actions + 1, domain.expansion_buffers()
    drive = Drive(domain, state, evaluator, budget, seed, batch, nodes, entries, batch * width, scratch, heads={"q"}, asks=batch)
    control, weights = drive.control, np.array([1.0, weight])
    control[BATCH], control[CHARGED], control[GOAL_ON_GENERATION] = batch, "q" in evaluator.heads, goal_test == "generation"

    def gather() -> tuple[Any, ...]:
        arrays = (*drive.nodes.values(), drive.slots, *drive.entries.values())
        return control, weights, domain.context, tables, drive.desk.papers, *arrays, *scratch

    status = drive.run(kernel, gather)
    goal = int(control[GOAL_NODE])
    plan = trace_plan(drive.nodes["parent"], drive.nodes["action"], goal)
    return drive.result(status, plan if goal >= 0 else None, lambda cost: lower_bound(drive, cost))


def lower_bound(drive: Drive, cost: float) -> float:
    """The least g over pairs that wait, plus their -q when the evaluator is admissible; never above the plan's cost.

    Every solution passes through a pair that waits, a goal that waits, or a new state whose pairs were not made yet.
    """
    control, nodes, width = drive.control, drive.nodes, drive.domain.num_actions + 1
    trusted = drive.evaluator.admissible or not control[CHARGED]
    if control[LEFT_OUT] and not trusted:
        return 0.0  # pairs were left out on the word of an evaluator that may be wrong
    fresh = slice(control[FIRST_NEW], control[NODES])
    unmade = nodes["g"][fresh][nodes["flags"][fresh] != DEAD]
    pairs = drive.entries["heap"]["item"][: control[ENTRIES]]
    node, move = pairs // width, pairs % width
    estimate = nodes["g"][node].astype(np.float64)
    if trusted:
        q = nodes["q"][node, np.minimum(move, width - 2)]
        estimate += np.where(move == width - 1, 0.0, np.maximum(0.0, cost_to_go(q)))
    return float(min(cost, unmade.min(initial=math.inf), estimate.min(initial=math.inf)))
