"""Scores, intervals and verdicts: by hand, by property, and by how often an interval covers the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astarzero.experiments.statistics import (
    bootstrap,
    budget_score,
    clustered_rate,
    mean_over_seeds,
    paired_difference,
    resampled_means,
    solve_rate,
    verdict,
    wilson,
)

RNG = np.random.default_rng


def test_budget_score_by_hand():
    spent = [0, 1, 10, 100, 1000, 5000, np.inf]
    assert budget_score(np.array(spent), 1, 1000) == pytest.approx([1, 1, 2 / 3, 1 / 3, 0, 0, 0])


def test_solve_rate_by_hand():
    spent = np.array([3.0, 10.0, 10.0, np.inf])
    assert solve_rate(spent, np.array([1, 3, 9.9, 10, 1e9])) == pytest.approx([0, 0.25, 0.25, 0.75, 0.75])


@given(
    st.lists(st.one_of(st.floats(1e-3, 1e7), st.just(np.inf)), min_size=1, max_size=40),
    st.floats(1e-2, 1e3),
    st.floats(1.5, 1e4),
)
def test_the_mean_score_is_the_area_under_the_solve_rate(spent, lowest, ratio):
    spent, highest = np.array(spent), lowest * ratio
    grid = np.geomspace(lowest, highest, 4001)
    rates = solve_rate(spent, grid)
    score = budget_score(spent, lowest, highest)
    assert ((score >= 0) & (score <= 1)).all()
    area = np.mean((rates[1:] + rates[:-1]) / 2)  # trapezoids on an even grid of log budget
    assert score.mean() == pytest.approx(area, abs=1 / 4000)


@given(st.floats(1, 1e5), st.floats(1, 1e5))
def test_spending_less_never_scores_less(one, other):
    less, more = sorted((one, other))
    assert budget_score(np.array([less]), 10, 1e4) >= budget_score(np.array([more]), 10, 1e4)


@pytest.mark.parametrize(("spent", "lowest", "highest", "word"), [([1.0], 10, 10, "lowest < highest"), ([np.nan], 1, 10, "never NaN")])
def test_bad_scores_are_refused(spent, lowest, highest, word):
    with pytest.raises(ValueError, match=word):
        budget_score(np.array(spent), lowest, highest)


def test_a_constant_difference_has_no_width():
    left, right = [np.full(50, 0.7)] * 3, [np.full(50, 0.5)] * 3
    assert paired_difference(left, right, RNG(0)) == pytest.approx((0.2, 0.2, 0.2))


def test_what_both_sides_share_cancels():
    hardness = RNG(1).random((3, 400))
    mean, low, high = paired_difference(list(hardness + 0.05), list(hardness), RNG(0))
    assert (mean, low, high) == pytest.approx((0.05, 0.05, 0.05))


def test_one_seed_and_two_instances_by_enumeration():
    """Resampling {0, 1} twice with replacement gives a mean of 0, 1/2, 1 with chances 1/4, 1/2, 1/4."""
    means = resampled_means([np.array([[0.0, 1.0]])], RNG(0), 20_000)[:, 0]
    assert np.mean(means == 0) == pytest.approx(0.25, abs=0.02)
    assert np.mean(means == 0.5) == pytest.approx(0.5, abs=0.02)


def test_seeds_are_resampled_too():
    """Two seeds that differ by 1 and agree within: the mean is 0, 1/2 or 1 as the seeds are drawn."""
    values = [np.zeros((1, 100)), np.ones((1, 100))]
    means = resampled_means(values, RNG(0), 20_000)[:, 0]
    assert sorted(set(means.round(12))) == [0, 0.5, 1]
    assert np.mean(means == 0.5) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("shared", [True, False], ids=["same instances", "different instances"])
def test_the_spread_is_that_of_the_design(shared):
    """Instance noise alone, 4 seeds x 400 instances: shared instances leave 1/400 of the variance, distinct ones 1/1600."""
    noise = RNG(2).normal(size=400)
    values = [noise[None] if shared else RNG(seed).normal(size=(1, 400)) for seed in range(4)]
    values = [array - array.mean() for array in values]
    spread = resampled_means(values, RNG(0), 4000)[:, 0].std()
    # different instances: drawing seeds too leaves 1 + 3/4 of a seed's share instead of 1, conservatively
    expected = (1 / 400) ** 0.5 if shared else (1 / 1600 * 1.75) ** 0.5
    assert spread == pytest.approx(expected, rel=0.1)


def test_seeds_with_different_numbers_of_instances_pair_within_seed():
    left, right = [np.ones(10), np.ones(30)], [np.zeros(10), np.full(30, 0.5)]
    mean, low, high = paired_difference(left, right, RNG(0))
    assert mean == pytest.approx(0.75)  # every seed counts the same
    assert (low, high) == pytest.approx((0.5, 1.0))
    with pytest.raises(ValueError, match="same instances on both sides"):
        paired_difference(left, right[::-1], RNG(0))


def test_chunks_change_no_answer(monkeypatch):
    values = [RNG(seed).random((2, 50)) for seed in range(3)]
    whole = resampled_means(values, RNG(0), 200).std(axis=0)
    monkeypatch.setattr("astarzero.experiments.statistics.CHUNK", 500)
    assert resampled_means(values, RNG(0), 200).std(axis=0) == pytest.approx(whole, rel=0.3)
    assert resampled_means(values, RNG(0), 200).mean(axis=0) == pytest.approx(mean_over_seeds(values), abs=0.02)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """6 seeds x 60 instances, seed and instance effects both random: percentile intervals of few seeds run a little narrow."""
    rng, covered = RNG(3), 0
    for _ in range(200):
        seed_effect, instance_effect = rng.normal(0, 0.1, (6, 1)), rng.normal(0, 0.5, (1, 60))
        differences = 0.3 + seed_effect + instance_effect + rng.normal(0, 0.3, (6, 60))
        _, low, high = paired_difference(list(differences), list(np.zeros((6, 60))), rng, samples=300)
        covered += low <= 0.3 <= high
    assert 0.85 <= covered / 200 <= 0.99


@pytest.mark.parametrize(
    ("interval", "answer"),
    [
        ((0.0, -0.02, 0.02), ("tie", 0)),
        ((0.01, 0.005, 0.015), ("tie", 0)),  # excludes 0, yet does not matter
        ((0.05, 0.01, 0.09), ("win", 1)),
        ((-0.05, -0.09, -0.01), ("win", -1)),
        ((0.05, 0.0, 0.1), ("undecided", 0)),
        ((0.0, -0.021, 0.02), ("undecided", 0)),
        ((np.nan, np.nan, np.nan), ("undecided", 0)),
    ],
)
def test_verdicts_by_hand(interval, answer):
    assert verdict(*interval) == answer


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_swapping_the_sides_swaps_the_verdict(mean, below, above):
    word, sign = verdict(mean, mean - below, mean + above)
    assert verdict(-mean, -mean - above, -mean + below) == (word, -sign)


def test_wilson_by_hand():
    assert wilson(0, 10) == pytest.approx((0, 0, 0.2775), abs=1e-4)
    assert wilson(5, 10) == pytest.approx((0.5, 0.2366, 0.7634), abs=1e-4)
    with pytest.raises(ValueError, match="3 of 2 is not"):
        wilson(3, 2)


@given(st.integers(1, 500).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_wilson_holds_its_proportion(pair):
    rate, low, high = wilson(*pair)
    assert 0 <= low <= rate <= high <= 1 and low < high


def test_hits_within_a_world_go_together():
    assert clustered_rate([[True, False]], RNG(0)) == (0.5, 0.0, 1.0)
    _, low, high = clustered_rate([[True] * 10, [False] * 10], RNG(0))
    assert (low, high) == (0, 1)  # two worlds that disagree say nothing, however many cells they hold
    assert np.isnan(clustered_rate([], RNG(0)).mean)


def test_bootstrap_of_a_mean_is_the_normal_interval_and_of_a_median_the_binomial_one():
    values = np.arange(401.0) ** 2
    mean, low, high = bootstrap(values, np.mean, RNG(0), samples=8000)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert mean == values.mean() and (low, high) == pytest.approx((mean - half, mean + half), rel=0.02)
    median, low, high = bootstrap(values, np.median, RNG(0), samples=8000)
    ranks = 200 + np.array((-1, 1)) * 1.96 * np.sqrt(401) / 2  # the order statistics between which a median lies
    assert median == values[200] and (low, high) == pytest.approx(ranks**2, rel=0.02)
    assert np.isnan(bootstrap(np.zeros(0), np.mean, RNG(0)).mean) and bootstrap(np.ones(3), np.mean, RNG(0)) == (1, 1, 1)
