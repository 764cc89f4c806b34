"""Best-first search with two guides: an admissible bound says what is proven, an evaluator (a net, say) says where to look.

Every open node waits in one of two heaps by f = g + h of the bound: `waiting`, or `admitted` once it may be looked at. Admitted
nodes stand in a third heap, `guided`, by the evaluator's estimate. The least f of all open nodes is a lower bound of the
optimum (Hart et al. 1968, lemma 1); its greatest value so far, L, is kept, so that what is admitted once stays so.

What makes it safe. A closed node is opened again on a better g: the guide closes nodes whose g is not the least even if the bound
is consistent. The best plan known costs U: the search ends as soon as U <= promise * L, whether the plan or the bound came
last; nodes with f >= U are left out. What the guide calls a dead end comes last and is not lost.

What makes it cheap, where a rule costs a microsecond and a net a hundred. *A plan must be believed possible*: until promise * L
reaches what the guide says of the root, nodes are expanded by the bound alone, as they would have to be for the proof anyhow.
*The guide is asked late* (Tolpin et al. 2013, lazy A*): a node stands in `guided` under the bound's h and what the guide added to
it at the nearest judged ancestor, until it surfaces; an estimate is never below the bound's h. *The bound rises beside the search*:
for every node that the guide looks at, `proof` nodes of least f are expanded unasked. So whatever the guide says, it is asked at
most 1 / proof as often as the bound alone would have expanded nodes, re-openings apart (with proof 0 nothing protects from it).

A node takes 27 bytes for a one-word row, 8 to 16 in the table, 12 an entry of each heap. Read next: focal.py, anytime.py, packed_heap.py.
"""

import inspect
from typing import Any

import numpy as np

from astarzero.envs.compile import hook
from astarzero.envs.domain import Domain, expand, value_of
from astarzero.envs.evaluation import Evaluator, node_value
from astarzero.envs.state_table import EMPTY, add_row, copy_row, fill_slot, find_slot

from astarzero.search.drive import (  # isort: skip
    ASK, BUDGET_MET, ENTRIES, EVALUATIONS, EXHAUSTED, EXPANSIONS, FIRST_OWN_CODE, FREE, GENERATED, GOAL_NODE, GROW, INLINE,
    MASK, MAX_EVALUATIONS, MAX_EXPANSIONS, NODES, NOT_A_NUMBER, PHASE, SEED, SLICE, SLICE_END, SOLVED, Arrays, Drive, check_options,
    trace_plan,
)  # fmt: skip
from astarzero.search.evaluator import from_heuristic, kernel_face
from astarzero.search.frontier import SHIFT_32, seeded_bits
from astarzero.search.node import CLOSED, DEAD, GOAL, PENDING, classify, judged_cost
from astarzero.search.packed_heap import best_entry, best_node, least_priority, pack, pop, priority_of, push
from astarzero.search.questions import charge, heard_value, write_question
from astarzero.search.result import Budget, SearchResult, Solution

ONE = np.uint64(1)
PROOF = 16  # nodes of least f for each that a net looks at: still a fraction of the net's time
START, SELECT, JUDGE, EXPAND = range(4)
IMPROVED, NO_BOUND = FIRST_OWN_CODE, FIRST_OWN_CODE + 1
# cells of `control`; the first FRESH of `asked` wait for their judgement, the first TAKEN of `taken` for expansion
BATCH, CHARGED, TAKEN, FRESH, WAITING, ADMITTED, GUIDED, PROOFS, DUE, EVERYWHERE, NEW_PLAN = range(FREE, FREE + 11)
PROMISE, LOWER, UPPER, BELIEF, G_WEIGHT, H_WEIGHT = range(6)  # cells of `numbers`


@hook
def bound_value(state, parent, parent_value, action, context, tables):
    """`node_value` of the admissible bound."""
    raise NotImplementedError


def value_by_rules(state, parent, parent_value, action, context, tables):
    """Bound with the bound's own rules, this is the rule for `bound_value`."""
    return node_value(state, parent, parent_value, action, context, tables)


