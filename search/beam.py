"""Beam search: level by level, keep the `width` best. Policy, value, Q beams and mixtures are the same loop with another score.

A candidate's key (smaller is better) is the negative log-probability of its path (prior), g + w h (value), g + w (-q) of the
pair that made it (q), or a mixture of the first with one of the others. States met before are dropped; of two paths that meet on
one level the better key stays. No branch that was cut is taken up again, so a beam may end EXHAUSTED on a solvable problem, and
it proves no bound.

A state is judged once: for its value when it is generated, for its policy or q when it is expanded. A mixture of value and policy
takes both from one evaluation on generation; the policies of a level's candidates, 4 A bytes each, wait until it is cut.

Source: Lowerre 1976; with a policy over puzzles: Takano 2023 (EfficientCube).
Read next: walk.py (width 1, with another loop rule), best_first.py (no cut).
"""

from typing import Any

import numpy as np

from astarzero.envs.domain import Domain, expand
from astarzero.envs.evaluation import Evaluator, node_prior, node_q, node_value
from astarzero.envs.state_table import EMPTY, add_row, copy_row, fill_slot, find_slot
from astarzero.search.best_first import log_sum_exp

from astarzero.search.drive import (  # isort: skip
    ASK, BUDGET_MET, EVALUATIONS, EXHAUSTED, EXPANSIONS, FREE, GENERATED, GOAL_NODE, GROW, INLINE, MASK, MAX_EVALUATIONS, MAX_EXPANSIONS,
    NODES, NOT_A_NUMBER, PHASE, SEED, SLICE, SLICE_END, SOLVED, Arrays, Drive, check_options, trace_plan,
)  # fmt: skip
from astarzero.search.evaluator import default_evaluator, kernel_face
from astarzero.search.frontier import entry_type, pop, push, seeded_tie
from astarzero.search.node import GOAL, PENDING, classify, judged_cost
from astarzero.search.questions import ask_about_new, charge, hear_prior, hear_q, heard_value, write_question
from astarzero.search.result import Budget, SearchResult
from astarzero.search.walk import HEADS, Q

START, LEVEL, GENERATE, JUDGE, CUT = range(5)
# cells of `control`; CHARGED_*: asking for the expanded or the new is an evaluation; KEPT: policies come with values
HEAD, WIDTH, BEAM, FIRST_NEW, DEPTH, MAX_STEPS, GOAL_ON_GENERATION, TRIMMED = range(FREE, FREE + 8)
POLICY, KEPT, CHARGED_EXPANDED, CHARGED_NEW = range(FREE + 8, FREE + 12)
WEIGHT, SHARE, MIX = range(3)  # of `numbers`: of h or -q, and what it and the policy have of the key


