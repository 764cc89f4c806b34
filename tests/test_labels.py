"""Labels against a graph whose answers are known by heart (drawn_graph.py) and against the exact table of the 2x3 puzzle."""

import drawn_graph
import numpy as np
import pytest
from drawn_graph import DEAD, GOAL, LOST, LOWER, START, UPPER

from astarzero.envs import sliding
from astarzero.envs.oracles import exact_table
from astarzero.training.labels import DEAD_FACTOR, LABELS, choose_one, full_labels, matched_labels, sample_states, split_roots


@pytest.fixture(scope="module")
def drawn():
    table = exact_table(drawn_graph.make())
    assert table.states[:, 0].tolist() == list(range(6))  # so that an index is a state's name below
    return table


@pytest.fixture(scope="module")
def puzzle():
    return exact_table(sliding.make("2x3"))


def rng(seed=0):
    return np.random.default_rng(seed)


# Splits and samples.


def test_roots_are_split_without_overlap_and_by_the_seed():
    roots = np.arange(100, 200)
    parts = split_roots(roots, rng(), (0.6, 0.1, 0.3))
    assert [len(part) for part in parts] == [60, 10, 30]
    assert sorted(np.concatenate(parts)) == roots.tolist()
    assert all(np.array_equal(one, other) for one, other in zip(parts, split_roots(roots, rng(), (0.6, 0.1, 0.3)), strict=True))
    assert [len(part) for part in split_roots(roots[:3], rng(), (0.98, 0.01, 0.01))] == [1, 1, 1]


BAD_SPLITS = [(9, (0.5, 0.5, 0.1), "no split"), (9, (1.0, 0.0, 0.0), "no split"), (2, (0.6, 0.2, 0.2), "at least 3")]


@pytest.mark.parametrize(("count", "fractions", "sentence"), BAD_SPLITS)
def test_a_bad_split_is_refused(count, fractions, sentence):
    with pytest.raises(ValueError, match=sentence):
        split_roots(np.arange(count), rng(), fractions)


def test_samples_follow_optimal_paths_and_weigh_their_states_alike(drawn):
    sample = sample_states(drawn, np.array([START, GOAL, DEAD, LOST]), 20_000, rng())  # only START is usable
    shares = np.bincount(sample, minlength=6) / len(sample)
    # Every path from START holds START and one of UPPER, LOWER: a half, a quarter, a quarter (4 standard errors are .015).
    assert shares == pytest.approx([0.5, 0.25, 0.25, 0, 0, 0], abs=0.015)


def test_samples_of_the_puzzle_are_uniform_over_the_moves_to_go(puzzle):
    farthest = np.flatnonzero(puzzle.cost_to_go == 21)
    sample = sample_states(puzzle, farthest, 21_000, rng())
    counts = np.bincount(puzzle.cost_to_go[sample].astype(int), minlength=22)
    assert counts[0] == 0 and counts[1:] == pytest.approx(np.full(21, 1000), abs=130)
    assert np.array_equal(sample, sample_states(puzzle, farthest, 21_000, rng()))


def test_no_usable_root_is_one_sentence(drawn):
    with pytest.raises(ValueError, match="None of the 2 roots of drawn-graph"):
        sample_states(drawn, np.array([GOAL, DEAD]), 5, rng())


# Labels.


