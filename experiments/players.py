"""Players of Go: `PLAYERS` names ours, which need no net; any GTP command line is one too.

A player answers `choose` for the game it is shown, and keeps nothing that this game does not say, so it may be handed another
game, or the same one some moves back, at any time. Read next: match.py (two of them), gtp.py (one of them as a program).
"""

import functools
import itertools
import shlex
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from astarzero.envs.go import SIDES, unpack
from astarzero.envs.go_choices import plays_but_eyes
from astarzero.envs.go_rollouts import rollouts
from astarzero.envs.gtp_client import GtpClient, find_program
from astarzero.envs.line import Line
from astarzero.search import SEARCHES, Budget
from astarzero.search.go_evaluators import area, rollout

LARGEST_SEED = 2**31
GAMES = 8  # random games that judge a position, unless told otherwise
CLEANUP = "kgs-genmove_cleanup"  # GNU Go, from KGS: genmove, but no pass while dead stones of the opponent are on the board


class Player:
    """`choose` for a game of Go that is not over; `rng` is all the chance there may be."""

    def choose(self, line: Line, rng: np.random.Generator) -> int | None:
        """An action that is legal for the player to move, or None: it resigns."""
        raise NotImplementedError

    def close(self) -> None:
        """End what runs outside this process."""


class RandomPlayer(Player):
    """Any legal play that fills no eye of its own, all alike; the pass when there is none."""

    def choose(self, line: Line, rng: np.random.Generator) -> int:
        plays = np.flatnonzero(plays_but_eyes(line))
        return int(rng.choice(plays)) if len(plays) else line.domain.num_actions - 1


class RolloutPlayer(Player):
    """The move after which most of `games` random games are won; among equals the one that wins by more points.

    The random games fill no own eyes, and every candidate has as many. Candidates: the plays that fill no own eye, and the pass.
    """

    def __init__(self, games: int) -> None:
        self.games = games

    def choose(self, line: Line, rng: np.random.Generator) -> int:
        rows, actions, _ = line.domain.successors(line.state)
        looked_at = plays_but_eyes(line)[actions] | (actions == line.domain.num_actions - 1)
        rows, actions = rows[looked_at], actions[looked_at]
        games = rollouts(line.domain, rows, self.games, policy="no-eyes", seed=int(rng.integers(LARGEST_SEED)))
        wins, points = -games.outcome.mean(1), -games.margin.mean(1)  # for us: in `rows` the opponent is to move
        return int(actions[np.lexsort((points, wins))[-1]])


class SearchPlayer(Player):
    """The move that a search of games decides on; the line forbids what superko forbids."""

    def __init__(self, search: str, evaluations: int, games: int) -> None:
        self.search, self.budget, self.games = SEARCHES[search], Budget(evaluations=evaluations), games

    def choose(self, line: Line, rng: np.random.Generator) -> int:
        seed = int(rng.integers(LARGEST_SEED))
        judge = rollout(line.domain, self.games, seed=seed) if self.games else area(line.domain)
        result = self.search(line.domain, line.state, judge, keys=line.keys, budget=self.budget, seed=seed)
        return line.domain.num_actions - 1 if result.action is None else result.action  # too small a budget to judge its moves


