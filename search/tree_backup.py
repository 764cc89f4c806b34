"""backup, the third verb of a simulation (tree.py): carry a return up the path, and draw conclusions from what has ended.

Read next: simulate.py (the loop).
"""

import numpy as np

from astarzero.search.tree import (  # isort: skip
    DEAD, DISCOUNT, DRAWN, FROM, GREATEST, LEAST, LOST, OPEN, SIMULATIONS, TAKEN, WON, carry, counts_flying, proves, take_off,
    two_players,
)  # fmt: skip


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
    for other in range(first, first + tree.nodes[node].tried):
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
    for other in range(first, first + tree.nodes[node].tried):
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
    first, count = np.int64(tree.nodes[node].first), tree.nodes[node].count
    if tree.nodes[node].tried < count:
        return False
    for edge in range(first, first + count):
        if tree.nodes[tree.edges[edge].child].status < WON:
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
