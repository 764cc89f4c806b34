"""PUCT by hand on two arms, what becomes of dead ends, and exact judges."""

import dataclasses
import math

import pytest
import toys
from toys import PROBLEMS, asked, graph, judge, problem

from astarzero.envs import make
from astarzero.search import Budget, Status, exact_oracle, puct

CHAINS = ", ".join(["S-A0 1", "S-B0 1", *(f"{arm}{n}-{arm}{n + 1} 1" for arm in "AB" for n in range(12))])


@pytest.fixture(scope="module")
def arms():
    """Two arms, each a long chain without a goal. A promises -1 from anywhere, B -3, the root -2; the prior is .6 for A, .4 for B."""
    instance = problem(graph("two-arms", CHAINS))
    values = {"S": -2.0} | {f"A{n}": -1.0 for n in range(13)} | {f"B{n}": -3.0 for n in range(13)}
    return instance, judge(instance.domain, value=values, prior={"S-A0": math.log(0.6), "S-B0": math.log(0.4)})


def asked_in_order(instance, evaluator, **options):
    """The vertices in the order in which a search asks about them, and its result."""
    order = []

    def evaluate(states):
        order.extend(instance.domain.format(row) for row in states)
        return evaluator.evaluate(states)

    return order, instance.solve("puct", dataclasses.replace(asked(evaluator), evaluate=evaluate), **options)


def test_five_simulations_by_hand(arms):
    """c = 1. N, W: visits and total return from a vertex on; q: W / N - cost, scaled by the least and greatest return so far.

    1  S itself: W(S) = -2.
    2  A and B untried: q of both is W(S) / N(S), and A has the prior. A0 promises -1: W(A0) = -1, W(S) = -2 - 2 = -4.
    3  returns were -2 .. -1; q(A) = q(B) = -2, scaled 0. A: sqrt(2) .6 / 2 = .42, B: sqrt(2) .4 = .57. B0: W(S) = -4 - 4 = -8.
    4  returns -4 .. -1. A: (-2 + 4) / 3 + sqrt(3) .6 / 2 = 1.19, B: 0 + sqrt(3) .4 / 2 = .35. A1: W(A0) = -1 - 2, W(S) = -8 - 3.
    5  A: q = -3 / 2 - 1, (-2.5 + 4) / 3 + 2 * .6 / 3 = .9, B: 0 + 2 * .4 / 2 = .4. A2: W(S) = -11 - 4.
    """
    instance, evaluator = arms
    after = {1: (-2.0, None), 2: (-2.0, [1, 0]), 3: (-8 / 3, [1 / 2, 1 / 2]), 4: (-11 / 4, [2 / 3, 1 / 3]), 5: (-3.0, [3 / 4, 1 / 4])}
    for simulations, (value, shares) in after.items():
        for face in (evaluator, asked(evaluator)):
            result = puct(instance.domain, instance.root, face, c_puct=1.0, budget=Budget(expansions=simulations))
            assert (result.status, result.evaluations) == (Status.BUDGET, simulations)
            if shares is None:
                assert result.action_weights is None and result.action is None
            else:
                assert result.value == pytest.approx(value) and result.action_weights == pytest.approx(shares)
    order, _ = asked_in_order(instance, evaluator, c_puct=1.0, budget=Budget(expansions=5))
    assert order == ["S", "A0", "B0", "A1", "A2"]
    # With c = 2 the sixth goes to A3: (-3 + 4) / 3 + 2 sqrt(5) .6 / 4 = 1.00 against 2 sqrt(5) .4 / 2 = .89.
    order, _ = asked_in_order(instance, evaluator, c_puct=2.0, budget=Budget(expansions=7))
    assert order == ["S", "A0", "B0", "A1", "A2", "A3", "B1"]


def test_exploration_follows_the_prior_and_its_temperature(arms):
    """With an overwhelming c visits go in proportion to the prior; with none, once both arms were tried, where the value is."""
    instance, evaluator = arms
    for temperature, share in ((1.0, 0.6), (0.5, 0.36 / 0.52), (100.0, 0.5)):
        options = {"c_puct": 1e6, "temperature": temperature, "budget": Budget(expansions=18)}
        assert instance.solve("puct", evaluator, **options).action_weights[0] == pytest.approx(share, abs=0.05)
    order, _ = asked_in_order(instance, evaluator, c_puct=0.0, budget=Budget(expansions=5))
    assert order[1:] == ["A0", "A1", "B0", "A2"]


def test_a_masked_head_reads_zero_or_uniform(arms):
    instance, evaluator = arms
    budget = Budget(expansions=12)
    by_value = instance.solve("puct", evaluator.only("value"), budget, c_puct=1.0)
    by_prior = instance.solve("puct", evaluator.only("prior"), budget, c_puct=1.0)
    assert by_value.action_weights[0] > 0.5 and by_value.value < -2
    assert by_prior.action_weights[0] > 0.5 and -8 < by_prior.value < 0  # nothing but the cost of the path
    assert instance.solve("puct", evaluator.only(()), budget).evaluations == 0


def test_a_dead_branch_is_buried_up_to_where_another_way_leads():
    """T and U look best, but U has only X behind it: U dies, so T dies, and all further simulations go by A."""
    instance = problem(graph("cul-de-sac", "S-T 1, T-U 1, U-X 1, S-A 1, A-B 1, B-C 1, C-D 1"))
    evaluator = judge(instance.domain, value={"A": -9.0, "B": -9.0, "C": -9.0}, prior={"S-T": 3.0})
    order, result = asked_in_order(instance, evaluator, budget=Budget(expansions=6))
    assert (order, result.expansions) == (["S", "T", "A", "B", "C"], 6)  # nobody needs to be asked about U
    assert result.status is Status.BUDGET
    order, result = asked_in_order(instance, evaluator)
    assert (order[5:], result.status, result.generated, result.nodes) == ([], Status.EXHAUSTED, 7, 7)  # X is not kept, D has no way out


def test_a_value_of_minus_infinity_is_a_dead_end():
    instance = PROBLEMS["trap"]()
    exact = exact_oracle(instance.table)
    order, result = asked_in_order(instance, exact.only("value"))
    assert (result.plan, result.cost) == ((1, 0), 4.0) and order.count("T") <= 1 and "U" not in order
    order, result = asked_in_order(PROBLEMS["lost"](), exact_oracle(PROBLEMS["lost"]().table))
    assert (order, result.status) == (["S"], Status.EXHAUSTED)


def test_the_tree_holds_no_state_twice_and_exhausts_a_graph_with_loops():
    instance = PROBLEMS["lost"]()
    nothing = toys.judges(instance.table)["nothing"]
    result = instance.solve("puct", nothing)
    assert (result.status, result.expansions, result.nodes, result.generated) == (Status.EXHAUSTED, 4, 4, 6)  # S A B U


def test_exact_judges_lead_to_the_goal_by_an_optimal_path():
    """Off the optimal paths it goes only where two of them meet again, since a state stands in the tree but once."""
    table = toys.table_of(make("sliding", size="2x3"))
    for row, depth in list(zip(table.states, table.cost_to_go, strict=True))[::9]:
        result = puct(table.domain, row, exact_oracle(table))
        on_the_way = (toys.distances_from(table, row) + table.cost_to_go == depth).sum()
        assert result.cost == depth and depth <= result.expansions < 1.5 * on_the_way
