"""Alpha-beta by iterative deepening, with the value of an evaluator where the horizon is: the yardstick of searches for games.

The tree is kept: a node is expanded and its children are judged but once, however many iterations pass through it, so an evaluation is
spent on a state once, as in every search here, and each iteration tries the moves in the order of what the last one found. The price is
memory for each node, where alpha-beta could do with one path.

Each node keeps bounds of its value and the depth below it for which they hold (EVER: nothing below ended at the horizon, so they are
proven). Where `transpositions` are on, lines that meet share a node and its bounds. Sound only where the past forbids nothing, so not
under superko; and a bound that rests on a draw by repetition with an earlier position of the line belongs to that line, and is not kept
(`reach` is the first level of the path that a subtree repeated), so that boards full of cycles are searched again and again.
Expansions count as in IDA*: a node each time an iteration opens it. Evaluations and successors are counted once.

The search is SOLVED when the root's value is proven: nothing that counts ended at the horizon.
Sources: Knuth and Moore 1975; Slate and Atkin 1977 (iterative deepening, tables); Campbell 1985 (graph history interaction).
Read next: game_nodes.py (the nodes), unbounded_minimax.py (the same values best-first).
"""

import math
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.envs.two_players import position_key

from astarzero.search.drive import (  # isort: skip
    BUDGET_MET, ENTRIES, EXPANSIONS, GROW, MAX_EXPANSIONS, NODES, PHASE, SEED, SLICE, SLICE_END, SOLVED, Arrays, Drive,
)  # fmt: skip
from astarzero.search.evaluator import default_evaluator, kernel_face
from astarzero.search.frontier import seeded_tie
from astarzero.search.game_nodes import (
    FIRST_KEY,
    FIRST_LEVELS,
    FIRST_NEW,
    FREE_IN_GAMES,
    LEVEL,
    LONGER,
    MERGED,
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

START, DEEPEN, ENTER, JUDGE, OPEN, TRY, LEAVE = range(7)  # phases
DEPTH, HELD, ACTION, NEW_ACTION = range(FREE_IN_GAMES, FREE_IN_GAMES + 4)  # cells of `control`; HELD: nodes before the iteration under way
NODE, CURSOR, BEST_EDGE, TOUCHED, REACH = range(5)  # of a level: int64; TOUCHED: did something below end at the horizon?
ALPHA, BETA, BEST, OPENING, VALUE = range(5)  # of a level: float64; OPENING: alpha on entry; VALUE: what it returned
EVER, NOWHERE = 1 << 30, 1 << 30


def alpha_beta_kernel(
    control, context, tables, papers, keys, trail, levels, bounds, row, actions, costs,
    states, value, flags, first_edge, num_edges, order, low, high, searched, stands, edge_child, edge_action, slots,
):  # fmt: skip
    """Runs until it ends or must stop: see best_first_kernel. `stands[n]`: the level at which node n is on the path, or -1."""
    if control[PHASE] == START:
        begin_root(control, context, states, value, flags, num_edges, slots)
        note_children(0, 1, 0, value, flags, order, low, high, searched, stands)
        control[ACTION], control[NEW_ACTION], control[PHASE] = -1, -1, DEEPEN
    while True:
        level = control[LEVEL]
        node = levels[level, NODE]
        if control[PHASE] == DEEPEN:
            if flags[0] & RESOLVED:
                return SOLVED
            if control[DEPTH] + 3 > levels.shape[0]:
                return LONGER
            if control[NODES] == control[HELD]:
                forget_depths(control[NODES], value, low, high, searched)
            control[HELD] = control[NODES]
            control[DEPTH] += 1
            control[LEVEL], control[NEW_ACTION], control[PHASE] = 0, -1, ENTER
            levels[0, NODE], bounds[0, ALPHA], bounds[0, BETA] = 0, -np.inf, np.inf
        elif control[PHASE] == ENTER:
            levels[level, TOUCHED], levels[level, REACH] = 0, NOWHERE
            if level > 0 and is_settled(node, level, control, levels, bounds, value, flags, low, high, searched):
                control[PHASE] = LEAVE
                continue
            if control[EXPANSIONS] >= control[SLICE_END]:
                return SLICE
            if control[EXPANSIONS] >= control[MAX_EXPANSIONS]:
                return BUDGET_MET
            if control[REPEATS_DRAW]:
                trail[level] = name_position(states[node], context, row)
            if num_edges[node] != UNEXPANDED:
                control[EXPANSIONS] += 1
                control[PHASE] = OPEN
                continue
            if control[NODES] + actions.shape[0] > states.shape[0] or control[ENTRIES] + actions.shape[0] > edge_child.shape[0]:
                return GROW
            write_children(
                node, level, control, context, keys, trail, row, actions, costs,
                states, value, flags, first_edge, num_edges, edge_child, edge_action, slots,
            )  # fmt: skip
            control[EXPANSIONS] += 1
            said = ask_about_children(node, control, context, papers, states, flags, num_edges)
            if said == BUDGET_MET:
                return BUDGET_MET
            control[PHASE] = JUDGE
            if said != 0:
                return said
        elif control[PHASE] == JUDGE:
            said = judge_children(control, context, tables, papers, states, value, flags)
            if said != 0:
                return said
            note_children(control[FIRST_NEW], control[NODES], control[SEED], value, flags, order, low, high, searched, stands)
            control[PHASE] = OPEN if num_edges[node] > 0 else ENTER if level > 0 else DEEPEN
        elif control[PHASE] == OPEN:
            sort_edges(first_edge[node], num_edges[node], edge_child, edge_action, order)
            stands[node] = level
            levels[level, CURSOR], levels[level, BEST_EDGE] = 0, -1
            bounds[level, BEST], bounds[level, OPENING] = -np.inf, bounds[level, ALPHA]
            control[PHASE] = TRY
        elif control[PHASE] == TRY:
            if levels[level, CURSOR] == num_edges[node] or bounds[level, BEST] >= bounds[level, BETA]:
                close(node, level, control, levels, bounds, value, flags, low, high, searched, stands, first_edge, edge_child, edge_action)
                control[PHASE] = LEAVE
                continue
            edge = first_edge[node] + levels[level, CURSOR]
            child = edge_child[edge]
            if control[MERGED] and stands[child] >= 0:  # it repeats: a draw, on this line
                levels[level, REACH] = min(levels[level, REACH], stands[child])
                take(0.0, edge, level, control, levels, bounds, edge_action)
                continue
            keys[control[FIRST_KEY] + level + 1] = position_key(states[child], context)
            levels[level + 1, NODE] = child
            bounds[level + 1, ALPHA], bounds[level + 1, BETA] = -bounds[level, BETA], -bounds[level, ALPHA]
            control[LEVEL], control[PHASE] = level + 1, ENTER
        elif level > 0:  # LEAVE
            above = level - 1
            order[node] = bounds[level, VALUE]
            levels[above, TOUCHED] |= levels[level, TOUCHED]
            levels[above, REACH] = min(levels[above, REACH], levels[level, REACH])
            edge = first_edge[levels[above, NODE]] + levels[above, CURSOR]
            control[LEVEL], control[PHASE] = above, TRY
            take(-bounds[level, VALUE], edge, above, control, levels, bounds, edge_action)
        else:
            control[ACTION], order[0], control[PHASE] = control[NEW_ACTION], bounds[0, VALUE], DEEPEN


def note_children(first, last, seed, value, flags, order, low, high, searched, stands):
    """What is known of new nodes: their judgement holds at depth 0, a proven value for ever; equal ones are ordered by the seed."""
    for node in range(first, last):
        order[node], stands[node] = value[node] + seeded_tie(node, seed), -1
        low[node], high[node] = value[node], value[node]
        searched[node] = EVER if flags[node] & RESOLVED else 0


def forget_depths(count, value, low, high, searched):
    """Go back to what nodes were judged to be, but for what is proven.

    Where lines go round, bounds from one iteration can feed those of the next for ever, as if something still ended at the horizon. So
    when an iteration has met nothing new, the next one starts without them: every line then ends, or repeats, before its horizon.
    """
    for node in range(count):
        if searched[node] < EVER:
            low[node], high[node], searched[node] = value[node], value[node], 0


def is_settled(node, level, control, levels, bounds, value, flags, low, high, searched):
    """Is a node's value known well enough for its depth and window? Then it is in bounds[level, VALUE]."""
    if flags[node] & RESOLVED:
        bounds[level, VALUE] = value[node]
        return True
    remaining = control[DEPTH] - level
    if searched[node] >= remaining:
        levels[level, TOUCHED] = searched[node] < EVER
        if low[node] >= bounds[level, BETA] or low[node] == high[node]:
            bounds[level, VALUE] = low[node]
            return True
        if high[node] <= bounds[level, ALPHA]:
            bounds[level, VALUE] = high[node]
            return True
    levels[level, TOUCHED] = remaining == 0
    bounds[level, VALUE] = value[node]
    return remaining == 0


def take(gain, edge, level, control, levels, bounds, edge_action):
    """A move of `level` has been tried: `gain` for its mover."""
    levels[level, CURSOR] += 1
    if gain > bounds[level, BEST] or levels[level, BEST_EDGE] < 0:
        bounds[level, BEST], levels[level, BEST_EDGE] = gain, edge
        bounds[level, ALPHA] = max(bounds[level, ALPHA], gain)
        if level == 0:
            control[NEW_ACTION] = edge_action[edge]


def close(node, level, control, levels, bounds, value, flags, low, high, searched, stands, first_edge, edge_child, edge_action):
    """All moves that matter were tried: keep the bounds, and the best move in front."""
    best, edge = bounds[level, BEST], levels[level, BEST_EDGE]
    bounds[level, VALUE] = best
    stands[node] = -1
    child, action = edge_child[edge], edge_action[edge]
    while edge > first_edge[node]:
        edge_child[edge], edge_action[edge] = edge_child[edge - 1], edge_action[edge - 1]
        edge -= 1
    edge_child[edge], edge_action[edge] = child, action
    if math.isinf(best):  # a win needs one proof, a loss has one for every move
        levels[level, TOUCHED] = 0
    tied = levels[level, REACH] < level  # to this line; but what is better than a draw for either side rests on no repetition
    if not tied:
        levels[level, REACH] = NOWHERE
    is_low = best > bounds[level, OPENING] and (best > 0.0 or not tied)
    is_high = best < bounds[level, BETA] and (best < 0.0 or not tied)
    depth = control[DEPTH] - level if levels[level, TOUCHED] else EVER
    if depth < searched[node] or not (is_low or is_high):
        return
    if depth > searched[node]:
        low[node], high[node], searched[node] = -np.inf, np.inf, depth
    if is_low:
        low[node] = max(low[node], best)
    if is_high:
        high[node] = min(high[node], best)
    if depth == EVER and (low[node] == high[node] or math.isinf(best)):
        value[node], low[node], high[node] = best, best, best
        flags[node] |= RESOLVED


def sort_edges(first, count, edge_child, edge_action, order):
    """The edges of a node by what their children were last found to be worth, worst for the opponent first; equal ones stay in order."""
    for edge in range(first + 1, first + count):
        child, action, place = edge_child[edge], edge_action[edge], edge
        while place > first and order[edge_child[place - 1]] > order[child]:
            edge_child[place], edge_action[place] = edge_child[place - 1], edge_action[place - 1]
            place -= 1
        edge_child[place], edge_action[place] = child, action


def alpha_beta(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None = None,
    *,
    transpositions: bool = True,
    keys: np.ndarray | None = None,
    budget: Budget | None = None,
    seed: int = 0,
) -> SearchResult:
    """Search the game of two from `state` [W], one ply deeper at a time, with the value of `evaluator` (default: blind).

    transpositions: let lines that meet share a node, in worlds without history (under superko each line is its own, whatever is asked).
    A shared node is judged without its last moves. keys: in worlds with history the line up to and with this position (Line.keys).
    value: for the player to move, of the last iteration that tried a move; 1, 0 or -1 when SOLVED. action_weights: 1 for its best move.
    """
    evaluator, budget = evaluator or default_evaluator(domain), budget or Budget()
    rules, tables = kernel_face(domain, evaluator)
    kernel = domain.bind(alpha_beta_kernel, **rules)
    columns: Arrays = {
        **{name: np.zeros(0) for name in ("order", "low", "high")}, **{name: np.zeros(0, np.int32) for name in ("searched", "stands")}
    }  # fmt: skip
    path = [np.zeros((FIRST_LEVELS, 5), np.int64), np.zeros((FIRST_LEVELS, 5))]
    merged = transpositions and not domain.keeps_history
    drive = game_drive(domain, state, keys, evaluator, budget, seed, merged, columns, path)

    def gather() -> tuple[Any, ...]:
        arrays = (*drive.scratch, *drive.nodes.values(), *drive.entries.values(), drive.slots)
        return drive.control, domain.context, tables, drive.desk.papers, *arrays

    status = drive.run(kernel, gather, lengthens(drive, levels=2))
    return game_result(drive, status, *decision(drive))


def decision(drive: Drive) -> tuple[float, np.ndarray | None]:
    """Value and move of the iteration under way once it has tried a move, else of the last one; nan and None before there was any."""
    control, nodes, bounds = drive.control, drive.nodes, drive.scratch[3]
    if not control[NODES] or (control[ACTION] < 0 and control[NEW_ACTION] < 0):
        return (float(nodes["value"][0]) if control[NODES] and nodes["flags"][0] & RESOLVED else math.nan), None
    under_way = control[PHASE] != DEEPEN and control[NEW_ACTION] >= 0
    value = float(bounds[0, BEST]) if under_way else float(nodes["order"][0])
    weights = np.zeros(drive.domain.num_actions)
    weights[control[NEW_ACTION] if under_way else control[ACTION]] = 1.0
    return value, weights
