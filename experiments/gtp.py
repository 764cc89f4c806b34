"""`astarzero gtp`: a player of Go behind the Go Text Protocol, version 2, for Sabaki, GoGui, twogtp and `astarzero match`.

A command is a line `[id] name arguments`; the answer is `=id ...` or, when it is refused, `?id reason`, and an empty line. Reasons
are the protocol's own words. Nothing a line can hold ends the program but `quit` and the end of the input.

Source: G. Farnebäck, "GTP version 2, draft 2" (lysator.liu.se/~gunnar/gtp/gtp2-spec-draft2).
Read next: players.py.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

import astarzero
from astarzero.envs import make
from astarzero.envs.domain import Domain
from astarzero.envs.go import LETTERS, draw_text, handicap_points, read_komi
from astarzero.envs.players import Player
from astarzero.experiments.game_records import Record, in_turn, load_record, replay
from astarzero.experiments.match import score
from astarzero.experiments.players import action_of, find_player

LONGEST_LINE = 4096  # bytes; of a longer line the rest is not looked at
COLOURS = {"b": 0, "black": 0, "w": 1, "white": 1}


class Refusal(ValueError):
    """The reason behind a `?`."""


def gtp(
    *, size: int = 9, player: str = "rollout:100", komi: float = 6.5, ko: str = "positional", suicide: bool = False, seed: int = 0
) -> int:
    """Serve one player over GTP 2 on standard input and output, until `quit` or the end of the input.

    Parameters
    ----------
    size
        Of the square board at the start, 1 to 19.
    player
        random, rollout:N, uct:N, or another program's GTP command line in quotes.
    komi
        White's points at the start.
    ko
        simple, positional or situational.
    suicide
        Allowed or not.
    seed
        Of the player's random choices.
    """
    make("go", size=size, ko=ko, suicide=suicide, komi=komi)  # what is wrong is said before anything is served
    playing = find_player(player)
    try:
        engine = Engine(playing, player, size, read_komi(komi), ko, suicide, seed)
        for line in lines_of(sys.stdin.buffer):
            sys.stdout.write(engine.answer(line))
            sys.stdout.flush()
            if engine.ended:
                break
    except BrokenPipeError:  # nobody listens any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        playing.close()
    return 0


def lines_of(stream: BinaryIO) -> Iterator[str]:
    """Lines as the protocol reads them: no control characters or comments; of a huge line its beginning, the last without its end."""
    while raw := stream.readline(LONGEST_LINE):
        rest = raw
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE)
        text = raw.decode("utf-8", errors="replace").replace("\t", " ").partition("#")[0]
        yield "".join(sign for sign in text if sign >= " " and sign != "\x7f").strip()


class Engine:
    """A game and the player who is asked for moves in it; `answer` takes one line and gives the whole answer."""

    def __init__(self, player: Player, name: str, size: int, komi: int, ko: str, suicide: bool, seed: int) -> None:
        self.player, self.player_name, self.rng = player, name, np.random.default_rng(seed)
        self.size, self.komi, self.ko, self.suicide = size, komi, ko, suicide  # komi in half points
        self.ended = False
        self.begin()

    # The game: where it began, the moves since then, and the line that they make.

    def begin(self, black: Sequence[int] = (), white: Sequence[int] = (), to_move: int = 0) -> None:
        """A new game, with stones on the points `black` and `white`."""
        self.setup, self.to_move = (list(black), list(white)), to_move
        self.moves: list[tuple[int, int]] = []  # (side, action)
        self.replay()

    def replay(self) -> None:
        """Make the line anew from the setup, the komi and the moves."""
        self.domain: Domain = make("go", size=self.size, ko=self.ko, suicide=self.suicide, komi=self.komi / 2)
        self.line = replay(Record(self.size, self.komi / 2, self.moves, self.setup, self.to_move), self.domain)

    def move(self, side: int, action: int) -> None:
        """Play and remember a move; Refusal when it is illegal, and then nothing has changed."""
        length = len(self.line.rows)
        in_turn(self.line, side)
        if not self.line.action_mask()[action]:
            while len(self.line.rows) > length:
                self.line.undo()
            raise Refusal("illegal move")
        self.line.play(action)
        self.moves.append((side, action))

    # The protocol.

    def answer(self, line: str) -> str:
        """One line -> the answer with its sign, its id and its empty line; nothing for a line without words."""
        if not line:
            return ""
        number, name, arguments = re.fullmatch(r"(\d*) *(\S*) *(.*)", line, re.ASCII | re.DOTALL).groups()  # type: ignore[union-attr]
        try:
            if name not in COMMANDS:
                raise Refusal("unknown command")
            words = arguments.split()
            command, fewest, most = COMMANDS[name]
            if not fewest <= len(words) <= most:
                raise Refusal("syntax error")
            sign, text = "=", command(self, *words)
        except ValueError as problem:  # a Refusal, or what the player has to say
            sign, text = "?", " ".join(str(problem).split())
        return f"{sign}{number} {text}".rstrip() + "\n\n"


def colour_of(word: str) -> int:
    if word.lower() not in COLOURS:
        raise Refusal("syntax error")
    return COLOURS[word.lower()]


def number_of(word: str, reason: str = "syntax error") -> int:
    """A whole number of at most nine digits, from 0."""
    if not re.fullmatch(r"\d{1,9}", word, re.ASCII):
        raise Refusal(reason)
    return int(word)


# --- commands: (engine, words) -> what stands behind the `=` -------------------------------------------------------------------


def known_command(engine: Engine, name: str = "") -> str:
    return "true" if name in COMMANDS else "false"


def quit_engine(engine: Engine) -> str:
    engine.ended = True
    return ""


def boardsize(engine: Engine, word: str) -> str:
    """The board is cleared too."""
    size = number_of(word)
    if not 1 <= size <= len(LETTERS):
        raise Refusal("unacceptable size")
    engine.size = size
    engine.begin()
    return ""


def clear_board(engine: Engine) -> str:
    engine.begin()
    return ""


def komi(engine: Engine, word: str) -> str:
    """Takes effect at once; our rules have komi in half points."""
    try:
        float(word)
    except ValueError:
        raise Refusal("syntax error") from None
    try:
        engine.komi = read_komi(word)
    except ValueError:
        raise Refusal("unacceptable komi") from None
    engine.replay()
    return ""


def play(engine: Engine, colour: str, point: str) -> str:
    action = action_of(point, engine.line)
    side = colour_of(colour)
    if action is None:
        raise Refusal("syntax error" if not re.fullmatch(r"[a-z]\d{1,3}", point.lower(), re.ASCII) else "illegal move")
    engine.move(side, action)
    return ""


def generate(engine: Engine, colour: str, keep: bool) -> str:
    """The player's move for a colour; with `keep` it is played."""
    side, length = colour_of(colour), len(engine.line.rows)
    in_turn(engine.line, side)
    try:
        action = engine.player.choose(engine.line, engine.rng)
    finally:
        while len(engine.line.rows) > length:
            engine.line.undo()
    if action is None:
        return "resign"
    if keep:
        engine.move(side, action)
    return engine.domain.action_names[action]


