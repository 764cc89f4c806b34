"""Q*-search: best-first over pairs of a node and an action, so that one evaluation of a state ranks all its successors unseen.

A pair (n, a) waits with priority g(n) + w (-q(n, a)), where -q estimates the cost of a plus the cost-to-go behind it. When it is
the best, a is applied; a new state is evaluated once and its own pairs are pushed. A* would have evaluated every successor.

Re-opening: a better path to a known state pushes its pairs again under the new g (their q is kept, no evaluation is spent); an
older pair is recognised when it surfaces, since its key no longer equals what the node says. A goal waits in the queue under its
g like anything else, so with an admissible q and w = 1 the first goal to surface is optimal; "generation" takes it at once.

An *expansion* is a state whose pairs were made; *generated* counts the actions applied.
Sources: Agostinelli, Shperberg, Shmakov, McAleer, Fox, Baldi 2024 (Q* search).
Read next: best_first.py (the same house, over nodes).
"""

import math

import numpy as np

from astarzero.envs.domain import Domain, cost_to_go, expand, step
from astarzero.envs.evaluation import MASKED, Evaluator, node_q
from astarzero.envs.state_table import EMPTY, copy_row, find_slot
from astarzero.search.drive import (
    ASK_Q, BUDGET_MET, CALLS, EVALUATIONS, EXHAUSTED, EXPANSIONS, FREE, GENERATED, GOAL_NODE, GROW, MASK, MAX_EVALUATIONS,
    MAX_EXPANSIONS, NODES, NOT_A_NUMBER, PHASE, SEED, SLICE, SLICE_END, SOLVED, Drive, judged_inline, no, trace_plan, yes,
)  # fmt: skip
from astarzero.search.evaluator import default_evaluator
from astarzero.search.frontier import pop, push, seeded_tie
from astarzero.search.node import DEAD, GOAL, PENDING, classify
from astarzero.search.result import Budget, SearchResult

START, SELECT, JUDGE, PUSH = range(4)
HEAP, FIRST_NEW, BATCH, READS_Q, GOAL_ON_GENERATION = range(FREE, FREE + 5)  # cells of `control`


def q_best_first_kernel(
    control, weights, context, tables, states, g, parent, action, flags, q, slots, heap_key, heap_tie, heap_pair, successors, actions, costs,
):  # fmt: skip
    """Runs until it ends or must stop: see best_first_kernel. A pair is `node * (A + 1) + action`; action A stands for "this is a goal"."""
    width = actions.shape[0] + 1
    if control[PHASE] == START:  # row 0 of `states` is the root
        g[0], parent[0], action[0] = 0.0, -1, -1
        slots[find_slot(states[0], states, slots, control[MASK])] = 0
        flags[0] = classify(states[0], context)
        control[NODES], control[FIRST_NEW], control[PHASE] = 1, 0, JUDGE
    while True:
        if control[PHASE] == SELECT:
            if control[EXPANSIONS] >= control[SLICE_END]:
                return SLICE
            room = control[BATCH] * width
            if control[NODES] + room > states.shape[0] or control[HEAP] + room * width > heap_key.shape[0]:
                return GROW
            control[FIRST_NEW] = control[NODES]
            taken = 0
            while taken < control[BATCH] and control[HEAP] > 0:
                node, move = heap_pair[0] // width, heap_pair[0] % width
                if move == width - 1:
                    if taken > 0:
                        break
                    control[GOAL_NODE] = node
                    return SOLVED
                spent = control[EXPANSIONS] + control[NODES] - control[FIRST_NEW]
                if spent >= control[MAX_EXPANSIONS] or (control[READS_Q] and control[EVALUATIONS] + spent - control[EXPANSIONS] >= control[MAX_EVALUATIONS]):
                    break
                key = heap_key[0]
                pop(heap_key, heap_tie, heap_pair, control[HEAP])
                control[HEAP] -= 1
                if key != pair_key(g[node], q[node, move], weights):
                    continue  # pushed before the node's g improved
                taken += 1
                found = follow_pair(node, move, control, weights, context, states, g, parent, action, flags, q, slots, heap_key, heap_tie, heap_pair, successors, actions, costs)
                if found:
                    return SOLVED
            if taken == 0:
                return EXHAUSTED if control[HEAP] == 0 else BUDGET_MET
            control[PHASE] = JUDGE
        if control[PHASE] == JUDGE:
            pending = 0
            for node in range(control[FIRST_NEW], control[NODES]):
                pending += flags[node] == PENDING
            control[PHASE] = PUSH
            if control[READS_Q] and pending > 0:
                control[EVALUATIONS] += pending
                control[CALLS] += 1
                if not judged_inline():
                    return ASK_Q
        for node in range(control[FIRST_NEW], control[NODES]):
            if flags[node] == GOAL:
                push(heap_key, heap_tie, heap_pair, control[HEAP], weights[0] * g[node], 0.0, node * width + width - 1)
                control[HEAP] += 1
            elif flags[node] == PENDING:
                if judged_inline():
                    node_q(states[node], context, tables, q[node])
                flags[node] = 0
                control[EXPANSIONS] += 1
                if not push_pairs(node, control, weights, context, states, g, q, heap_key, heap_tie, heap_pair, successors, actions, costs):
                    return NOT_A_NUMBER
        control[FIRST_NEW] = control[NODES]
        control[PHASE] = SELECT


def pair_key(g, q, weights):
    """Priority of a pair: w_g g + w_h * (estimated cost of the action and everything behind it)."""
    return weights[0] * g + weights[1] * max(0.0, cost_to_go(q))


