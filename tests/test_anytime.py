"""Anytime weighted A*: every plan better than the last, the last one optimal when the bound closes, kept when a limit comes first."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import toys
from toys import PROBLEMS, asked, problem, wild

from astarzero.envs import make
from astarzero.envs.oracles import exact_table
from astarzero.search import Budget, Status, anytime_astar, astar, blind, from_heuristic, noisy_oracle

ROUNDING = 1 + 1e-6  # g and h are float32
WILD = range(1, 9)
KORF = Path(__file__).parents[2] / "shared" / "data" / "korf100.csv"


@pytest.mark.parametrize("weight", [1.0, 2.0, 5.0])
def test_it_ends_with_the_optimum_and_its_plans_only_get_better(weight):
    for instance in [problem(wild(seed)) for seed in WILD] + [instance() for instance in PROBLEMS.values()]:
        for number, bound in enumerate((None, blind(instance.domain), toys.unfair(instance.table, 0), toys.unfair(instance.table, 1))):
            for guide in toys.judges(instance.table).values():
                result = instance.solve("anytime_astar", guide, weight=weight, bound=bound, batch=1 + number % 3, proof=number % 2)
                costs = [solution.cost for solution in result.solutions]
                assert costs == sorted(set(costs), reverse=True)
                if instance.optimum == math.inf:
                    assert (result.status, result.lower_bound, costs) == (Status.EXHAUSTED, math.inf, [])
                else:
                    assert result.status is Status.SOLVED
                    assert result.cost == instance.optimum == pytest.approx(result.lower_bound) == pytest.approx(costs[-1])


def test_a_first_plan_comes_early_and_the_bound_closes_late():
    table = exact_table(make("sliding", size=3))
    rows = table.states[np.random.default_rng(1).choice(len(table.states), 40, replace=False)]
    first, whole, better = 0, 0, 0
    for row, optimum in zip(rows, table.costs(rows), strict=True):
        result = anytime_astar(table.domain, row, noisy_oracle(table, 3.0, 0.0, 0), proof=1)
        assert (result.status, result.cost, result.lower_bound) == (Status.SOLVED, optimum, optimum)
        first, whole = first + result.solutions[0].expansions, whole + result.expansions
        better += len(result.solutions) > 1
        spent = [(solution.expansions, solution.evaluations, solution.seconds) for solution in result.solutions]
        assert spent == sorted(spent) and spent[-1] <= (result.expansions, result.evaluations, result.seconds)
    assert 3 * first < whole and better > 5


@pytest.mark.parametrize("promise", [1.1, 1.5])
def test_a_promise_is_kept_and_ends_the_search_sooner(promise):
    for instance in [problem(wild(seed)) for seed in WILD] + [instance() for instance in PROBLEMS.values()]:
        for guide in toys.judges(instance.table).values():
            result = instance.solve("anytime_astar", guide, promise=promise)
            assert result.solved == math.isfinite(instance.optimum)
            if result.solved:
                assert result.cost <= promise * result.lower_bound * ROUNDING <= promise * instance.optimum * ROUNDING**2
    table = exact_table(make("sliding", size=3))
    spent = {1.0: 0, promise: 0}
    for row in table.states[np.random.default_rng(2).choice(len(table.states), 40, replace=False)]:
        for factor in spent:
            spent[factor] += anytime_astar(table.domain, row, promise=factor).expansions
    assert spent[promise] < spent[1.0]


def test_the_plan_is_kept_and_the_optimum_bracketed_at_every_limit():
    """Korf's first instance: 57 moves. A plan is there soon; the bound is far from it when the limit comes."""
    puzzle = make("sliding", size=4)
    row = puzzle.parse("14 13 15 7 11 12 9 5 6 0 2 1 4 8 10 3")
    costs, bounds = [], []
    for expansions in (10, 10_000, 50_000, 200_000):
        result = anytime_astar(puzzle, row, weight=5.0, proof=1, budget=Budget(expansions=expansions))
        assert result.status is Status.BUDGET and not result.solved and result.expansions == expansions
        assert result.lower_bound <= 57 <= result.cost
        assert (result.cost < math.inf) == bool(result.plan) == bool(result.solutions)
        costs.append(result.cost)
        bounds.append(result.lower_bound)
    assert costs == sorted(costs, reverse=True) and costs[0] == math.inf > costs[-1]
    assert bounds == sorted(bounds) and bounds[-1] > bounds[0]
    result = anytime_astar(puzzle, row, weight=5.0, proof=1, budget=Budget(bytes=8_000_000))
    assert result.status is Status.MEMORY and result.peak_bytes <= 8_000_000
    assert result.lower_bound <= 57 <= result.cost < math.inf
    reached, cost = puzzle.replay(row, result.plan)
    assert puzzle.goal_mask(reached)[0] and cost == result.cost


def test_korf_instances_close_at_their_optimum():
    if not KORF.exists():
        pytest.skip(f"Korf's instances are not at {KORF}")
    puzzle = make("sliding", size=4)
    with KORF.open() as lines:
        _, *rows = csv.reader(lines)  # number, tiles, Manhattan, optimal length, ..., expansions of another program's A*
    for _, tiles, _, optimum, *_ in sorted(rows, key=lambda row: int(row[-1] or 10**9))[:3]:
        result = anytime_astar(puzzle, puzzle.parse(tiles), weight=1.5)
        assert (result.status, result.cost, result.lower_bound) == (Status.SOLVED, int(optimum), int(optimum))


def test_at_weight_one_it_expands_about_what_astar_does():
    puzzle = make("sliding", size=3)
    rows = [puzzle.random_state(np.random.default_rng(seed)) for seed in range(30)]
    guide = from_heuristic(puzzle)
    mine = sum(anytime_astar(puzzle, row, guide, weight=1.0, proof=0).expansions for row in rows)
    plain = sum(astar(puzzle, row, guide).expansions for row in rows)
    assert 0.8 < mine / plain < 1.5  # ties fall otherwise


def test_plans_are_told_alike_by_a_judge_inside_and_outside_the_kernel():
    instance = problem(wild(5))
    guide = noisy_oracle(instance.table, 2.0, 0.0, 3)
    inside, outside = (instance.solve("anytime_astar", judge, weight=5.0, proof=1) for judge in (guide, asked(guide)))
    assert [solution[:3] for solution in inside.solutions] == [solution[:3] for solution in outside.solutions] != []
