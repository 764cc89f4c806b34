"""The loop of best-first search over whole numbers. integer_best_first.py says what it is for; best_first.py has the plain one.

A round has two phases, so that waits for memory overlap: all successors of the taken nodes are written and judged while their parents
are at hand (one that is known already in vain, and it is not charged), and their places in the table fetched ahead, as are the nodes
that the next round will take; then they are looked up and inserted. What is known of a node beside its row is one record: one wait.

A successor that only undoes the action which made its parent is not made, in worlds that say which action undoes which.
Of equal keys the least h goes first, and of equal h the latest; where many nodes wait, a round takes TIES of the best key at once,
so up to TIES - 1 with a greater h than a successor of the same round. The order among the successors of a round is drawn by the seed,
never by action number.

Source: Burns, Hatem, Leighton, Ruml 2012, "Implementing fast heuristic search code". Read next: bucket_queue.py, ../envs/state_table.py.
"""

import numpy as np

from astarzero.envs.domain import expand_onward, nth_onward, num_words, value_of, way_back
from astarzero.envs.evaluation import node_value
from astarzero.envs.machine import held, prefetch, promise
from astarzero.envs.state_table import EMPTY, copy_row, home_of, likely_slot, probe, short_hash, write_slot
from astarzero.search.bucket_queue import CHUNKS, FIRST_FREE, FREE_BESIDE_QUEUE, NONE, drop_last, entry_at, fetch_next, find_best, push

from astarzero.search.drive import (  # isort: skip
    BUDGET_MET, ENTRIES, EVALUATIONS, EXHAUSTED, EXPANSIONS, FIRST_OWN_CODE, GENERATED, GOAL_NODE, GROW, MASK, MAX_EVALUATIONS,
    MAX_EXPANSIONS, NODES, PHASE, SEED, SLICE, SLICE_END, SOLVED,
)  # fmt: skip
from astarzero.search.frontier import seeded_bits
from astarzero.search.node import CLOSED, DEAD, GOAL, PENDING, classify, judged_cost

LARGEST = (1 << 15) - 1  # of g and h, which are int16
BEYOND = LARGEST + 1
FEW = 1024  # open nodes for each of those that a round takes
GROW_BUCKETS, TOO_LARGE, NOT_WHOLE = range(FIRST_OWN_CODE, FIRST_OWN_CODE + 3)

RECORD = np.dtype([("parent", np.int32), ("g", np.int16), ("h", np.int16), ("action", np.int16), ("flags", np.int8)])  # of a node
MADE_RECORD = np.dtype([(name, np.int64) for name in ("parent", "action", "g", "h", "key", "hash", "slot")])  # of a successor of the round

START, SELECT, INSERT = range(3)
UNEVEN, NEVER = -2, -1  # in place of a whole h
# cells of `control`; LEFT successors of the round wait, the NEXT of MADE first, then NEXT + TURN
BATCH, TAKEN, REOPEN, CHARGED, GOAL_ON_GENERATION, G_WEIGHT, H_WEIGHT, ONLY_TIES = range(FREE_BESIDE_QUEUE, FREE_BESIDE_QUEUE + 8)
MADE, LEFT, NEXT, TURN, PLAIN = range(FREE_BESIDE_QUEUE + 8, FREE_BESIDE_QUEUE + 13)  # PLAIN: none of them can be refused
WANTED_KEY, WANTED_H = FREE_BESIDE_QUEUE + 13, FREE_BESIDE_QUEUE + 14  # the bucket that GROW_BUCKETS asks for
LEAST_LOST = FREE_BESIDE_QUEUE + 15  # the least g of a node that only the judge calls dead
COUNT = FREE_BESIDE_QUEUE + 16  # successors of a node


def integer_best_first_kernel(
    control, context, tables, inverse, states, records, slots, chunks, below, top, lowest, taken, rows, actions, costs, made
):  # fmt: skip
    """Runs until it ends or must stop: see best_first_kernel."""
    promise(states.shape[1] == num_words())
    promise(rows.shape[1] == num_words())
    if control[PHASE] == START:  # row 0 of `states` is the root: the one successor of nothing
        copy_row(rows[0], states[0])
        root, successor = records[0], made[0]
        root["parent"], root["action"], root["g"], root["h"] = -1, -1, 0, 0
        successor["parent"], successor["action"], successor["g"], successor["h"] = 0, -1, 0, 0
        successor["hash"] = short_hash(rows[0])
        successor["slot"] = home_of(successor["hash"], control[MASK])
        if control[CHARGED]:
            successor["h"] = whole_cost(node_value(rows[0], rows[0], value_of(0), -1, context, tables))
        successor["key"] = control[H_WEIGHT] * successor["h"]
        control[FIRST_FREE], control[MADE], control[LEFT], control[TURN], control[PHASE] = NONE, 1, 1, 1, INSERT
    while True:
        if control[PHASE] == SELECT:
            outcome = select(control, states, records, chunks, below, top, lowest, taken, inverse.shape[0])
            if outcome != 0:
                return outcome
            outcome = write_successors(
                control, context, tables, inverse, states, records, slots, top, taken, rows, actions, costs, made
            )  # fmt: skip
            if outcome != 0:
                return outcome
            mask = control[MASK]
            for number in range(control[MADE]):  # by now their slots have arrived: fetch the rows to compare with
                look_up(made[number], mask, states, records, slots)
            draw_order(control)
            control[PHASE] = INSERT
        if control[PLAIN]:
            outcome = insert_all(False, control, context, states, records, slots, chunks, below, top, lowest, rows, made)
        else:
            outcome = insert_all(True, control, context, states, records, slots, chunks, below, top, lowest, rows, made)
        if outcome != 0:
            return outcome
        control[PHASE] = SELECT


