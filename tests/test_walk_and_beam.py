"""Walks and beams by hand: a policy that is wrong once, loops, widths, what a key is made of, and sampling against softmax."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from toys import PROBLEMS, graph, judge, judges, problem

from astarzero.search import Budget, Status, exact_oracle
from astarzero.search.walk import walk

SELECTION, GENERATION = "selection", "generation"


def way(instance, result):
    """The vertices of a plan: "S A G"."""
    prefixes = (result.plan[:length] for length in range(len(result.plan) + 1))
    return " ".join(instance.domain.format(instance.domain.replay(instance.root, prefix)[0]) for prefix in prefixes)


# --- argmax ------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def misled():
    """The corridor S-A-B-C-G, with a policy that is right everywhere but at B, where it points at the wall."""
    instance = PROBLEMS["corridor"]()
    return instance, judge(instance.domain, prior={"S-A": 1.0, "A-B": 1.0, "B-W": 1.0, "C-G": 1.0})


def test_one_wrong_word_is_the_end_of_argmax_but_not_of_a_wider_or_luckier_search(misled):
    instance, policy = misled
    argmax = instance.solve("policy_argmax", policy)
    assert (argmax.status, argmax.expansions, argmax.evaluations) == (Status.EXHAUSTED, 4, 4)  # S A B W, and no way on
    narrow, wide = (instance.solve("policy_beam", policy, width=width) for width in (1, 2))
    assert (narrow.status, narrow.expansions) == (Status.EXHAUSTED, 4)
    assert (way(instance, wide), wide.expansions) == ("S A B C G", 5)  # S; A; B; W C
    assert way(instance, instance.solve("policy_sampling", policy)) == "S A B C G"
    assert instance.solve("levin", policy).cost == 4.0


def test_a_walk_never_steps_on_a_state_twice():
    """A policy that always points back is of no harm in a corridor."""
    instance = PROBLEMS["corridor"]()
    back = judge(instance.domain, prior={"A-S": 5.0, "B-A": 5.0, "B-W": -5.0, "C-B": 5.0})
    assert way(instance, instance.solve("policy_argmax", back)) == "S A B C G"


def test_one_ply_greedy_adds_the_cost_of_the_step():
    instance = problem(graph("toll", "S-A 5, S-B 1, A-G 1, B-G 4"))
    assert way(instance, instance.solve("value_greedy", judge(instance.domain, value={"A": -1.0, "B": -4.0}))) == "S B G"  # 6, 5
    assert way(instance, instance.solve("value_greedy", judge(instance.domain, value={"A": -1.0, "B": -6.0}))) == "S A G"  # 6, 7
    assert way(instance, instance.solve("q_greedy", judge(instance.domain, q={"S-A": -1.0, "S-B": -2.0}))) == "S A G"  # q holds it


def test_dead_ends_are_put_aside():
    instance = PROBLEMS["trap"]()
    to_x = judge(instance.domain, prior={"S-T": 9.0, "T-X": 9.0, "T-U": 0.0})
    result = instance.solve("policy_argmax", to_x)
    assert (result.status, result.expansions) == (Status.EXHAUSTED, 3)  # S T U: X is known to be dead, U has to be seen
    assert way(instance, instance.solve("value_greedy", judge(instance.domain, value={"T": -math.inf}))) == "S A G"
    assert way(instance, instance.solve("q_greedy", judge(instance.domain, q={"S-T": -math.inf}))) == "S A G"


@pytest.mark.parametrize("search", ["policy_argmax", "value_greedy", "q_greedy", "policy_beam", "value_beam", "q_beam"])
def test_max_steps(search):
    instance = PROBLEMS["corridor"]()
    assert instance.solve(search, max_steps=3).status is Status.EXHAUSTED
    assert instance.solve(search, max_steps=4).cost == 4.0


@pytest.mark.parametrize(("search", "head"), [("policy_argmax", "prior"), ("q_greedy", "q"), ("policy_sampling", "prior")])
def test_a_goal_is_taken_when_seen_or_when_stepped_on(search, head):
    instance = problem(graph("shortcut", "S-G 1, S-A 1, A-G 1"))
    guide = judge(instance.domain, **{head: {"S-G": -30.0, "A-G": -1.0}})
    assert way(instance, instance.solve(search, guide, goal_test=SELECTION)) == "S A G"
    assert way(instance, instance.solve(search, guide, goal_test=GENERATION)) == "S G"


# --- sampling --------------------------------------------------------------------------------------------------------------------------

SCORES = (0.0, -1.0, 0.5, -2.5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("head", ["prior", "q", "value"])
def test_actions_are_sampled_from_the_softmax_of_the_scores(head, temperature):
    """Chi-square over 1,500 seeds; 16.3 is the 99.9 % point of 3 degrees. X, a dead end, is never taken, whatever its score."""
    instance = problem(graph("fan", ", ".join(f"S-V{n} 1, V{n}-G 1" for n in range(4)) + ", S-X 1"))
    place = "V{}" if head == "value" else "S-V{}"
    guide = judge(instance.domain, **{head: {place.format(n): score for n, score in enumerate(SCORES)} | {place[:-3] + "X": 9.0}})
    counts, runs = np.zeros(4), 1500
    for seed in range(runs):
        budget = Budget(expansions=9)
        result = walk(instance.domain, instance.root, guide, head=head, temperature=temperature, budget=budget, seed=seed)
        counts[result.plan[0]] += 1
    expected = np.exp(np.array(SCORES) / temperature)
    expected *= runs / expected.sum()
    assert ((counts - expected) ** 2 / expected).sum() < 16.3


def test_sampling_restarts_at_the_root_until_it_is_lucky_and_judges_nothing_anew(misled):
    instance, policy = misled
    results = [instance.solve("policy_sampling", policy, seed=seed) for seed in range(40)]
    assert all(way(instance, result) == "S A B C G" for result in results)
    lengths = {result.expansions for result in results}
    assert lengths <= {4 + 4 * failures for failures in range(40)} and len(lengths) > 2  # a failure is S A B W
    assert all(result.evaluations == (4 if result.expansions == 4 else 5) for result in results)


def test_blind_sampling_is_a_random_walk_that_costs_no_evaluation():
    instance = PROBLEMS["corridor"]()
    result = instance.solve("policy_sampling", judge(instance.domain))
    assert result.solved and result.evaluations == 0


# --- beams -----------------------------------------------------------------------------------------------------------------------------


def test_the_key_of_a_value_beam_is_cost_so_far_and_weighted_h():
    """Width 1 shows which of A (g 1, h 3) and B (g 3, h 1/2) has the better key."""
    instance = problem(graph("scales", "S-A 1, S-B 3, A-G 5, B-G 5"))
    by_value = judge(instance.domain, value={"A": -3.0, "B": -0.5})
    by_q = judge(instance.domain, q={"S-A": -4.0, "S-B": -3.5})
    for search, guide, weight, first in (
        ("value_beam", by_value, 1.0, "B"), ("value_beam", by_value, 0.5, "A"), ("q_beam", by_q, 1.0, "B"), ("q_beam", by_q, 3, "B"),
    ):  # fmt: skip
        assert way(instance, instance.solve(search, guide, width=1, weight=weight)) == f"S {first} G"


def test_of_two_paths_that_meet_on_a_level_the_better_key_stays():
    instance = problem(graph("merge", "S-A 1, S-B 2, A-M 5, B-M 1, M-G 1"))
    assert instance.solve("value_beam", judge(instance.domain, value={})).cost == 4.0
    for likelier, cost in (("A", 7.0), ("B", 4.0)):
        assert instance.solve("policy_beam", judge(instance.domain, prior={f"S-{likelier}": 1.0})).cost == cost
    q = {"A-M": -1.0, "B-M": -9.0}  # keys 1 + 1 against 2 + 9
    assert instance.solve("q_beam", judge(instance.domain, q=q)).cost == 7.0


def test_a_policy_beam_multiplies_along_the_path():
    """From A two ways of pi 1/2, from B one of pi 1: D comes before C where pi(B) > pi(A) / 2."""
    instance = problem(graph("product", "S-A 1, S-B 1, A-C 1, A-E 1, B-D 1, C-G1 1, D-G2 1, E-G3 1"))
    for odds, width, found in ((1.5, 1, "S A C G1"), (1.5, 2, "S B D G2"), (9.0, 2, "S A C G1")):
        guide = judge(instance.domain, prior={"S-A": math.log(odds), "A-C": 0.001})
        assert way(instance, instance.solve("policy_beam", guide, width=width)) == found


def test_a_beam_holds_no_more_than_its_width_and_counts_each_level():
    """A tree of two ways, four levels deep, all alike: the levels hold min(width, 2^n) states."""
    names = ["S", *(format(n, "b")[1:].replace("0", "l").replace("1", "r") for n in range(2, 32))]
    streets = [f"{(name[:-1] or 'S')}-{name} 1" for name in names[1:]]
    instance = problem(graph("tree", ", ".join(streets)))
    for width in (1, 2, 3, 8, 100):
        result = instance.solve("policy_beam", judge(instance.domain, prior={}), width=width)
        levels = [1, *(min(width, 2 * (min(width, 2 ** (n - 1)))) for n in range(1, 5))]
        assert (result.status, result.expansions) == (Status.EXHAUSTED, sum(levels))
        assert result.generated == 2 * sum(levels[:-1]) and result.evaluations == result.expansions


def test_a_goal_outside_the_beam_is_dropped_by_selection_and_taken_by_generation():
    instance = problem(graph("dear", "S-G 9, S-A 1, A-B 1"))
    near = judge(instance.domain, value={"A": -1.0, "B": -1.0})
    assert instance.solve("value_beam", near, width=1, goal_test=SELECTION).status is Status.EXHAUSTED
    assert instance.solve("value_beam", near, width=2, goal_test=SELECTION).status is Status.SOLVED
    assert instance.solve("value_beam", near, width=1, goal_test=GENERATION).cost == 9.0


# --- mixtures --------------------------------------------------------------------------------------------------------------------------


HEAD_SETS = (("value", "prior"), ("value",), ("prior",), ())


def counted(result):
    return {field.name: repr(getattr(result, field.name)) for field in dataclasses.fields(result) if "seconds" not in field.name}


@pytest.mark.parametrize("name", ["wild-1", "wild-5", "trap", "2x3: 4 5 0 1 2 3", "24: 4 6 8 13"])
@pytest.mark.parametrize(("mixture", "pure"), [("value_policy_beam", "value_beam"), ("q_policy_beam", "q_beam")])
def test_a_mixture_of_one_part_is_that_part(mixture, pure, name):
    """To the last count: a head without a share is not asked. Next to nothing of it changes the price, not the search."""
    instance = PROBLEMS[name]()
    for guide in judges(instance.table).values():
        for width in (1, 3):
            alone, policy = instance.solve(pure, guide, width=width), instance.solve("policy_beam", guide, width=width)
            assert counted(instance.solve(mixture, guide, width=width, mix=0)) == counted(alone)
            assert counted(instance.solve(mixture, guide, width=width, mix=1)) == counted(policy)
            if guide.name.startswith("noisy"):  # no ties but of goals
                for mix, same in ((1e-9, alone), (1 - 1e-9, policy)):
                    result = instance.solve(mixture, guide, width=width, mix=mix)
                    assert (result.status, result.cost, result.expansions) == (same.status, same.cost, same.expansions)


def test_the_key_of_a_mixture_weighs_cost_against_nats():
    """Width 1. A: g + h = 2, pi = 1/10; B: 4, 9/10. B is better once mix log 9 > (1 - mix) 2, that is from mix = .4765 on."""
    instance = problem(graph("blend", "S-A 1, S-B 1, A-G 1, B-G 3"))
    turn = 2 / (2 + math.log(9))
    policy = {"S-B": math.log(9)}
    by_value = judge(instance.domain, value={"A": -1.0, "B": -3.0}, prior=policy)
    by_q = judge(instance.domain, q={"S-A": -2.0, "S-B": -4.0}, prior=policy)
    for search, guide in (("value_policy_beam", by_value), ("q_policy_beam", by_q)):
        for mix, first in ((0.1, "A"), (turn - 0.001, "A"), (turn + 0.001, "B"), (0.9, "B")):
            assert way(instance, instance.solve(search, guide, width=1, mix=mix)) == f"S {first} G"
    heavy = instance.solve("value_policy_beam", by_value, width=1, mix=turn + 0.001, weight=2)  # A 3, B 7: now they are 4 apart
    assert way(instance, heavy) == "S A G"


def test_a_mixture_multiplies_the_policy_along_the_path():
    """A path of pi .5 * .9 and one of .5 * .6, told apart at the second step alone; all costs and values are alike."""
    instance = problem(graph("pair", "S-A 1, S-B 1, A-C 1, A-X 1, B-D 1, B-X 1, C-G1 1, D-G2 1"))
    for search, head in (("value_policy_beam", "value"), ("q_policy_beam", "q")):
        for likelier, found in (("A-C", "S A C G1"), ("B-D", "S B D G2")):
            policy = {"A-C": math.log(1.5), "B-D": math.log(1.5), likelier: math.log(9.0)}
            guide = judge(instance.domain, prior=policy, **{head: {}})
            for seed, width in itertools.product(range(5), (2, 3)):
                assert way(instance, instance.solve(search, guide, width=width, seed=seed)) == found


def test_a_mixture_pays_one_evaluation_a_state_and_only_for_heads_that_inform():
    """The corridor S A B C G, width 1. W is judged too, and S for its policy; without it S is not, without a value only the beam is."""
    instance = PROBLEMS["corridor"]()
    guide = exact_oracle(instance.table)
    prices = {heads: instance.solve("value_policy_beam", guide.only(heads), width=1).evaluations for heads in HEAD_SETS}
    assert prices == {("value", "prior"): 5, ("value",): 4, ("prior",): 4, (): 0}
    assert instance.solve("q_policy_beam", guide, width=1).evaluations == 4
