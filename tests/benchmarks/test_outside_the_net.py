"""How much of a search with a net is not the net: A* on the 15-puzzle with a residual net 512 wide, on one thread.

Inside is the forward pass of the net and nothing else; encoding states, copies, the checks of answers and all of the search are outside.
"""

import time

import numpy as np
import pytest
import torch

from astarzero.envs import make
from astarzero.nets.evaluator import net_evaluator
from astarzero.nets.mlp import MLPConfig, ResidualMLP, build_seeded
from astarzero.search import Budget, astar

EVALUATIONS = 40_000


class TimedMLP(ResidualMLP):
    """Adds up the CPU seconds of its forward passes."""

    inside = 0.0

    def forward(self, features, heads):
        start = time.process_time()
        outputs = super().forward(features, heads)
        self.inside += time.process_time() - start
        return outputs


@pytest.mark.parametrize("batch", [1, 32, 256, 1000])
def test_time_outside_a_net(batch, add_row, warm_memory):
    torch.set_num_threads(1)
    domain = make("sliding", size=4)
    net = build_seeded(TimedMLP, MLPConfig(domain.num_features, domain.num_actions, 512, cost_scale=10.0), 0)
    judge, state = net_evaluator(net, domain, ("value",)), domain.random_state(np.random.default_rng(0))
    astar(domain, state, judge, batch=batch, budget=Budget(evaluations=1000))  # compiles
    shares, evaluations = [], EVALUATIONS if batch > 1 else EVALUATIONS // 20
    for _ in range(3):
        net.inside, start = 0.0, time.process_time()
        result = astar(domain, state, judge, batch=batch, budget=Budget(evaluations=evaluations))
        total = time.process_time() - start
        shares.append(100 * (1 - net.inside / total))
    add_row(
        f"A* with an MLP 512 wide, B = {batch}: time outside its forward pass",
        f"{np.median(shares):.1f} % ({min(shares):.1f} to {max(shares):.1f}), {result.evaluations / total:,.0f} evaluations/s",
        bar="3 %" if batch >= 32 else "",
    )
