"""Any Domain under Gymnasium: one player, one problem at a time (`SearchEnv`) or many in one array (`SearchVectorEnv`); ids for all worlds.

    import gymnasium, astarzero.envs.gym_env                                # the import registers every world
    env = gymnasium.make("astarzero/Sliding-v0", size=3, max_steps=100)     # the world's own options, and SearchEnv's
    envs = gymnasium.make_vec("astarzero/Sliding-v0", num_envs=64, size=3)  # the native vector environment
    register_world("path/to/hanoi.py")                                      # a world of your own: "astarzero/Hanoi-v0"

Gymnasium 1.x looks for no plugins, so something must import this module: a line, or the id "astarzero.envs.gym_env:astarzero/Sliding-v0".

Observation: what a net sees, float32 [F], or [C, height, width] where that is planes. Reward: -cost. `info` has "state" (the row,
uint64 [W]), "action_mask" (int8 [A], as `action_space.sample(mask)` wants it; all 0 where the rules end the episode) and "solved".
Only actions of the mask may be taken. An episode terminates at a goal or a dead end (a terminal row, or no action left) and is
truncated after `max_steps`.

Both classes are faces of `Episodes`, whose kernel `advance` moves a whole batch on in one call. A world for two players is registered
here too, and played against an opponent: gym_two_players.py. Read next: domain.py.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, SupportsIndex

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from astarzero import envs
from astarzero.envs.domain import Domain, encode, expand, is_goal, is_terminal, step, value_of
from astarzero.envs.gym_spaces import NO_EPISODE, asked_state, describe, draw, illegal_action, observation_shape, read_action, read_state
from astarzero.envs.gym_two_players import GameEnv, game_vector_env
from astarzero.envs.state_table import copy_row

MAX_STEPS, FOREVER = 200, 1 << 62
MAX_DRAWS = 1000  # of a random problem that is not over before it begins

# --- many episodes, one kernel -----------------------------------------------------------------------------------------


def advance(
    which, begin, actions, max_steps, dead_end_cost, context, live, states, steps, rewards, solved, terminated, truncated, masks, features,
    spare, successors, legal, costs,
):  # fmt: skip
    """Kernel: begin episodes `which` at the rows they hold, or take the actions of those that live; then describe where that leads.

    Returns the first index whose action the mask forbids, and then nothing has changed; or -1.
    """
    if not begin:
        for index in which:
            if live[index] and (actions[index] < 0 or actions[index] >= masks.shape[1] or masks[index, actions[index]] == 0):
                return index
    for index in which:
        if not (begin or live[index]):
            continue
        state, cost = states[index], 0.0
        steps[index] = 0 if begin else steps[index] + 1
        if not begin:
            cost = step(state, actions[index], context, spare)
            copy_row(state, spare)
        masks[index, :] = 0
        count = 0
        solved[index] = is_goal(state, context)
        if not solved[index] and not is_terminal(state, context):
            count = expand(state, context, successors, legal, costs)
            for child in range(count):
                masks[index, legal[child]] = 1
        terminated[index] = count == 0
        truncated[index] = count > 0 and steps[index] >= max_steps
        live[index] = not (terminated[index] or truncated[index])
        if terminated[index] and not solved[index]:
            cost += dead_end_cost
        rewards[index] = 0.0 if begin else value_of(cost)
        features[index, :] = 0.0
        encode(state, context, features[index])
    return -1


class Episodes:
    """`count` episodes of one domain in flat arrays: row i of each belongs to episode i."""

    def __init__(self, domain: Domain, count: int, max_steps: int | None, dead_end_cost: float) -> None:
        if domain.discount != 1.0:
            raise ValueError(f"{domain.name} is for two players, but this environment is for one; use GameEnv, which has an opponent.")
        if max_steps is not None and max_steps < 1:
            raise ValueError(f"max_steps={max_steps}, but an episode has at least 1 step; give None for no limit.")
        if not 0 <= dead_end_cost < np.inf:
            raise ValueError(f"dead_end_cost={dead_end_cost}, but it must be a finite number of at least 0.")
        self.domain, self.count, self._limits = domain, count, (max_steps or FOREVER, float(dead_end_cost))
        self.states = np.zeros((count, domain.num_words), np.uint64)
        self.features = np.zeros((count, domain.num_features), np.float32)
        self.masks = np.zeros((count, domain.num_actions), np.int8)
        self.steps, self.rewards = np.zeros(count, np.int64), np.zeros(count, np.float64)
        self.live, self.solved, self.terminated, self.truncated = (np.zeros(count, np.bool_) for _ in range(4))
        self._everyone, self._spare, self._buffers = np.arange(count), np.zeros(domain.num_words, np.uint64), domain.expansion_buffers()
        self._kernel = domain.bind(advance)

    def _advance(self, which: np.ndarray, begin: bool, actions: np.ndarray) -> int:
        return self._kernel(
            which, begin, actions, *self._limits, self.domain.context, self.live, self.states, self.steps, self.rewards,
            self.solved, self.terminated, self.truncated, self.masks, self.features, self._spare, *self._buffers,
        )  # fmt: skip

    def begin(self, generators: Sequence[np.random.Generator], which: np.ndarray | None = None) -> None:
        """Begin episodes `which` (default: all) at random problems, drawn again where they are over already."""
        which = self._everyone if which is None else which
        for _ in range(MAX_DRAWS):
            for index in which.tolist():
                self.states[index] = self.domain.random_state(generators[index])
            self._advance(which, True, self._everyone)
            which = which[~self.live[which]]
            if not len(which):
                return
        raise ValueError(f"{self.domain.name}: {MAX_DRAWS} random problems in a row were over before they began; mend its random_state.")

    def reset(self, generators: Sequence[np.random.Generator], options: Mapping[str, Any] | None) -> None:
        """Begin every episode at options["state"], a text or row for all or one for each, or else at random. ValueError when it cannot."""
        given = asked_state(options)
        if given is None:
            return self.begin(generators)
        several = not np.isscalar(given) and any(isinstance(item, str) or np.ndim(item) for item in given)
        states = list(given) if several else [given] * self.count
        if len(states) != self.count:
            raise ValueError(f"{len(states)} states were given for {self.count} environments; give one, or one for each.")
        self.states[:] = [read_state(self.domain, state) for state in states]
        self._advance(self._everyone, True, self._everyone)
        if not self.live.all():
            row = self.states[int(np.argmin(self.live))]
            raise ValueError(f"An episode of {self.domain.name} cannot begin in '{self.domain.format(row)}', a goal or a dead end.")

    def proceed(self, actions: np.ndarray, generators: Sequence[np.random.Generator] = ()) -> None:
        """Take `actions` int64 [B]; episodes that were over begin afresh instead. An illegal one is a ValueError that changes nothing."""
        over = () if self.live.all() else np.flatnonzero(~self.live)
        refused = self._advance(self._everyone, False, actions)
        if refused >= 0:
            where = f" of environment {refused}" if self.count > 1 else ""
            raise illegal_action(self.domain, self.states[refused], self.masks[refused], int(actions[refused]), where)
        if len(over):
            self.begin(generators, np.asarray(over))

    def observations(self) -> np.ndarray:
        """A fresh array over episodes: float32 [B, F], or [B, C, height, width] where features are planes."""
        return self.features.reshape(self.count, *observation_shape(self.domain)).copy()

    def info(self) -> dict[str, np.ndarray]:
        """What gymnasium calls info, as fresh arrays over episodes."""
        return {"state": self.states.copy(), "action_mask": self.masks.copy(), "solved": self.solved.copy()}


# --- one environment ---------------------------------------------------------------------------------------------------


class SearchEnv(gymnasium.Env[np.ndarray, np.int64]):
    """One problem of `domain` at a time.

    max_steps: an episode is truncated after so many; None for never. dead_end_cost: what ending in a dead end costs on top
    of the last step; where every way has the same length (24), a failure is rewarded like a success as long as this is 0.
    render_mode: "ansi", or "rgb_array" where the world draws pictures.
    """

    domain: Domain

    def __init__(
        self, domain: Domain, *, max_steps: int | None = MAX_STEPS, dead_end_cost: float = 0.0, render_mode: str | None = None
    ) -> None:
        self.observation_space, self.action_space = describe(self, domain, render_mode)
        self._episodes = Episodes(domain, 1, max_steps, dead_end_cost)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin at a random problem, or at options["state"] (text or row). Returns (observation float32 [F], info)."""
        super().reset(seed=seed)
        self._episodes.reset([self.np_random], options)
        return self._episodes.observations()[0], self._info()

    def step(self, action: SupportsIndex) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Returns (observation, reward, terminated, truncated, info). ValueError for an illegal action, ResetNeeded after the end."""
        episodes = self._episodes
        if not episodes.live[0]:
            raise ResetNeeded(NO_EPISODE)
        episodes.proceed(read_action(self.domain, action))
        ended = bool(episodes.terminated[0]), bool(episodes.truncated[0])
        return episodes.observations()[0], float(episodes.rewards[0]), *ended, self._info()

    def action_masks(self) -> np.ndarray:
        """Which actions are legal now: bool [A]; sb3-contrib's MaskablePPO calls it by this name."""
        return self._episodes.masks[0] == 1

    def render(self) -> Any:
        """The state as text ("ansi") or as uint8 [height, width, 3] ("rgb_array")."""
        return draw(self.domain, self._episodes.states[0], self.render_mode)

    def _info(self) -> dict[str, Any]:
        return {name: array[0] for name, array in self._episodes.info().items()} | {"solved": bool(self._episodes.solved[0])}


