"""A world for two players under PettingZoo: both sides are agents that take turns (`aec_env`, an AECEnv).

    from astarzero.envs.pettingzoo_env import aec_env
    env = aec_env("go", size=5, komi=24.5)          # the world's own options, and GameAEC's
    env.reset(seed=1)
    for agent in env.agent_iter():                  # "black_0" and "white_0" in turn
        observation, reward, terminated, truncated, info = env.last()
        env.step(None if terminated or truncated else env.action_space(agent).sample(observation["action_mask"]))

Observation: {"observation": what a net sees, "action_mask": int8 [A]}, for the agent whose turn it is; for the other the mask is all 0 and
what a net sees is still that of the player to move. Rewards at the end: 1, 0 or -1 to each, from its own point of view. `infos` have
"state", the row. Only actions of the mask may be taken: another is a ValueError that changes nothing.

PettingZoo is an extra: pip install 'astarzero[peers]', or pettingzoo alone. Read next: gym_two_players.py (one agent, one opponent).
"""

from typing import Any, SupportsIndex

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Dict, Discrete

from astarzero import envs
from astarzero.envs.domain import Domain
from astarzero.envs.gym_spaces import NO_EPISODE, describe, draw
from astarzero.envs.gym_two_players import MAX_STEPS, begin_game, observe, outcome_for, play
from astarzero.envs.line import Line

try:
    from pettingzoo import AECEnv
except ImportError:  # then this file can be read, but makes no environment
    AECEnv = object


def aec_env(world: str, *, max_steps: int | None = MAX_STEPS, render_mode: str | None = None, **options: Any) -> "GameAEC":
    """`world` with its own options as in envs.make, under PettingZoo. ImportError when there is no PettingZoo."""
    return GameAEC(envs.make(world, **options), max_steps=max_steps, render_mode=render_mode)


class GameAEC(AECEnv):
    """Games of `domain`, one at a time. max_steps: a game is truncated after so many actions of both together; None for never."""

    domain: Domain

    def __init__(self, domain: Domain, *, max_steps: int | None = MAX_STEPS, render_mode: str | None = None) -> None:
        if AECEnv is object:
            raise ImportError("There is no PettingZoo here, whose AECEnv this is: run `pip install pettingzoo`, then start again.")
        if domain.discount != -1.0:
            raise ValueError(f"{domain.name} is for one player, but here two take turns; use gym_env.SearchEnv.")
        super().__init__()
        seen, actions = describe(self, domain, render_mode)
        self.metadata |= {"name": domain.name, "is_parallelizable": False}
        self.possible_agents = [f"{side}_0" for side in domain.sides]
        masks = Box(0, 1, (domain.num_actions,), np.int8)
        self.observation_spaces = {agent: Dict({"observation": seen, "action_mask": masks}) for agent in self.possible_agents}
        self.action_spaces = {agent: Discrete(int(actions.n)) for agent in self.possible_agents}
        self.agents: list[str] = []
        self._max_steps, self._rng = max_steps, np.random.default_rng()

    def observation_space(self, agent: str) -> Dict:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Discrete:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """A game from the world's start, or from options["state"] (text or row); other options are ignored, as PettingZoo wants it."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self.line = begin_game(self.domain, (options or {}).get("state"), self._rng)
        self.agents = list(self.possible_agents)
        self.rewards, self._cumulative_rewards = dict.fromkeys(self.agents, 0.0), dict.fromkeys(self.agents, 0.0)
        self.terminations, self.truncations = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, False)
        self._tell(self.line)

    def step(self, action: SupportsIndex | None) -> None:
        """The selected agent's action, None when the game is over. ValueError for an illegal one, ResetNeeded when there is no game."""
        if not self.agents:
            raise ResetNeeded(NO_EPISODE)
        if self.terminations[self.agent_selection] or self.truncations[self.agent_selection]:
            self._was_dead_step(action)
            return
        play(self.line, action)
        self._cumulative_rewards[self.agent_selection] = 0.0
        over, steps = self.line.over, len(self.line.rows) - 1
        truncated = not over and self._max_steps is not None and steps >= self._max_steps
        for side, agent in enumerate(self.agents):
            self.terminations[agent], self.truncations[agent] = over, truncated
            self.rewards[agent] = outcome_for(self.line, side) if over else 0.0
        self._tell(self.line)
        self._accumulate_rewards()

    def observe(self, agent: str) -> dict[str, np.ndarray]:
        """Of the position of now: {"observation": float32, "action_mask": int8 [A]}."""
        mask = self.line.action_mask() & (agent == self.possible_agents[self.line.side])
        return {"observation": observe(self.line), "action_mask": mask.astype(np.int8)}

    def render(self) -> Any:
        """The position as text ("ansi") or as uint8 [height, width, 3] ("rgb_array")."""
        return draw(self.domain, self.line.state, self.render_mode)

    def close(self) -> None:
        """There is nothing to release; PettingZoo wants the method."""

    def _tell(self, line: Line) -> None:
        """Whose turn it is, and what everybody may know."""
        self.agent_selection = self.possible_agents[line.side]
        self.infos = {agent: {"state": line.state.copy()} for agent in self.agents}
