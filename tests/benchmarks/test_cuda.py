"""What a GPU changes: nets alone, searches with a net, and mctx on Pgx, which is made for one. Skipped without a CUDA device.

Wall time, not CPU time as elsewhere: a GPU works while the CPU waits. A search with a net is timed whole; its *outside* is the share of
the wall time not spent between asking the net and having its answer. The peer runs on the same GPU, ours on one CPU core beside it.
"""

import time

import numpy as np
import pytest
import torch
from test_outside_the_net import HEADS
from test_trees import TOWERS, mctx_search, nothing_known

from astarzero import envs
from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.envs.go import start
from astarzero.nets.evaluator import Net, net_evaluator
from astarzero.nets.mlp import MLPConfig, ResidualMLP, build_seeded
from astarzero.nets.resnet import ResNet, ResNetConfig
from astarzero.search import Budget, astar
from astarzero.search.forest import Forest
from astarzero.search.tree_config import TreeConfig

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
DEVICES = ("cpu", "cuda")
BATCHES = (1, 16, 256, 4096)


def wall(work, rounds: int = 3) -> float:
    """The least wall seconds of `rounds` calls, after one to warm up."""
    taken = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken[1:])


def wide_net() -> tuple[Domain, Net]:
    domain = envs.make("sliding", size=4)
    return domain, build_seeded(ResidualMLP, MLPConfig(domain.num_features, domain.num_actions, 512, cost_scale=10.0), 0)


def tower(size: int) -> tuple[Domain, Net]:
    domain, (blocks, width) = envs.make("go", size=size), TOWERS[size]
    return domain, build_seeded(ResNet, ResNetConfig.for_domain(domain, width, blocks), 0)


WORKS = {
    "MLP 512 wide, 15-puzzle": (wide_net, HEADS),
    **{f"ResNet, Go {n}x{n}": (lambda n=n: tower(n), ("value", "prior")) for n in TOWERS},
}


@pytest.mark.parametrize("work", WORKS)
def test_states_a_second(add_row, work):
    """Features written, carried there and answers back: states a second by batch."""
    build, heads = WORKS[work]
    domain, net = build()
    states = np.array([domain.random_state(np.random.default_rng(seed)) for seed in range(64)])
    for device in DEVICES:
        judge, found = net_evaluator(net, domain, heads, device=device), []
        for batch in BATCHES:
            rows, calls = states[np.arange(batch) % len(states)], max(1, 512 // batch)
            found.append(f"{batch * calls / wall(lambda: [judge.evaluate(rows) for _ in range(calls)]):,.0f}")  # noqa: B023, called at once
        add_row(f"{work}, {device}: states/s, B = {', '.join(map(str, BATCHES))}", " / ".join(found))


@pytest.mark.parametrize("batch", [1, 32, 1000, 10_000])
def test_astar_with_a_net(add_row, batch):
    domain, net = wide_net()
    state, evaluations = domain.random_state(np.random.default_rng(0)), 2000 if batch == 1 else max(40_000, 20 * batch)
    for device in DEVICES:
        judge, found = net_evaluator(net, domain, HEADS, device=device), []
        seconds = wall(lambda: found.append(astar(domain, state, judge, batch=batch, budget=Budget(evaluations=evaluations))), 2)  # noqa: B023
        share = 100 * (1 - found[-1].evaluator_seconds / found[-1].seconds)
        add_row(
            f"A* with an MLP 512 wide, B = {batch}, {device}",
            f"{found[-1].evaluations / seconds:,.0f} evaluations/s, outside {share:.1f} %",
        )


def simulations(domain: Domain, judge: Evaluator, games: int, count: int) -> tuple[float, float]:
    """Simulations a wall second in trees made anew, and the share outside the evaluator in per cent."""
    best = (np.inf, 0.0)
    for _ in range(3):
        forest = Forest(domain, np.stack([start(domain)] * games), judge, TreeConfig("puct"), seeds=range(games))
        forest.run(count)
        best = min(best, (forest.seconds, 100 * (1 - forest.evaluator_seconds / forest.seconds)))
    return games * count / best[0], best[1]


@pytest.mark.parametrize("games", [16, 256, 2048])
@pytest.mark.parametrize("size", TOWERS)
def test_trees_with_a_net(add_row, size, games):
    domain, net = tower(size)
    for device in DEVICES if games < 2048 else ("cuda",):
        judge = net_evaluator(net, domain, ("value", "prior"), device=device)
        speed, share = simulations(domain, judge, games, 40 if games < 2048 else 16)
        add_row(f"PUCT, Go {size}x{size}, ResNet on {device}, B = {games}", f"{speed:,.0f} simulations/s, outside {share:.1f} %")


@pytest.mark.parametrize("games", [256, 2048])
@pytest.mark.parametrize("size", TOWERS)
def test_beside_mctx_on_its_own_ground(add_row, size, games):
    """mctx and Pgx on the GPU, ours on one core of the CPU; nobody asks a net."""
    count = 32
    search, domain = mctx_search(size, games, count), envs.make("go", size=size)
    speed, _ = simulations(domain, nothing_known(domain, games), games, count)
    theirs = games * count / wall(lambda: search(1), 2)
    work = f"PUCT, Go {size}x{size}, no-op, B = {games}, {count} simulations"
    add_row(work, f"{speed:,.0f} simulations/s on a core", f"mctx on Pgx on the GPU: {theirs:,.0f}/s", (speed / theirs,))
