"""The audit of a world that is solved exactly: every state is judged, every bound is taken over all optimal paths.

For each net: h as it is; less a conformal margin; the larger of it and the world's own heuristic; both; raised by pathmax;
clipped to a consistent function. Beside them h = 0, the world's heuristics and the exact h*. Then Levin's bound for
policies, what a margin promises and keeps on which states, and what a margin calibrated on scrambles keeps.

Records are plain dicts, ready for JSON. Read next: ledger.py (what is measured), audit_tables.py (how it is told).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from astarzero.envs.domain import value_of
from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.envs.oracles import ExactTable
from astarzero.experiments import ledger
from astarzero.experiments.audit_searches import AuditConfig, Record, levin_all, search_all
from astarzero.experiments.statistics import clustered_rate
from astarzero.search import blind, exact_oracle, from_heuristic, tabulated
from astarzero.search.evaluator import lowered, maximum

SCRAMBLES = (5, 10, 20, 40, 80, 200)  # moves
PROBLEMS = 200


@dataclass(frozen=True)
class Ground:
    """What all records of an audit stand on. Indices are into `table`."""

    table: ExactTable
    config: AuditConfig
    problems: np.ndarray  # int64, roots that searches start from
    calibration: np.ndarray  # int64, states that margins are calibrated on
    fresh: np.ndarray  # int64, every other state that no net was trained on
    helper: Evaluator | None  # the world's first admissible heuristic, which a net's h is joined with


def prepare(table: ExactTable, labelled: np.ndarray, config: AuditConfig) -> Ground:
    """Draw problems and calibration states, uniformly; states whose index is in `labelled` are neither calibrated nor tested on."""
    rng, domain = np.random.default_rng((config.seed, 1)), table.domain
    usable = np.flatnonzero(np.isfinite(table.cost_to_go) & ~table.graph.goal)
    fresh = rng.permutation(np.setdiff1d(usable, labelled))
    if len(fresh) <= config.calibration:
        raise ValueError(
            f"{domain.name} has {len(fresh)} states that no net was trained on, too few to calibrate on {config.calibration} and "
            "test on others; give a smaller calibration or fewer states."
        )
    problems = rng.choice(usable, min(config.problems or PROBLEMS, len(usable)), replace=False)
    named = [name for name, heuristic in domain.heuristics.items() if name != "blind" and heuristic.admissible]
    helper = from_heuristic(domain, named[0]) if named else None
    return Ground(table, config, problems, fresh[: config.calibration], fresh[config.calibration :], helper)


def audit_everything(ground: Ground, judges: Mapping[str, Evaluator], say: Callable[[str], None]) -> Iterator[Record]:
    """All records, judge by judge; `say` is told what goes on."""
    domain = ground.table.domain
    heuristics = {name: from_heuristic(domain, name) for name in domain.heuristics if name != "blind"}
    for name, judge in {"h = 0": blind(domain), **heuristics, "exact h*": exact_oracle(ground.table)}.items():
        say(f"auditing {name}")
        yield ledger_record(ground, name, "", costs_of(ground.table, judge))
    for name, judge in judges.items():
        say(f"auditing {name}")
        if "value" in judge.heads:
            yield from value_records(ground, name, judge)
        if "prior" in judge.heads:
            yield levin_record(ground, name, judge)


def costs_of(table: ExactTable, judge: Evaluator) -> np.ndarray:
    """h of every state, float64 [N]; 0 from a judge without a value."""
    from astarzero.training.tabulate import tabulate_table

    if "value" not in judge.heads:
        return ledger.judged_costs(table, Evaluation(value=np.zeros(len(table.states), np.float32)))
    return ledger.judged_costs(table, tabulate_table(judge, table))


def value_records(ground: Ground, name: str, judge: Evaluator) -> Iterator[Record]:
    """All that is asked of one estimate of cost."""
    table, exact, alpha = ground.table, ground.table.cost_to_go, ground.config.alpha
    h = costs_of(table, judge)
    judge = as_table(table, h, name)  # a net is asked once
    solvable = np.isfinite(exact)
    over, count = np.where(solvable, h, -np.inf) - np.where(solvable, exact, 0.0), len(ground.calibration)
    margin = float(ledger.conformal_margin(over[ground.calibration], alpha))
    forms = {"": h, "- margin": costs_of(table, lowered(judge, margin))}
    if ground.helper:
        forms[f"max {ground.helper.name}"] = costs_of(table, maximum(judge, ground.helper))
        forms["both"] = costs_of(table, maximum(lowered(judge, margin), ground.helper))
    forms |= {"pathmax": ledger.pathmax(table, h), "clipped": ledger.clipped(table, h)}
    rows = {form: ledger_record(ground, name, form, costs) for form, costs in forms.items()}
    yield from rows.values()
    yield {
        "kind": "conformal", "arm": name, "promised": 1 - alpha, "margin": margin, "calibration": count,
        "fresh": len(ground.fresh), "fresh_kept": kept(table, forms["- margin"], ground.fresh),
        "draws_kept": list(ledger.kept_over_draws(over[ground.fresh], count, alpha, np.random.default_rng((ground.config.seed, 5)))),
        "plain_kept": kept(table, h, ground.fresh),
        "popped_kept": [1 - rows["- margin"]["popped_over"][end] for end in (0, 2, 1)],
        "certified": rows["- margin"]["certified"],
    }  # fmt: skip
    if table.domain.inverse_actions:  # every move can be undone, so goals can be scrambled
        yield from scramble_records(ground, name, h)
    yield {"kind": "pairs", "arm": name, "cells": ledger.pairs(h, exact), "strata": ledger.by_stratum(h, exact)}


def as_table(table: ExactTable, h: np.ndarray, name: str) -> Evaluator:
    """h [N] as an evaluator that kernels read."""
    return tabulated(table.domain, table.states, Evaluation(value=value_of(h).astype(np.float32)), name, slots=table.graph.slots)


def kept(table: ExactTable, h: np.ndarray, indices: np.ndarray) -> float:
    """The share of the states by index that h does not overestimate: what a margin promises."""
    return 1 - ledger.overestimates(h[indices], table.cost_to_go[indices])["over_share"]


def ledger_record(ground: Ground, name: str, form: str, h: np.ndarray) -> Record:
    """One row of the ledger: h over all states, over edges, over the states that A* popped, and what A* did with it."""
    table, exact, seed = ground.table, ground.table.cost_to_go, ground.config.seed
    guide, roots = as_table(table, h, name) if h.any() else blind(table.domain), table.states[ground.problems]  # 0 is known unasked
    searches = search_all(table.domain, roots, guide, ground.config.budget(), seed)
    popped = [table.graph.index(rows) for rows in searches.popped]
    together = np.concatenate(popped)
    above = h > exact + ledger.TOLERANCE
    bounds, usable = ledger.path_bounds(table, h), np.isfinite(exact) & ~table.graph.goal
    sure = ledger.certified(bounds[usable], table.domain.whole_costs)
    return {
        "kind": "ledger", "arm": name, "knob": form, **ledger.overestimates(h, exact), **ledger.inconsistencies(table, h),
        "certified": float(sure.mean()),
        "popped": len(together),
        "popped_over": list(clustered_rate([above[indices] for indices in popped], np.random.default_rng(seed))),
        "reopened": float(np.mean(searches.reopened)),
        **ledger.searched(searches.results, exact[ground.problems], bounds[ground.problems]),
        "popped_strata": ledger.by_stratum(h[together], exact[together]),
    }  # fmt: skip


def levin_record(ground: Ground, name: str, judge: Evaluator) -> Record:
    """Levin tree search on the problems, against depth / pi of the path it found and of the best path there is."""
    from astarzero.training.tabulate import tabulate_table

    table, config = ground.table, ground.config
    answers = tabulate_table(judge, table)
    guide = tabulated(table.domain, table.states, answers, name, slots=table.graph.slots)
    roots = table.states[ground.problems]
    results = levin_all(table.domain, roots, guide, config.budget(), config.seed)
    best = ledger.levin_bounds(table, ledger.log_policy(table, answers))[ground.problems]
    return {"kind": "levin", "arm": name, **ledger.levin_summary(results, ledger.own_bounds(guide, table.domain, roots, results), best)}


def scramble_records(ground: Ground, name: str, h: np.ndarray) -> Iterator[Record]:
    """A margin calibrated on states a few random moves from the goal: kept on such states, and on all states?"""
    table, config = ground.table, ground.config
    rng, over = np.random.default_rng((config.seed, 2)), h - table.cost_to_go  # what can be undone is solvable
    for moves in SCRAMBLES:
        indices = scrambled(table, moves, 2 * config.calibration, rng)
        margin = float(ledger.conformal_margin(over[indices[: config.calibration]], config.alpha))
        less = np.maximum(h - margin, 0.0)
        yield {
            "kind": "scramble", "arm": name, "knob": f"{moves} moves", "moves": moves, "promised": 1 - config.alpha, "margin": margin,
            "mean_exact": float(table.cost_to_go[indices].mean()),
            "same_kept": kept(table, less, indices[config.calibration :]), "every_kept": kept(table, less, ground.fresh),
        }  # fmt: skip


def scrambled(table: ExactTable, moves: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` states that so many uniformly random legal moves lead to from a random goal, as envs.sliding.scramble makes one: int64."""
    graph = table.graph
    state = rng.choice(np.flatnonzero(graph.goal), count)
    for _ in range(moves):
        ways = graph.first_edge[state + 1] - graph.first_edge[state]
        state = graph.child[graph.first_edge[state] + (rng.random(count) * ways).astype(np.int64)].astype(np.int64)
    return state
