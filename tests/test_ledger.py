"""The ledger against answers known by heart: planted estimates, brute force over paths, theorems that hold and checks that can fail."""

import math

import numpy as np
import pytest
import toys
from toys import PROBLEMS, one_sentence

from astarzero.envs import make
from astarzero.envs.evaluation import Evaluation
from astarzero.experiments import ledger
from astarzero.experiments.audit_searches import search_all
from astarzero.search import SEARCHES, Budget, SearchResult, Status, from_heuristic, noisy_oracle, tabulated

WORLDS = ("2x3: 4 5 0 1 2 3", "wild-1", "wild-5", "trap", "corridor")


@pytest.fixture(scope="module")
def puzzle():
    return toys.table_of(make("sliding", size="2x3"))


def guide_of(table, h):
    return tabulated(table.domain, table.states, Evaluation(value=-h), "planted", slots=table.graph.slots)


def raised(table, by):
    """h* + `by` as a search sees it: 0 at goals."""
    return np.where(table.graph.goal, 0.0, table.cost_to_go + by)


# --- one state at a time ---------------------------------------------------------------------------------------------------------


def test_planted_estimates_have_the_ledger_known_by_heart(puzzle):
    exact, nothing = puzzle.cost_to_go, np.zeros(len(puzzle.states))
    mean = float(exact.mean())
    assert ledger.overestimates(exact, exact) == {
        "states": 360, "over_share": 0, "over_mean": 0, "over_max": 0, "mean_h": mean, "mean_exact": mean
    }  # fmt: skip
    blind = ledger.overestimates(nothing, exact)
    assert (blind["over_share"], blind["over_max"], blind["mean_h"]) == (0, 0, 0)  # admissible, and says nothing
    above = ledger.overestimates(exact + 1, exact)
    assert (above["over_share"], above["over_mean"], above["over_max"]) == (1, 1, 1) and above["mean_h"] == pytest.approx(mean + 1)
    mixed = exact + np.where(exact > 10, 2.0, -1.0)
    found = ledger.overestimates(mixed, exact)
    assert found["over_share"] == np.mean(exact > 10) and found["over_mean"] == found["over_max"] == 2


def test_dead_ends_cannot_be_overestimated_and_goals_are_never_asked():
    table = PROBLEMS["trap"]().table
    h = ledger.judged_costs(table, Evaluation(value=np.full(len(table.states), -7.0, np.float32)))
    assert (h[table.graph.goal] == 0).all() and np.isposinf(h[table.graph.dead]).all()
    assert ledger.overestimates(h, table.cost_to_go)["states"] == np.isfinite(table.cost_to_go).sum() < len(table.states)
    assert (ledger.judged_costs(table, Evaluation(value=np.full(len(table.states), 3.0)))[~table.graph.dead] == 0).all()  # h >= 0
    with pytest.raises(ValueError, match="hold no value head") as error:
        ledger.judged_costs(table, Evaluation())
    one_sentence(error)


def test_strata_and_pairs_hold_every_state_once(puzzle):
    exact = puzzle.cost_to_go
    h = exact + np.where(exact == 9, 1.0, 0.0)
    strata = ledger.by_stratum(h, exact)
    assert [one["exact"] for one in strata] == list(range(22)) and sum(one["states"] for one in strata) == 360
    assert [one["exact"] for one in strata if one["over_share"]] == [9]
    cells = ledger.pairs(h, exact)
    assert sum(count for *_, count in cells) == 360 and [cell[:2] for cell in cells if cell[0] != cell[1]] == [[9, 10]]
    wide = ledger.by_stratum(100 * exact, 100 * exact)  # up to 2,100: bands, not 2,100 strata
    assert len(wide) <= ledger.MOST_STRATA and sum(one["states"] for one in wide) == 360


# --- edges -----------------------------------------------------------------------------------------------------------------------


