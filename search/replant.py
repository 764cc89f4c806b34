"""After a move: the subtree below it becomes the tree, copied in the order of its depth, so that the new arrays are compact.

Read first: tree.py. Read next: forest.py (`advance`).
"""

import numpy as np

from astarzero.envs.domain import step
from astarzero.envs.line import step_in_line
from astarzero.envs.state_table import copy_row, hash_row
from astarzero.envs.two_players import position_key

from astarzero.search.tree import (  # isort: skip
    EDGES, EXHAUSTED_TREE, FIRST_NODE, GREATEST, LEAST, LINE, NODES, NONE, ROOT, SEED, SOLVED_TREE, STATE, WON, Trees, drops_duplicates,
    keeps_line, merges_duplicates, tree_at, two_players,
)  # fmt: skip
from astarzero.search.tree_expand import is_cheaper, key_of, slot_of

COPIED = -2  # visits of an old node whose copy is number n: COPIED - n


def replant(
    moves, keeps_subtree, context, counts, bounds, states, nodes, edges, table, line, plan, gumbel,
    new_counts, new_bounds, new_states, new_nodes, new_edges, new_table, new_line, new_plan, new_gumbel, scratch,
):  # fmt: skip
    """Kernel: from the old arrays, which are used up, into new ones of zeros. Returns -1, or the first tree whose move is illegal; then
    nothing was changed but the new arrays."""
    olds = Trees(counts, bounds, states, nodes, edges, table, line, plan, gumbel)
    news = Trees(new_counts, new_bounds, new_states, new_nodes, new_edges, new_table, new_line, new_plan, new_gumbel)
    for which in range(moves.shape[0]):
        old, new = tree_at(olds, which), tree_at(news, which)
        if step_in_line(old.states[ROOT], moves[which], context, old.line, old.counts[LINE], new.states[ROOT]) <= 0.0:
            return which
    for which in range(moves.shape[0]):
        old, new = tree_at(olds, which), tree_at(news, which)
        new.counts[SEED], new.counts[LINE] = old.counts[SEED], old.counts[LINE] + 1
        if keeps_line():
            for place in range(old.counts[LINE]):
                new.line[place] = old.line[place]
            new.line[old.counts[LINE]] = position_key(new.states[ROOT], context)
        child = child_by(old, moves[which]) if keeps_subtree else NONE
        if child == NONE:
            new.bounds[LEAST], new.bounds[GREATEST] = np.inf, -np.inf
        else:
            new.bounds[LEAST], new.bounds[GREATEST] = old.bounds[LEAST], old.bounds[GREATEST]
            copy_below(old, child, new, context, scratch)
            if new.nodes[ROOT].status >= WON:
                new.counts[STATE] = SOLVED_TREE if two_players() else EXHAUSTED_TREE
    return -1


def child_by(tree, action):
    """The node to which an action leads from the root, or NONE."""
    if tree.counts[NODES] > 0:
        first = np.int64(tree.nodes[ROOT].first)
        for edge in range(first, first + tree.nodes[ROOT].count):
            if tree.edges[edge].action == action:
                return np.int64(tree.edges[edge].child)
    return np.int64(NONE)


def copy_below(old, root, new, context, scratch):
    """Copy the nodes below `root`, itself as ROOT, breadth first."""
    copy_node(old, root, new)
    if drops_duplicates() or (merges_duplicates() and not two_players()):
        is_cheaper(new, hash_row(new.states[ROOT]), 0.0)
    node = np.int64(ROOT)
    while node < new.counts[NODES]:
        source, first = np.int64(new.nodes[node].first), new.counts[EDGES]
        new.nodes[node].first = first
        for number in range(new.nodes[node].count):
            new.edges[first + number] = old.edges[source + number]
            child = np.int64(old.edges[source + number].child)
            if child != NONE:
                if old.nodes[child].visits > COPIED:
                    copy_node(old, child, new)
                new.edges[first + number].child = COPIED - old.nodes[child].visits
            if not two_players() and (drops_duplicates() or merges_duplicates()):
                note_state(new, node, first + number, context, scratch)
        new.counts[EDGES] += new.nodes[node].count
        if merges_duplicates():
            key = key_of(new, node, context, scratch)
            slot = slot_of(new, key)
            new.table[slot].key, new.table[slot].node = key, FIRST_NODE + node
        node += 1


def copy_node(old, node, new):
    """Copy a node, its edges not yet; where it stands now is written over the old one's visits."""
    copy = new.counts[NODES]
    copy_row(new.states[copy], old.states[node])
    new.nodes[copy] = old.nodes[node]
    old.nodes[node].visits = COPIED - copy
    new.counts[NODES] += 1


def note_state(tree, node, edge, context, scratch):
    """One player: enter the state behind an edge into the table, with its cost from the new root."""
    step(tree.states[node], tree.edges[edge].action, context, scratch)
    g = tree.table[slot_of(tree, hash_row(tree.states[node]))].g
    is_cheaper(tree, hash_row(scratch), g + np.float64(tree.edges[edge].cost))
