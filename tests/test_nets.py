"""Nets by sweep of NETS, and the evaluator made of one: shapes, signs, chunks, temperature, and every refusal in a sentence."""

import numpy as np
import pytest
import torch

from astarzero.envs import go, sliding
from astarzero.envs.evaluation import HEADS
from astarzero.nets import NETS
from astarzero.nets.evaluator import check_heads, net_evaluator, resolve_device
from astarzero.nets.mlp import MLPConfig, ResidualMLP, build_seeded, count_parameters, half
from astarzero.nets.resnet import ResNet, ResNetConfig
from astarzero.training.tabulate import tabulate

torch.set_num_threads(1)
DOMAIN = sliding.make("2x3")  # 36 features, 4 actions


# of a small net of each kind with 36 features and 4 actions
SIZES = {
    "mlp": {"num_features": 36, "num_actions": 4, "width": 16, "cost_scale": 5.0},
    "resnet": {"feature_shape": (4, 3, 3), "num_actions": 4, "width": 16, "blocks": 1},
}
LEAST, GREATEST = {"mlp": -np.inf, "resnet": -1.0}, {"mlp": 0.0, "resnet": 1.0}  # of a return


def build(name="mlp", seed=0, **sizes):
    return build_seeded(NETS[name], NETS[name].config_type(**{**SIZES[name], **sizes}), seed).eval()


@pytest.fixture(scope="module")
def states():
    return DOMAIN.instance_sets["all"]()


# Every net.


@pytest.mark.parametrize("name", NETS)
def test_a_net_carries_all_heads_with_returns_of_the_right_sign(name):
    outputs = build(name)(3 * torch.randn(50, 36))
    assert {head: tuple(output.shape) for head, output in outputs.items()} == {"value": (50,), "q": (50, 4), "prior": (50, 4)}
    for head in ("value", "q"):
        assert (outputs[head] >= LEAST[name]).all() and (outputs[head] <= GREATEST[name]).all()
    assert all(output.dtype == torch.float32 for output in outputs.values())


@pytest.mark.parametrize("name", NETS)
def test_a_head_does_not_depend_on_which_others_are_asked_for(name):
    net, features = build(name), torch.randn(8, 36)
    everything = net(features)
    for head in HEADS:
        assert list(alone := net(features, (head,))) == [head]
        assert torch.equal(alone[head], everything[head])


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(("width", "blocks"), [(16, 0), (64, 1), (128, 2)])
def test_parameters_are_counted_and_halved(name, width, blocks):
    inputs = {"num_features": 81, "num_actions": 36, "cost_scale": 20.0} if name == "mlp" else SIZES[name]
    config = NETS[name].config_type(**{**inputs, "width": width, "blocks": blocks})
    near = {"mlp": 0.04, "resnet": 0.06}[name]  # a tower of 16 channels has no width nearer to a half
    assert count_parameters(NETS[name](config)) == config.num_parameters
    smaller = half(config)
    assert count_parameters(NETS[name](smaller)) == smaller.num_parameters == pytest.approx(config.num_parameters / 2, rel=near)
    assert (smaller.blocks, smaller.num_features, smaller.num_actions) == (blocks, config.num_features, config.num_actions)


@pytest.mark.parametrize("name", NETS)
def test_first_weights_depend_on_the_seed_alone(name):
    torch.manual_seed(1)
    one, before = build(name, seed=7), torch.get_rng_state()
    torch.manual_seed(2)
    again, other = build(name, seed=7), build(name, seed=8)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(other.parameters()))
    torch.manual_seed(1)
    assert torch.equal(before, torch.get_rng_state())


def test_values_are_in_units_of_the_cost_scale():
    features = torch.randn(8, 36)
    small, large = build(cost_scale=1.0)(features), build(cost_scale=20.0)(features)
    assert torch.allclose(20 * small["value"], large["value"]) and torch.equal(small["prior"], large["prior"])


BAD_SIZES = [("width", 0), ("width", 2.5), ("width", True), ("blocks", -1), ("blocks", 10**9), ("num_actions", 0)]
BAD_SCALES = [("cost_scale", 0.0), ("cost_scale", float("nan")), ("cost_scale", "1")]


@pytest.mark.parametrize(("field", "size"), BAD_SIZES + BAD_SCALES)
def test_a_bad_size_is_one_sentence(field, size):
    with pytest.raises(ValueError, match=f"The net's {field} is .*, but it must be") as refusal:
        build(**{field: size})
    assert "\n" not in str(refusal.value)


# The tower of convolutions.

GO_BOARDS = ["3", "5", "3x5"]


@pytest.mark.parametrize("size", GO_BOARDS)
def test_a_tower_sees_the_planes_where_they_are(size):
    """With the heads' first layers alike everywhere, a board that is turned with its planes gives the same tower output, turned."""
    domain = go.make(size)
    net = build_seeded(ResNet, ResNetConfig.for_domain(domain, 8, 2), 0).eval()
    with torch.no_grad():
        for convolution in (layer for layer in net.modules() if isinstance(layer, torch.nn.Conv2d)):
            convolution.weight.copy_(convolution.weight.flip(3) + convolution.weight)
    planes = torch.randn(6, *domain.feature_shape)
    seen = []
    net.prior[0].register_forward_hook(lambda layer, inputs, output: seen.append(output))
    net(planes.flatten(1), ("prior",)), net(planes.flip(3).flatten(1), ("prior",))
    assert seen[0].shape == (6, 2, *domain.feature_shape[1:]) and seen[0].abs().max() > 0
    assert torch.allclose(seen[0], seen[1].flip(3), atol=1e-5)


