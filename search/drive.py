"""What every compiled search needs around its kernel: arrays that grow, limits, the clock, Ctrl-C, and answers from Python.

A kernel keeps all its state in arrays, so it can stop anywhere it chooses and be called again. It returns one of the codes
below; `Drive.run` acts on it. The first cells of `control` mean the same in every kernel; a kernel adds its own from FREE on.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from astarzero.envs.compile import bind, direct
from astarzero.envs.domain import Domain, value_of
from astarzero.envs.evaluation import HEADS, Desk, Evaluator
from astarzero.envs.machine import LANES
from astarzero.envs.state_table import SLOT, enlarge
from astarzero.search.desk import desk_of, refuse
from astarzero.search.duplicates import DUPLICATES
from astarzero.search.pages import MACHINE, copied_bytes, forget, leave, longer, zeros
from astarzero.search.result import UNLIMITED, Budget, SearchResult, Status

# what a kernel says
SOLVED, EXHAUSTED, BUDGET_MET, GROW, SLICE, ASK, GROW_DESK, NOT_A_NUMBER = range(1, 9)
FIRST_OWN_CODE = 16  # codes that a kernel adds for its own answers start here
ENDINGS = {SOLVED: Status.SOLVED, EXHAUSTED: Status.EXHAUSTED, BUDGET_MET: Status.BUDGET}

# cells of `control`
NODES, EXPANSIONS, GENERATED, EVALUATIONS, CALLS, GOAL_NODE, PHASE, MASK, SLICE_END = range(9)
MAX_EXPANSIONS, MAX_EVALUATIONS, SEED, INLINE, ENTRIES, ASKED = range(9, 15)  # ENTRIES: of the open list; ASKED: states, at the desk
FREE = 16
CONTROL_CELLS = 40

FIRST_NODES, FIRST_ENTRIES = 1 << 10, 1 << 9
FAST_GROWTH = 1 << 16  # rows up to which arrays grow fourfold; beyond, by half
GROWTH = (4.0, 2.0, 1.5, 1.25, 1.1, 1.05, 1.02)  # tried in this order: what memory is left is used up in few steps
LOADS = (0.5, 0.75)  # of the table; the second, which is slower, only where the first takes too much memory
SLICE_SECONDS = 0.02  # between two looks at the clock

Arrays = dict[str, np.ndarray]
Answers = Mapping[int, Callable[[], Status | None]]  # by the code of a kernel: what to do then, and why the search ends if it does
GOAL_TESTS = ("selection", "generation")
ORDERS = ("given", "seeded")
OPTIONS: Mapping[str, tuple[Callable[[Any], bool], str]] = {  # what a search may be told: is it allowed, and the rule in words
    "batch": (lambda number: number >= 1, "at least 1"),
    "promise": (lambda factor: 1 <= factor < math.inf, "at least 1 and finite"),
    "proof": (lambda number: number >= 0, "at least 0"),
    "width": (lambda number: number >= 1, "at least 1"),
    "max_steps": (lambda number: number >= 1, "at least 1"),
    "weight": (lambda number: number > 0, "above 0"),
    "cutoff": (lambda cost: cost >= 0, "at least 0"),
    "mix": (lambda share: 0 <= share <= 1, "from 0 to 1"),
    "c_puct": (lambda number: number >= 0, "at least 0"),
    "temperature": (lambda number: number >= 0, "at least 0"),
    "goal_test": (lambda name: name in GOAL_TESTS, "selection or generation"),
    "head": (lambda name: name in HEADS, "value, q or prior"),
    "order": (lambda name: name in ORDERS, "given or seeded"),
    "duplicates": (lambda name: name in DUPLICATES, "merged, dropped_on_path or kept"),
}


def check_options(**options: Any) -> None:
    """ValueError in one sentence when an option of a search is out of its range."""
    for name, value in options.items():
        allowed, rule = OPTIONS[name]
        if not allowed(value):
            raise ValueError(f"Option {name} is {value}, but it must be {rule}.")


@dataclass
class Drive:
    """One running search: its arrays, limits and counters. `nodes` grow together by rows, `entries` (of the open list) likewise."""

    domain: Domain
    state: np.ndarray  # the root, row [W]
    evaluator: Evaluator
    budget: Budget
    seed: int
    room: int  # nodes that one round of the kernel may add
    nodes: Arrays
    entries: Arrays = field(default_factory=dict)
    entry_room: int = 0  # rows of `entries` that one round may take; default: `room`
    scratch: list[np.ndarray] | tuple[np.ndarray, ...] = ()  # other arrays; who replaces one asks `fits` before
    first_nodes: int = FIRST_NODES  # rows of `nodes` to begin with
    has_table: bool = True  # does the search map states to nodes, by `slots`?
    heads: Iterable[str] = ()  # what it asks of the evaluator at its desk, of which a head that is absent says nothing
    asks: int = 1  # rows of the desk to begin with
    entry_cell: int = ENTRIES  # the cell of `control` that counts rows of `entries` in use
    control: np.ndarray = field(default_factory=lambda: np.zeros(CONTROL_CELLS, np.int64))
    slots: np.ndarray = field(default_factory=lambda: np.zeros(0, SLOT))
    evaluator_seconds: float = 0.0
    peak_bytes: int = 0
    desk: Desk = field(init=False)
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.control[MAX_EXPANSIONS], self.control[MAX_EVALUATIONS] = self.budget.expansions, self.budget.evaluations
        self.control[GOAL_NODE], self.control[SEED] = -1, self.seed
        self.control[INLINE] = self.evaluator.rules is not None  # can the kernel judge states itself? Otherwise it stops and asks
        self.desk = desk_of(self.domain, self.evaluator, self.heads, self.asks)
        root = self.domain.check_states(self.state)[0]
        capacity = max(2, min(max(self.first_nodes, 2 * self.room), self.budget.nodes))
        self.entry_room = self.entry_room or self.room
        entries = 2 * self.entry_room + FIRST_ENTRIES
        if self.limited:
            forget()
        if self._bytes_at(capacity, entries, LOADS[0]) <= self.budget.bytes:  # else `run` refuses to start
            self._resize(capacity, entries, LOADS[0])
            self.nodes["states"][0] = root

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    @property
    def limited(self) -> bool:
        """Is there a limit in bytes? It is one of the process."""
        return self.budget.bytes != UNLIMITED

    @property
    def bytes(self) -> int:
        """Bytes of the search's arrays, without the evaluator's desk."""
        return self.slots.nbytes + sum(array.nbytes for array in (*self.nodes.values(), *self.entries.values(), *self.scratch))

    def run(self, kernel: Callable[..., int], gather: Callable[[], tuple[Any, ...]], answers: Answers | None = None) -> Status:
        """Call `kernel`, bound, with the arguments that `gather` finds, until it ends.

        `answers` are to codes of its own. After each of them, and when arrays have grown, arguments are gathered anew: as many, and of the
        same types.
        """
        if not self.peak_bytes:
            return Status.MEMORY
        if self.budget.nodes < 2:  # the root alone
            return Status.BUDGET
        # a net's matrices leave the caches cold, and then whatever is touched here counts: plain names, and cells that are plain numbers
        acts = {GROW: self.grow, GROW_DESK: self.grow_desk, NOT_A_NUMBER: self.not_a_number, **(answers or {})}
        arguments, cells, clock, judge = gather(), self.control.data, time.perf_counter, self.desk.judge
        deadline, stop, before, slice_length, cells[SLICE_END] = self.started + self.budget.seconds, self.budget.stop, clock(), 256, 256
        entry = kernel if cells[INLINE] else direct(kernel, arguments)  # to find it takes as long as twenty calls
        try:
            with self.desk.session():
                while True:
                    code = entry(*arguments)
                    if code == ASK:
                        asked_at = clock()
                        judge(cells[ASKED])
                        now = clock()
                        self.evaluator_seconds += now - asked_at
                    else:
                        if code in acts:
                            refusal = acts[code]()
                            if refusal:
                                return refusal
                            arguments, judge = gather(), self.desk.judge
                        elif code in ENDINGS:
                            return ENDINGS[code]
                        now = clock()
                    if now >= deadline:
                        return Status.BUDGET
                    if stop and stop.is_set():
                        return Status.INTERRUPTED
                    if code == SLICE:
                        slice_length = max(16, min(1 << 24, slice_length * 2 if now - before < SLICE_SECONDS else slice_length // 2))
                        cells[SLICE_END] = cells[EXPANSIONS] + slice_length
                    before = now
        except KeyboardInterrupt:
            return Status.INTERRUPTED

    def grow_desk(self) -> None:
        """Make room on the desk for what the kernel is about to ask, ASKED states, and as many more."""
        self.desk = desk_of(self.domain, self.evaluator, self.heads, 2 * int(self.control[ASKED]))

    def not_a_number(self) -> None:
        """Ends a search that met no number where it looked for the evaluator's answer, by a ValueError."""
        doubtful = self.desk.states[: self.control[ASKED]]
        refuse(self.domain, self.evaluator, doubtful, "no number for a state, or a policy without weight on any legal action")

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

    def fits(self, more: int) -> bool:
        """May `scratch` grow by so many bytes? Notes them as a peak if so."""
        if self.bytes + more > self.budget.bytes:
            return False
        self.peak_bytes = max(self.peak_bytes, self.bytes + int(more))
        return True

    def leave(self) -> None:
        """Leave the pages of `nodes` and `entries`, at which nobody will look again, to other searches; none where bytes are limited."""
        if not self.limited:
            leave((*self.nodes.values(), *self.entries.values()))

    def grow(self) -> Status | None:
        """Make room for at least one more round, where it is short, or say which limit forbids it."""
        held, capacity = int(self.control[NODES]), len(self.nodes["states"])
        if held + self.room > self.budget.nodes:
            return Status.BUDGET
        used, entry_capacity = int(self.control[self.entry_cell]), len(next(iter(self.entries.values()), ()))
        for factor, load in itertools.product(GROWTH, LOADS):
            larger, entries = capacity, entry_capacity
            if held + self.room > capacity:
                larger = min(max(scaled(capacity, factor), held + self.room), self.budget.nodes)
                if self.has_table and held + self.room <= load * len(self.slots):
                    larger = min(larger, int(load * len(self.slots)))  # up to what the table at hand may hold: it grows for nothing else
            if self.entries and used + self.entry_room > entry_capacity:
                entries = scaled(entry_capacity, factor) + self.entry_room
            if load == LOADS[0] and self._slots_at(larger, load) * self.slots.itemsize > self.budget.bytes // 3:
                continue  # a table of twice the size would starve the nodes
            foreseen = used * larger // max(1, held) if self.entries else 0  # so many will wait when the nodes are full
            # without a limit there is nothing to add up, which takes as long as to grow
            if not self.limited or self._bytes_at(larger, max(entries, foreseen), load) <= self.budget.bytes:
                self._resize(larger, entries, load)
                return None
        return Status.MEMORY

    def _bytes_at(self, capacity: int, entry_capacity: int, load: float) -> int:
        """What `bytes` will be after `_resize`, and for a moment within it."""
        total = self._slots_at(capacity, load) * self.slots.itemsize + sum(array.nbytes for array in self.scratch)
        copied = 0
        for array, length in self._growing(capacity, entry_capacity).values():
            total += length * row_bytes(array)
            copied = max(copied, copied_bytes(array, length) if length != len(array) else 0)
        return total + copied

    def _slots_at(self, capacity: int, load: float) -> int:
        """How many slots there will be: those at hand, while their load stays below `load`."""
        return len(self.slots) if capacity <= load * len(self.slots) or not self.has_table else slots_needed(capacity, load)

    def _growing(self, capacity: int, entry_capacity: int) -> dict[tuple[int, str], tuple[np.ndarray, int]]:
        """Every array that grows and the length it will have; arrays of length 1 are unused and stay. Keys: (group, name)."""
        return {
            (group, name): (array, length if len(array) != 1 else 1)
            for group, (arrays, length) in enumerate(((self.nodes, capacity), (self.entries, entry_capacity)))
            for name, array in arrays.items()
        }

    def _resize(self, capacity: int, entry_capacity: int, load: float) -> None:
        """Grow arrays to `capacity` nodes and `entry_capacity` entries."""
        slots = self._slots_at(capacity, load)
        old = len(self.slots) if self.slots.size and not copied_bytes(self.slots, slots) else 0  # a table that grows where it is
        if slots != len(self.slots) and not old:
            self.slots = np.zeros(0, SLOT)  # the old ones go first
        available, bytes_a_node = min(self.budget.bytes, MACHINE), sum(row_bytes(array) for array in self.nodes.values())
        for (group, name), (array, length) in self._growing(capacity, entry_capacity).items():
            if length != len(array):
                most = min(available, available * row_bytes(array) // bytes_a_node)
                (self.nodes, self.entries)[group][name] = longer(array, length, most)
        if slots != len(self.slots):
            self.slots = longer(self.slots, slots, available) if old else zeros((slots,), SLOT, available)
            self.control[MASK] = slots - 1
            if self.control[NODES]:
                table = self.slots, self.control[MASK], old, np.zeros(LANES, SLOT)
                bind(enlarge, {})(self.nodes["states"], self.control[NODES], *table)
        self.peak_bytes = max(self.peak_bytes, self.bytes)


def scaled(rows: int, factor: float) -> int:
    """How many rows an array of so many grows to: never more than half as many again where it is large."""
    return int(rows * (factor if rows < FAST_GROWTH else min(factor, 1.5)))


def row_bytes(array: np.ndarray) -> int:
    """Bytes of one row, also where there is none yet."""
    return array.itemsize * math.prod(array.shape[1:])


def slots_needed(capacity: int, load: float) -> int:
    """Slots for `capacity` nodes at a load of at most `load`: a power of two."""
    return max(LANES, 1 << int(math.ceil(capacity / load) - 1).bit_length())


def trace_plan(parent: np.ndarray, action: np.ndarray, node: int) -> tuple[int, ...]:
    """The actions that lead from the root (whose parent is negative) to `node`; empty when `node` is negative."""
    plan = []
    while node >= 0 and parent[node] >= 0:
        plan.append(int(action[node]))
        node = int(parent[node])
    return tuple(reversed(plan))
