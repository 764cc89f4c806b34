"""The Gymnasium adapter: its checker, the rules, batch against single, registration, refusals (long because each env is swept once).

Every world of the table is swept; `ROAD`, a world of one's own in a file of one's own, gets the same.
"""

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from astarzero import envs
from astarzero.envs.gym_env import SearchEnv, SearchVectorEnv, register_world

ROAD = '''
"""A road of cells 0..length: walk on for 1, or back for 2; the end is the goal, cell 0 a pit."""
import numpy as np
from astarzero.envs.domain import Domain

def step(state, action, context, successor):
    successor[0] = state[0] + np.uint64(1) if action == 0 else state[0] - np.uint64(1)
    return 1.0 if action == 0 else 2.0

def is_goal(state, context):
    return state[0] == context[0][0]

def is_terminal(state, context):
    return state[0] == 0 or state[0] == context[0][0]

def make(length=3):
    return Domain(
        world="road", name=f"road-{length}", num_words=1, num_actions=2, step=step, is_goal=is_goal, is_terminal=is_terminal,
        context=(np.array([length], np.uint64),), parse=lambda text: np.array([int(text)], np.uint64), format=lambda state: str(state[0]),
        random_state=lambda rng: rng.integers(0, length + 1, 1).astype(np.uint64), action_names=("on", "back"),
    )
'''


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """ROAD's file."""
    path = tmp_path_factory.mktemp("worlds") / "road.py"
    path.write_text(ROAD)
    return str(path)


FOR_ONE = [world for world in envs.WORLDS if envs.make(world).discount == 1.0]


@pytest.fixture(params=[*FOR_ONE, "road"])
def domain(request, road):
    """Every world for one player at its default size."""
    return envs.make(road if request.param == "road" else request.param)


def legal_actions(mask, rng):
    """One legal action for each row of `mask`, at random; 0 where there is none."""
    return np.argmax(mask * (1 + rng.random(mask.shape)), axis=-1)


# --- the contract with gymnasium ---------------------------------------------------------------------------------------


class Lenient(SearchEnv):
    """gymnasium's checker draws actions without looking at the mask; here the nearest legal one is taken instead."""

    def step(self, action):
        legal = np.flatnonzero(self.action_masks())
        return super().step(legal[np.argmin(abs(legal - action))])


@pytest.mark.filterwarnings("error", r"ignore:.*Box observation space (min|max)imum value is -?infinity")
def test_gymnasium_accepts_every_world(domain):
    gymnasium.register("test/Checked-v0", lambda **options: Lenient(domain, **options))
    try:
        check_env(gymnasium.make("test/Checked-v0").unwrapped)
    finally:
        del gymnasium.registry["test/Checked-v0"]


@pytest.mark.parametrize("world", FOR_ONE)
def test_every_world_is_registered(world):
    name = f"astarzero/{world.capitalize()}-v0"
    env = gymnasium.make(name, render_mode="ansi")
    assert env.unwrapped.domain is envs.make(world)
    assert isinstance(gymnasium.make_vec(name, num_envs=2), SearchVectorEnv)
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert np.array_equal(again.reset(seed=3)[0], env.reset(seed=3)[0])


def test_the_options_of_a_world_and_of_the_environment_pass_through_make():
    env = gymnasium.make("astarzero/Sliding-v0", size="2x3", goal="blank-last", max_steps=1).unwrapped
    assert env.domain is envs.make("sliding", size="2x3", goal="blank-last")
    _, info = env.reset(seed=0)
    assert env.step(np.argmax(info["action_mask"]))[3]


@pytest.mark.parametrize(
    "code",
    [
        "import gymnasium, astarzero.envs.gym_env; env = gymnasium.make('astarzero/Sliding-v0', size=2)",
        "import gymnasium; env = gymnasium.make('astarzero.envs.gym_env:astarzero/Sliding-v0', size=2)",
    ],
)
def test_ways_to_the_registry_from_a_fresh_process(code):
    answer = subprocess.run([sys.executable, "-c", f"{code}; print(env.observation_space.shape)"], capture_output=True, text=True)
    assert answer.stdout == "(16,)\n", answer.stderr


