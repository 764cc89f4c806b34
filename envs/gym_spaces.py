"""What every environment shows and accepts, for one player (gym_env.py) and for two (gym_two_players.py, pettingzoo_env.py)."""

import operator
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np

from astarzero.envs.domain import Domain

NO_EPISODE = "There is no episode to go on with: call reset() first, and again after each end."


def describe(env: Any, domain: Domain, render_mode: str | None) -> tuple[gymnasium.spaces.Box, gymnasium.spaces.Discrete]:
    """Note domain, render mode and metadata on either kind of environment; returns the spaces of one."""
    modes = ["ansi", "rgb_array"] if domain.render_rgb else ["ansi"]
    if render_mode not in (None, *modes):
        hint = " (its Domain has no render_rgb, so it draws no pictures)" if render_mode == "rgb_array" else ""
        raise ValueError(f"{domain.name} has no render_mode '{render_mode}'{hint}; choose {' or '.join(modes)}.")
    env.domain, env.render_mode, env.metadata = domain, render_mode, {"render_modes": modes, "render_fps": 4}
    return gymnasium.spaces.Box(-np.inf, np.inf, observation_shape(domain), np.float32), gymnasium.spaces.Discrete(domain.num_actions)


def observation_shape(domain: Domain) -> tuple[int, ...]:
    """Planes as planes, [C, height, width]; other features as a row, [F]."""
    return domain.feature_shape or (domain.num_features,)


def draw(domain: Domain, state: np.ndarray, mode: str | None) -> Any:
    """A row as text or as uint8 [height, width, 3]; None, with gymnasium's warning, when no mode was chosen."""
    if mode is None:
        gymnasium.logger.warn("render() draws nothing: make the environment with render_mode 'ansi' or 'rgb_array'.")
        return None
    drawing: Any = domain.render_rgb if mode == "rgb_array" else domain.render
    return drawing(state)


def asked_state(options: Mapping[str, Any] | None) -> Any:
    """options["state"] of a reset, None when there is none. ValueError for any other option."""
    for option in options or {}:
        if option != "state":
            raise ValueError(f"reset has no option '{option}'; it has state: text, or a row of words.")
    return (options or {}).get("state")


def read_state(domain: Domain, state: Any) -> np.ndarray:
    """Text, or a row [W], as a row. A row too goes through the world's parser: kernels trust rows, so a wrong one must not reach them."""
    if isinstance(state, str):
        return domain.parse(state)
    row = np.asarray(state)
    if row.shape != (domain.num_words,) or row.dtype.kind not in "iu" or (row < 0).any():
        raise ValueError(f"{state!r} is not a state of {domain.name}: give text, or a row of {domain.num_words} uint64 words.")
    row, problem = row.astype(np.uint64), "its text is that of another row"
    try:
        if np.array_equal(domain.parse(domain.format(row)), row):
            return row
    except (ValueError, ArithmeticError, LookupError) as reason:
        problem = str(reason)
    raise ValueError(f"The row {row.tolist()} is not a state of {domain.name} ({problem}); make rows with domain.parse(text).")


def read_action(domain: Domain, action: Any) -> np.ndarray:
    """A number as int64 [1]. ValueError when it is none; whether it is legal the mask says."""
    try:
        return np.array([operator.index(action)], np.int64)
    except (TypeError, OverflowError):
        raise ValueError(f"{action!r} is not an action: give a whole number from 0 to {domain.num_actions - 1}.") from None


def illegal_action(domain: Domain, state: np.ndarray, mask: np.ndarray, action: int, where: str = "") -> ValueError:
    """What to raise for an action that the mask [A] forbids in a row [W]; `where` says more about the row."""

    def name(number: int) -> str:
        word = domain.action_names[number] if 0 <= number < domain.num_actions else str(number)
        return word if word == str(number) else f"{number} ({word})"

    legal = ", ".join(name(int(number)) for number in np.flatnonzero(mask))
    place = f"state '{domain.format(state)}'{where}"
    return ValueError(f"Action {name(action)} is illegal in {place}; the legal ones (info['action_mask']) are {legal}.")
