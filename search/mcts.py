"""Monte Carlo tree search as one search among the others: one tree of forest.py, under the one accounting.

For one player it ends when a goal is generated. For two it recommends the move that was tried most, or one that is proven; the search is
SOLVED when the root's outcome is. `rule` names UCT, PUCT (AlphaZero), Gumbel or greedy; masked heads read 0 or uniform, so MCTS
on values alone, or on a policy alone, is this search with the other head masked.

Read first: tree.py.
"""

from typing import Any

import numpy as np

from astarzero.envs.domain import Domain, value_of
from astarzero.envs.evaluation import Evaluator
from astarzero.search.drive import check_options
from astarzero.search.forest import Forest, TreeConfig
from astarzero.search.result import UNLIMITED, Budget, SearchResult, Status

from astarzero.search.tree import (  # isort: skip
    DEPTH, EVALUATIONS, EXPANSIONS, GENERATED, NODES,
)  # fmt: skip


def mcts(
    domain: Domain, state: np.ndarray, evaluator: Evaluator | None = None, *, rule: str = "puct", c_puct: float | None = None,
    temperature: float = 1.0, backup: str = "mean", duplicates: str | None = None, leaves: int = 1, budget: Budget | None = None,
    seed: int = 0, keys: np.ndarray | None = None,
) -> SearchResult:  # fmt: skip
    """Search from `state` [W] with the value and prior of `evaluator`; options as in TreeConfig.

    keys: in a world with history, the line of the game up to `state`.

    A simulation expands at most one node, and counts against the budget of expansions even when it expands none; a game for two that has
    circles may never end, so give a limit. Besides the plan the result has the root's backed-up value for the player to move, and the
    shares of its visits.
    """
    if c_puct is not None:
        check_options(c_puct=c_puct)
    config = TreeConfig(rule, c_puct, temperature=temperature, backup=backup, duplicates=duplicates, leaves=leaves)
    forest = Forest(
        domain, domain.check_states(state)[:1], evaluator, config, budget=budget, seeds=seed, lines=None if keys is None else [keys]
    )
    planned = min(forest.budget.expansions, forest.budget.evaluations)
    forest.run(planned if rule == "gumbel" else UNLIMITED, at_once=False)
    return result_of(forest)


def result_of(forest: Forest, tree: int = 0) -> SearchResult:
    """The accounting of one tree. Bytes, calls and seconds are the whole forest's."""
    counts = forest.arrays["counts"][tree]
    found: dict[str, Any] = {}
    weights = forest.action_weights[tree]
    status = forest.status(tree)
    if weights.any() or status is Status.SOLVED:  # a game that is over has no moves
        found = {"value": float(forest.value[tree]), "action_weights": weights if weights.any() else None}
    if status is Status.SOLVED and not forest.two_players:
        plan = tuple(int(action) for action in forest.arrays["plan"][tree, : counts[DEPTH]])
        cost = forest.domain.plan_cost(forest.arrays["states"][tree, 0], plan)
        found = {"plan": plan, "cost": cost, "value": value_of(cost), **({"action_weights": np.eye(len(weights))[plan[0]]} if plan else {})}
    return SearchResult(
        status=status, **found, expansions=int(counts[EXPANSIONS]), generated=int(counts[GENERATED]), evaluations=int(counts[EVALUATIONS]),
        evaluator_calls=forest.calls or int(counts[EVALUATIONS]), nodes=max(1, int(counts[NODES])), peak_bytes=forest.peak_bytes,
        seconds=forest.seconds, evaluator_seconds=forest.evaluator_seconds,
    )  # fmt: skip
