"""How a graph of states unfolds into a tree: exact counts of lines and of the positions they lead to, depth by depth.

A *line* of depth d is a sequence of d legal moves from the root: a node of the search tree. A *position* is a row without what
decides nothing (`forget`, two_players.py). Lines are counted without being walked: how many lead to a position is the sum over the
positions before it, in whole numbers of 128 bits. Siblings that meet are one line where the world's `expand` says so (numbers), and a
goal is unfolded like any state unless the rules end there.

Where the past decides (superko) the moves of a position depend on its line, so positions alone form no graph. Then counted are lines;
distinct pairs of a position and the *set* of positions before it, which are all that lines have to be told apart by: merging equal ones
is sound and nothing is lost; distinct pairs of a position and its legal moves now; and positions. Merging by the last two is smaller
and not exact: two lines that agree in their moves now may differ in what superko forbids later. Pairs are told apart by 64-bit keys,
as superko's positions are.

Read next: oracles.py (the enumeration), ../experiments/unfold.py (the table and the picture).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from astarzero.envs.domain import Domain, is_terminal
from astarzero.envs.line import expand_in_line, write_key
from astarzero.envs.oracles import Enumeration
from astarzero.envs.state_table import FIRST_MIX, SECOND_MIX, SHIFT_30, SHIFT_32, copy_row, hash_row
from astarzero.envs.two_players import forget, position_key

WORD = 1 << 64
MOST_LINES = 1 << 62  # superko: lines to one depth are counted in one word


@dataclass
class Unfolding:
    """Counts by depth 0, 1, ... from one root, as whole numbers without bound. `past`, `moves`: see the opening; () without history."""

    lines: list[int] = field(default_factory=list)  # nodes of the tree
    positions: list[int] = field(default_factory=list)  # distinct at the end of these lines
    fresh: list[int] = field(default_factory=list)  # of them, those that no shorter line leads to
    past: list[int] = field(default_factory=list)  # distinct with the set of positions before
    moves: list[int] = field(default_factory=list)  # distinct with the legal moves
    whole: bool = False  # no line is longer, or every position has been met; else a limit ended it

    @property
    def depth(self) -> int:
        return len(self.lines) - 1


def unfold(domain: Domain, root: np.ndarray, depth: int | None = None, max_states: int = 2_000_000) -> Unfolding:
    """Unfold `root` [W] to `depth`, or until nothing new is met, or while no more than `max_states` positions (pairs) are held."""
    return unfold_lines(domain, root, depth, max_states) if domain.keeps_history else unfold_graph(domain, root, depth, max_states)


# --- without history: a graph, and sums along its edges --------------------------------------------------------------------------


def spread_kernel(done, first_edge, child, now, following):
    """Kernel: add the lines `now` [N, 2] (low word, high word) of each of the first `done` states to its children; False on overflow."""
    kept = True
    for parent in range(done):
        low, high = now[parent, 0], now[parent, 1]
        if low | high:
            for edge in range(first_edge[parent], first_edge[parent + 1]):
                target = child[edge]
                following[target, 0] += low
                more = high + np.uint64(following[target, 0] < low)
                following[target, 1] += more
                kept &= following[target, 1] >= more
    return kept


def unfold_graph(domain: Domain, root: np.ndarray, depth: int | None, max_states: int) -> Unfolding:
    """`unfold` where the line decides nothing."""
    closure, found, spread = Enumeration(domain, root, forgetful=True), Unfolding(), domain.bind(spread_kernel)
    now = np.array([[1, 0]], np.uint64)
    met = 0
    while True:
        found.lines.append(sum(int(word) for word in now[:, 0]) + WORD * sum(int(word) for word in now[:, 1]))
        found.positions.append(int((now[:, 0] | now[:, 1]).astype(bool).sum()))
        found.fresh.append(closure.count - met)
        if not found.lines[-1] or (depth is None and not found.fresh[-1]):
            return ended(found)
        if found.depth == depth:
            return found
        met = closure.count
        if not closure.expand_until(met, max_states):
            return found
        following = np.zeros((closure.count, 2), np.uint64)
        if not spread(met, closure.first_edge, closure.child, now, following):
            return found
        now = following


def ended(found: Unfolding) -> Unfolding:
    """The unfolding without its last depth, which has nothing new."""
    for counts in (found.lines, found.positions, found.fresh):
        counts.pop()
    found.whole = True
    return found


# --- with history: every line with its past, a depth at a time -----------------------------------------------------------------------


def count_moves_kernel(context, rows, keys, ways, moves, successors, actions, costs):
    """Kernel: how many moves each of rows [N, W] with its line keys [N, L] has, and a key of which they are."""
    for index in range(rows.shape[0]):
        ways[index], moves[index] = 0, np.uint64(0)
        if not is_terminal(rows[index], context):
            ways[index] = expand_in_line(rows[index], context, keys[index], keys.shape[1], successors, actions, costs)
            for number in range(ways[index]):
                moves[index] ^= mix(np.uint64(actions[number] + 1))


def extend_lines_kernel(context, rows, keys, pasts, next_rows, next_keys, next_pasts, origins, successors, actions, costs):
    """Kernel: every line one move longer. `pasts` uint64 [N]: a key of the set of positions on the line."""
    count, length = 0, keys.shape[1]
    for index in range(rows.shape[0]):
        if not is_terminal(rows[index], context):
            for number in range(expand_in_line(rows[index], context, keys[index], length, successors, actions, costs)):
                copy_row(next_rows[count], successors[number])
                key, known = position_key(successors[number], context), False
                for place in range(length):
                    next_keys[count, place] = keys[index, place]
                    known |= keys[index, place] == key
                next_keys[count, length] = key
                next_pasts[count] = pasts[index] if known else pasts[index] ^ mix(key)
                origins[count] = index
                count += 1


def name_positions_kernel(context, rows, names):
    """Kernel: a key of each of rows [N, W], which are stripped in place."""
    for index in range(rows.shape[0]):
        forget(rows[index], context)
        names[index] = hash_row(rows[index])


def mix(word):
    """A 64-bit mix of one word (splitmix64)."""
    mixed = (word + FIRST_MIX) * FIRST_MIX
    mixed = (mixed ^ (mixed >> SHIFT_30)) * SECOND_MIX
    return mixed ^ (mixed >> SHIFT_32)


def unfold_lines(domain: Domain, root: np.ndarray, depth: int | None, max_states: int) -> Unfolding:
    """`unfold` where the line decides: one line stands for all that have the same position and the same past."""
    found, buffers = Unfolding(), domain.expansion_buffers()
    rows, keys = domain.check_states(root).copy(), np.zeros((1, 1), np.uint64)
    domain.bind(write_key)(rows[0], domain.context, keys[0], 0)
    pasts, lines = keys[:, 0].copy(), np.ones(1, np.uint64)
    met = np.zeros(0, np.uint64)
    count_moves, extend, name = (domain.bind(kernel) for kernel in (count_moves_kernel, extend_lines_kernel, name_positions_kernel))
    while True:
        names, moves, ways = np.zeros(len(rows), np.uint64), np.zeros(len(rows), np.uint64), np.zeros(len(rows), np.int64)
        name(domain.context, rows.copy(), names)
        same, first, group = np.unique(mixed_pairs(names, pasts), return_index=True, return_inverse=True)
        merged = np.zeros(len(same), np.uint64)
        np.add.at(merged, group.ravel(), lines)
        rows, keys, pasts, names, lines = rows[first], keys[first], pasts[first], names[first], merged
        moves, ways = moves[first], ways[first]
        count_moves(domain.context, rows, keys, ways, moves, *buffers)
        found.lines.append(int(lines.sum()))
        found.past.append(len(rows))
        found.moves.append(len(np.unique(mixed_pairs(names, moves))))
        found.positions.append(len(np.unique(names)))
        fresh = np.setdiff1d(names, met)
        found.fresh.append(len(fresh))
        met = np.union1d(met, fresh)
        if not ways.any():
            found.whole = True
            return found
        if found.depth == depth or ways.sum() > max_states or found.lines[-1] > MOST_LINES // domain.num_actions:
            return found
        rows, keys, pasts, origins = extended(domain, extend, (rows, keys, pasts), int(ways.sum()), buffers)
        lines = lines[origins]


def extended(
    domain: Domain, extend: Callable[..., None], lines: tuple[np.ndarray, ...], count: int, buffers: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, ...]:
    """The `count` lines that are one move longer: rows, keys, pasts and which line each came from."""
    length = lines[1].shape[1]
    longer = (np.zeros((count, domain.num_words), np.uint64), np.zeros((count, length + 1), np.uint64), np.zeros(count, np.uint64))
    origins = np.zeros(count, np.int64)
    extend(domain.context, *lines, *longer, origins, *buffers)
    return *longer, origins


def mixed_pairs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One key for each pair of keys [N]."""
    with np.errstate(over="ignore"):
        return mix(mix(first) ^ second)
