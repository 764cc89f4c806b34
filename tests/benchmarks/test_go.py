"""How fast Go is: random games against OpenSpiel's in C++ (the same policy and cap) and PettingZoo's, and legal masks."""

import numpy as np
import pytest
from conftest import cpu_seconds

from astarzero import envs
from astarzero.envs.go import start
from astarzero.envs.go_masks import legal_masks
from astarzero.envs.go_rollouts import POLICIES, rollouts
from astarzero.envs.line import Line

SIZES = (5, 7, 9, 13, 19)


def openspiel_games_a_second(size: int, games: int) -> float:
    """Rollouts of OpenSpiel's own evaluator, a loop in C++: uniform over the legal moves, at most 2 x points.

    From Python it is reached through a tree search of one simulation, which judges the root by so many rollouts.
    """
    pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel, in the extra peers")
    game = pyspiel.load_game("go", {"board_size": size, "komi": 7.5})
    evaluator = pyspiel.RandomRolloutEvaluator(n_rollouts=games, seed=1)
    bot = pyspiel.MCTSBot(game, evaluator, 1.4, 1, 100, False, 1, False)  # one simulation
    return games / cpu_seconds(lambda: bot.step(game.new_initial_state()))


def openspiel_moves(size: int, games: int) -> float:
    """The mean length of such games, counted in Python."""
    pyspiel = pytest.importorskip("pyspiel", reason="needs open_spiel, in the extra peers")
    game, rng, moves = pyspiel.load_game("go", {"board_size": size, "komi": 7.5}), np.random.default_rng(0), 0
    for _ in range(games):
        state = game.new_initial_state()
        while not state.is_terminal():
            state.apply_action(int(rng.choice(state.legal_actions())))
            moves += 1
    return moves / games


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("size", SIZES)
def test_random_games(benchmark, say, size, policy):
    domain, games = envs.make("go", size=size, ko="simple"), 150_000 // size**2
    rollouts(domain, start(domain), 1)  # compiles
    results = benchmark.pedantic(lambda: rollouts(domain, start(domain), games, policy=policy, seed=1), rounds=3)
    ours, moves = games / benchmark.stats["min"], results.moves.mean()
    say(f"Go {size}x{size}, {policy}: {ours:,.0f} games/s of {moves:.1f} moves, {ours * moves / 1e6:.1f} M moves/s")
    if policy == "uniform" and size <= 9:
        theirs = openspiel_games_a_second(size, 40_000 // size**2)
        say(f"    OpenSpiel in C++: {theirs:,.0f} games/s of {openspiel_moves(size, 200):.1f} moves; ours {ours / theirs:.1f}x")
        assert ours >= 8 * theirs


def test_random_games_of_pettingzoo(say):
    pytest.importorskip("pygame", reason="needs pettingzoo and pygame, in the extra peers")
    classic = pytest.importorskip("pettingzoo.classic", reason="needs pettingzoo and pygame, in the extra peers")
    env, rng = classic.go_v5.env(board_size=9, komi=7.5), np.random.default_rng(0)

    def play() -> None:
        env.reset()
        for _ in range(2 * 81):
            observation, _, over, *_ = env.last()
            if over:
                return
            env.step(int(rng.choice(np.flatnonzero(observation["action_mask"]))))

    say(f"Go 9x9, uniform, PettingZoo: {1 / cpu_seconds(play, rounds=5):.0f} games/s at best of 5")


@pytest.mark.parametrize("size", (5, 7, 9))
def test_legal_masks(benchmark, say, size):
    """Of all positions of 30 uniform games, superko by their lines of keys."""
    domain, rng, rows, lines = envs.make("go", size=size), np.random.default_rng(0), [], []
    for _ in range(30):
        line = Line(domain, start(domain))
        while not line.over and len(line.rows) < 2 * size**2:
            rows.append(line.state.copy())
            lines.append(line.keys.copy())
            line.play(int(rng.choice(np.flatnonzero(line.action_mask()))))
    states, lengths = np.array(rows), np.array([len(line) for line in lines])
    keys = np.zeros((len(lines), lengths.max()), np.uint64)
    for row, line_keys in zip(keys, lines, strict=True):
        row[: len(line_keys)] = line_keys
    legal_masks(domain, states)
    with_superko = benchmark(lambda: legal_masks(domain, states, keys, lengths))
    assert with_superko.any(axis=1).all()
    simple = len(states) / cpu_seconds(lambda: [legal_masks(domain, states) for _ in range(20)]) * 20
    rate = len(states) / benchmark.stats["min"]
    say(f"Go {size}x{size}, {states[0].nbytes} bytes a row: {simple / 1e6:.1f} M masks/s by simple ko, {rate / 1e6:.1f} M with superko")
