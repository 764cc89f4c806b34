"""What every compiled search needs around its kernel: arrays that grow, limits, the clock, Ctrl-C, and answers from Python.

A kernel keeps all its state in arrays, so it can stop anywhere it chooses and be called again. It returns one of the codes
below; `Drive.run` acts on it. The first cells of `control` mean the same in every kernel; a kernel adds its own from FREE on.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np

from astarzero.envs.compile import hook
from astarzero.envs.domain import Domain, value_of
from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.envs.state_table import EMPTY, refill
from astarzero.search.result import Budget, SearchResult, Status

# what a kernel says
SOLVED, EXHAUSTED, BUDGET_MET, GROW, SLICE, ASK_PRIOR, ASK_VALUE, ASK_Q, NOT_A_NUMBER = 1, 2, 3, 4, 5, 6, 7, 8, 9
ENDINGS = {SOLVED: Status.SOLVED, EXHAUSTED: Status.EXHAUSTED, BUDGET_MET: Status.BUDGET}

# cells of `control`
NODES, EXPANSIONS, GENERATED, EVALUATIONS, CALLS, GOAL_NODE, PHASE, MASK, SLICE_END, MAX_EXPANSIONS, MAX_EVALUATIONS, SEED = range(12)
FREE = 16
CONTROL_CELLS = 32

FIRST_NODES = 1 << 10
FAST_GROWTH = 1 << 20  # nodes up to which arrays grow fourfold; beyond, twofold
SLICE_SECONDS = 0.02  # between two looks at the clock


@hook
def judged_inline():
    """Can the kernel judge states itself? Otherwise it stops and asks."""
    raise NotImplementedError


def yes():
    return True


def no():
    return False


@dataclass
class Drive:
    """One running search: its arrays, limits and counters. `nodes` grow together by rows, `entries` (of the open list) likewise."""

    domain: Domain
    evaluator: Evaluator
    budget: Budget
    seed: int
    room: int  # nodes that one round of the kernel may add
    nodes: dict[str, np.ndarray]
    entries: dict[str, np.ndarray] = field(default_factory=dict)
    entry_room: int = 0  # entries that one round may add; default: `room`
    control: np.ndarray = field(default_factory=lambda: np.zeros(CONTROL_CELLS, np.int64))
    slots: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    evaluator_seconds: float = 0.0
    peak_bytes: int = 0
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.control[MAX_EXPANSIONS], self.control[MAX_EVALUATIONS] = self.budget.expansions, self.budget.evaluations
        self.control[GOAL_NODE], self.control[SEED] = -1, self.seed
        capacity = max(2, min(max(FIRST_NODES, 2 * self.room), self.budget.nodes))
        self.entry_room = self.entry_room or self.room
        self._resize(capacity, 2 * max(capacity, self.entry_room))

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    @property
    def bytes(self) -> int:
        return self.slots.nbytes + sum(array.nbytes for array in (*self.nodes.values(), *self.entries.values()))

    def run(self, kernel: Callable[[], int], answers: Mapping[int, Callable[[], None]]) -> Status:
        """Call `kernel` until it ends. `answers` maps the codes ASK_* to functions that write what was asked for."""
        slice_length, code, self.control[SLICE_END] = 256, SLICE, 256
        before = self.seconds
        if self.bytes > self.budget.bytes:
            return Status.MEMORY
        try:
            while True:
                code = call_quietly(kernel) if numba.config.DISABLE_JIT else kernel()
                if code in ENDINGS:
                    return ENDINGS[code]
                if code == NOT_A_NUMBER:
                    raise ValueError(f"Evaluator {self.evaluator.name} gave a value that is not a number; mend the net or table (inf marks a dead end, nan nothing).")
                if code in answers:
                    answers[code]()
                elif code == GROW:
                    refusal = self.grow()
                    if refusal:
                        return refusal
                now = self.seconds
                if now >= self.budget.seconds:
                    return Status.BUDGET
                if code == SLICE:
                    slice_length = max(16, min(1 << 24, slice_length * 2 if now - before < SLICE_SECONDS else slice_length // 2))
                    self.control[SLICE_END] = self.control[EXPANSIONS] + slice_length
                    before = now
        except KeyboardInterrupt:
            return Status.INTERRUPTED

    def ask(self, states: np.ndarray) -> Evaluation:
        """The evaluator's answer for a batch of rows, timed and checked. ValueError when shapes or numbers are wrong."""
        before = time.perf_counter()
        answer = self.evaluator.evaluate(states)
        self.evaluator_seconds += time.perf_counter() - before
        wanted = {"prior_logits": (len(states), self.domain.num_actions), "value": (len(states),), "q": (len(states), self.domain.num_actions)}
        for name, shape in wanted.items():
            array = getattr(answer, name)
            if array is not None and np.shape(array) != shape:
                raise ValueError(f"Evaluator {self.evaluator.name} gave {name} of shape {np.shape(array)} for {len(states)} states; {shape} was expected.")
            if array is not None and np.isnan(array).any():
                raise ValueError(f"Evaluator {self.evaluator.name} gave {name} that is not a number; mend the net or table (inf marks a dead end, nan nothing).")
        return answer

    def result(self, status: Status, plan: tuple[int, ...] | None, lower_bound: Callable[[float], float], **more: Any) -> SearchResult:
        """The accounting of a search that ended. `plan` is None when there is none; its cost is added up along its steps."""
        cost = math.inf if plan is None else self.domain.plan_cost(self.nodes["states"][0], plan)
        estimate: dict[str, Any] = {"value": value_of(cost), "action_weights": np.eye(self.domain.num_actions)[plan[0]]} if plan else {}
        return SearchResult(
            status=status, plan=plan or (), cost=cost, lower_bound=lower_bound(cost) if self.control[NODES] else 0.0,
            **{**estimate, **more},
            expansions=int(self.control[EXPANSIONS]), generated=int(self.control[GENERATED]), evaluations=int(self.control[EVALUATIONS]),
            evaluator_calls=int(self.control[CALLS]), nodes=int(self.control[NODES]), peak_bytes=self.peak_bytes,
            seconds=self.seconds, evaluator_seconds=self.evaluator_seconds,
        )  # fmt: skip

    def grow(self) -> Status | None:
        """Make room for at least one more round, or say which limit forbids it."""
        held, capacity = int(self.control[NODES]), len(self.nodes["states"])
        if held + self.room > self.budget.nodes:
            return Status.BUDGET
        entry_capacity = len(next(iter(self.entries.values()), ()))
        for factor in (4.0, 2.0, 1.5, 1.25) if capacity < FAST_GROWTH else (2.0, 1.5, 1.25):
            larger = min(int(capacity * factor) + self.room, self.budget.nodes)
            entries = int(entry_capacity * factor) + 2 * self.entry_room
            row_bytes = sum(array.nbytes / len(array) for array in self.nodes.values() if len(array) > 1)
            entry_bytes = sum(array.nbytes / len(array) for array in self.entries.values())
            largest = max((array.nbytes for array in self.nodes.values()), default=0)  # old and new stand side by side while one is copied
            if larger * row_bytes + entries * entry_bytes + slots_needed(larger) * self.slots.itemsize + largest <= self.budget.bytes:
                self._resize(larger, entries)
                return None
        return Status.MEMORY

    def _resize(self, capacity: int, entry_capacity: int) -> None:
        """Grow arrays to `capacity` nodes and `entry_capacity` entries; arrays of length 1 are unused and stay."""
        for arrays, length in ((self.nodes, capacity), (self.entries, entry_capacity)):
            for name, array in arrays.items():
                if len(array) != 1:
                    larger = np.empty((length, *array.shape[1:]), array.dtype)
                    larger[: len(array)] = array[:length]
                    arrays[name] = larger
        if self.slots is not None and len(self.slots) < slots_needed(capacity):
            self.slots = np.full(slots_needed(capacity), EMPTY, np.int32)
            self.control[MASK] = len(self.slots) - 1
            if self.control[NODES]:
                self.domain.bind(refill)(self.nodes["states"], self.control[NODES], self.slots, self.control[MASK])
        self.peak_bytes = max(self.peak_bytes, self.bytes)


def slots_needed(capacity: int) -> int:
    """Slots for `capacity` nodes at a load of at most one half."""
    return 1 << int(2 * capacity - 1).bit_length()


def call_quietly(kernel: Callable[[], int]) -> int:
    """Without the JIT, hashing wraps around in NumPy scalars; that is meant."""
    with np.errstate(over="ignore"):
        return kernel()


def trace_plan(parent: np.ndarray, action: np.ndarray, node: int) -> tuple[int, ...]:
    """The actions that lead from the root (whose parent is negative) to `node`; empty when `node` is negative."""
    plan = []
    while node >= 0 and parent[node] >= 0:
        plan.append(int(action[node]))
        node = int(parent[node])
    return tuple(reversed(plan))
