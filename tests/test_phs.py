"""PHS and PHS*: priorities by hand, the theorem they are known for, and one evaluation a state for two heads."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from toys import PROBLEMS, asked, graph, judge, problem, wild

from astarzero.envs.evaluation import Evaluation
from astarzero.search import Budget, Status, exact_oracle, noisy_oracle, tabulated
from astarzero.search.orderings import phs, phs_star

PHS = ("phs", "phs_star")
BLEND = np.array([1.0, 1.0])


def phi(search, g, h, probability, weight=1.0):
    """The evaluation of a node as the paper writes it, not by logarithms."""
    eta = (1 + weight * h / g) / (1 if search == "phs" else probability ** (weight * h / g))
    return eta * g / probability


def unlike_tree(seed, depth=5):
    """A tree of one to three ways, unit costs and one or two goals, with a random policy and a random h: no two nodes are alike."""
    rng = np.random.default_rng(seed)
    streets, level = [], ["S"]
    for _ in range(depth):
        children = [(parent, f"{parent}{way}") for parent in level for way in "abc"[: rng.integers(1, 4)]]
        streets += [f"{parent}-{child} 1" for parent, child in children]
        level = [child for _, child in children]
    goals = rng.choice(level, size=min(2, len(level)), replace=False)
    text = ", ".join(streets)
    for number, goal in enumerate(goals):
        text = text.replace(f"-{goal} 1", f"-G{number} 1")
    instance = problem(graph(f"tree-{seed}", text))
    states, width = instance.table.states, instance.domain.num_actions
    answers = Evaluation(rng.normal(size=(len(states), width)), -5 * rng.random(len(states)))
    return instance, tabulated(instance.domain, states, answers, "random", slots=instance.table.graph.slots)


def prefixes(instance, plan, guide):
    """(g, h, pi) of every node on a plan but the root, in plain NumPy."""
    row, g, probability, nodes = instance.root, 0.0, 1.0, []
    for action in plan:
        rows, legal, costs = instance.domain.successors(row)
        weights = np.exp(guide.evaluate(row[None]).prior_logits[0].astype(np.float64)[legal])
        (taken,) = np.flatnonzero(legal == action)
        row, g, probability = rows[taken], g + costs[taken], probability * weights[taken] / weights.sum()
        h = 0.0 if instance.domain.goal_mask(row)[0] else max(0.0, -float(guide.evaluate(row[None]).value[0]))
        nodes.append((g, h, probability))
    return nodes


# --- the rules -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("g", "h", "probability"), [(1.0, 0.0, 1.0), (2.0, 6.0, 0.25), (3.5, 1.0, 0.9), (7.0, 0.5, 1e-9)])
def test_priorities_are_the_logarithms_of_the_papers_phi(g, h, probability):
    for rule, search in ((phs, "phs"), (phs_star, "phs_star")):
        for weight in (1.0, 2.5):
            key = rule(g, h, 0, math.log(probability), np.array([1.0, weight]))
            assert key == pytest.approx(math.log(phi(search, g, h, probability, weight)))


def test_two_keys_by_heart():
    """g 2, h 6, pi 1/4: PHS 8 / (1/4) = 32; PHS* 8 / (1/4)^4 = 2048. Without h both are Levin's 2 / (1/4) = 8."""
    assert math.exp(phs(2, 6, 0, math.log(0.25), BLEND)) == pytest.approx(32)
    assert math.exp(phs_star(2, 6, 0, math.log(0.25), BLEND)) == pytest.approx(2048)
    assert math.exp(phs(2, 0, 0, math.log(0.25), BLEND)) == math.exp(phs_star(2, 0, 0, math.log(0.25), BLEND)) == pytest.approx(8)


def test_no_key_is_a_nan_or_overflows():
    for rule in (phs, phs_star):
        assert rule(0.0, 3.0, 0, 0.0, BLEND) == math.log(3) and rule(0.0, 0.0, 0, 0.0, BLEND) == -math.inf  # a root
        assert rule(1.0, 2.0, 0, -math.inf, BLEND) == math.inf  # an action of no weight comes last, but it comes
        assert math.isfinite(rule(1.0, 1e30, 0, -1e6, BLEND)) and rule(1e-30, 1e30, 0, 0.0, BLEND) == math.log(1e30)


