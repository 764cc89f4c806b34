"""Gumbel AlphaZero's promise, on bandits whose arms are what they seem: planning never makes the policy worse. PUCT makes no such promise.

The action that g + log prior alone would take is a sample of the prior, and whatever beats it has a q as high: so the survivor's q is
never below that sample's, game by game, and its expectation never below the prior's (Danihelka et al. 2022, section 3).
"""

import numpy as np
import pytest
from drawn_trees import bandits, grow, judge_of, rows
from toys import one_sentence

from astarzero.search.selection import visits_planned

ROOTS = 600


@pytest.mark.parametrize("arms", [2, 7, 32])
def test_the_survivor_is_never_below_the_sample_of_the_prior(arms):
    domain, judge, logits, q = bandits(arms, ROOTS, arms)
    prior = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    everywhere, roots = np.arange(ROOTS), rows(*range(ROOTS))
    failures, better = 0, []
    for simulations in (2, 3, 4, 8, 16, 32, 64):
        forest = grow((domain, judge), roots, simulations, rule="gumbel", seeds=np.arange(ROOTS))
        sample = (forest.arrays["gumbel"] + logits).argmax(1)
        chosen = forest.action_weights.argmax(1)
        assert (q[everywhere, chosen] >= q[everywhere, sample]).all()
        better.append((q[everywhere, chosen] - (prior * q).sum(1)).mean())
        assert ((forest.improved_policy * q).sum(1) >= (prior * q).sum(1) - 1e-6).all()
        puct = grow((domain, judge), roots, simulations, c=1.25).action_weights.argmax(1)
        failures += int((q[everywhere, puct] < (prior * q).sum(1)).sum())
    assert min(better) > 0 and better[-1] == max(better)
    assert failures > 0


@pytest.mark.parametrize(("considered", "simulations"), [(1, 5), (2, 8), (4, 16), (16, 64), (5, 30), (16, 7)])
def test_halving_spends_what_it_plans(considered, simulations):
    """Of the considered actions the better half goes on each time; every round costs about as much."""
    visits = np.zeros(considered, int)
    for number in range(simulations):
        planned = visits_planned(considered, simulations, number)
        place = np.flatnonzero(visits == planned)[0]  # the first arm is the best
        visits[place] += 1
    assert visits.sum() == simulations and (np.diff(visits) <= 0).all()
    if simulations >= considered * np.log2(max(2, considered)):
        assert visits[-1] > 0 and (considered == 1 or visits[0] == visits[1] or simulations % 2)
    assert list(visits) == {(1, 5): [5], (2, 8): [4, 4], (4, 16): [6, 6, 2, 2]}.get((considered, simulations), list(visits))


def test_scores_by_hand():
    """Two arms of three are considered, of prior (.5, .3, .2) and noise 0: the third is never tried. With q = (-.2, .4) each gets two of
    four visits, and the second survives, since sigma(q) = (50 + 2) * .1 * (q scaled to 0..1) is 0 for the first and 5.2 for the second."""
    domain, judge, _, _ = bandits(0, 1, 3)
    answers = judge.evaluate(domain.instance_sets["all"]())
    logits, values = answers.prior_logits.copy(), answers.value.copy()
    logits[0], values[:7] = np.log([0.5, 0.3, 0.2]), (0.1, 0.2, -0.2, -0.4, 0.4, 0.0, 0.0)
    forest = grow((domain, judge_of(logits, values)), rows(0), 4, rule="gumbel", considered=2, gumbel_scale=0.0)
    assert forest.visit_counts.tolist() == [[2, 2, 0]] and forest.action_weights.tolist() == [[0, 1, 0]]
    mixed = (0.1 + 4 * (0.5 * -0.2 + 0.3 * 0.4) / 0.8) / 5  # .04, what the third counts
    weights = np.array([0.5, 0.3 * np.exp(5.2), 0.2 * np.exp(5.2 * (mixed + 0.2) / 0.6)])
    assert forest.improved_policy[0] == pytest.approx(weights / weights.sum(), rel=1e-5)
    assert forest.value[0] == pytest.approx((0.1 - 2 * 0.2 + 2 * 0.4) / 5, rel=1e-5)


def test_other_rules_have_no_improved_policy():
    domain, judge, _, _ = bandits(0, 1, 3)
    with pytest.raises(ValueError, match="puct has no improved policy") as error:
        _ = grow((domain, judge), rows(0), 2).improved_policy
    one_sentence(error)