def push_pairs(node, control, weights, context, states, g, q, heap_key, heap_tie, heap_pair, successors, actions, costs):
    """Push every legal pair of `node`; those whose q is -inf lead to dead ends and are left out. False when a q is not a number."""
    width = actions.shape[0] + 1
    for number in range(expand(states[node], context, successors, actions, costs)):
        move = actions[number]
        if q[node, move] != q[node, move]:
            return False
        if q[node, move] > -np.inf:
            pair = node * width + move
            push(heap_key, heap_tie, heap_pair, control[HEAP], pair_key(g[node], q[node, move], weights), seeded_tie(pair, control[SEED]), pair)
            control[HEAP] += 1
    return True


def follow_pair(node, move, control, weights, context, states, g, parent, action, flags, q, slots, heap_key, heap_tie, heap_pair, successors, actions, costs):
    """Apply an action; note a new state or a better path to a known one. True when a goal ends the search on generation."""
    child = control[NODES]
    child_g = g[node] + step(states[node], move, context, states[child])
    control[GENERATED] += 1
    slot = find_slot(states[child], states, slots, control[MASK])
    known = slots[slot] != EMPTY
    if known:
        child = slots[slot]
        if child_g >= g[child]:
            return False
    else:
        slots[slot] = child
        control[NODES] += 1
        flags[child] = classify(states[child], context)
    g[child], parent[child], action[child] = child_g, node, move
    if flags[child] == GOAL and control[GOAL_ON_GENERATION]:
        control[GOAL_NODE] = child
        return True
    if known and child < control[FIRST_NEW]:
        if flags[child] == GOAL:
            push(heap_key, heap_tie, heap_pair, control[HEAP], weights[0] * child_g, 0.0, child * (actions.shape[0] + 1) + actions.shape[0])
            control[HEAP] += 1
        elif flags[child] != DEAD:
            push_pairs(child, control, weights, context, states, g, q, heap_key, heap_tie, heap_pair, successors, actions, costs)
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
    if batch < 1 or goal_test not in ("selection", "generation") or not weight > 0:
        raise ValueError(f"batch={batch}, weight={weight}, goal_test='{goal_test}': batch and weight must be positive, goal_test 'selection' or 'generation'.")
    kernel = domain.bind(q_best_first_kernel, **(evaluator.rules or dict(MASKED.values())), judged_inline=yes if evaluator.rules else no)
    nodes = {
        "states": np.zeros((0, domain.num_words), np.uint64), "g": np.zeros(0, np.float32), "parent": np.zeros(0, np.int32),
        "action": np.zeros(0, np.int16), "flags": np.zeros(0, np.int8), "q": np.zeros((0, domain.num_actions), np.float32),
    }  # fmt: skip
    entries = {"heap_key": np.zeros(0, np.float64), "heap_tie": np.zeros(0, np.float64), "heap_pair": np.zeros(0, np.int64)}
    drive = Drive(domain, evaluator, budget, seed, batch * (domain.num_actions + 1), nodes, entries, entry_room=batch * (domain.num_actions + 1) ** 2)
    control, weights = drive.control, np.array([1.0, weight])
    control[BATCH], control[READS_Q], control[GOAL_ON_GENERATION] = batch, "q" in evaluator.heads, goal_test == "generation"
    buffers = domain.expansion_buffers()
    drive.nodes["states"][0] = domain.check_states(state)[0]

    def call() -> int:
        return kernel(control, weights, domain.context, evaluator.tables, *drive.nodes.values(), drive.slots, *drive.entries.values(), *buffers)

    def answer_q() -> None:
        fresh = np.arange(control[FIRST_NEW], control[NODES])
        pending = fresh[drive.nodes["flags"][fresh] == PENDING]
        answer = drive.ask(drive.nodes["states"][pending]).q
        drive.nodes["q"][pending] = 0.0 if answer is None else answer

    status = drive.run(call, {ASK_Q: answer_q})
    goal = int(control[GOAL_NODE])
    plan = trace_plan(drive.nodes["parent"], drive.nodes["action"], goal)
    return drive.result(status, plan if goal >= 0 else None, lambda cost: lower_bound(drive, cost))


def lower_bound(drive: Drive, cost: float) -> float:
    """The least g over pairs that wait, plus their -q when the evaluator is admissible; never above the plan's cost."""
    control, width = drive.control, drive.domain.num_actions + 1
    if control[PHASE] != SELECT or control[GOAL_NODE] >= 0:  # stopped with pairs in hand: only the root's own estimate is certain
        return 0.0 if not drive.evaluator.admissible or not math.isfinite(cost) else min(cost, root_bound(drive))
    if not drive.evaluator.admissible and np.isneginf(drive.nodes["q"][: control[NODES]]).any():
        return 0.0  # pairs were left out on the word of an evaluator that may be wrong
    pairs = drive.entries["heap_pair"][: control[HEAP]]
    node, move = pairs // width, pairs % width
    estimate = drive.nodes["g"][node].astype(np.float64)
    if drive.evaluator.admissible and control[READS_Q]:
        q = drive.nodes["q"][node, np.minimum(move, width - 2)]
        estimate += np.where(move == width - 1, 0.0, np.maximum(0.0, cost_to_go(q)))
    return min(cost, float(estimate.min(initial=math.inf)))


def root_bound(drive: Drive) -> float:
    """The best pair of the root: no solution is cheaper when q is admissible."""
    return float(max(0.0, cost_to_go(drive.nodes["q"][0]).min())) if drive.control[READS_Q] else 0.0
