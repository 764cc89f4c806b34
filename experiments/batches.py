"""`astarzero batches`: what expanding many nodes at a time does to the cost, the effort and the guarantee of A*.

With a net a call costs little more for many states than for one, so A* takes the best `batch` open nodes at a time and judges all
their successors in one call (Agostinelli et al. 2019). The effort grows, since most of a batch would not have been the best. The
guarantee stays: a goal ends the search only as the best of all open nodes, so where h is admissible a plan costs at most `weight`
times the optimum at every batch. What is measured of it is cost / lower bound, problem by problem, the bound being the search's
own (the least g + h over open nodes, or the least g where h is not admissible and nothing is promised) or the world's admissible
heuristic at the root, whichever is higher.
"""

import json as json_format
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from astarzero.envs.domain import Domain, cost_to_go
from astarzero.envs.oracles import exact_table
from astarzero.experiments.instances import Instance, read_instances
from astarzero.experiments.results import finite_or_none
from astarzero.experiments.solve import ENDED_BY_LIMIT, goal_layout, make_domain, make_evaluator, solve_each
from astarzero.search import SEARCHES, Budget, SearchResult, exact_oracle, from_heuristic

BATCHES = (1, 10, 100, 1000)
EFFORTS = ("expansions", "generated", "evaluations", "evaluator_calls", "nodes")
ROUNDING = 1 + 1e-6  # g and h are float32


def batches(
    world: str = "sliding",
    *,
    size: str | None = None,
    goal: str | None = None,
    rule: str | None = None,
    target: int | None = None,
    option: tuple[str, ...] = (),
    instances: Path | None = None,
    problems: int = 100,
    heuristic: str | None = None,
    evaluator: str | None = None,
    weight: float = 1.0,
    batch: tuple[int, ...] = BATCHES,
    max_expansions: int | None = None,
    max_evaluations: int | None = None,
    max_bytes: int | None = None,
    max_seconds: float | None = None,
    seed: int = 0,
    device: str = "auto",
    check: bool = False,
    json: bool = False,
) -> int:
    """Run A* on the same problems with one batch size after another.

    Exit status: 0 when every problem was solved or proven unsolvable, 1 when a limit ended some, 2 on bad input.

    Parameters
    ----------
    world
        A name from `astarzero list`, or your own world as file.py or package.module.
    size
        Board or problem size: 4, 3x4 (tiles), 2 to 6 (numbers).
    goal
        Tiles: blank-first or blank-last. A file that names its goal layout in its header is believed.
    rule
        Numbers: rational, integer or positive.
    target
        Numbers: what to reach.
    option
        Any other option of the world, as name=value; may be repeated.
    instances
        A CSV file of problems with a header line; default: random problems.
    problems
        How many random problems.
    heuristic
        A heuristic of the world; default: its first.
    evaluator
        exact (the world's solved table), net:FILE.safetensors, or blind.
    weight
        Of h.
    batch
        Nodes expanded at a time; may be repeated.
    max_expansions
        Limit a problem.
    max_evaluations
        Limit a problem, in single states.
    max_bytes
        Limit a problem, in bytes of the search's arrays.
    max_seconds
        Limit a problem.
    seed
        Of ties and the random problems.
    device
        auto, cpu or cuda, for nets.
    check
        Compare every cost with the world's exact table.
    json
        One JSON object a line (a batch size) on standard output, and nothing else there.
    """
    if problems < 1:
        raise ValueError(f"Option problems is {problems}, but it must be at least 1.")
    domain = make_domain(world, option, size=size, goal=goal_layout(world, goal, instances), rule=rule, target=target)
    chosen = read_instances(domain, instances) if instances is not None else random_instances(domain, problems, seed)
    rows = np.array([problem.state for problem in chosen])
    table = exact_table(domain, rows) if check or evaluator == "exact" else None
    if evaluator == "exact" and table is not None:
        judge = exact_oracle(table)
    else:
        judge = make_evaluator(domain, evaluator, heuristic, device)
    if check and table is not None:
        optima = table.costs(rows)
        chosen = [Instance(problem.name, problem.state, float(cost)) for problem, cost in zip(chosen, optima, strict=True)]
    limits = {"expansions": max_expansions, "evaluations": max_evaluations, "bytes": max_bytes, "seconds": max_seconds}
    budget = Budget(**{name: limit for name, limit in limits.items() if limit is not None})  # type: ignore[arg-type]
    promise = max(1.0, weight) if judge.admissible or "value" not in judge.heads else None
    console, summaries, stopped, floors = Console(stderr=json), [], False, admissible_floors(domain, rows)
    for number in batch:
        options = {"batch": number, "weight": weight}
        SEARCHES["astar"](domain, rows[0], judge, budget=Budget(expansions=1), **options)  # so that no clock sees the compiler
        results = [result for _, result in solve_each(domain, chosen, SEARCHES["astar"], judge, budget, seed, options, 1, console)]
        stopped |= len(results) < len(chosen) or any(result.status in ENDED_BY_LIMIT for result in results)
        summaries.append(summary(number, weight, promise, chosen, results, floors))
        if json:
            sys.stdout.write(json_format.dumps(summaries[-1]) + "\n")
    console.print(shown(f"A* with {judge.name}, weight {weight:g}, on {len(chosen)} problems of {domain.name}", summaries))
    return 1 if stopped else 0


