"""How much of a search with a net is not the net: A* on the 15-puzzle with a residual net 512 wide, on one thread. Two measures:

- *Outside*: the share of the search's time that is not spent within calls of the net, as torch makes them. Encoding states, copies,
  checks of answers and all of the search are outside. The net is as slow here as a search that shares its caches makes it. By the
  clock on the wall: to read the one of CPU time is a call of the system, and two of them at each call of the net, with cold caches,
  were a tenth of what is measured.
- *Beyond the bare net*: by how much the search takes longer than the same net called in a loop on batches of the same sizes, with
  nothing between: what the search costs in all, the caches that net and search take from each other included.

B nodes expanded at a time make some 2 B states to evaluate on this puzzle.
"""

import time
from typing import ClassVar

import numpy as np
import pytest
import torch
from conftest import in_turns, one_cpu_time

from astarzero.envs import make
from astarzero.nets.evaluator import net_evaluator
from astarzero.nets.mlp import MLPConfig, ResidualMLP, build_seeded
from astarzero.search import Budget, astar

EVALUATIONS = 40_000
HEADS = ("value",)


class TimedMLP(ResidualMLP):
    """Notes of each of its calls when it began and ended, in seconds, and how many states it was about."""

    calls: ClassVar[list[tuple[float, float, int]]] = []

    def __call__(self, features, heads):
        start = time.perf_counter()
        outputs = super().__call__(features, heads)
        self.calls.append((start, time.perf_counter(), len(features)))
        return outputs


@pytest.mark.parametrize("batch", [1, 32, 256, 1000])
def test_time_outside_a_net(batch, add_row, warm_memory):
    torch.set_num_threads(1)
    domain = make("sliding", size=4)
    net = build_seeded(TimedMLP, MLPConfig(domain.num_features, domain.num_actions, 512, cost_scale=10.0), 0)
    judge, state = net_evaluator(net, domain, HEADS), domain.random_state(np.random.default_rng(0))
    budget = Budget(evaluations=EVALUATIONS if batch > 1 else EVALUATIONS // 20)
    astar(domain, state, judge, batch=batch, budget=Budget(evaluations=1000))  # compiles
    shares = []

    def search() -> float:
        net.calls.clear()
        began = time.perf_counter()
        total = one_cpu_time(lambda: astar(domain, state, judge, batch=batch, budget=budget))
        shares.append(100 * (1 - sum(end - start for start, end, _ in net.calls) / (time.perf_counter() - began)))
        return total

    def bare() -> float:
        sizes = [size for *_, size in net.calls]
        inputs = torch.from_numpy(domain.features(np.tile(state, (max(sizes), 1))))
        parts = [inputs[:size] for size in sizes]
        with torch.inference_mode():
            return one_cpu_time(lambda: [ResidualMLP.__call__(net, part, HEADS) for part in parts])

    ours, alone = in_turns(search, bare, pairs=5)
    beyond, states = 100 * (ours / alone - 1), [size for *_, size in net.calls]
    add_row(
        f"A* with an MLP 512 wide, B = {batch}, {np.mean(states):.0f} states a call: time outside its calls",
        f"{np.median(shares):.1f} % ({min(shares):.1f} to {max(shares):.1f}), {sum(states) / np.median(ours):,.0f} evaluations/s",
        f"beyond the bare net: {np.median(beyond):.1f} % ({min(beyond):.1f} to {max(beyond):.1f})",
        bar="3 %" if batch >= 32 else "",
    )