@pytest.mark.parametrize("size", GO_BOARDS)
def test_a_tower_judges_go(size):
    domain = go.make(size)
    net = build_seeded(ResNet, ResNetConfig.for_domain(domain, 8, 2), 0)
    states = np.array([domain.random_state(np.random.default_rng(seed)) for seed in range(5)])
    answer = net_evaluator(net, domain, HEADS, device="cpu").evaluate(states)
    assert answer.value.shape == (5,) and answer.prior_logits.shape == answer.q.shape == (5, domain.num_actions)
    assert (abs(answer.value) < 1).all() and (abs(answer.q) < 1).all() and not net.training


def test_a_tower_refuses_other_worlds_and_shapes():
    with pytest.raises(ValueError, match=r"A resnet is for games over planes of a board, and sliding-2x3.* is none"):
        ResNetConfig.for_domain(DOMAIN, 8, 2)
    for shape in ((3, 3), "abc", 5):
        with pytest.raises(ValueError, match=r"The net's feature_shape is .*, but it must be three numbers"):
            ResNetConfig(shape, 4)
    with pytest.raises(ValueError, match=r"The net's feature_shape \(height\) is 0"):
        ResNetConfig((2, 0, 3), 4)


# The evaluator.


def test_an_evaluator_answers_with_the_heads_asked_for(states):
    net = build()
    evaluator = net_evaluator(net, DOMAIN, ("value", "prior"), device="cpu", name="mine")
    answer = evaluator.evaluate(states)
    with torch.inference_mode():
        wanted = net(torch.from_numpy(DOMAIN.features(states)))
    assert (evaluator.name, evaluator.heads, evaluator.rules) == ("mine", frozenset({"value", "prior"}), None)
    assert answer.q is None
    assert answer.value == pytest.approx(wanted["value"].numpy(), rel=1e-5)
    assert answer.prior_logits == pytest.approx(wanted["prior"].numpy(), abs=1e-5)
    assert answer.value.dtype == answer.prior_logits.dtype == np.float32


def test_chunks_one_row_and_no_rows_answer_alike(states):
    net = build()
    whole = net_evaluator(net, DOMAIN, HEADS, device="cpu").evaluate(states)
    small = net_evaluator(net, DOMAIN, HEADS, device="cpu", chunk=7)
    for one, other in zip(whole, small.evaluate(states), strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    assert small.evaluate(states[3]).q == pytest.approx(whole.q[3:4], abs=1e-5)
    empty = small.evaluate(states[:0])
    assert (empty.value.shape, empty.q.shape) == ((0,), (0, 4))


def test_an_answer_is_not_overwritten_by_the_next_question(states):
    evaluator = net_evaluator(build(), DOMAIN, ("q",), device="cpu")
    first = evaluator.evaluate(states[:5]).q
    kept = first.copy()
    evaluator.evaluate(states[5:10])
    assert np.array_equal(first, kept)


def test_the_temperature_divides_the_prior_and_nothing_else(states):
    net = build()
    cold, warm = (net_evaluator(net, DOMAIN, HEADS, temperature, device="cpu").evaluate(states) for temperature in (1.0, 4.0))
    assert warm.prior_logits == pytest.approx(cold.prior_logits / 4, abs=1e-6)
    assert np.array_equal(warm.value, cold.value) and np.array_equal(warm.q, cold.q)


def test_tabulating_is_evaluating_everything(states):
    evaluator = net_evaluator(build(), DOMAIN, ("value", "q"), device="cpu")
    table, whole = tabulate(evaluator, states, chunk=100), evaluator.evaluate(states)
    assert table.prior_logits is None and table.q.shape == (len(states), 4) and table.q.dtype == np.float32
    assert table.value == pytest.approx(whole.value, rel=1e-5) and table.q == pytest.approx(whole.q, rel=1e-5)
    assert tabulate(evaluator, states[:0]).value.shape == (0,)


@pytest.mark.parametrize("head", HEADS)
def test_an_answer_that_is_not_finite_is_one_sentence(states, head):
    net = build()
    with torch.no_grad():
        getattr(net, head).bias[0] = float("nan")
    assert np.isfinite(net_evaluator(net, DOMAIN, set(HEADS) - {head}, device="cpu").evaluate(states)[2 if head == "value" else 1]).all()
    with pytest.raises(ArithmeticError, match=f"The {head} head of 'sick' is not finite"):
        net_evaluator(net, DOMAIN, (head,), device="cpu", name="sick").evaluate(states)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"domain": sliding.make(3)}, "does not fit sliding-3x3.*num_features is 36, not 81"),
        ({"heads": ("policy",)}, "Head 'policy' is not known: give one or more of value, q, prior"),
        ({"heads": ()}, "No head was given"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"device": "gpu"}, "Device 'gpu' is not known: give auto, cpu or cuda"),
    ],
)
def test_what_does_not_fit_is_one_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        net_evaluator(**{"net": build(), "domain": DOMAIN, "heads": ("value",), "device": "cpu", **change})


def test_heads_come_in_one_order():
    assert check_heads(["prior", "value", "prior"]) == ("value", "prior") and check_heads("q") == ("q",)


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto").type == resolve_device("cpu").type == "cpu"
    with pytest.raises(ValueError, match="Device cuda was asked for, but torch finds no CUDA device"):
        resolve_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto").type == resolve_device("cuda").type == "cuda" and resolve_device("cpu").type == "cpu"


def test_the_config_is_hashable_and_its_class_is_the_builders():
    assert ResidualMLP.config_type is MLPConfig and hash(MLPConfig(3, 2)) == hash(MLPConfig(3, 2))
