"""The loop of the dial: one tree whose switches stand in `control` and `numbers`. dial.py says what each of them means.

Two pools. The *states* (a row each: what the evaluator said of it, and which node of the tree stands for it) are distinct unless
the tree keeps duplicates. The *nodes* are the tree: the children of a node are contiguous, and of each two values are kept side by
side: `key`, the best leaf below it, and `total` / `visits`, the mean over the evaluations below it.

A key is *the less the better for who chooses the node*. One player: cost of the path + h, so a node's key is the least of its
children's. Two players: the value for the player to move there, whom the chooser wants to do badly; so a node's key is minus the
least of its children's (negamax). Keys are compared as (key, tie, leaf), a total order, and carried up exactly.

Read next: dial.py.
"""

import math

import numpy as np

from astarzero.envs.domain import value_of
from astarzero.envs.evaluation import node_prior, node_value
from astarzero.envs.line import expand_in_line
from astarzero.envs.state_table import EMPTY, add_row, copy_row, fill_slot, find_slot
from astarzero.envs.two_players import outcome, position_key
from astarzero.search.best_first import log_sum_exp

from astarzero.search.drive import (  # isort: skip
    ASK, BUDGET_MET, ENTRIES, EVALUATIONS, EXHAUSTED, EXPANSIONS, FIRST_OWN_CODE, FREE, GENERATED, GOAL_NODE, GROW, INLINE,
    MASK, MAX_EVALUATIONS, MAX_EXPANSIONS, NODES, NOT_A_NUMBER, PHASE, SEED, SLICE, SLICE_END, SOLVED,
)  # fmt: skip
from astarzero.search.frontier import seeded_tie
from astarzero.search.node import DEAD, GOAL, PENDING, classify, judged_cost
from astarzero.search.questions import ask_about_new, hear_prior, heard_value

START, DESCEND, EXPAND, JUDGE, JUDGED, BACKUP = range(6)
DEEPER = FIRST_OWN_CODE  # the line of keys is too short for the next descent
ENDED, PROVEN = 16, 32  # flags, two players: the game is over here; the value is certain
# cells of `control`; NODES counts states, ENTRIES nodes
LEAF, FIRST_ROW, FIRST_CHILD, CHARGED, READS_VALUE, READS_PRIOR, ONE, DUPLICATES = range(FREE, FREE + 8)
AT_GENERATION, TIE, TWO, PROVE, LINE, DEPTH, DEEPEST, MAX_NODES = range(FREE + 8, FREE + 16)
LEAST, GREATEST, MIX, EXPLORE, COST, VALUE, TEMPERATURE = range(7)  # of `numbers`
TREE, REOPEN, CLOSED, FIRST = range(4)  # of DUPLICATES
SEEDED, LOW, HIGH, OLDEST, NEWEST, PATH = range(6)  # of TIE


