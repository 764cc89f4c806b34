"""`astarzero solve`: any world, any search, any evaluator, one problem or many, one accounting."""

import json
import math
import sys
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from functools import partial
from inspect import signature
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from astarzero.envs import find_world, make
from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.envs.oracles import exact_table
from astarzero.experiments.instances import Instance, instance_set, read_instances, stated_goal
from astarzero.experiments.machine import load_words, peak_memory, read_bytes
from astarzero.experiments.many import in_turn, over_threads
from astarzero.experiments.results import finite_or_none
from astarzero.search import SEARCHES, Budget, SearchResult, Status, exact_oracle, from_heuristic

ENDED_BY_LIMIT = (Status.BUDGET, Status.MEMORY, Status.INTERRUPTED)


def solve(
    world: str,
    *,
    size: str | None = None,
    goal: str | None = None,
    rule: str | None = None,
    target: int | None = None,
    option: tuple[str, ...] = (),
    state: str | None = None,
    instances: Path | None = None,
    set: str | None = None,
    search: str = "astar",
    heuristic: str | None = None,
    evaluator: str | None = None,
    weight: float | None = None,
    temperature: float | None = None,
    width: int | None = None,
    mix: float | None = None,
    cutoff: float | None = None,
    batch: int | None = None,
    bound: str | None = None,
    promise: float | None = None,
    proof: int | None = None,
    max_expansions: int | None = None,
    max_evaluations: int | None = None,
    max_nodes: int | None = None,
    max_bytes: str | None = None,
    max_seconds: float | None = None,
    threads: int = 1,
    seed: int = 0,
    device: str = "auto",
    check: bool = False,
    json: bool = False,
) -> int:
    """Solve problems of a world; without --state, --instances or --set, one random problem.

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
    state
        One problem, as text.
    instances
        A CSV file of problems with a header line.
    set
        One of the world's own instance sets, such as all.
    search
        A search from `astarzero list`.
    heuristic
        A heuristic of the world; default: its first.
    evaluator
        exact (the world's solved table), net:FILE.safetensors or a net that comes with the package by its name, or blind.
    weight
        Of h or -q (A*, PHS, Q*, beams); the policy's temperature under levin.
    temperature
        Of a sampled policy.
    width
        Of a beam.
    mix
        Share of the policy in the key of a value or q beam, 0 to 1.
    cutoff
        How far above a node's bound partial expansion stores successors.
    batch
        Nodes expanded at a time.
    bound
        An admissible heuristic of the world, which proves what focal and anytime_astar promise; default: its first.
    promise
        Cost over bound at which anytime_astar ends; 1: when its plan is optimal.
    proof
        Nodes that focal and anytime_astar expand by the bound alone for each that the evaluator picks.
    max_expansions
        Limit a problem.
    max_evaluations
        Limit a problem, in single states.
    max_nodes
        Limit a problem, in nodes held.
    max_bytes
        Limit a problem, in bytes of the search's arrays: 256MB, 1GiB or a number.
    max_seconds
        Limit a problem.
    threads
        Problems solved at a time. Limits count for each.
    seed
        Of ties, sampling and the random problem.
    device
        auto, cpu or cuda, for nets.
    check
        Compare every cost with the world's exact table.
    json
        One JSON object a line on standard output, and nothing else there.
    """
    runner = SEARCHES.get(search)
    if runner is None:
        raise ValueError(f"Search '{search}' is not known; choose one of {', '.join(SEARCHES)}.")
    if (state is not None) + (instances is not None) + (set is not None) > 1:
        raise ValueError("Give only one of --state, --instances and --set.")
    domain = make_domain(world, option, size=size, goal=goal_layout(world, goal, instances), rule=rule, target=target)
    if domain.discount != 1.0:
        raise ValueError(f"World '{world}' is a game for two, with an opponent instead of a goal; solve takes worlds for one.")
    if state is not None:
        problems = [Instance(state, domain.parse(state))]
    elif instances is not None:
        problems = read_instances(domain, instances)
    elif set is not None:
        problems = instance_set(domain, set)
    else:
        row = domain.random_state(np.random.default_rng(seed))
        problems = [Instance(domain.format(row), row)]
    limits: dict[str, Any] = {
        "expansions": max_expansions,
        "evaluations": max_evaluations,
        "nodes": max_nodes,
        "bytes": None if max_bytes is None else read_bytes(max_bytes),
        "seconds": max_seconds,
    }
    budget = Budget(**{name: limit for name, limit in limits.items() if limit is not None})
    knobs = {
        "weight": weight, "temperature": temperature, "width": width, "mix": mix, "cutoff": cutoff, "batch": batch, "promise": promise,
        "proof": proof,
    }  # fmt: skip
    options: dict[str, Any] = {name: value for name, value in knobs.items() if value is not None}
    if bound is not None:
        options["bound"] = from_heuristic(domain, bound)
    table = exact_table(domain, np.array([problem.state for problem in problems])) if check or evaluator == "exact" else None
    if evaluator == "exact" and table is not None:
        judge = exact_oracle(table)
    else:
        judge = make_evaluator(domain, evaluator, heuristic, device)
    if check and table is not None:
        problems = [
            Instance(problem.name, problem.state, float(cost))
            for problem, cost in zip(problems, table.costs(np.array([p.state for p in problems])), strict=True)
        ]
    console = Console(stderr=json)
    results, clocks = [], (time.perf_counter(), time.process_time())
    with closing(solve_each(domain, problems, runner, judge, budget, seed, options, threads, console)) as pairs:
        for problem, result in pairs:
            results.append(result)
            if json:
                sys.stdout.write(to_json(domain, problem, result) + "\n")
    wall, clock = time.perf_counter() - clocks[0], time.process_time() - clocks[1]
    if len(problems) == 1 and not json:
        show_one(domain, problems[0], results[0], console)
    show_summary(domain, problems, results, search, (wall, clock), console)
    return 1 if len(results) < len(problems) or any(result.status in ENDED_BY_LIMIT for result in results) else 0


