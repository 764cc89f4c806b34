"""A world for two players under Gymnasium: the agent has one side, an opponent the other (`GameEnv`).

    import gymnasium, astarzero.envs.gym_env                                     # the import registers every world
    env = gymnasium.make("astarzero/Go-v0", size=5, komi=24.5, colour="white", opponent="rollout:50")
    env = gymnasium.make("astarzero/Go-v0", opponent=lambda line, rng: ...)      # any function of the game so far, such as
    find_player("gnugo --mode gtp --level 1").choose                             # of ../experiments/players.py

A step is the agent's action and the opponent's reply. Reward, from the agent's point of view: 1, 0 or -1 at the end for a game won,
drawn or lost, 0 before it and when the game is truncated. Observation: what a net sees of the row, from the view of the player to
move, who is the agent until the game is over. `info` has "state" (the row, uint64 [W]), "action_mask" (int8 [A], all 0 at the end),
"side" (whose part the agent plays, such as "black") and "reply" (the opponent's last action, -1 for none). Legality is that of the
whole game, superko included, which a row alone does not know: `env.unwrapped.line` is the game, for agents that search.

Read next: players.py (opponents), pettingzoo_env.py (both sides to agents), line.py.
"""

import functools
from typing import Any, SupportsIndex

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded

from astarzero.envs.domain import Domain
from astarzero.envs.gym_spaces import (
    NO_EPISODE,
    asked_state,
    describe,
    draw,
    illegal_action,
    observation_shape,
    read_action,
    read_state,
)  # fmt: skip
from astarzero.envs.line import Line
from astarzero.envs.players import ANYWHERE, Choose, named_player

MAX_STEPS = 1000  # more than a game on 19x19 takes
EITHER = "random"  # colour: drawn anew for each game
NO_REPLY = -1


def begin_game(domain: Domain, state: Any, rng: np.random.Generator) -> Line:
    """A game from a state (text or row), or from one of the world's starts when it is None. ValueError when none can begin there."""
    if state is not None:
        row = read_state(domain, state)
    elif "start" in domain.instance_sets:
        rows = domain.instance_sets["start"]()
        row = rows[rng.integers(len(rows))]
    else:
        row = domain.random_state(rng)
    line = Line(domain, row)
    if line.over:
        raise ValueError(f"A game of {domain.name} cannot begin in '{domain.format(row)}', where it is over.")
    return line


def observe(line: Line) -> np.ndarray:
    """What a net sees of a game now: float32 [F], or [C, height, width] where features are planes."""
    return line.domain.features(line.state)[0].reshape(observation_shape(line.domain))


def play(line: Line, action: SupportsIndex | None) -> None:
    """An agent's action; ValueError, and nothing has changed, when it is illegal."""
    number, mask = int(read_action(line.domain, action)[0]), line.action_mask()
    if not 0 <= number < len(mask) or not mask[number]:
        raise illegal_action(line.domain, line.state, mask, number)
    line.play(number)


