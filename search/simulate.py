"""The loop of a tree search, compiled: one call takes the answers for all waiting leaves, and descends until leaves wait again.

For B trees with up to K leaves each under way: first every waiting leaf is judged and backed up; then each tree, by itself, descends
until K of its leaves wait or it has no simulation left. What a tree does follows from itself alone, so a batch equals its trees one
by one. With an evaluator that has compiled rules nothing ever waits, and a call is a slice of the search.

Read first: tree.py (the three verbs). Read next: mcts.py (who calls this).
"""

import numpy as np

from astarzero.envs.domain import is_goal, is_terminal
from astarzero.envs.evaluation import node_prior, node_value
from astarzero.envs.state_table import hash_row
from astarzero.search.desk import PRIOR
from astarzero.search.questions import heard_value, write_question

from astarzero.search.tree import (  # isort: skip
    DEAD, DEPTH, EDGES, EVALUATIONS, EXHAUSTED_TREE, EXPANSIONS, FLYING, LIMIT, LINE, NODES, NONE, PLAN, ROOT, RUNNING, SIMULATIONS,
    SOLVED_TREE, STATE, TAKEN, WAITING, WON, Trees, drops_duplicates, merges_duplicates, select, take_off, tree_at, two_players,
)  # fmt: skip
from astarzero.search.tree_backup import backup, bury, return_of
from astarzero.search.tree_expand import expand_edge, is_cheaper, judge, open_node

ASK, DONE, PAUSE, ROOM, BAD_ANSWER = range(1, 6)  # what the kernel says: leaves wait; all trees have ended; look at the clock; grow; nan
ANSWERED, DESCENDING, ASKED = range(3)  # of cell PHASE; who has answered what was asked says so there
PHASE, LEAVES, NEXT, PER_TREE, INLINE, CHARGED, MAX_EXPANSIONS, MAX_EVALUATIONS, MAX_NODES, SLICE = range(10)  # cells of `control`
CONTROL_CELLS = 10
TREE_OF, NODE_OF, DEPTH_OF = range(3)  # of a leaf


def simulate_kernel(
    control, numbers, context, tables, counts, bounds, states, nodes, edges, table, line, plan, gumbel, path, leaves, papers,
    prior_logits, chances, successors, actions, costs,
):  # fmt: skip
    """Runs until leaves wait (ASK), all trees have ended (DONE), one needs ROOM, or a slice is over (PAUSE); then is called again.

    On ASK the leaves are in question on the first LEAVES rows of the desk, whose `papers` these are; the answers are read once PHASE is
    ANSWERED. `prior_logits` and `chances` are scratch, float32 [A].
    """
    trees = Trees(counts, bounds, states, nodes, edges, table, line, plan, gumbel)
    left = control[SLICE]
    if control[PHASE] == ANSWERED:
        for leaf in range(control[LEAVES]):
            tree = tree_at(trees, np.int64(leaves[leaf, TREE_OF]))
            tree.counts[FLYING] -= 1
            node, depth = np.int64(leaves[leaf, NODE_OF]), np.int64(leaves[leaf, DEPTH_OF])
            if not receive(tree, node, depth, papers[PRIOR][leaf], heard_value(leaf, papers), chances, numbers, path[leaf]):
                return BAD_ANSWER
        control[PHASE], control[LEAVES], control[NEXT] = DESCENDING, 0, 0
    while control[NEXT] < counts.shape[0]:
        tree = tree_at(trees, control[NEXT])
        while may_descend(tree, control):
            if lacks_room(tree, actions.shape[0]):
                return ROOM
            if left == 0:
                return PAUSE
            left -= 1
            leaf = control[LEAVES]
            node, depth = descend(tree, numbers, context, path[leaf], successors, actions, costs)
            if depth < 0:
                return ROOM
            if node == NONE:
                continue
            if tree.nodes[node].visits < 0:  # it waits already: this tree has no other leaf to offer now
                take_off(tree, depth, path[leaf])
                break
            if tree.counts[EVALUATIONS] + control[CHARGED] > control[MAX_EVALUATIONS]:
                take_off(tree, depth, path[leaf])
                tree.counts[LIMIT] = -1  # no more in this run
                break
            tree.counts[EVALUATIONS] += control[CHARGED]
            if control[INLINE]:
                value = ask_rules(tree.states[node], context, tables, prior_logits)
                if not receive(tree, node, depth, prior_logits, value, chances, numbers, path[leaf]):
                    return BAD_ANSWER
                continue
            tree.nodes[node].visits = -1
            tree.counts[FLYING] += 1
            leaves[leaf, TREE_OF], leaves[leaf, NODE_OF], leaves[leaf, DEPTH_OF] = control[NEXT], node, depth
            write_question(leaf, tree.states[node], context, papers)
            control[LEAVES] += 1
        control[NEXT] += 1
    control[PHASE] = ASKED if control[LEAVES] > 0 else ANSWERED
    return ASK if control[LEAVES] > 0 else DONE


