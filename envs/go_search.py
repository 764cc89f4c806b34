"""The kernel behind go_solver.py, which says what it proves: alpha-beta in arrays, with a table, symmetries and an order of moves.

Level l is the position l plies after the root. For each level: rows [L, W]; keys [F + L], the line, which has F positions up to the root;
pasts [L, S], the set of earlier positions as a hash, one for each of the S symmetries of the board; bounds [L, 4], ALPHA, BETA, BEST and
OPENING (alpha on entry), in points for the player to move; orders [L, A], the actions, best guess first; cursors [L, 2], NEXT (of them)
and BEST_ACTION; names [L, 2], NAME (the key in the table) and TURN (the symmetry that gave it).
The table: entries uint64 [T, 2], a name and a word of fields in points for the prover, see `pack_entry`. Of WAYS neighbours the one
with the least deep search behind it makes room.
"""

import numpy as np

from astarzero.envs.bitboard import ONE, WORD_BITS, ZERO, count
from astarzero.envs.go_life import safe_points
from astarzero.envs.go_rules import (
    KO,
    KO_RULE,
    LAST,
    PASS,
    SIMPLE,
    SITUATIONAL,
    SUICIDE,
    WHITE_TO_MOVE,
    area_lead,
    field,
    info_of,
    is_among,
    is_terminal,
    stones_of,
)  # fmt: skip
from astarzero.envs.line import step_in_line
from astarzero.envs.state_table import FIRST_MIX, SECOND_MIX, SHIFT_30, SHIFT_32
from astarzero.envs.two_players import position_key

LEVEL, PHASE, NODES, SLICE_END, RESULT, HORIZON, PROVER, FIRST = range(8)  # cells of `control`
ENTER, TRY, LEAVE = range(3)  # phases
SLICE, DONE = range(2)  # what the kernel says
ALPHA, BETA, BEST, OPENING = range(4)
NEXT, BEST_ACTION = range(2)
NAME, TURN = range(2)

WAYS = 4
NO_ACTION = 511
LOW, HIGH, LOW_PLIES, HIGH_PLIES, GUESS = (np.uint64(shift) for shift in (0, 10, 20, 32, 44))
POINTS_MASK, PLIES_MASK, MOVE_MASK = np.uint64(1023), np.uint64(4095), np.uint64(511)
ZERO_POINTS = 512  # points are kept as this more
NOTHING_LOW = np.int64(1 - ZERO_POINTS)  # a bound that says nothing
EVER = 4095  # more plies than any horizon
ALWAYS_FIRST = 1 << 62


def mix(word):
    """A 64-bit mix of one word (splitmix64)."""
    mixed = word * FIRST_MIX
    mixed = (mixed ^ (mixed >> SHIFT_30)) * SECOND_MIX
    return mixed ^ (mixed >> SHIFT_32)


def attack_kernel(control, context, turns, returns, merits, rows, keys, pasts, bounds, orders, cursors, names, entries):
    """Run until the root's value is in control[RESULT] (DONE) or so many nodes are entered (SLICE); call again to go on.

    turns, returns int64 [S, A]: the action that each symmetry makes of an action, and back; merits int64 [2, A] by player and action.
    """
    while True:
        level = control[LEVEL]
        if control[PHASE] == ENTER:
            if control[NODES] >= control[SLICE_END]:
                return SLICE
            control[NODES] += 1
            control[PHASE] = TRY
            if is_settled(level, control, context, turns, returns, rows, pasts, bounds, cursors, names, entries):
                control[PHASE] = LEAVE
            else:
                order_moves(level, context, merits, rows, orders, cursors)
        elif control[PHASE] == TRY:
            if bounds[level, BEST] >= bounds[level, BETA] or cursors[level, NEXT] == orders.shape[1]:
                remember(level, control, turns, rows, bounds, cursors, names, entries)
                if bounds[level, BEST] >= bounds[level, BETA]:
                    plies = control[HORIZON] - level
                    merits[np.int64(info_of(rows[level]) & ONE), cursors[level, BEST_ACTION]] += plies * plies
                control[RESULT], control[PHASE] = bounds[level, BEST], LEAVE
                continue
            action = orders[level, cursors[level, NEXT]]
            cursors[level, NEXT] += 1
            length = control[FIRST] + level
            if step_in_line(rows[level], action, context, keys, length, rows[level + 1]) > 0.0:
                add_past(level, action, length, context, turns, rows, keys, pasts)
                bounds[level + 1, ALPHA], bounds[level + 1, BETA] = -bounds[level, BETA], -bounds[level, ALPHA]
                control[LEVEL], control[PHASE] = level + 1, ENTER
        else:
            if level == 0:
                return DONE
            level -= 1
            value = -control[RESULT]
            control[LEVEL], control[PHASE] = level, TRY
            if value > bounds[level, BEST]:
                bounds[level, BEST] = value
                cursors[level, BEST_ACTION] = orders[level, cursors[level, NEXT] - 1]
                bounds[level, ALPHA] = max(bounds[level, ALPHA], value)


