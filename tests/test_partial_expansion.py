"""Partial expansion A*: what it stores and when by hand, against A* at equal cost, and what it pays for it."""

import dataclasses
import math

import numpy as np
import pytest
import toys
from toys import PLENTY, PROBLEMS, graph, judge, judges, problem, wild

from astarzero.envs import make
from astarzero.search import Budget, Status, astar, from_heuristic
from astarzero.search.partial_expansion import partial_expansion

SEARCH = "partial_expansion_astar"
COUNTS = ("status", "plan", "cost", "expansions", "generated", "evaluations", "evaluator_calls", "nodes", "lower_bound")


def counts(result):
    return [repr(getattr(result, name)) for name in COUNTS]


@pytest.fixture(scope="module")
def star():
    """Seven ways from S; with h they have f = 4, 4, 6, 8, 8, 8 and, by D, no hope. The solution is by B, at 6: A grows dearer."""
    ways = ", ".join(f"S-{vertex} 1" for vertex in "ABCEFHD") + ", A-L 2, B-M 2, M-G 3, "
    instance = problem(graph("star", ways + ", ".join(f"{vertex}-K 9" for vertex in "CEFHL")))
    h = {"S": 4, "A": 3, "B": 3, "C": 5, "E": 7, "F": 7, "H": 7, "D": math.inf, "L": 9, "M": 2}
    return instance, judge(instance.domain, value={vertex: -number for vertex, number in h.items()}, admissible=True)


def test_only_what_is_due_is_stored(star):
    """S at 4: A, B; the next of S is 6. A at 4: L has 12. B at 4: M has 5, B waits for it. B at 5: M. M at 5: G has 6. M at 6: G, and
    then S at 6: C, if it comes before G; ties go to the smaller h, so G, with 0, comes first."""
    instance, guide = star
    result = instance.solve(SEARCH, guide)
    assert (result.cost, result.lower_bound) == (6.0, 6.0)
    assert result.nodes == 5  # S A B M G
    assert result.expansions == 6 and result.generated == 7 + 1 + 1 + 1 + 1 + 1  # S A B B M M
    assert result.evaluations == 1 + 7 + 1 + 1 + 1  # S; its seven; L; M twice; G needs none
    whole = instance.solve("astar", guide)
    assert (whole.cost, whole.nodes, whole.expansions, whole.evaluations) == (6.0, 11, 4, 10)  # S A B M, and D, known to be dead


def test_a_node_comes_back_at_the_next_f_of_its_successors(star):
    """With the way by M closed, S comes back at 6 and at 8, and no sooner, and judges what it had not stored."""
    instance, guide = star
    seen = []

    def evaluate(states):
        seen.append("".join(instance.domain.format(state) for state in states))
        answer = guide.evaluate(states)
        return answer._replace(value=np.where(states[:, 0] == instance.domain.parse("M")[0], -50.0, answer.value))

    result = instance.solve(SEARCH, dataclasses.replace(guide, evaluate=evaluate, rules=None))
    assert [asked for asked in seen if len(asked) > 1] == ["ABCEFHD", "CEFHD", "EFHD"]
    assert result.cost == 6.0  # M is stored after all, at 53, when the rest is exhausted
    assert result.evaluations == sum(map(len, seen)) and result.evaluator_calls == len(seen)


def test_an_infinite_cutoff_is_astar_and_a_finite_one_lies_between():
    for name in PROBLEMS:
        instance = PROBLEMS[name]()
        for guide in judges(instance.table).values():
            whole = instance.solve("astar", guide)
            assert counts(instance.solve(SEARCH, guide, cutoff=math.inf)) == counts(whole)
            by_cutoff = [instance.solve(SEARCH, guide, cutoff=cutoff) for cutoff in (0, 1, math.inf)]
            if guide.name == "noisy 1/1" and whole.solved:  # no ties
                nodes = [result.nodes for result in by_cutoff]
                assert nodes == sorted(nodes)


def test_at_the_same_optimal_cost_it_holds_fewer_nodes_for_more_expansions():
    puzzle = make("sliding", size=3)
    rng, table = np.random.default_rng(1), toys.table_of(puzzle)
    held, expanded = np.zeros(2, np.int64), np.zeros(2, np.int64)
    for _ in range(60):
        row = puzzle.random_state(rng)
        partial, whole = partial_expansion(puzzle, row), astar(puzzle, row)
        assert partial.cost == whole.cost == partial.lower_bound == float(table.costs(row)[0])
        held += partial.nodes, whole.nodes
        expanded += partial.expansions, whole.expansions
    assert held[0] < 0.75 * held[1]
    assert expanded[1] < expanded[0] < 2 * expanded[1]


