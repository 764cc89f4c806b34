"""Nets that come with the package: each says where it is from, is better than the heuristic it adds to, and guides a search."""

import re

import numpy as np
import pytest

from astarzero.envs import make
from astarzero.experiments.solve import make_evaluator
from astarzero.nets.checkpoint import WEIGHTS, load
from astarzero.search import Budget, astar, from_heuristic
from astarzero.training.optimal_paths import solve_paths

NAMES = sorted(file.stem for file in WEIGHTS.glob("*.safetensors"))
pytestmark = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASTARZERO_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def domain_of(name):
    size, goal = re.match(r"sliding-(\d+x\d+)-(blank-\w+)-", name).groups()
    return make("sliding", size=size, goal=goal)


def test_it_says_which_command_and_which_commit_made_it(name):
    saved = load(name, domain_of(name))
    assert re.fullmatch(r"[0-9a-f]{40}", saved.revision) and saved.command.startswith("astarzero train sliding")
    assert f"--seed {saved.seed}" in saved.command and (WEIGHTS / f"{name}.safetensors").stat().st_size < 4 << 20


def test_it_is_nearer_to_the_truth_than_its_baseline_and_guides_a_search(name):
    domain = domain_of(name)
    baseline, judge = from_heuristic(domain, load(name, domain).baseline), make_evaluator(domain, f"net:{name}", None, "cpu")
    rng = np.random.default_rng(2026)
    paths = solve_paths(domain, np.array([domain.random_state(rng) for _ in range(20)]), baseline)
    starts = np.flatnonzero(np.diff(paths.path, prepend=-1))  # the random states themselves
    states, costs = paths.states[starts], paths.cost[starts]
    errors = [np.abs(-one.evaluate(states).value - costs).mean() for one in (baseline, judge)]
    assert errors[1] < 0.4 * errors[0]
    for state, cost in zip(states[:5], costs[:5], strict=True):
        result = astar(domain, state, judge, weight=1.2, budget=Budget(evaluations=20_000))
        assert result.solved and result.cost <= 1.25 * cost
