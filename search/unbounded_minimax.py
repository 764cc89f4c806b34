"""Unbounded best-first minimax: the value-driven counterpart of A* for games of two, with proofs.

Each round goes from the root down the moves that look best for whoever is to move, to the first node that is not expanded, expands it,
judges all its children in one call, and takes the best of them up the path: a value is the negated least of the children's. So the tree
grows where both sides play best, as deep as that leads, and as in A* the values alone decide what is expanded.

Completion: a node is resolved when a child proves a win or when all its children are resolved; the descent passes resolved children by,
and the search ends SOLVED when the root is resolved. A search without it may plunge down one line for ever. The move decided on is the
*safe* one: by what is proven (won, open or drawn, lost), then by how often it was gone down, then by value.

Every line of play is a node of its own, since values under superko, and draws by repetition, belong to lines. Of equal values the one
gone down less often comes first, then the seed decides.

Sources: Korf and Chickering 1996 (best-first minimax); Cohen-Solal 2020, "Learning to play two-player perfect-information games without
knowledge" (unbounded, safe decision); Cohen-Solal 2021, "Completeness of unbounded best-first game algorithms" (completion).
Read next: game_nodes.py (the nodes), alpha_beta.py (the same values depth-first).
"""

from typing import Any

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.envs.two_players import position_key

from astarzero.search.drive import (  # isort: skip
    BUDGET_MET, ENTRIES, EXPANSIONS, GROW, MAX_EXPANSIONS, NODES, PHASE, SEED, SLICE, SLICE_END, SOLVED, Drive,
)  # fmt: skip
from astarzero.search.evaluator import default_evaluator, kernel_face
from astarzero.search.frontier import seeded_tie
from astarzero.search.game_nodes import (
    FIRST_KEY,
    FIRST_LEVELS,
    LEVEL,
    LONGER,
    REPEATS_DRAW,
    RESOLVED,
    UNEXPANDED,
    ask_about_children,
    begin_root,
    game_drive,
    game_result,
    judge_children,
    lengthens,
    name_position,
    write_children,
)
from astarzero.search.result import Budget, SearchResult

START, DESCEND, JUDGE, BACKUP = range(4)


def ubfm_kernel(
    control, context, tables, papers, keys, trail, path, row, actions, costs,
    states, value, flags, first_edge, num_edges, visits, best, edge_child, edge_action, slots,
):  # fmt: skip
    """Runs until it ends or must stop: see best_first_kernel. `best[n]`: the unresolved child that looks best for the mover at n."""
    if control[PHASE] == START:
        begin_root(control, context, states, value, flags, num_edges, slots)
        visits[0], best[0], path[0] = 0, 0, 0
        control[PHASE] = DESCEND
    while True:
        if control[PHASE] == DESCEND:
            if flags[0] & RESOLVED:
                return SOLVED
            if control[EXPANSIONS] >= control[SLICE_END]:
                return SLICE
            if control[NODES] + actions.shape[0] > states.shape[0] or control[ENTRIES] + actions.shape[0] > edge_child.shape[0]:
                return GROW
            if control[EXPANSIONS] >= control[MAX_EXPANSIONS]:
                return BUDGET_MET
            if not descend(control, context, keys, trail, path, row, states, num_edges, best):
                return LONGER
            write_children(
                path[control[LEVEL]], control[LEVEL], control, context, keys, trail, row, actions, costs,
                states, value, flags, first_edge, num_edges, edge_child, edge_action, slots,
            )  # fmt: skip
            control[EXPANSIONS] += 1
            control[PHASE] = JUDGE
        if control[PHASE] == JUDGE:
            said = ask_about_children(path[control[LEVEL]], control, context, papers, states, flags, num_edges)
            if said == BUDGET_MET:
                return BUDGET_MET
            control[PHASE] = BACKUP
            if said != 0:
                return said
        said = judge_children(control, context, tables, papers, states, value, flags)
        if said != 0:
            return said
        backup(control, path, value, flags, first_edge, num_edges, visits, best, edge_child)
        control[PHASE] = DESCEND


