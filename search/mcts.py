"""A first MCTS with PUCT on one tree, for one player: AlphaZero's search with a page to read. The batched trees come later.

A simulation goes down from the root by PUCT, expands the leaf it meets (one evaluation: value and prior together), and carries
the leaf's return up. Three verbs: `select`, `expand_leaf`, `backup`. For one player a return is -(cost of the path) + value;
the Q of an edge is its mean return, scaled to 0..1 by the least and greatest return met in this tree (Schrittwieser et al. 2020).

Duplicates: a successor whose state is in the tree already is not added again, so all nodes are distinct. Dead ends: a node
without live children is removed from its parent's choices, and so upwards; when the root is removed the problem is EXHAUSTED.
A value of -inf counts as a dead end. Goals end the search when they are generated.

Sources: Rosin 2011 (PUCT); Silver et al. 2018 (AlphaZero); Schrittwieser et al. 2020 (min-max scaling for one player).
"""

import math

import numpy as np

from astarzero.envs.domain import Domain, expand
from astarzero.envs.evaluation import Evaluator, node_prior, node_value
from astarzero.envs.state_table import EMPTY, add_row, copy_row, fill_slot, find_slot
from astarzero.search.best_first import log_sum_exp

from astarzero.search.drive import (  # isort: skip
    ASK_VALUE, BUDGET_MET, CALLS, EVALUATIONS, EXHAUSTED, EXPANSIONS, FREE, GENERATED, GOAL_NODE, GROW, INLINE, MASK, MAX_EVALUATIONS,
    MAX_EXPANSIONS, NODES, NOT_A_NUMBER, PHASE, SEED, SLICE, SLICE_END, SOLVED, Arrays, Drive, check_options, trace_plan,
)  # fmt: skip
from astarzero.search.evaluator import default_evaluator, kernel_face
from astarzero.search.frontier import seeded_tie
from astarzero.search.node import DEAD, GOAL, PENDING, classify
from astarzero.search.result import Budget, SearchResult

START, DESCEND, EXPAND = range(3)
LEAF, CHARGED = FREE, FREE + 1  # cells of `control`
LEAST, GREATEST, TEMPERATURE, C_PUCT = range(4)  # of `numbers`


def mcts_kernel(
    control, numbers, context, tables, states, parent, action, cost, prior, visits, total, first_child, num_children, live, flags, slots,
    answers, successors, actions, costs,
):  # fmt: skip
    """Runs until it ends or must stop: see best_first_kernel. `answers` = prior logits [A] and, last, the value of the leaf."""
    if control[PHASE] == START:  # row 0 of `states` is the root
        add_row(0, states, slots, control[MASK])
        add_node(0, -1, -1, 0.0, 1.0, parent, action, cost, prior, visits, total, first_child, num_children, live, flags)
        flags[0] = classify(states[0], context)
        control[NODES], control[PHASE] = 1, DESCEND
        numbers[LEAST], numbers[GREATEST] = np.inf, -np.inf
        if flags[0] == GOAL:
            control[GOAL_NODE] = 0
            return SOLVED
        if flags[0] == DEAD:
            return EXHAUSTED
    while True:
        if control[PHASE] == DESCEND:
            if control[EXPANSIONS] >= control[SLICE_END]:
                return SLICE
            if control[NODES] + actions.shape[0] > states.shape[0]:
                return GROW
            if control[EXPANSIONS] >= control[MAX_EXPANSIONS] or (control[CHARGED] and control[EVALUATIONS] >= control[MAX_EVALUATIONS]):
                return BUDGET_MET
            control[LEAF] = select(control, numbers, cost, prior, visits, total, first_child, num_children, live)
            control[EXPANSIONS] += 1
            control[EVALUATIONS] += control[CHARGED]
            control[CALLS] += control[CHARGED]
            control[PHASE] = EXPAND
            if control[CHARGED] and not control[INLINE]:
                return ASK_VALUE
        leaf = control[LEAF]
        if control[INLINE]:
            node_prior(states[leaf], context, tables, answers[:-1])
            answers[-1] = node_value(states[leaf], states[leaf], 0.0, -1, context, tables)
        if answers[-1] != answers[-1]:
            return NOT_A_NUMBER
        outcome = expand_leaf(
            leaf, control, numbers, context, states, parent, action, cost, prior, visits, total, first_child, num_children, live,
            flags, slots, answers, successors, actions, costs,
        )  # fmt: skip
        if outcome != 0:
            return outcome
        if live[leaf] == 0 or answers[-1] == -np.inf:
            bury(leaf, parent, live)
            if live[0] == 0:
                return EXHAUSTED
        else:
            backup(leaf, answers[-1], numbers, parent, cost, visits, total)
        control[PHASE] = DESCEND


def add_node(
    node, origin, move, step_cost, chance, parent, action, cost, prior, visits, total, first_child, num_children, live, flags
):  # fmt: skip
    """A fresh node; `live` is -1 until it is expanded, then the number of children not known to be dead."""
    parent[node], action[node], cost[node], prior[node] = origin, move, step_cost, chance
    visits[node], total[node], first_child[node], num_children[node], live[node], flags[node] = 0, 0.0, 0, 0, -1, PENDING


def select(control, numbers, cost, prior, visits, total, first_child, num_children, live):
    """Descend to an unexpanded node by PUCT. An edge not tried yet has the mean return of its parent; ties are broken by the seed."""
    node = 0
    span = numbers[GREATEST] - numbers[LEAST]
    while live[node] > 0:
        here = total[node] / max(1, visits[node])
        scale = numbers[C_PUCT] * math.sqrt(visits[node])
        highest, chosen = -np.inf, -1
        for child in range(first_child[node], first_child[node] + num_children[node]):
            if live[child] == 0:
                continue
            mean = total[child] / visits[child] - cost[child] if visits[child] > 0 else here
            scaled = (mean - numbers[LEAST]) / span if span > 0.0 else 0.5
            score = scaled + scale * prior[child] / (1 + visits[child]) + seeded_tie(child, control[SEED])
            if score > highest:
                highest, chosen = score, child
        node = chosen
    return node


