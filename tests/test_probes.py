"""Choice regret by hand: ties, dead ends, and how each head's answers become choices."""

import drawn_graph
import numpy as np
import pytest
from drawn_graph import LOWER, START, UPPER

from astarzero.envs import sliding
from astarzero.envs.evaluation import Evaluation
from astarzero.envs.oracles import exact_table
from astarzero.experiments.probes import action_regrets, choice_regret, choice_scores, regret_removed


def test_ties_are_shared_and_illegal_actions_ignored():
    scores = np.array([[1.0, 1.0, 9.0], [0.0, 2.0, 1.0], [-np.inf, -np.inf, -np.inf]])
    regrets = np.array([[0.0, 4.0, 100.0], [1.0, 2.0, 3.0], [0.0, 3.0, 6.0]])
    legal = np.array([[True, True, False], [True, True, True], [True, True, True]])
    chosen, random = choice_regret(scores, regrets, legal)
    assert chosen.tolist() == [2.0, 2.0, 3.0] and random.tolist() == [2.0, 2.0, 3.0]
    assert choice_regret(np.where(legal, scores, np.nan), regrets, legal)[0].tolist() == [2.0, 2.0, 3.0]


def test_the_order_of_actions_does_not_matter():
    rng = np.random.default_rng(0)
    scores, regrets, legal = rng.integers(0, 3, (50, 5)).astype(float), rng.random((50, 5)), rng.random((50, 5)) < 0.7
    legal[:, 0] = True
    turned = [array[:, ::-1] for array in (scores, regrets, legal)]
    assert choice_regret(*turned)[0] == pytest.approx(choice_regret(scores, regrets, legal)[0])


def test_the_scale_runs_from_perfect_over_random_to_worse():
    regrets, legal = np.array([[0.0, 1.0], [3.0, 0.0]]), np.ones((2, 2), bool)
    for scores, wanted in ((-regrets, 1.0), (0 * regrets, 0.0), (regrets, -1.0)):
        assert regret_removed(*choice_regret(scores, regrets, legal)) == pytest.approx(wanted)
    assert np.isnan(regret_removed(*choice_regret(regrets, 0 * regrets, legal)))


UNFIT = [([[1.0, 2.0]], [[False, False]], "State number 0 has no legal action"), ([[np.nan, 2.0]], [[True, True]], "score NaN")]


@pytest.mark.parametrize(("scores", "legal", "sentence"), UNFIT)
def test_what_cannot_be_chosen_from_is_one_sentence(scores, legal, sentence):
    with pytest.raises(ValueError, match=sentence):
        choice_regret(np.array(scores), np.zeros((1, 2)), np.array(legal))


def test_with_dead_ends_regret_is_being_lost():
    table = exact_table(drawn_graph.make())
    regrets, legal = action_regrets(table, np.array([START, UPPER, LOWER]))
    assert regrets.tolist() == [[0, 0, 1], [0, 1, 0], [0, 1, 0]]
    assert legal.tolist() == [[True, True, True], [True, True, False], [True, True, False]]


def test_without_dead_ends_regret_is_extra_cost():
    table = exact_table(sliding.make("2x3"))
    indices = np.flatnonzero(table.cost_to_go > 0)
    regrets, legal = action_regrets(table, indices)
    assert set(np.unique(regrets)) == {0.0, 2.0} and ((regrets == 0) & legal).any(1).all()  # a move is one nearer or one farther


def test_each_head_is_read_as_a_search_would_read_it():
    table = exact_table(drawn_graph.make())
    indices = np.array([START, UPPER, LOWER])
    value = np.array([-99.0, -1.5, -2.5, -50.0, -0.1, -6.0], np.float32)  # what it says of 3 and 4, which are terminal, is never asked
    q = np.arange(18, dtype=np.float32).reshape(6, 3)
    answers = Evaluation(prior_logits=-q, value=value, q=q)
    assert choice_scores(table, answers, "value", indices).tolist() == [[-3.5, -3.5, -7.0], [-1.0, -np.inf, -np.inf], [-2.0, -7.0, -np.inf]]
    assert choice_scores(table, answers, "q", indices).tolist() == [[0, 1, 2], [3, 4, -np.inf], [6, 7, -np.inf]]
    assert choice_scores(table, answers, "prior", indices).tolist() == [[0, -1, -2], [-3, -4, -np.inf], [-6, -7, -np.inf]]
    with pytest.raises(ValueError, match="hold no q head"):
        choice_scores(table, Evaluation(value=value), "q", indices)


def test_exact_answers_remove_all_regret():
    for domain in (drawn_graph.make(), sliding.make("2x3")):
        table = exact_table(domain)
        indices = np.flatnonzero(np.isfinite(table.cost_to_go) & (table.cost_to_go > 0))
        everything = np.arange(len(table.states))
        optimal, q = table.optimal_actions(everything).astype(np.float32), table.q(everything).astype(np.float32)
        exact = Evaluation(prior_logits=optimal, value=-table.cost_to_go.astype(np.float32), q=q)
        regrets, legal = action_regrets(table, indices)
        for head in ("value", "q", "prior"):
            assert regret_removed(*choice_regret(choice_scores(table, exact, head, indices), regrets, legal)) == pytest.approx(1.0)