def dial_kernel(control, numbers, context, tables, papers, pool, tree, slots, keys, withdrawn, successors, actions, costs):
    """Runs until it ends or must stop: see best_first_kernel. `pool` and `tree` are tuples of arrays in the order of dial.py.

    Node 0, the root, is there when it begins. Each helper is called from one place, for they are all compiled into this function.
    """
    states, estimate, logits, standing, kind = pool
    parent, row, flags, num_children = tree[0], tree[1], tree[13], tree[12]
    if control[PHASE] == START:  # row 0 of `states` is the root
        if control[DUPLICATES] != TREE:
            add_row(0, states, slots, control[MASK])
        describe(0, control, context, pool)
        flags[0], standing[0] = kind[0] & (GOAL | ENDED), 0
        numbers[LEAST], numbers[GREATEST] = np.inf, -np.inf
        control[NODES], control[ENTRIES], control[FIRST_ROW], control[FIRST_CHILD], control[LEAF] = 1, 1, 0, 0, -1
        control[PHASE] = DESCEND if control[ONE] and kind[0] & (PENDING | GOAL) else JUDGE
    while True:
        if control[PHASE] == DESCEND:
            if control[EXPANSIONS] >= control[SLICE_END]:
                return SLICE
            if max(control[NODES] - states.shape[0], control[ENTRIES] - parent.shape[0]) + actions.shape[0] > 0:
                return GROW
            if control[LINE] + control[DEEPEST] + 1 > keys.shape[0]:
                return DEEPER
            leaf = descend(control, numbers, context, states, keys, tree)
            if flags[leaf] & GOAL:
                control[GOAL_NODE] = leaf
                return SOLVED
            spent = control[ONE] and control[CHARGED] and control[EVALUATIONS] >= control[MAX_EVALUATIONS]
            if spent or control[EXPANSIONS] >= control[MAX_EXPANSIONS] or control[ENTRIES] + actions.shape[0] > control[MAX_NODES]:
                return BUDGET_MET
            control[LEAF], control[FIRST_ROW] = leaf, row[leaf]
            control[EXPANSIONS] += 1
            control[FIRST_CHILD], withdrawn[0] = control[ENTRIES], 0
            control[PHASE] = BACKUP if flags[leaf] & ENDED else JUDGE if control[ONE] else EXPAND
        if control[PHASE] == JUDGE:
            said, last = 0, control[FIRST_ROW] + 1 if control[ONE] else control[NODES]
            if control[CHARGED]:
                said = ask_about_new(control[FIRST_ROW], last, states, kind, control, context, papers)
            if said == 0 or said == ASK:
                control[PHASE] = JUDGED
            if said != 0:
                return said
        if control[PHASE] == JUDGED:
            asked = 0
            for fresh in range(control[FIRST_ROW], control[FIRST_ROW] + 1 if control[ONE] else control[NODES]):
                if kind[fresh] & PENDING:
                    judge(fresh, asked, control, context, tables, papers, states, estimate, logits)
                    kind[fresh] &= ~PENDING
                    asked += 1
                if estimate[fresh] != estimate[fresh]:
                    return NOT_A_NUMBER
            control[PHASE] = EXPAND if control[ONE] and control[LEAF] >= 0 else BACKUP
        if control[PHASE] == EXPAND:
            ending = 0
            if estimate[row[control[LEAF]]] < np.inf:
                ending = expand_leaf(control, numbers, context, pool, tree, slots, keys, withdrawn, successors, actions, costs)
            if ending != 0:
                return ending
            control[PHASE] = BACKUP if control[ONE] else JUDGE
        if control[PHASE] == BACKUP:
            learn(control, numbers, withdrawn, pool, tree)
            if flags[0] & DEAD:
                return EXHAUSTED
            if flags[0] & PROVEN or (num_children[0] < 0 and flags[0] & ENDED):
                return SOLVED
            control[PHASE] = DESCEND


def describe(fresh, control, context, pool):
    """What the rule book alone says of a state that enters the pool."""
    states, estimate, _, _, kind = pool
    kind[fresh], estimate[fresh] = classify(states[fresh], context), 0.0
    if kind[fresh] == DEAD:
        kind[fresh] = ENDED if control[TWO] else DEAD
        estimate[fresh] = outcome(states[fresh], context) if control[TWO] else np.inf


def judge(fresh, place, control, context, tables, papers, states, estimate, logits):
    """Read the heads that inform: here, or what was answered on row `place` of the desk."""
    if control[READS_VALUE]:
        value = node_value(states[fresh], states[fresh], 0.0, -1, context, tables) if control[INLINE] else heard_value(place, papers)
        estimate[fresh] = bounded(value) if control[TWO] else judged_cost(value)
    if control[READS_PRIOR] and control[INLINE]:
        node_prior(states[fresh], context, tables, logits[fresh])
    elif control[READS_PRIOR]:
        hear_prior(logits[fresh], place, papers)


def bounded(value):
    """A value of a game within -1..1; nan stays nan."""
    return -1.0 if value < -1.0 else 1.0 if value > 1.0 else value


def own_key(node, control, numbers, pool, tree):
    """The key of a node by its own judgement: cost of the path + value weight * h; two players: value weight * value."""
    _, estimate, _, _, kind = pool
    _, row, _, g = tree[:4]
    weight = 1.0 if kind[row[node]] & ENDED else numbers[VALUE]
    return numbers[COST] * g[node] + weight * estimate[row[node]] if weight > 0.0 else numbers[COST] * g[node]


def add_node(origin, state, move, step_cost, chance, path_cost, control, numbers, pool, tree):
    """A node at the end of the tree. Until it is judged it passes for as good as its parent by the parent's own judgement."""
    parent, row, action, g, cost, prior, visits, total, key, tie, leaf, first_child, num_children, flags, order = tree
    _, _, _, standing, kind = pool
    child = control[ENTRIES]
    control[ENTRIES] += 1
    parent[child], row[child], action[child], g[child], cost[child], prior[child] = origin, state, move, path_cost, step_cost, chance
    visits[child], total[child], first_child[child], num_children[child], order[child] = 0, 0.0, 0, -1, -1
    flags[child], leaf[child], tie[child], standing[state] = kind[state] & (GOAL | ENDED), child, tie[origin], child
    key[child] = own_key(origin, control, numbers, pool, tree)
    if control[TWO]:
        key[child] = -key[child]
    return child


