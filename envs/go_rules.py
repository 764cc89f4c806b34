"""The compiled rules of Go over rows of bitboards (bitboard.py): stones, captures, ko, suicide, two passes, area score.

A row, for sets of N words: [0, N) black stones, [N, 2N) white stones, the info word, the position key. Info, from the least bit:
    side 1 (0 Black to move) | last move 9 | the one before 9 | ko point 9 | most stones ever on the board 9 | komi 27
where a move or point is action + 1, 0 for none, and komi counts half points, signed. Action `row * width + column`, row 0 on top;
the last action is the pass. The key is the XOR of one random number for each stone (Zobrist 1970): equal keys, equal stones.

context = (like, N-dimensional, see bitboard.py; board uint64 [2 N], every point, then those at the edge; sizes int64 [6], STRIDE ... WIDTH;
places int64 [A], the bit of an action; actions int64 [64 N], the action of a bit; keys uint64 [2, 64 N], of black and white stones;
slots int16 [2, S], from a key to its bit, see go_masks.py).

The rules that need the past are `repeats` and `position_key`, see two_players.py. Read next: go.py (the world), go_rollouts.py.
"""

import numpy as np

from astarzero.envs.bitboard import (
    WORD_BITS,
    ZERO,
    common,
    count,
    load,
    lowest,
    neighbours,
    once_and_twice,
    place_of,
    point_at,
    some,
    store,
    union,
    without,
)
from astarzero.envs.machine import lowest_bit
from astarzero.envs.state_table import copy_row

STRIDE, PASS, KO_RULE, SUICIDE, HEIGHT, WIDTH = range(6)  # cells of `sizes`
SIMPLE, POSITIONAL, SITUATIONAL = 0, 1, 2  # ko rules

ONE = np.uint64(1)
LAST, BEFORE, KO, MOST, KOMI = (np.uint64(shift) for shift in (1, 10, 19, 28, 37))  # shifts into the info word
MOVE_MASK = np.uint64((1 << 9) - 1)
FOREVER = np.uint64(~((1 << int(KOMI)) - 1) & (2**64 - 1))  # what a move does not change
WHITE_TO_MOVE = np.uint64(0x9E3779B97F4A7C15)  # into the key under situational superko

# --- what a row says -------------------------------------------------------------------------------------------------------


def info_of(state):
    return state[state.shape[0] - 2]


def field(info, shift):
    """One of LAST, BEFORE, KO (each action + 1, or 0) and MOST."""
    return np.int64((info >> shift) & MOVE_MASK)


def komi_of(info):
    """In half points, for White."""
    return np.int64(info) >> np.int64(KOMI)


def stones_of(state, context):
    """(stones of the player to move, stones of the opponent)."""
    like = context[0]
    black, white = load(state, 0, like), load(state, like.ndim, like)
    return (white, black) if info_of(state) & ONE else (black, white)


def ko_of(state, context):
    """The set of the point forbidden by ko, or the empty set."""
    ko, like = field(info_of(state), KO), context[0]
    point = point_at(context[3][ko - 1], like)
    return point if ko else without(point, point)


def is_goal(state, context):
    """Never: two players have no goal in common."""
    return False


def is_terminal(state, context):
    """Were the last two moves passes?"""
    passed, info = context[2][PASS] + 1, info_of(state)
    return field(info, LAST) == passed and field(info, BEFORE) == passed


# --- stones ------------------------------------------------------------------------------------------------------------------


def lost_group(seed, stones, free, stride):
    """(the group of `seed` so far as it was followed, is it without a liberty?): following it ends at the first liberty."""
    group = seed
    while True:
        around = neighbours(group, stride)
        if some(common(around, free)):
            return group, False
        grown = union(group, common(around, stones))
        if grown == group:
            return group, True
        group = grown


def captured_by(point, enemy, free, stride):
    """Enemy stones that a stone at `point` takes; `free`: empty after it. Stones with a liberty of their own need no flood."""
    doubtful = without(common(neighbours(point, stride), enemy), neighbours(free, stride))
    captured = without(enemy, enemy)
    while some(doubtful):
        group, lost = lost_group(lowest(doubtful), enemy, free, stride)
        if lost:
            captured = union(captured, group)
        doubtful = without(doubtful, group)
    return captured


def lost_by(point, own, free, stride):
    """Own stones, the new one included, that a stone at `point` leaves without a liberty, when it has captured nothing."""
    group, lost = point, False
    if not some(common(neighbours(point, stride), free)):
        group, lost = lost_group(point, union(own, point), free, stride)
    return group if lost else without(group, group)


def ko_after(point, captured, own, free, stride):
    """The captured stone, when a stone in its place would restore what was there: one took one and stands alone without another liberty."""
    alone = not some(common(neighbours(point, stride), union(own, free)))
    return captured if some(captured) and alone and count(captured) == 1 else without(point, point)


def legal_points(own, enemy, ko, context):
    """Where the player with stones `own` may play, superko apart. `ko`: the set of the point forbidden by ko."""
    like, sizes = context[0], context[2]
    stride = sizes[STRIDE]
    empty = without(load(context[1], 0, like), union(own, enemy))
    if sizes[SUICIDE]:
        legal = empty
    else:
        beside, twice = once_and_twice(empty, 1, stride)
        safe = common(own, twice)  # stones with a liberty to spare
        legal = common(empty, union(beside, neighbours(safe, stride)))
        closed = without(empty, legal)
        while some(closed):
            point = lowest(closed)
            closed, free = without(closed, point), without(empty, point)
            if not some(lost_by(point, own, free, stride)) or some(captured_by(point, enemy, free, stride)):
                legal = union(legal, point)
    return without(legal, ko)