def test_the_worlds_alone_do_not_load_gymnasium():
    code = "import sys, astarzero.envs, astarzero.search; astarzero.envs.make('sliding'); print('gymnasium' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


# --- the rules -----------------------------------------------------------------------------------------------------------


def test_an_episode_follows_the_rules(domain):
    """Twenty episodes of random play against the domain's own methods."""
    env, rng, endings = SearchEnv(domain, max_steps=7, dead_end_cost=10.0), np.random.default_rng(0), set()
    for seed in range(20):
        observation, info = env.reset(seed=seed)
        ended = False
        while not ended:
            assert env.observation_space.contains(observation) and np.array_equal(observation, domain.features(info["state"])[0])
            assert np.array_equal(info["action_mask"], domain.action_masks(info["state"])[0]) and info["action_mask"].any()
            assert np.array_equal(env.action_masks(), info["action_mask"] == 1)
            rows, actions, costs = domain.successors(info["state"])
            choice = rng.integers(len(actions))
            observation, reward, terminated, truncated, info = env.step(actions[choice])
            assert np.array_equal(info["state"], rows[choice]) and info["solved"] == domain.goal_mask(info["state"])[0]
            assert reward == -costs[choice] - 10.0 * (terminated and not info["solved"])
            assert not (terminated and truncated) and terminated != info["action_mask"].any()
            ended = terminated or truncated
            endings.add("solved" if info["solved"] else "dead end" if terminated else "truncated")
        with pytest.raises(ResetNeeded, match="reset"):
            env.step(actions[0])
    assert endings & {"truncated", "dead end"} and (domain.world != "road" or endings >= {"solved", "dead end"})


def test_truncation_comes_after_max_steps_and_leaves_the_mask():
    env = SearchEnv(envs.make("sliding"), max_steps=3)
    _, info = env.reset(options={"state": "8 7 6 0 4 1 2 5 3"})
    truncations = []
    for _ in range(3):
        *_, truncated, info = env.step(np.argmax(info["action_mask"]))
        truncations.append(truncated)
    assert truncations == [False, False, True] and info["action_mask"].any()


def test_without_max_steps_an_episode_is_never_truncated():
    env = SearchEnv(envs.make("sliding"), max_steps=None)
    _, info = env.reset(options={"state": "8 7 6 0 4 1 2 5 3"})
    for _ in range(300):
        *_, truncated, info = env.step(np.argmax(info["action_mask"]))
        assert not truncated


def test_a_goal_reached_at_the_last_step_is_a_goal():
    env = SearchEnv(envs.make("sliding"), max_steps=1)
    env.reset(options={"state": "1 0 2 3 4 5 6 7 8"})
    _, reward, terminated, truncated, info = env.step(2)
    assert (reward, terminated, truncated, info["solved"]) == (-1.0, True, False, True) and not info["action_mask"].any()


def test_no_episode_begins_at_its_end(road):
    """Half the states of the short road are ends, and one in twelve of the 2x2 puzzle's."""
    for domain in (envs.make(road), envs.make("sliding", size=2)):
        env = SearchEnv(domain)
        _, info = SearchVectorEnv(domain, 200).reset(seed=0)
        assert not domain.goal_mask(info["state"]).any() and info["action_mask"].any(axis=1).all()
        for row in info["state"][:5]:
            assert np.array_equal(env.reset(options={"state": row})[1]["state"], row)


def test_a_seed_is_a_seed(domain):
    env = SearchEnv(domain)
    first, second = ([env.reset(seed=7)[1]["state"]] + [env.reset()[1]["state"] for _ in range(9)] for _ in range(2))
    assert np.array_equal(first, second)
    assert len(np.unique(first, axis=0)) > 1


# --- the batch -----------------------------------------------------------------------------------------------------------