def test_inconsistent_edges_by_hand():
    """S-A 2, S-B 1, B-A 0.5, A-G 2 with h = 3.5, 0, 2.5, 0: S-A is broken by 1.5 and B-A by 2; S-B and A-G just hold."""
    domain = toys.inconsistent()
    table = toys.table_of(domain)
    h = ledger.judged_costs(table, from_heuristic(domain).evaluate(table.states))
    assert ledger.inconsistencies(table, h) == {"edge_share": 0.5, "edge_worst": 2.0}
    assert ledger.inconsistencies(table, table.cost_to_go) == {"edge_share": 0.0, "edge_worst": 0.0}
    searches = search_all(domain, domain.parse("S")[None], from_heuristic(domain), Budget(), 0)
    assert searches.reopened == [1] and searches.results[0].cost == 3.5 and len(searches.popped[0]) == 3  # A is taken up again


@pytest.mark.parametrize("name", WORLDS)
def test_clipped_is_the_largest_consistent_estimate_below_h_and_pathmax_the_least_above(name):
    table = PROBLEMS[name]().table
    rng = np.random.default_rng(0)
    for _ in range(5):
        h = np.where(table.graph.goal, 0.0, np.where(table.graph.dead, np.inf, 3 * rng.random(len(table.states)) * 6))
        away = np.array([toys.distances_from(table, row) for row in table.states])  # [from, to]
        low, high = ledger.clipped(table, h), ledger.pathmax(table, h)
        assert np.allclose(low, (away + h[None]).min(1))  # h(t) + the way to t: nothing consistent is larger
        assert ledger.inconsistencies(table, low)["edge_share"] == 0 == ledger.overestimates(low, table.cost_to_go)["over_share"]
        assert (high >= h).all() and ((high > h) <= ~table.graph.goal).all()
        into_goals = table.graph.goal[table.graph.child]
        before, after = high[table.graph.edge_parent], table.graph.cost + high[table.graph.child]
        alive = np.isfinite(before) & ~table.graph.goal[table.graph.edge_parent]
        assert (before <= after + 1e-6)[alive & ~into_goals].all()


def test_a_consistent_estimate_is_left_alone(puzzle):
    h = ledger.judged_costs(puzzle, from_heuristic(puzzle.domain).evaluate(puzzle.states))
    assert np.array_equal(ledger.clipped(puzzle, h), h) and np.array_equal(ledger.pathmax(puzzle, h), h)


# --- paths -----------------------------------------------------------------------------------------------------------------------


def least_worst(table, over, state):
    """Over all optimal paths from `state`, the least of their greatest `over`, by trying every one."""
    if table.graph.goal[state]:
        return 0.0
    edges = range(table.graph.first_edge[state], table.graph.first_edge[state + 1])
    onward = [least_worst(table, over, int(table.graph.child[edge])) for edge in edges if table.edge_optimal[edge]]
    return max(over[state], min(onward, default=math.inf))


