"""expand, the second verb of a simulation (tree.py): step along an edge, list what leaves the new node, and judge it.

Read next: tree_backup.py.
"""

import numpy as np

from astarzero.envs.domain import expand, is_goal, is_terminal, step
from astarzero.envs.machine import exponential, greatest, promise, total_of
from astarzero.envs.state_table import copy_row, hash_row
from astarzero.envs.two_players import forget, outcome, position_key
from astarzero.search.frontier import seeded_bits

from astarzero.search.tree import (  # isort: skip
    DEAD, DRAWN, EDGES, EXPANSIONS, FIRST_NODE, FREE, FROM, GENERATED, KNOWN, LINE, LOST, NODES, NONE, OPEN, PLAN, SEED,
    SOLVED_TREE, STATE, TAKEN, TEMPERATURE, WAITING, WON, drops_duplicates, exchange, keeps_line, list_edges, list_moves, merges_duplicates,
    two_players,
)  # fmt: skip


def expand_edge(tree, depth, g, context, path, successors, actions, costs):
    """Take the last edge of `path`, which was never taken; returns the node it leads to: a new one, or with merging a known one.

    The new node is WAITING, or has ended. PLAN of `counts` is the action that leads on to a goal, if one was generated.
    """
    parent, edge, node = path[depth - 1, FROM], path[depth - 1, TAKEN], tree.counts[NODES]
    step(tree.states[parent], tree.edges[edge].action, context, tree.states[node])
    length = tree.counts[LINE] + depth
    if two_players():
        tree.counts[GENERATED] += 1
    if keeps_line():
        tree.line[length - 1] = position_key(tree.states[node], context)
    known = open_node(tree, node, g, length, context, successors, actions, costs)
    tree.edges[edge].child = known
    return known


def open_node(tree, node, g, length, context, successors, actions, costs):
    """Make a node of the row that stands in tree.states[node]; returns it, or with merging the equal one that was there."""
    count, first = list_edges(tree, node, g, length, context, successors, actions, costs), tree.counts[EDGES]
    new = tree.nodes[node]
    new.visits, new.value, new.own, new.first, new.count, new.live, new.tried = 0, 0.0, 0.0, first, count, count, 0
    new.status = status_of(tree, node, count, context)
    number, stride = seeded_order(count, node, tree.counts[SEED])
    promise(first >= 0)
    for place in range(first, first + count):  # in the order in which they stand: their memory is new, and comes faster so
        promise(number >= 0)
        edge = tree.edges[place]
        edge.action, edge.visits, edge.q, edge.child, edge.cost, edge.flying = actions[number], 0, 0.0, NONE, costs[number], 0
        number += stride
        if number >= count:
            number -= count
    if merges_duplicates():
        key = key_of(tree, node, context, successors[0])
        slot = slot_of(tree, key)
        if tree.table[slot].node >= FIRST_NODE:
            return np.int64(tree.table[slot].node) - FIRST_NODE
        tree.table[slot].key, tree.table[slot].node = key, FIRST_NODE + node
    tree.counts[NODES] += 1
    tree.counts[EDGES] += count
    tree.counts[EXPANSIONS] += 1
    return node


def seeded_order(count, node, seed):
    """(number of the action whose edge stands first, how many on that of the next place is): a rule takes the first of equals, and so
    no action wins ties by its number. Seen from the actions: edges stand around a circle, from a seeded place on by a seeded stride.
    """
    if count < 2:
        return 0, 1
    bits = seeded_bits(node, seed)
    stride = 1 + np.int64((bits >> np.uint64(32)) % np.uint64(count - 1))
    inverse = inverse_within(stride, count)
    while inverse == 0:
        stride = stride - 1 if stride > 1 else count - 1
        inverse = inverse_within(stride, count)
    start = np.int64((bits & np.uint64(0xFFFFFFFF)) % np.uint64(count))
    return (count - start) * inverse % count, inverse


def inverse_within(stride, count):
    """The number by which `stride` comes to 1 around a circle of `count`; 0 when they have a common factor (Euclid)."""
    before, now, larger, smaller = np.int64(0), np.int64(1), np.int64(count), np.int64(stride)
    while smaller:
        times = larger // smaller
        before, now, larger, smaller = now, before - times * now, smaller, larger - times * smaller
    return before % count if larger == 1 else np.int64(0)


