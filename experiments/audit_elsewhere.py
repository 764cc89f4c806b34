"""The audit of a world too large to solve: the truth is looked up, state by state, by A* with an admissible heuristic.

Judged are a random sample of the states that searches popped, the edges that leave them, and the problems themselves. What the solver
does not settle within its budget is left out and counted: those are the far states, so the rest is no fair sample of all.

Read next: audit_enumerable.py (the same where nothing is left out), ledger.py (what is measured).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from astarzero.envs.domain import Domain, cost_to_go
from astarzero.envs.evaluation import Evaluator
from astarzero.experiments import ledger
from astarzero.experiments.audit_searches import AuditConfig, Record, Searches, finished, levin_all, search_all
from astarzero.search import Budget, SearchResult, Status, astar, from_heuristic
from astarzero.search.evaluator import lowered, maximum

PROBLEMS = 20
MAX_EXPANSIONS = 10_000


@dataclass
class Solver:
    """Looks up h*, each state once. `guide` must be admissible, or what it says is not the truth."""

    domain: Domain
    guide: Evaluator
    budget: Budget
    known: dict[bytes, SearchResult] = field(default_factory=dict)

    def solve(self, row: np.ndarray) -> SearchResult:
        if row.tobytes() not in self.known:
            self.known[row.tobytes()] = finished(astar(self.domain, row, self.guide, budget=self.budget))
        return self.known[row.tobytes()]

    def costs(self, rows: np.ndarray) -> np.ndarray:
        """h* of rows [B, W]: float64 [B], inf where there is no solution, nan where the budget did not suffice."""
        results = [self.solve(row) for row in rows]
        return np.array([result.cost if result.solved or result.status is Status.EXHAUSTED else math.nan for result in results])


def best_guide(domain: Domain, rows: np.ndarray) -> Evaluator:
    """The admissible heuristic that is highest on average over rows [B, W]."""
    guides = [from_heuristic(domain, name) for name, heuristic in domain.heuristics.items() if heuristic.admissible]
    return max(guides, key=lambda guide: float(seen_costs(domain, guide, rows).mean()))


def seen_costs(domain: Domain, judge: Evaluator, rows: np.ndarray) -> np.ndarray:
    """h of rows [B, W] as a search sees it, float64 [B]: 0 at goals, never below 0, 0 from a judge without a value."""
    value = judge.evaluate(rows).value
    if value is None:
        return np.zeros(len(rows))
    return np.where(domain.goal_mask(rows), 0.0, np.maximum(cost_to_go(value.astype(np.float64)), 0.0))


def audit_sampled(
    domain: Domain, problems: Sequence[np.ndarray], judges: Mapping[str, Evaluator], config: AuditConfig, say: Callable[[str], None]
) -> Iterator[Record]:
    """All records, judge by judge. ValueError when the solver settles none of the problems."""
    rows = np.array([domain.check_states(problem)[0] for problem in problems])
    solver = Solver(domain, best_guide(domain, rows), Budget(expansions=config.solver_expansions))
    say(f"solving {len(rows)} problems with {solver.guide.name}")
    exact = solver.costs(rows)
    usable = np.isfinite(exact) & ~domain.goal_mask(rows)
    rows, exact = rows[usable], exact[usable]
    if not len(rows):
        raise ValueError(
            f"None of the problems of {domain.name} was solved within {config.solver_expansions:,} expansions of A* with "
            f"{solver.guide.name}, so there is no truth to audit against; give more solver expansions or easier problems."
        )
    yield {"kind": "problems", "arm": solver.guide.name, "asked": len(problems), "settled": len(rows), "mean_exact": float(exact.mean())}
    for name, judge in judges.items():
        if "value" in judge.heads or not judge.heads:
            yield from value_records(solver, rows, exact, name, judge, config, say)
        if "prior" in judge.heads:
            say(f"auditing {name}")
            results = levin_all(domain, rows, judge, config.budget(MAX_EXPANSIONS), config.seed)
            yield {"kind": "levin", "arm": name, **ledger.levin_summary(results, ledger.own_bounds(judge, domain, rows, results))}


def value_records(
    solver: Solver, rows: np.ndarray, exact: np.ndarray, name: str, judge: Evaluator, config: AuditConfig, say: Callable[[str], None]
) -> Iterator[Record]:
    """The ledger of one estimate: as it is, and, unless it is admissible, less a margin and joined with the best heuristic."""
    domain, forms = solver.domain, {"": judge}
    if not judge.admissible:
        say(f"calibrating {name}")
        rng = np.random.default_rng((config.seed, 3))
        drawn = np.array([domain.random_state(rng) for _ in range(min(config.calibration, config.judged))])
        truth = solver.costs(drawn)
        settled = np.isfinite(truth)
        margin = float(ledger.conformal_margin((seen_costs(domain, judge, drawn) - truth)[settled], config.alpha))
        forms |= {"- margin": lowered(judge, margin), f"max {solver.guide.name}": maximum(judge, solver.guide)}
        yield {"kind": "calibration", "arm": name, "margin": margin, "calibration": int(settled.sum()), "unsettled": int((~settled).sum())}
    for form, guide in forms.items():
        say(f"auditing {name} {form}".rstrip())
        yield ledger_record(solver, rows, exact, name, form, guide, config)


def ledger_record(
    solver: Solver, rows: np.ndarray, exact: np.ndarray, name: str, form: str, judge: Evaluator, config: AuditConfig
) -> Record:
    """One row of the ledger, over a sample of the states that A* popped."""
    domain = solver.domain
    searches = search_all(domain, rows, judge, config.budget(MAX_EXPANSIONS), config.seed)
    sample = sample_popped(searches, config.judged, np.random.default_rng((config.seed, 4)))
    truth = solver.costs(sample)
    settled = ~np.isnan(truth)
    h, truth = seen_costs(domain, judge, sample[settled]), truth[settled]
    plans = [solver.solve(row).plan for row in rows]
    bounds = np.array([bound_along(domain, judge, row, plan) for row, plan in zip(rows, plans, strict=True)])
    return {
        "kind": "ledger", "arm": name, "knob": form, **ledger.overestimates(h, truth), **edges(domain, judge, sample),
        "certified": float(ledger.certified(bounds, domain.whole_costs).mean()),
        "popped": sum(map(len, searches.popped)), "judged": int(settled.sum()), "unsettled": int((~settled).sum()),
        "reopened": float(np.mean(searches.reopened)), **ledger.searched(searches.results, exact, bounds),
        "popped_strata": ledger.by_stratum(h, truth),
    }  # fmt: skip


def sample_popped(searches: Searches, most: int, rng: np.random.Generator) -> np.ndarray:
    """At most so many rows [P, W] of all that were popped, each search's states alike."""
    together = np.concatenate(searches.popped)
    return together[rng.choice(len(together), min(most, len(together)), replace=False)]


def edges(domain: Domain, judge: Evaluator, rows: np.ndarray) -> dict[str, float]:
    """Inconsistency over the edges that leave rows [B, W]; see ledger.inconsistencies."""
    parts = [domain.successors(row) for row in rows]
    counts, costs = [len(part[0]) for part in parts], np.concatenate([part[2] for part in parts])
    before = np.repeat(seen_costs(domain, judge, rows), counts)
    return ledger.broken_edges(before, costs + seen_costs(domain, judge, np.concatenate([part[0] for part in parts])))


def bound_along(domain: Domain, judge: Evaluator, state: np.ndarray, plan: tuple[int, ...]) -> float:
    """Futuhi and Sturtevant's bound along one optimal plan: the greatest h - h* on it, at least 0 since it ends at a goal."""
    rows, to_go = ledger.rows_along(domain, state, plan)
    return float(np.max(seen_costs(domain, judge, rows) - to_go))
