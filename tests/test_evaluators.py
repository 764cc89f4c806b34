"""Where guidance comes from: a heuristic, tables, exact and noisy oracles, and the masks between regimes."""

import dataclasses
import math

import numpy as np
import pytest
import toys
from toys import PROBLEMS, asked, judge

from astarzero.envs import make
from astarzero.envs.evaluation import HEADS, Evaluation
from astarzero.search import SEARCHES, blind, exact_oracle, from_heuristic, noisy_oracle, tabulated
from astarzero.search.evaluator import exact_answers, lowered, maximum

COUNTED = ("status", "plan", "cost", "lower_bound", "expansions", "generated", "evaluations", "evaluator_calls", "nodes")


def counted(result):
    return [getattr(result, name) for name in COUNTED]


@pytest.fixture(scope="module")
def puzzle():
    return toys.table_of(make("sliding", size="2x3"))


# --- a heuristic ---------------------------------------------------------------------------------------------------------------------


def test_a_heuristic_is_a_value_with_the_sign_turned(puzzle):
    manhattan, guess = from_heuristic(puzzle.domain), from_heuristic(toys.inconsistent(), "guess")
    answer = manhattan.evaluate(puzzle.domain.parse("3 1 2 4 0 5")[None])
    assert answer.value.tolist() == [-2.0] and answer.q is None and answer.prior_logits is None
    assert guess.evaluate(toys.inconsistent().instance_sets["all"]()).value.tolist() == [-3.5, -0.0, -2.5, -0.0]  # S A B G
    assert manhattan.heads == {"value"} and manhattan.admissible and manhattan.name == "manhattan"
    assert not from_heuristic(toys.graph("bold", "S-G 1", {"S": 9.0}, admissible=False)).admissible


@pytest.mark.parametrize("search", ["astar", "greedy_best_first"])
def test_the_incremental_heuristic_in_the_kernel_equals_the_full_one_from_outside(search, puzzle):
    manhattan = dataclasses.replace(from_heuristic(puzzle.domain), whole=False)  # else the kernel takes another open list
    for row in puzzle.states[::11]:
        inside, outside = (SEARCHES[search](puzzle.domain, row, evaluator) for evaluator in (manhattan, asked(manhattan)))
        assert counted(inside) == counted(outside)


def test_the_default_is_the_first_heuristic_and_blind_knows_and_costs_nothing(puzzle):
    row, guides = puzzle.domain.parse("4 5 0 1 2 3"), (None, from_heuristic(puzzle.domain), blind(puzzle.domain))
    default, named, nothing = (SEARCHES["astar"](puzzle.domain, row, guide) for guide in guides)
    assert counted(default) == counted(named) and default.evaluations > 0
    assert nothing.evaluations == 0 and nothing.cost == default.cost and nothing.expansions > default.expansions
    assert blind(puzzle.domain).heads == set() and from_heuristic(puzzle.domain, "blind").name == "blind"
    assert blind(puzzle.domain).evaluate(row[None]) == Evaluation(None, None, None)


def test_an_inadmissible_heuristic_gives_no_bound_but_g():
    """h(S) = 9 on a street of cost 1: had the search believed it, the bound would be above the optimum."""
    bold = toys.graph("bold", "S-A 1, A-G 1", {"S": 9.0, "A": 9.0}, admissible=False)
    result = toys.problem(bold).solve("astar", from_heuristic(bold), toys.Budget(expansions=1))
    assert result.lower_bound == 1.0
    believed = dataclasses.replace(from_heuristic(bold), admissible=True)
    assert toys.problem(bold).solve("astar", believed, toys.Budget(expansions=1)).lower_bound == 10.0


# --- exact and noisy -----------------------------------------------------------------------------------------------------------------


def test_exact_answers_of_the_trap():
    """Vertices S T A U X G; h* of S 4, A 2, G 0; T, U and X are dead."""
    table = PROBLEMS["trap"]().table
    order = table.graph.index(np.array([table.domain.parse(vertex) for vertex in "STAUXG"]))
    answers = exact_answers(table)
    assert answers.value[order].tolist() == [-4.0, -math.inf, -2.0, -math.inf, -math.inf, 0.0]
    inf = math.inf
    assert answers.q[order].tolist() == [[-inf, -4], [-inf, -inf], [-2, -5], [-inf, -inf], [-inf, -inf], [-inf, -inf]]
    assert answers.prior_logits[order].tolist() == [[-30, 0], [0, 0], [0, -30], [0, 0], [0, 0], [0, 0]]


def test_exact_answers_of_the_puzzle_agree_with_each_other(puzzle):
    answers = exact_answers(puzzle)
    best = answers.q.max(axis=1)
    unsolved = ~puzzle.graph.goal
    assert np.array_equal(best[unsolved], answers.value[unsolved])
    assert np.array_equal((answers.q == best[:, None])[unsolved], (answers.prior_logits == 0)[unsolved])


