"""Losses by hand, then training on the 2x3 puzzle: it learns, it repeats itself bit for bit, and it says when it learned nothing."""

import math
from dataclasses import replace

import drawn_graph
import numpy as np
import pytest
import torch

from astarzero.envs import sliding
from astarzero.envs.evaluation import HEADS
from astarzero.envs.oracles import exact_table
from astarzero.experiments.probes import action_regrets, choice_regret, choice_scores, regret_removed
from astarzero.nets.evaluator import net_evaluator
from astarzero.nets.mlp import count_parameters
from astarzero.training.imitation import SCHEDULES, ImitationConfig, draw_batches, imitate
from astarzero.training.labels import LABELS, sample_states, split_roots
from astarzero.training.tabulate import tabulate
from astarzero.training.targets import LOSSES, calibrate_temperature, collapsed, masked_log_softmax, prior_loss, q_loss, value_loss

torch.set_num_threads(1)
QUICK = ImitationConfig(width=32, steps=150, batch_size=64, check_every=25, device="cpu")


# Losses, by hand.


def test_illegal_actions_have_no_probability_and_no_gradient():
    logits = torch.tensor([[1.0, 50.0, 1.0], [0.0, 0.0, 0.0]], requires_grad=True)
    legal = torch.tensor([[True, False, True], [False, True, False]])
    logs = masked_log_softmax(logits, legal)
    assert logs.tolist() == [pytest.approx([-math.log(2), 0.0, -math.log(2)]), [0.0, 0.0, 0.0]]
    target = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    loss = prior_loss(logits, target, legal)
    assert loss.item() == pytest.approx(math.log(2) / 2)
    loss.backward()
    assert logits.grad.tolist() == [pytest.approx([-0.25, 0.0, 0.25]), [0.0, 0.0, 0.0]]


def test_losses_count_labelled_entries_in_units_of_the_spread():
    q, target = torch.tensor([[-1.0, -9.0], [-3.0, -4.0]]), torch.tensor([[-3.0, 0.0], [-3.0, 0.0]])
    known = torch.tensor([[True, False], [True, False]])
    assert q_loss(q, target, known, 2.0).item() == pytest.approx((1 + 0) / 2)
    assert value_loss(torch.tensor([-1.0, -5.0]), torch.tensor([-3.0, -1.0]), 2.0).item() == pytest.approx((1 + 4) / 2)


def minimiser(loss, costs, level):
    """The one cost that answers all of `costs` with the least loss, by a fine grid."""
    grid = torch.linspace(0, 10, 2001)
    losses = [value_loss(-cost.expand(len(costs)), -costs, 1.0, loss, level) for cost in grid]
    return float(grid[int(torch.stack(losses).argmin())])


@pytest.mark.parametrize("level", [0.05, 0.3, 0.5, 0.9])
def test_what_a_loss_teaches_is_the_mean_the_quantile_or_the_expectile(level):
    costs = 10 * torch.rand(999, generator=torch.Generator().manual_seed(0))
    assert minimiser("squared", costs, level) == pytest.approx(float(costs.mean()), abs=0.01)
    assert minimiser("quantile", costs, level) == pytest.approx(float(costs.quantile(level)), abs=0.02)
    expectile = minimiser("asymmetric", costs, level)
    above, below = (costs - expectile).clamp(min=0).sum(), (expectile - costs).clamp(min=0).sum()
    assert float(level * above / ((1 - level) * below)) == pytest.approx(1, abs=0.02)  # what defines the expectile


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_of_a_loss_pushes_towards_the_truth_by_its_weight(loss):
    value = torch.tensor([-5.0, -1.0], requires_grad=True)  # an overestimate of 2 and an underestimate of 2
    value_loss(value, torch.tensor([-3.0, -3.0]), 2.0, loss, 0.1).backward()
    over, under = {"squared": (2.0, 2.0), "quantile": (0.9, 0.1), "asymmetric": (1.8, 0.2)}[loss]
    assert value.grad.tolist() == pytest.approx([-over / 2 / 2, under / 2 / 2])  # / 2 states / spread 2


@pytest.mark.parametrize("temperature", [0.2, 1.0, 3.7])
def test_calibration_finds_the_temperature_that_was_planted(temperature):
    logits = torch.randn(500, 5, generator=torch.Generator().manual_seed(0))
    legal = torch.rand(500, 5, generator=torch.Generator().manual_seed(1)) < 0.7
    legal[:, 0] = True
    target = masked_log_softmax(logits, legal).exp().masked_fill(~legal, 0.0)
    assert calibrate_temperature(temperature * logits, target, legal) == pytest.approx(temperature, rel=5e-3)


