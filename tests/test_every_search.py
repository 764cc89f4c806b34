"""Every search of the table on every world at hand: one accounting, one budget, one meaning of each status.

A search for one player that is added to SEARCHES is swept by all of this without another line; those for two in test_game_searches.py.
"""

import dataclasses
import inspect
import itertools
import math
import signal
import time

import numpy as np
import pytest
import toys
from toys import FOR_ONE, PROBLEMS, asked, one_sentence

from astarzero.envs import make
from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.search import SEARCHES, Budget, SearchResult, Status, blind, exact_oracle, from_heuristic, noisy_oracle, tabulated

every_search = pytest.mark.parametrize("search", FOR_ONE)
every_problem = pytest.mark.parametrize("name", PROBLEMS)
COUNTED = [field.name for field in dataclasses.fields(SearchResult) if "seconds" not in field.name and field.name != "solutions"]
INFORMED = [name for name in FOR_ONE if SEARCHES[name].heads]
PARTIAL = "partial_expansion_astar"
BEST_FIRST = (  # prove bounds; never give up
    "astar", "greedy_best_first", "uniform_cost", "levin", "phs", "phs_star", PARTIAL, "qstar", "focal", "anytime_astar"
)  # fmt: skip
TREES = ("puct", "uct", "gumbel")
TIRELESS = (*BEST_FIRST, *TREES, "ida", "policy_sampling")  # end by themselves only when everything is searched
TIED = ("policy_sampling", "uniform_cost", "ida", "focal", "anytime_astar", "uct")  # seeds count: bounds tie, and who was never tried
FORGETFUL = ("ida", PARTIAL)  # judge a state anew each time they meet it: that is how they save memory
ROUNDING = 1 + 1e-6  # g and h are float32


def record(result: SearchResult) -> dict[str, object]:
    """Everything but the clock, comparable with ==."""
    fields = {name: getattr(result, name) for name in COUNTED}
    weights = fields.pop("action_weights")
    return {name: repr(value) for name, value in fields.items()} | {"weights": None if weights is None else weights.tolist()}


def options_of(search: str, **options):
    """Those of `options` that the search has."""
    known = inspect.signature(SEARCHES[search].run).parameters
    return {name: value for name, value in options.items() if name in known}


# --- plans, bounds, counters --------------------------------------------------------------------------------------------------


@every_problem
@every_search
def test_a_plan_leads_to_a_goal_at_its_cost_and_no_bound_is_above_the_optimum(search, name):
    problem = PROBLEMS[name]()
    for judge in toys.judges(problem.table).values():
        for goal_test in ("selection", "generation"):
            result = problem.solve(search, judge, **options_of(search, goal_test=goal_test))
            row, cost = problem.root, 0.0
            for action in result.plan:  # by expand, where the search may have used step
                rows, actions, costs = problem.domain.successors(row)
                (taken,) = np.flatnonzero(actions == action)
                row, cost = rows[taken], cost + costs[taken]
            assert result.solved == bool(problem.domain.goal_mask(row)[0])
            assert result.cost == (pytest.approx(cost) if result.solved else math.inf)
            assert result.lower_bound <= problem.optimum * ROUNDING and result.lower_bound <= result.cost
            assert problem.optimum <= result.cost * ROUNDING
            assert result.status in (Status.SOLVED, Status.EXHAUSTED, Status.BUDGET)
            assert result.action == (result.plan[0] if result.plan else result.action)
            assert result.action_weights is None or result.action_weights.sum() == pytest.approx(1)
            assert 0 < result.nodes <= result.generated + 1 and result.peak_bytes > 0


@every_search
def test_every_evaluation_is_counted_and_no_state_is_judged_twice(search):
    for name in ("wild-1", "24: 4 6 8 13", "2x3: 4 5 0 1 2 3"):
        problem = PROBLEMS[name]()
        for judge in toys.judges(problem.table).values():
            seen: list[bytes] = []
            calls = []

            def evaluate(states, judge=judge, seen=seen, calls=calls):
                seen += [row.tobytes() for row in states]
                calls.append(len(states))
                return judge.evaluate(states)

            result = problem.solve(search, dataclasses.replace(judge, evaluate=evaluate, rules=None))
            assert (result.evaluations, result.evaluator_calls) == (len(seen), len(calls))
            assert len(set(seen)) == len(seen) or search in FORGETFUL
            assert bool(seen) == bool(judge.heads & set(SEARCHES[search].heads))
            assert (result.evaluator_seconds > 0) == bool(seen)


