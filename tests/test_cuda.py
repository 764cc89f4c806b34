"""Nets on a GPU answer as they do on the CPU, and the searches that ask them find what they should. Skipped without a CUDA device."""

import numpy as np
import pytest
import torch

from astarzero.envs import go, sliding
from astarzero.envs.evaluation import HEADS
from astarzero.envs.go import start
from astarzero.envs.oracles import exact_table
from astarzero.nets.checkpoint import load, save
from astarzero.nets.evaluator import net_evaluator
from astarzero.nets.mlp import MLPConfig, ResidualMLP, build_seeded
from astarzero.nets.resnet import ResNet, ResNetConfig
from astarzero.search import Budget, astar
from astarzero.search.forest import Forest
from astarzero.search.tree_config import TreeConfig
from astarzero.training.imitation import ImitationConfig, imitate
from astarzero.training.labels import LABELS, sample_states

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
CLOSE = 2e-3  # convolutions on a GPU round to TF32
torch.set_num_threads(1)
PUZZLE, BOARD = sliding.make("2x3"), go.make(5)


def mlp():
    return build_seeded(ResidualMLP, MLPConfig(PUZZLE.num_features, PUZZLE.num_actions, 64, cost_scale=10.0), 0)


def resnet():
    return build_seeded(ResNet, ResNetConfig.for_domain(BOARD, 16, 2), 0)


def states_of(domain, count=300):
    rng = np.random.default_rng(0)
    return np.array([domain.random_state(rng) for _ in range(count)])


@pytest.mark.parametrize("chunk", [7, 4096])
@pytest.mark.parametrize(("domain", "build"), [(PUZZLE, mlp), (BOARD, resnet)], ids=["mlp", "resnet"])
def test_a_gpu_answers_as_the_cpu_does(domain, build, chunk):
    net, states = build(), states_of(domain)
    wanted = net_evaluator(net, domain, HEADS, device="cpu").evaluate(states)
    found = net_evaluator(net, domain, HEADS, device="cuda", chunk=chunk)
    assert next(net.parameters()).device.type == "cuda"
    for _ in range(2):  # the buffer is used again
        for one, other in zip(found.evaluate(states), wanted, strict=True):
            assert np.allclose(one, other, rtol=CLOSE, atol=CLOSE)


def test_a_desk_on_a_gpu_is_read_after_it_is_written():
    """What the kernel reads right after `judge` are the answers to these rows, not to those before."""
    domain = PUZZLE
    judge = net_evaluator(mlp(), domain, ("value",), device="cuda", chunk=64)
    desk = judge.desk(200, ("value",))
    for seed in range(20):
        states = np.random.default_rng(seed).permutation(states_of(domain))[:200]
        with desk.session():
            desk.features[:] = domain.features(states)
            desk.judge(200)
        assert np.allclose(desk.value, judge.evaluate(states).value, atol=CLOSE)


@pytest.mark.parametrize("batch", [1, 16])
def test_astar_is_guided_from_a_gpu(batch):
    """Trained on a GPU, saved, loaded, asked on a GPU: with an exact-as-can-be h the plans are all but optimal."""
    table = exact_table(PUZZLE)
    every = np.arange(len(table.states))
    rng = np.random.default_rng(0)
    labels = LABELS["full"](table, sample_states(table, every, 360, rng), rng)
    config = ImitationConfig(heads=("value",), width=64, steps=800, batch_size=128, check_every=100, device="cuda")
    trained = imitate(PUZZLE, labels, labels, config)
    assert trained.metrics["validation_loss"]["value"] < 0.05
    judge = net_evaluator(trained.net, PUZZLE, ("value",), device="cuda")
    costs, optima = [], []
    for index in rng.choice(every, 40, replace=False):
        result = astar(PUZZLE, table.states[index], judge, batch=batch, budget=Budget(expansions=5000))
        assert result.solved
        costs.append(result.cost)
        optima.append(table.cost_to_go[index])
    assert np.mean(costs) <= 1.1 * np.mean(optima)


def test_a_checkpoint_of_a_gpu_is_read_on_the_cpu(tmp_path):
    domain, net, states = PUZZLE, mlp(), states_of(PUZZLE)
    before = net_evaluator(net, domain, ("value",), device="cuda").evaluate(states).value
    save(tmp_path / "net.safetensors", net, domain, heads=("value",), command="astarzero train sliding", metrics={})
    after = net_evaluator(load(tmp_path / "net.safetensors", domain).net, domain, ("value",), device="cpu").evaluate(states).value
    assert np.allclose(before, after, atol=CLOSE)


def test_trees_are_judged_on_a_gpu():
    """The root's values and the first simulations are those of the CPU; later ones may differ where rounding decides between equals."""
    net, found = resnet(), {}
    for device in ("cpu", "cuda"):
        judge = net_evaluator(net, BOARD, ("value", "prior"), device=device)
        forest = Forest(BOARD, np.stack([start(BOARD)] * 16), judge, TreeConfig("puct"), seeds=range(16))
        forest.run(50)
        assert (forest.visit_counts.sum(1) == 50).all()
        found[device] = forest.value
    assert np.allclose(found["cpu"], found["cuda"], atol=0.05)
