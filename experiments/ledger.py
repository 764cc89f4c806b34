"""The admissibility ledger: what a critic of learned heuristics may ask of h, as pure functions of arrays.

A* is optimal when h never exceeds the true cost-to-go h*, and expands no state twice when h is consistent. A net promises
neither, so both are counted, where the truth is known. The guarantees that survive are theorems, checked on every search:

    cost found - C* <= max over an optimal path of (h - h*)      A*, w = 1, re-opening (Futuhi & Sturtevant 2026)
    expansions      <= depth / pi of the path found              Levin tree search, one node at a time (Orseau et al. 2018)

The first holds for every optimal path, so it is checked at its sharpest. A margin taken off h by split conformal
prediction (Vovk et al. 2005) promises P(h <= h*) >= 1 - alpha for states drawn like those it was calibrated on, no others.

Costs are float64, h and h* of a state inf at a dead end. Read next: audit.py, which asks.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain, cost_to_go
from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.envs.oracles import ExactTable
from astarzero.experiments.statistics import Interval, interval, wilson
from astarzero.search import SearchResult

TOLERANCE = 1e-4  # of costs: h, and the sums of a search, are float32
MOST_STRATA = 40


# --- one state at a time -----------------------------------------------------------------------------------------------------


def judged_costs(table: ExactTable, answers: Evaluation) -> np.ndarray:
    """h of every state of `table` as a search sees it: never below 0, and 0 at goals and inf at terminal rows without asking."""
    if answers.value is None:
        raise ValueError("The answers hold no value head, so there is no h to audit; ask an evaluator that has one.")
    h = np.maximum(cost_to_go(answers.value.astype(np.float64)), 0.0)
    return np.where(table.graph.goal, 0.0, np.where(table.graph.dead, np.inf, h))


def overestimates(h: np.ndarray, exact: np.ndarray) -> dict[str, Any]:
    """How often and how far h [N] is above h* [N]; states without a solution cannot be overestimated and are left out.

    over_share: P(h > h*); over_mean: of h - h* where it is above, 0 if nowhere; over_max: the largest h - h*, 0 if never above.
    mean_h stands beside them because h = 0 is perfectly admissible; mean_exact is what it could be.
    """
    solvable = np.isfinite(exact)
    h, exact = h[solvable], exact[solvable]
    over = h - exact
    above = over > TOLERANCE
    return {
        "states": len(h),
        "over_share": float(above.mean()) if len(h) else 0.0,
        "over_mean": float(over[above].mean()) if above.any() else 0.0,
        "over_max": float(over[above].max()) if above.any() else 0.0,
        "mean_h": float(h.mean()) if len(h) else 0.0,
        "mean_exact": float(exact.mean()) if len(h) else 0.0,
    }


def by_stratum(h: np.ndarray, exact: np.ndarray) -> list[dict[str, Any]]:
    """`overestimates` by h*: a stratum is a whole number of cost (`exact` rounded down), or a wider band where there are many."""
    solvable = np.isfinite(exact)
    h, exact = h[solvable], exact[solvable]
    width = max(1, math.ceil((float(exact.max(initial=0.0)) + 1) / MOST_STRATA))
    band = np.floor((exact + TOLERANCE) / width).astype(int)
    return [{"exact": int(width * one), **overestimates(h[band == one], exact[band == one])} for one in np.unique(band)]


def pairs(h: np.ndarray, exact: np.ndarray) -> list[list[int]]:
    """How many states have which h and h*, both rounded to whole costs: [h*, h, count] by h* and h. For pictures."""
    finite = np.isfinite(exact) & np.isfinite(h)
    both, counts = np.unique(np.rint(np.stack([exact[finite], h[finite]], 1)).astype(int), axis=0, return_counts=True)
    return [[*map(int, pair), int(count)] for pair, count in zip(both, counts, strict=True)]


# --- edges -------------------------------------------------------------------------------------------------------------------


def inconsistencies(table: ExactTable, h: np.ndarray) -> dict[str, float]:
    """`broken_edges` over all edges of a table."""
    graph = table.graph
    return broken_edges(h[graph.edge_parent], graph.cost + h[graph.child])


def broken_edges(before: np.ndarray, after: np.ndarray) -> dict[str, float]:
    """Edges s -> s' with h(s) = `before` above cost + h(s') = `after`: their share and the largest excess, 0 when there is none."""
    known = np.isfinite(after)  # h(s') = inf forbids nothing
    excess = before[known] - after[known]
    broken = excess > TOLERANCE
    return {"edge_share": float(broken.mean()) if len(excess) else 0.0, "edge_worst": float(excess[broken].max(initial=0.0))}


def clipped(table: ExactTable, h: np.ndarray) -> np.ndarray:
    """The largest consistent function that is nowhere above h. Admissible whatever h was, since it is 0 at goals.

    h(s) <= cost + h(s') is swept over all edges until nothing changes, so it takes the whole table: no search can afford it.
    """
    return _swept(h, np.minimum, table.graph.edge_parent, table.graph.child, table.graph.cost)


def pathmax(table: ExactTable, h: np.ndarray) -> np.ndarray:
    """h raised to h(s) - cost at every successor (Mero 1984), carried on to the end, as if along all paths at once; goals stay 0.

    It mends inconsistency from below, so it spreads every overestimate to the neighbours.
    """
    graph = table.graph
    passed = ~graph.goal[graph.edge_parent] & np.isfinite(h[graph.edge_parent])  # a search goes through neither goals nor dead ends
    raised = _swept(h, np.maximum, graph.child[passed], graph.edge_parent[passed], -graph.cost[passed])
    return np.where(graph.goal, 0.0, raised)


def _swept(h: np.ndarray, keep: np.ufunc, to: np.ndarray, source: np.ndarray, step: np.ndarray) -> np.ndarray:
    """h[to] = keep(h[to], step + h[source]) over all edges until nothing changes."""
    h = h.copy()
    while True:
        before = h.copy()
        keep.at(h, to, step + before[source])
        if np.array_equal(h, before):
            return h


# --- paths -------------------------------------------------------------------------------------------------------------------


def path_bounds(table: ExactTable, h: np.ndarray) -> np.ndarray:
    """Futuhi and Sturtevant's bound for every state as a root, at its sharpest: float64 [N], the least over its optimal paths of the
    greatest h - h*, never below 0 since the path ends at a goal. inf where there is no plan.
    """
    best = table.edge_optimal
    parent, child = table.graph.edge_parent[best], table.graph.child[best]
    own = np.where(np.isfinite(table.cost_to_go), h - np.where(np.isfinite(table.cost_to_go), table.cost_to_go, 0.0), np.inf)
    bound = np.where(table.graph.goal, 0.0, np.inf)
    while True:  # one sweep a step of the longest optimal path
        onward = np.full(len(bound), np.inf)
        np.minimum.at(onward, parent, bound[child])
        swept = np.where(table.graph.goal, 0.0, np.maximum(own, onward))
        if np.array_equal(swept, bound):
            return bound
        bound = swept


def certified(bounds: np.ndarray, whole_costs: bool) -> np.ndarray:
    """Where A* must find an optimal plan: no excess is within the bound. bool as `bounds`; whole costs leave room for less than 1."""
    return bounds < (1 - TOLERANCE if whole_costs else TOLERANCE)


def rows_along(domain: Domain, state: np.ndarray, plan: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Every row that `plan` visits, first and last included, uint64 [D + 1, W], and what the rest of it costs, float64 [D + 1]."""
    rows, spent = [domain.check_states(state)[0]], [0.0]
    for action in plan:
        row, cost = domain.replay(rows[-1], (action,))
        rows.append(row)
        spent.append(spent[-1] + cost)
    return np.array(rows), spent[-1] - np.array(spent)


# --- Levin -------------------------------------------------------------------------------------------------------------------


def log_policy(table: ExactTable, answers: Evaluation) -> np.ndarray:
    """log pi of every edge, the policy normalised over the edges of its state: float64 [E]."""
    graph = table.graph
    if answers.prior_logits is None:
        raise ValueError("The answers hold no prior head, so there is no policy to audit; ask an evaluator that has one.")
    logits = answers.prior_logits[graph.edge_parent, graph.action].astype(np.float64)
    highest, total = np.full(len(graph.states), -np.inf), np.zeros(len(graph.states))
    np.maximum.at(highest, graph.edge_parent, logits)
    np.add.at(total, graph.edge_parent, np.exp(logits - highest[graph.edge_parent]))
    return logits - highest[graph.edge_parent] - np.log(total[graph.edge_parent])


def levin_bounds(table: ExactTable, log_pi: np.ndarray, longest: int = 1000) -> np.ndarray:
    """min over goals and paths to them of depth / pi(path), for every state as a root: float64 [N]; `log_pi` [E] as `log_policy` gives.

    Depth by depth, the likeliest path of just that many steps; deeper ones are tried as long as one could still be better.
    """
    graph = table.graph
    likeliest = np.where(graph.goal, 0.0, -np.inf)  # log pi of the best path of the present depth
    bound = np.where(graph.goal, 0.0, np.inf)
    reach = _swept(likeliest, np.maximum, graph.edge_parent, graph.child, log_pi)  # the likeliest path of any depth
    solvable = np.isfinite(reach)
    for depth in range(1, longest + 1):
        onward = np.full(len(bound), -np.inf)
        np.maximum.at(onward, graph.edge_parent, log_pi + likeliest[graph.child])
        likeliest = onward
        with np.errstate(over="ignore"):
            bound = np.minimum(bound, depth * np.exp(-likeliest))
            if (bound[solvable] <= (depth + 1) * np.exp(-reach[solvable])).all():
                return bound
    raise ValueError(f"Some likeliest solutions of {table.domain.name} are longer than {longest} steps; give a larger `longest`.")


def plan_log_policy(domain: Domain, evaluator: Evaluator, state: np.ndarray, plan: tuple[int, ...]) -> float:
    """log pi of the path that `plan` takes from a row, the policy normalised over the legal actions of each state."""
    if not plan:
        return 0.0
    rows = rows_along(domain, state, plan)[0][:-1]
    logits = evaluator.evaluate(rows).prior_logits
    if logits is None:
        raise ValueError(f"Evaluator {evaluator.name} has no prior head, so there is no policy to audit; give one that has it.")
    logits = np.where(domain.action_masks(rows), logits.astype(np.float64), -np.inf)
    taken = logits[np.arange(len(plan)), list(plan)]
    highest = logits.max(1)
    return float((taken - highest - np.log(np.exp(logits - highest[:, None]).sum(1))).sum())


def own_bounds(evaluator: Evaluator, domain: Domain, roots: np.ndarray, results: Sequence[SearchResult]) -> np.ndarray:
    """depth / pi of the path that each Levin search found from its root, float64 [N]; inf where none was found."""
    return np.array([
        len(result.plan) * math.exp(-plan_log_policy(domain, evaluator, root, result.plan)) if result.solved else math.inf
        for root, result in zip(roots, results, strict=True)
    ])  # fmt: skip


def levin_summary(results: Sequence[SearchResult], own: np.ndarray, best: np.ndarray | None = None) -> dict[str, Any]:
    """Levin searches against depth / pi of the path that each found, `own` [N], and of the best path there is, `best` [N], where known.

    The theorem is about a tree, where violations must be 0. A graph search that keeps one path a state may keep the one of lower
    depth / pi whose extension is the worse; `own` still binds it, `best` is then an observation.
    """
    solved = np.array([result.solved for result in results], np.bool_)
    spent = np.array([result.expansions for result in results])[solved]
    named = {"own": own[solved]} | ({} if best is None else {"best": best[solved]})
    return {
        "problems": len(results),
        "solved": len(spent),
        "expansions": float(spent.mean()) if len(spent) else None,
        **{f"{name}_violations": int((spent > bounds * (1 + 1e-6)).sum()) for name, bounds in named.items()},
        **{f"{name}_bound_median": float(np.median(bounds)) if len(spent) else None for name, bounds in named.items()},
        **{f"{name}_tightness": float(np.median(spent / np.maximum(bounds, 1))) if len(spent) else None for name, bounds in named.items()},
    }


# --- margins -----------------------------------------------------------------------------------------------------------------


def conformal_margin(over: np.ndarray, alpha: float) -> np.ndarray | np.float64:
    """What to take off h so that P(h <= h*) >= 1 - alpha for one more state drawn like the n whose `over` = h - h* is given, [..., n].

    The ceil((n + 1)(1 - alpha))-th smallest of them (split conformal), but never below 0: an h that is safe enough is not raised.
    ValueError when n is too small for that one to exist.
    """
    states = over.shape[-1]
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}, but the share of overestimates allowed must lie between 0 and 1.")
    if states < (fewest := fewest_to_calibrate(alpha)):
        raise ValueError(f"{states} states cannot calibrate alpha = {alpha:g}; give at least {fewest}, or a larger alpha.")
    rank = math.ceil((states + 1) * (1 - alpha) - 1e-9)
    return np.maximum(np.partition(over, rank - 1, axis=-1)[..., rank - 1], 0.0)