def beam_kernel(
    control, numbers, context, tables, papers, states, g, key, log_prob, parent, action, flags, slots, beam, scores, logits, fresh,
    heap, successors, actions, costs,
):  # fmt: skip
    """Runs until it ends or must stop: see best_first_kernel.

    `beam[:BEAM]` is this level, `scores` [width, A] its q, `logits` [width, A] its policies; `fresh` [width * A, A] holds those of
    its successors, from FIRST_NEW on, where policies come with values.
    """
    if control[PHASE] == START:  # row 0 of `states` is the root
        g[0], key[0], log_prob[0], parent[0], action[0] = 0.0, 0.0, 0.0, -1, -1
        add_row(0, states, slots, control[MASK])
        flags[0] = classify(states[0], context)
        control[NODES], control[BEAM], control[DEPTH], control[PHASE] = 1, 1, 0, LEVEL
        beam[0] = 0
        if flags[0] == GOAL:
            control[GOAL_NODE] = 0
            return SOLVED
        if flags[0] != PENDING:
            return EXHAUSTED
        if control[KEPT]:  # the root's policy is wanted, so it is judged like a candidate
            control[FIRST_NEW], control[DEPTH], control[PHASE] = 0, -1, JUDGE
    while True:
        if control[PHASE] == LEVEL:
            if control[EXPANSIONS] >= control[SLICE_END]:
                return SLICE
            if control[NODES] + control[BEAM] * actions.shape[0] > states.shape[0]:
                return GROW
            if control[DEPTH] >= control[MAX_STEPS]:
                return EXHAUSTED
            allowed = control[MAX_EXPANSIONS] - control[EXPANSIONS]
            if control[CHARGED_EXPANDED]:
                allowed = min(allowed, control[MAX_EVALUATIONS] - control[EVALUATIONS])
            if control[BEAM] > allowed:  # the budget cuts the level short
                control[BEAM], control[TRIMMED] = allowed, 1
            if control[BEAM] == 0:
                return BUDGET_MET
            control[EXPANSIONS] += control[BEAM]
            control[PHASE] = GENERATE
            if control[CHARGED_EXPANDED]:
                charge(control[BEAM], control, papers)  # never refused: cut above, and the desk has room for a whole beam
                if not control[INLINE]:
                    for number in range(control[BEAM]):
                        write_question(number, states[beam[number]], context, papers)
                    return ASK
        if control[PHASE] == GENERATE:
            control[FIRST_NEW] = control[NODES]
            for number in range(control[BEAM]):
                if control[INLINE] and control[POLICY] and not control[KEPT]:
                    node_prior(states[beam[number]], context, tables, logits[number])
                if control[INLINE] and control[HEAD] == Q:
                    node_q(states[beam[number]], context, tables, scores[number])
                if control[CHARGED_EXPANDED] and not control[INLINE]:  # a head that was not asked for reads 0
                    hear_prior(logits[number], number, papers)
                    hear_q(scores[number], number, papers)
                if make_candidates(
                    beam[number], scores[number], logits[number], control, numbers, context, states, g, key, log_prob, parent, action,
                    flags, slots, successors, actions, costs,
                ):  # fmt: skip
                    return SOLVED
            control[PHASE] = JUDGE
        if control[PHASE] == JUDGE and control[CHARGED_NEW]:
            said = ask_about_new(control[FIRST_NEW], control[NODES], states, flags, control, context, papers)
            if said == ASK:
                control[PHASE] = CUT
            if said != 0:
                return said
        size, asked = 0, 0
        for node in range(control[FIRST_NEW], control[NODES]):
            if flags[node] == PENDING and control[CHARGED_NEW]:
                if control[INLINE]:
                    value = node_value(states[node], states[node], 0.0, -1, context, tables)
                else:
                    value = heard_value(asked, papers)
                key[node] += numbers[SHARE] * numbers[WEIGHT] * judged_cost(value)
                if control[KEPT] and control[INLINE]:
                    node_prior(states[node], context, tables, fresh[node - control[FIRST_NEW]])
                elif control[KEPT] and not hear_prior(fresh[node - control[FIRST_NEW]], asked, papers):
                    return NOT_A_NUMBER
                asked += 1
            if key[node] != key[node]:
                return NOT_A_NUMBER
            if flags[node] & (GOAL | PENDING) and key[node] < np.inf:
                push(heap, size, key[node], seeded_tie(node, control[SEED]), node)
                size += 1
            flags[node] &= ~PENDING
        control[BEAM] = 0
        while size > 0 and control[BEAM] < control[WIDTH]:
            node = heap[0]["item"]
            if flags[node] & GOAL:
                control[GOAL_NODE] = node
                return SOLVED
            beam[control[BEAM]] = node
            if control[KEPT]:
                copy_row(logits[control[BEAM]], fresh[node - control[FIRST_NEW]])
            control[BEAM] += 1
            pop(heap, size)
            size -= 1
        if control[BEAM] == 0:
            return BUDGET_MET if control[TRIMMED] else EXHAUSTED
        control[DEPTH] += 1
        control[PHASE] = LEVEL


