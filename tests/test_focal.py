"""Focal search keeps its promise whatever guides it: cost <= weight times the optimum, a bound that holds wherever it is stopped."""

import math

import numpy as np
import pytest
import toys
from toys import PROBLEMS, asked, graph, judge, one_sentence, problem, wild

from astarzero.envs import make
from astarzero.envs.evaluation import Evaluation
from astarzero.envs.oracles import exact_table
from astarzero.search import Budget, Status, astar, blind, exact_oracle, focal, from_heuristic, noisy_oracle, tabulated
from astarzero.search.bounded import PROOF
from astarzero.search.packed_heap import best_entry, best_node, pack, pop, priority_of, push

ROUNDING = 1 + 1e-6  # g and h are float32
WEIGHTS = (1.0, 1.05, 1.2, 1.5, 3.0)
WILD = range(1, 9)


def random_guide(table, seed):
    """Knows nothing and says it loudly: values at random between 0 and twice the dearest state's, one in ten a dead end."""
    rng = np.random.default_rng(seed)
    most = 2.0 * table.cost_to_go[np.isfinite(table.cost_to_go)].max(initial=1.0)
    value = -rng.uniform(0.0, most, len(table.states))
    value[rng.random(len(value)) < 0.1] = -math.inf
    return tabulated(table.domain, table.states, Evaluation(value=value), "random", slots=table.graph.slots)


def liar(table):
    """The farther from the goal, the better it likes a state; the goal's neighbours it calls dead ends."""
    exact = np.where(np.isfinite(table.cost_to_go), table.cost_to_go, 0.0)
    value = np.where(exact < 2.0, -math.inf, exact - exact.max())
    return tabulated(table.domain, table.states, Evaluation(value=value), "liar", slots=table.graph.slots)


def guides(table):
    return [noisy_oracle(table, 1.0, 0.0, 0), noisy_oracle(table, 9.0, 0.0, 1), random_guide(table, 0), random_guide(table, 1), liar(table)]


@pytest.fixture(scope="module")
def eight():
    table = exact_table(make("sliding", size=3))
    rows = table.states[np.random.default_rng(0).choice(len(table.states), 40, replace=False)]
    return table, rows, table.costs(rows)


# --- the promise -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", WEIGHTS)
def test_toys_cost_at_most_the_weight_times_the_optimum_though_the_bound_is_inconsistent(weight):
    instances = [problem(wild(seed)) for seed in WILD] + [instance() for instance in PROBLEMS.values()]
    for instance in instances:
        bounds = [None, blind(instance.domain), exact_oracle(instance.table), *(toys.unfair(instance.table, luck) for luck in range(3))]
        for bound in bounds:
            for number, guide in enumerate(guides(instance.table)):
                result = instance.solve("focal", guide, weight=weight, bound=bound, batch=1 + number % 3, proof=number % 2)
                if instance.optimum == math.inf:
                    assert (result.status, result.lower_bound) == (Status.EXHAUSTED, math.inf)
                    continue
                assert result.status is Status.SOLVED
                assert result.cost <= weight * instance.optimum * ROUNDING
                assert result.cost <= weight * result.lower_bound * ROUNDING  # it knows
                assert result.lower_bound <= instance.optimum * ROUNDING
                if weight == 1.0:
                    assert result.cost == instance.optimum == pytest.approx(result.lower_bound)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_the_8_puzzle_costs_at_most_the_weight_times_the_optimum(eight, weight):
    table, rows, optima = eight
    worst = 1.0
    for guide in guides(table):
        for number, (row, optimum) in enumerate(zip(rows, optima, strict=True)):
            result = focal(table.domain, row, guide, weight=weight, batch=1 + 7 * (number % 2), proof=1 + number % 3 if number else 0)
            assert result.status is Status.SOLVED and optimum <= result.cost <= weight * optimum
            assert result.lower_bound <= optimum and result.cost <= weight * result.lower_bound
            worst = max(worst, result.cost / optimum)
    assert weight < 1.5 or worst > 1.1  # a promise that nothing comes near would hold anyway


def test_without_opening_closed_nodes_again_the_promise_would_break():
    """The guide closes C over A, g 2, before it looks at B, which reaches C for 1.5. The optimum is S-B-C-Q-G, 11.5.

    Were C not opened again, Q would wait at 11.75 instead of 11.25, and S-A-C-P-G, 23.25, would pass for twice the optimum.
    """
    instance = problem(graph("late", "S-A 1, S-B 1, A-C 1, B-C 0.5, C-P 1, P-G 20.25, C-Q 9.75, Q-G 0.25"))
    guide = judge(instance.domain, value={"B": -5.0, "P": -1.0, "Q": -100.0})
    result = instance.solve("focal", guide, weight=2.0, proof=0)
    assert (result.cost, result.lower_bound) == (11.5, 11.5)


# --- the bound -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["expansions", "evaluations", "nodes"])
def test_the_bound_holds_at_every_budget_and_never_falls(eight, field):
    table, rows, optima = eight
    hard = int(np.argmax(optima))
    for guide in guides(table):
        for weight in (1.0, 1.2):
            bounds = []
            for limit in (2, 3, 10, 30, 100, 300, 1000, 3000, 10_000):
                result = focal(table.domain, rows[hard], guide, weight=weight, budget=Budget(**{field: limit}))
                assert result.lower_bound <= min(optima[hard], result.cost)
                assert result.status in (Status.SOLVED, Status.BUDGET) and getattr(result, field) <= limit
                bounds.append(result.lower_bound)
            assert bounds == sorted(bounds) and bounds[0] >= 0 < bounds[-1]