def bounded_kernel(
    control, numbers, context, tables, bound_tables, papers, states, g, h, estimate, parent, action, flags, slots, waiting, admitted,
    guided, taken, asked, rows, actions, costs,
):  # fmt: skip
    """Runs until it has something to say and is called again: see best_first_kernel. IMPROVED: there is a better plan."""
    if control[PHASE] == START:  # row 0 of `states` is the root
        parent[0], action[0], g[0], estimate[0] = -1, -1, 0.0, 0.0
        add_row(0, states, slots, control[MASK])
        control[NODES], control[PHASE] = 1, SELECT
        if not enter(0, 0, control, numbers, context, bound_tables, states, g, h, estimate, parent, action, flags,
                     waiting, admitted, guided):  # fmt: skip
            return NO_BOUND
    while True:
        if control[PHASE] == SELECT:
            room = control[BATCH] * (actions.shape[0] + 1)  # a round's successors, and those asked that go back
            outcome = settle(control, numbers, states, g, h, estimate, flags, waiting, admitted, guided, room)
            if outcome != 0:
                return outcome
            if control[DUE] > 0 or reach(control, numbers) < numbers[BELIEF]:
                take_by_bound(control, flags, admitted, taken)
            else:
                take_by_guide(control, numbers, g, h, estimate, flags, guided, taken, asked)
            if control[TAKEN] + control[FRESH] == 0:
                return BUDGET_MET
            control[PHASE] = JUDGE
        if control[PHASE] == JUDGE:
            control[PHASE] = EXPAND
            charge(control[FRESH], control, papers)  # `taken` and `asked` keep within limits
            if control[FRESH] > 0 and not control[INLINE]:
                for number in range(control[FRESH]):
                    write_question(number, states[asked[number]], context, papers)
                return ASK
        for number in range(control[FRESH]):
            node = asked[number]
            if control[INLINE]:
                value = node_value(states[node], states[node], 0.0, -1, context, tables)
            else:
                value = heard_value(number, papers)
            estimate[node] = judged_cost(value)
            if estimate[node] != estimate[node]:
                return NOT_A_NUMBER
            estimate[node] = max(estimate[node], h[node])
            guide(node, control, numbers, g, h, estimate, guided)
            if node == 0:
                numbers[BELIEF] = estimate[0]
        for number in range(control[TAKEN]):
            if not generate(taken[number], control, numbers, context, bound_tables, states, g, h, estimate, parent, action, flags, slots,
                            waiting, admitted, guided, rows, actions, costs):  # fmt: skip
                return NO_BOUND
        control[PHASE] = SELECT


def reach(control, numbers):
    """Nodes with f up to here are admitted."""
    return np.inf if control[EVERYWHERE] else numbers[PROMISE] * numbers[LOWER]


def by_bound(node, g, h):
    """The entry of `node` in `waiting` or `admitted`."""
    return pack(np.float64(g[node]) + h[node], h[node])


def by_guide(node, numbers, g, h, estimate):
    """The entry of `node` in `guided`."""
    return pack(numbers[G_WEIGHT] * g[node] + numbers[H_WEIGHT] * estimate[node], h[node])


def guide(node, control, numbers, g, h, estimate, guided):
    push(guided, control[GUIDED], by_guide(node, numbers, g, h, estimate), node)
    control[GUIDED] += 1


def settle(control, numbers, states, g, h, estimate, flags, waiting, admitted, guided, room):
    """Raise the bound, admit what it lets in, and see whether that is the end. 0 when the search goes on."""
    if control[NEW_PLAN]:
        control[NEW_PLAN] = 0
        return IMPROVED
    if control[EXPANSIONS] >= control[SLICE_END]:
        return SLICE
    control[ENTRIES] = max(control[WAITING], max(control[ADMITTED], control[GUIDED]))
    if control[NODES] + room > states.shape[0] or control[ENTRIES] + room > guided[0].shape[0]:
        return GROW
    control[ADMITTED] = drop_old(admitted, control[ADMITTED], g, h, flags)
    least = least_priority(admitted, control[ADMITTED])
    if control[ADMITTED] == 0:
        control[WAITING] = drop_old(waiting, control[WAITING], g, h, flags)
        least = least_priority(waiting, control[WAITING])
    numbers[LOWER] = max(numbers[LOWER], min(least, numbers[UPPER]))
    if control[GOAL_NODE] >= 0 and numbers[UPPER] <= numbers[PROMISE] * numbers[LOWER]:
        return SOLVED
    if least == np.inf:
        return EXHAUSTED
    while control[WAITING] > 0 and least_priority(waiting, control[WAITING]) <= reach(control, numbers):
        node = best_node(waiting)
        if not flags[node] & CLOSED and best_entry(waiting) == by_bound(node, g, h):
            if max(control[ADMITTED], control[GUIDED]) + room >= guided[0].shape[0]:
                control[ENTRIES] = max(control[ADMITTED], control[GUIDED]) + room
                return GROW
            push(admitted, control[ADMITTED], best_entry(waiting), node)
            control[ADMITTED] += 1
            guide(node, control, numbers, g, h, estimate, guided)
        pop(waiting, control[WAITING])
        control[WAITING] -= 1
    return 0


