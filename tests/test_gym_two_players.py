"""Worlds for two under Gymnasium: its checker, whole games replayed by the rules, seeds, opponents, superko, and what is refused.

`nim`, a world of one's own with the least a game must have, gets the same as Go.
"""

import gymnasium
import numpy as np
import pytest
import toys
from go_games import after, gnu_go, go
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from astarzero import envs
from astarzero.envs import gym_env  # registers
from astarzero.envs.domain import Domain
from astarzero.envs.gym_two_players import GameEnv
from astarzero.envs.line import Line
from astarzero.envs.players import ANYWHERE, named_player
from astarzero.experiments.players import find_player

# --- nim: take one to three; who takes the last has won -----------------------------------------------------------------------


def take(state, action, context, successor):
    successor[0] = state[0] - np.uint64(action + 1)
    return 1.0 if np.uint64(action) < state[0] else 0.0


def never(state, context):
    return False


def is_empty(state, context):
    return state[0] == 0


def lost(state, context):
    return -1.0


def nim() -> Domain:
    return Domain(
        world="nim", name="nim", num_words=1, num_actions=3, step=take, is_goal=never, is_terminal=is_empty, context=(), discount=-1.0,
        outcome=lost, margin=lost, parse=lambda text: np.array([int(text)], np.uint64), format=lambda state: str(state[0]),
        random_state=lambda rng: rng.integers(5, 20, 1).astype(np.uint64),
    )  # fmt: skip


def perfect(line: Line, rng: np.random.Generator) -> int:
    return max(int(line.state[0]) % 4 - 1, 0)


GAMES = {
    "go": lambda **options: GameEnv(go(5, komi=0.5), **options),
    "go by three rules": lambda **options: GameEnv(go("3x4", ko="situational", suicide=True, komi=0), **options),
    "nim": lambda **options: GameEnv(nim(), **options),
}
every_game = pytest.mark.parametrize("name", GAMES)


def play_through(env: GameEnv, seed: int) -> list[tuple]:
    """A game with a random agent: what reset and each step returned."""
    rng, results = np.random.default_rng(seed), [(*env.reset(seed=seed),)]
    while len(results) == 1 or not (results[-1][2] or results[-1][3]):
        results.append(env.step(int(rng.choice(np.flatnonzero(results[-1][-1]["action_mask"])))))
    return results


# --- the contract ------------------------------------------------------------------------------------------------------------


class Lenient(GameEnv):
    """gymnasium's checker draws actions without looking at the mask; here the nearest legal one is taken instead."""

    def step(self, action):
        legal = np.flatnonzero(self.action_masks())
        return super().step(legal[np.argmin(abs(legal - action))])


@pytest.mark.filterwarnings("error", r"ignore:.*Box observation space (min|max)imum value is -?infinity")
@pytest.mark.parametrize("domain", [go(5), nim()], ids=["go", "nim"])
def test_gymnasium_accepts_games(domain):
    gymnasium.register("test/Checked-v0", lambda **options: Lenient(domain, colour="random", **options))
    try:
        check_env(gymnasium.make("test/Checked-v0").unwrapped)
    finally:
        del gymnasium.registry["test/Checked-v0"]


@pytest.mark.parametrize("world", [world for world in envs.WORLDS if envs.make(world).discount == -1.0])
def test_every_world_for_two_is_registered(world):
    env = gymnasium.make(f"astarzero/{world.capitalize()}-v0", render_mode="ansi", colour="random")
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert np.array_equal(again.reset(seed=3)[0], env.reset(seed=3)[0]) and env.unwrapped.domain is envs.make(world)
    assert env.render() == env.unwrapped.domain.render(env.unwrapped.line.state)


def test_options_of_the_world_and_of_the_environment_pass_through_make():
    options = {"size": 5, "komi": 24.5, "ko": "simple", "planes": "liberties=0"}
    env = gymnasium.make("astarzero/Go-v0", **options, colour="white", opponent="rollout:3", max_steps=1).unwrapped
    assert env.domain is envs.make("go", **options)
    observation, info = env.reset(seed=0)
    assert observation.shape == env.observation_space.shape == (9, 5, 5) and info["side"] == "white" and info["reply"] >= 0
    assert env.step(int(np.argmax(info["action_mask"])))[2:4] == (False, True)