def goal_layout(world: str, goal: str | None, instances: Path | None) -> str | None:
    """`goal` where it is given, else what the instance file states, in worlds that have more than one."""
    if instances is not None and goal is None and "goal" in signature(find_world(world)).parameters:
        return stated_goal(instances)
    return goal


def make_domain(world: str, option: tuple[str, ...] = (), **named: Any) -> Domain:
    """The domain that the command line describes: `named` options that were given, and "name=value" texts."""
    options = {name: value for name, value in named.items() if value is not None}
    for text in option:
        name, separator, value = text.partition("=")
        if not separator:
            raise ValueError(f"Option '{text}' is not of the form name=value.")
        options[name] = int(value) if value.lstrip("-").isdigit() else value
    if isinstance(options.get("size"), str) and options["size"].isdigit():
        options["size"] = int(options["size"])
    return make(world, **options)


def make_evaluator(domain: Domain, evaluator: str | None, heuristic: str | None, device: str) -> Evaluator:
    """What `--evaluator` and `--heuristic` name; torch is loaded only for a net."""
    if evaluator is None or evaluator == "blind":
        return from_heuristic(domain, evaluator or heuristic)
    if evaluator.startswith("net:"):
        from astarzero.nets.checkpoint import load
        from astarzero.nets.evaluator import net_evaluator

        saved = load(Path(evaluator.removeprefix("net:")), domain)
        baseline = from_heuristic(domain, saved.baseline) if saved.baseline else None
        return net_evaluator(saved.net, domain, saved.heads, saved.temperature, device, name=evaluator, baseline=baseline)
    raise ValueError(f"Evaluator '{evaluator}' is not known; give exact, blind or net:FILE.safetensors.")


