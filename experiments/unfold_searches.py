"""What telling states apart buys: the same search on the same problems with the same estimate, merging duplicates or keeping them.

One run at the largest budget gives the whole curve, since a search that solves a problem after n evaluations solves it under every
budget from n on. The score is `budget_score` (statistics.py): the share of the logarithmic range of budgets that is left when a problem
is solved; differences are paired by problem. A blind estimate costs no evaluations; then the budget is expansions.

In Go by simple ko, on boards with an exact table, alpha-beta is compared likewise, by what its moves give away.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.envs.go import start, unpack
from astarzero.envs.go_tables import go_table
from astarzero.envs.oracles import exact_table
from astarzero.experiments.audit_searches import finished
from astarzero.experiments.instances import Instance
from astarzero.experiments.solve import make_evaluator
from astarzero.experiments.statistics import NO_INTERVAL, bootstrap, budget_score, paired_difference, wilson
from astarzero.search import SEARCHES, Budget, SearchResult, exact_oracle, from_heuristic, noisy_oracle
from astarzero.search.duplicates import DUPLICATES
from astarzero.search.go_evaluators import exact_go, rollout

COMPARED = ("astar", "greedy_best_first")
LEAST = 10  # the lowest budget
GRAPH = next(iter(DUPLICATES))  # what the others are compared with
GAME_ARMS = {"merged": True, "kept": False}  # of alpha-beta: its transpositions
GAMES = 8  # random games that judge a position
EXPANSIONS_EACH = 20  # an evaluation, at most: alpha-beta opens nodes again and again
MOST_POINTS = 9  # boards with an exact table in seconds


@dataclass(frozen=True)
class Runs:
    """One arm on all problems, [N] each: what solving took (inf: unsolved) and the cost of the plan."""

    spent: np.ndarray
    costs: np.ndarray


def judge_of(domain: Domain, name: str | None, roots: Sequence[np.ndarray], seed: int, device: str) -> Evaluator:
    """What --evaluator names. ValueError in one sentence when it names nothing."""
    kind, _, spread = (name or "").partition(":")
    if kind in ("exact", "noisy"):
        table = exact_table(domain, np.array(roots))
        if kind == "exact":
            return exact_oracle(table)
        try:
            return noisy_oracle(table, float(spread), 0.0, seed)
        except ValueError:
            raise ValueError(f"Evaluator '{name}' has no spread: write one in units of cost behind the colon, as in noisy:2.") from None
    return from_heuristic(domain, name) if name in domain.heuristics else make_evaluator(domain, name, None, device)


def compare_searches(
    domain: Domain, problems: Sequence[Instance], judge: Evaluator, most: int, seed: int, say: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """A record an arm: solve rates along the budget, score, cost, and the difference to the graph search with its interval."""
    axis = "evaluations" if "value" in judge.heads else "expansions"
    rng = np.random.default_rng(seed)
    for search in COMPARED:
        arms = {}
        for duplicates in DUPLICATES:
            say(f"{search}, duplicates {duplicates}")
            arms[duplicates] = run_arm(domain, problems, judge, search, duplicates, axis, most, seed)
        everywhere = np.all([np.isfinite(runs.spent) for runs in arms.values()], axis=0)
        for duplicates, runs in arms.items():
            score, graph = budget_score(runs.spent, LEAST, most), budget_score(arms[GRAPH].spent, LEAST, most)
            solved = np.isfinite(runs.spent) & np.isfinite(arms[GRAPH].spent)
            yield {
                "kind": "search", "arm": search, "knob": duplicates, "judge": judge.name, "axis": axis, "problems": len(problems),
                "rates": [[budget, *wilson(int((runs.spent <= budget).sum()), len(problems))] for budget in grid(most)],
                "score": list(bootstrap(score, np.mean, rng)), "against": list(paired_difference([score], [graph], rng)),
                "ratio": nullable(bootstrap(runs.spent[solved] / arms[GRAPH].spent[solved], np.median, rng)),
                "cost": nullable(bootstrap(runs.costs[everywhere], np.mean, rng)), "everywhere": int(everywhere.sum()),
                "spent": [None if np.isinf(number) else int(number) for number in runs.spent],
            }  # fmt: skip


def compare_games(domain: Domain, count: int, most: int, seed: int, say: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """The same for a game with an exact table: a record an arm of alpha-beta with random games at its leaves, on random positions.

    regret: what the move gives away, 0 to 2 (a win for a loss), by budget; proven: share of positions whose outcome was proven.
    """
    komi = komi_of(domain)
    exact, rng = exact_go(go_table(domain, no_result=komi), komi), np.random.default_rng(seed)
    rows = [domain.random_state(rng) for _ in range(count)]
    truth, budgets = exact.evaluate(np.array(rows)), [budget for budget in grid(most) if budget >= 2 * domain.num_actions][::2]
    assert truth.value is not None and truth.q is not None
    regrets = {}
    for name, transpositions in GAME_ARMS.items():
        results = []
        for budget in budgets:
            say(f"alpha-beta, {name}, {budget} evaluations")
            judge = rollout(domain, GAMES, seed=seed)
            limit = Budget(evaluations=budget, expansions=EXPANSIONS_EACH * budget)  # walks in circles cost no evaluations
            found = [
                finished(SEARCHES["alpha_beta"](domain, row, judge, budget=limit, seed=seed, transpositions=transpositions)) for row in rows
            ]
            results.append(found)
        passing = domain.num_actions - 1  # where the budget did not suffice to judge a move
        moves = [[passing if one.action is None else one.action for one in found] for found in results]
        regrets[name] = np.array([truth.value - truth.q[np.arange(count), chosen] for chosen in moves])  # [budgets, positions]
        proven = [wilson(sum(one.solved for one in found), count) for found in results]
        first = next(iter(regrets.values()))
        yield {
            "kind": "game", "arm": "alpha_beta", "knob": name, "judge": judge.name, "problems": count,
            "regrets": [[budget, *bootstrap(given, np.mean, rng)] for budget, given in zip(budgets, regrets[name], strict=True)],
            "against": [list(paired_difference([given], [base], rng)) for given, base in zip(regrets[name], first, strict=True)],
            "proven": [[budget, *share] for budget, share in zip(budgets, proven, strict=True)],
        }  # fmt: skip


def komi_of(domain: Domain) -> float:
    return unpack(start(domain), domain)[1]["komi"] / 2


def run_arm(
    domain: Domain, problems: Sequence[Instance], judge: Evaluator, search: str, duplicates: str, axis: str, most: int, seed: int
) -> Runs:
    """One search on every problem. The goal test is at generation: so it is for all arms of the contest."""
    limits: dict[str, Any] = {axis: most}
    budget = Budget(**limits)
    results: list[SearchResult] = [
        finished(
            SEARCHES[search](domain, one.state, judge, budget=budget, seed=seed + number, duplicates=duplicates, goal_test="generation")
        )
        for number, one in enumerate(problems)
    ]
    spent = [max(1, getattr(result, axis)) if result.solved else np.inf for result in results]
    return Runs(np.array(spent, np.float64), np.array([result.cost for result in results]))


def grid(most: int) -> list[int]:
    """Budgets from LEAST to `most`, three a factor of ten."""
    count = max(2, round(3 * np.log10(most / LEAST)) + 1) if most > LEAST else 1
    return sorted({round(float(budget)) for budget in np.geomspace(LEAST, most, count)})


def nullable(interval: tuple[float, float, float]) -> list[float] | None:
    return None if np.isnan(interval[0]) or interval is NO_INTERVAL else list(interval)