def expand_leaf(
    leaf, control, numbers, context, states, parent, action, cost, prior, visits, total, first_child, num_children, live, flags, slots,
    answers, successors, actions, costs,
):  # fmt: skip
    """Add the new successors of `leaf`. Returns SOLVED when one is a goal, NOT_A_NUMBER when the prior is none, else 0."""
    count = expand(states[leaf], context, successors, actions, costs)
    control[GENERATED] += count
    log_total = log_sum_exp(answers, actions, count, numbers[TEMPERATURE])
    if log_total != log_total:
        return NOT_A_NUMBER
    first_child[leaf], live[leaf] = control[NODES], 0
    for number in range(count):
        slot, known = find_slot(successors[number], states, slots, control[MASK])
        if known != EMPTY:
            continue
        kind = classify(successors[number], context)
        if kind == DEAD:
            continue
        child = control[NODES]
        copy_row(states[child], successors[number])
        fill_slot(slots, slot, successors[number], child, control[MASK])
        chance = math.exp(answers[actions[number]] / numbers[TEMPERATURE] - log_total)
        add_node(
            child, leaf, actions[number], costs[number], chance,
            parent, action, cost, prior, visits, total, first_child, num_children, live, flags,
        )  # fmt: skip
        control[NODES] += 1
        live[leaf] += 1
        if kind == GOAL:
            control[GOAL_NODE] = child
            return SOLVED
    num_children[leaf] = live[leaf]
    return 0


def backup(leaf, value, numbers, parent, cost, visits, total):
    """Add the return of this simulation to every node on the path; totals are from the node on, without the cost of reaching it."""
    node, back = leaf, value
    while node >= 0:
        visits[node] += 1
        total[node] += back
        numbers[LEAST], numbers[GREATEST] = min(numbers[LEAST], back), max(numbers[GREATEST], back)
        back -= cost[node]
        node = parent[node]


def bury(node, parent, live):
    """Take a node without live children out of its ancestors' choices."""
    live[node] = 0
    while parent[node] >= 0:
        node = parent[node]
        live[node] -= 1
        if live[node] > 0:
            break


def mcts(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None = None,
    *,
    c_puct: float = 1.25,
    temperature: float = 1.0,
    budget: Budget | None = None,
    seed: int = 0,
) -> SearchResult:
    """PUCT from `state` [W] with the value and prior of `evaluator` (a masked head reads 0 or uniform) until a goal is generated.

    c_puct weighs the prior against the scaled Q; temperature divides the prior's logits. One simulation is one expansion and,
    when any head informs, one evaluation. Besides the plan the result has the root's mean value and its visit shares.
    """
    evaluator, budget = evaluator or default_evaluator(domain), budget or Budget()
    check_options(c_puct=c_puct, temperature=temperature)
    if temperature == 0:
        raise ValueError("Option temperature is 0, but it divides the prior's logits; give a small one, such as 0.01.")
    rules, tables = kernel_face(domain, evaluator)
    kernel = domain.bind(mcts_kernel, **rules)
    nodes: Arrays = {"states": np.zeros((0, domain.num_words), np.uint64)}
    nodes.update((name, np.zeros(0, kind)) for name, kind in NODE_TYPES.items())
    answers, buffers = np.zeros(domain.num_actions + 1), domain.expansion_buffers()
    drive = Drive(domain, state, evaluator, budget, seed, domain.num_actions, nodes, scratch=(answers, *buffers))
    control, numbers = drive.control, np.array([0.0, 0.0, temperature, c_puct])
    control[CHARGED] = bool(evaluator.heads & {"value", "prior"})

    def call() -> int:
        return kernel(control, numbers, domain.context, tables, *drive.nodes.values(), drive.slots, answers, *buffers)

    def answer_leaf() -> None:
        leaf = int(control[LEAF])
        answer = drive.ask(drive.nodes["states"][leaf : leaf + 1])
        answers[:-1] = 0.0 if answer.prior_logits is None else answer.prior_logits[0]
        answers[-1] = 0.0 if answer.value is None else answer.value[0]

    status = drive.run(call, {ASK_VALUE: answer_leaf})
    goal = int(control[GOAL_NODE])
    plan = trace_plan(drive.nodes["parent"], drive.nodes["action"], goal) if goal >= 0 else None
    return drive.result(status, plan, lambda cost: 0.0, **root_statistics(drive))


NODE_TYPES = {
    "parent": np.int32, "action": np.int16, "cost": np.float32, "prior": np.float32, "visits": np.int32, "total": np.float64,
    "first_child": np.int32, "num_children": np.int16, "live": np.int16, "flags": np.int8,
}  # fmt: skip


def root_statistics(drive: Drive) -> dict[str, object]:
    """The root's mean return and the visit shares of its actions, when there were any simulations below it."""
    nodes = drive.nodes
    if not drive.control[NODES] or not nodes["visits"][0]:
        return {}
    children = slice(int(nodes["first_child"][0]), int(nodes["first_child"][0] + nodes["num_children"][0]))
    shares = np.zeros(drive.domain.num_actions)
    if not nodes["visits"][children].sum():
        return {}
    shares[nodes["action"][children]] = nodes["visits"][children]
    return {"value": float(nodes["total"][0] / nodes["visits"][0]), "action_weights": shares / shares.sum()}
