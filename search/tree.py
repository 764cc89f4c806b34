"""Search trees in a batch: their arrays, and the three verbs of a simulation as compiled code: `select`, `expand`, `backup`.

A *node* is a position that was reached; an *edge* is an action that may be taken there. The arrays have the trees in front:
`nodes` [B, N] and `edges` [B, E], where a node's edges stand together. `Tree` is what a kernel sees of one tree.

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

Sources: Rosin 2011, Silver et al. 2018 (AlphaZero); KataGo's docs/GraphSearch.md (why edges count their own visits).
Read next: selection.py (the rules), mcts.py (the loop and its driver).
"""

import math
from typing import Any, NamedTuple

import numpy as np

from astarzero.envs.compile import hook
from astarzero.envs.domain import expand, is_goal, is_terminal, step
from astarzero.envs.machine import exponential
from astarzero.envs.state_table import copy_row, hash_row
from astarzero.envs.two_players import forget, outcome, position_key
from astarzero.search.frontier import seeded_bits

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


# --- expand ---------------------------------------------------------------------------------------------------------------------------


def expand_edge(tree, depth, g, context, path, successors, actions, costs):
    """Take the last edge of `path`, which was never taken; returns the node it leads to: a new one, or with merging a known one.

    The new node is WAITING, or has ended. PLAN of `counts` is the action that leads on to a goal, if one was generated.
    """
    parent, edge, node = path[depth - 1, FROM], path[depth - 1, TAKEN], tree.counts[NODES]
    step(tree.states[parent], tree.edges[edge].action, context, tree.states[node])
    length = tree.counts[LINE] + depth
    if keeps_line():
        tree.line[length - 1] = position_key(tree.states[node], context)
    known = open_node(tree, node, g, length, context, successors, actions, costs)
    tree.edges[edge].child = known
    return known


def open_node(tree, node, g, length, context, successors, actions, costs):
    """Make a node of the row that stands in tree.states[node]; returns it, or with merging the equal one that was there."""
    count, first = list_edges(tree, node, g, length, context, successors, actions, costs), tree.counts[EDGES]
    new = tree.nodes[node]
    new.visits, new.value, new.own, new.first, new.count, new.live = 0, 0.0, 0.0, first, count, count
    new.status = status_of(tree, node, count, context)
    place, stride = seeded_order(count, node, tree.counts[SEED])
    for number in range(count):
        edge = tree.edges[first + place]
        edge.action, edge.visits, edge.q, edge.child, edge.cost, edge.flying = actions[number], 0, 0.0, NONE, costs[number], 0
        place += stride
        if place >= count:
            place -= count
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
    """(start, stride): edges stand in this order around the circle, and a rule takes the first of equals, so that no action number wins ties."""
    if count < 2:
        return 0, 1
    bits = seeded_bits(node, seed)
    stride = 1 + np.int64((bits >> np.uint64(32)) % np.uint64(count - 1))
    while have_common_factor(stride, count):
        stride = stride - 1 if stride > 1 else count - 1
    return np.int64((bits & np.uint64(0xFFFFFFFF)) % np.uint64(count)), stride


def have_common_factor(first, second):
    while second:
        first, second = second, first % second
    return first > 1


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
    tree.counts[GENERATED] += 1
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


def judge(tree, node, prior_logits, value, numbers):
    """Give a WAITING node its prior, normalised over its edges; `prior_logits` [A] is used up. False when the answer is no number, or no
    edge has any weight. A value of -inf is a dead end, for one player alone."""
    first = np.int64(tree.nodes[node].first)
    end, highest, total = first + np.int64(tree.nodes[node].count), np.float32(-np.inf), np.float32(0.0)
    for edge in range(first, end):
        highest = max(highest, prior_logits[tree.edges[edge].action])
    if not -np.inf < highest < np.inf:
        return False
    per_degree = np.float32(1.0 / numbers[TEMPERATURE])
    for action in range(prior_logits.shape[0]):  # of illegal actions too: without a gap several are computed at a time
        prior_logits[action] = exponential((prior_logits[action] - highest) * per_degree)
    for edge in range(first, end):
        total += prior_logits[tree.edges[edge].action]
    scale = np.float32(1.0) / total
    for edge in range(first, end):
        tree.edges[edge].prior = prior_logits[tree.edges[edge].action] * scale
    tree.nodes[node].status, tree.nodes[node].own = OPEN, value
    return total == total and value == value and (value > -np.inf or not two_players())


# --- backup ---------------------------------------------------------------------------------------------------------------------------


