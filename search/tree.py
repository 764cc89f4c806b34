"""Search trees in a batch: their arrays, and the three verbs of a simulation as compiled code: `select`, `expand`, `backup`.

A *node* is a position that was reached; an *edge* is an action that may be taken there. The arrays have the trees in front:
`nodes` [B, N] and `edges` [B, E], where a node's edges stand together: first those that were ever taken, in the order of their first
times, then the likeliest of the others, then the rest; so a rule looks at few of them. `Tree` is what a kernel sees of one tree.

- select goes down from the root, at each node by a rule of selection.py, to an edge that was never taken, or to a node that has ended.
- expand steps along that edge and lists the edges of the new node. One player: every successor is made at once, so that a
  goal ends the search when it is generated, dead ends get no edge, and of duplicates only the cheaper way does. Two players: the legal
  moves by all the rules are listed, superko included, by the line of keys (../envs/two_players.py); outcomes are known at the end.
  The node then waits for its judgement: value and prior together, one evaluation.
- backup carries the return up the path. A return, a value and a q are for the player to move where they stand:
  q = -cost + discount * (return of the child), and discount = -1 when the turn passes, so nobody else turns a sign.

What has ended: a terminal node has its exact outcome. A node with an edge to a lost position is WON; one whose edges all lead to
won positions is LOST; the least of it all is DRAWN (Winands, Bjornsson & Saito 2008). An edge that leads to a sure loss,
or for one player to a dead end, has q = -inf and no rule takes it; `live` counts the others. There is never a nan.

select is in this file, expand in tree_expand.py, backup in tree_backup.py.

Sources: Rosin 2011, Silver et al. 2018 (AlphaZero); KataGo's docs/GraphSearch.md (why edges count their own visits).
Read next: selection.py (the rules), mcts.py (the loop and its driver).
"""

from typing import Any, NamedTuple

import numpy as np

from astarzero.envs.compile import hook
from astarzero.envs.machine import promise
from astarzero.envs.two_players import position_key

OPEN, WAITING, WON, DRAWN, LOST, DEAD = range(6)  # status of a node; WAITING: listed but not judged; from WON on it has ended
ROOT, NONE = 0, -1  # a node; child of an edge: never taken
FREE, KNOWN, FIRST_NODE = range(3)  # of an entry: nothing here; a state that has an edge, but no node yet; FIRST_NODE + node

# cells of `counts`, one row a tree
NODES, EDGES, LINE, SEED, SIMULATIONS, EXPANSIONS, GENERATED, EVALUATIONS, FLYING, STATE, PLAN, DEPTH, LIMIT = range(13)
CELLS = 13
RUNNING, SOLVED_TREE, EXHAUSTED_TREE = range(3)  # of cell STATE
LEAST, GREATEST = range(2)  # of `bounds`: returns met in this tree
FROM, TAKEN = range(2)  # of `path`: a node, and the edge that was taken there
C, C_BASE, TEMPERATURE, FPU_SHARE, FPU_SHIFT, VIRTUAL_LOSS, DISCOUNT, CONSIDERED, C_VISIT, C_SCALE = range(10)  # of `numbers`
NUMBERS = 10


NODE = np.dtype(
    [
        ("visits", np.int32),  # backups that passed or ended here; -1 while it waits for the evaluator
        ("value", np.float32),  # backed-up return for the player to move
        ("own", np.float32),  # what the evaluator said
        ("first", np.int32),  # first edge
        ("count", np.int16),  # number of edges
        ("live", np.int16),  # of them not known to be lost or dead
        ("tried", np.int16),  # of them ever taken: they stand first
        ("status", np.int8),
    ],
    align=True,
)
EDGE = np.dtype(
    [
        ("prior", np.float32),  # sums to 1 over a node's edges
        ("q", np.float32),  # backed-up return for the player who takes it
        ("visits", np.int32),
        ("child", np.int32),  # node, or NONE
        ("cost", np.float32),  # one player
        ("action", np.int16),
        ("flying", np.int16),  # descents that have not come back
    ],
    align=True,
)
ENTRY = np.dtype(  # of the table of states, for duplicates
    [
        ("key", np.uint64),
        ("node", np.int32),  # FREE, KNOWN or FIRST_NODE + its node
        ("g", np.float32),  # one player: least cost from the root at which it was met
    ],
    align=True,
)


class Tree(NamedTuple):
    """One tree, as a kernel sees it."""

    counts: Any  # int64 [CELLS]
    bounds: Any  # float64 [2]
    states: Any  # uint64 [N, W]
    nodes: Any  # NODE [N]
    edges: Any  # EDGE [E], those of a node together
    table: Any  # ENTRY [T], one cell where duplicates are kept
    line: Any  # uint64 [L], keys of the game and then of the path; one cell in worlds without history
    plan: Any  # int16 [D], actions to the goal that was found; one cell for two players
    gumbel: Any  # float32 [A], Gumbel noise of the root's actions; one cell for other rules


