"""A kernel's side of the desk: it charges for what it asks, writes the questions, and reads the answers beside them.

Where the kernel judges by itself (INLINE) the charge is all. Kernel helpers, compiled into their callers.
Read first: desk.py. Read next: best_first.py.
"""

import numpy as np

from astarzero.envs.domain import encode_row
from astarzero.envs.state_table import copy_row
from astarzero.search.desk import FEATURES, PRIOR, STATES, VALUE, Q
from astarzero.search.drive import ASK, ASKED, BUDGET_MET, CALLS, EVALUATIONS, GROW_DESK, INLINE, MAX_EVALUATIONS
from astarzero.search.node import PENDING


def ask_about_new(first, end, states, flags, control, context, papers):
    """Ask about those of the nodes first..end - 1 that wait for judgement: in their order, on the first rows of the desk.

    ASK, when Python must answer now; BUDGET_MET or GROW_DESK, and then nothing was asked; or 0, when the kernel may go on.
    """
    pending = 0
    for node in range(first, end):
        pending += (flags[node] & PENDING) != 0
    refused = charge(pending, control, papers)
    if refused != 0 or control[INLINE] or pending == 0:
        return refused
    place = 0
    for node in range(first, end):
        if flags[node] & PENDING:
            write_question(place, states[node], context, papers)
            place += 1
    return ASK


def charge(asked, control, papers):
    """Count the evaluation of `asked` states, in one call. BUDGET_MET if they are too many, GROW_DESK if the desk is too small, or 0."""
    if control[EVALUATIONS] + asked > control[MAX_EVALUATIONS]:
        return BUDGET_MET
    control[ASKED] = asked
    if asked > papers[STATES].shape[0] and not control[INLINE]:
        return GROW_DESK
    control[EVALUATIONS] += asked
    control[CALLS] += asked > 0
    return 0


def write_question(place, state, context, papers):
    """Ask about `state` on row `place` of the desk."""
    copy_row(papers[STATES][place], state)
    if papers[FEATURES].shape[0] > 0:
        encode_row(state, context, papers[FEATURES][place])


def heard(number, papers):
    """A number that was answered; nan for an infinite one of a net: it knows no dead ends, so it is sick."""
    return np.float32(np.nan) if papers[FEATURES].shape[0] > 0 and np.isinf(number) else number


def heard_value(place, papers):
    """What was answered for the state on row `place`: its value."""
    return heard(papers[VALUE][place], papers)


def hear_prior(row, place, papers):
    """Copy its prior logits into `row` [A]. False when one is no number: who keeps them for later says so now, or it may never come up."""
    numbers = True
    for action in range(row.shape[0]):
        row[action] = heard(papers[PRIOR][place, action], papers)
        numbers &= row[action] == row[action]
    return numbers


def hear_q(row, place, papers):
    """Copy its q into `row` [A]."""
    for action in range(row.shape[0]):
        row[action] = heard(papers[Q][place, action], papers)