def backup(tree, node, back, depth, numbers, path):
    """Carry the return `back` of `node` along the `depth` edges of `path` to the root."""
    note_return(tree, back)
    for place in range(depth - 1, -1, -1):
        child, node, edge = node, np.int64(path[place, FROM]), np.int64(path[place, TAKEN])
        if counts_flying():
            tree.edges[edge].flying -= 1
        back = numbers[DISCOUNT] * back - (tree.edges[edge].cost if not two_players() else 0.0)
        back = carry(tree, node, edge, back, numbers)
        note_return(tree, back)
        if proves() and tree.nodes[child].status >= WON:
            conclude(tree, node, edge, tree.nodes[child].status)
            if tree.nodes[node].status >= WON:
                back = value_of_end(tree.nodes[node].status)
    tree.counts[SIMULATIONS] += depth > 0


def note_return(tree, back):
    tree.bounds[LEAST], tree.bounds[GREATEST] = min(tree.bounds[LEAST], back), max(tree.bounds[GREATEST], back)


def value_of_end(status):
    """What a node that has ended is worth to the player to move there."""
    return 1.0 if status == WON else (-1.0 if status == LOST else 0.0)


def carry_mean(tree, node, edge, back, numbers):
    """The mean of all returns, as in AlphaZero."""
    tree.edges[edge].visits += 1
    tree.nodes[node].visits += 1
    if tree.edges[edge].q > -np.inf:
        tree.edges[edge].q += (np.float32(back) - tree.edges[edge].q) / tree.edges[edge].visits
    tree.nodes[node].value += (np.float32(back) - tree.nodes[node].value) / tree.nodes[node].visits
    return back


def carry_best(tree, node, edge, back, numbers):
    """The best edge tried so far, as in A* and minimax."""
    tree.edges[edge].visits += 1
    tree.nodes[node].visits += 1
    if tree.edges[edge].q > -np.inf:
        tree.edges[edge].q = back
    first, best = np.int64(tree.nodes[node].first), np.float32(-np.inf)
    for other in range(first, first + tree.nodes[node].count):
        if tree.edges[other].visits > 0:
            best = max(best, tree.edges[other].q)
    if best > -np.inf:  # else all that was tried is lost, and the rest may not be
        tree.nodes[node].value = best
    return np.float64(tree.nodes[node].value)


def carry_graph(tree, node, edge, back, numbers):
    """The mean of what the node's edges now say, weighted by their own visits: children may have learnt from elsewhere (KataGo)."""
    tree.edges[edge].visits += 1
    tree.nodes[node].visits += 1
    first, total, visits = np.int64(tree.nodes[node].first), np.float64(tree.nodes[node].own), 1
    for other in range(first, first + tree.nodes[node].count):
        tried = tree.edges[other].visits
        if tried > 0 and tree.edges[other].q > -np.inf:
            price = tree.edges[other].cost if not two_players() else 0.0
            q = numbers[DISCOUNT] * return_of(tree, np.int64(tree.edges[other].child)) - price
            tree.edges[other].q = q
            total += tried * q
            visits += tried
    tree.nodes[node].value = total / visits
    return total / visits


def return_of(tree, node):
    """The return of a node as it stands."""
    return value_of_end(tree.nodes[node].status) if tree.nodes[node].status >= WON else np.float64(tree.nodes[node].value)


def conclude(tree, node, edge, ending):
    """The child behind `edge` has ended: what follows for the node. Two players."""
    if tree.nodes[node].status >= WON:
        return
    if ending == LOST:
        tree.nodes[node].status = WON
        tree.edges[edge].q = 1.0
    elif ending == WON and tree.edges[edge].q > -np.inf:
        tree.edges[edge].q = -np.inf
        tree.nodes[node].live -= 1
    elif ending == DRAWN:
        tree.edges[edge].q = 0.0
    if tree.nodes[node].status == OPEN and all_ended(tree, node):
        tree.nodes[node].status = DRAWN if tree.nodes[node].live > 0 else LOST
    if tree.nodes[node].status >= WON:
        tree.nodes[node].value = value_of_end(tree.nodes[node].status)


def all_ended(tree, node):
    """Has the child of every edge ended?"""
    first = np.int64(tree.nodes[node].first)
    for edge in range(first, first + tree.nodes[node].count):
        if tree.edges[edge].child == NONE or tree.nodes[tree.edges[edge].child].status < WON:
            return False
    return True


def bury(tree, depth, path):
    """One player: the path ends in a dead end. Close its edge, and upwards every edge to a node that has no live edge left."""
    take_off(tree, depth, path)
    for place in range(depth - 1, -1, -1):
        node, edge = np.int64(path[place, FROM]), np.int64(path[place, TAKEN])
        if tree.edges[edge].q > -np.inf:
            tree.edges[edge].q = -np.inf
            tree.edges[edge].visits = max(1, tree.edges[edge].visits)
            tree.nodes[node].live -= 1
        if tree.nodes[node].live > 0:
            break
        tree.nodes[node].status = DEAD
    tree.counts[SIMULATIONS] += depth > 0
