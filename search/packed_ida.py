"""IDA* for worlds that lend a `Descent`: a node is a word, a label and a few notes, and a stack is all there is.

A rule writes what a node leads to straight onto the stack, and a successor above the bound is overwritten by the next one: no
branch depends on what the heuristic says, which no processor could guess.

A descent may also *count* the subtree below a node at once, where a world can do so faster (sliding tiles by Manhattan distance do, see
../envs/tile_recursion.py); it is asked where few nodes can follow. Its answer stands unless the goal is there or a budget would be
exceeded: then the node is expanded like any other, and its successors are asked again, so that limits and plans are exact.

Only the undoing of the last action is left out, as in published programs (Korf 1985), and `generated` and `expansions` equal
theirs: when a goal is found, the successors that a recursion would not have made yet are taken off. `evaluations` counts all.

Read next: ../envs/descent.py, ../envs/manhattan_descent.py (the rules).
"""

from itertools import pairwise

import numpy as np

from astarzero.envs.descent import DEPTH_SHIFT, MADE_SHIFT, PLACE_MASK, SLACK_SHIFT, Descent, count_below, descend
from astarzero.envs.domain import Domain, cost_to_go
from astarzero.envs.evaluation import Evaluator

from astarzero.search.drive import (  # isort: skip
    BUDGET_MET, CALLS, EVALUATIONS, EXPANSIONS, FIRST_OWN_CODE, FREE, GENERATED, MAX_EVALUATIONS, MAX_EXPANSIONS, NODES, SLICE, SLICE_END,
    SOLVED, Drive,
)  # fmt: skip
from astarzero.search.result import Budget, SearchResult, Status

TOP = FREE  # cell of `control`: nodes on the stack
NONE_BELOW = FIRST_OWN_CODE  # the bound must rise
LONGEST = (1 << 10) - 1  # of plans: a path must fit its array
ONE, DEPTH_MASK, DEPTH = np.uint64(1), np.uint64(LONGEST), np.uint64(DEPTH_SHIFT)
PLACES = np.uint64(PLACE_MASK)
NODES_BELOW = (1 << MADE_SHIFT) - 1
FEW = 4 << SLACK_SHIFT  # smaller labels have so little slack that a million nodes may follow: a slice ends some milliseconds late


def packed_kernel(control, goal, counts, tables, boards, labels, notes, path):
    """Search below the nodes of the stack until there is none (NONE_BELOW), a goal is met (SOLVED), or a limit: BUDGET_MET, SLICE.

    goal uint64; counts int64 [places], the successors made at a place; boards uint64 [S], labels int64 [S] and notes uint64 [S, N] are
    the stack, path int64 [D] the places on the way to its top.
    """
    top = np.uint64(control[TOP])
    expansions, evaluations = control[EXPANSIONS], control[EVALUATIONS]
    last, most = min(control[SLICE_END], control[MAX_EXPANSIONS]), control[MAX_EVALUATIONS]
    outcome = NONE_BELOW
    while top > np.uint64(0):
        node = top - ONE
        board, label = boards[node], labels[node]
        place, depth = np.uint64(label) & PLACES, (np.uint64(label) >> DEPTH) & DEPTH_MASK
        path[depth] = place
        if board == goal:
            outcome = SOLVED
            break
        made = counts[place]
        if expansions >= last or evaluations + made > most:
            outcome = SLICE if expansions < control[MAX_EXPANSIONS] and evaluations + made <= most else BUDGET_MET
            break
        below = count_below(board, label) if label < FEW else -1
        nodes, successors = below & NODES_BELOW, below >> MADE_SHIFT
        if below >= 0 and expansions + nodes <= control[MAX_EXPANSIONS] and evaluations + successors <= most:
            expansions += nodes
            evaluations += successors
            top = node
            continue
        expansions += 1
        evaluations += made
        top = descend(board, label, boards, labels, notes, node, tables)
    control[TOP], control[EXPANSIONS], control[EVALUATIONS] = top, expansions, evaluations
    return outcome


def packed_ida(domain: Domain, state: np.ndarray, evaluator: Evaluator, descent: Descent, budget: Budget) -> SearchResult:
    """IDA* from `state` [1] with the heuristic that `descent` walks by, which must be admissible: the plan is optimal.

    It does not notice that a problem is unsolvable (worlds with a `Descent` refuse such problems); ValueError when the bound passes
    LONGEST.
    """
    kernel = domain.bind(packed_kernel, descend=descent.rule, count_below=descent.count_below)
    paths = {"states": np.zeros((1, domain.num_words), np.uint64)}
    root = domain.check_states(state)[0]
    place, root_notes = descent.root(root)
    size = descent.branching * (LONGEST + 1)
    boards, labels, notes = np.zeros(size, np.uint64), np.zeros(size, np.int64), np.zeros((size, len(root_notes)), np.uint64)
    path = np.zeros(LONGEST + 1, np.int64)
    scratch = (boards, labels, notes, path)
    drive = Drive(domain, state, evaluator, budget, 0, 1, paths, scratch=scratch, has_table=False)
    control, counts, (goal,) = drive.control, descent.counts, descent.goal
    value = evaluator.evaluate(root[None]).value
    assert value is not None  # a heuristic lends a descent only together with its value
    bound = h = int(cost_to_go(value[0]))
    control[NODES] = 1
    if budget.evaluations >= 1 and root[0] != goal:
        control[EVALUATIONS] = 1

    def begin() -> None:
        boards[0], notes[0], control[TOP] = root[0], root_notes, 1
        labels[0] = ((bound - h) // descent.rise << SLACK_SHIFT) | place

    def deepen() -> None:
        nonlocal bound
        bound += descent.rise
        if bound > LONGEST:
            raise ValueError(f"No plan of {domain.name} from {domain.format(root)} has at most {LONGEST} steps; give another state.")
        begin()

    begin()
    status = drive.run(kernel, lambda: (control, goal, counts, descent.tables, boards, labels, notes, path), {NONE_BELOW: deepen})
    made = int(control[EVALUATIONS]) - 1  # without the root
    plan = None
    if status is Status.SOLVED:
        depth = (int(labels[control[TOP] - 1]) >> DEPTH_SHIFT) & LONGEST
        plan = tuple(int(descent.actions[place]) for place in path[1 : depth + 1])
        made -= sum(descent.waiting(int(before), int(after)) for before, after in pairwise(path[: depth + 1]))
    made = max(made, 0)
    control[GENERATED], control[CALLS], control[NODES] = made, control[EVALUATIONS], min(bound, made) + 1  # held: a path
    return drive.result(status, plan, lambda cost: float(min(bound, cost)))
