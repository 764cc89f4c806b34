"""At the desk of a net a search hears what the net says when it is asked plainly, and is told when the net is sick."""

import dataclasses

import numpy as np
import pytest
import torch
from test_every_search import options_of, record

from astarzero.envs import make
from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.nets.evaluator import net_evaluator
from astarzero.nets.mlp import MLPConfig, ResidualMLP, build_seeded
from astarzero.search import SEARCHES, Budget, astar, from_heuristic
from astarzero.search.forest import Forest
from astarzero.search.result import SearchResult

DOMAIN = make("sliding", size=3)
SEED = 3
COUNTED = ("status", "plan", "cost", "lower_bound", "expansions", "generated", "evaluations", "evaluator_calls", "nodes")


def build() -> ResidualMLP:
    return build_seeded(ResidualMLP, MLPConfig(DOMAIN.num_features, DOMAIN.num_actions, 24, cost_scale=10.0), SEED)


@pytest.mark.parametrize(("batch", "goal_test"), [(1, "selection"), (7, "generation"), (90, "selection")])
def test_a_search_at_the_desk_is_the_plain_one(batch, goal_test):
    judge, state = net_evaluator(build(), DOMAIN, ("value",), device="cpu"), DOMAIN.random_state(np.random.default_rng(SEED))
    options = {"batch": batch, "goal_test": goal_test, "seed": SEED, "budget": Budget(evaluations=700)}
    found, plain = (astar(DOMAIN, state, each, **options) for each in (judge, dataclasses.replace(judge, desk=None)))
    assert found.evaluations > batch and 0 < found.evaluator_seconds < found.seconds
    assert [getattr(found, name) for name in COUNTED] == [getattr(plain, name) for name in COUNTED]


ASKING = [name for name, search in SEARCHES.items() if search.heads]
WORLDS = {1: DOMAIN, 2: make("go", size=3, ko="simple")}


def search_with_a_net(search: str, weight: float | None = None, lends_desk: bool = True) -> SearchResult:
    """From some root, with a net of the heads that the search reads; `weight` spoils its last layers."""
    domain = WORLDS[min(SEARCHES[search].players)]
    net = build_seeded(ResidualMLP, MLPConfig(domain.num_features, domain.num_actions, 24, cost_scale=10.0), SEED)
    judge = net_evaluator(net, domain, SEARCHES[search].heads, device="cpu", name="sick")
    judge, root = judge if lends_desk else dataclasses.replace(judge, desk=None), domain.random_state(np.random.default_rng(SEED))
    if weight is not None:
        with torch.no_grad():
            for layer in (net.value, net.prior, net.q):
                layer.bias.fill_(weight)
    options = options_of(search, batch=3, width=5, temperature=2.0, proof=1)
    return SEARCHES[search](domain, root, judge, budget=Budget(expansions=60, evaluations=150), seed=SEED, **options)


@pytest.mark.parametrize("search", ASKING)
def test_every_search_at_the_desk_is_the_plain_one(search):
    """The net judges features that the kernel wrote; without its desk, rows that it must encode itself."""
    found, plain = search_with_a_net(search), search_with_a_net(search, lends_desk=False)
    assert record(found) == record(plain)
    assert found.evaluator_calls > 2 and found.evaluator_seconds > 0


@pytest.mark.parametrize("weight", [np.nan, np.inf])
@pytest.mark.parametrize("search", ASKING)
def test_a_sick_net_ends_every_search(search, weight):
    with pytest.raises(ArithmeticError, match="head of 'sick' is not finite"):
        search_with_a_net(search, weight)


@pytest.mark.parametrize("search", ["phs_star", "value_policy_beam"])
def test_a_policy_that_is_kept_with_a_node_is_looked_at_when_it_is_told(search):
    """Whether the node is ever expanded is not known then: a nan that waits with it might never come up."""
    manhattan, told = from_heuristic(DOMAIN), []

    def evaluate(states: np.ndarray) -> Evaluation:
        prior = np.zeros((len(states), 4), np.float32)
        told.append(len(states))
        if len(told) == 4:  # of one successor, the last of its batch
            prior[-1] = np.nan
        return Evaluation(prior_logits=prior, value=manhattan.evaluate(states).value)

    judge = Evaluator("patchy", frozenset({"value", "prior"}), evaluate)
    with pytest.raises(ValueError, match="Evaluator patchy gave no number"):
        SEARCHES[search](DOMAIN, DOMAIN.parse("8 7 6 5 4 3 2 1 0"), judge, seed=SEED)
    assert len(told) <= 5  # the one that was bad, and once more for a better word


def found(forest: Forest) -> list[list[float]]:
    """What every tree says of its root, its own and its edges'."""
    return [
        array.tolist() for array in (forest.value, forest.visit_counts, forest.at_root("q"), forest.prior, forest.arrays["counts"][:, :2])
    ]


@pytest.mark.parametrize("heads", [("value",), ("prior",), ("value", "prior")])
def test_a_tree_at_the_desk_is_the_plain_one(heads):
    """Rows are written by the kernel; in the plain search the evaluator is asked about them. A stop in between changes nothing."""
    judge, roots = net_evaluator(build(), DOMAIN, heads, device="cpu"), DOMAIN.instance_sets["all"]()[[9, 99, 999]]
    desk, plain, stopped = (Forest(DOMAIN, roots, each) for each in (judge, dataclasses.replace(judge, desk=None), judge))
    desk.run(80)
    plain.run(80)
    for number in (1, 9, 70):
        stopped.run(number)
    assert desk.desk.features.any() and not plain.desk.features.any() and 0 < desk.evaluator_seconds < desk.seconds
    assert found(desk) == found(plain) == found(stopped)
    assert (desk.visit_counts.sum(1) > 70).any()


@pytest.mark.parametrize("heads", [("value",), ("prior",), ("value", "prior")])
def test_a_desk_answers_in_chunks_what_the_evaluator_does(heads):
    judge = net_evaluator(build(), DOMAIN, ("value", "prior"), device="cpu", chunk=4, temperature=3.0)
    states = np.array([DOMAIN.random_state(np.random.default_rng(seed)) for seed in range(10)])
    desk, plain = judge.desk(16, heads), judge.evaluate(states)
    desk.features[:10] = DOMAIN.features(states)
    with desk.session():
        desk.judge(10)
        assert not torch.is_grad_enabled()
    for head, answers, told in (("value", desk.value, plain.value), ("prior", desk.prior_logits, plain.prior_logits)):
        assert np.array_equal(answers[:10], told if head in heads else np.zeros_like(told)) and not answers[10:].any()
        assert head not in heads or len(np.unique(answers[:10])) > 1
    assert torch.is_grad_enabled()


def test_who_hides_everything_lends_no_desk():
    judge = net_evaluator(build(), DOMAIN, ("value", "prior"), device="cpu")
    assert judge.only("value").desk and judge.only("prior").desk and not judge.only(()).desk