def solve_each(
    domain: Domain,
    problems: list[Instance],
    runner: Any,
    judge: Evaluator,
    budget: Budget,
    seed: int,
    options: dict[str, Any],
    threads: int,
    console: Console,
) -> Generator[tuple[Instance, SearchResult]]:
    """Every problem's result, in order, with a progress bar when there are many; ends early after Ctrl-C."""
    if threads < 1:
        raise ValueError(f"{threads} threads cannot solve anything; give at least 1.")
    if threads > 1 and judge.rules is None:
        raise ValueError(f"Evaluator {judge.name} serves one thread, since it has one buffer; leave out --threads, or try --batch.")

    def run(problem: Instance, budget: Budget) -> SearchResult:
        try:
            return runner(domain, problem.state, judge, budget=budget, seed=seed, **options)
        except TypeError as problem_with_options:
            raise ValueError(
                f"Search '{runner.name}' does not take these options ({problem_with_options}); leave out what it does not know."
            ) from None

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=len(problems) < 20, refresh_per_second=4) as progress:
        task = progress.add_task(domain.name, total=len(problems))
        if threads > 1 and problems:
            run(problems[0], replace(budget, expansions=1))  # compiles once what all threads will run
            stop = Event()
            pairs = over_threads(partial(run, budget=replace(budget, stop=stop)), problems, threads, stop)
        else:
            pairs = in_turn(partial(run, budget=budget), problems)
        with closing(pairs):
            for pair in pairs:
                progress.advance(task)
                yield pair


def to_json(domain: Domain, problem: Instance, result: SearchResult) -> str:
    """The line of one problem."""
    return json.dumps(
        {
            "instance": problem.name, "state": domain.format(problem.state),
            "status": result.status.value, "cost": finite_or_none(result.cost), "plan": list(result.plan),
            "expansions": result.expansions, "generated": result.generated, "evaluations": result.evaluations, "nodes": result.nodes,
            "peak_bytes": result.peak_bytes, "lower_bound": finite_or_none(result.lower_bound), "seconds": round(result.seconds, 6),
        } | ({} if problem.optimal is None else {"optimal": finite_or_none(problem.optimal)})
    )  # fmt: skip


def show_one(domain: Domain, problem: Instance, result: SearchResult, console: Console) -> None:
    """The problem drawn, and its solution in the world's own words."""
    console.print(domain.render(problem.state) if domain.render else problem.name, highlight=False)
    if math.isfinite(result.cost):
        words = (
            domain.explain_plan(problem.state, result.plan)
            if domain.explain_plan
            else " ".join(domain.action_names[action] for action in result.plan)
        )
        console.print(f"[bold]{words}[/bold]" if words else "It is solved already.", highlight=False)


def show_summary(
    domain: Domain, problems: list[Instance], results: list[SearchResult], search: str, clocks: tuple[float, float], console: Console
) -> None:
    """What all searches together did. `clocks`: seconds of the wall's and of the processor's clock."""
    table = Table(title=f"{search} on {domain.name}: {len(results)} of {len(problems)} problems", show_header=False, title_justify="left")
    solved = [(problem, result) for problem, result in zip(problems, results, strict=False) if result.solved]
    for status in Status:
        if count := sum(result.status is status for result in results):
            table.add_row(status.value, f"{count:,}")
    if solved:
        total = sum(result.cost for _, result in solved)
        table.add_row("cost, sum and mean", f"{total:,.0f}, {total / len(solved):.3f}")
    if len(results) == 1 and not solved:
        table.add_row("no solution is cheaper than", f"{results[0].lower_bound:,g}")
    known = [(problem.optimal, result.cost) for problem, result in solved if problem.optimal is not None]
    if known:
        table.add_row("optimal", f"{sum(abs(best - cost) < 1e-6 for best, cost in known):,} of {len(known):,} solved with a known optimum")
    counts = {name: sum(getattr(result, name) for result in results) for name in ("expansions", "generated", "evaluations")}
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    largest = max(results, key=lambda result: result.nodes, default=None)
    if largest is not None and largest.nodes:
        table.add_row("bytes a node, in the largest search", f"{largest.peak_bytes / largest.nodes:.0f} ({largest.nodes:,} nodes)")
        if process := peak_memory():
            table.add_row("MB at the peak: arrays, process", f"{largest.peak_bytes / 1e6:,.0f}, {process / 1e6:,.0f}")
    searching = sum(result.seconds for result in results)
    if searching > 0:
        table.add_row("seconds in searches, CPU seconds", f"{searching:.2f}, {clocks[1]:.2f}")
        table.add_row("wall clock, cores kept busy, load", f"{clocks[0]:.2f}, {clocks[1] / clocks[0]:.2f}, {load_words()}")
        table.add_row("expansions a second", f"{counts['expansions'] / searching:,.0f}")
    console.print(table)