def make_candidates(
    node, scores, logits, control, numbers, context, states, g, key, log_prob, parent, action, flags, slots, successors, actions, costs
):  # fmt: skip
    """Write the new successors of one beam node and their keys, h excepted. True when one is a goal and that ends the search."""
    count = expand(states[node], context, successors, actions, costs)
    control[GENERATED] += count
    total = log_sum_exp(logits, actions, count, 1.0) if control[POLICY] else 0.0
    for place in range(count):
        child_g = np.float32(g[node] + costs[place])  # as it is stored, and added to h
        child_key, child_log_prob = np.float64(child_g), 0.0
        if control[HEAD] == Q:
            child_key = g[node] + numbers[WEIGHT] * judged_cost(scores[actions[place]])
        if control[POLICY]:
            child_log_prob = log_prob[node] + (logits[actions[place]] - total)
        child_key = numbers[SHARE] * child_key - numbers[MIX] * child_log_prob
        slot, child = find_slot(successors[place], states, slots, control[MASK])
        if child == EMPTY:
            child = control[NODES]
            control[NODES] += 1
            copy_row(states[child], successors[place])
            fill_slot(slots, slot, successors[place], child, control[MASK])
            flags[child] = classify(states[child], context)
        elif child < control[FIRST_NEW] or child_key >= key[child]:
            continue
        g[child], key[child], parent[child], action[child] = child_g, child_key, node, actions[place]
        if control[POLICY]:
            log_prob[child] = child_log_prob
        if flags[child] & GOAL and control[GOAL_ON_GENERATION]:
            control[GOAL_NODE] = child
            return True
    return False


def beam_search(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None = None,
    *,
    head: str = "prior",
    mix: float = 0.0,
    width: int = 16,
    weight: float = 1.0,
    max_steps: int = 1000,
    goal_test: str = "selection",
    budget: Budget | None = None,
    seed: int = 0,
) -> SearchResult:
    """Beam search from `state` [W] on one head ("prior", "q" or "value") of `evaluator`; `weight` multiplies h or -q.

    mix, from 0 to 1, is the share of the policy in the key of a value or q beam: (1 - mix) (g + w h) + mix (-log pi(path)), in
    cost and nats. At 0 and 1 the head without a share is neither read nor paid for.
    EXHAUSTED means that no candidate was left or max_steps levels were searched, not that there is no plan.
    goal_test "generation" takes a goal as soon as it is made, "selection" when it is among the best `width` of its level.
    """
    evaluator, budget = evaluator or default_evaluator(domain), budget or Budget()
    check_options(head=head, mix=mix, width=width, weight=weight, max_steps=max_steps, goal_test=goal_test)
    head, mix = ("prior", 1.0) if head == "prior" or mix == 1 else (head, mix)
    informative = evaluator.heads & {head, "prior" if mix else head}
    keeps_prior = informative == {"value", "prior"}
    rules, tables = kernel_face(domain, evaluator)
    kernel = domain.bind(beam_kernel, **rules)
    nodes: Arrays = {
        "states": np.zeros((0, domain.num_words), np.uint64), "g": np.zeros(0, np.float32), "key": np.zeros(0, np.float64),
        "log_prob": np.zeros(0 if mix else 1, np.float64), "parent": np.zeros(0, np.int32), "action": np.zeros(0, np.int16),
        "flags": np.zeros(0, np.int8),
    }  # fmt: skip
    room, beam = width * domain.num_actions, np.zeros(width, np.int64)
    scores, logits, fresh = (np.zeros((rows, domain.num_actions), np.float32) for rows in (width, width, room if keeps_prior else 1))
    scratch = (beam, scores, logits, fresh, np.zeros(room, entry_type(np.int32)), *domain.expansion_buffers())
    drive = Drive(domain, state, evaluator, budget, seed, room, nodes, scratch=scratch, heads=informative, asks=width)
    control, numbers = drive.control, np.array([weight, 1.0 - mix, mix])
    control[HEAD], control[WIDTH], control[MAX_STEPS] = HEADS[head], width, max_steps
    control[POLICY], control[KEPT] = mix > 0, keeps_prior
    control[CHARGED_NEW] = "value" in informative
    control[CHARGED_EXPANDED] = bool(informative) and not control[CHARGED_NEW]
    control[GOAL_ON_GENERATION] = goal_test == "generation"

    def gather() -> tuple[Any, ...]:
        return control, numbers, domain.context, tables, drive.desk.papers, *drive.nodes.values(), drive.slots, *scratch

    status = drive.run(kernel, gather)
    goal = int(control[GOAL_NODE])
    plan = trace_plan(drive.nodes["parent"], drive.nodes["action"], goal)
    return drive.result(status, plan if goal >= 0 else None, lambda cost: 0.0)