def settle(child, control, numbers, pool, tree):
    """The key and tie of a leaf by its own judgement; a dead end (h = inf) is taken out."""
    row, key, tie, flags = tree[1], tree[8], tree[9], tree[13]
    h = pool[1][row[child]]
    key[child] = own_key(child, control, numbers, pool, tree)
    rule = control[TIE]
    if rule == SEEDED:
        tie[child] = h + seeded_tie(row[child], control[SEED])
    else:
        tie[child] = h if rule == LOW else -h if rule == HIGH else child if rule == OLDEST else -child if rule == NEWEST else 0.0
    if h == np.inf:
        flags[child] |= DEAD
    if flags[child] & ENDED and control[PROVE]:
        flags[child] |= PROVEN


# --- select ------------------------------------------------------------------------------------------------------------------


def descend(control, numbers, context, states, keys, tree):
    """From the root to a leaf, the line of keys written on the way."""
    row, num_children = tree[1], tree[12]
    node, depth = 0, 0
    while num_children[node] > 0:
        node = choose(node, control, numbers, tree)
        depth += 1
        if control[LINE] > 0:
            keys[control[LINE] + depth - 1] = position_key(states[row[node]], context)
    control[DEPTH], control[DEEPEST] = depth, max(control[DEEPEST], depth)
    return node


def choose(node, control, numbers, tree):
    """The child that a descent takes: of least key when nothing is averaged or explored, else of best mixed Q and bonus."""
    _, _, _, g, cost, prior, visits, total, key, _, _, first_child, num_children, flags, _ = tree
    greedy = numbers[MIX] == 0.0 and numbers[EXPLORE] == 0.0
    here, span = total[node] / max(1, visits[node]), numbers[GREATEST] - numbers[LEAST]
    scale = numbers[EXPLORE] * math.sqrt(visits[node])
    highest, chosen = -np.inf, -1
    for child in range(first_child[node], first_child[node] + num_children[node]):
        if flags[child] & (DEAD | PROVEN):
            continue
        if greedy:
            if chosen < 0 or precedes(child, chosen, control, tree):
                chosen = child
            continue
        q = here
        if visits[child] > 0:
            mean = total[child] / visits[child]
            q = (-mean if control[TWO] else mean) - numbers[COST] * cost[child]
        if numbers[MIX] < 1.0:
            q = (1.0 - numbers[MIX]) * (numbers[COST] * g[node] - key[child]) + numbers[MIX] * q
        if not control[TWO]:
            q = (q - numbers[LEAST]) / span if span > 0.0 else 0.5
        score = q + scale * prior[child] / (1 + visits[child]) + seeded_tie(child, control[SEED])
        if score > highest:
            highest, chosen = score, child
    return chosen


def precedes(child, other, control, tree):
    """Is `child` better than `other`, which stands before it? By key, tie, leaf; under the tie rule PATH by the key alone."""
    key, tie, leaf = tree[8], tree[9], tree[10]
    if key[child] != key[other] or control[TIE] == PATH:
        return key[child] < key[other]
    return tie[child] < tie[other] or (tie[child] == tie[other] and leaf[child] < leaf[other])


# --- expand ------------------------------------------------------------------------------------------------------------------


def expand_leaf(control, numbers, context, pool, tree, slots, keys, withdrawn, successors, actions, costs):
    """Add the successors of a leaf by the rule of duplicates. Returns SOLVED for a goal, NOT_A_NUMBER when the prior is none, else 0."""
    states, estimate, logits, standing, kind = pool
    row, g, first_child, num_children, flags, order = tree[1], tree[3], tree[11], tree[12], tree[13], tree[14]
    node = control[LEAF]
    count = expand_in_line(states[row[node]], context, keys, control[LINE] + control[DEPTH], successors, actions, costs)
    control[GENERATED] += count
    chances = logits[row[node] * control[READS_PRIOR]]
    log_total = log_sum_exp(chances, actions, count, numbers[TEMPERATURE])
    if log_total != log_total:
        return NOT_A_NUMBER
    first_child[node], control[FIRST_ROW] = control[ENTRIES], control[NODES]
    for number in range(count):
        path_cost, slot = np.float32(g[node] + costs[number]), np.int64(0)  # as it is stored, else rounding would pass for a better path
        state = np.int64(EMPTY)
        if control[DUPLICATES] != TREE:
            slot, state = find_slot(successors[number], states, slots, control[MASK])
        if state == EMPTY:
            state = control[NODES]
            copy_row(states[state], successors[number])
            describe(state, control, context, pool)
            if control[DUPLICATES] != TREE:
                fill_slot(slots, slot, states[state], state, control[MASK])
            elif kind[state] == DEAD:
                continue
            control[NODES] += 1
        elif estimate[state] == np.inf or not replaces(standing[state], path_cost, control, tree):
            continue
        elif num_children[standing[state]] < 0:  # a leaf leaves the tree; what grew below an expanded node stays, until it is reached too
            flags[standing[state]] |= DEAD
            withdrawn[0] += 1
            withdrawn[withdrawn[0]] = standing[state]
        if kind[state] == DEAD:
            continue
        chance = math.exp(chances[actions[number]] / numbers[TEMPERATURE] - log_total)
        child = add_node(node, state, actions[number], costs[number], chance, path_cost, control, numbers, pool, tree)
        if kind[state] & GOAL and control[AT_GENERATION]:
            control[GOAL_NODE] = child
            return SOLVED
    num_children[node], order[node] = control[ENTRIES] - first_child[node], control[EXPANSIONS]
    return 0


