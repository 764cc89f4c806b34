"""Best-first search over whole numbers: A*, weighted A*, greedy and uniform cost at the speed of memory.

The same algorithm, pool and accounting as best_first.py for worlds whose costs and heuristic are whole numbers: the open list is a
bucket queue, g and h are int16. About 30 bytes a node for one-word rows: 8 row, 11 record (4 parent, 2 g, 2 h, 2 action, 1 flags),
8 table at half load, 2 to 3 open list. `best_first` calls this where it applies. Read next: integer_kernel.py, the loop.
"""

import functools
import math
from fractions import Fraction
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.search.bucket_queue import CHUNK, CHUNKS, NONE, empty_buckets, wide_enough, widened
from astarzero.search.drive import CALLS, EVALUATIONS, GOAL_NODE, PHASE, Arrays, Drive, trace_plan
from astarzero.search.evaluator import kernel_face

from astarzero.search.integer_kernel import (  # isort: skip
    BATCH, CHARGED, FEW, G_WEIGHT, GOAL_ON_GENERATION, GROW_BUCKETS, H_WEIGHT, INSERT, LARGEST, LEAST_LOST, MADE_RECORD, NOT_WHOLE,
    ONLY_TIES, RECORD, REOPEN, TAKEN, TOO_LARGE, WANTED_H, WANTED_KEY, integer_best_first_kernel,
)  # fmt: skip
from astarzero.search.result import Budget, SearchResult, Status

HEAVIEST = 64  # of the whole-number weights; heavier ones would make mostly empty buckets
TIES = 32  # nodes of equal key that a round takes together: as many waits for memory at a time, and each is best when it is taken;
# fewer while few wait, one for each FEW: a small search fits the caches and keeps to the order of its ties
MOST_BUCKETS = 1 << 22
TOP, LOWEST, TAKEN_NODES = 0, 1, 2  # places in `scratch`


@functools.cache
def whole_weights(g_weight: float, h_weight: float) -> tuple[int, int] | None:
    """The same proportion in whole numbers (1, 1.2 -> 5, 6), or None when it takes numbers above HEAVIEST."""
    first, second = (Fraction(weight).limit_denominator(HEAVIEST) for weight in (g_weight, h_weight))
    if (float(first), float(second)) != (g_weight, h_weight):
        return None
    common = math.lcm(first.denominator, second.denominator)
    pair = (int(first * common), int(second * common))
    return pair if max(pair) <= HEAVIEST else None


class TooLarge(Exception):
    """A number that this loop has no room for."""


def integer_best_first(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator,
    *,
    weights: tuple[int, int],
    reopen: bool,
    batch: int,
    goal_test: str,
    budget: Budget,
    seed: int,
) -> SearchResult | None:
    """Search from `state` [W] on weights[0] g + weights[1] h; options as in best_first, the evaluator has compiled rules.

    None when a number is too large for this loop. ValueError when a cost or an estimate is not whole.
    """
    rules, tables = kernel_face(domain, evaluator)
    kernel = domain.bind(integer_best_first_kernel, **rules)
    num_actions, inverse = domain.num_actions, domain.inverse
    nodes: Arrays = {"states": np.zeros((0, domain.num_words), np.uint64), "records": np.zeros(0, RECORD)}
    entries: Arrays = {"chunks": np.zeros((0, CHUNK), np.int32), "below": np.zeros(0, np.int32)}
    width = batch if batch > 1 else min(TIES, 1 + budget.nodes // FEW)  # so many at most may wait
    room = width * num_actions
    scratch: list[np.ndarray] = [
        *empty_buckets(), np.zeros(width, np.int64), np.zeros((room, domain.num_words), np.uint64),
        np.zeros(num_actions, np.int64), np.zeros(num_actions), np.zeros(room, MADE_RECORD),
    ]  # fmt: skip
    drive = Drive(domain, state, evaluator, budget, seed, room, nodes, entries, entry_cell=CHUNKS, scratch=scratch)
    control = drive.control
    control[BATCH], control[ONLY_TIES], control[REOPEN], control[GOAL_ON_GENERATION] = width, batch == 1, reopen, goal_test == "generation"
    control[CHARGED] = "value" in evaluator.heads and weights[1] > 0
    control[G_WEIGHT], control[H_WEIGHT] = weights
    control[LEAST_LOST] = LARGEST + 1

    def gather() -> tuple[Any, ...]:
        entries = drive.entries["chunks"].reshape(-1), drive.entries["below"]
        return control, domain.context, tables, inverse, *drive.nodes.values(), drive.slots, *entries, *scratch

    def more_buckets() -> Status | None:
        keys, width = wide_enough(scratch[TOP], control[WANTED_KEY], control[WANTED_H])
        if keys * width > MOST_BUCKETS:
            raise TooLarge
        if not drive.fits(4 * keys * (width + 1)):
            return Status.MEMORY
        scratch[TOP], scratch[LOWEST] = widened(scratch[TOP], keys, width)
        return None

    def too_large() -> None:
        raise TooLarge

    def not_whole() -> None:
        raise ValueError(
            f"A cost of {domain.name} or an estimate of {evaluator.name} is not a whole number, though it is declared so: "
            "leave out whole_costs in the domain or whole in the heuristic."
        )

    try:
        status = drive.run(kernel, gather, {GROW_BUCKETS: more_buckets, TOO_LARGE: too_large, NOT_WHOLE: not_whole})
    except TooLarge:
        return None
    control[CALLS] = control[EVALUATIONS]
    drive.nodes["records"]["parent"][:1] = -1  # the root, which went in as a successor of itself
    goal = int(control[GOAL_NODE])
    plan = trace_plan(drive.nodes["records"]["parent"], drive.nodes["records"]["action"], goal)
    result = drive.result(status, plan if goal >= 0 else None, lambda cost: lower_bound(drive, cost))
    drive.leave()
    return result


def lower_bound(drive: Drive, cost: float) -> float:
    """As in best_first.py, read off the buckets: an older entry of a node that got better can only lower it."""
    control, records, scratch = drive.control, drive.nodes["records"], drive.scratch
    trusted = drive.evaluator.admissible or not control[CHARGED]
    keys, h = np.divmod(np.flatnonzero(scratch[TOP] != NONE), scratch[TOP].shape[1])
    under_way = scratch[TAKEN_NODES][: control[TAKEN] if control[PHASE] == INSERT else 0]  # their successors may not all be there
    lost = [] if trusted or control[LEAST_LOST] > LARGEST else [float(control[LEAST_LOST])]
    if not (control[G_WEIGHT] and control[REOPEN]):
        is_open = len(keys) or len(under_way) or lost
        return min(cost, float(records["h"][0]) if trusted else 0.0) if is_open else min(cost, math.inf)
    waiting = (keys - control[H_WEIGHT] * h) // control[G_WEIGHT] + (h if trusted else 0)
    taken = records["g"][under_way].astype(np.int64) + (records["h"][under_way] if trusted else 0)
    return float(min([cost, *lost, *waiting.tolist(), *taken.tolist()]))