def test_noise_is_one_normal_draw_a_state_of_the_size_asked_for(puzzle):
    """360 draws: the standard error of their deviation is a 27th of it. States near the goal are left out, as values end at 0."""
    exact, far = exact_answers(puzzle), puzzle.cost_to_go > 8
    noisy = noisy_oracle(puzzle, value_noise=2.0, prior_noise=0.5, seed=0)
    assert not noisy.admissible and noisy.heads == set(HEADS)
    first, again = noisy.evaluate(puzzle.states), noisy.evaluate(puzzle.states[::-1])
    assert all(np.array_equal(one, other[::-1]) for one, other in zip(first, again, strict=True))
    assert (first.value <= 0).all() and (first.q <= 0).all()
    off = first.value - exact.value
    assert off[far].mean() == pytest.approx(0, abs=0.4) and off[far].std() == pytest.approx(2.0, abs=0.3)
    legal = np.isfinite(exact.q) & far[:, None]
    assert (first.q - exact.q)[legal].std() == pytest.approx(2.0, abs=0.2)
    assert (first.prior_logits - np.maximum(exact.prior_logits, -5)).std() == pytest.approx(0.5, abs=0.04)
    other = noisy_oracle(puzzle, 2.0, 0.5, seed=1).evaluate(puzzle.states)
    assert abs(np.corrcoef(off[far], (other.value - exact.value)[far])[0, 1]) < 0.25


def test_without_noise_it_is_exact_but_for_dead_ends_which_cost_twice_the_dearest_state():
    table = PROBLEMS["trap"]().table
    clean, exact = noisy_oracle(table, 0.0, 0.0, 0).evaluate(table.states), exact_answers(table)
    alive = np.isfinite(exact.value)
    assert np.array_equal(clean.value[alive], exact.value[alive]) and (clean.value[~alive] == -8).all()
    assert (noisy_oracle(table, 0.0, 0.0, 0, dead_cost=50).evaluate(table.states).value[~alive] == -50).all()


# --- masks -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [(), ("value",), ("q",), ("prior",), ("value", "prior")])
def test_a_mask_hides_heads_from_both_faces(kept):
    table = PROBLEMS["wild-1"]().table
    exact = exact_oracle(table)
    masked = exact.only(kept)
    answer = masked.evaluate(table.states)
    assert masked.heads == set(kept) and masked.rules is exact.rules
    for head, field in (("value", "value"), ("q", "q"), ("prior", "prior_logits")):
        given = getattr(answer, field)
        assert given is None if head not in kept else np.array_equal(given, getattr(exact.evaluate(table.states), field))
    assert [len(array) for array in masked.tables[2:]] == [len(table.states) * (head in kept) for head in ("value", "prior", "q")]


@pytest.mark.parametrize("search", toys.FOR_ONE)
def test_a_search_sees_what_it_reads_and_nothing_else(search):
    """With the heads that it reads it does the same as with all; without them the same as with nothing, at no evaluation."""
    for name in ("wild-5", "2x3: 4 5 0 1 2 3"):
        problem = PROBLEMS[name]()
        exact, reads = exact_oracle(problem.table), SEARCHES[search].heads
        nothing = toys.judges(problem.table)["nothing"]
        whole, kept, hidden, blindfold = (
            problem.solve(search, guide) for guide in (exact, exact.only(reads), exact.only(set(HEADS) - set(reads)), nothing)
        )
        assert counted(whole) == counted(kept) and counted(hidden) == counted(blindfold)
        assert hidden.evaluations == 0 and bool(kept.evaluations) == bool(reads)
        assert counted(problem.solve(search, asked(exact).only(reads))) == counted(kept)
        assert counted(problem.solve(search, asked(exact.only(())))) == counted(blindfold)


def test_a_mask_over_compiled_rules_puts_zeros_in_their_place():
    problem = PROBLEMS["inconsistent"]()
    guess = from_heuristic(problem.domain)
    hidden, kept = guess.only(()), guess.only("value")
    assert hidden.rules["node_value"] is not guess.rules["node_value"] and kept.rules["node_value"] is guess.rules["node_value"]
    assert hidden.evaluate(problem.table.states).value is None
    assert hidden.only("value").heads == set()  # what is hidden stays hidden


# --- tables ----------------------------------------------------------------------------------------------------------------------------


def test_a_table_reads_its_rows_in_any_layout():
    """Columns of a larger array, float64, lists of another order: all become the same contiguous float32."""
    table = PROBLEMS["wild-1"]().table
    count, width = len(table.states), table.domain.num_actions
    wide = np.arange(2.0 * count * width).reshape(count, 2 * width)
    guide = tabulated(table.domain, table.states[::-1], Evaluation(q=wide[::-1, ::2], value=wide[::-1, 1]), "wide")
    answer = guide.evaluate(table.states)
    assert np.array_equal(answer.q, wide[:, ::2].astype(np.float32)) and np.array_equal(answer.value, wide[:, 1].astype(np.float32))
    assert guide.heads == {"q", "value"} and all(array.flags.c_contiguous for array in guide.tables)
    with pytest.raises(ValueError, match="does not hold") as error:
        tabulated(table.domain, table.states[:3], Evaluation(value=np.zeros(3)), "short").evaluate(table.states)
    toys.one_sentence(error)