class GtpPlayer(Player):
    """Any program that speaks GTP 2; it is told what it does not know of the game, or the whole game when it is another.

    A program may pass while dead stones are on the board, which an area score counts as alive. So where it knows
    `kgs-genmove_cleanup` (GNU Go does), its pass is taken back and it is asked by that command to take them off first.
    """

    def __init__(self, command: str) -> None:
        words = shlex.split(command)
        self.name = command
        self.engine = GtpClient([find_program(words[0]) or words[0], *words[1:]], f"The engine '{command}'")
        try:
            self.known = set(self.engine.ask("list_commands").split())
        except ValueError:
            self.engine.close()
            raise
        self.game: tuple[str, int] | None = None  # start and size of the game that it knows
        self.told: list[tuple[int, int]] = []  # (side, action) of all moves that it knows

    def choose(self, line: Line, rng: np.random.Generator) -> int | None:
        self.tell(line, rng)
        side = unpack(line.state, line.domain)[1]["to_move"]
        answer = self.engine.ask(f"genmove {SIDES[side]}")
        if answer.lower() == "pass" and {CLEANUP, "undo"} <= self.known:
            self.engine.ask("undo")
            answer = self.engine.ask(f"{CLEANUP} {SIDES[side]}")
        if answer.lower() == "resign":
            return None
        action = action_of(answer, line)
        if action is None:
            raise ValueError(f"The engine '{self.name}' moved to '{answer[:20]}', which is no point of {line.domain.name}.")
        self.told.append((side, action))
        return action

    def tell(self, line: Line, rng: np.random.Generator) -> None:
        """Bring the program to the position of `line`."""
        game, moves, names = (line.domain.format(line.rows[0]), len(line.domain.action_names)), moves_of(line), line.domain.action_names
        if self.game != game or moves[: len(self.told)] != self.told:
            points, fields = unpack(line.rows[0], line.domain)
            self.engine.ask(f"boardsize {round(len(points) ** 0.5)}")
            self.engine.ask("clear_board")
            self.engine.ask(f"komi {fields['komi'] / 2:g}")
            if "set_random_seed" in self.known:
                self.engine.ask(f"set_random_seed {rng.integers(1, LARGEST_SEED)}")
            for action, stone in enumerate(points):
                if stone:
                    self.engine.ask(f"play {SIDES[stone - 1]} {names[action]}")
            self.game, self.told = game, []
        for side, action in moves[len(self.told) :]:
            self.engine.ask(f"play {SIDES[side]} {names[action]}")
            self.told.append((side, action))

    def close(self) -> None:
        self.engine.close()


def moves_of(line: Line) -> list[tuple[int, int]]:
    """(side, action) of every move of a game, 0 for Black; rows that were put into the line are none."""
    fields = [unpack(row, line.domain)[1] for row in line.rows]
    return [(before["to_move"], after["last"] - 1) for before, after in itertools.pairwise(fields) if after["last"]]


def action_of(name: str, line: Line) -> int | None:
    """A point as GTP writes it, or pass, in capitals or not -> action; None when there is no such point."""
    names = [known.lower() for known in line.domain.action_names]
    return names.index(name.lower()) if name.lower() in names else None


# --- by name -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlayerKind:
    """A line of the table of players."""

    pattern: str  # how it is written on the command line
    about: str
    build: Callable[[str], Player]  # from what stands behind the colon


def build_random(argument: str) -> Player:
    if argument:
        raise ValueError(f"Player 'random' takes nothing behind a colon, but was given '{argument}'.")
    return RandomPlayer()


def build_rollout(argument: str) -> Player:
    if not argument.isdecimal() or int(argument) < 1:
        raise ValueError(f"Player 'rollout' was given '{argument}' random games a move: write a number of at least 1, as in rollout:100.")
    return RolloutPlayer(int(argument))


def build_search(search: str, argument: str) -> Player:
    words = argument.split(":")
    if len(words) > 2 or not all(word.isdecimal() for word in words) or int(words[0]) < 1:
        raise ValueError(
            f"Player '{search}' was given '{argument}': write the evaluations a move, at least 1, and if need be the random games of each, "
            f"0 for the area score, as in {search}:1000 or {search}:1000:0."
        )
    return SearchPlayer(search, int(words[0]), int(words[1]) if len(words) == 2 else GAMES)


PLAYERS = {
    "random": PlayerKind("random", "any legal move that fills no eye of its own", build_random),
    "rollout": PlayerKind("rollout:N", "the move that wins most of N random games played after each", build_rollout),
    **{
        name: PlayerKind(f"{name}:N or {name}:N:G", f"{words}, judging N positions a move by G random games ({GAMES})", build)
        for name, words, build in (
            ("ubfm", "unbounded best-first minimax", functools.partial(build_search, "ubfm")),
            ("alpha_beta", "alpha-beta", functools.partial(build_search, "alpha_beta")),
        )
    },
}


def find_player(text: str) -> Player:
    """A name of PLAYERS, or a GTP command line such as "gnugo --mode gtp --level 1". ValueError in one sentence."""
    name, _, argument = text.partition(":")
    if name in PLAYERS:
        return PLAYERS[name].build(argument)
    words = text.split()
    if not words or find_program(words[0]) is None:
        known = ", ".join(kind.pattern for kind in PLAYERS.values())
        raise ValueError(f"Player '{text}' is neither one of {known} nor a program: give one, or a GTP command line in quotes.")
    return GtpPlayer(text)