def keys_of(points, keys):
    """XOR of the keys of stones of one colour: `keys` uint64 [64 N]."""
    mixed = ZERO
    for word in range(len(points)):
        left = points[word]
        while left:
            mixed ^= keys[WORD_BITS * word + lowest_bit(left)]
            left &= left - ONE
    return mixed


# --- moves --------------------------------------------------------------------------------------------------------------------


def write_info(state, action, ko, most, successor):
    """The info word after `action`; the stones and the key are the caller's."""
    info = info_of(state)
    moves = np.uint64(action + 1) << LAST | np.uint64(field(info, LAST)) << BEFORE
    fields = moves | np.uint64(ko) << KO | np.uint64(most) << MOST | (info & ONE) ^ ONE
    successor[successor.shape[0] - 2] = info & FOREVER | fields


def step(state, action, context, successor):
    """Returns 1.0 for a legal move and 0.0 for another; superko is not looked at (see `repeats`)."""
    like, sizes, places = context[0], context[2], context[3]
    info = info_of(state)
    if is_terminal(state, context) or action + 1 == field(info, KO):
        return 0.0
    if action == sizes[PASS]:
        copy_row(successor, state)
        write_info(state, action, 0, field(info, MOST), successor)
        return 1.0
    own, enemy = stones_of(state, context)
    point = point_at(places[action], like)
    stones = union(own, enemy)
    if some(common(point, stones)):
        return 0.0
    free = without(load(context[1], 0, like), union(stones, point))
    captured, lost = captured_by(point, enemy, free, sizes[STRIDE]), without(point, point)
    if not some(captured):
        lost = lost_by(point, own, free, sizes[STRIDE])
        if some(lost) and not sizes[SUICIDE]:
            return 0.0
    ko = ko_after(point, captured, own, free, sizes[STRIDE])
    write_stones(without(union(own, point), lost), without(enemy, captured), info, context, successor)
    own_keys, enemy_keys = context[5][np.int64(info & ONE)], context[5][np.int64((info & ONE) ^ ONE)]
    key = state[state.shape[0] - 1] ^ own_keys[places[action]] ^ keys_of(lost, own_keys) ^ keys_of(captured, enemy_keys)
    successor[successor.shape[0] - 1] = key
    most = max(field(info, MOST), count(stones) + 1 - count(lost) - count(captured))
    write_info(state, action, context[4][place_of(ko)] + 1 if some(ko) else 0, most, successor)
    return 1.0


def write_stones(own, enemy, info, context, row):
    """Put the stones of the player to move by `info` and of the opponent where they belong."""
    words = context[0].ndim
    if info & ONE:
        store(row, 0, enemy)
        store(row, words, own)
    else:
        store(row, 0, own)
        store(row, words, enemy)


# --- the past -----------------------------------------------------------------------------------------------------------------


def position_key(state, context):
    """What superko compares: the stones, and under the situational rule who is to move."""
    key = state[state.shape[0] - 1]
    return key ^ WHITE_TO_MOVE if context[2][KO_RULE] == SITUATIONAL and info_of(state) & ONE else key


def repeats(state, action, successor, keys, length, context):
    """Does superko forbid the move to `successor`? No position with more stones than any before it can be among keys[:length]."""
    sizes = context[2]
    if sizes[KO_RULE] == SIMPLE or action == sizes[PASS]:
        return False
    own, enemy = stones_of(successor, context)
    if count(own) + count(enemy) > field(info_of(state), MOST):
        return False
    return is_among(position_key(successor, context), keys, length)


def forget(row, context):
    """Strip a row of the last moves, but for passes, and of the most stones ever: that number only saves superko time."""
    info, passed = info_of(row), context[2][PASS] + 1
    kept = info & (FOREVER | ONE | MOVE_MASK << KO)
    if field(info, LAST) == passed:
        kept |= np.uint64(passed) << LAST
        if field(info, BEFORE) == passed:
            kept |= np.uint64(passed) << BEFORE
    row[row.shape[0] - 2] = kept


def is_among(key, keys, length):
    """Is `key` one of keys[:length]? Without a way out early, so that several are compared at a time."""
    found = False
    for number in range(length):
        found |= keys[number] == key
    return found


# --- the score ----------------------------------------------------------------------------------------------------------------


def joined(seeds, points, stride):
    """Those of `points` that a path within `points` joins to a neighbour in `seeds`."""
    reached = common(neighbours(seeds, stride), points)
    while True:
        grown = union(reached, common(neighbours(reached, stride), points))
        if grown == reached:
            return reached
        reached = grown


def every_stone_has_liberties(state, context):
    """Can these stones stand on a board?"""
    stride = context[2][STRIDE]
    own, enemy = stones_of(state, context)
    empty = without(load(context[1], 0, context[0]), union(own, enemy))
    return joined(empty, own, stride) == own and joined(empty, enemy, stride) == enemy


def area_lead(own, enemy, context):
    """Points of `own` minus points of `enemy`: stones, and empty points that reach only one colour. Stones are alive as they stand."""
    stride = context[2][STRIDE]
    empty = without(load(context[1], 0, context[0]), union(own, enemy))
    ours, theirs = joined(own, empty, stride), joined(enemy, empty, stride)
    return count(own) + count(without(ours, theirs)) - count(enemy) - count(without(theirs, ours))


def margin(state, context):
    """By how many points the player to move leads, komi included, were the game over now."""
    own, enemy = stones_of(state, context)
    komi = komi_of(info_of(state))
    return area_lead(own, enemy, context) + 0.5 * (komi if info_of(state) & ONE else -komi)


def outcome(state, context):
    """1, 0 or -1: won, drawn or lost for the player to move, were the game over now."""
    return np.sign(margin(state, context))
