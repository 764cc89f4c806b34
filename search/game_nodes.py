"""What both searches for games share: nodes with their legal children, judged once, ends that are proven, and the line of play.

A value is for the player to move at its node: inf when he has proven that he wins, -inf when he loses, 0 at a proven draw (then the node
is RESOLVED), and in between what the evaluator said, which is finite. A child's value counts for its parent with the sign turned.

Ends: what the rule book ends; a node without a move; and, in worlds whose rules do not look at the past, a position that stands on
the path already: a draw. A game of reaching ends has the same value with that rule as without it, where it goes on for ever and
nobody wins (../envs/go_tables.py). Worlds with history say themselves what may not be repeated, by the line of keys.

A node is expanded once, by all the rules, and all its new children are judged in one call. In a tree a node is one line of play. Where
`merged`, lines that meet are one node, with a row stripped by `forget`: possible only where the past forbids nothing.

Read next: unbounded_minimax.py, alpha_beta.py.
"""

from collections.abc import Callable, Sequence

import numpy as np

from astarzero.envs.domain import Domain, is_terminal
from astarzero.envs.evaluation import Evaluator, node_value
from astarzero.envs.line import expand_in_line, write_keys
from astarzero.envs.state_table import EMPTY, add_row, copy_row, fill_slot, find_slot, hash_row
from astarzero.envs.two_players import forget, outcome

from astarzero.search.drive import (  # isort: skip
    BUDGET_MET, ENTRIES, FIRST_OWN_CODE, FREE, GENERATED, INLINE, MASK, NODES, NOT_A_NUMBER, Arrays, Drive,
)  # fmt: skip
from astarzero.search.node import PENDING
from astarzero.search.questions import ask_about_new, heard_value
from astarzero.search.result import Budget, SearchResult, Status

RESOLVED = 16  # flag of a node: its value is proven
UNEXPANDED = -1  # of `num_edges`
CERTAIN = 1e30  # estimates are kept within +-CERTAIN, so that only what is proven is infinite
LONGER = FIRST_OWN_CODE  # a kernel says: the arrays with a row for each level of the path are full
LEVEL, FIRST_KEY, FIRST_NEW, CHARGED, MERGED, REPEATS_DRAW, FREE_IN_GAMES = range(FREE, FREE + 7)  # cells of `control`
FIRST_LEVELS = 64

# --- kernel helpers ----------------------------------------------------------------------------------------------------------------


def proven_value(result):
    """The value of an end from its `outcome`."""
    return np.inf if result > 0 else -np.inf if result < 0 else 0.0


def begin_root(control, context, states, value, flags, num_edges, slots):
    """Make row 0 the first node; it is not judged."""
    if control[MERGED]:
        add_row(0, states, slots, control[MASK])
    value[0], flags[0], num_edges[0] = 0.0, 0, UNEXPANDED
    control[NODES] = 1
    if is_terminal(states[0], context):
        value[0], flags[0] = proven_value(outcome(states[0], context)), RESOLVED


def name_position(state, context, row):
    """A key of a position, its row stripped into `row`."""
    copy_row(row, state)
    forget(row, context)
    return hash_row(row)


def is_repeated(name, trail, level):
    """Is a position one of those at the levels 0..level?"""
    found = False
    for number in range(level + 1):
        found |= trail[number] == name
    return found


def write_children(
    node, level, control, context, keys, trail, row, actions, costs, states, value, flags, first_edge, num_edges, edge_child, edge_action,
    slots,
):  # fmt: skip
    """Expand `node`, which stands at `level` of the path: edges to its children, the new ones PENDING from FIRST_NEW on, or resolved."""
    tail = control[NODES]
    successors = states[tail : tail + actions.shape[0]]
    made = expand_in_line(states[node], context, keys, control[FIRST_KEY] + level + 1, successors, actions, costs)
    control[GENERATED] += made
    control[FIRST_NEW], first_edge[node], num_edges[node] = tail, control[ENTRIES], made
    if made == 0:
        value[node] = proven_value(outcome(states[node], context))
        flags[node] |= RESOLVED
    for number in range(made):
        child, new = control[NODES], True
        if child != tail + number:
            copy_row(states[child], states[tail + number])
        if control[MERGED]:
            forget(states[child], context)
            slot, known = find_slot(states[child], states, slots, control[MASK])
            new = known == EMPTY
            if new:
                fill_slot(slots, slot, states[child], child, control[MASK])
            else:
                child = known
        edge = control[ENTRIES]
        edge_child[edge], edge_action[edge] = child, actions[number]
        control[ENTRIES] += 1
        if new:
            control[NODES] += 1
            value[child], flags[child], num_edges[child] = 0.0, PENDING, UNEXPANDED
            if is_terminal(states[child], context):
                value[child], flags[child] = proven_value(outcome(states[child], context)), RESOLVED
            elif control[REPEATS_DRAW] and not control[MERGED]:
                if is_repeated(name_position(states[child], context, row), trail, level):
                    value[child], flags[child] = 0.0, RESOLVED


