"""Players of worlds for two that need no net: opponents for environments, sides of matches.

A player answers `choose` for the game it is shown, and keeps nothing that this game does not say, so it may be handed another
game, or the same one some moves back, at any time. A world's own are in `Domain.opponents`; ANYWHERE are those of every world.
Read next: go_players.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from astarzero.envs.line import Line

Choose = Callable[[Line, np.random.Generator], int | None]
LARGEST_SEED = 2**31


class Player:
    """`choose` for a game that is not over; `rng` is all the chance there may be."""

    def choose(self, line: Line, rng: np.random.Generator) -> int | None:
        """An action that is legal for the player to move, or None: it resigns."""
        raise NotImplementedError

    def close(self) -> None:
        """End what runs outside this process."""


class UniformPlayer(Player):
    """Any legal action, all alike."""

    def choose(self, line: Line, rng: np.random.Generator) -> int:
        return int(rng.choice(np.flatnonzero(line.action_mask())))


@dataclass(frozen=True)
class PlayerKind:
    """A line of a table of players."""

    pattern: str  # how it is written on the command line
    about: str
    build: Callable[[str], Player]  # from what stands behind the colon


def build_plain(name: str, kind: type[Player]) -> Callable[[str], Player]:
    """The `build` of a player without settings."""

    def build(argument: str) -> Player:
        if argument:
            raise ValueError(f"Player '{name}' takes nothing behind a colon, but was given '{argument}'.")
        return kind()

    return build


ANYWHERE = {"uniform": PlayerKind("uniform", "any legal move, all alike", build_plain("uniform", UniformPlayer))}


def named_player(text: str, kinds: Mapping[str, PlayerKind]) -> Player:
    """'rollout:100' -> the player of that name among `kinds`. ValueError in one sentence."""
    name, _, argument = text.partition(":")
    if name not in kinds:
        raise ValueError(f"Player '{text}' is not known: give {', '.join(kind.pattern for kind in kinds.values())}.")
    return kinds[name].build(argument)
