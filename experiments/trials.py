"""Trials: one search with one knob on many problems, and the choice of knobs on validation. The heart of the contest.

`run_trials` takes any judges (evaluators by the names of regimes.NETS), which is how planted winners are tested. A single run
at the highest budget gives the whole curve: a search that solves a problem after n evaluations solves it under every budget
from n on. Every arm tests for goals when states are generated, remembers what it evaluated, and breaks ties by the seed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from itertools import pairwise
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.envs.oracles import ExactTable, exact_table
from astarzero.experiments.arenas import Arena, ContestConfig
from astarzero.experiments.probes import action_regrets, choice_regret, choice_scores, regret_removed
from astarzero.experiments.regimes import REGIMES, Regime, knob_name
from astarzero.experiments.results import Row, Shard, finite_or_none
from astarzero.experiments.verdicts import to_test
from astarzero.search import SEARCHES, Budget, exact_oracle, tabulated
from astarzero.training.labels import LABELS, Labels, ends, sample_states, split_roots


@dataclass(frozen=True)
class Split:
    """The problems of a seed as indices into the exact table, and the roots that labels are drawn from."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Judge:
    """An evaluator of the contest and whether one of its heads is constant."""

    evaluator: Evaluator
    collapsed: bool = False


@dataclass(frozen=True)
class Kind:
    """How a contest is held in one kind of world: where the parts of a unit come from. `solved` is what `solve` makes."""

    solve: Callable[..., Any]  # (domain, arena) -> solved, with `domain` and rows `states` [N, W], known by their indices
    split: Callable[..., Split]  # (solved, arena, config, seed)
    label: Callable[..., Labels]  # (solved, roots, labels, count, rng, dead_cost)
    judge: Callable[..., Judge]  # (solved, answers, name)
    untrained: Callable[..., dict[str, Judge]]  # (solved)
    run: Callable[..., dict[str, np.ndarray]]  # see run_trials
    choices: Callable[..., list[dict[str, Any]]]  # (solved, split, by_head, judges, taught, **identity)
    view: Callable[..., ExactTable]  # (solved): its graph and values, as tabulation takes them


def solve_puzzle(domain: Domain, arena: Arena) -> ExactTable:
    """The exact table of an arena's instances and all that follows."""
    return exact_table(domain, domain.instance_sets[arena.instances]())


def split_puzzle(table: ExactTable, arena: Arena, config: ContestConfig, seed: int) -> Split:
    return split_problems(table, table.domain.instance_sets[arena.instances](), config, seed)


def label_puzzle(
    table: ExactTable, roots: np.ndarray, labels: str, count: int, rng: np.random.Generator, dead_cost: float | None
) -> Labels:
    """Labels of `count` states on the way from `roots`."""
    return LABELS[labels](table, sample_states(table, roots, count, rng), rng, dead_cost)


def split_problems(table: ExactTable, roots: np.ndarray, config: ContestConfig, seed: int) -> Split:
    """Split the solvable, unsolved problems by root; validation and test are cut to the config's sizes."""
    indices = table.graph.index(roots)
    usable = indices[np.isfinite(table.cost_to_go[indices]) & ~table.graph.goal[indices]]
    train, validation, test = split_roots(usable, np.random.default_rng(seed), config.fractions)
    return Split(train, validation[: config.validation], test[: config.test])


def judge_of(table: ExactTable, answers: Evaluation, name: str) -> Judge:
    """A judge that answers with `answers` [N, ...], one row for each state of `table`."""
    from astarzero.training.tabulate import constant_heads

    evaluator = tabulated(table.domain, table.states, answers, name, slots=table.graph.slots)
    return Judge(evaluator, collapsed=bool(constant_heads(table, answers)))


def oracle_judges(table: ExactTable) -> dict[str, Judge]:
    """The judges that need no training."""
    nothing = tabulated(table.domain, table.states, Evaluation(), "nothing", slots=table.graph.slots, admissible=True)
    return {"exact": Judge(exact_oracle(table)), "nothing": Judge(nothing)}


def run_searches(
    table: ExactTable, regime: Regime, knob: Mapping[str, Any], judge: Judge, problems: np.ndarray, arena: Arena, seed: int
) -> dict[str, np.ndarray]:
    """One search with one knob on the problems [N]: the per-instance arrays of a result row, and "seconds"."""
    search, evaluator = SEARCHES[regime.search], judge.evaluator.only(regime.heads)
    options = dict(knob)
    if "width" in options:
        options["width"] = int(options["width"])
    accepted = signature(search.run).parameters
    options |= {name: value for name, value in (("goal_test", "generation"), ("max_steps", arena.max_steps)) if name in accepted}
    budget = Budget(expansions=int(2 * arena.grid["expansions"][1]))
    results = [
        search(table.domain, problem, evaluator, budget=budget, seed=1000 * seed + number, **options)
        for number, problem in enumerate(table.states[problems])
    ]
    return {
        "solved": np.array([result.solved for result in results]),
        "cost": np.array([result.cost for result in results], np.float32),
        "optimal": table.cost_to_go[problems].astype(np.float32),
        "expansions": np.array([result.expansions for result in results], np.int32),
        "evaluations": np.array([result.evaluations for result in results], np.int32),
        "calls": np.array([result.evaluator_calls for result in results], np.int32),
        "seconds": np.array([result.seconds for result in results], np.float32),
    }