@every_problem
@every_search
def test_the_compiled_drive_equals_the_one_that_asks(search, name):
    problem = PROBLEMS[name]()
    for judge, batch in itertools.product(toys.judges(problem.table).values(), (1, 3)):
        options = options_of(search, batch=batch)
        inline, outside = problem.solve(search, judge, **options), problem.solve(search, asked(judge), **options)
        assert record(inline) == record(outside)
        assert inline.evaluator_seconds == 0


@every_search
def test_a_root_that_is_a_goal_costs_nothing(search):
    result = PROBLEMS["2x3: 0 1 2 3 4 5"]().solve(search)
    assert (result.status, result.plan, result.cost, result.lower_bound) == (Status.SOLVED, (), 0.0, 0.0)
    assert (result.expansions, result.generated, result.evaluations, result.action) == (0, 0, 0, None)


@pytest.mark.parametrize("name", ["lost", "24: 1 1 1 1"])
@every_search
def test_an_unsolvable_problem_ends_without_a_nan(search, name):
    problem = PROBLEMS[name]()
    assert problem.optimum == math.inf
    for judge in toys.judges(problem.table).values():  # the exact one says inf, -inf and -inf
        for evaluator in (judge, asked(judge)):
            result = problem.solve(search, evaluator)
            assert result.status is (Status.BUDGET if search == "policy_sampling" else Status.EXHAUSTED)
            assert (result.plan, result.cost) == ((), math.inf) and not math.isnan(result.lower_bound)
            assert result.action_weights is None or np.isfinite(result.action_weights).all()
            if search in BEST_FIRST and (judge.name != "noisy 1/1" or search in ("uniform_cost", "levin")):
                assert result.lower_bound == math.inf  # proven


# --- budgets ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("goal_test", ["selection", "generation"])
@pytest.mark.parametrize("name", ["wild-1", "2x3: 4 5 0 1 2 3", "24: 4 6 8 13"])
@every_search
def test_no_budget_is_exceeded_and_what_n_solves_every_budget_from_n_on_solves(search, name, goal_test):
    problem, options = PROBLEMS[name](), options_of(search, goal_test=goal_test)
    for judge in toys.judges(problem.table).values():
        whole = problem.solve(search, judge, **options)
        for field, batch in itertools.product(("expansions", "evaluations", "nodes"), (1, 3)):
            for limit in (1, 2, 3, 4, 7, 12, 30, 80):
                budget = Budget(**{"expansions": 1000, field: limit})
                result = problem.solve(search, judge, budget, **options, **options_of(search, batch=batch))
                assert getattr(result, field) <= limit
                assert result.solved or result.status is Status.BUDGET or getattr(whole, field) <= limit
                assert result.lower_bound <= problem.optimum * ROUNDING
        if whole.solved and search != "gumbel":  # which plans its root's visits by the budget, so that another one is another search
            for field in ("expansions", "evaluations"):
                enough = Budget(**{"expansions": toys.PLENTY.expansions, field: max(1, getattr(whole, field))})
                assert record(problem.solve(search, judge, enough, **options)) == record(whole)


@every_search
def test_bytes_are_limited(search):
    puzzle = make("sliding", size=3)
    nothing = tabulated(puzzle, puzzle.parse("0 1 2 3 4 5 6 7 8"), Evaluation(), "nothing")
    root = puzzle.parse("8 7 6 0 4 1 2 5 3")
    for limit in (1_000, 100_000, 400_000):
        options = options_of(search, width=64, bound=blind(puzzle))
        result = SEARCHES[search](puzzle, root, nothing, budget=Budget(bytes=limit, expansions=40_000), **options)
        assert result.peak_bytes <= limit and 0 <= result.lower_bound <= 31  # no board is farther than 31
        if limit == 1_000 or search in BEST_FIRST or search in TREES:
            assert result.status is Status.MEMORY and not result.plan


