"""Legal moves of Go for batches of rows, by simple ko or with superko, without writing a successor.

Superko asks only for keys: the position after a play is the key of now XOR the keys of the stones that come and go, and a
position with more stones than any before cannot repeat. The answer is that of `expand_in_line` (line.py), which writes the rows too.
"""

import numpy as np

from astarzero.envs.bitboard import (
    ONE,
    WORD_BITS,
    common,
    count,
    load,
    lowest,
    neighbours,
    once_and_twice,
    place_of,
    point_at,
    some,
    union,
    without,
)  # fmt: skip
from astarzero.envs.compile import bind
from astarzero.envs.domain import Domain
from astarzero.envs.go_rules import (
    KO_RULE,
    MOST,
    PASS,
    SIMPLE,
    SITUATIONAL,
    STRIDE,
    SUICIDE,
    WHITE_TO_MOVE,
    captured_by,
    field,
    info_of,
    is_among,
    is_terminal,
    keys_of,
    ko_of,
    legal_points,
    lost_by,
    stones_of,
)  # fmt: skip
from astarzero.envs.machine import count_bits, lowest_bit, promise


def legal_masks(domain: Domain, states: np.ndarray, keys: np.ndarray | None = None, lengths: np.ndarray | None = None) -> np.ndarray:
    """Legal actions of rows [B, W]: bool [B, A]. With lines `keys` uint64 [B, L], of which lengths[b] count, superko is obeyed too."""
    rows = domain.check_states(states)
    masks = np.zeros((len(rows), domain.num_actions), np.bool_)
    if keys is None:
        bind(mark_legal_batch, {})(rows, domain.context, masks)
        return masks
    lines = np.ascontiguousarray(keys, np.uint64)
    counts = np.full(len(rows), lines.shape[-1]) if lengths is None else np.asarray(lengths, np.int64)
    if lines.ndim != 2 or len(lines) != len(rows) or counts.shape != (len(rows),) or not ((counts >= 0) & (counts <= lines.shape[1])).all():
        raise ValueError(f"Lines of shape {lines.shape} with {counts.size} lengths were given for {len(rows)} rows; give one line a row.")
    bind(mark_legal_in_line_batch, {})(rows, domain.context, lines, counts, masks)
    return masks


def mark_legal_batch(states, context, masks):
    """Kernel: by simple ko; `masks` bool [B, A], False on entry."""
    for index in range(states.shape[0]):
        if not is_terminal(states[index], context):
            mark(legal_points_of(states[index], context), context, masks[index])


def mark_legal_in_line_batch(states, context, keys, lengths, masks):
    """Kernel: by the domain's ko rule; `masks` bool [B, A], False on entry."""
    for index in range(states.shape[0]):
        if not is_terminal(states[index], context):
            legal = legal_points_of(states[index], context)
            if context[2][KO_RULE] != SIMPLE:
                legal = without(legal, repeating_points(states[index], legal, keys[index], lengths[index], context))
            mark(legal, context, masks[index])


def list_moves(state, context, keys, length, successors, actions, costs):
    """Kernel helper: the actions that `expand_in_line` writes, in the same order, without the rows; returns how many. None at the end."""
    if is_terminal(state, context):
        return 0
    legal, names, number = legal_points_of(state, context), context[4], 0
    if context[2][KO_RULE] != SIMPLE:
        legal = without(legal, repeating_points(state, legal, keys, length, context))
    for word in range(len(legal)):
        left = legal[word]
        while left:
            actions[number] = names[WORD_BITS * word + lowest_bit(left)]
            left &= left - ONE
            number += 1
    actions[number] = context[2][PASS]
    return number + 1


def legal_points_of(state, context):
    """The points where the player to move may play, superko apart."""
    own, enemy = stones_of(state, context)
    return legal_points(own, enemy, ko_of(state, context), context)


def mark(points, context, mask):
    """Write the actions of a set of points, and the pass: every action, since loops without a condition are done several at a time."""
    board, places, first = context[1], context[3], 0
    for word in range(len(points)):
        last = first + count_bits(board[word])
        for action in range(first, last):
            promise(action >= 0)
            mask[action] = (points[word] >> np.uint64(places[action] - WORD_BITS * word)) & ONE
        first = last
    mask[context[2][PASS]] = True


def repeating_points(state, legal, keys, length, context):
    """Those of the `legal` points where superko forbids a play after the line keys[:length]."""
    sizes, info = context[2], info_of(state)
    own, enemy = stones_of(state, context)
    side = np.int64(info & ONE)
    now, empty = state[state.shape[0] - 1], without(load(context[1], 0, context[0]), union(own, enemy))
    if sizes[KO_RULE] == SITUATIONAL and side == 0:  # White is to move after it
        now ^= WHITE_TO_MOVE
    spare = field(info, MOST) - count(own) - count(enemy)  # so many stones may come before the position is a new one for sure
    beside, twice = once_and_twice(empty, 1, sizes[STRIDE])
    sharp = common(legal, neighbours(without(enemy, twice), sizes[STRIDE]))  # may take stones
    if sizes[SUICIDE]:
        sharp = union(sharp, without(legal, beside))
    quiet, forbidden = without(legal, sharp), without(legal, legal)
    own_keys, enemy_keys = context[5][side], context[5][1 - side]
    while some(sharp):
        point = lowest(sharp)
        sharp, free = without(sharp, point), without(empty, point)
        captured, lost = captured_by(point, enemy, free, sizes[STRIDE]), without(point, point)
        if sizes[SUICIDE] and not some(captured):
            lost = lost_by(point, own, free, sizes[STRIDE])
        off = count(captured) + count(lost)
        if off == 0:
            quiet = union(quiet, point)
        elif 1 - off <= spare:
            key = now ^ own_keys[place_of(point)] ^ keys_of(captured, enemy_keys) ^ keys_of(lost, own_keys)
            if is_among(key, keys, length):
                forbidden = union(forbidden, point)
    return union(forbidden, quiet_repeats(now, quiet, keys, length, side, context)) if spare >= 1 else forbidden


def quiet_repeats(now, quiet, keys, length, side, context):
    """Those of the points `quiet`, where a play only adds a stone of player `side`, that lead to one of keys[:length].

    An earlier key that differs from that of now by the key of one stone says where: one look-up a key, not a scan a point.
    """
    own_keys, slots, mask = context[5][side], context[6][side], context[6].shape[1] - 1
    forbidden = without(quiet, quiet)
    for number in range(length):
        stone = keys[number] ^ now
        slot = np.int64(stone & np.uint64(mask))
        while slots[slot] >= 0:
            if own_keys[slots[slot]] == stone:
                forbidden = union(forbidden, point_at(slots[slot], context[0]))
            slot = (slot + 1) & mask
    return common(forbidden, quiet)
