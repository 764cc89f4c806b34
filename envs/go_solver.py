"""The exact value of a small Go position by alpha-beta, under any ko rule: `solve_go`.

What is exact under which rule:
- *Superko* makes a value depend on every position before. The table is keyed by the stones, the side, the passes *and the set of all
  earlier positions*, so only lines that differ in their order meet. Every game ends, and the value is the game's.
- *Simple ko* has endless games. Nothing is assumed of what they are worth: `lower` is what Black can force whatever that is, `upper` what
  White can. Where they meet, that is the value under every rule for endless games; else it depends on that rule (see go_tables.py).

Method: two series of searches, in which Black, then White, is the *prover*. A search looks `horizon` plies ahead and counts a game that
goes on as worst for the prover. So what it proves is true, and remains so: what is proven with k plies to go holds with more, what cannot
be proven cannot with fewer, and the table says for how many plies each of its bounds holds. The horizon rises until both series agree.
Positions that turns and reflections make of each other are one entry. Unconditional life (go_life.py) settles positions early.
Alpha-beta: Knuth and Moore 1975; keys: Zobrist 1970. Points are area scores without komi. Read next: go_search.py, the kernel.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.go_rules import ONE
from astarzero.envs.go_search import (
    BEST_ACTION,
    DONE,
    ENTER,
    FIRST,
    HORIZON,
    LEVEL,
    NO_ACTION,
    NODES,
    PHASE,
    PROVER,
    RESULT,
    SLICE_END,
    attack_kernel,
    begin_past,
)  # fmt: skip
from astarzero.envs.line import write_key

SOLVED, BUDGET, INTERRUPTED = "SOLVED", "BUDGET", "INTERRUPTED"  # the words of ../search/result.py
CONTROL_CELLS = 16
SLICE_NODES = 1 << 17  # between two looks at the clock
DEEPER = 2  # plies by which the horizon rises: two passes end a game


@dataclass(frozen=True)
class GoSolution:
    """What is proven of a position: points for Black, area difference without komi."""

    status: str  # SOLVED: lower == upper; BUDGET or INTERRUPTED: what was proven by then
    lower: int  # Black can force so much
    upper: int  # White can keep him to so much
    action: int | None  # forces the mover's own bound; the pass when that is the worst score there is; None when the game is over
    nodes: int  # positions entered
    horizon: int  # plies looked ahead at the end
    seconds: float

    @property
    def value(self) -> int | None:
        """Points for Black, or None when it is not proven."""
        return self.lower if self.lower == self.upper else None


def solve_go(
    domain: Domain, state: np.ndarray, keys: np.ndarray | None = None, *, max_nodes: int = 1 << 62, max_seconds: float = float("inf"),
    max_horizon: int = 120, table_bits: int = 20, stop: Event | None = None,
) -> GoSolution:  # fmt: skip
    """The value of a row [W] of Go, see the opening.

    keys: under superko, the line up to and with this position (Line.keys), uint64 [L]; without it nothing came before.
    max_nodes and max_seconds, looked at between slices, end it with what is proven; max_horizon too (an endless fight under simple ko
    would never end it). The table has 2^table_bits entries of 16 bytes.
    ValueError when the domain is not Go, or the line does not end in this position.
    """
    if domain.world != "go":
        raise ValueError(f"The solver of Go was given {domain.name}; give a domain of Go.")
    if not 1 <= table_bits <= 32 or max_horizon < 1:
        raise ValueError(f"A table of 2^{table_bits} entries and {max_horizon} plies were asked for; give 1 to 32 and at least 1.")
    search = Attack(domain, domain.check_states(state)[0], keys, max_horizon, table_bits)
    started = time.perf_counter()

    def stopped() -> str:
        if stop and stop.is_set():
            return INTERRUPTED
        return BUDGET if search.nodes >= max_nodes or time.perf_counter() - started >= max_seconds else ""

    try:
        status = search.run(max_horizon, max_nodes, stopped)
    except KeyboardInterrupt:
        status = INTERRUPTED
    lower, upper = search.proven
    return GoSolution(status, lower, upper, search.action, search.nodes, search.horizon, time.perf_counter() - started)


class Attack:
    """The arrays of one solution, as go_search.py lays them out, and what is proven so far."""

    def __init__(self, domain: Domain, state: np.ndarray, keys: np.ndarray | None, max_horizon: int, table_bits: int) -> None:
        levels, actions = max_horizon + 1, domain.num_actions
        own_key = np.zeros(1, np.uint64)
        domain.bind(write_key)(state, domain.context, own_key, 0)
        line = own_key if keys is None else np.ascontiguousarray(keys, np.uint64).ravel()
        if not len(line) or line[-1] != own_key[0]:
            keys_given = f"The line of {len(line)} keys does not end in the position given"
            raise ValueError(f"{keys_given}; give the keys up to it and with it, such as Line.keys.")
        self.mover, self.proven, self.horizon = int(state[-2] & ONE), [1 - actions, actions - 1], 0
        self.action: int | None = actions - 1 if domain.action_masks(state).any() else None  # the pass: as good as any for the worst score
        self.rows = np.zeros((levels, domain.num_words), np.uint64)
        self.rows[0] = state
        self.turns = domain.symmetries.actions  # int64 [S, A]
        if domain.keeps_history and len(line) > 1:
            self.turns = self.turns[:1]  # an image would need the images of what came before, and keys do not say what they are
        pasts = np.zeros((levels, len(self.turns)), np.uint64)
        domain.bind(begin_past)(domain.context, self.turns, self.rows[0], pasts[0])
        self.control = np.zeros(CONTROL_CELLS, np.int64)
        self.bounds, self.cursors = np.zeros((levels, 4), np.int64), np.zeros((levels, 2), np.int64)
        line_keys = np.concatenate([line, np.zeros(levels, np.uint64)])
        self.control[FIRST] = len(line)
        kernel = domain.bind(attack_kernel)
        arrays = (
            np.zeros((2, actions), np.int64), self.rows, line_keys, pasts, self.bounds,
            np.zeros((levels, actions), np.int64), self.cursors, np.zeros((levels, 2), np.uint64),
            np.zeros((1 << table_bits, 2), np.uint64),
        )  # fmt: skip
        self.advance = lambda: kernel(self.control, domain.context, self.turns, np.argsort(self.turns), *arrays)

    @property
    def nodes(self) -> int:
        return int(self.control[NODES])

    def run(self, max_horizon: int, max_nodes: int, stopped: Callable[[], str]) -> str:
        """Raise the horizon until the bounds meet; returns the status."""
        while self.proven[0] < self.proven[1]:
            if self.horizon >= max_horizon:
                return BUDGET
            self.horizon = min(self.horizon + DEEPER, max_horizon)
            for prover in (0, 1):
                self.begin(prover)
                while True:
                    self.control[SLICE_END] = min(self.nodes + SLICE_NODES, max_nodes)
                    if self.advance() == DONE:
                        break
                    if status := stopped():
                        return status
                self.note(prover)
        return SOLVED

    def begin(self, prover: int) -> None:
        """Set up a search for `prover` between the bounds, from the point of view of the player to move."""
        self.control[[LEVEL, PHASE, HORIZON, PROVER]] = 0, ENTER, self.horizon, prover
        lower, upper = self.proven
        self.bounds[0, :2] = (-upper, -lower) if self.mover else (lower, upper)

    def note(self, prover: int) -> None:
        """Take over what the search has proven, and the move that did."""
        points = int(-self.control[RESULT] if self.mover else self.control[RESULT])
        better = points > self.proven[0] if prover == 0 else points < self.proven[1]
        if better:
            self.proven[prover] = points
            if prover == self.mover and self.cursors[0, BEST_ACTION] != NO_ACTION:
                self.action = int(self.cursors[0, BEST_ACTION])