def ask_about_children(node, control, context, papers, states, flags, num_edges):
    """Charge for the new nodes: 0, ASK when Python must judge them, or BUDGET_MET; then `node` stays unexpanded."""
    said = 0
    if control[CHARGED]:
        said = ask_about_new(control[FIRST_NEW], control[NODES], states, flags, control, context, papers)
    if said == BUDGET_MET:
        num_edges[node] = UNEXPANDED
    return said


def judge_children(control, context, tables, papers, states, value, flags):
    """Judge the new nodes, or hear how they were judged. NOT_A_NUMBER, or 0."""
    place = 0
    for child in range(control[FIRST_NEW], control[NODES]):
        if flags[child] & PENDING:
            if control[CHARGED] and control[INLINE]:
                value[child] = node_value(states[child], states[child], 0.0, -1, context, tables)
            elif control[CHARGED]:
                value[child] = heard_value(place, papers)
                place += 1
            if value[child] != value[child]:
                return NOT_A_NUMBER
            value[child] = min(max(value[child], -CERTAIN), CERTAIN)
            flags[child] &= ~PENDING
    return 0


# --- the drive ---------------------------------------------------------------------------------------------------------------------


def game_drive(
    domain: Domain, state: np.ndarray, keys: np.ndarray | None, evaluator: Evaluator, budget: Budget, seed: int, merged: bool,
    columns: Arrays, levels: list[np.ndarray],
) -> Drive:  # fmt: skip
    """The arrays of a search of a game. `columns`: what it keeps for each node besides; `levels`: for each level of its path.

    scratch = keys uint64 [F + L], the line (F keys up to the root) and the path; trail uint64 [L], names of the positions on the path;
    `levels`, [L, ...]; row [W]; actions, costs [A].
    """
    row = domain.positions(state)[0] if merged else domain.check_states(state)[0]
    (line,) = lines_of(domain, domain.check_states(state)[:1], [keys])
    nodes: Arrays = {
        "states": np.zeros((0, domain.num_words), np.uint64), "value": np.zeros(0), "flags": np.zeros(0, np.int8),
        "first_edge": np.zeros(0, np.int32), "num_edges": np.zeros(0, np.int16), **columns,
    }  # fmt: skip
    edges: Arrays = {"edge_child": np.zeros(0, np.int32), "edge_action": np.zeros(0, np.int16)}
    path = [np.concatenate([line, np.zeros(FIRST_LEVELS, np.uint64)]), np.zeros(FIRST_LEVELS, np.uint64), *levels]
    scratch = [*path, np.zeros(domain.num_words, np.uint64), *domain.expansion_buffers()[1:]]
    most = domain.num_actions  # nodes of a round
    drive = Drive(
        domain, row, evaluator, budget, seed, most, nodes, edges, scratch=scratch, has_table=merged, heads={"value"}, asks=most
    )  # fmt: skip
    control = drive.control
    control[FIRST_KEY], control[MERGED], control[REPEATS_DRAW] = len(line) - 1, merged, not domain.keeps_history
    control[CHARGED] = "value" in evaluator.heads
    return drive


def lines_of(domain: Domain, rows: np.ndarray, lines: Sequence[np.ndarray | None]) -> list[np.ndarray]:
    """The lines of keys up to rows [B, W], uint64 [F] each: those given, or the row's own key alone. ValueError when one ends elsewhere."""
    own_keys = np.zeros(len(rows), np.uint64)
    domain.bind(write_keys)(rows, domain.context, own_keys)
    given = [own_keys[number : number + 1] if keys is None else keys for number, keys in enumerate(lines)]
    whole = [np.ascontiguousarray(keys, np.uint64).ravel() for keys in given]
    for line, own_key in zip(whole, own_keys):
        if not len(line) or line[-1] != own_key:
            ends = f"The line of {len(line)} keys does not end in the position given"
            raise ValueError(f"{ends}; give the keys up to it and with it, such as Line.keys.")
    return whole


def lengthens(drive: Drive, levels: int) -> dict[int, Callable[[], Status | None]]:
    """What Python does when a kernel says LONGER: it lengthens the path, whose arrays are the first 2 + `levels`."""

    def lengthen() -> Status | None:
        path: list[np.ndarray] = list(drive.scratch[: 2 + levels])
        rows = len(path[1])
        if not drive.fits(sum(array.nbytes for array in path)):
            return Status.MEMORY
        longer = [np.concatenate([array, np.zeros((rows, *array.shape[1:]), array.dtype)]) for array in path]
        drive.scratch = [*longer, *drive.scratch[2 + levels :]]
        return None

    return {LONGER: lengthen}


def game_result(drive: Drive, status: Status, value: float, weights: np.ndarray | None) -> SearchResult:
    """The accounting. `value` as nodes have it, nan when there is none; a game has no plan and no cost."""
    told = float(np.sign(value)) if np.isinf(value) else value + 0.0  # no -0
    return drive.result(status, None, lambda cost: 0.0, value=told, action_weights=weights)