def test_an_action_of_no_weight_is_taken_when_nothing_else_is_left():
    instance = problem(graph("hidden", "S-A 1, S-B 1, A-C 1, B-G 1"))
    guide = judge(instance.domain, value={}, prior={"S-B": -math.inf})
    for search in PHS:
        result = instance.solve(search, guide)
        assert (result.status, result.cost, result.expansions) == (Status.SOLVED, 2.0, 4)


# --- the search ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("search", PHS)
def test_nodes_are_expanded_in_the_order_of_phi(search):
    """Against best-first search in plain Python over paths of a tree, all keys different."""
    for seed in range(12):
        instance, guide = unlike_tree(seed)
        queue, expanded = [(0.0, instance.root, ())], 0
        while queue:
            queue.sort(key=lambda entry: entry[0])
            _, row, plan = queue.pop(0)
            if instance.domain.goal_mask(row)[0]:
                break
            expanded += 1
            for child, action, _ in zip(*instance.domain.successors(row), strict=True):
                *_, last = prefixes(instance, (*plan, int(action)), guide)
                queue.append((phi(search, *last), child, (*plan, int(action))))
        result = instance.solve(search, guide)
        assert (result.plan, result.expansions) == (plan, expanded)


@pytest.mark.parametrize("goal_test", ["selection", "generation"])
@pytest.mark.parametrize("search", PHS)
def test_expansions_are_at_most_the_highest_phi_on_the_plan(search, goal_test):
    """The paper's theorem 1 at unit costs, where eta >= 1: the loss is at most max phi over the plan's nodes."""
    cases = [unlike_tree(seed) for seed in range(40)]
    for name, seed in itertools.product([name for name in PROBLEMS if name.startswith(("2x3", "24"))], range(4)):
        instance = PROBLEMS[name]()
        cases += [(instance, noisy_oracle(instance.table, 1.0, noise, seed)) for noise in (0.5, 3.0)]
    tight = 0.0
    for (instance, guide), weight in itertools.product(cases, (0.5, 1.0, 3.0)):
        result = instance.solve(search, guide, weight=weight, goal_test=goal_test)
        if result.plan:
            bound = max(phi(search, *node, weight) for node in prefixes(instance, result.plan, guide))
            assert result.expansions <= bound * (1 + 1e-6)
            tight = max(tight, result.expansions / bound)
    assert tight > 0.5  # a bound that nothing comes near would hold anyway


def test_with_exact_h_and_pi_only_an_optimal_path_is_expanded():
    for name in ("2x3: 4 5 0 1 2 3", "2x3: 3 1 2 4 0 5", "24: 4 6 8 13", "24: 3 3 8 8", "wild-5", "trap", "inconsistent", "corridor"):
        instance = PROBLEMS[name]()
        result = instance.solve("phs_star", exact_oracle(instance.table))
        assert (result.cost, result.expansions) == (instance.optimum, len(result.plan))


def test_the_star_believes_that_the_policy_goes_on_as_it_began():
    """S-A is likely (.8) and long (3 more), S-B unlikely (.2) and near (1 more): PHS 4 / .8 = 5 against 2 / .2 = 10;
    PHS* 4 / .8^4 = 9.8 against 2 / .2^2 = 50. With S-A at .6: 6.7 against 5, but 31 against 12.5."""
    instance = problem(graph("fork", "S-A 1, S-B 1, A-C 1, C-D 1, D-G1 1, B-G2 1"))
    far = {"A": -3.0, "C": -2.0, "D": -1.0, "B": -1.0}
    for search in PHS:
        certain = judge(instance.domain, value=far, prior={"S-A": math.log(4)})
        assert instance.solve(search, certain).cost == 4.0
        even = judge(instance.domain, value=far, prior={"S-A": math.log(1.5)})
        assert instance.solve(search, even).cost == 2.0
    # .7 and .3: PHS 4 / .7 = 5.7 before 2 / .3 = 6.7, PHS* 4 / .7^4 = 16.7 before 2 / .3^2 = 22; then C: 8.6, and 6 / .7^3 = 17.5
    odd = judge(instance.domain, value={**far, "C": -4.0}, prior={"S-A": math.log(7 / 3)})
    assert instance.solve("phs", odd).cost == 2.0 and instance.solve("phs_star", odd).cost == 4.0