def assert_same(ours, theirs):
    assert type(ours) is type(theirs)
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys()
        for name in ours:
            assert_same(ours[name], theirs[name])
    else:
        assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)


def test_the_batch_is_many_single_environments(domain):
    """To the last number and type what gymnasium's SyncVectorEnv makes of SearchEnv, over several autoresets."""
    count, options, rng = 5, {"max_steps": 6, "dead_end_cost": 2.5}, np.random.default_rng(0)
    ours, theirs = SearchVectorEnv(domain, count, **options), SyncVectorEnv([lambda: SearchEnv(domain, **options)] * count)
    assert ours.metadata["autoreset_mode"] == theirs.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    for space in ("observation_space", "action_space", "single_observation_space", "single_action_space"):
        assert getattr(ours, space) == getattr(theirs, space)
    endings = 0
    for arguments in ({"seed": 11}, {}, {"seed": [3, None, 5, None, 7]}):
        ours_now, theirs_now = ours.reset(**arguments), theirs.reset(**arguments)
        for _ in range(30):
            for mine, other in zip(ours_now, theirs_now, strict=True):
                assert_same(mine, other)
            actions = legal_actions(ours_now[-1]["action_mask"], rng)
            ours_now, theirs_now = ours.step(actions), theirs.step(actions)
            endings += (ours_now[2] | ours_now[3]).sum()
    assert endings > 20


def test_the_step_after_an_end_ignores_its_action():
    batch = SearchVectorEnv(envs.make("sliding"), 2, max_steps=5)
    batch.reset(seed=0, options={"state": ["1 0 2 3 4 5 6 7 8", "8 7 6 0 4 1 2 5 3"]})
    _, rewards, terminated, truncated, info = batch.step(np.array([2, 0]))
    assert rewards.tolist() == [-1, -1] and terminated.tolist() == [True, False] and info["solved"].tolist() == [True, False]
    _, rewards, terminated, truncated, info = batch.step(np.array([99, 1]))
    assert rewards.tolist() == [0, -1] and not terminated.any() and not truncated.any() and info["action_mask"].any(axis=1).all()


def test_what_a_step_returns_stays_as_it_was(domain):
    """A learner keeps arrays in its memory; the next step must not write into them."""
    batch, rng = SearchVectorEnv(domain, 3), np.random.default_rng(0)
    results = [batch.reset(seed=0)]
    for _ in range(3):
        results.append(batch.step(legal_actions(results[-1][-1]["action_mask"], rng)))
    kept = [[*result[:-1], *result[-1].values()] for result in results]
    assert not any(np.shares_memory(x, y) for number, ours in enumerate(kept) for other in kept[:number] for x in ours for y in other)


def test_gymnasium_wrappers_accept_the_batch():
    batch = gymnasium.wrappers.vector.RecordEpisodeStatistics(gymnasium.make_vec("astarzero/Countdown-v0", num_envs=4))
    _, info = batch.reset(seed=0)
    for _ in range(3):
        *_, info = batch.step(info["action_mask"].argmax(axis=1))
    assert info["episode"]["r"].tolist() == [-3.0] * 4 and info["episode"]["l"].tolist() == [3] * 4


def test_the_space_can_sample_legal_actions(domain):
    env, batch = SearchEnv(domain), SearchVectorEnv(domain, 3)
    env.step(env.action_space.sample(env.reset(seed=0)[1]["action_mask"]))
    batch.step(batch.action_space.sample(tuple(batch.reset(seed=0)[1]["action_mask"])))


# --- drawing -------------------------------------------------------------------------------------------------------------


def test_drawings(domain):
    for mode in SearchEnv(domain).metadata["render_modes"]:
        env, batch = SearchEnv(domain, render_mode=mode), SearchVectorEnv(domain, 2, render_mode=mode)
        state = env.reset(seed=0)[1]["state"]
        batch.reset(options={"state": state})
        for picture in (env.render(), *batch.render()):
            if mode == "ansi":
                assert picture == domain.render(state)
            else:
                assert picture.dtype == np.uint8 and picture.shape[2] == 3 and picture.std() > 10


