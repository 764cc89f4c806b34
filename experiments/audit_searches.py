"""What an audit runs: A* with the audited h on many problems, and which states each search popped.

Read next: audit_enumerable.py (worlds solved exactly), audit_elsewhere.py (worlds too large for that).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.experiments.ledger import fewest_to_calibrate
from astarzero.search import Budget, SearchResult, Status, astar, levin
from astarzero.search.drive import EXPANSIONS, NODES, Drive
from astarzero.search.node import CLOSED
from astarzero.search.result import UNLIMITED

Record = dict[str, Any]  # what an audit found, ready for JSON; "kind" says what it is


@dataclass(frozen=True)
class AuditConfig:
    """What an audit is asked for. ValueError in one sentence when a number is out of its range.

    problems: random problems that searches are run on; 0: 200 where every state is solved exactly, else 20.
    alpha: share of overestimates that a conformal margin allows.
    calibration: states the margin is calibrated on.
    level: share of overestimates that the quantile and asymmetric losses aim at.
    states: labelled states that the nets learn from.
    steps: optimiser steps a net at most.
    judged: popped states whose true cost is looked up, in worlds that are not solved exactly.
    max_expansions: of a search with the audited h; 0: none where every state is solved exactly, else 10,000.
    solver_expansions: of A* with an admissible heuristic, when it looks up one true cost.
    seed: of labels, nets, calibration and problems.
    device: auto, cpu or cuda, for nets.
    """

    problems: int = 0
    alpha: float = 0.05
    calibration: int = 1000
    level: float = 0.05
    states: int = 4000
    steps: int = 600
    judged: int = 200
    max_expansions: int = 0
    solver_expansions: int = 1_000_000
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in ("alpha", "level"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but a share of overestimates must lie between 0 and 1.")
        for name in ("problems", "max_expansions"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, but it must be at least 0.")
        for name in ("calibration", "states", "steps", "judged", "solver_expansions"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but it must be at least 1.")
        if self.calibration < (fewest := fewest_to_calibrate(self.alpha)):
            raise ValueError(
                f"calibration is {self.calibration}, but alpha = {self.alpha:g} needs {fewest} states; give more, or a larger alpha."
            )

    def budget(self, default: int = UNLIMITED) -> Budget:
        """Of one search with the audited h."""
        return Budget(expansions=self.max_expansions or default)


@dataclass(frozen=True)
class Searches:
    """A* on every problem, in order. `reopened` counts closed states that a better path took up again: each is expanded once more,
    but for those still open at the end. It is 0 when h is consistent."""

    results: list[SearchResult]
    popped: list[np.ndarray]  # rows [P, W] that each search expanded, each once
    reopened: list[int]


def search_all(domain: Domain, problems: np.ndarray, evaluator: Evaluator, budget: Budget, seed: int) -> Searches:
    """A* from rows [N, W] with w = 1, one node at a time, goal test at selection: what the theorems of ledger.py are about."""
    results: list[SearchResult] = []
    popped: list[np.ndarray] = []
    reopened: list[int] = []

    def look(drive: Drive) -> None:
        count = int(drive.control[NODES])
        closed = (drive.nodes["flags"][:count] & CLOSED) != 0
        popped.append(drive.nodes["states"][:count][closed])
        reopened.append(int(drive.control[EXPANSIONS]) - int(closed.sum()))

    for number, problem in enumerate(problems):
        results.append(finished(astar(domain, problem, evaluator, budget=budget, seed=1000 * seed + number, inspect=look)))
    return Searches(results, popped, reopened)


def levin_all(domain: Domain, problems: np.ndarray, evaluator: Evaluator, budget: Budget, seed: int) -> list[SearchResult]:
    """Levin tree search from rows [N, W] by the policy alone, one node at a time, as its theorem asks."""
    guide = evaluator.only("prior")
    return [finished(levin(domain, row, guide, budget=budget, seed=1000 * seed + number)) for number, row in enumerate(problems)]


def finished(result: SearchResult) -> SearchResult:
    """The result, unless Ctrl-C ended it: a search says so and returns, an audit must stop."""
    if result.status is Status.INTERRUPTED:
        raise KeyboardInterrupt
    return result