def may_descend(tree, control):
    """Has this tree another simulation to start now?"""
    counts, under_way = tree.counts, tree.counts[FLYING]
    unjudged = counts[NODES] == 0 or tree.nodes[ROOT].status == WAITING  # to judge a root is no simulation
    return (
        counts[STATE] == RUNNING
        and under_way < control[PER_TREE]
        and (counts[SIMULATIONS] + under_way < counts[LIMIT] or (unjudged and counts[LIMIT] >= 0))
        and counts[EXPANSIONS] < control[MAX_EXPANSIONS]
        and counts[NODES] < control[MAX_NODES]
        and not (under_way > 0 and unjudged)
    )


def lacks_room(tree, num_actions):
    """Is there no room for a node and its edges, or in the table for as many states as there are edges?"""
    edges = tree.counts[EDGES] + num_actions
    crowded = (drops_duplicates() or merges_duplicates()) and 2 * edges > tree.table.shape[0]
    return tree.counts[NODES] + 1 > tree.states.shape[0] or edges > tree.edges.shape[0] or crowded


def descend(tree, numbers, context, path, successors, actions, costs):
    """(node to judge, depth), or NONE in its place when this simulation is over already. Depth is -1 when there was no room for it."""
    if tree.counts[NODES] == 0:
        if not two_players() and is_over(tree, context):
            return np.int64(NONE), np.int64(0)
        depth = np.int64(0)
        node = open_node(tree, tree.counts[NODES], 0.0, tree.counts[LINE], context, successors, actions, costs)
    else:
        node, depth, g = select(tree, numbers, context, path)
        if depth < 0:
            return node, depth
        if node == NONE:
            node = expand_edge(tree, depth, g, context, path, successors, actions, costs)
    if tree.counts[STATE] == SOLVED_TREE:
        note_plan(tree, depth, path)
        return np.int64(NONE), depth
    status = tree.nodes[node].status
    if status == WAITING:
        return node, depth
    if status == DEAD:
        bury(tree, depth, path)
    else:  # it has ended, or stands elsewhere in the tree too
        if status >= WON:
            tree.nodes[node].visits, tree.nodes[node].value = tree.nodes[node].visits + 1, return_of(tree, node)
        backup(tree, node, return_of(tree, node), depth, numbers, path)
    end_with_root(tree)
    return np.int64(NONE), depth


def ask_rules(state, context, tables, prior_logits):
    """The evaluator's answer inside the kernel: writes the prior, returns the value."""
    node_prior(state, context, tables, prior_logits)
    return np.float32(node_value(state, state, 0.0, -1, context, tables))


def is_over(tree, context):
    """One player: is the root a goal, or a dead end by the rule book?"""
    root = tree.states[0]
    if is_goal(root, context):
        tree.counts[STATE] = SOLVED_TREE
    elif is_terminal(root, context):
        tree.counts[STATE] = EXHAUSTED_TREE
    elif drops_duplicates() or merges_duplicates():
        is_cheaper(tree, hash_row(root), 0.0)
    return tree.counts[STATE] != RUNNING


def receive(tree, node, depth, prior_logits, value, chances, numbers, path):
    """Judge a leaf and carry its value up; False when the answer is no number. For one player -inf is a dead end."""
    if not judge(tree, node, prior_logits, value, chances, numbers):
        return False
    if value == -np.inf:
        tree.nodes[node].status = DEAD
        bury(tree, depth, path)
    else:
        tree.nodes[node].visits, tree.nodes[node].value = 1, value
        backup(tree, node, np.float64(value), depth, numbers, path)
    end_with_root(tree)
    return True


def end_with_root(tree):
    """The search is over when the root has ended: its exact value is known, or for one player that there is no plan."""
    if tree.nodes[ROOT].status >= WON:
        tree.counts[STATE] = SOLVED_TREE if two_players() else EXHAUSTED_TREE


def note_plan(tree, depth, path):
    """A goal was generated: the plan is the actions of the path, and PLAN."""
    for place in range(depth):
        tree.plan[place] = tree.edges[path[place, TAKEN]].action
    tree.plan[depth] = tree.counts[PLAN]
    tree.counts[DEPTH] = depth + 1
