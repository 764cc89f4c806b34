"""What Go costs around a net: planes and turns of positions, and steps of the environments, against PettingZoo's Go."""

import numpy as np
import pytest
from conftest import cpu_seconds

from astarzero import envs
from astarzero.envs.go import start
from astarzero.envs.gym_two_players import GameEnv
from astarzero.envs.line import Line
from astarzero.envs.pettingzoo_env import aec_env

GAMES = 20


def positions(domain: envs.Domain) -> np.ndarray:
    """All rows of uniform games, [N, W]."""
    rng, rows = np.random.default_rng(0), []
    for _ in range(GAMES):
        line = Line(domain, start(domain))
        while not line.over and len(line.rows) < 2 * domain.num_actions:
            line.play(int(rng.choice(np.flatnonzero(line.action_mask()))))
        rows += line.rows
    return np.array(rows)


@pytest.mark.parametrize("size", [5, 9, 19])
def test_planes_and_turns(benchmark, add_row, size):
    domain = envs.make("go", size=size)
    rows = positions(domain)
    features, which = domain.features(rows), np.random.default_rng(1).integers(8, size=len(rows))
    benchmark.pedantic(lambda: domain.features(rows, features), rounds=10, warmup_rounds=1)
    planes = len(rows) / benchmark.stats["min"]
    domain.symmetries.of_states(rows, which)
    turned = len(rows) / cpu_seconds(lambda: domain.symmetries.of_states(rows, which), rounds=10)
    rate = f"{planes / 1e6:.2f} M positions/s as {len(domain.plane_names)} planes, {turned / 1e6:.2f} M turned/s"
    add_row(f"Go {size}x{size} for a net", rate)


def play_agents(env) -> int:
    """A game of random agents under PettingZoo; returns its steps."""
    rng, steps = np.random.default_rng(0), 0
    env.reset(seed=0)
    while steps < 100:
        observation, _, over, *_ = env.last()
        if over:
            break
        env.step(int(rng.choice(np.flatnonzero(observation["action_mask"]))))
        steps += 1
    return steps


def test_steps_of_two_agents(benchmark, add_row):
    """9x9; choosing the actions included on both sides."""
    pytest.importorskip("pygame", reason="needs pettingzoo and pygame, in the extra peers")
    classic = pytest.importorskip("pettingzoo.classic", reason="needs pettingzoo and pygame, in the extra peers")
    ours, theirs = aec_env("go", size=9, ko="simple"), classic.go_v5.env(board_size=9, komi=7.5)
    steps = play_agents(ours)
    benchmark.pedantic(lambda: play_agents(ours), rounds=5)
    ours_each = benchmark.stats["min"] / steps
    theirs_each = cpu_seconds(lambda: play_agents(theirs)) / play_agents(theirs)
    add_row("a step of two agents, Go 9x9", f"{ours_each * 1e6:.0f} us", "PettingZoo's go_v5", (theirs_each / ours_each,))


def test_steps_against_an_opponent(benchmark, add_row):
    env, rng = GameEnv(envs.make("go", size=9), opponent="uniform"), np.random.default_rng(0)

    def play(steps: int) -> None:
        over = True
        for _ in range(steps):
            if over:
                _, info = env.reset(seed=0)
            *_, over, _, info = env.step(int(rng.choice(np.flatnonzero(info["action_mask"]))))

    play(10)
    benchmark.pedantic(lambda: play(500), rounds=3)
    add_row("a step against uniform play, Go 9x9 with superko", f"{benchmark.stats['min'] / 500 * 1e6:.0f} us")