def replaces(known, path_cost, control, tree):
    """Does a new path to a state take the place of the node `known` that stands for it?"""
    g, num_children = tree[3], tree[12]
    if control[DUPLICATES] == FIRST or (control[DUPLICATES] == CLOSED and num_children[known] >= 0):
        return False
    return path_cost < g[known]


# --- back up -----------------------------------------------------------------------------------------------------------------


def learn(control, numbers, withdrawn, pool, tree):
    """Carry what was judged (the leaf, or all its children) and who was withdrawn up to the root."""
    parent, row, num_children, flags = tree[0], tree[1], tree[12], tree[13]
    kind, leaf = pool[4], control[LEAF]
    barren = leaf >= 0 and num_children[leaf] == 0 and not flags[leaf] & ENDED
    if barren and control[TWO]:  # no move, and the rules do not say that the game is over
        flags[leaf] |= ENDED
    for number in range(control[FIRST_CHILD] - 1, control[ENTRIES]):
        child = number if number >= control[FIRST_CHILD] else leaf
        if child < 0 or kind[row[child]] & PENDING:
            continue
        settle(child, control, numbers, pool, tree)
        evaluated = child == leaf if control[ONE] or (leaf >= 0 and flags[leaf] & ENDED) else child != leaf
        if evaluated and not flags[child] & DEAD and not (barren and not control[TWO]):
            backup(child, control, numbers, pool, tree)
    for number in range(withdrawn[0] + 1):
        node = leaf if number == withdrawn[0] else parent[withdrawn[number + 1]]
        refresh(node, control, tree)


def backup(node, control, numbers, pool, tree):
    """Add the return of one evaluation to every node on its path; totals are for the player to move there, from the node on."""
    parent, cost, visits, total = tree[0], tree[4], tree[6], tree[7]
    _, estimate, _, _, kind = pool
    row = tree[1][node]
    weight = 1.0 if kind[row] & ENDED else numbers[VALUE]
    back = weight * estimate[row] if weight > 0.0 else 0.0
    if not control[TWO]:
        back = value_of(back)
    while node >= 0:
        visits[node] += 1
        total[node] += back
        numbers[LEAST], numbers[GREATEST] = min(numbers[LEAST], back), max(numbers[GREATEST], back)
        back = -back if control[TWO] else back - numbers[COST] * cost[node]
        node = parent[node]


def refresh(node, control, tree):
    """Recompute the best leaf below `node` and upwards, until nothing changes. A node without live children is dead; see PROVEN."""
    parent, key, tie, leaf, first_child, num_children, flags = tree[0], tree[8], tree[9], tree[10], tree[11], tree[12], tree[13]
    while node >= 0:
        best, every = -1, True
        for child in range(first_child[node], first_child[node] + num_children[node]):
            if flags[child] & DEAD:
                continue
            every = every and flags[child] & PROVEN
            if best < 0 or precedes(child, best, control, tree):
                best = child
        if best < 0:
            if flags[node] & ENDED:
                return
            flags[node] |= DEAD
        else:
            up = -key[best] if control[TWO] else key[best]
            certain = control[PROVE] and (every or (flags[best] & PROVEN and key[best] <= -1.0))
            if key[node] == up and tie[node] == tie[best] and leaf[node] == leaf[best] and not (certain and not flags[node] & PROVEN):
                return
            key[node], tie[node], leaf[node] = up, tie[best], leaf[best]
            if certain:
                flags[node] |= PROVEN
        node = parent[node]