def drop_old(heap, size, g, h, flags):
    """Take entries off the top that no longer say what their node is worth; returns how many remain."""
    while size > 0:
        node = best_node(heap)
        if not flags[node] & CLOSED and best_entry(heap) == by_bound(node, g, h):
            break
        pop(heap, size)
        size -= 1
    return size


def take_by_bound(control, flags, admitted, taken):
    """The node of least f, unasked: the bound cannot rise before it is expanded. `settle` has seen to it that there is one."""
    control[TAKEN], control[FRESH], control[DUE] = 0, 0, max(0, control[DUE] - 1)
    if control[EXPANSIONS] < control[MAX_EXPANSIONS]:
        taken[0] = best_node(admitted)
        flags[taken[0]] |= CLOSED
        control[TAKEN] = 1
        control[EXPANSIONS] += 1


def take_by_guide(control, numbers, g, h, estimate, flags, guided, taken, asked):
    """The BATCH best nodes by the guide: those it has judged into `taken`, the others into `asked`."""
    count, fresh, last = 0, 0, -1
    while count + fresh < control[BATCH] and control[GUIDED] > 0:
        node = best_node(guided)
        if node != last and not flags[node] & CLOSED and best_entry(guided) == by_guide(node, numbers, g, h, estimate):
            last = node  # one that was expanded unasked and opened again may stand here twice
            if flags[node] & PENDING:
                if control[EVALUATIONS] + fresh >= control[MAX_EVALUATIONS]:
                    break
                flags[node] &= ~PENDING
                asked[fresh] = node
                fresh += 1
            else:
                if control[EXPANSIONS] >= control[MAX_EXPANSIONS]:
                    break
                flags[node] |= CLOSED
                taken[count] = node
                count += 1
                control[EXPANSIONS] += 1
        pop(guided, control[GUIDED])
        control[GUIDED] -= 1
    control[TAKEN], control[FRESH] = count, fresh
    control[DUE] = control[PROOFS] * (count + fresh)


def generate(
    node, control, numbers, context, bound_tables, states, g, h, estimate, parent, action, flags, slots, waiting, admitted, guided,
    rows, actions, costs,
):  # fmt: skip
    """Keep the new successors of `node` and improve the known ones, in an order drawn by the seed. False: the bound gave nan."""
    count = expand(states[node], context, rows, actions, costs)
    control[GENERATED] += count
    bits = seeded_bits(node, control[SEED])
    first, backwards = np.int64((bits >> SHIFT_32) % np.uint64(max(count, 1))), np.int64(bits & ONE)
    for turn in range(count):
        number = (first + turn) % count
        if backwards:
            number = count - 1 - number
        child_g = np.float32(g[node] + costs[number])  # as it is stored, else rounding would pass for a better path
        slot, child = find_slot(rows[number], states, slots, control[MASK])
        if child == EMPTY:
            child = control[NODES]
            control[NODES] += 1
            fill_slot(slots, slot, rows[number], child, control[MASK])
            copy_row(states[child], rows[number])
            parent[child], action[child], g[child] = node, actions[number], child_g
            if not enter(child, node, control, numbers, context, bound_tables, states, g, h, estimate, parent, action,
                         flags, waiting, admitted, guided):  # fmt: skip
                return False
        elif child_g < g[child]:
            is_guided = not flags[child] & CLOSED and np.float32(np.float64(g[child]) + h[child]) <= reach(control, numbers)
            parent[child], action[child], g[child] = node, actions[number], child_g
            flags[child] &= ~CLOSED
            enqueue(child, is_guided, control, numbers, g, h, estimate, flags, waiting, admitted, guided)
    return True


def enter(
    child, origin, control, numbers, context, bound_tables, states, g, h, estimate, parent, action, flags, waiting, admitted, guided
):  # fmt: skip
    """Classify a new node, bound it and put it where it belongs. False when the bound is not a number."""
    flags[child], h[child] = classify(states[child], context), 0.0
    if flags[child] == PENDING:
        h[child] = judged_cost(bound_value(states[child], states[origin], value_of(h[origin]), action[child], context, bound_tables))
        if h[child] != h[child]:
            return False
        if h[child] == np.inf:
            flags[child] = DEAD
        elif not control[CHARGED]:
            flags[child] = 0
    estimate[child] = h[child] + (estimate[origin] - h[origin])
    enqueue(child, False, control, numbers, g, h, estimate, flags, waiting, admitted, guided)
    return True