def seek_forever(search, seconds):
    """A compiled search for Korf's first instance of the 15-puzzle (57 moves), guided by nothing."""
    puzzle = make("sliding", size=4)
    goal, root = (puzzle.parse(board) for board in (" ".join(map(str, range(16))), "14 13 15 7 11 12 9 5 6 0 2 1 4 8 10 3"))
    nothing, budget = tabulated(puzzle, goal, Evaluation(), "nothing"), Budget(seconds=seconds, bytes=1 << 30)
    return SEARCHES[search](puzzle, root, nothing, budget=budget, **options_of(search, bound=blind(puzzle)))


@pytest.mark.parametrize("search", TIRELESS)
def test_seconds_are_limited(search):
    seek_forever(search, 1e-9)  # it is compiled now
    result = seek_forever(search, 0.1)
    assert result.status is Status.BUDGET
    assert 0.1 <= result.seconds < 2.0  # a slice is 20 ms, but the machine may be busy


@pytest.mark.parametrize("search", sorted(set(TIRELESS) & set(INFORMED) - {"focal"}))  # focal asks once here, and goes by its bound
def test_seconds_are_limited_while_an_evaluator_takes_its_time(search):
    problem = PROBLEMS["2x3: 4 5 0 1 2 3"]()
    wrong = noisy_oracle(problem.table, 9.0, 9.0, 0)

    def evaluate(states):
        time.sleep(0.01)
        return wrong.evaluate(states)

    judge, options = dataclasses.replace(wrong, evaluate=evaluate, rules=None), options_of(search, proof=0)
    result = problem.solve(search, judge, Budget(seconds=0.06), **options)
    assert result.status is Status.BUDGET and result.evaluator_calls <= 6
    assert 0.06 <= result.seconds < 1.0 and result.evaluator_seconds > 0.01 * result.evaluator_calls


