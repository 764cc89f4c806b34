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
    far = paths.cost > 30  # nearer, both are nearly exact
    errors = [np.abs(-one.evaluate(paths.states[far]).value - paths.cost[far]).mean() for one in (baseline, judge)]
    assert errors[1] < 0.5 * errors[0]
    starts = np.flatnonzero(np.diff(paths.path, prepend=-1))[:5]
    for start in starts:
        result = astar(domain, paths.states[start], judge, weight=1.5, budget=Budget(evaluations=20_000))
        assert result.solved and result.cost <= 1.3 * paths.cost[start]