def enqueue(node, is_guided, control, numbers, g, h, estimate, flags, waiting, admitted, guided):
    """Queue a node that is new or has a better g; a goal becomes the plan. `is_guided`: it has an entry in `guided`."""
    if flags[node] & DEAD:
        return
    if flags[node] & GOAL:
        if g[node] < numbers[UPPER]:
            numbers[UPPER], control[GOAL_NODE], control[NEW_PLAN] = g[node], node, 1
        return
    entry = by_bound(node, g, h)
    if priority_of(entry) >= numbers[UPPER]:
        return
    if priority_of(entry) > reach(control, numbers):
        push(waiting, control[WAITING], entry, node)
        control[WAITING] += 1
        return
    push(admitted, control[ADMITTED], entry, node)
    control[ADMITTED] += 1
    if not is_guided or numbers[G_WEIGHT] > 0.0:
        guide(node, control, numbers, g, h, estimate, guided)


# --- the drive -----------------------------------------------------------------------------------------------------------


def bounding(domain: Domain, bound: Evaluator | None) -> Evaluator:
    """`bound`, or by default the domain's first admissible heuristic. ValueError when it proves nothing or has no rules."""
    good = [name for name, heuristic in domain.heuristics.items() if heuristic.admissible]
    bound = bound or from_heuristic(domain, good[0])
    if not bound.admissible or bound.rules is None:
        fault = "is not admissible, so it proves nothing" if not bound.admissible else "has no compiled rules"
        raise ValueError(f"The bound {bound.name} {fault}; give an admissible heuristic of {domain.name}: {', '.join(good)}.")
    return bound


def bounded_search(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None,
    bound: Evaluator | None,
    *,
    promise: float,
    order: tuple[float, float],
    everywhere: bool,
    batch: int,
    proof: int,
    budget: Budget | None,
    seed: int,
) -> SearchResult:
    """Search from `state` [W] for a plan of cost <= promise * lower_bound; the value head of `evaluator` guides.

    Of the nodes it may look at (everywhere: all) it takes the least order[0] * g + order[1] * estimate.
    """
    bound, budget = bounding(domain, bound), budget or Budget()
    evaluator = evaluator or from_heuristic(domain)
    check_options(batch=batch, proof=proof)
    (rules, tables), (bound_rules, bound_tables) = kernel_face(domain, evaluator), kernel_face(domain, bound)
    kernel = domain.bind(bounded_kernel, **rules, bound_value=inspect.unwrap(domain.bind(value_by_rules, **bound_rules)))
    numbers_of_a_node = {name: np.zeros(0, np.float32) for name in ("g", "h", "estimate")}
    nodes: Arrays = {"states": np.zeros((0, domain.num_words), np.uint64), **numbers_of_a_node}
    nodes |= {"parent": np.zeros(0, np.int32), "action": np.zeros(0, np.int16), "flags": np.zeros(0, np.int8)}
    entries: Arrays = {}
    for heap in ("waiting", "admitted", "guided"):
        entries |= {heap: np.zeros(0, np.uint64), f"{heap} nodes": np.zeros(0, np.int32)}
    room, scratch = batch * (domain.num_actions + 1), (np.zeros(batch, np.int64), np.zeros(batch, np.int64), *domain.expansion_buffers())
    drive = Drive(domain, state, evaluator, budget, seed, room, nodes, entries, scratch=scratch, heads={"value"}, asks=batch)
    control, numbers = drive.control, np.array([promise, 0.0, np.inf, 0.0, *order])
    control[BATCH], control[CHARGED], control[EVERYWHERE], control[PROOFS] = batch, "value" in evaluator.heads, everywhere, proof
    solutions: list[Solution] = []

    def gather() -> tuple[Any, ...]:
        columns = list(drive.entries.values())
        heaps = zip(columns[::2], columns[1::2], strict=True)
        arrays = (*drive.nodes.values(), drive.slots, *heaps, *scratch)
        return control, numbers, domain.context, tables, bound_tables, drive.desk.papers, *arrays

    def improved() -> None:
        solutions.append(Solution(float(numbers[UPPER]), int(control[EXPANSIONS]), int(control[EVALUATIONS]), drive.seconds))

    def no_bound() -> None:
        raise ValueError(f"The bound {bound.name} gave no number for a state; mend the heuristic (inf marks a dead end, nan nothing).")

    status = drive.run(kernel, gather, {IMPROVED: improved, NO_BOUND: no_bound})
    goal = int(control[GOAL_NODE])
    plan = trace_plan(drive.nodes["parent"], drive.nodes["action"], goal) if goal >= 0 else None
    return drive.result(status, plan, lambda cost: float(min(cost, numbers[LOWER])), solutions=tuple(solutions))