def is_settled(level, control, context, turns, returns, rows, pasts, bounds, cursors, names, entries):
    """Prepare a level. True when its value, for the player to move, is known at once: then it is in control[RESULT]."""
    row, plies = rows[level], control[HORIZON] - level
    info = info_of(row)
    sign = 1 if np.int64(info & ONE) == control[PROVER] else -1
    cursors[level, NEXT], cursors[level, BEST_ACTION] = 0, NO_ACTION
    bounds[level, BEST], bounds[level, OPENING] = -ZERO_POINTS, bounds[level, ALPHA]
    if is_terminal(row, context):
        own, enemy = stones_of(row, context)
        control[RESULT] = area_lead(own, enemy, context)
        return True
    if plies < (1 if field(info, LAST) == context[2][PASS] + 1 else 2):  # it cannot end within the horizon
        control[RESULT] = -sign * context[2][PASS]
        return True
    if level > 0 and not context[2][SUICIDE] and is_out_of_bounds(level, control, context, rows, bounds):
        return True
    name_level(level, control, context, turns, rows, pasts, names)
    word = recall(names[level, NAME], entries)
    if word == 0:
        return False
    low = np.int64(word >> LOW & POINTS_MASK) - ZERO_POINTS if np.int64(word >> LOW_PLIES & PLIES_MASK) <= plies else -context[2][PASS]
    high = np.int64(word >> HIGH & POINTS_MASK) - ZERO_POINTS if np.int64(word >> HIGH_PLIES & PLIES_MASK) >= plies else context[2][PASS]
    if sign < 0:
        low, high = -high, -low
    guess = np.int64(word >> GUESS & MOVE_MASK)
    if guess != NO_ACTION:
        cursors[level, BEST_ACTION] = returns[np.int64(names[level, TURN]), guess]
    if level > 0 and (low >= bounds[level, BETA] or low == high):
        control[RESULT] = low
        return True
    if level > 0 and high <= bounds[level, ALPHA]:
        control[RESULT] = high
        return True
    return False


def is_out_of_bounds(level, control, context, rows, bounds):
    """Do points that either player can be sure of settle a level? Then its bound is in control[RESULT]."""
    own, enemy = stones_of(rows[level], context)
    low = 2 * count(safe_points(own, enemy, True, context)) - context[2][PASS]
    if low >= bounds[level, BETA]:
        control[RESULT] = low
        return True
    may_end_it = field(info_of(rows[level]), LAST) == context[2][PASS] + 1
    high = context[2][PASS] - 2 * count(safe_points(enemy, own, not may_end_it, context))
    control[RESULT] = high
    return high <= bounds[level, ALPHA]


def order_moves(level, context, merits, rows, orders, cursors):
    """orders[level]: the table's move, a pass that ends the game, plays by merit, a pass that does not."""
    info, side = info_of(rows[level]), np.int64(info_of(rows[level]) & ONE)
    guess, last = cursors[level, BEST_ACTION], context[2][PASS]
    for action in range(orders.shape[1]):
        merit, place = worth(action, guess, last, info, merits[side]), action
        while place > 0 and worth(orders[level, place - 1], guess, last, info, merits[side]) < merit:
            orders[level, place] = orders[level, place - 1]
            place -= 1
        orders[level, place] = action
    cursors[level, BEST_ACTION] = NO_ACTION


def worth(action, guess, last, info, merits):
    """How early to try an action; `last` is the pass."""
    if action == guess:
        return ALWAYS_FIRST
    if action == last:
        return ALWAYS_FIRST - 1 if field(info, LAST) == last + 1 else -1
    return merits[action]


# --- the past and the table -------------------------------------------------------------------------------------------------------


def add_past(level, action, length, context, turns, rows, keys, pasts):
    """Append the position of level + 1, reached by `action`, to the line; under superko, to the set of positions too if it is new."""
    child = level + 1
    keys[length + 1] = position_key(rows[child], context)
    for turn in range(turns.shape[0]):
        pasts[child, turn] = pasts[level, turn]
    if context[2][KO_RULE] != SIMPLE and not (action == context[2][PASS] and is_among(keys[length + 1], keys, length + 1)):
        for turn in range(turns.shape[0]):
            pasts[child, turn] ^= mix(turned_key(rows[child], turns[turn], context))