def genmove(engine: Engine, colour: str) -> str:
    return generate(engine, colour, True)


def reg_genmove(engine: Engine, colour: str) -> str:
    """A move without playing it."""
    return generate(engine, colour, False)


def undo(engine: Engine) -> str:
    if not engine.moves:
        raise Refusal("cannot undo")
    engine.moves.pop()
    engine.replay()
    return ""


def fixed_handicap(engine: Engine, word: str) -> str:
    stones = number_of(word, "invalid number of stones")
    if engine.moves or any(engine.setup):
        raise Refusal("board not empty")
    try:
        points = handicap_points(engine.size, engine.size, stones) if stones else []
    except ValueError:
        points = []
    if not points:
        raise Refusal("invalid number of stones")
    engine.begin([engine.domain.action_names.index(point) for point in points], to_move=1)
    return " ".join(points)


def final_score(engine: Engine) -> str:
    """By area, with all stones alive as they stand."""
    return score(engine.line)


def showboard(engine: Engine) -> str:
    return "\n" + draw_text(engine.line.state, engine.domain)


def time_settings(engine: Engine, main: str, period: str, stones: str) -> str:
    """Read and left alone: our players are limited by their random games, not by a clock."""
    for word in (main, period, stones):
        number_of(word)
    return ""


def time_left(engine: Engine, colour: str, seconds: str, stones: str) -> str:
    """Read and left alone."""
    colour_of(colour)
    for word in (seconds, stones):
        number_of(word)
    return ""


def loadsgf(engine: Engine, *words: str) -> str:
    """A file and, if not all moves are wanted, the number of the first move that is not played. Names may hold spaces."""
    last = number_of(words[-1]) if len(words) > 1 and words[-1].isdecimal() else None
    before = engine.size, engine.komi, engine.setup, engine.to_move, engine.moves
    try:
        record = load_record(Path(" ".join(words if last is None else words[:-1])))
        if record.size > len(LETTERS):
            raise ValueError
        engine.size, engine.komi = record.size, read_komi(record.komi)
        moves = record.moves if last is None else record.moves[: max(last - 1, 0)]
        engine.begin(*record.setup, record.begins)
        for side, action in moves:
            engine.move(side, action)
    except ValueError:
        engine.size, engine.komi, engine.setup, engine.to_move, engine.moves = before
        engine.replay()
        raise Refusal("cannot load file") from None
    return ""


COMMANDS: dict[str, tuple[Callable[..., str], int, int]] = {  # name: the command, the fewest and the most words after it
    "protocol_version": (lambda engine: "2", 0, 0),
    "name": (lambda engine: f"astarzero {engine.player_name}", 0, 0),
    "version": (lambda engine: astarzero.__version__, 0, 0),
    "known_command": (known_command, 0, 1),
    "list_commands": (lambda engine: "\n".join(COMMANDS), 0, 0),
    "quit": (quit_engine, 0, 0),
    "boardsize": (boardsize, 1, 1),
    "clear_board": (clear_board, 0, 0),
    "komi": (komi, 1, 1),
    "play": (play, 2, 2),
    "genmove": (genmove, 1, 1),
    "reg_genmove": (reg_genmove, 1, 1),
    "undo": (undo, 0, 0),
    "fixed_handicap": (fixed_handicap, 1, 1),
    "final_score": (final_score, 0, 0),
    "showboard": (showboard, 0, 0),
    "time_settings": (time_settings, 3, 3),
    "time_left": (time_left, 3, 3),
    "loadsgf": (loadsgf, 1, 99),
}