def descend(control, context, keys, trail, path, row, states, num_edges, best):
    """Follow `best` from the root to a node that is not expanded, noting the line; False when the path is too long for its arrays."""
    level = 0
    while True:
        node = path[level]
        if control[REPEATS_DRAW]:
            trail[level] = name_position(states[node], context, row)
        if num_edges[node] == UNEXPANDED:
            control[LEVEL] = level
            return True
        if level + 1 == path.shape[0]:
            return False
        level += 1
        path[level] = best[node]
        keys[control[FIRST_KEY] + level] = position_key(states[path[level]], context)


def backup(control, path, value, flags, first_edge, num_edges, visits, best, edge_child):
    """Take the best value of the children up the path, and what is resolved; `visits` counts how often a node was gone through."""
    for child in range(first_edge[path[control[LEVEL]]], first_edge[path[control[LEVEL]]] + num_edges[path[control[LEVEL]]]):
        visits[edge_child[child]], best[edge_child[child]] = 0, 0
    for level in range(control[LEVEL], -1, -1):
        node = path[level]
        visits[node] += 1
        if num_edges[node] == 0:
            continue
        highest, open_highest, tie, chosen = -np.inf, -np.inf, 0.0, -1
        for edge in range(first_edge[node], first_edge[node] + num_edges[node]):
            child = edge_child[edge]
            gain = -value[child]
            highest = max(highest, gain)
            if not flags[child] & RESOLVED:
                luck = seeded_tie(child, control[SEED]) - visits[child]
                if chosen < 0 or gain > open_highest or (gain == open_highest and luck > tie):
                    open_highest, tie, chosen = gain, luck, child
        value[node] = highest
        if chosen < 0 or highest == np.inf:
            flags[node] |= RESOLVED
        else:
            best[node] = chosen


def ubfm(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None = None,
    *,
    keys: np.ndarray | None = None,
    budget: Budget | None = None,
    seed: int = 0,
) -> SearchResult:
    """Search the game of two from `state` [W] with the value of `evaluator` (default: blind) until its outcome is proven.

    keys: in worlds with history the line up to and with this position (Line.keys), uint64 [F]; without it nothing came before.
    value: for the player to move; 1, 0 or -1 when SOLVED. action_weights: how often each move was gone down, among those that are proven
    no worse than any; once more for the move decided on, which is `action`; that move alone when it is proven to win.
    """
    evaluator, budget = evaluator or default_evaluator(domain), budget or Budget()
    rules, tables = kernel_face(domain, evaluator)
    kernel = domain.bind(ubfm_kernel, **rules)
    columns = {"visits": np.zeros(0, np.int32), "best": np.zeros(0, np.int32)}
    drive = game_drive(domain, state, keys, evaluator, budget, seed, False, columns, [np.zeros(FIRST_LEVELS, np.int64)])

    def gather() -> tuple[Any, ...]:
        arrays = (*drive.scratch, *drive.nodes.values(), *drive.entries.values(), drive.slots)
        return drive.control, domain.context, tables, drive.desk.papers, *arrays

    status = drive.run(kernel, gather, lengthens(drive, levels=1))
    return game_result(drive, status, *decision(drive))


def decision(drive: Drive) -> tuple[float, np.ndarray | None]:
    """The root's value, nan before its moves were judged, and the weights of its moves, None when it has none."""
    nodes, edges = drive.nodes, drive.entries
    if not drive.control[NODES] or nodes["num_edges"][0] <= 0 or not nodes["visits"][0]:
        return (float(nodes["value"][0]) if drive.control[NODES] and nodes["flags"][0] & RESOLVED else np.nan), None
    part = slice(int(nodes["first_edge"][0]), int(nodes["first_edge"][0] + nodes["num_edges"][0]))
    child, action = edges["edge_child"][part], edges["edge_action"][part]
    gains = -nodes["value"][child]
    proven = np.where(np.isinf(gains), np.sign(gains), 0.0)
    gone = nodes["visits"][child].astype(np.float64)
    luck = np.random.default_rng(int(drive.control[SEED]) % 2**63).random(len(child))
    ties = [luck, gains, gone, proven]  # the last decides first
    chosen = int(np.lexsort(ties)[-1])
    weights = np.zeros(drive.domain.num_actions)
    weights[action] = np.where((proven == proven[chosen]) & (proven[chosen] < 1), gone, 0.0)
    weights[action[chosen]] += 1.0
    return float(nodes["value"][0]), weights / weights.sum()