@pytest.mark.parametrize("name", WORLDS)
def test_the_bound_is_the_least_worst_overestimate_of_the_optimal_paths(name):
    table = PROBLEMS[name]().table
    h = ledger.judged_costs(table, noisy_oracle(table, 2.0, 0.0, 0).evaluate(table.states))
    over = np.where(np.isfinite(table.cost_to_go), h - np.nan_to_num(table.cost_to_go, posinf=0.0), np.inf)
    bounds = ledger.path_bounds(table, h)
    for state in range(0, len(table.states), max(1, len(table.states) // 60)):
        assert bounds[state] == (least_worst(table, over, state) if np.isfinite(table.cost_to_go[state]) else math.inf)


def test_planted_bounds(puzzle):
    unsolved = ~puzzle.graph.goal
    assert (ledger.path_bounds(puzzle, puzzle.cost_to_go) == 0).all()
    assert (ledger.path_bounds(puzzle, raised(puzzle, 1.0))[unsolved] == 1).all()
    assert ledger.certified(np.array([0.0, 0.9, 1.0]), whole_costs=True).tolist() == [True, True, False]
    assert ledger.certified(np.array([0.0, 0.9, 1.0]), whole_costs=False).tolist() == [True, False, False]


def test_an_excess_can_meet_the_bound_exactly():
    """S-A-G costs 2, S-G costs 3. With h = h* + 1 the goal at 3 ties with A, and the tie goes to the goal: excess 1, bound 1."""
    domain = toys.graph("tie", "S-A 1, A-G 1, S-G 3")
    table = toys.table_of(domain)
    root = domain.parse("S")[None]
    searches = search_all(domain, root, guide_of(table, raised(table, 1.0)), Budget(), 0)
    bounds = ledger.path_bounds(table, raised(table, 1.0))[table.graph.index(root)]
    found = ledger.searched(searches.results, table.costs(root), bounds)
    assert (found["excess_mean"], found["bound_mean"], found["violations"]) == (1, 1, 0)
    assert ledger.searched(searches.results, table.costs(root), bounds - 0.5)["violations"] == 1  # the check can fail


@pytest.mark.parametrize("name", WORLDS)
def test_no_search_breaks_the_bound_whatever_h_says(name):
    table = PROBLEMS[name]().table
    roots = np.flatnonzero(np.isfinite(table.cost_to_go))[:: max(1, len(table.states) // 100)]
    worst = 0.0
    for seed in range(4):
        h = ledger.judged_costs(table, noisy_oracle(table, 3.0, 0.0, seed).evaluate(table.states))
        results = search_all(table.domain, table.states[roots], guide_of(table, h), Budget(), seed).results
        found = ledger.searched(results, table.cost_to_go[roots], ledger.path_bounds(table, h)[roots])
        assert found["violations"] == 0 and found["solved"] == len(roots)
        worst = max(worst, found["excess_max"])
    assert worst > 0 or name in ("trap", "corridor")  # one way only there; elsewhere the theorem had something to forbid


# --- Levin -----------------------------------------------------------------------------------------------------------------------


def policy(table, seed):
    """Random logits."""
    logits = np.random.default_rng(seed).normal(size=(len(table.states), table.domain.num_actions))
    return Evaluation(prior_logits=logits.astype(np.float32))


def cheapest_path(table, log_pi, state, most):
    """min depth / pi over all paths of at most so many steps from `state` to a goal, by walking every one."""
    best, pending = math.inf, [(state, 0, 0.0)]
    while pending:
        here, depth, total = pending.pop()
        if table.graph.goal[here]:
            best = min(best, depth * math.exp(-total))
        elif depth < most:
            edges = range(table.graph.first_edge[here], table.graph.first_edge[here + 1])
            pending += [(int(table.graph.child[edge]), depth + 1, total + log_pi[edge]) for edge in edges]
    return best


@pytest.mark.parametrize("name", ["corridor", "wild-1", "trap"])
def test_levins_bound_is_the_best_path_of_all(name):
    table = PROBLEMS[name]().table
    log_pi = ledger.log_policy(table, policy(table, 1))
    total = np.zeros(len(table.states))
    np.add.at(total, table.graph.edge_parent, np.exp(log_pi))
    assert np.allclose(total[np.diff(table.graph.first_edge) > 0], 1)  # a distribution over the legal actions
    bounds = ledger.levin_bounds(table, log_pi)
    for state in range(min(len(table.states), 12)):
        by_hand = cheapest_path(table, log_pi, state, 8)
        assert bounds[state] == pytest.approx(by_hand) or (bounds[state] < by_hand and math.isfinite(by_hand))  # a longer path won
    assert np.array_equal(np.isfinite(bounds), np.isfinite(table.cost_to_go))


@pytest.mark.parametrize("name", ["2x3: 4 5 0 1 2 3", "wild-5", "corridor"])
def test_no_levin_search_breaks_its_bound(name):
    table = PROBLEMS[name]().table
    answers = policy(table, 3)
    guide = tabulated(table.domain, table.states, answers, "random", slots=table.graph.slots)
    roots = np.flatnonzero(np.isfinite(table.cost_to_go))[:: max(1, len(table.states) // 60)]
    results = [SEARCHES["levin"](table.domain, table.states[root], guide) for root in roots]
    own = ledger.own_bounds(guide, table.domain, table.states[roots], results)
    best = ledger.levin_bounds(table, ledger.log_policy(table, answers))[roots]
    assert (best <= own * (1 + 1e-6)).all()  # the path found is one of all
    found = ledger.levin_summary(results, own, best)
    assert (found["own_violations"], found["best_violations"], found["solved"]) == (0, 0, len(roots))
    assert ledger.levin_summary(results, own / 1e6, best)["own_violations"] > 0  # the check can fail


def test_an_audit_without_a_policy_is_one_sentence(puzzle):
    manhattan = from_heuristic(puzzle.domain)
    for ask in (
        lambda: ledger.log_policy(puzzle, Evaluation()),
        lambda: ledger.plan_log_policy(puzzle.domain, manhattan, puzzle.states[5], (0,)),
    ):
        with pytest.raises(ValueError, match=r"(has|hold) no prior head") as error:
            ask()
        one_sentence(error)
    assert ledger.plan_log_policy(puzzle.domain, manhattan, puzzle.states[0], ()) == 0.0


def test_an_unsolved_search_breaks_nothing():
    unsolved = SearchResult(Status.BUDGET, expansions=10**6)
    assert ledger.levin_summary([unsolved], np.array([math.inf]))["own_violations"] == 0
    found = ledger.searched([unsolved], np.array([3.0]), np.array([0.0]))
    assert (found["solved"], found["violations"], found["excess_mean"], found["optimal_share"]) == (0, 0, None, None)


# --- margins ---------------------------------------------------------------------------------------------------------------------


def test_the_margin_is_the_order_statistic_that_split_conformal_prediction_names():
    over = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))  # 1..99
    assert ledger.conformal_margin(over, 0.05) == 95  # ceil(100 * .95)
    assert ledger.conformal_margin(over, 0.1) == 90 and ledger.conformal_margin(over[:19], 0.05) == over[:19].max()
    assert ledger.conformal_margin(over - 200, 0.05) == 0  # safe enough already: never raised
    assert ledger.conformal_margin(np.stack([over, over + 1]), 0.05).tolist() == [95, 96]
    for states, alpha in ((18, 0.05), (0, 0.5), (30, 0.0), (30, 1.0)):
        with pytest.raises(ValueError, match=r"cannot calibrate|must lie between 0 and 1") as error:
            ledger.conformal_margin(np.arange(float(states)), alpha)
        one_sentence(error)


@pytest.mark.parametrize(("states", "alpha"), [(19, 0.05), (50, 0.1), (200, 0.3)])
def test_the_promise_holds_on_average_over_exchangeable_draws_and_is_not_wasted(states, alpha):
    """Coverage is Beta(k, n + 1 - k): its mean lies in [1 - alpha, 1 - alpha + 1 / (n + 1)]; 4,000 draws know it within .005."""
    over = 5 + np.random.default_rng(0).gumbel(size=100_000)
    mean, low, high = ledger.kept_over_draws(over, states, alpha, np.random.default_rng(1), draws=4000)
    assert 1 - alpha - 0.005 < mean < 1 - alpha + 1 / (states + 1) + 0.005 and low < mean < high


def test_the_promise_fails_where_states_are_not_exchangeable():
    """Calibrated where errors are small, tried where they grow with distance: what popping and scrambling do to a margin."""
    rng = np.random.default_rng(0)
    distance = rng.uniform(0, 30, 20_000)
    over = 0.1 * distance * rng.normal(size=20_000)
    near, far = over[distance < 5], over[distance > 20]
    margin = ledger.conformal_margin(near, 0.05)
    assert np.mean(near <= margin) > 0.949 and np.mean(far <= margin) < 0.8