@every_game
def test_a_game_follows_the_rules_to_its_end(name):
    """Every position, mask, observation and reward, told again by a line of one's own."""
    endings = set()
    for seed in range(12):
        env = GAMES[name](opponent="uniform", colour="random")
        (_, first), *steps = play_through(env, seed)
        domain, side = env.domain, env.domain.sides.index(first["side"])
        line = Line(domain, env.line.rows[0])
        assert first["reply"] == -1 or len(env.line.rows) > 1
        for number, (observation, reward, terminated, truncated, info) in enumerate([(None, 0.0, False, False, first), *steps]):
            line = Line(domain, env.line.rows[0])
            while not np.array_equal(line.state, info["state"]) or (line.side != side and not line.over):
                row = env.line.rows[len(line.rows)]
                action = next(int(a) for r, a in zip(*domain.successors(line.state)[:2], strict=True) if np.array_equal(r, row))
                assert line.action_mask()[action]
                line.play(action)
            assert len(line.rows) - 1 in (2 * number + side - 1, 2 * number + side)  # the last reply may be missing
            assert not truncated and terminated == line.over == (number == len(steps))
            expected = line.action_mask() if line.side == side else np.zeros(domain.num_actions)
            assert np.array_equal(info["action_mask"], expected)
            if observation is not None:
                assert env.observation_space.contains(observation)
                assert np.array_equal(observation.ravel(), domain.features(info["state"])[0])
            assert reward == (0.0 if not line.over else line.outcome if line.side == side else -line.outcome)
        endings.add(reward)
        with pytest.raises(ResetNeeded, match="reset"):
            env.step(0)
    assert endings >= {1.0, -1.0}


@every_game
def test_a_seeded_game_replays_identically(name):
    def flat(results):
        items = [(*result[:-1], *result[-1].values()) for result in results]
        return [[item.tolist() if isinstance(item, np.ndarray) else item for item in row] for row in items]

    for opponent in ("uniform", None):
        one, again = GAMES[name](opponent=opponent, colour="random"), GAMES[name](opponent=opponent, colour="random")
        assert flat(play_through(one, 5)) == flat(play_through(again, 5)) == flat(play_through(one, 5))
        assert len({str(flat(play_through(one, seed))) for seed in range(6)}) > 1


def test_the_batch_is_games_side_by_side():
    batch = gymnasium.make_vec("astarzero/Go-v0", num_envs=3, size=5, opponent="uniform", max_steps=4)
    observations, info = batch.reset(seed=[1, 2, 3])
    assert observations.shape == (3, 15, 5, 5) and info["action_mask"].shape == (3, 26)
    for _ in range(6):
        observations, rewards, *_, info = batch.step(info["action_mask"].argmax(axis=1))
    assert rewards.shape == (3,) and info["state"].shape == (3, 4)


# --- sides and opponents -------------------------------------------------------------------------------------------------------


def test_the_colour_is_whose_part_the_agent_plays():
    for colour, sides in {"black": {"black"}, "white": {"white"}, "random": {"black", "white"}}.items():
        assert {GameEnv(go(5), colour=colour).reset(seed=seed)[1]["side"] for seed in range(12)} == sides
    _, info = GameEnv(go(9, handicap=4), colour="white").reset(seed=0)
    assert info["reply"] == -1  # with handicap stones White begins
    _, info = GameEnv(go(9, handicap=4), colour="black").reset(seed=0)
    assert info["reply"] >= 0


def test_a_perfect_opponent_wins_what_is_won_and_the_reward_says_so():
    env = GameEnv(nim(), opponent=perfect)
    for number in range(1, 13):
        env.reset(options={"state": str(number)})
        while True:
            _, reward, terminated, _, _ = env.step(perfect(env.line, None))
            if terminated:
                break
        assert reward == (-1.0 if number % 4 == 0 else 1.0)


@pytest.mark.parametrize(("komi", "reward"), [(0, 0.0), (0.5, -1.0), (-0.5, 1.0)])
def test_a_draw_is_worth_nothing_and_komi_decides(komi, reward):
    """Both pass on an empty board; the agent is Black."""
    env = GameEnv(go(3, komi=komi), opponent=lambda line, rng: 9)
    env.reset()
    _, got, terminated, _, info = env.step(9)
    assert terminated and got == reward and info["reply"] == 9 and not info["action_mask"].any()


def test_an_opponent_may_resign_and_is_asked_about_the_whole_game():
    seen = []

    def resigns(line, rng):
        seen.append(len(line.rows))
        return None if len(line.rows) > 3 else 9

    env = GameEnv(go(3), opponent=resigns)
    env.reset()
    assert env.step(0)[1:3] == (0.0, False) and env.step(1)[1:3] == (1.0, True) and seen == [2, 4]


@pytest.mark.parametrize(("ko", "allowed"), [("simple", True), ("positional", False), ("situational", False)])
def test_superko_is_kept_though_a_row_does_not_know_it(ko, allowed):
    """The agent's answer at D1 to the fourth ply of eternal life would bring the first position back."""
    names, replies = go("3x4").action_names, iter(("B1", "A1"))
    env = GameEnv(go("3x4", ko=ko), opponent=lambda line, rng: names.index(next(replies)))
    env.reset(options={"state": "X..O/XXOO/O.XX to=white"})
    info = env.step(names.index("C1"))[-1]
    assert info["action_mask"][names.index("D1")] == allowed and env.domain.action_masks(info["state"])[0, names.index("D1")]
    if not allowed:
        with pytest.raises(ValueError, match=r"^Action \d+ \(D1\) is illegal"):
            env.step(names.index("D1"))