def test_no_mode_draws_nothing_and_says_so():
    env = SearchEnv(envs.make("sliding"))
    env.reset()
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None


# --- a world of one's own -----------------------------------------------------------------------------------------------


def test_a_file_is_registered_with_one_call(road, monkeypatch, tmp_path):
    name = register_world(road)
    assert name == "astarzero/Road-v0" == register_world(road)  # a notebook's cell runs twice
    monkeypatch.chdir(tmp_path)
    env = gymnasium.make(name, length=5)
    env.reset(options={"state": "4"})
    _, reward, terminated, _, info = env.step(0)
    assert reward == -1 and terminated and info["solved"]
    assert gymnasium.make_vec(name, num_envs=3, length=5).reset(seed=0)[0].shape == (3, 64)


def test_a_function_is_registered_under_a_name_given(road):
    for _ in range(2):
        register_world(lambda length=4: envs.make(road, length=length), "test/MyRoad-v0")
    assert gymnasium.make("test/MyRoad-v0").unwrapped.domain.name == "road-4"
    assert gymnasium.make("test/MyRoad-v0", length=9).unwrapped.domain.name == "road-9"


# --- what is refused -------------------------------------------------------------------------------------------------------


def test_every_illegal_action_is_refused_and_changes_nothing(domain):
    env, batch, rng = SearchEnv(domain), SearchVectorEnv(domain, 3), np.random.default_rng(1)
    _, info = env.reset(seed=4)
    before = env.step(legal_actions(info["action_mask"], rng))
    batch.reset(options={"state": before[-1]["state"]})
    legal = np.flatnonzero(before[-1]["action_mask"])
    for action in (*np.flatnonzero(before[-1]["action_mask"] == 0), -1, domain.num_actions, 2**40):
        with pytest.raises(ValueError, match=rf"^Action {action}\b.* is illegal in state .*; the legal ones .* are {legal[0]}\b.*\.$"):
            env.step(action)
        with pytest.raises(ValueError, match=rf"^Action {action}\b.* of environment 1; the legal ones"):
            batch.step(np.array([legal[0], action, legal[0]]))
    after, others = env.step(legal[0])[-1], batch.step([legal[0]] * 3)[-1]
    assert np.array_equal(after["state"], domain.replay(before[-1]["state"], (int(legal[0]),))[0])
    assert np.array_equal(others["state"], [after["state"]] * 3)