def test_a_plan_that_is_not_proven_is_kept_when_a_limit_ends_the_search():
    """The first street to G is dear; the cheap way behind B is found only when the bound has risen that far."""
    instance = problem(graph("dear", "S-A 1, A-G 100, S-B 1, B-C 1, C-D 1, D-E 1, E-G 1"))
    guide = judge(instance.domain, value={"S": 0.0, "A": 0.0, "B": -9.0, "C": -9.0, "D": -9.0, "E": -9.0})
    result = instance.solve("focal", guide, Budget(expansions=3), weight=2.0, proof=0)
    assert (result.status, result.cost, result.lower_bound) == (Status.BUDGET, 101.0, 2.0)
    assert instance.domain.goal_mask(instance.domain.replay(instance.root, result.plan)[0])[0]
    assert [solution[:2] for solution in result.solutions] == [(101.0, 2)]
    whole = instance.solve("focal", guide, weight=2.0, proof=0)
    assert (whole.status, whole.cost, [solution.cost for solution in whole.solutions]) == (Status.SOLVED, 5.0, [101.0, 5.0])


# --- what makes it cheap -----------------------------------------------------------------------------------------------------------------


def test_a_good_guide_is_asked_seldom_and_saves_expansions(eight):
    """Asked for little, many evaluations save most expansions; by default few evaluations save some."""
    table, rows, _ = eight
    guide = noisy_oracle(table, 1.0, 0.0, 0)
    plain = sum(astar(table.domain, row).expansions for row in rows)
    for proof, expansions, evaluations in ((1, 0.25, 0.2), (PROOF, 0.8, 0.05)):
        results = [focal(table.domain, row, guide, weight=1.5, proof=proof) for row in rows]
        assert sum(result.expansions for result in results) < expansions * plain
        assert sum(result.evaluations for result in results) < evaluations * plain


def test_the_guide_is_not_asked_while_it_believes_in_no_plan_within_the_promise(eight):
    """Exact: at weight 1 it is asked from the optimum on. One that gives the root up is not asked again: what is left is A*."""
    table, rows, optima = eight
    row = rows[int(np.argmax(optima))]
    late = focal(table.domain, row, exact_oracle(table), weight=1.0, proof=0)
    assert 1 < late.evaluations < late.expansions / 4
    hopeless = tabulated(table.domain, table.states, Evaluation(value=np.full(len(table.states), -math.inf)), "hopeless")
    result = focal(table.domain, row, hopeless, weight=1.0)
    assert (result.cost, result.evaluations) == (max(optima), 1)


def test_beside_the_proof_the_worst_guide_costs_little_and_without_it_much(eight):
    """At most about one evaluation for every `proof` expansions of A*."""
    table, rows, _ = eight
    plain = sum(astar(table.domain, row).expansions for row in rows)
    for guide in (liar(table), random_guide(table, 0)):
        for proof in (1, PROOF):
            results = [focal(table.domain, row, guide, weight=1.5, proof=proof) for row in rows]
            assert sum(result.expansions for result in results) < (1.25 + 1 / proof) * plain
            assert sum(result.evaluations for result in results) < (1.25 / proof) * plain
    assert focal(table.domain, rows[0], liar(table), weight=1.5, proof=0).expansions > 10 * astar(table.domain, rows[0]).expansions


def test_batches_change_effort_not_the_promise(eight):
    table, rows, optima = eight
    guide = asked(noisy_oracle(table, 3.0, 0.0, 0))
    for row, optimum in zip(rows, optima, strict=True):
        result = focal(table.domain, row, guide, weight=1.2, batch=16)
        assert result.cost <= 1.2 * optimum and result.evaluator_calls <= result.evaluations


# --- the heap --------------------------------------------------------------------------------------------------------------------------


def test_the_packed_heap_gives_the_least_priority_first_and_of_equals_the_least_tie():
    rng = np.random.default_rng(0)
    priorities = np.concatenate([rng.integers(0, 9, 200) / 4.0, [0.0, -0.0, math.inf, 1e-40, 3e38]]).astype(np.float32)
    ties = rng.random(len(priorities)).astype(np.float32)
    heap = np.zeros(len(priorities), np.uint64), np.zeros(len(priorities), np.int32)
    for node in range(len(priorities)):
        push(heap, node, pack(priorities[node], ties[node]), node)
    popped = []
    for size in range(len(priorities), 0, -1):
        popped.append(best_node(heap))
        assert priority_of(best_entry(heap)) == priorities[popped[-1]]
        pop(heap, size)
    assert popped == sorted(range(len(priorities)), key=lambda node: (priorities[node], ties[node]))


# --- bad input ---------------------------------------------------------------------------------------------------------------------------


def test_a_bound_that_proves_nothing_and_a_weight_below_one_get_one_sentence():
    instance = PROBLEMS["trap"]()
    domain, noisy = instance.domain, noisy_oracle(instance.table, 1.0, 0.0, 0)
    short = tabulated(domain, instance.table.states[:1], Evaluation(value=np.zeros(1)), "short", admissible=True)
    for options, complaint in (
        ({"bound": noisy}, "is not admissible"),
        ({"bound": asked(from_heuristic(domain))}, "has no compiled rules"),
        ({"bound": short}, "gave no number"),
        ({"weight": 0.9}, "at least 1"),
        ({"weight": math.inf}, "at least 1 and finite"),
        ({"proof": -1}, "Option proof is -1"),
    ):
        with pytest.raises(ValueError, match=complaint) as error:
            instance.solve("focal", noisy, **options)
        one_sentence(error)
