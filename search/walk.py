"""Walks: step by step towards the goal on the word of one head, without a frontier. Argmax once, or sampling with restarts.

At each state the successors are made, those already visited on this walk (and dead ends) are put aside, and one of the rest is
taken: the best by policy logit, by q, or by -cost + value of the successor (one-ply greedy); with a temperature above 0 it is
sampled from the softmax of these scores. A walk ends at a goal, when stuck, or after `max_steps`; then argmax gives up and
sampling starts again at the root. What was judged once is remembered, so a state never costs a second evaluation.

Read next: beam.py (many walks abreast), best_first.py (never forgets a branch).
"""

import math
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain, expand
from astarzero.envs.evaluation import Evaluator, node_prior, node_q, node_value
from astarzero.envs.state_table import EMPTY, add_row, copy_row, fill_slot, find_slot

from astarzero.search.drive import (  # isort: skip
    ASK, BUDGET_MET, EXHAUSTED, EXPANSIONS, FREE, GENERATED, GOAL_NODE, GROW, INLINE, MASK, MAX_EXPANSIONS, NODES, NOT_A_NUMBER, PHASE,
    SEED, SLICE, SLICE_END, SOLVED, Arrays, Drive, check_options,
)  # fmt: skip
from astarzero.search.evaluator import default_evaluator, kernel_face
from astarzero.search.frontier import JITTER, seeded_tie
from astarzero.search.node import DEAD, GOAL, PENDING, classify
from astarzero.search.questions import ask_about_new, charge, hear_prior, hear_q, heard_value, write_question
from astarzero.search.result import UNLIMITED, Budget, SearchResult

PRIOR, Q, VALUE = 0, 1, 2
HEADS = {"prior": PRIOR, "q": Q, "value": VALUE}
JUDGED = 16  # flag of a node: its prior or q has been asked for
START, ARRIVE, QUESTION, CHOOSE = range(4)
HEAD, CHARGED, STEPS, MAX_STEPS, WALKS, NODE, COUNT, FIRST_NEW, GOAL_ON_GENERATION, DRAWS = range(FREE, FREE + 10)  # cells of `control`


def walk_kernel(
    control, temperature, context, tables, papers, states, value, scores, flags, visit, slots, moves, children, successors, actions, costs
):  # fmt: skip
    """Runs until it ends or must stop: see best_first_kernel. `visit[n]` is the number of the walk that last stood on node n."""
    if control[PHASE] == START:
        add_row(0, states, slots, control[MASK])
        flags[0] = classify(states[0], context)
        scores[0] = 0.0
        control[NODES], control[NODE], control[STEPS], control[WALKS] = 1, 0, 0, 1
        visit[0] = 1
        if flags[0] == DEAD:
            return EXHAUSTED
        control[PHASE] = ARRIVE
    while True:
        node = control[NODE]
        if control[PHASE] == ARRIVE:
            if flags[node] & GOAL:
                control[GOAL_NODE] = node
                return SOLVED
            if control[EXPANSIONS] >= control[SLICE_END]:
                return SLICE
            if control[NODES] + actions.shape[0] > states.shape[0]:
                return GROW
            if control[EXPANSIONS] >= control[MAX_EXPANSIONS]:
                return BUDGET_MET
            if make_children(
                node, control, context, states, value, scores, flags, visit, slots, moves, children, successors, actions, costs
            ):  # fmt: skip
                return SOLVED
            control[PHASE] = QUESTION
        if control[PHASE] == QUESTION:
            said = 0
            if control[CHARGED] and control[HEAD] == VALUE:
                said = ask_about_new(control[FIRST_NEW], control[NODES], states, flags, control, context, papers)
            elif control[CHARGED] and not flags[node] & JUDGED:
                said = charge(1, control, papers)
                if said == 0 and not control[INLINE]:
                    write_question(0, states[node], context, papers)
                    said = ASK
            if said == 0 or said == ASK:
                control[PHASE] = CHOOSE
            if said != 0:
                return said
        if control[INLINE]:
            judge(node, control, context, tables, states, value, scores, flags, children)
        elif control[CHARGED]:
            hear(node, control, papers, value, scores, flags)
        for child in range(control[FIRST_NEW], control[NODES]):
            flags[child] &= ~PENDING
        flags[node] |= JUDGED
        choice = choose(node, control, temperature, value, scores, flags, visit, children, actions, costs)
        if choice == -2:
            return NOT_A_NUMBER
        if choice < 0 or control[STEPS] + 1 > control[MAX_STEPS]:
            if temperature <= 0.0:
                return EXHAUSTED
            control[WALKS] += 1
            control[STEPS], control[NODE] = 0, 0
            visit[0] = control[WALKS]
        else:
            moves[control[STEPS]] = actions[choice]
            control[STEPS] += 1
            control[NODE] = children[choice]
            visit[children[choice]] = control[WALKS]
        control[PHASE] = ARRIVE


