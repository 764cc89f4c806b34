"""Worlds for two under PettingZoo: its own tests, rewards of both sides, and one clear sentence where it is not installed."""

import subprocess
import sys

import numpy as np
import pytest
import toys
from go_games import go
from gymnasium.error import ResetNeeded

from astarzero.envs import make
from astarzero.envs.line import Line
from astarzero.envs.pettingzoo_env import GameAEC, aec_env


def test_without_pettingzoo_there_is_one_sentence():
    code = "import sys; sys.modules['pettingzoo'] = None\nfrom astarzero.envs.pettingzoo_env import aec_env; aec_env('go', size=3)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    last = answer.stderr.splitlines()[-1]
    assert last == "ImportError: There is no PettingZoo here, whose AECEnv this is: run `pip install pettingzoo`, then start again."


pettingzoo = pytest.importorskip("pettingzoo", reason="needs pettingzoo, in the extra peers")


@pytest.mark.filterwarnings("error", "ignore::DeprecationWarning", "ignore:Observation (space for each agent probably|is not a NumPy)")
def test_pettingzoo_accepts_it(capsys):
    """Without a warning but that it knows dictionaries with a mask by the names of its own environments alone."""
    from pettingzoo.test import api_test, seed_test

    api_test(aec_env("go", size=5), num_cycles=300)
    seed_test(lambda: aec_env("go", size="3x4", ko="situational", suicide=True), num_cycles=60)
    assert "Passed API test" in capsys.readouterr().out


def played(env: GameAEC, seed: int) -> tuple[list[int], dict[str, float]]:
    """A random game by PettingZoo's own loop: (actions, what each agent earned)."""
    rng, actions, earned = np.random.default_rng(seed), [], dict.fromkeys(env.possible_agents, 0.0)
    env.reset(seed=seed)
    for agent in env.agent_iter():
        observation, reward, terminated, truncated, _ = env.last()
        earned[agent] += reward
        action = None if terminated or truncated else int(rng.choice(np.flatnonzero(observation["action_mask"])))
        actions += [] if action is None else [action]
        env.step(action)
    return actions, earned


def test_a_game_follows_the_rules_and_pays_both_sides():
    env, outcomes = aec_env("go", size="3x4", komi=0), set()
    for seed in range(12):
        actions, earned = played(env, seed)
        line = Line(env.domain, env.domain.instance_sets["start"]()[0])
        for action in actions:
            assert line.action_mask()[action]
            line.play(action)
        black = line.outcome if line.side == 0 else -line.outcome
        assert line.over and earned == {"black_0": black, "white_0": -black}
        outcomes.add(black)
    assert {1.0, -1.0} <= outcomes


def test_the_mask_is_that_of_the_agent_in_turn_and_what_is_seen_that_of_the_player_to_move():
    env = aec_env("go", size=5, planes="liberties=0")
    env.reset(options={"state": "...../..X../..O../...../..... to=white komi=0.5"})
    assert env.agent_selection == "white_0"
    observations = {agent: env.observe(agent) for agent in env.agents}
    assert observations["white_0"]["action_mask"].sum() == 24 and not observations["black_0"]["action_mask"].any()
    for seen in observations.values():
        assert np.array_equal(seen["observation"].ravel(), env.domain.features(env.infos["black_0"]["state"])[0])
    env.step(np.int64(25))
    assert env.agent_selection == "black_0"
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None


def test_a_game_is_truncated_for_both():
    env = aec_env("go", size=5, max_steps=2)
    env.reset()
    env.step(0)
    assert not any(env.truncations.values())
    env.step(1)
    assert all(env.truncations.values()) and not any(env.terminations.values()) and not any(env.rewards.values())


def test_what_is_refused_is_one_sentence():
    env = aec_env("go", size=3, render_mode="ansi")
    with pytest.raises(ResetNeeded, match="reset"):
        env.step(0)
    env.reset()
    env.step(4)
    before = env.render()
    for call, sentence in (
        (lambda: env.step(4), "Action 4 (B2) is illegal in state"),
        (lambda: env.step(None), "None is not an action: give a whole number from 0 to 9."),
        (lambda: env.reset(options={"state": ".../... to=black"}), "is no position of go-3x3"),
        (lambda: GameAEC(make("sliding")), "is for one player, but here two take turns"),
        (lambda: aec_env("go", size=3, render_mode="human"), "has no render_mode 'human'"),
        (lambda: aec_env("go", size=3, board=1), "World 'go' has no option 'board'"),
    ):
        with pytest.raises(ValueError) as error:
            call()
        assert sentence in toys.one_sentence(error)
    assert env.render() == before == go(3).render(env.line.state)