def test_calibration_stays_in_its_bounds():
    logits, legal = torch.tensor([[2.0, 0.0]]), torch.ones(1, 2, dtype=torch.bool)
    assert calibrate_temperature(logits, torch.tensor([[1.0, 0.0]]), legal) == pytest.approx(0.05, rel=0.01)
    assert calibrate_temperature(logits, torch.tensor([[0.0, 1.0]]), legal) == pytest.approx(20.0, rel=0.01)


def test_collapse_is_seen_through_masks_and_offsets():
    noise = torch.Generator().manual_seed(0)
    legal = torch.rand(200, 6, generator=noise) < 0.6
    legal[:, 2] = True
    preference, offset = torch.randn(6, generator=noise), torch.randn(200, 1, generator=noise)
    constant = preference.expand(200, 6).masked_fill(~legal, 7.0)
    assert collapsed(constant, legal) and collapsed(preference + offset, legal)
    assert not collapsed(preference + offset + 0.1 * torch.randn(200, 6, generator=noise), legal)
    assert collapsed(torch.full((9,), -3.0)) and not collapsed(torch.tensor([-3.0, -3.1]))
    assert not collapsed(torch.tensor([-3.0])) and not collapsed(preference[None], legal[:1])


def test_batches_show_every_row_once_a_round():
    batches = draw_batches(10, 4, np.random.default_rng(0))
    assert sorted(np.concatenate([next(batches) for _ in range(5)])) == sorted([*range(10)] * 2)
    assert len(next(draw_batches(3, 8, np.random.default_rng(0)))) == 8


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_stays_between_nothing_and_the_whole_rate(schedule):
    shares = [SCHEDULES[schedule](done) for done in np.linspace(0, 1, 101)]
    assert min(shares) >= -1e-12 and 0.9 < max(shares) <= 1.0 and shares[0] > 0


# Training.


@pytest.fixture(scope="module")
def puzzle():
    return exact_table(sliding.make("2x3"))


@pytest.fixture(scope="module")
def labels(puzzle):
    """(train, validation, test state indices) by regime; the roots of the three do not meet."""
    rng = np.random.default_rng(0)
    train, validation, test = (sample_states(puzzle, roots, 400, rng) for roots in split_roots(np.arange(len(puzzle.states)), rng))
    made = {}
    for regime, label in LABELS.items():
        of_train = label(puzzle, train, rng)
        made[regime] = of_train, label(puzzle, validation, rng, of_train.dead_cost)
    return made, test


def removed(puzzle, trained, head, test):
    answers = tabulate(net_evaluator(trained.net, puzzle.domain, (head,), trained.temperature, "cpu"), puzzle.states)
    regrets, legal = action_regrets(puzzle, test)
    return regret_removed(*choice_regret(choice_scores(puzzle, answers, head, test), regrets, legal))


@pytest.mark.parametrize("regime", LABELS)
@pytest.mark.parametrize("head", HEADS)
def test_a_net_learns_to_choose(puzzle, labels, regime, head):
    made, test = labels
    trained = imitate(puzzle.domain, *made[regime], replace(QUICK, heads=(head,), steps=300))
    assert removed(puzzle, trained, head, test) > {"value": 0.8, "q": 0.4, "prior": 0.6}[head]  # Q learns last
    metrics = trained.metrics
    assert metrics["collapsed"] == {head: False} and metrics["regime"] == regime
    assert metrics["labels"] == {head: made[regime][0].num_labels[head]}
    assert metrics["validation_loss"][head] == pytest.approx(min(look["validation_loss"] for look in trained.history), rel=1e-4)
    assert (trained.temperature == 1.0) == (head != "prior")


@pytest.mark.parametrize("half_size", [False, True])
def test_parameters_are_equal_whatever_is_trained(puzzle, labels, half_size):
    made, _ = labels
    config = replace(QUICK, steps=2, half_size=half_size)
    trained = (("value",), ("q",), ("prior",), ("value", "prior"))
    nets = [imitate(puzzle.domain, *made["full"], replace(config, heads=heads)).net for heads in trained]
    assert len({count_parameters(net) for net in nets}) == 1 and len({net.config for net in nets}) == 1
    whole = replace(nets[0].config, width=QUICK.width).num_parameters
    assert nets[0].config.num_parameters == pytest.approx(whole / (2 if half_size else 1), rel=0.05)


def test_the_same_arguments_give_the_same_bits(puzzle, labels):
    made, _ = labels
    config = replace(QUICK, heads=("value", "prior"), steps=60)
    torch.manual_seed(1)
    one = imitate(puzzle.domain, *made["matched"], config)
    torch.manual_seed(2)
    again, other = (imitate(puzzle.domain, *made["matched"], replace(config, seed=seed)) for seed in (0, 1))
    for a, b in zip(one.net.parameters(), again.net.parameters(), strict=True):
        assert torch.equal(a, b)
    assert one.history == again.history and one.temperature == again.temperature
    assert {**one.metrics, "seconds": 0} == {**again.metrics, "seconds": 0}
    assert not torch.equal(one.net.first.weight, other.net.first.weight)