def random_instances(domain: Domain, count: int, seed: int) -> list[Instance]:
    """The same problems for the same seed."""
    rng = np.random.default_rng(seed)
    states = [domain.random_state(rng) for _ in range(count)]
    return [Instance(domain.format(state), state) for state in states]


def admissible_floors(domain: Domain, rows: np.ndarray) -> np.ndarray:
    """The best that the world's admissible heuristics say of rows [N, W]: float64 [N]."""
    names = [name for name, entry in domain.heuristics.items() if entry.admissible and name != "blind"]
    values = [from_heuristic(domain, name).evaluate(rows).value for name in names]
    return np.max([np.zeros(len(rows)), *(cost_to_go(value) for value in values if value is not None)], axis=0)


def ratio(cost: float, bound: float) -> float:
    """cost / bound; 1 where both are 0, inf where only the bound is."""
    return cost / bound if bound > 0 else (1.0 if cost == 0 else np.inf)


def summary(
    batch: int, weight: float, promise: float | None,
    problems: Sequence[Instance], results: Sequence[SearchResult], floors: Sequence[float] | np.ndarray,
) -> dict[str, Any]:  # fmt: skip
    """What one batch size did on all problems: sums of effort, and the worst and mean cost / lower bound over the solved."""
    solved = [triple for triple in zip(problems, results, floors, strict=False) if triple[1].solved]
    ratios = np.array([ratio(result.cost, max(floor, result.lower_bound)) for _, result, floor in solved])
    known = [(problem.optimal, result.cost) for problem, result, _ in solved if problem.optimal is not None]
    return {
        "batch": batch, "weight": weight, "problems": len(problems), "solved": len(solved),
        "cost": float(sum(result.cost for _, result, _ in solved)),
        **{name: sum(getattr(result, name) for result in results) for name in EFFORTS},
        "seconds": round(sum(result.seconds for result in results), 6),
        "evaluator_seconds": round(sum(result.evaluator_seconds for result in results), 6),
        "promise": promise, "kept": None if promise is None else bool((ratios <= promise * ROUNDING).all()),
        "worst_ratio": finite_or_none(ratios.max(initial=1.0)), "mean_ratio": finite_or_none(ratios.mean()) if len(ratios) else None,
        "known": len(known), "optimal": sum(abs(cost - best) < 1e-6 for best, cost in known),
        "excess": float(sum(cost - best for best, cost in known)),
    }  # fmt: skip


def shown(title: str, summaries: Sequence[dict[str, Any]]) -> Table:
    """The summaries as a table: a line a batch size, efforts a problem on average."""
    known = any(row["known"] for row in summaries)
    table = Table(title=title, title_justify="left")
    headings = ["batch", "solved", "mean cost", *(["optimal"] if known else []), "expansions", "evaluations", "calls", "seconds"]
    for heading in (*headings, "in evaluator", "cost / bound, mean", "worst", "promised", "kept"):
        table.add_column(heading, justify="right")
    for row in summaries:
        mean = {name: row[name] / row["problems"] for name in (*EFFORTS, "seconds")}
        table.add_row(
            f"{row['batch']:,}", f"{row['solved']:,}", f"{row['cost'] / max(1, row['solved']):.3f}",
            *([f"{row['optimal']:,} of {row['known']:,}"] if known else []),
            f"{mean['expansions']:,.0f}", f"{mean['evaluations']:,.0f}", f"{mean['evaluator_calls']:,.0f}", f"{mean['seconds']:.4f}",
            f"{row['evaluator_seconds'] / max(row['seconds'], 1e-9):.0%}", fixed(row["mean_ratio"]), fixed(row["worst_ratio"]),
            "nothing" if row["promise"] is None else f"{row['promise']:g}", {None: "", True: "yes", False: "NO"}[row["kept"]],
        )  # fmt: skip
    return table


def fixed(number: float | None) -> str:
    return "" if number is None else f"{number:.4f}"