def status_of(tree, node, count, context):
    """Of a node with `count` edges before it is judged."""
    if two_players():
        if count == 0:
            result = outcome(tree.states[node], context)
            return WON if result > 0.0 else (LOST if result < 0.0 else DRAWN)
        return WAITING
    return DEAD if count == 0 else WAITING


def list_legal_moves(tree, node, g, length, context, successors, actions, costs):
    """Two players: the legal moves, none at the end. A row without a legal move is scored as one at the end."""
    if is_terminal(tree.states[node], context):
        return 0
    return list_moves(tree.states[node], context, tree.line, length, successors, actions, costs)


def list_successors(tree, node, g, length, context, successors, actions, costs):
    """One player: the successors that are no dead end by the rule book and, where duplicates are dropped, were not met at so low a cost."""
    made, kept = expand(tree.states[node], context, successors, actions, costs), 0
    tree.counts[GENERATED] += made
    for number in range(made):
        if is_goal(successors[number], context):
            tree.counts[STATE], tree.counts[PLAN] = SOLVED_TREE, actions[number]
        if is_terminal(successors[number], context):
            continue
        if (drops_duplicates() or merges_duplicates()) and not is_cheaper(tree, hash_row(successors[number]), g + costs[number]):
            continue
        actions[kept], costs[kept] = actions[number], costs[number]
        kept += 1
    return kept


def is_cheaper(tree, key, g):
    """Is `g` below the cost at which this state was met before? If so it is noted."""
    slot = slot_of(tree, key)
    if tree.table[slot].node == FREE:
        tree.table[slot].key, tree.table[slot].node = key, KNOWN
    elif tree.table[slot].g <= np.float32(g):
        return False
    tree.table[slot].g = g
    return True


def key_of(tree, node, context, scratch):
    """Equal for nodes that a merging tree takes for one: the same position and, with a past that matters, the same legal moves."""
    copy_row(scratch, tree.states[node])
    if two_players():
        forget(scratch, context)
    key, first = hash_row(scratch), np.int64(tree.nodes[node].first)
    if keeps_line():
        for edge in range(first, first + tree.nodes[node].count):
            key += seeded_bits(tree.edges[edge].action, 0)
    return key


def slot_of(tree, key):
    """The slot of the table that holds `key`, or the free one where it belongs."""
    mask = tree.table.shape[0] - 1
    slot = np.int64(key & np.uint64(mask))
    while tree.table[slot].node != FREE and tree.table[slot].key != key:
        slot = (slot + 1) & mask
    return slot


def refill_tables(old, table):
    """Kernel: the entries of the tables `old` ENTRY [B, T] into larger ones, which are empty."""
    mask = table.shape[1] - 1
    for tree in range(old.shape[0]):
        for number in range(old.shape[1]):
            entry = old[tree, number]
            if entry.node != FREE:
                slot = np.int64(entry.key & np.uint64(mask))
                while table[tree, slot].node != FREE:
                    slot = (slot + 1) & mask
                table[tree, slot].key, table[tree, slot].node, table[tree, slot].g = entry.key, entry.node, entry.g


CERTAIN = np.float32(1.0)  # exponential of 0


def judge(tree, node, prior_logits, value, chances, numbers):
    """Give a WAITING node its prior, normalised over its edges. False when the answer is no number, or no edge has any weight. A value of
    -inf is a dead end, for one player alone. `chances` [A] is scratch: what stands without a gap is computed several at a time."""
    first, count = np.int64(tree.nodes[node].first), np.int64(tree.nodes[node].count)
    promise(first >= 0)
    for number in range(count):
        chances[number] = prior_logits[action_of(tree, first + number)]
    highest = greatest(chances, count)
    if not -np.inf < highest < np.inf:
        return False
    per_degree = np.float32(1.0 / numbers[TEMPERATURE])
    for number in range(count):
        chances[number] = exponential((chances[number] - highest) * per_degree)
    total = total_of(chances, count)
    scale = np.float32(1.0) / total
    for number in range(count):
        tree.edges[first + number].prior = chances[number] * scale
    likeliest = 0
    while chances[likeliest] < CERTAIN and likeliest < count - 1:
        likeliest += 1
    exchange(tree, first, first + likeliest)
    tree.nodes[node].status, tree.nodes[node].own = OPEN, value
    return total == total and value == value and (value > -np.inf or not two_players())


def action_of(tree, edge):
    """The action of an edge, as an index."""
    action = np.int64(tree.edges[edge].action)
    promise(action >= 0)
    return action
