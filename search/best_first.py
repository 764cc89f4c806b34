"""Best-first graph search: one node loop, many orderings.

A*, weighted A*, greedy, uniform cost, Levin tree search, PHS and PHS*.

The loop (read `best_first_kernel`): take the best open nodes, write their successors, keep the new ones, judge them, push.
An *ordering* (orderings.py) says which node is best (`priority`) and which of two paths to one state is better (`path_rank`).

Two drives share the kernel. With an evaluator that has compiled rules (a heuristic, a table) it runs without leaving machine
code. With one that only Python can call (a net) it stops at the two places where judgement is needed, writes at a desk what it asks
(questions.py), Python has it answered for the whole batch, and it goes on. A net's matrices leave the caches cold, so that each line of
Python between two batches costs microseconds. Python also grows arrays, looks at the clock and catches Ctrl-C between slices.

A state is judged once: for its value when it is generated, for its policy when it is expanded. Where an ordering reads both and
the evaluator has both, one evaluation on generation gives both, and the policy waits with the node: 4 A bytes more a node.

Sources: Hart, Nilsson, Raphael 1968 (A*, re-opening); Agostinelli et al. 2019 (batches of nodes).
What becomes of a state that is met again is a rule too (duplicates.py): by default it is one node, and the better path counts. Then
the way back to where a node came from is not even made, where the world says which it is and no policy is read.

Read next: orderings.py, duplicates.py, frontier.py, ../envs/state_table.py, q_best_first.py (the same over pairs of node and action).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain, num_words, value_of, write_onward
from astarzero.envs.evaluation import Evaluator, node_prior, node_value
from astarzero.envs.machine import held, prefetch, promise
from astarzero.envs.state_table import EMPTY, copy_row, fetch_slot, fill_slot

from astarzero.search.drive import (  # isort: skip
    ASK, BUDGET_MET, ENTRIES, EVALUATIONS, EXHAUSTED, EXPANSIONS, FREE, GENERATED, GOAL_NODE, GROW, INLINE, MASK, MAX_EVALUATIONS,
    MAX_EXPANSIONS, NODES, NOT_A_NUMBER, PHASE, SEED, SLICE, SLICE_END, SOLVED, Arrays, Drive, check_options, trace_plan,
)  # fmt: skip
from astarzero.search.duplicates import DUPLICATES, find_known, known_by_table
from astarzero.search.evaluator import default_evaluator, kernel_face
from astarzero.search.frontier import entry_type, pop, push, seeded_tie
from astarzero.search.integer_best_first import integer_best_first, whole_weights
from astarzero.search.node import CLOSED, DEAD, GOAL, PENDING, classify, judged_cost
from astarzero.search.orderings import ORDERINGS, Ordering, by_cost, log_sum_exp, no, path_rank, priority, reads_prior, weighted_sum, yes
from astarzero.search.questions import ask_about_new, charge, hear_prior, heard_value, write_question
from astarzero.search.result import Budget, SearchResult

# --- the loop ------------------------------------------------------------------------------------------------------------

START, SELECT, GENERATE, JUDGE, PUSH = range(5)  # phases between which the kernel may stop
BLOCK = 1 << 16  # nodes looked at together after the search, when memory may be short
# cells of `control`; CHARGED_*: the head carries information, so reading it is an evaluation; KEPT_PRIOR: it came with the value
FIRST_NEW, TAKEN, BATCH, REOPEN, CHARGED_VALUE, CHARGED_PRIOR, KEPT_PRIOR, GOAL_ON_GENERATION = range(FREE, FREE + 8)


def best_first_kernel(
    control, weights, context, tables, states, g, h, parent, action, flags, depth, log_prob, slots,
    heap, taken, ends, prior_logits, actions, costs, inverse, papers,
):  # fmt: skip
    """Runs until it has something to say: SOLVED, EXHAUSTED, BUDGET_MET, or GROW, GROW_DESK, SLICE, ASK, and is called again.

    `prior_logits` has a row for each of `taken`, or for each node where priors are kept. On ASK the first ASKED rows of the desk, whose
    `papers` these are, are in question.
    """
    promise(states.shape[1] == num_words())
    if control[PHASE] == START:  # row 0 of `states` is the root
        g[0], h[0], parent[0], action[0], depth[0], log_prob[0] = 0.0, 0.0, -1, -1, 0, 0.0
        slot, _ = find_known(states[0], -1, states, parent, slots, control[MASK])
        if slot != EMPTY:
            fill_slot(slots, slot, states[0], 0, control[MASK])
        flags[0] = classify(states[0], context)
        h[0] = np.inf if flags[0] == DEAD else 0.0
        control[NODES], control[FIRST_NEW], control[PHASE] = 1, 0, JUDGE
    while True:
        if control[PHASE] == SELECT:
            outcome = select(control, states, g, h, flags, heap, taken, prior_logits.shape[1])
            if outcome != 0:
                return outcome
            control[PHASE] = GENERATE
            if control[CHARGED_PRIOR]:
                charge(control[TAKEN], control, papers)  # never refused: `select` keeps within limits, and the desk has room for a batch
                if not control[INLINE]:
                    for number in range(control[TAKEN]):
                        write_question(number, states[taken[number]], context, papers)
                    return ASK
        if control[PHASE] == GENERATE:
            write_successors(control, context, states, action, slots, taken, ends, actions, costs, inverse)
            first = 0
            for number in range(control[TAKEN]):
                node = taken[number]
                promise(node >= 0)
                place = node if control[KEPT_PRIOR] else number
                if reads_prior() and control[INLINE] and not control[KEPT_PRIOR]:
                    node_prior(states[node], context, tables, prior_logits[place])
                elif control[CHARGED_PRIOR]:
                    hear_prior(prior_logits[place], number, papers)
                outcome = keep_successors(
                    node, first, ends[number], prior_logits[place], control, weights, context, states, g, h, parent, action, flags, depth,
                    log_prob, slots, heap, actions, costs,
                )  # fmt: skip
                if outcome != 0:
                    return outcome
                first = ends[number]
            control[PHASE] = JUDGE
        if control[PHASE] == JUDGE and control[CHARGED_VALUE]:
            said = ask_about_new(control[FIRST_NEW], control[NODES], states, flags, control, context, papers)
            if said == ASK:
                control[PHASE] = PUSH
            if said != 0:
                return said
        asked = 0
        for node in range(control[FIRST_NEW], control[NODES]):
            if control[CHARGED_VALUE] and flags[node] & PENDING:
                if control[INLINE]:
                    origin = max(parent[node], 0)
                    h[node] = judged_cost(node_value(states[node], states[origin], value_of(h[origin]), action[node], context, tables))
                    if control[KEPT_PRIOR]:
                        node_prior(states[node], context, tables, prior_logits[node])
                else:
                    h[node] = judged_cost(heard_value(asked, papers))
                    if control[KEPT_PRIOR] and not hear_prior(prior_logits[node], asked, papers):
                        return NOT_A_NUMBER
                    asked += 1
            if h[node] != h[node]:
                return NOT_A_NUMBER
            flags[node] &= ~PENDING
            if h[node] < np.inf:
                key = priority(g[node], h[node], depth[node * reads_prior()], log_prob[node * reads_prior()], weights)
                push(heap, control[ENTRIES], key, h[node] + seeded_tie(node, control[SEED]), node)
                control[ENTRIES] += 1
        control[FIRST_NEW] = control[NODES]
        control[PHASE] = SELECT


def select(control, states, g, h, flags, heap, taken, num_actions):
    """Move up to BATCH best open nodes from the heap into `taken`. A goal ends the search only as the very best of all open nodes."""
    if control[EXPANSIONS] >= control[SLICE_END]:
        return SLICE
    room = control[BATCH] * num_actions
    if control[NODES] + room > states.shape[0] or control[ENTRIES] + room > heap.shape[0]:
        return GROW
    count = 0
    while count < control[BATCH] and control[ENTRIES] > 0:
        node = heap[0]["item"]
        promise(node >= 0)
        if not flags[node] & CLOSED:
            if flags[node] & GOAL:
                if count > 0:
                    break
                control[GOAL_NODE] = node
                return SOLVED
            evaluations = control[EVALUATIONS] + (count + 1) * control[CHARGED_PRIOR]
            if control[EXPANSIONS] >= control[MAX_EXPANSIONS] or evaluations > control[MAX_EVALUATIONS]:
                break
            flags[node] |= CLOSED
            taken[count] = node
            prefetch(states, node)
            prefetch(g, node)
            prefetch(h, node)
            count += 1
            control[EXPANSIONS] += 1
        pop(heap, control[ENTRIES])
        control[ENTRIES] -= 1
    control[TAKEN] = count
    if count == 0:
        return EXHAUSTED if control[ENTRIES] == 0 else BUDGET_MET
    return 0


def write_successors(control, context, states, action, slots, taken, ends, actions, costs, inverse):
    """Write the successors of all nodes of `taken` behind the last node, those of number i up to ends[i]; their slots come closer."""
    num_actions, tail, end = inverse.shape[0], control[NODES], 0
    for number in range(control[TAKEN]):
        node, first, last = taken[number], end, end + num_actions
        promise(node >= 0)
        promise(first >= 0)
        rows = states[tail + first : tail + last]
        end += write_onward(held(states[node]), action[node], inverse, context, rows, actions[first:last], costs[first:last])
        ends[number] = end
        for successor in range(end - first):
            fetch_slot(rows[successor], slots, control[MASK])


def keep_successors(
    node, first, end, logits, control, weights, context, states, g, h, parent, action, flags, depth, log_prob, slots,
    heap, actions, costs,
):  # fmt: skip
    """Keep the new ones among the successors first..end - 1, which `node` has, and improve the known ones."""
    control[GENERATED] += end - first
    temperature = weights[2]
    log_total = log_sum_exp(logits, actions[first:end], end - first, temperature) if reads_prior() else 0.0
    if log_total != log_total:
        return NOT_A_NUMBER
    for number in range(first, end):
        promise(number >= 0)
        row = states[control[FIRST_NEW] + number]
        child_g = np.float32(g[node] + costs[number])  # as it is stored, else rounding would pass for a better path
        child_depth, child_log_prob = 0, 0.0
        if reads_prior():
            child_depth = depth[node] + 1
            child_log_prob = log_prob[node] + logits[actions[number]] / temperature - log_total
        slot, child = find_known(row, node, states, parent, slots, control[MASK])
        if child == EMPTY:
            child = control[NODES]
            promise(child >= 0)
            control[NODES] += 1
            if slot != EMPTY:
                fill_slot(slots, slot, row, child, control[MASK])
            copy_row(states[child], row)  # never over one that is still to come
            flags[child] = classify(states[child], context)
            h[child] = np.inf if flags[child] == DEAD else max(0.0, h[node] - costs[number])  # the parent's bound, until it is judged
            if flags[child] == GOAL:
                h[child] = 0.0
        elif flags[child] & CLOSED and not control[REOPEN]:
            continue
        else:
            known = child * reads_prior()
            if path_rank(child_g, child_depth, child_log_prob) >= path_rank(g[child], depth[known], log_prob[known]):
                continue
        g[child] = child_g
        parent[child] = node
        action[child] = actions[number]
        if reads_prior():
            depth[child] = child_depth
            log_prob[child] = child_log_prob
        if flags[child] & GOAL and control[GOAL_ON_GENERATION]:
            control[GOAL_NODE] = child
            return SOLVED
        if child < control[FIRST_NEW] and h[child] < np.inf:  # known and improved
            flags[child] &= ~CLOSED
            key = priority(child_g, h[child], child_depth, child_log_prob, weights)
            push(heap, control[ENTRIES], key, h[child] + seeded_tie(child, control[SEED]), child)
            control[ENTRIES] += 1
    return 0


# --- the drive -----------------------------------------------------------------------------------------------------------


def best_first(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None = None,
    *,
    ordering: str = "astar",
    weight: float = 1.0,
    batch: int = 1,
    goal_test: str = "selection",
    duplicates: str = "merged",
    budget: Budget | None = None,
    seed: int = 0,
    inspect: Callable[[Drive], None] | None = None,
) -> SearchResult:
    """Search from `state` [W] with one of ORDERINGS; `evaluator` defaults to the domain's first heuristic.

    weight multiplies h (A*: the plan costs at most `weight` times the optimum when h is admissible) or, under "levin", is
    the temperature of the policy. batch nodes are expanded at a time: that leaves A*'s bound as it is, since a goal ends the
    search only as the best of all open nodes, but breaks the bounds of Levin and PHS on expansions.
    goal_test "selection" accepts a goal when it is the best open node; "generation" as soon as it is made.
    duplicates says what becomes of a state that is met again (duplicates.py). Where all are kept, a graph with loops may never end.
    inspect, for audits, is shown the arrays of the ended search (by the loop of this file, whatever the numbers).
    """
    rule, evaluator, budget = ORDERINGS[ordering], evaluator or default_evaluator(domain), budget or Budget()
    check_options(batch=batch, weight=weight, goal_test=goal_test, duplicates=duplicates)
    whole = whole_weights(rule.weights[0], rule.weights[1] * weight) if domain.whole_costs and evaluator.whole and evaluator.rules else None
    if inspect is None and whole and rule.priority is weighted_sum and duplicates == "merged":
        result = integer_best_first(
            domain, state, evaluator, weights=whole, reopen=rule.reopen, batch=batch, goal_test=goal_test, budget=budget, seed=seed
        )
        if result is not None:
            return result
    uses_prior, informative = "prior" in rule.heads, evaluator.heads & set(rule.heads)
    keeps_prior = informative == {"value", "prior"}
    rules, tables = kernel_face(domain, evaluator)
    hooks = {
        "priority": rule.priority, "path_rank": rule.path_rank, "reads_prior": yes if uses_prior else no,
        "find_known": DUPLICATES[duplicates],
    }  # fmt: skip
    kernel = domain.bind(best_first_kernel, **rules, **hooks)
    per_path = 0 if uses_prior else 1  # arrays of one row are not used and do not grow
    nodes: Arrays = {
        "states": np.zeros((0, domain.num_words), np.uint64), "g": np.zeros(0, np.float32), "h": np.zeros(0, np.float32),
        "parent": np.zeros(0, np.int32), "action": np.zeros(0, np.int16), "flags": np.zeros(0, np.int8),
        "depth": np.zeros(per_path, np.int32), "log_prob": np.zeros(per_path, np.float64),
        "prior_logits": np.zeros((0 if keeps_prior else 1, domain.num_actions), np.float32),
    }  # fmt: skip
    entries: Arrays = {"heap": np.zeros(0, entry_type(np.int32))}
    room = batch * domain.num_actions
    taken, ends, logits = np.zeros(batch, np.int64), np.zeros(batch, np.int64), np.zeros((batch, domain.num_actions), np.float32)
    made = (np.zeros(room, np.int64), np.zeros(room, np.float64))  # of the successors of a round: actions and costs
    scratch, has_table = (taken, ends, logits, *made), DUPLICATES[duplicates] is known_by_table
    # the way back to where a node came from is never better; it matters to a policy, which it has its share of, and where all are kept
    inverse = domain.inverse if has_table and not uses_prior else np.full(domain.num_actions, -1)
    drive = Drive(
        domain, state, evaluator, budget, seed, room, nodes, entries, scratch=scratch, has_table=has_table, heads=informative,
        asks=max(2 * batch, domain.num_actions),  # where more are new, the desk grows
    )  # fmt: skip
    temperature = 1.0 if rule.weights[1] else weight
    control, weights = drive.control, np.array([rule.weights[0], rule.weights[1] * weight, temperature])
    control[BATCH], control[REOPEN], control[GOAL_ON_GENERATION] = batch, rule.reopen, goal_test == "generation"
    control[CHARGED_VALUE], control[KEPT_PRIOR] = "value" in informative, keeps_prior
    control[CHARGED_PRIOR] = "prior" in informative and not keeps_prior

    def gather() -> tuple[Any, ...]:
        *columns, kept = drive.nodes.values()
        arrays = (*columns, drive.slots, *drive.entries.values(), taken, ends, kept if keeps_prior else logits, *made, inverse)
        return control, weights, domain.context, tables, *arrays, drive.desk.papers

    status = drive.run(kernel, gather)
    if inspect is not None:
        inspect(drive)
    goal = int(control[GOAL_NODE])
    plan = trace_plan(drive.nodes["parent"], drive.nodes["action"], goal)
    result = drive.result(status, plan if goal >= 0 else None, lambda cost: lower_bound(drive, rule, taken, cost))
    if inspect is None:
        drive.leave()
    return result


def lower_bound(drive: Drive, rule: Ordering, taken: np.ndarray, cost: float) -> float:
    """The least g + h over open nodes when h is admissible, the least g otherwise; never above the plan's cost.

    Every solution passes through an open node whose g is optimal, provided that closed nodes were re-opened on a better g
    (Hart et al. 1968, lemma 1). Without that only the root's own estimate is a bound. No open node at all, no solution.
    """
    control, nodes = drive.control, drive.nodes
    trusted = drive.evaluator.admissible or not control[CHARGED_VALUE]

    def least(rows: slice | np.ndarray, closed: int) -> float:
        estimate = nodes["g"][rows].astype(np.float64) + (nodes["h"][rows] if trusted else 0.0)
        return float(estimate[(nodes["flags"][rows] & closed) == 0].min(initial=math.inf))

    blocks = (slice(first, min(first + BLOCK, control[NODES])) for first in range(0, control[NODES], BLOCK))
    under_way = taken[: control[TAKEN] if control[PHASE] > SELECT else 0]  # their successors may not all be there
    bound = min([least(under_way, DEAD), *(least(block, CLOSED | DEAD) for block in blocks)])
    if bound < math.inf and not (rule.reopen and rule.path_rank is by_cost):
        bound = float(nodes["h"][0]) if trusted else 0.0
    return min(cost, bound)
