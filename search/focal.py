"""Focal search (A*_epsilon): a plan of at most `weight` times the optimum, guided by an estimate that promises nothing.

An admissible bound keeps the open list and its least f = g + h, a lower bound of the optimum. The focal list is the nodes with
f <= weight * that bound: the next one expanded is whichever the evaluator likes best, a net with an inadmissible h, say. A
plan's cost is at most `weight` times the optimum however bad the evaluator is, and with weight 1 it is the optimum.

Sources: Pearl & Kim 1982 (A*_epsilon); Thayer & Ruml 2011 (why the bound must be raised beside the search).
Read next: bounded.py, the loop; anytime.py.
"""

import math

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.search.bounded import PROOF, bounded_search
from astarzero.search.result import Budget, SearchResult


def focal(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None = None,
    *,
    weight: float = 1.5,
    bound: Evaluator | None = None,
    batch: int = 1,
    proof: int = PROOF,
    budget: Budget | None = None,
    seed: int = 0,
) -> SearchResult:
    """Focal search from `state` [W]; the plan costs at most `weight` times the optimum.

    bound: an admissible evaluator with compiled rules; default: the domain's first admissible heuristic. Not counted as evaluations.
    batch focal nodes are judged or expanded at a time; for each of them proof nodes are expanded unasked, to raise the bound.
    """
    if not 1 <= weight < math.inf:  # here it is the promise
        raise ValueError(f"Option weight is {weight}, but it must be at least 1 and finite.")
    return bounded_search(
        domain, state, evaluator, bound, promise=weight, order=(0.0, 1.0), everywhere=False, batch=batch, proof=proof,
        budget=budget, seed=seed,
    )  # fmt: skip