SENTENCES = [
    (lambda d: SearchEnv(d, max_steps=0), "max_steps=0, but an episode has at least 1 step; give None for no limit."),
    (lambda d: SearchEnv(d, dead_end_cost=-1.0), "dead_end_cost=-1.0, but it must be a finite number of at least 0."),
    (lambda d: SearchEnv(d, render_mode="human"), "sliding-3x3-blank-first has no render_mode 'human'; choose ansi or rgb_array."),
    (
        lambda d: SearchEnv(d.with_(render_rgb=None), render_mode="rgb_array"),
        "sliding-3x3-blank-first has no render_mode 'rgb_array' (its Domain has no render_rgb, so it draws no pictures); choose ansi.",
    ),
    (lambda d: SearchVectorEnv(d, 0), "num_envs=0, but a vector environment holds at least 1."),
    (lambda d: SearchEnv(d).reset(options={"size": 3}), "reset has no option 'size'; it has state: text, or a row of words."),
    (lambda d: SearchEnv(d).reset(options={"state": "1 2 3"}), "3 tiles were given, but a 3x3 board has 9 cells; "),
    (
        lambda d: SearchEnv(d).reset(options={"state": "0 1 2 3 4 5 6 7 8"}),
        "An episode of sliding-3x3-blank-first cannot begin in '0 1 2 3 4 5 6 7 8', a goal or a dead end.",
    ),
    (
        lambda d: SearchEnv(d).reset(options={"state": np.array([2**63], np.uint64)}),
        "The row [9223372036854775808] is not a state of sliding-3x3-blank-first (Tile 0 stands more than once",
    ),
    (
        lambda d: SearchEnv(d).reset(options={"state": d.parse("1 0 2 3 4 5 6 7 8") | np.uint64(2**60)}),
        "] is not a state of sliding-3x3-blank-first (its text is that of another row); make rows with domain.parse(text).",
    ),
    (
        lambda d: SearchEnv(d).reset(options={"state": [1.5]}),
        "[1.5] is not a state of sliding-3x3-blank-first: give text, or a row of 1 uint64 words.",
    ),
    (lambda d: SearchEnv(d).reset(options={"state": -1}), "-1 is not a state of sliding-3x3-blank-first: give text, or a row of 1 uint64"),
    (lambda d: stepped(SearchEnv(d), 1.0), "1.0 is not an action: give a whole number from 0 to 3."),
    (lambda d: stepped(SearchEnv(d), "up"), "'up' is not an action: give a whole number from 0 to 3."),
    (lambda d: stepped(SearchVectorEnv(d, 2), [1]), "Actions of shape (1,) and type int64 were given; give 2 whole numbers."),
    (lambda d: stepped(SearchVectorEnv(d, 2), [1.0, 1.0]), "Actions of shape (2,) and type float64 were given; give 2 whole numbers."),
    (lambda d: SearchVectorEnv(d, 2).reset(seed=[1]), "1 seeds were given for 2 environments; give one number, or one for each."),
    (
        lambda d: SearchVectorEnv(d, 2).reset(options={"state": ["1 0 2 3 4 5 6 7 8"] * 3}),
        "3 states were given for 2 environments; give one, or one for each.",
    ),
    (
        lambda d: SearchEnv(d.with_(random_state=lambda rng: d.parse("0 1 2 3 4 5 6 7 8"))).reset(),
        "sliding-3x3-blank-first: 1000 random problems in a row were over before they began; mend its random_state.",
    ),
    (
        lambda d: SearchEnv(envs.make("go", size=3)),
        "go-3x3-positional-komi7.5 is for two players, but this environment is for one; use GameEnv, which has an opponent.",
    ),
    (
        lambda d: gymnasium.make("astarzero/Sliding-v0", opponent="uniform"),
        "has no option 'opponent'; besides the world's own it has dead_end_cost, max_steps, render_mode.",
    ),
    (lambda d: gymnasium.make("astarzero/Sliding-v0", length=3), "World 'sliding' has no option 'length'; it has size, goal."),
    (lambda d: register_world("nowhere.py"), "World 'nowhere.py' was not found"),
    (lambda d: register_world(lambda: d), "A function is registered by a name you choose; give env_id='astarzero/Hanoi-v0' or the like."),
    (lambda d: register_world("countdown", "astarzero/Sliding-v0"), "The id astarzero/Sliding-v0 belongs to sliding; give another env_id."),
    (lambda d: register_world("sliding", "CartPole-v1"), "The id CartPole-v1 belongs to another environment; give another env_id."),
]


def stepped(env, action):
    env.reset(seed=0)
    return env.step(action)


@pytest.mark.parametrize(("call", "sentence"), SENTENCES, ids=[sentence[:50] for _, sentence in SENTENCES])
def test_bad_input_is_one_sentence(call, sentence):
    with pytest.raises(ValueError) as refusal:
        call(envs.make("sliding"))
    assert sentence in str(refusal.value)
    assert str(refusal.value).endswith(".") and "\n" not in str(refusal.value)


@pytest.mark.parametrize("make", [SearchEnv, SearchVectorEnv])
def test_a_step_before_reset_is_refused(make):
    with pytest.raises(ResetNeeded, match=r"call reset\(\) first"):
        make(envs.make("sliding")).step(np.array([1]) if make is SearchVectorEnv else 1)