class GameEnv(gymnasium.Env[np.ndarray, np.int64]):
    """One game of `domain` at a time against an opponent.

    opponent: a player by name, one of Domain.opponents or "uniform" (players.py), the world's first when None; or a function
    `(line, rng) -> action`, None to resign. colour: the agent's side by its name, "random" for one drawn anew each game, the first
    when None. max_steps: a game is truncated after so many actions of the agent; None for never. render_mode: "ansi", or
    "rgb_array" where the world draws pictures.
    """

    domain: Domain

    def __init__(
        self, domain: Domain, *,
        opponent: str | Choose | None = None, colour: str | None = None, max_steps: int | None = MAX_STEPS, render_mode: str | None = None,
    ) -> None:  # fmt: skip
        if domain.discount != -1.0:
            raise ValueError(f"{domain.name} is for one player, but this environment is for two; use SearchEnv.")
        if max_steps is not None and max_steps < 1:
            raise ValueError(f"max_steps={max_steps}, but a game has at least 1 step; give None for no limit.")
        if colour not in (None, EITHER, *domain.sides):
            raise ValueError(f"Colour '{colour}' is not known: give {', '.join(domain.sides)} or {EITHER}.")
        self.observation_space, self.action_space = describe(self, domain, render_mode)
        self._choose, self._colour, self._max_steps = find_opponent(domain, opponent), colour, max_steps
        self._game: Line | None = None
        self._live, self._side, self._steps, self._reply = False, 0, 0, NO_REPLY

    @property
    def line(self) -> Line:
        """The game so far, not to be changed. ResetNeeded before there is one."""
        if self._game is None:
            raise ResetNeeded(NO_EPISODE)
        return self._game

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """A game from the world's start, or from options["state"] (text or row); the opponent moves first where it is its turn."""
        super().reset(seed=seed)
        line, sides = begin_game(self.domain, asked_state(options), self.np_random), self.domain.sides
        self._side = int(self.np_random.integers(2)) if self._colour == EITHER else sides.index(self._colour or sides[0])
        self._game, self._steps, self._reply = line, 0, NO_REPLY
        resigned = self._let_reply()
        self._live = not (resigned or line.over)
        if not self._live:
            beginning = self.domain.format(line.rows[0])
            raise ValueError(f"The opponent ended the game at once in '{beginning}'; give another state or opponent.")
        return observe(line), self._info()

    def step(self, action: SupportsIndex) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Returns (observation, reward, terminated, truncated, info). ValueError for an illegal action, ResetNeeded after the end."""
        if not self._live:
            raise ResetNeeded(NO_EPISODE)
        line = self.line
        play(line, action)
        self._steps, self._reply = self._steps + 1, NO_REPLY
        resigned = self._let_reply()
        terminated = resigned or line.over
        truncated = not terminated and self._max_steps is not None and self._steps >= self._max_steps
        self._live = not (terminated or truncated)
        reward = 1.0 if resigned else outcome_for(line, self._side) if terminated else 0.0
        return observe(line), reward, terminated, truncated, self._info()

    def action_masks(self) -> np.ndarray:
        """Which actions are legal now: bool [A]; sb3-contrib's MaskablePPO calls it by this name."""
        return self._info()["action_mask"] == 1

    def render(self) -> Any:
        """The position as text ("ansi") or as uint8 [height, width, 3] ("rgb_array")."""
        return draw(self.domain, self.line.state, self.render_mode)

    def _let_reply(self) -> bool:
        """The opponent's action, if it is its turn. Did it resign? ValueError when it chose an illegal one."""
        line = self.line
        if line.over or line.side == self._side:
            return False
        action = self._choose(line, self.np_random)
        if action is None:
            return True
        try:
            line.play(int(action))
        except ValueError as problem:
            raise ValueError(f"The opponent made a mistake: {problem}") from None
        self._reply = int(action)
        return False

    def _info(self) -> dict[str, Any]:
        mask = self.line.action_mask() if self.line.side == self._side else np.zeros(self.domain.num_actions, np.bool_)
        about = {"side": self.domain.sides[self._side], "reply": self._reply}
        return {"state": self.line.state.copy(), "action_mask": mask.astype(np.int8), **about}


def find_opponent(domain: Domain, opponent: str | Choose | None) -> Choose:
    """A player's name (the world's first by default), or a function of its own. ValueError in one sentence."""
    if callable(opponent):
        return opponent
    kinds = {**domain.opponents, **ANYWHERE}
    return named_player(next(iter(kinds)) if opponent is None else opponent, kinds).choose


def outcome_for(line: Line, side: int) -> float:
    """1, 0 or -1: won, drawn or lost for a side when the game is over."""
    return line.outcome if line.side == side else line.domain.discount * line.outcome


def game_vector_env(domain: Domain, num_envs: int = 1, **options: Any) -> gymnasium.vector.SyncVectorEnv:
    """What gymnasium.make_vec makes of a world for two: games side by side, each with its own opponent."""
    return gymnasium.vector.SyncVectorEnv([functools.partial(GameEnv, domain, **options)] * num_envs)
