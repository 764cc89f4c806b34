"""Players of Go by name: `PLAYERS`, ours, which need no net, or any GTP command line.

What a player is, and ours: ../envs/players.py. Read next: match.py (two of them), gtp.py (one of them as a program).
"""

import itertools
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from astarzero.envs.go import SIDES, unpack
from astarzero.envs.go_choices import plays_but_eyes
from astarzero.envs.go_players import PLAYERS_OF_GO
from astarzero.envs.gtp_client import EngineLostError, GtpClient, find_program
from astarzero.envs.line import Line
from astarzero.envs.players import ANYWHERE, LARGEST_SEED, Player, PlayerKind, named_player
from astarzero.search import SEARCHES, Budget
from astarzero.search.go_evaluators import area, rollout

MAX_SECONDS = 300.0  # that a program may think
START_SECONDS = 60.0  # that it may take at least for answers without thought, the first of which waits until it has started
EXPLORATION = 0.5  # UCT's c on boards: the usual 1.4 spreads thousands of simulations over 82 moves almost evenly
CLEANUP = "kgs-genmove_cleanup"  # GNU Go, from KGS: genmove, but no pass while dead stones of the opponent are on the board


class SearchPlayer(Player):
    """The move that a search of games likes best; the line forbids what superko forbids. It never resigns.

    A game that is decided looks all alike to random games, so moves that give away points or life are searched as often as others.
    Therefore an eye of its own is filled only where the search likes nothing else, and the pass, by which a game may end that could
    still be turned, only when no play is liked as much. A pass that wins is liked alone, since its tree proves it.
    """

    def __init__(self, search: str, budget: Budget, games: int, options: Mapping[str, Any]) -> None:
        self.search, self.budget, self.games, self.options = SEARCHES[search], budget, games, options

    def choose(self, line: Line, rng: np.random.Generator) -> int:
        seed = int(rng.integers(LARGEST_SEED))
        judge = rollout(line.domain, self.games, seed=seed) if self.games else area(line.domain)
        result = self.search(line.domain, line.state, judge, keys=line.keys, budget=self.budget, seed=seed, **self.options)
        liked, looked_at = result.action_weights, plays_but_eyes(line)
        looked_at[-1] = True  # the last action: of equals the first is taken, so a play and not the pass
        if liked is None:
            return len(looked_at) - 1  # too small a budget to judge its moves
        return int(np.argmax(np.where(looked_at, liked, 0.0) if liked[looked_at].any() else liked))


class GtpPlayer(Player):
    """Any program that speaks GTP 2; it is told what it does not know of the game, or the whole game when it is another.

    A program may pass while dead stones are on the board, which an area score counts as alive. So where it knows
    `kgs-genmove_cleanup` (GNU Go does), its pass is taken back and it is asked by that command to take them off first.
    """

    def __init__(self, command: str, max_seconds: float = MAX_SECONDS) -> None:
        self.name, self.max_seconds = command, max_seconds
        self.start()

    def start(self) -> None:
        words = shlex.split(self.name)
        self.engine = GtpClient([find_program(words[0]) or words[0], *words[1:]], f"The engine '{self.name}'")
        self.lost = False
        self.game: tuple[str, int] | None = None  # start and size of the game that it knows
        self.told: list[tuple[int, int]] = []  # (side, action) of all moves that it knows
        try:
            self.known = set(self.ask("list_commands").split())
        except ValueError:
            self.engine.close()
            raise

    def ask(self, command: str) -> str:
        thinks = "genmove" in command
        try:
            return self.engine.ask(command, self.max_seconds if thinks else max(self.max_seconds, START_SECONDS))
        except EngineLostError:
            self.lost = True
            self.engine.close()
            raise

    def choose(self, line: Line, rng: np.random.Generator) -> int | None:
        """As every player; EngineLostError when the program ends or is silent for `max_seconds`. Asked again, it is started anew."""
        if self.lost:
            self.start()
        self.tell(line, rng)
        side = unpack(line.state, line.domain)[1]["to_move"]
        answer = self.ask(f"genmove {SIDES[side]}")
        if answer.lower() == "pass" and {CLEANUP, "undo"} <= self.known:
            self.ask("undo")
            answer = self.ask(f"{CLEANUP} {SIDES[side]}")
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
            self.ask(f"boardsize {round(len(points) ** 0.5)}")
            self.ask("clear_board")
            self.ask(f"komi {fields['komi'] / 2:g}")
            if "set_random_seed" in self.known:
                self.ask(f"set_random_seed {rng.integers(1, LARGEST_SEED)}")
            for action, stone in enumerate(points):
                if stone:
                    self.ask(f"play {SIDES[stone - 1]} {names[action]}")
            self.game, self.told = game, []
        for side, action in moves[len(self.told) :]:
            self.ask(f"play {SIDES[side]} {names[action]}")
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
class SearchKind:
    """A line of the table of searches that play."""

    search: str  # of SEARCHES
    about: str
    limit: str  # the part of the budget that N is
    games: int  # random games that judge a position, unless told otherwise
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, argument: str) -> Player:
        """What stands behind the colon, N or N:G -> the player."""
        words = argument.split(":")
        if len(words) > 2 or not all(word.isdecimal() for word in words) or int(words[0]) < 1:
            raise ValueError(
                f"Player '{self.search}' was given '{argument}': write how many {UNITS[self.limit]} a move, at least 1, and if need be the "
                f"random games of each, 0 for the area score, as in {self.search}:1000 or {self.search}:1000:0."
            )
        limits: dict[str, Any] = {self.limit: int(words[0])}
        return SearchPlayer(self.search, Budget(**limits), int(words[1]) if len(words) == 2 else self.games, self.options)


UNITS = {"evaluations": "positions to judge", "expansions": "simulations"}  # of which the first judges the root
SEARCH_KINDS = (
    SearchKind("uct", "MCTS by UCT", "expansions", 1, {"c_puct": EXPLORATION}),
    SearchKind("puct", "MCTS by AlphaZero's rule with a uniform prior", "expansions", 1),
    SearchKind("gumbel", "MCTS by Gumbel's rule with a uniform prior", "expansions", 1),
    SearchKind("ubfm", "unbounded best-first minimax", "evaluations", 8),
    SearchKind("alpha_beta", "alpha-beta", "evaluations", 8),
)
SEARCH_PLAYERS = {
    kind.search: PlayerKind(
        f"{kind.search}:N or {kind.search}:N:G", f"{kind.about}: N {UNITS[kind.limit]} a move, by G random games ({kind.games})", kind.build
    )
    for kind in SEARCH_KINDS
}
PLAYERS = {**ANYWHERE, **PLAYERS_OF_GO, **SEARCH_PLAYERS}


def find_player(text: str, max_seconds: float = MAX_SECONDS) -> Player:
    """A name of PLAYERS, or a GTP command line such as "gnugo --mode gtp --level 1". ValueError in one sentence.

    max_seconds: that a program may think about a move; ours have no clock.
    """
    if text.partition(":")[0] in PLAYERS:
        return named_player(text, PLAYERS)
    words = text.split()
    if not words or find_program(words[0]) is None:
        known = ", ".join(kind.pattern for kind in PLAYERS.values())
        raise ValueError(f"Player '{text}' is neither one of {known} nor a program: give one, or a GTP command line in quotes.")
    return GtpPlayer(text, max_seconds)