def test_no_node_whose_f_is_above_the_optimum_is_ever_stored():
    """What A* stores and never wants; at a consistent h, where g of what is stored is optimal."""
    domain = make("sliding", size="2x3")
    table = toys.table_of(domain)
    surplus = 0
    for row in table.states[::12]:
        optimum = float(table.costs(row)[0])
        f = toys.distances_from(table, row) - from_heuristic(domain).evaluate(table.states).value
        partial, whole = partial_expansion(domain, row), astar(domain, row)
        assert partial.nodes <= (f <= optimum).sum()
        surplus += whole.nodes > (f <= optimum).sum()
    assert surplus > 5  # A* does


@pytest.mark.parametrize("weight", [0.5, 1, 1.5, 3])
def test_cost_is_within_the_weight_and_the_bound_below_the_optimum_though_h_is_inconsistent(weight):
    sharper = 0
    for seed in range(1, 9):
        instance = problem(wild(seed))
        for luck in range(5):
            guide = toys.unfair(instance.table, luck)
            result = instance.solve(SEARCH, guide, weight=weight)
            assert result.cost <= max(1, weight) * instance.optimum * (1 + 1e-6)
            assert weight != 1 or result.cost == instance.optimum == pytest.approx(result.lower_bound)
            for limit in range(1, 25):
                stopped = instance.solve(SEARCH, guide, Budget(expansions=limit, evaluations=100 - 3 * limit), weight=weight)
                assert stopped.lower_bound <= instance.optimum * (1 + 1e-6)
                sharper += stopped.lower_bound > 0
    assert sharper > 0


def test_a_better_path_to_a_node_that_waits_for_its_rest_starts_it_anew():
    """A (g 4) has let go of C (f 12) when S-B-A, 2, is found: C has f 10 then, and the plan goes by B."""
    instance = problem(graph("anew", "S-A 4, S-B 1, B-A 1, A-C 1, A-D 1, C-G 7, D-K 1"))
    guide = judge(instance.domain, value={"S": -4.0, "A": 0.0, "B": -4.5, "C": -7.0, "D": -20.0}, admissible=True)
    result = instance.solve(SEARCH, guide)
    assert (result.cost, result.lower_bound) == (10.0, 10.0)
    assert result.nodes == 5  # S A B C G; D, with f 23 by B, never is


def test_a_successor_that_is_not_stored_is_judged_anew_and_paid_for():
    """Why this search is excused from the rule that no state is evaluated twice."""
    instance = PROBLEMS["2x3: 4 5 0 1 2 3"]()
    guide = toys.unfair(instance.table, 0)
    seen = []

    def evaluate(states):
        seen.extend(row.tobytes() for row in states)
        return guide.evaluate(states)

    result = instance.solve(SEARCH, dataclasses.replace(guide, evaluate=evaluate, rules=None))
    assert len(set(seen)) < len(seen) == result.evaluations


def test_what_a_judge_wrongly_calls_dead_is_lost_but_never_proven_so():
    instance = PROBLEMS["corridor"]()
    guide = judge(instance.domain, value={"B": -math.inf})
    result = instance.solve(SEARCH, guide)
    assert result.status is Status.EXHAUSTED and result.lower_bound <= instance.optimum
    assert instance.solve(SEARCH, dataclasses.replace(guide, admissible=True)).lower_bound == math.inf  # its word is taken


def test_many_branches_are_where_it_saves_most():
    """Hands of five numbers: up to 60 ways on from a state, few of them wanted."""
    numbers = make("countdown", size=5)
    rng = np.random.default_rng(0)
    held = np.zeros(2)
    for _ in range(20):
        row = numbers.random_state(rng)
        partial, whole = partial_expansion(numbers, row, budget=PLENTY), astar(numbers, row, budget=PLENTY)
        assert partial.cost == whole.cost
        held += partial.nodes, whole.nodes
    assert held[0] < 0.6 * held[1]


def test_a_root_where_the_rules_end_has_no_solution():
    instance = problem(graph("over", "X-A 1, A-G 1"), "X")
    assert instance.solve("astar").status is Status.EXHAUSTED
    assert instance.solve(SEARCH).status is Status.EXHAUSTED
