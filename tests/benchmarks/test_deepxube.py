"""Ours beside deepxube (Agostinelli et al., the code of DeepCubeA's authors): batched best-first search on the 15-puzzle.

The same state, orderings g + h, numbers of expansions and, in the second half, the same net; both on one thread. *Generated* counts
the same on both sides: legal moves out of every state expanded, the way back included (deepxube also makes, and we leave out,
moves off the board, which change nothing; ours skips the ways back, which are added). deepxube is in the extra `peers`.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import in_turns, one_cpu_time

from astarzero.envs import make
from astarzero.envs.evaluation import Evaluator
from astarzero.nets.evaluator import net_evaluator
from astarzero.nets.mlp import MLPConfig, ResidualMLP, build_seeded
from astarzero.search import Budget, astar, blind

npuzzle = pytest.importorskip("deepxube.domains.npuzzle", reason="deepxube is not installed: it is in the extra `peers`")
graph_search = pytest.importorskip("deepxube.pathfinding.graph_search")
from deepxube.base.pathfinding import FNsHeurV  # noqa: E402

BOARD = "14 15 8 12 10 11 9 13 2 6 5 1 3 7 4 0"  # far from the goal: neither side is done within the limit
WIDTH = 128  # one residual block: 67,081 parameters


class CountedPuzzle(npuzzle.NPuzzle):
    """Counts the legal successors; the order of the search does not depend on it."""

    generated = expanded = 0

    def expand(self, states):
        cells = np.array([state.tiles.argmin() for state in states])
        self.generated += sum((cell >= 4) + (cell < 12) + (cell % 4 > 0) + (cell % 4 < 3) for cell in cells.tolist())
        self.expanded += len(states)
        return super().expand(states)


def deepxube_search(puzzle, heuristic: Callable, batch: int, expansions: int) -> None:
    """`expansions` nodes of its graph_v search, `batch` at a time."""
    search = graph_search.GraphSearchHeurNodeActsEnum(puzzle, FNsHeurV(heuristic), batch_size=batch, weight=1.0)
    tiles = np.array(BOARD.split(), np.uint8)
    instance = search.make_instances([npuzzle.NPState(tiles)], [npuzzle.NPGoal(puzzle.goal_tiles.copy())])[0]
    search.add_instances([instance])
    popped = 0
    while popped < expansions and not instance.finished():
        popped += min(batch, max(1, instance.frontier_size()))
        search.step()


def zero(states, goals) -> list[float]:
    return [0.0] * len(states)


def with_net(net: ResidualMLP) -> Callable:
    """deepxube's heuristic by the same net and the same one-hot features."""
    offsets = np.arange(16) * 16

    def heuristic(states, goals) -> list[float]:
        features = np.zeros((len(states), 256), np.float32)
        np.put_along_axis(features, np.stack([state.tiles for state in states]) + offsets, 1.0, axis=1)
        with torch.inference_mode():
            return (-net(torch.from_numpy(features), ("value",))["value"]).tolist()

    return heuristic


@pytest.fixture(scope="module")
def net() -> ResidualMLP:
    torch.set_num_threads(1)
    return build_seeded(ResidualMLP, MLPConfig(256, 4, WIDTH, cost_scale=10.0), 0).eval()


CASES = {
    "zero heuristic, B = 1": (1, 2_000, "20x"),
    "zero heuristic, B = 1000": (1000, 40_000, "60x"),
    "net of 67 k parameters, B = 1": (1, 1_000, ""),
    "net of 67 k parameters, B = 1000": (1000, 20_000, "10x"),
}


@pytest.mark.parametrize("case", CASES)
def test_beside_deepxube(case, net, add_row, warm_memory):
    batch, expansions, bar = CASES[case]
    domain = make("sliding", size=4, goal="blank-last")
    state, budget = domain.parse(BOARD), Budget(expansions=expansions)
    judge, heuristic = (blind(domain), zero) if "zero" in case else (net_evaluator(net, domain, ("value",)), with_net(net))
    loops: dict[str, Evaluator] = {"": judge}
    if "zero" in case:
        loops[", loop for any numbers"] = replace(judge, whole=False)
    counted = CountedPuzzle(4)
    deepxube_search(counted, heuristic, batch, expansions)  # the same search again, counted and not timed
    for loop, evaluator in loops.items():
        result = astar(domain, state, evaluator, batch=batch, budget=budget)
        rates = np.array([result.generated + result.expansions - 1, counted.generated])  # one way back of every node but the root
        ours, peer = in_turns(
            lambda evaluator=evaluator: one_cpu_time(lambda: astar(domain, state, evaluator, batch=batch, budget=budget)),
            lambda: one_cpu_time(lambda: deepxube_search(npuzzle.NPuzzle(4), heuristic, batch, expansions)),
            pairs=3,
        )
        own_rate, peer_rate = (f"{count / np.median(taken):,.0f} generated/s" for count, taken in zip(rates, (ours, peer), strict=True))
        ratios = tuple((rates[0] / ours) / (rates[1] / peer))
        add_row(f"batched A*, {case}{loop}, {expansions:,} expansions", own_rate, f"deepxube {peer_rate}", ratios, bar)