def test_names_of_players_are_those_of_the_world_and_those_of_every_world():
    domain = go(5)
    kinds = {**domain.opponents, **ANYWHERE}
    for text in ("random", "rollout:2", "uniform"):
        line = after(domain, "C3")
        assert line.action_mask()[named_player(text, kinds).choose(line, np.random.default_rng(0))]


def test_a_program_may_be_the_opponent():
    player = find_player(f"{gnu_go()} --mode gtp --level 1 --chinese-rules")
    try:
        env = GameEnv(go(5, ko="simple"), opponent=player.choose, colour="white")
        assert env.reset(seed=0)[1]["reply"] == env.domain.action_names.index("C3")
        for _ in range(3):
            info = env.step(int(np.argmax(env.action_masks())))[-1]
        assert info["reply"] >= 0
    finally:
        player.close()


# --- drawing and refusals --------------------------------------------------------------------------------------------------------


@every_game
def test_drawings(name):
    for mode in GAMES[name]().metadata["render_modes"]:
        env = GAMES[name](render_mode=mode)
        _, info = env.reset(seed=0)
        picture = env.render()
        if mode == "ansi":
            assert picture == env.domain.render(info["state"])
        else:
            assert picture.dtype == np.uint8 and picture.shape[2] == 3 and picture.std() > 10


@every_game
def test_every_illegal_action_is_refused_and_changes_nothing(name):
    env = GAMES[name](opponent="uniform")
    env.reset(seed=1)
    info = env.step(0)[-1]
    legal, length = np.flatnonzero(info["action_mask"]), len(env.line.rows)
    for action in (*np.flatnonzero(info["action_mask"] == 0), -1, env.domain.num_actions, 2**40):
        with pytest.raises(ValueError, match=rf"^Action {action}\b.* is illegal in state .*; the legal ones .* are {legal[0]}\b.*\.$"):
            env.step(action)
    assert len(env.line.rows) == length and np.array_equal(env.line.state, info["state"])
    env.step(legal[0])


def stepped(env, action):
    env.reset(seed=0)
    return env.step(action)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: GameEnv(envs.make("sliding")), "sliding-3x3-blank-first is for one player, but this environment is for two; use"),
        (lambda: GameEnv(nim(), max_steps=0), "max_steps=0, but a game has at least 1 step; give None for no limit."),
        (lambda: GameEnv(go(5), colour="red"), "Colour 'red' is not known: give black, white or random."),
        (lambda: GameEnv(nim(), colour="black"), "Colour 'black' is not known: give first, second or random."),
        (lambda: GameEnv(go(5), opponent="alphago"), "Player 'alphago' is not known: give random, rollout:N, uniform."),
        (lambda: GameEnv(nim(), opponent="uniform:3"), "Player 'uniform' takes nothing behind a colon, but was given '3'."),
        (lambda: GameEnv(nim(), render_mode="rgb_array"), "(its Domain has no render_rgb, so it draws no pictures); choose ansi."),
        (lambda: GameEnv(go(5)).reset(options={"size": 3}), "reset has no option 'size'; it has state: text, or a row of words."),
        (lambda: GameEnv(nim()).reset(options={"state": "0"}), "A game of nim cannot begin in '0', where it is over."),
        (lambda: GameEnv(nim(), colour="second").reset(options={"state": "1"}), "The opponent ended the game at once in '1'; give another"),
        (lambda: GameEnv(go(5)).reset(options={"state": "XX"}), "'XX' is no position of go-5x5"),
        (lambda: stepped(GameEnv(go(5)), 1.0), "1.0 is not an action: give a whole number from 0 to 25."),
        (lambda: stepped(GameEnv(nim(), opponent=lambda line, rng: 7), 0), "The opponent made a mistake: Action 7 is illegal"),
        (lambda: gymnasium.make("astarzero/Go-v0", dead_end_cost=1.0), "has no option 'dead_end_cost'; besides the world's own it has"),
        (lambda: gymnasium.make("astarzero/Go-v0", board=9), "World 'go' has no option 'board'"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(call, sentence):
    with pytest.raises(ValueError) as error:
        call()
    assert sentence in toys.one_sentence(error)


def test_before_a_game_there_is_nothing_to_step_or_to_look_at():
    env = GameEnv(nim(), render_mode="ansi")
    for call in (lambda: env.step(0), env.render, env.action_masks, lambda: env.line):
        with pytest.raises(ResetNeeded, match=r"call reset\(\) first"):
            call()


def test_no_mode_draws_nothing_and_says_so():
    env = GameEnv(nim())
    env.reset()
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None


def test_a_file_with_a_game_is_registered_with_one_call():
    name = gym_env.register_world(f"{__file__}:nim", "test/Nim-v0")
    env = gymnasium.make(name, opponent="uniform", colour="second")
    assert env.reset(seed=0)[1]["side"] == "second" and isinstance(env.unwrapped, GameEnv)