def fewest_to_calibrate(alpha: float) -> int:
    """The least n for which ceil((n + 1)(1 - alpha)) is at most n."""
    return math.ceil(1 / alpha - 1 - 1e-9)


def kept_over_draws(over: np.ndarray, states: int, alpha: float, rng: np.random.Generator, draws: int = 1000) -> Interval:
    """The share of all h - h* in `over` [N] that a margin keeps, when it is calibrated on `states` of them drawn anew `draws` times:
    the mean, which the promise is about, and where 95 % of single calibrations fall."""
    margins = np.concatenate([conformal_margin(rng.choice(over, (100, states)), alpha) for _ in range(draws // 100)])
    kept = np.searchsorted(np.sort(over), margins + TOLERANCE, side="right") / len(over)
    return interval(float(kept.mean()), kept)


# --- searches ----------------------------------------------------------------------------------------------------------------


def searched(results: Sequence[SearchResult], optimal: np.ndarray, bounds: np.ndarray) -> dict[str, Any]:
    """What A* searches cost, and whether they kept the bound: C* [N] and `path_bounds` [N] of the roots, all of them solvable.

    excess is cost found - C* over the solved, optimal_share has a 95 % interval; violations must be 0 for w = 1, goal test at selection.
    """
    solved = np.array([result.solved for result in results], np.bool_)
    excess = np.array([result.cost for result in results])[solved] - optimal[solved]
    limits, counts = bounds[solved], {name: [getattr(result, name) for result in results] for name in ("expansions", "evaluations")}
    return {
        "problems": len(results),
        "solved": int(solved.sum()),
        "excess_mean": float(excess.mean()) if len(excess) else None,
        "excess_max": float(excess.max()) if len(excess) else None,
        "optimal_share": list(wilson(int((excess < TOLERANCE).sum()), len(excess))) if len(excess) else None,
        "bound_mean": float(limits.mean()) if len(limits) and np.isfinite(limits).all() else None,
        "violations": int((excess > limits + TOLERANCE).sum()),
        **{name: float(np.mean(numbers)) for name, numbers in counts.items()},
    }