def begin_past(context, turns, row, past):
    """Kernel: the set of the root alone, as hashes uint64 [S] of its images."""
    for turn in range(turns.shape[0]):
        past[turn] = mix(turned_key(row, turns[turn], context)) if context[2][KO_RULE] != SIMPLE else ZERO


def turned_key(row, turn, context):
    """`position_key` of the image of a position, turn int64 [A]: the image of an action."""
    places, keys, words, mixed = context[3], context[5], context[0].ndim, ZERO
    for action in range(turn.shape[0] - 1):
        word, bit = places[action] // WORD_BITS, np.uint64(places[action] % WORD_BITS)
        if row[word] >> bit & ONE:
            mixed ^= keys[0, places[turn[action]]]
        elif row[words + word] >> bit & ONE:
            mixed ^= keys[1, places[turn[action]]]
    return mixed ^ WHITE_TO_MOVE if context[2][KO_RULE] == SITUATIONAL and info_of(row) & ONE else mixed


def name_level(level, control, context, turns, rows, pasts, names):
    """names[level]: the least of the images' keys, of all that decides the value within a horizon, and which image it was."""
    row = rows[level]
    info, passed = info_of(row), context[2][PASS] + 1
    ko = field(info, KO)
    rest = np.uint64(4 * (field(info, LAST) == passed) + 2 * control[PROVER]) | info & ONE
    for turn in range(turns.shape[0]):
        image_of_ko = turns[turn, ko - 1] + 1 if ko > 0 else 0
        fields = rest | np.uint64(image_of_ko) << np.uint64(3)
        name = mix(turned_key(row, turns[turn], context) ^ mix(fields) ^ mix(pasts[level, turn] + ONE))
        if turn == 0 or name < names[level, NAME]:
            names[level, NAME], names[level, TURN] = name, np.uint64(turn)


def recall(name, entries):
    """The word kept under a name, or 0."""
    first = np.int64(name & np.uint64(entries.shape[0] - 1)) & -WAYS
    for slot in range(first, first + WAYS):
        if entries[slot, 0] == name:
            return entries[slot, 1]
    return ZERO


def remember(level, control, turns, rows, bounds, cursors, names, entries):
    """Keep what the search of a level has shown: proven for the prover (from so many plies on), or not to be proven (within so many)."""
    name, plies = names[level, NAME], np.uint64(control[HORIZON] - level)
    best, word = bounds[level, BEST], recall(name, entries)
    low, low_plies, high, high_plies = NOTHING_LOW, np.uint64(EVER), -NOTHING_LOW, ZERO
    if word != 0:
        low, low_plies = np.int64(word >> LOW & POINTS_MASK) - ZERO_POINTS, word >> LOW_PLIES & PLIES_MASK
        high, high_plies = np.int64(word >> HIGH & POINTS_MASK) - ZERO_POINTS, word >> HIGH_PLIES & PLIES_MASK
    is_low, is_high = best > bounds[level, OPENING], best < bounds[level, BETA]
    if np.int64(info_of(rows[level]) & ONE) != control[PROVER]:
        best, is_low, is_high = -best, is_high, is_low
    if is_low and (best > low or (best == low and plies < low_plies)):
        low, low_plies = best, plies
    if is_high and (best < high or plies > high_plies):
        high, high_plies = best, plies
    guess = cursors[level, BEST_ACTION]
    if guess != NO_ACTION:
        guess = turns[np.int64(names[level, TURN]), guess]
    keep(name, pack_entry(low, low_plies, high, high_plies, guess), entries)


def pack_entry(low, low_plies, high, high_plies, guess):
    """Points that the prover has with `low_plies` or more to go, points he cannot exceed with `high_plies` or fewer, the best action."""
    points = np.uint64(low + ZERO_POINTS) << LOW | np.uint64(high + ZERO_POINTS) << HIGH
    return points | low_plies << LOW_PLIES | high_plies << HIGH_PLIES | np.uint64(guess) << GUESS


def depth_of(word):
    """How deep the search behind an entry was, in plies."""
    low_plies, high_plies = np.int64(word >> LOW_PLIES & PLIES_MASK), np.int64(word >> HIGH_PLIES & PLIES_MASK)
    return high_plies if low_plies == EVER else max(low_plies, high_plies)


def keep(name, word, entries):
    """Write an entry over its old self or over the least deep of its neighbours."""
    first, least = np.int64(name & np.uint64(entries.shape[0] - 1)) & -WAYS, np.int64(EVER + 1)
    chosen = first
    for slot in range(first, first + WAYS):
        if entries[slot, 0] == name:
            chosen = np.int64(slot)
            break
        depth = depth_of(entries[slot, 1])
        if depth < least:
            chosen, least = np.int64(slot), depth
    entries[chosen, 0], entries[chosen, 1] = name, word