def run_trials(
    table: Any, split: Split, judges: Mapping[str, Judge], arena: Arena, shard: Shard, model: Mapping[str, Any],
    *, labels: str, size: int, seed: int, regimes: Sequence[Regime] = REGIMES, run: Callable[..., dict[str, np.ndarray]] = run_searches,
) -> None:  # fmt: skip
    """Every trial of `regimes` whose net is in `judges`: all on validation, then each arm's best knobs on test; rows go to `shard`.

    run(table, regime, knob, judge, problems, arena, seed) measures one; it knows what `table` is.
    Blind and oracle arms have nothing to tune or train; their rows are written once a unit, under labels "exact" and size 0.
    """
    trials = [(regime, knob) for regime in regimes if regime.net in judges for knob in regime.knobs]

    def row_of(regime: Regime, knob: Mapping[str, Any], part: str) -> Row:
        judge, problems = judges[regime.net], split.validation if part == "validation" else split.test
        untrained = regime.side in ("blind", "oracle")
        identity: dict[str, Any] = {
            "world": arena.name, "labels": "exact" if untrained else labels, "size": 0 if untrained else size, "seed": seed,
            "split": part, "side": regime.side, "arm": regime.arm, "knob": knob_name(knob),
        }  # fmt: skip
        stored = shard.find({"kind": "row", **identity})
        if stored is not None:
            return Row.from_record(stored)
        arrays = run(table, regime, knob, judge, problems, arena, seed)
        timing = {name: arrays.pop(name) for name in ("seconds",) if name in arrays}
        row = Row(**identity, heads=regime.heads, collapsed=judge.collapsed, arrays=arrays, timing=timing)
        shard.append(row.to_record())
        return row

    validated = [row_of(regime, knob, "validation") for regime, knob in trials]
    by_name = {(regime.side, regime.arm, knob_name(knob)): (regime, knob) for regime, knob in trials}
    for chosen in to_test(validated, arena.grid, model):
        row_of(*by_name[chosen.side, chosen.arm, chosen.knob], "test")


def stage_masks(to_go: np.ndarray) -> dict[str, np.ndarray]:
    """Masks [B] of states by moves to go: one stage a value when there are few, else five about equal ones."""
    values = np.unique(to_go).astype(int)
    if len(values) <= 6:
        return {f"{value} to go": to_go == value for value in values}
    edges = np.unique(np.quantile(to_go, np.linspace(0, 1, 6)).astype(int))
    edges[-1] += 1
    return {f"{low}-{high - 1} to go": (to_go >= low) & (to_go < high) for low, high in pairwise(edges)}


def choice_records(
    table: ExactTable,
    split: Split,
    by_head: Mapping[str, Evaluation],
    judges: Mapping[str, Judge],
    taught: Labels,
    **identity: Any,
) -> list[dict[str, Any]]:
    """How much regret one step of each head removes on states of optimal paths from test problems, by moves to go.

    A split by root does not separate states (paths meet), so the same is given for the "fresh" ones, not among the labelled states, and
    with it how many of the successors, which V is asked about, V was taught.
    """
    indices = np.unique(sample_states(table, split.test, 4000, np.random.default_rng(identity["seed"])))
    regrets, legal = action_regrets(table, indices)
    masks, fresh = stage_masks(table.cost_to_go[indices]), ~np.isin(indices, table.graph.index(taught.states))
    after = table.successors(indices)[legal]
    known = np.isin(after[~ends(table, after)], table.graph.index(taught.value_states))
    records = []
    for head, answers in by_head.items():
        chosen, blind = choice_regret(choice_scores(table, answers, head, indices), regrets, legal)
        stages = {stage: finite_or_none(regret_removed(chosen[mask], blind[mask])) for stage, mask in masks.items()}
        record = {
            "regret_removed": finite_or_none(regret_removed(chosen, blind)),
            "fresh_share": float(fresh.mean()),
            "fresh_removed": finite_or_none(regret_removed(chosen[fresh], blind[fresh])),
            "successors_labelled": finite_or_none(known.mean() if len(known) else np.nan),
            "stages": stages,
            "collapsed": judges[{"value": "V", "q": "Q", "prior": "pi"}[head]].collapsed,
        }
        records.append({"kind": "choice", **identity, "head": head, **record})
    return records


PUZZLES = Kind(solve_puzzle, split_puzzle, label_puzzle, judge_of, oracle_judges, run_searches, choice_records, view=lambda table: table)