# --- many environments ---------------------------------------------------------------------------------------------------


class SearchVectorEnv(gymnasium.vector.VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """`num_envs` problems of `domain` in one array: the numbers that SyncVectorEnv over SearchEnv returns, at one kernel call a step.

    Autoreset is AutoresetMode.NEXT_STEP, gymnasium's default: the step after an episode's end ignores its action, begins
    the next and returns its first observation, reward 0. Environment i has a generator of its own, seeded seed + i.
    Options as in SearchEnv.
    """

    domain: Domain

    def __init__(
        self, domain: Domain, num_envs: int = 1, *,
        max_steps: int | None = MAX_STEPS, dead_end_cost: float = 0.0, render_mode: str | None = None,
    ) -> None:  # fmt: skip
        if num_envs < 1:
            raise ValueError(f"num_envs={num_envs}, but a vector environment holds at least 1.")
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = describe(self, domain, render_mode)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.metadata["autoreset_mode"] = AutoresetMode.NEXT_STEP
        self._episodes = Episodes(domain, num_envs, max_steps, dead_end_cost)
        self._generators: list[np.random.Generator] = []
        self._begun = False

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin every environment, seeded seed + i (or seed[i]); options["state"] is a text or row for all, or one for each."""
        seeds = range(seed, seed + self.num_envs) if isinstance(seed, int) else [None] * self.num_envs if seed is None else seed
        if len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds were given for {self.num_envs} environments; give one number, or one for each.")
        held, self._begun = self._generators, False
        self._generators = [held[i] if seed is None and held else seeding.np_random(seed)[0] for i, seed in enumerate(seeds)]
        self._episodes.reset(self._generators, options)
        self._begun = True
        return self._episodes.observations(), self._info()

    def step(self, actions: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Take `actions` int [N]; returns (float32 [N, F], rewards float64 [N], terminated bool [N], truncated bool [N], info)."""
        if not self._begun:
            raise ResetNeeded("There are no episodes to go on with: call reset() first.")
        array = np.asarray(actions)
        if array.shape != (self.num_envs,) or array.dtype.kind not in "iu":
            raise ValueError(f"Actions of shape {array.shape} and type {array.dtype} were given; give {self.num_envs} whole numbers.")
        now = self._episodes
        now.proceed(np.ascontiguousarray(array, np.int64), self._generators)
        return now.observations(), now.rewards.copy(), now.terminated.copy(), now.truncated.copy(), self._info()

    def render(self) -> tuple[Any, ...]:
        """Each environment's drawing, as SearchEnv.render."""
        return tuple(draw(self.domain, state, self.render_mode) for state in self._episodes.states)

    def _info(self) -> dict[str, Any]:
        """Arrays [N, ...]; gymnasium pairs each with "_name", the environments it is about: all."""
        return (info := self._episodes.info()) | {f"_{name}": np.ones(self.num_envs, np.bool_) for name in info}


# --- registration --------------------------------------------------------------------------------------------------------

World = str | Callable[..., Domain]
KINDS: dict[float, type[SearchEnv] | type[GameEnv]] = {1.0: SearchEnv, -1.0: GameEnv}  # by the discount
VECTOR_KINDS: dict[float, Callable[..., Any]] = {1.0: SearchVectorEnv, -1.0: game_vector_env}


def make_env(world: World, **options: Any) -> SearchEnv | GameEnv:
    """What gymnasium.make calls: `options` are the world's own (as in envs.make) and those of SearchEnv or GameEnv."""
    domain = take_domain(world, options)
    return KINDS[domain.discount](domain, **options)


def make_vector_env(world: World, num_envs: int = 1, **options: Any) -> gymnasium.vector.VectorEnv[Any, Any, Any]:
    """What gymnasium.make_vec calls."""
    domain = take_domain(world, options)
    return VECTOR_KINDS[domain.discount](domain, num_envs, **options)


def options_of(kind: Callable[..., Any]) -> set[str]:
    """The names of an environment's own options."""
    return {name for name, option in inspect.signature(kind).parameters.items() if option.kind is inspect.Parameter.KEYWORD_ONLY}


def take_domain(world: World, options: dict[str, Any]) -> Domain:
    """The domain made from those of `options` that no environment has; they are taken out. ValueError when one is left that is not its."""
    known = set[str]().union(*(options_of(kind) for kind in KINDS.values()))
    own = {name: options.pop(name) for name in list(options) if name not in known}
    domain = envs.make(world, **own) if isinstance(world, str) else world(**own)
    for name in options.keys() - options_of(KINDS[domain.discount]):
        takes = ", ".join(sorted(options_of(KINDS[domain.discount])))
        raise ValueError(f"An environment of {domain.name} has no option '{name}'; besides the world's own it has {takes}.")
    return domain


def register_world(world: World, env_id: str | None = None) -> str:
    """Make `world` known to gymnasium; returns its id, by default after its name, file or module: "my_world.py" is "astarzero/MyWorld-v0".

    world: what envs.make takes ("sliding", "file.py", "package.module"), or a function(**options) -> Domain, which needs an
    `env_id`. ValueError when there is no such world, or the id belongs to another.
    """
    if isinstance(world, str) and world not in envs.WORLDS:
        envs.find_world(world)
        world = str(Path(world).resolve()) if world.partition(":")[0].endswith(".py") else world  # found from any folder
    if env_id is None:
        if not isinstance(world, str):
            raise ValueError("A function is registered by a name you choose; give env_id='astarzero/Hanoi-v0' or the like.")
        place = world.partition(":")[0]
        name = Path(place).stem if place.endswith(".py") else place.rpartition(".")[2]
        env_id = f"astarzero/{''.join(word.capitalize() for word in re.split('[^A-Za-z0-9]+', name))}-v0"
    taken = gymnasium.registry.get(env_id)
    owner = taken.kwargs.get("world") if taken else world
    if owner != world and not (callable(owner) and callable(world)):  # a notebook's cell may run twice
        raise ValueError(f"The id {env_id} belongs to {owner or 'another environment'}; give another env_id.")
    gymnasium.registry.pop(env_id, None)
    gymnasium.register(env_id, f"{__name__}:make_env", vector_entry_point=f"{__name__}:make_vector_env", kwargs={"world": world})
    return env_id


for _world in envs.WORLDS:
    register_world(_world)