def test_a_judge_written_by_hand_says_what_it_was_told():
    guide = judge(toys.trap(), value={"A": -2.0}, prior={"S-A": 1.5}, q={"A-S": -6.0})
    rows = np.array([toys.trap().parse(vertex) for vertex in "SA"])
    answer = guide.evaluate(rows)
    assert (answer.value.tolist(), answer.prior_logits.tolist(), answer.q.tolist()) == ([0, -2], [[0, 1.5], [0, 0]], [[0, 0], [0, -6]])


# --- made of others ------------------------------------------------------------------------------------------------------------------


def test_the_maximum_is_the_larger_estimate_in_the_kernel_and_from_outside(puzzle):
    """A random share of the truth is now above Manhattan, now below it; the child rule must not be fed the larger of the two."""
    manhattan, random = from_heuristic(puzzle.domain), toys.unfair(puzzle, 3)
    for one, other in ((manhattan, random), (random, manhattan)):
        larger = maximum(one, other)
        costs = [-guide.evaluate(puzzle.states).value for guide in (larger, one, other)]
        assert np.array_equal(costs[0], np.maximum(costs[1], costs[2])) and not np.array_equal(costs[0], costs[1])
        assert larger.rules is not None and larger.admissible and not larger.whole and larger.heads == {"value"}
        in_a_table = tabulated(puzzle.domain, puzzle.states, larger.evaluate(puzzle.states), "max", admissible=True)
        for row in puzzle.states[::23]:
            assert counted(SEARCHES["astar"](puzzle.domain, row, larger)) == counted(SEARCHES["astar"](puzzle.domain, row, in_a_table))
            assert counted(SEARCHES["astar"](puzzle.domain, row, asked(larger))) == counted(SEARCHES["astar"](puzzle.domain, row, larger))


def test_a_maximum_is_admissible_only_if_both_are_and_dead_ends_stay_dead():
    table = PROBLEMS["trap"]().table
    exact, noisy = exact_oracle(table), noisy_oracle(table, 1.0, 1.0, 0)
    both = maximum(exact, noisy)
    assert not both.admissible and not maximum(noisy, exact).admissible and maximum(exact, exact).admissible
    assert np.isneginf(both.evaluate(table.states).value[~np.isfinite(table.cost_to_go)]).all()


def test_a_maximum_whose_rules_meet_under_one_name_is_asked_from_python():
    """Two heuristics both bring a hook `heuristic`, a maximum of a maximum brings `first_value` again: neither may run the other's."""
    tiles = make("sliding", size="2x3")
    manhattan, conflict = from_heuristic(tiles, "manhattan"), from_heuristic(tiles, "linear-conflict")
    pair = maximum(manhattan, conflict)
    nested = maximum(maximum(manhattan, exact_oracle(toys.table_of(tiles))), exact_oracle(toys.table_of(tiles)))
    assert pair.rules is None and nested.rules is None and maximum(asked(manhattan), exact_oracle(toys.table_of(tiles))).rules is None
    row = tiles.parse("4 5 0 1 2 3")
    assert SEARCHES["astar"](tiles, row, pair).cost == SEARCHES["astar"](tiles, row, nested).cost == toys.table_of(tiles).costs(row)[0]


def test_lowered_takes_the_offset_off_and_stops_at_nothing(puzzle):
    exact = exact_oracle(puzzle)
    less = lowered(exact, 2.5)
    assert np.array_equal(-less.evaluate(puzzle.states).value, np.maximum(puzzle.cost_to_go - 2.5, 0))
    assert less.admissible and not lowered(exact, -1.0).admissible and less.name == "exact - 2.5" and less.heads == {"value"}
    for make_one in (lambda guide: lowered(guide, 1.0), lambda guide: maximum(exact, guide)):
        with pytest.raises(ValueError, match="has no value head") as error:
            make_one(blind(puzzle.domain))
        toys.one_sentence(error)


@pytest.mark.parametrize("goal_test", ["selection", "generation"])
def test_inspect_sees_the_arrays_of_the_ended_search_and_changes_nothing(puzzle, goal_test):
    seen, row, guide = [], puzzle.domain.parse("4 5 0 1 2 3"), toys.unfair(puzzle, 3)
    watched = SEARCHES["astar"](puzzle.domain, row, guide, goal_test=goal_test, inspect=seen.append)
    assert counted(watched) == counted(SEARCHES["astar"](puzzle.domain, row, guide, goal_test=goal_test))
    (drive,) = seen
    assert len(np.unique(drive.nodes["states"][: watched.nodes])) == watched.nodes and np.array_equal(drive.nodes["states"][0], row)