def test_a_sure_way_round_to_a_known_state_never_replaces_the_straight_one():
    """S-A is unlikely and A's h large, so by PHS* itself A would be better reached after the loop A-B-C-A, of probability 1."""
    instance = problem(graph("loop", "S-A 1, S-X 1, A-B 1, B-C 1, C-A 1, C-G 1"))
    guide = judge(instance.domain, value={"A": -10.0, "B": -1.0, "C": -1.0}, prior={"S-X": 10.0, "C-A": 20.0})
    assert phi("phs_star", 4.0, 10.0, math.exp(-10)) < phi("phs_star", 1.0, 10.0, math.exp(-10))
    for search in PHS:
        result = instance.solve(search, guide)
        assert (result.status, result.cost, result.expansions) == (Status.SOLVED, 4.0, 4)


def test_dead_ends_are_dropped():
    instance = PROBLEMS["trap"]()
    for search in PHS:
        result = instance.solve(search, judge(instance.domain, value={"T": -math.inf, "A": -2.0}, prior={"S-T": 5.0}))
        assert (result.cost, result.expansions) == (4.0, 2)  # S A


# --- one evaluation for two heads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("search", PHS)
def test_a_state_is_evaluated_once_for_both_heads_though_it_is_expanded_again(search):
    """A is expanded by way of S-A, then better reached by way of B and expanded again, under the policy that is kept."""
    instance = problem(graph("again", "S-A 4, S-B 1, B-A 1, A-C 1, A-D 1, C-G 9, D-X 1"))
    guide = judge(instance.domain, value={"B": -3.5, "C": -20.0, "D": -30.0}, prior={"A-C": 1.0})
    seen = []

    def evaluate(states):
        seen.extend(instance.domain.format(state) for state in states)
        return guide.evaluate(states)

    result = instance.solve(search, dataclasses.replace(guide, evaluate=evaluate, rules=None))
    assert seen == ["S", "A", "B", "C", "D"] and result.evaluations == 5 and result.evaluator_calls == 3
    assert (result.cost, result.expansions, result.generated) == (12.0, 5, 8)  # S A B A C


def test_each_head_alone_is_asked_when_it_is_needed():
    """The value on generation, as by A*; the policy on expansion, as by Levin; both at once on generation; nothing for nothing."""
    instance = PROBLEMS["2x3: 4 5 0 1 2 3"]()
    guide = noisy_oracle(instance.table, 1.0, 1.0, 0)
    for search in PHS:
        both, value, prior, nothing = (
            instance.solve(search, guide.only(heads)) for heads in (("value", "prior"), ("value",), ("prior",), ())
        )
        assert both.evaluations in (both.nodes, both.nodes - 1)  # all but the goal, where it is there
        assert value.evaluations in (value.nodes, value.nodes - 1)
        assert prior.evaluations == prior.expansions and nothing.evaluations == 0
        levin = instance.solve("levin", guide)
        assert (prior.plan, prior.expansions) == (levin.plan, levin.expansions)  # at unit costs g is the depth


@pytest.mark.parametrize("heads", [("value", "prior"), ("value",), ("prior",)])
@pytest.mark.parametrize("search", PHS)
def test_both_drives_agree_whatever_is_masked(search, heads):
    for seed in range(1, 9):
        instance = problem(wild(seed))
        for batch in (1, 3):
            guide = noisy_oracle(instance.table, 1.0, 1.0, seed).only(heads)
            inline, outside = (instance.solve(search, face, batch=batch, weight=1.5) for face in (guide, asked(guide)))
            for name in ("status", "plan", "expansions", "generated", "evaluations", "evaluator_calls", "nodes", "lower_bound"):
                assert getattr(inline, name) == getattr(outside, name)


def test_priors_cost_four_bytes_an_action_and_node_where_they_are_kept():
    instance = PROBLEMS["2x3: 4 5 0 1 2 3"]()
    guide = noisy_oracle(instance.table, 1.0, 1.0, 0)
    budget = Budget(nodes=300)
    kept, asked_late = (instance.solve("phs", judge, budget).peak_bytes for judge in (guide, guide.only("prior")))
    assert kept - asked_late == 4 * instance.domain.num_actions * (300 - 1)  # a column that is not used has one row