@pytest.mark.parametrize("search", TIRELESS)
def test_ctrl_c_ends_a_compiled_search_with_what_it_has(search):
    def press(number, frame):
        raise KeyboardInterrupt

    seek_forever(search, 1e-9)  # it is compiled now
    before = signal.signal(signal.SIGALRM, press)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        result = seek_forever(search, 20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert result.status is Status.INTERRUPTED and not result.plan
    assert result.expansions > 0 and 0 <= result.lower_bound <= 57


@pytest.mark.parametrize("after", [0, 1, 2, 5])
@pytest.mark.parametrize("name", ["wild-1", "wild-5", "2x3: 4 5 0 1 2 3"])
@pytest.mark.parametrize("search", INFORMED)
def test_ctrl_c_within_the_evaluator_leaves_a_valid_bound(search, name, after):
    problem = PROBLEMS[name]()
    for judge in (exact_oracle(problem.table), toys.unfair(problem.table, 0), noisy_oracle(problem.table, 1.0, 1.0, 0)):
        left = iter(range(after))

        def evaluate(states, judge=judge, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return judge.evaluate(states)

        result = problem.solve(search, dataclasses.replace(judge, evaluate=evaluate, rules=None), **options_of(search, batch=2))
        assert result.status in (Status.INTERRUPTED, Status.SOLVED)
        assert result.lower_bound <= problem.optimum * ROUNDING


# --- seeds -----------------------------------------------------------------------------------------------------------------


@every_search
def test_the_same_seed_gives_the_same_and_seeds_change_ties_only(search):
    for name in ("wild-5", "2x3: 4 5 0 1 2 3"):
        problem = PROBLEMS[name]()
        options = options_of(search, goal_test="generation")
        for kind, judge in toys.judges(problem.table).items():
            first, again, *others = (record(problem.solve(search, judge, seed=seed, **options)) for seed in (0, 0, 1, 2, 3))
            assert first == again
            if kind == "nothing" and name.startswith("2x3"):
                assert any(other != first for other in others)  # to the blind everything is a tie
            if kind == "noisy" and search not in TIED:
                assert all(other == first for other in others)  # noise leaves none


# --- bad input ----------------------------------------------------------------------------------------------------------------


def spoiled(judge: Evaluator, head: str, spoil) -> Evaluator:
    return dataclasses.replace(
        judge, name="broken", rules=None, evaluate=lambda states: judge.evaluate(states)._replace(**{head: spoil(states)})
    )


FIELDS = {"value": "value", "q": "q", "prior": "prior_logits"}


@pytest.mark.parametrize("search", INFORMED)
def test_a_judge_that_gives_nan_or_a_wrong_shape_gets_one_sentence(search):
    problem = PROBLEMS["trap"]()
    exact = exact_oracle(problem.table)
    for head in SEARCHES[search].heads:
        shape = () if head == "value" else (problem.domain.num_actions,)
        nan = spoiled(exact, FIELDS[head], lambda states, shape=shape: np.full((len(states), *shape), np.nan))
        long = spoiled(exact, FIELDS[head], lambda states, shape=shape: np.zeros((len(states) + 1, *shape)))
        for judge, complaint in ((nan, "not a number"), (long, f"gave {FIELDS[head]} of shape ({problem.domain.num_actions}")):
            with pytest.raises(ValueError, match="Evaluator broken") as error:
                problem.solve(search, judge)
            assert complaint.split(" (")[0] in one_sentence(error)


@pytest.mark.parametrize("head", ["value", "q", "prior"])
def test_a_table_with_nan_or_without_a_state_gets_one_sentence(head):
    problem = PROBLEMS["corridor"]()  # too long to be solved by one answer
    states, width = problem.table.states, problem.domain.num_actions
    shape = (len(states),) if head == "value" else (len(states), width)
    nan = tabulated(problem.domain, states, Evaluation(**{FIELDS[head]: np.full(shape, np.nan)}), "holes")
    short = tabulated(problem.domain, states[:1], Evaluation(**{FIELDS[head]: np.zeros(shape)[:1]}), "holes")
    for search in (name for name in INFORMED if head in SEARCHES[name].heads):
        for judge in (nan, short, asked(short)) if search != "focal" else (nan,):  # focal may end before it asks a second time
            with pytest.raises(ValueError, match="holes") as error:
                problem.solve(search, judge)
            one_sentence(error)
    with pytest.raises(ValueError, match="has q of shape") as error:
        tabulated(problem.domain, states, Evaluation(q=np.zeros((len(states), width + 1))), "holes")
    one_sentence(error)


@pytest.mark.parametrize("search", [name for name in FOR_ONE if "prior" in SEARCHES[name].heads])
def test_a_policy_without_weight_on_legal_actions_is_refused_or_gets_stuck(search):
    problem = PROBLEMS["corridor"]()
    nowhere = Evaluation(prior_logits=np.full((len(problem.table.states), problem.domain.num_actions), -np.inf))
    judge = tabulated(problem.domain, problem.table.states, nowhere, "mute")
    if search in ("policy_argmax", "policy_sampling"):
        assert not problem.solve(search, judge).solved
    else:
        with pytest.raises(ValueError, match="Evaluator mute") as error:
            problem.solve(search, judge)
        one_sentence(error)


@pytest.mark.parametrize(
    "option", [{"batch": 0}, {"weight": 0}, {"weight": math.nan}, {"width": 0}, {"max_steps": 0}, {"c_puct": -1}, {"temperature": -1},
               {"temperature": math.nan}, {"goal_test": "often"}, {"mix": -0.1}, {"mix": 1.5}, {"mix": math.nan}, {"cutoff": -1},
               {"proof": -1}, {"promise": 0.9}, {"promise": math.inf}]
)  # fmt: skip
def test_an_option_out_of_range_gets_one_sentence(option):
    (name,) = option
    for search in FOR_ONE:
        if options_of(search, **option):
            with pytest.raises(ValueError, match=f"Option {name} is") as error:
                PROBLEMS["trap"]().solve(search, **option)
            one_sentence(error)


def test_sampling_asks_for_a_limit_that_is_sure_to_end_it():
    problem = PROBLEMS["lost"]()
    for budget in (Budget(), Budget(evaluations=100), Budget(nodes=100)):  # it judges and holds a state only once
        with pytest.raises(ValueError, match="may never end") as error:
            problem.solve("policy_sampling", budget=budget)
        one_sentence(error)


@pytest.mark.parametrize("limit", [0, -1, math.nan])
def test_a_budget_of_nothing_is_refused(limit):
    for field in dataclasses.fields(Budget):
        with pytest.raises(ValueError, match=f"budget of {field.name}") as error:
            Budget(**{field.name: limit})
        one_sentence(error)


def test_a_head_that_does_not_exist_is_refused():
    judge = from_heuristic(PROBLEMS["trap"]().domain)
    assert judge.only("value").heads == {"value"} and judge.only(()).heads == set()
    with pytest.raises(ValueError, match="policy") as error:
        judge.only({"policy"})
    one_sentence(error)
