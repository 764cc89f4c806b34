"""What becomes of a state that a search meets again: a graph search keeps it once, a tree search each time. Rules for best_first.py.

`merged` is the graph: a table maps states to nodes, and of two paths to a state the better one counts. `dropped_on_path` is a tree
that leaves out loops: a state is a duplicate only of one on its own path, so no table is needed, and there are as many nodes for a
state as there are paths to it without loops. `kept` is the plain tree, in which undoing a move is a node like any other.

All three leave A* optimal. What the table buys at equal evaluations is measured by `astarzero unfold` (../experiments/unfold.py).
"""

from collections.abc import Callable, Mapping

from astarzero.envs.compile import hook
from astarzero.envs.state_table import EMPTY, find_slot, same_row


@hook
def find_known(row, node, states, parent, slots, mask):
    """(slot where a new node for `row`, a successor of `node`, is to be noted, or EMPTY; the node that it is a duplicate of, or EMPTY)."""
    raise NotImplementedError


def known_by_table(row, node, states, parent, slots, mask):
    return find_slot(row, states, slots, mask)


def known_by_path(row, node, states, parent, slots, mask):
    while node >= 0:
        if same_row(states[node], row):
            return EMPTY, node
        node = parent[node]
    return EMPTY, EMPTY


def never_known(row, node, states, parent, slots, mask):
    return EMPTY, EMPTY


DUPLICATES: Mapping[str, Callable[..., tuple[int, int]]] = {
    "merged": known_by_table,
    "dropped_on_path": known_by_path,
    "kept": never_known,
}
