"""One accounting for every search: what it may spend (`Budget`), how it ended (`Status`) and what it found (`SearchResult`)."""

import math
from dataclasses import dataclass
from enum import StrEnum
from threading import Event
from typing import NamedTuple

import numpy as np

UNLIMITED = 1 << 62


class Status(StrEnum):
    """How a search ended."""

    SOLVED = "SOLVED"  # a plan was found, as good as the search promises
    EXHAUSTED = "EXHAUSTED"  # everything reachable was searched: there is no plan (or the method gave up by its own rule)
    BUDGET = "BUDGET"  # a limit on expansions, evaluations, nodes or seconds was met; there may be a plan, whose promise is not proven
    MEMORY = "MEMORY"  # the byte limit was met; likewise
    INTERRUPTED = "INTERRUPTED"  # Ctrl-C, or `Budget.stop`


@dataclass(frozen=True)
class Budget:
    """Limits that every search honours; none is ever exceeded, except `seconds` and `stop`, which are looked at between kernel slices."""

    expansions: int = UNLIMITED
    evaluations: int = UNLIMITED  # single states through the evaluator
    nodes: int = UNLIMITED  # nodes held at once
    bytes: int = UNLIMITED  # bytes of the search's own arrays; the desk at which it asks a net is the net's
    seconds: float = math.inf  # wall clock
    stop: Event | None = None  # another thread may set it: the search then ends INTERRUPTED, as by Ctrl-C in the main thread

    def __post_init__(self) -> None:
        for name, limit in vars(self).items():
            if not isinstance(limit, Event | None) and not limit > 0:
                raise ValueError(f"The budget of {name} is {limit}, but a limit must be above 0; leave it out for no limit.")


class Solution(NamedTuple):
    """A plan that a search found and went on: what it cost, and what had been spent by then."""

    cost: float
    expansions: int
    evaluations: int
    seconds: float


@dataclass(frozen=True)
class SearchResult:
    """What every search returns. Costs are for the one player; `value` is for the player to move at the root."""

    status: Status
    plan: tuple[int, ...] = ()  # actions from the root to a goal; empty when none was found (or the root is a goal)
    cost: float = math.inf  # of the plan
    lower_bound: float = 0.0  # no solution is cheaper (up to float32 rounding): least g + h, or g if h is not admissible; inf: unsolvable
    value: float = math.nan  # the search's estimate of the root's value, when it makes one
    action_weights: np.ndarray | None = None  # float64 [A], how strongly each root action is recommended, sums to 1
    expansions: int = 0  # states whose successors were made
    generated: int = 0  # successors made, duplicates included; some searches do not make the way back to where a node came from
    evaluations: int = 0  # single states through the evaluator
    evaluator_calls: int = 0  # batches through the evaluator
    nodes: int = 0  # most nodes held at once
    peak_bytes: int = 0  # most bytes of the search's own arrays
    seconds: float = 0.0
    evaluator_seconds: float = 0.0  # of them, inside an evaluator that only Python can call; 0 when it runs inside the kernel
    solutions: tuple[Solution, ...] = ()  # every better plan as it was found, by searches that go on; `plan` costs no more than the last

    @property
    def solved(self) -> bool:
        return self.status is Status.SOLVED

    @property
    def action(self) -> int | None:
        """The action to take now: the plan's first, else the heaviest of `action_weights`, else None."""
        if self.plan:
            return self.plan[0]
        return int(np.argmax(self.action_weights)) if self.action_weights is not None else None