def test_full_labels_of_the_drawn_graph(drawn):
    labels = full_labels(drawn, np.array([START, UPPER, LOWER]), rng())
    lost = DEAD_FACTOR * 3.0  # the largest finite cost is that of START
    assert labels.dead_cost == lost
    assert labels.prior.tolist() == [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    assert labels.q.tolist() == [[-3.0, -3.0, -lost], [-1.0, -lost, 0.0], [-2.0, -lost, 0.0]]
    assert labels.q_known.tolist() == labels.legal.tolist() == [[True, True, True], [True, True, False], [True, True, False]]
    # V judges the successors that are neither goal nor terminal: UPPER, LOWER, LOST of START, none of UPPER, LOST of LOWER.
    assert labels.value_states[:, 0].tolist() == [UPPER, LOWER, LOST, LOST]
    assert labels.value.tolist() == [-1.0, -2.0, -lost, -lost]
    assert labels.num_labels == {"value": 4, "q": 7, "prior": 3}


def test_matched_labels_give_every_head_one_label_of_the_same_choice(drawn):
    states = np.tile([START, UPPER, LOWER], 1000)
    labels = matched_labels(drawn, states, rng())
    full = full_labels(drawn, states, rng())
    assert labels.num_labels == {"value": 3000, "q": 3000, "prior": 3000}
    assert (labels.q_known.sum(1) == 1).all() and (labels.prior.sum(1) == 1).all()
    assert not labels.prior[full.prior == 0].any()
    assert labels.q[labels.q_known] == pytest.approx(full.q[labels.q_known])
    chosen = labels.q_known.argmax(1)
    judged = labels.value_states[:, 0]
    for state, action, seen in zip(states, chosen, judged, strict=True):
        successor = drawn_graph.ARCS[state][action][0]
        assert seen == (state if successor in (GOAL, DEAD) else successor)
    assert labels.value == pytest.approx(-np.minimum(drawn.cost_to_go[judged.astype(int)], labels.dead_cost))
    # Uniform: each of START's three actions for Q, each of its two optimal ones for pi (4 standard errors are .06).
    assert labels.q_known[states == START].mean(0) == pytest.approx(np.full(3, 1 / 3), abs=0.06)
    assert labels.prior[states == START].mean(0) == pytest.approx([0.5, 0.5, 0.0], abs=0.065)


def test_labels_of_the_puzzle_agree_with_its_exact_table(puzzle):
    indices = sample_states(puzzle, np.arange(len(puzzle.states)), 500, rng())
    labels = full_labels(puzzle, indices, rng())
    assert labels.value == pytest.approx(-puzzle.costs(labels.value_states))
    assert ((labels.prior > 0) == puzzle.optimal_actions(indices)).all() and labels.prior.sum(1) == pytest.approx(1)
    best = np.where(labels.legal, labels.q, -np.inf).max(1)
    assert best == pytest.approx(-puzzle.cost_to_go[indices])
    assert labels.dead_cost == DEAD_FACTOR * -labels.q.min()
    assert labels.cost_scale == pytest.approx(-labels.q[labels.legal].mean())
    assert labels.cost_spread == pytest.approx(labels.q[labels.legal].std(), rel=1e-4)


def test_other_splits_take_the_dead_cost_of_the_train_labels(drawn):
    assert full_labels(drawn, np.array([UPPER]), rng(), dead_cost=9.0).q.tolist() == [[-1.0, -9.0, 0.0]]


@pytest.mark.parametrize("regime", LABELS)
def test_the_same_seed_gives_the_same_labels_and_no_label_is_infinite(drawn, regime):
    states = sample_states(drawn, np.array([START]), 200, rng())
    one, other = (LABELS[regime](drawn, states, rng(3)) for _ in range(2))
    for name, array in vars(one).items():
        assert np.array_equal(array, vars(other)[name])
    assert np.isfinite(one.q).all() and np.isfinite(one.value).all() and one.regime == regime
    assert one.q.dtype == one.value.dtype == one.prior.dtype == np.float32


@pytest.mark.parametrize("regime", LABELS)
@pytest.mark.parametrize("state", [GOAL, LOST])
def test_a_state_without_an_optimal_action_is_refused(drawn, regime, state):
    with pytest.raises(ValueError, match=f"State {state} is solved or a dead end"):
        LABELS[regime](drawn, np.array([START, state]), rng())


def test_choosing_one_is_uniform_over_what_is_allowed():
    mask = np.tile([[True, False, True, True]], (9000, 1))
    chosen = choose_one(mask, rng())
    assert (chosen.sum(1) == 1).all() and not chosen[:, 1].any()
    assert chosen.mean(0)[[0, 2, 3]] == pytest.approx(np.full(3, 1 / 3), abs=0.02)
