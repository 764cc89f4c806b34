"""Anytime weighted A*: a first plan soon, better ones after it, until the bound says that the last is good enough.

Nodes are expanded by g + weight * h, as in weighted A*, but a plan does not end the search. From then on only nodes whose
g + h of an admissible bound is below the plan's cost can lead to a better one; when none is left the plan is optimal. Stopped by a limit,
the search returns the best plan so far and the lower bound: the optimum lies between the two.

With a promise above 1 it ends as soon as the plan costs at most promise times the bound. That is another road to what weighted A*
promises: a greedy search for the plan beside a cautious one for the proof. Where h is good it is shorter (24-puzzle with pattern
databases, promise 1.2: 3 to 74 times fewer expansions than weighted A* on the three of five boards that both solved within 5 M).

Source: Hansen & Zhou 2007, "Anytime heuristic search". Read next: bounded.py, the loop; focal.py stops at a promise instead.
"""

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.search.bounded import bounded_search
from astarzero.search.drive import check_options
from astarzero.search.result import Budget, SearchResult


def anytime_astar(
    domain: Domain,
    state: np.ndarray,
    evaluator: Evaluator | None = None,
    *,
    weight: float = 2.0,
    promise: float = 1.0,
    bound: Evaluator | None = None,
    batch: int = 1,
    proof: int = 1,
    budget: Budget | None = None,
    seed: int = 0,
) -> SearchResult:
    """Anytime weighted A* from `state` [W]; SOLVED: cost <= promise * lower_bound. `solutions` lists the plans as they came.

    Ended by a limit, the status is BUDGET or MEMORY, and `plan` and `cost` are those of the best plan, if there is one.
    weight multiplies the evaluator's estimate; bound, batch and proof as in focal. With a net, a greater proof (16, say) costs
    little time and closes the bound with fewer evaluations; with compiled rules it makes the first plan wait.
    """
    check_options(weight=weight, promise=promise)
    return bounded_search(
        domain, state, evaluator, bound, promise=promise, order=(1.0, weight), everywhere=True, batch=batch, proof=proof,
        budget=budget, seed=seed,
    )  # fmt: skip
