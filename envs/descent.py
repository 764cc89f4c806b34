"""What a world lends to IDA* so that it walks fast: a node in a word or a few, and rules that write its successors onto a stack.

A heuristic lends it (`Heuristic.descent` in domain.py), since its numbers travel with the node.
Read next: sliding_descent.py, which makes them for tiles; ../search/packed_ida.py, which walks by them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from astarzero.envs.compile import hook

PLACE_MASK, DEPTH_SHIFT, SLACK_SHIFT = (1 << 16) - 1, 16, 32  # the fields of a label, from the least bit: place, depth, slack
MADE_SHIFT = 31  # the fields of a count: 31 bits for nodes, 32 for the successors they make, and the sign


@hook
def descend(board, label, boards, labels, notes, top, tables):
    """Replace the node at `top` of three stacks by what it leads to, the first to be visited last; return the new top. See Descent."""
    raise NotImplementedError


@hook
def count_below(board, label):
    """How many nodes are within the bound from this one down, and how many successors they make, in one number. See Descent."""
    raise NotImplementedError


@dataclass(frozen=True)
class Descent:
    """How IDA* walks a world whose states are one word and whose steps all cost 1, with one admissible heuristic of whole numbers.

    A node is (board uint64, label int64, notes uint64 [N], the heuristic's own). Its *place* is what decides how it may go on: where
    the blank is and the action that led here. Its *slack* is (bound - depth - h) / rise, negative above the bound.
    """

    rule: Callable[..., Any]  # `descend`; a successor with a negative label may be written, but the top does not rise for it
    tables: tuple[np.ndarray, ...]  # handed to the rule
    counts: np.ndarray  # int64 [places], how many successors a place has: all but the one that undoes the last action
    actions: np.ndarray  # int64 [places], the action that led here
    root: Callable[[np.ndarray], tuple[int, np.ndarray]]  # row [W] -> (place, notes [N]) where a search begins
    waiting: Callable[[int, int], int]  # (place, place of one of its successors) -> how many successors are visited after that one
    goal: np.ndarray  # the one goal, row [1]
    rise: int  # depth + h changes by multiples of this from a node to a successor
    branching: int  # most successors of a place
    count_below: Callable[..., Any]  # int64, nodes + (successors << MADE_SHIFT); negative: the goal is there, or it cannot say


def uncounted(board, label):
    """`count_below` of a descent that cannot count."""
    return -1