def select(control, states, records, chunks, below, top, lowest, taken, num_actions):
    """Move up to BATCH best open nodes into `taken`. A goal ends the search only as the very best of all open nodes."""
    if control[EXPANSIONS] >= control[SLICE_END]:
        return SLICE
    room = control[BATCH] * num_actions
    if control[NODES] + room > states.shape[0] or control[CHUNKS] + room > below.shape[0]:
        return GROW
    count, first_key = np.int64(0), np.int64(NONE)
    most = min(control[BATCH], 1 + control[ENTRIES] // FEW) if control[ONLY_TIES] else control[BATCH]
    while count < most and control[ENTRIES] > 0:
        key, h = find_best(control, top, lowest)  # h is the same as the nodes', which would have to be fetched
        promise(key >= 0)
        promise(h >= 0)
        if count > 0 and control[ONLY_TIES] and key != first_key:
            break
        place = np.int64(top[key, h])
        while place != NONE and count < most:
            node = entry_at(chunks, place)
            record = records[node]
            if not record["flags"] & CLOSED and control[G_WEIGHT] * record["g"] + control[H_WEIGHT] * h == key:
                if record["flags"] & GOAL and count == 0:
                    control[GOAL_NODE] = node
                    return SOLVED
                if record["flags"] & GOAL or control[EXPANSIONS] >= control[MAX_EXPANSIONS]:
                    most = count
                    break
                record["flags"] |= CLOSED
                promise(count >= 0)
                taken[count] = node
                first_key = key
                count += 1
                control[EXPANSIONS] += 1
            place = drop_last(control, top, below, key, h, place)
    fetch_next(control, top, lowest, chunks, below, states, records, most)
    control[TAKEN] = count
    if count == 0:
        return EXHAUSTED if control[ENTRIES] == 0 else BUDGET_MET
    return 0


def write_successors(control, context, tables, inverse, states, records, slots, top, taken, rows, actions, costs, made):
    """Write the successors of all nodes of `taken`, but not the ways back, and what is known of them; their slots come closer.

    The round is PLAIN when all of them fit, whatever becomes of them: then none needs to be looked at for it."""
    num_actions, mask, charged = inverse.shape[0], control[MASK], control[CHARGED]
    first = all_g = all_h = all_keys = np.int64(0)
    uneven = False
    for place in range(control[TAKEN]):
        node = taken[place]
        promise(node >= 0)
        last = first + num_actions
        promise(first >= 0)
        promise(first < last)
        promise(last <= rows.shape[0])
        record = records[node]
        action, g, value = np.int64(record["action"]), np.int64(record["g"]), value_of(np.int64(record["h"]))
        back, parent = way_back(action, inverse), held(states[node])
        successors = rows[first:last]
        control[COUNT] = expand_onward(parent, back, context, successors, actions, costs)
        number = 0
        while number < control[COUNT]:  # read anew each time: so short a loop is slower when the compiler unrolls it
            child_action, cost = nth_onward(number, parent, back, context, successors, actions, costs)
            hashed, whole = short_hash(successors[number]), whole_number(cost)
            prefetch(slots, home_of(hashed, mask))
            uneven |= whole == UNEVEN
            successor, child_g, h = made[first + number], g + whole, np.int64(0)
            if charged:
                h = whole_cost(node_value(successors[number], parent, value, child_action, context, tables))
            key = control[G_WEIGHT] * child_g + control[H_WEIGHT] * h
            successor["parent"], successor["action"], successor["g"], successor["h"] = node, child_action, child_g, h
            successor["key"], successor["hash"] = key, hashed
            all_g |= child_g
            all_h |= h
            all_keys |= key
            number += 1
        first += number
    control[MADE] = first
    control[GENERATED] += first
    fits = np.uint64(all_g) <= LARGEST and np.uint64(all_h) < top.shape[1] and np.uint64(all_keys) < top.shape[0]  # both powers of two
    control[PLAIN] = fits and control[EVALUATIONS] + first <= control[MAX_EVALUATIONS]
    return NOT_WHOLE if uneven else 0


def whole_cost(value):
    """The cost-to-go that a value stands for as a whole number; NEVER at a dead end."""
    cost = judged_cost(value)
    return NEVER if cost == np.inf else whole_number(cost)


def whole_number(number):
    """A number above or at 0 as int64: UNEVEN where it is not whole, and BEYOND where it is too large or nan, of which the loop for any
    numbers knows what to say. To convert such a one would be undefined."""
    if not number <= LARGEST:
        return BEYOND
    whole = np.int64(number)
    return whole if whole == number else UNEVEN


def draw_order(control):
    """Where to begin among the MADE successors of a round, and in which direction to go on."""
    bits = seeded_bits(control[EXPANSIONS], control[SEED])
    control[LEFT] = control[MADE]
    control[NEXT] = np.int64(((bits >> np.uint64(32)) * np.uint64(control[MADE])) >> np.uint64(32))
    control[TURN] = 1 if bits & np.uint64(1) else -1


def look_up(successor, mask, states, records, slots):
    """Find the likely slot of `successor`, and fetch the row to compare with where there is one."""
    slot, known = likely_slot(successor["hash"], slots, mask)
    successor["slot"] = slot
    if known >= 0:
        prefetch(states, known)
        prefetch(records, known)


def insert_all(careful, control, context, states, records, slots, chunks, below, top, lowest, rows, made):
    """Insert the successors of the round that are LEFT, to one end and on from the other; where it stops it may go on later."""
    number, turn, left = control[NEXT], control[TURN], control[LEFT]
    while left > 0:
        to_the_end = min(left, control[MADE] - number if turn > 0 else number + 1)
        for done in range(to_the_end):
            promise(number >= 0)
            outcome = insert(
                careful, rows[number], made[number], control, context, states, records, slots, chunks, below, top, lowest
            )  # fmt: skip
            if outcome != 0:
                control[NEXT], control[LEFT] = number, left - done
                return outcome
            number += turn
        left -= to_the_end
        number = 0 if turn > 0 else control[MADE] - 1
    return 0


def insert(careful, row, successor, control, context, states, records, slots, chunks, below, top, lowest):
    """Keep `successor`, whose state is `row`, when it is new or the way to it is better. Nothing is changed when this stops the kernel.

    careful, a constant: look whether it is allowed and fits; not for the successors of a PLAIN round."""
    mask = control[MASK]
    slot, child = probe(successor["slot"], successor["hash"], row, states, slots, mask)
    if child == EMPTY:
        return add(careful, slot, row, successor, control, context, states, records, slots, chunks, below, top, lowest)
    promise(child >= 0)
    known = records[child]
    kind, child_h = np.int64(known["flags"]), np.int64(known["h"])
    if successor["g"] >= known["g"] or (kind & CLOSED and not control[REOPEN]):
        return 0
    key = control[G_WEIGHT] * successor["g"] + control[H_WEIGHT] * child_h
    if careful:
        outcome = cannot_keep(key, successor["g"], child_h, kind & DEAD, control, top)
        if outcome != 0:
            return outcome
    return enter(kind & ~CLOSED, key, child_h, child, row, successor, control, context, records, chunks, below, top, lowest)


def add(careful, slot, row, successor, control, context, states, records, slots, chunks, below, top, lowest):
    """`insert` for a new state, which belongs in the empty `slot`."""
    kind, charge, child_h, key = classify(row, context), np.int64(0), successor["h"], successor["key"]
    if kind == PENDING:
        charge, kind = control[CHARGED], 0
        if careful:
            if control[EVALUATIONS] + charge > control[MAX_EVALUATIONS]:
                return BUDGET_MET
            if child_h == UNEVEN:
                return NOT_WHOLE
            if child_h == NEVER:
                kind = DEAD
    if kind != 0:
        child_h, key = np.int64(0), control[G_WEIGHT] * successor["g"]
    if careful:
        outcome = cannot_keep(key, successor["g"], child_h, kind & DEAD, control, top)
        if outcome != 0:
            return outcome
    child = control[NODES]
    promise(child >= 0)
    write_slot(slots, slot, successor["hash"], child, control[MASK])
    copy_row(states[child], row)
    control[NODES] += 1
    control[EVALUATIONS] += charge
    return enter(kind, key, child_h, child, row, successor, control, context, records, chunks, below, top, lowest)


def cannot_keep(key, g, h, is_dead, control, top):
    """Why a node cannot be kept, or 0."""
    if g | h > LARGEST:
        return TOO_LARGE
    if (key >= top.shape[0] or h >= top.shape[1]) and not is_dead:
        control[WANTED_KEY], control[WANTED_H] = key, h
        return GROW_BUCKETS
    return 0


def enter(kind, key, h, child, row, successor, control, context, records, chunks, below, top, lowest):
    """Write what is now known of node `child`, and let it wait with the open ones unless it is dead."""
    promise(key >= 0)
    promise(h >= 0)
    record = records[child]
    record["parent"], record["g"], record["h"] = successor["parent"], successor["g"], h
    record["action"], record["flags"] = successor["action"], kind
    if kind == GOAL and control[GOAL_ON_GENERATION]:
        control[GOAL_NODE] = child
        return SOLVED
    if kind != DEAD:
        push(control, top, lowest, chunks, below, key, h, child)
    elif classify(row, context) != DEAD:
        control[LEAST_LOST] = min(control[LEAST_LOST], successor["g"])
    return 0