class Trees(NamedTuple):
    """All trees: the same with one more dimension in front, B."""

    counts: Any
    bounds: Any
    states: Any
    nodes: Any
    edges: Any
    table: Any
    line: Any
    plan: Any
    gumbel: Any


def tree_at(trees, which):
    """One of the trees."""
    return Tree(
        trees.counts[which], trees.bounds[which], trees.states[which], trees.nodes[which], trees.edges[which], trees.table[which],
        trees.line[which], trees.plan[which], trees.gumbel[which],
    )  # fmt: skip


# --- hooks that mcts.py fills --------------------------------------------------------------------------------------------------------


@hook
def choose_at_root(tree, node, numbers):
    """The edge to take at the root; see selection.py."""
    raise NotImplementedError


@hook
def choose_edge(tree, node, numbers):
    """The edge to take below the root."""
    raise NotImplementedError


@hook
def list_edges(tree, node, g, length, context, successors, actions, costs):
    """Find the edges of a new node, reached at cost `g` with a line of `length` keys: see list_successors and list_legal_moves."""
    raise NotImplementedError


@hook
def list_moves(state, context, keys, length, successors, actions, costs):
    """The legal actions by all the rules, with the line keys[:length]; returns how many."""
    raise NotImplementedError


@hook
def carry(tree, node, edge, back, numbers):
    """Take the return `back` of an edge into the edge and its node; returns the node's return: see carry_mean, carry_best, carry_graph."""
    raise NotImplementedError


@hook
def two_players():
    """Does the turn pass?"""
    raise NotImplementedError


@hook
def drops_duplicates():
    """Does a successor get an edge only when no way as cheap to it is known? One player."""
    raise NotImplementedError


@hook
def merges_duplicates():
    """Do edges that lead to equal states share a node?"""
    raise NotImplementedError


@hook
def keeps_line():
    """Does the world have a past that matters?"""
    raise NotImplementedError


@hook
def counts_flying():
    """May several descents be under way in one tree?"""
    raise NotImplementedError


@hook
def proves():
    """Are wins and losses carried up from the ends? Two players."""
    raise NotImplementedError


# --- select ---------------------------------------------------------------------------------------------------------------------------


def select(tree, numbers, context, path):
    """(node, depth, cost of the path): the first node from the root that is not OPEN, or NONE when the last edge was never taken.

    An OPEN node is one that the path has met before: a merging tree may have loops. Depth is -1 when `path` or the line is too short.
    """
    node, depth, g = np.int64(ROOT), np.int64(0), 0.0
    room = path.shape[0] if not keeps_line() else min(path.shape[0], tree.line.shape[0] - tree.counts[LINE])
    while tree.nodes[node].status == OPEN:
        if depth == room:
            take_off(tree, depth, path)
            return node, np.int64(-1), g
        edge = choose_at_root(tree, node, numbers) if depth == 0 else choose_edge(tree, node, numbers)
        if tree.edges[edge].child == NONE:
            edge = line_up(tree, node, edge)
        path[depth, FROM], path[depth, TAKEN] = node, edge
        depth += 1
        if counts_flying():
            tree.edges[edge].flying += 1
        if not two_players():
            g += tree.edges[edge].cost
        node = np.int64(tree.edges[edge].child)
        if node == NONE or (two_players() and merges_duplicates() and is_on_path(node, depth, path)):
            break
        if keeps_line():
            tree.line[tree.counts[LINE] + depth - 1] = position_key(tree.states[node], context)
    return node, depth, g


def line_up(tree, node, edge):
    """Where an edge of `node` stands that is now taken for the first time: behind those that were, and before the likeliest of the rest."""
    first, place = np.int64(tree.nodes[node].first), np.int64(tree.nodes[node].first + tree.nodes[node].tried)
    end = first + np.int64(tree.nodes[node].count)
    promise(first >= 0)
    promise(place >= first)
    exchange(tree, place, edge)
    tree.nodes[node].tried += 1
    likeliest = place + 1
    for other in range(place + 2, end):
        if tree.edges[other].prior > tree.edges[likeliest].prior:
            likeliest = np.int64(other)
    if likeliest > place + 1:
        exchange(tree, place + 1, likeliest)
    return place


def exchange(tree, one, other):
    """Two edges that were never taken change places."""
    here, there = tree.edges[one], tree.edges[other]
    here.prior, there.prior = there.prior, here.prior
    here.action, there.action = there.action, here.action
    here.cost, there.cost = there.cost, here.cost


def is_on_path(node, depth, path):
    for place in range(depth):
        if path[place, FROM] == node:
            return True
    return False


def take_off(tree, depth, path):
    """The descent along `path` is given up: its edges are no longer under way."""
    if counts_flying():
        for place in range(depth):
            tree.edges[path[place, TAKEN]].flying -= 1