def test_two_heads_sum_their_losses(puzzle, labels):
    made, _ = labels
    trained = imitate(puzzle.domain, *made["full"], replace(QUICK, heads=("prior", "value")))
    assert set(trained.metrics["validation_loss"]) == set(trained.metrics["collapsed"]) == {"value", "prior"}
    best = min(look["validation_loss"] for look in trained.history)
    assert sum(trained.metrics["validation_loss"].values()) == pytest.approx(best, rel=1e-4)


@pytest.mark.parametrize("loss", ["quantile", "asymmetric"])
def test_a_net_taught_to_dislike_overestimates_makes_fewer(puzzle, labels, loss):
    made, _ = labels
    share = {}
    for name in ("squared", loss):
        trained = imitate(puzzle.domain, *made["full"], replace(QUICK, heads=("value",), value_loss=name, value_level=0.02))
        answers = tabulate(net_evaluator(trained.net, puzzle.domain, ("value",), device="cpu"), puzzle.states)
        share[name] = np.mean(-answers.value > puzzle.cost_to_go)
    assert share[loss] < 0.7 * share["squared"], share


def test_heads_that_are_not_trained_keep_their_first_weights(puzzle, labels):
    made, _ = labels
    short, long = (imitate(puzzle.domain, *made["full"], replace(QUICK, heads=("value",), steps=steps)).net for steps in (5, 10))
    assert torch.equal(short.q.weight, long.q.weight) and torch.equal(short.prior.bias, long.prior.bias)
    assert not torch.equal(short.value.weight, long.value.weight)


def test_training_stops_when_validation_no_longer_improves_and_keeps_the_best(puzzle, labels):
    made, _ = labels
    seen = []
    config = replace(QUICK, heads=("prior",), steps=3000, learning_rate=0.02, schedule="constant", check_every=10, patience=3)
    trained = imitate(puzzle.domain, *made["matched"], config, progress=lambda *look: seen.append(look))
    losses = [look["validation_loss"] for look in trained.history]
    assert trained.metrics["steps"] < 3000 and [look[0] for look in seen] == [look["step"] for look in trained.history]
    assert min(losses[-3:]) >= min(losses) == losses[-4]  # three looks in vain
    assert trained.metrics["best_step"] == trained.history[-4]["step"]


def test_a_net_that_cannot_tell_states_apart_is_collapsed(puzzle):
    table = exact_table(drawn_graph.make())
    blind = table.domain.with_(encode=drawn_graph.encode_nothing)
    rng = np.random.default_rng(0)
    states = sample_states(table, np.array([0]), 100, rng)
    for heads in (("value",), ("q",), ("prior",)):
        made = LABELS["full"](table, states, rng)
        assert imitate(blind, made, made, replace(QUICK, heads=heads, steps=30)).metrics["collapsed"] == {heads[0]: True}
        assert imitate(table.domain, made, made, replace(QUICK, heads=heads, steps=30)).metrics["collapsed"] == {heads[0]: False}


def test_diverging_is_one_sentence(puzzle, labels):
    made, _ = labels
    with pytest.raises(ArithmeticError, match=r"Training diverged at step \d+: .*; give a learning_rate below 1e"):
        imitate(puzzle.domain, *made["full"], replace(QUICK, heads=("value",), learning_rate=1e30, weight_decay=0.0))


def test_a_label_set_without_rows_is_one_sentence():
    table = exact_table(drawn_graph.make())
    made = LABELS["full"](table, np.array([drawn_graph.UPPER]), np.random.default_rng(0))  # its successors are all terminal
    with pytest.raises(ValueError, match="The full label set of drawn-graph has no rows for the value head"):
        imitate(table.domain, made, made, QUICK)


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ({"heads": ("policy",)}, "Head 'policy' is not known"),
        ({"net": "cnn"}, "Net 'cnn' is not known: give one of mlp"),
        ({"schedule": "step"}, "Schedule 'step' is not known: give one of cosine, constant"),
        ({"value_loss": "huber"}, "Value loss 'huber' is not known: give one of squared, quantile, asymmetric"),
        ({"value_level": 1.0}, "value_level is 1.0, but a share of overestimates must lie between 0 and 1"),
        ({"steps": 0}, "steps is 0, but it must be a finite number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
    ],
)
def test_a_bad_config_is_one_sentence(field, sentence):
    with pytest.raises(ValueError, match=sentence):
        ImitationConfig(**field)