def make_children(node, control, context, states, value, scores, flags, visit, slots, moves, children, successors, actions, costs):
    """Write the successors of `node`, remember new ones. True when one is a goal and that ends the search."""
    control[EXPANSIONS] += 1
    control[FIRST_NEW] = control[NODES]
    control[COUNT] = expand(states[node], context, successors, actions, costs)
    control[GENERATED] += control[COUNT]
    for number in range(control[COUNT]):
        slot, child = find_slot(successors[number], states, slots, control[MASK])
        if child == EMPTY:
            child = control[NODES]
            control[NODES] += 1
            copy_row(states[child], successors[number])
            fill_slot(slots, slot, successors[number], child, control[MASK])
            flags[child] = classify(states[child], context)
            visit[child], value[child] = 0, 0.0
            if control[HEAD] != VALUE:
                scores[child] = 0.0
        children[number] = child
        if flags[child] & GOAL and control[GOAL_ON_GENERATION]:
            control[GOAL_NODE] = child
            moves[control[STEPS]] = actions[number]
            control[STEPS] += 1
            return True
    return False


def judge(node, control, context, tables, states, value, scores, flags, children):
    """Ask the compiled evaluator for what is not known yet."""
    if control[HEAD] == VALUE:
        for number in range(control[COUNT]):
            child = children[number]
            if flags[child] & PENDING and child >= control[FIRST_NEW]:
                value[child] = node_value(states[child], states[child], 0.0, -1, context, tables)
    elif not flags[node] & JUDGED:
        if control[HEAD] == Q:
            node_q(states[node], context, tables, scores[node])
        else:
            node_prior(states[node], context, tables, scores[node])


def hear(node, control, papers, value, scores, flags):
    """Read what was answered at the desk: likewise."""
    if control[HEAD] == VALUE:
        place = 0
        for child in range(control[FIRST_NEW], control[NODES]):
            if flags[child] & PENDING:
                value[child] = heard_value(place, papers)
                place += 1
    elif not flags[node] & JUDGED:
        if control[HEAD] == Q:
            hear_q(scores[node], 0, papers)
        else:
            hear_prior(scores[node], 0, papers)


def choose(node, control, temperature, value, scores, flags, visit, children, actions, costs):
    """Number of the successor to take; -1 when stuck, -2 when a score is not a number. Ties are broken by the seed."""
    highest, chosen = -np.inf, -1
    for number in range(control[COUNT]):
        child = children[number]
        if flags[child] & DEAD or visit[child] == control[WALKS]:
            continue
        if control[HEAD] != VALUE:
            score = np.float64(scores[node, actions[number]])
        else:
            score = (0.0 if flags[child] & GOAL else value[child]) - costs[number]
        if score != score:
            return -2
        if score == -np.inf:
            continue
        control[DRAWS] += 1
        noise = (seeded_tie(control[DRAWS], control[SEED]) / JITTER + 1e-12) / (1.0 + 2e-12)  # uniform on (0, 1)
        if temperature > 0.0:  # Gumbel-max: the argmax of score / T + Gumbel noise is a sample of the softmax
            score = score / temperature - math.log(-math.log(noise))
        else:
            score += JITTER * noise
        if score > highest:
            highest, chosen = score, number
    return chosen


def walk(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None = None,
    *,
    head: str = "prior",
    temperature: float = 0.0,
    max_steps: int = 1000,
    goal_test: str = "selection",
    budget: Budget | None = None,
    seed: int = 0,
) -> SearchResult:
    """Walk from `state` [W] on one head ("prior", "q" or "value") of `evaluator`.

    temperature 0 takes the best successor and gives up (EXHAUSTED) when stuck or after max_steps; above 0 it samples, in the
    head's own units (nats for the prior, cost for value and q), and starts again until expansions or seconds end.
    A goal found by goal_test "generation" is seen among the successors; by "selection" only when stepped on.
    """
    evaluator, budget = evaluator or default_evaluator(domain), budget or Budget()
    check_options(head=head, temperature=temperature, max_steps=max_steps, goal_test=goal_test)
    if temperature > 0 and budget.expansions == UNLIMITED and budget.seconds == math.inf:  # it evaluates and holds a state only once
        raise ValueError("Sampling with restarts may never end; limit its expansions or seconds, as by Budget(expansions=10_000).")
    rules, tables = kernel_face(domain, evaluator)
    kernel = domain.bind(walk_kernel, **rules)
    nodes: Arrays = {
        "states": np.zeros((0, domain.num_words), np.uint64), "value": np.zeros(0, np.float32),
        "scores": np.zeros((0, domain.num_actions) if head != "value" else (1, domain.num_actions), np.float32),
        "flags": np.zeros(0, np.int8), "visit": np.zeros(0, np.int32),
    }  # fmt: skip
    moves, temperature = np.zeros(max_steps + 1, np.int64), float(temperature)
    scratch = (moves, np.zeros(domain.num_actions, np.int64), *domain.expansion_buffers())
    most = domain.num_actions  # states of a round
    drive = Drive(domain, state, evaluator, budget, seed, most, nodes, scratch=scratch, heads={head}, asks=most)
    control = drive.control
    control[HEAD], control[MAX_STEPS], control[CHARGED] = HEADS[head], max_steps, head in evaluator.heads
    control[GOAL_ON_GENERATION] = goal_test == "generation"

    def gather() -> tuple[Any, ...]:
        return control, temperature, domain.context, tables, drive.desk.papers, *drive.nodes.values(), drive.slots, *scratch

    status = drive.run(kernel, gather)
    plan = tuple(int(move) for move in moves[: control[STEPS]]) if control[GOAL_NODE] >= 0 else None
    return drive.result(status, plan, lambda cost: 0.0)
