"""Where the contest is held: worlds with their budgets, fixed before any training, and a contest's settings.

Read next: regimes.py (who takes part), contest.py (how it is run).
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from astarzero.envs import make

Grid = Mapping[str, tuple[float, float]]  # axis -> lowest and highest budget


@dataclass(frozen=True)
class Arena:
    """A world as the contest runs it. The grid is fixed before any training.

    name: in tables and files.
    world: of envs.WORLDS, or a user's file.py or package.module.
    options: of the world.
    grid: lowest and highest budget of each axis.
    instances: the domain's instance set whose solvable members are the problems.
    max_steps: longest walk or beam before it gives up or restarts.
    net: of nets.NETS, what is trained here.
    width: its hidden units, or filters; None for the contest's.
    most_validation: validation problems that the world has room for, whatever the contest asks for.
    most_test: likewise test problems.
    about: a line for lists.
    """

    name: str
    world: str
    options: Mapping[str, Any] = field(default_factory=dict)
    grid: Grid = field(default_factory=lambda: {"expansions": (1, 10_000), "evaluations": (1, 10_000), "seconds": (1e-4, 1.0)})
    instances: str = "all"
    max_steps: int = 200
    net: str = "mlp"
    width: int | None = None
    most_validation: int = sys.maxsize
    most_test: int = sys.maxsize
    about: str = ""


TILE_GRID: Grid = {"expansions": (10, 3_000), "evaluations": (10, 3_000), "seconds": (1e-3, 0.3)}
NUMBER_GRID: Grid = {"expansions": (1, 1_000), "evaluations": (1, 1_000), "seconds": (1e-4, 0.1)}
GAME_GRID: Grid = {"expansions": (1, 256), "evaluations": (1, 256), "seconds": (2e-4, 0.1)}
ARENAS = {
    arena.name: arena
    for arena in (
        Arena(
            "sliding-3x3",
            "sliding",
            {"size": 3},
            TILE_GRID,
            max_steps=100,
            about="the 8-puzzle: reversible, two to four actions, solutions of 22 moves on average, no dead ends",
        ),
        Arena(
            "countdown-24",
            "countdown",
            {"size": 4},
            NUMBER_GRID,
            max_steps=3,
            about="the 24 game: irreversible, 10 to 30 actions, solutions of 3 steps, mostly dead ends",
        ),
        Arena(
            "sliding-2x4",
            "sliding",
            {"size": "2x4"},
            TILE_GRID,
            max_steps=100,
            about="a 2x4 sliding puzzle: 20,160 states, longer corridors than the 8-puzzle",
        ),
        Arena(
            "countdown-sos",
            "countdown",
            {"size": 4, "rule": "integer"},
            NUMBER_GRID,
            instances="stream-of-search",
            max_steps=3,
            about="Countdown of Stream of Search: four numbers 1..99, targets 10..100, whole numbers",
        ),
        Arena(
            "go-3x3",
            "go",
            {"size": 3, "ko": "simple", "komi": 0, "planes": "last_moves=0,side=0,komi=0"},
            GAME_GRID,
            net="resnet",
            width=24,
            most_validation=50,
            most_test=250,  # with more too few positions are left for labels, see training.game_labels.split_apart
            about="Go on 3x3 under simple ko, solved: 2,212 positions with a move that gives the result away; games without end are drawn",
        ),
    )
}


@dataclass(frozen=True)
class Board:
    """A game without an exact table, held as matches at equal budgets: each pair, at each budget, plays paired games, colours swapped.

    pairs: players of players.py, left and right, with {n} for the budget, positions judged a move, and {each} for budget / actions, what
        a player may spend on each of its moves who looks but one ahead.
    games: of a pair, budget and seed; even.
    """

    name: str
    options: Mapping[str, Any]
    budgets: tuple[int, ...]
    pairs: tuple[tuple[str, str], ...]
    games: int
    about: str


BOARDS = {
    board.name: board
    for board in (
        Board(
            "go-5x5",
            {"size": 5, "ko": "simple", "komi": 0.5},
            (32, 128, 512),
            (
                ("rollout:{each}", "random"),
                ("ubfm:{n}:4", "random"),
                ("alpha_beta:{n}:4", "random"),
                ("uct:{n}:4", "random"),
                ("ubfm:{n}:4", "uct:{n}:4"),
                ("alpha_beta:{n}:4", "uct:{n}:4"),
            ),
            games=14,
            about="Go on 5x5 without nets: a value from four random games a position, against a random policy and against MCTS on it",
        ),
    )
}


@dataclass(frozen=True)
class ContestConfig:
    """One contest, whole: the header of every shard holds it, and a shard of another config is refused.

    worlds: names of ARENAS or BOARDS, or a user's own file.py or package.module.
    seeds: training seeds, 0 to seeds - 1.
    labels: label regimes.
    sizes: numbers of labelled states.
    fractions: of a puzzle's problems, for training, validation and test; a game's labels come from all that is clear of its problems.
    validation: validation problems at most.
    test: test problems at most.
    width: hidden units of a net.
    blocks: residual blocks of a net.
    steps: optimiser steps of a net at most.
    device: for the nets.
    """

    worlds: tuple[str, ...] = ("sliding-3x3", "countdown-24", "go-3x3")
    seeds: int = 3
    labels: tuple[str, ...] = ("full", "matched")
    sizes: tuple[int, ...] = (4000,)
    fractions: tuple[float, float, float] = (0.5, 0.1, 0.4)
    validation: int = 100
    test: int = 500
    width: int = 128
    blocks: int = 1
    steps: int = 600
    device: str = "cpu"


QUICK = ContestConfig()
FULL = ContestConfig(
    worlds=("sliding-3x3", "countdown-24", "sliding-2x4", "countdown-sos", "go-3x3"),
    seeds=5,
    sizes=(1000, 4000, 16000),
    validation=200,
    test=1000,
    steps=2000,
)


def arena_of(name: str) -> Arena:
    """The arena of that name, or one with default budgets around a user's own world."""
    if name in ARENAS:
        return ARENAS[name]
    domain = make(name)
    if domain.players != 1:
        raise ValueError(f"{domain.name} is a game of two, which the contest holds where it is solved; give one of {', '.join(ARENAS)}.")
    if "all" not in domain.instance_sets:
        raise ValueError(f"{domain.name} has no instance set 'all', which the contest draws its problems from; add one to its Domain.")
    return Arena(domain.name, name)
