"""`astarzero match`: two players of Go over paired openings, scored by our rules; SGF files kept, Elo with an interval.

Each opening, a few random moves, is played twice with colours swapped, so that a lopsided one favours nobody. A game ends by two
passes, resignation, the limit of moves, or what loses it: an illegal move, a program that ends, or one that is silent for too long and
is ended (it is started again for the next game). It is scored by area, with all stones alive as they stand.
Dead stones: programs that know `kgs-genmove_cleanup` take them off before they pass (players.py); ours play on until nothing is left.
"""

import json as json_lines
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from astarzero.envs import make
from astarzero.envs.domain import Domain
from astarzero.envs.go import read_komi, start, unpack
from astarzero.envs.go_players import RandomPlayer
from astarzero.envs.gtp_client import EngineLostError
from astarzero.envs.line import Line
from astarzero.envs.players import Player
from astarzero.experiments.game_records import Record, load_record
from astarzero.experiments.players import MAX_SECONDS, find_player, moves_of
from astarzero.experiments.statistics import elo, wilson

PASSES, RESIGNED, ILLEGAL, LIMIT = "two passes", "resignation", "an illegal move", "the limit of moves"
SILENT, ENDED = "the limit of time", "the end of a program"  # then comes a colon and what happened
OPENING_STREAM, GAME_STREAM = 0, 1  # of random numbers


def match(
    left: str, right: str, *, world: str = "go", size: int = 9, games: int = 100, komi: float = 6.5, ko: str = "simple", seed: int = 0,
    opening: int = 4, max_moves: int | None = None, max_seconds: float = MAX_SECONDS, out: Path | None = None, json: bool = False,
) -> int:  # fmt: skip
    """Play two players against each other.

    Exit status: 0 when all games were played, 1 after Ctrl-C (what was played is counted and kept), 2 on bad input.

    Parameters
    ----------
    left
        A player: random, rollout:N, uct:N, or a GTP command line in quotes, such as "gnugo --mode gtp --level 1 --chinese-rules".
    right
        The other.
    world
        go; the other worlds have one player.
    size
        Of the square board, 1 to 19.
    games
        An even number: each opening is played twice with colours swapped.
    komi
        White's points.
    ko
        simple, positional or situational; a program must be told by its own options.
    seed
        Of openings and our players; programs that know set_random_seed get one each game.
    opening
        Random moves before the players take over.
    max_moves
        After so many moves a game is scored as it stands; default: 4 for each point.
    max_seconds
        That a program may think about a move; then it is ended and has lost the game.
    out
        A folder for one SGF file a game; games that are there already are not played again.
    json
        One JSON object a game and one for the match on standard output, and nothing else there.
    """
    if world != "go":
        raise ValueError(f"World '{world}' is not a game for two; give go.")
    if games < 2 or games % 2:
        raise ValueError(f"{games} games were asked for, but each opening is played twice; give an even number of at least 2.")
    domain, console, clock = make("go", size=size, ko=ko, komi=komi), Console(stderr=json), time.perf_counter()
    limit = 4 * domain.num_actions if max_moves is None else max_moves
    if not 0 <= opening < limit:
        raise ValueError(f"The opening has {opening} moves and a game at most {limit}; the first must be from 0 to less than the second.")
    if not max_seconds > 0:
        raise ValueError(f"A program cannot move within {max_seconds:g} seconds; give more than 0.")
    schedule = Schedule((left, right), size, read_komi(komi) / 2, domain, seed, opening, limit, out)
    kept, players = [schedule.kept(number) for number in range(games)], list[Player]()
    try:
        for name in (left, right):
            players.append(find_player(name, max_seconds))
        records = run(schedule, players, kept, console, json)
    finally:
        for player in players:
            player.close()
    report(records, (left, right), schedule.thought, time.perf_counter() - clock, console, json)
    return 0 if len(records) == games else 1


class Schedule:
    """What game number n is: its players, its opening, its chance and, once it has been played, its file."""

    def __init__(
        self, names: tuple[str, str], size: int, komi: float, domain: Domain, seed: int, opening: int, limit: int, out: Path | None
    ) -> None:
        self.names, self.size, self.komi, self.domain = names, size, komi, domain
        self.seed, self.opening, self.limit, self.out = seed, opening, limit, out
        self.thought: tuple[list[float], list[float]] = ([], [])  # seconds of each move of each player, in the games played now
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)

    def order(self, number: int) -> tuple[int, int]:
        """Which player, 0 left or 1 right, is Black, and which White."""
        return (0, 1) if number % 2 == 0 else (1, 0)

    def opened(self, number: int) -> Line:
        """The game after its opening."""
        line, rng = Line(self.domain, start(self.domain)), np.random.default_rng((self.seed, OPENING_STREAM, number // 2))
        while len(line.rows) <= self.opening and not line.over:
            line.play(RandomPlayer().choose(line, rng))
        return line

    def path(self, number: int) -> Path | None:
        return None if self.out is None else self.out / f"game-{number + 1:04}.sgf"

    def kept(self, number: int) -> Record | None:
        """The game as it was played before; ValueError when its file is of another match."""
        path = self.path(number)
        if path is None or not path.exists():
            return None
        record, opened = load_record(path), self.record(number, self.opened(number), "", "")
        same = replace(record, moves=record.moves[: len(opened.moves)], result="", ending="") == opened
        if not same or not record.result:
            raise ValueError(f"{path} is a game of another match; give another folder, or the players and options of that match.")
        return record

    def record(self, number: int, line: Line, result: str, ending: str) -> Record:
        black, white = self.order(number)
        rules = self.domain.name.rpartition("-komi")[0]
        names = (self.names[black], self.names[white])
        event = f"match of seed {self.seed}, openings of {self.opening} moves, at most {self.limit} in all"
        return Record(self.size, self.komi, moves_of(line), names=names, result=result, ending=ending, rules=rules, event=event)

    def play(self, number: int, players: list[Player]) -> Record:
        """Play a game and keep it."""
        line, rng = self.opened(number), np.random.default_rng((self.seed, GAME_STREAM, number))
        order = self.order(number)
        result, ending = play_on(line, [players[index] for index in order], rng, self.limit, [self.thought[index] for index in order])
        record, path = self.record(number, line, result, ending), self.path(number)
        if path is not None:
            record.save(path)
        return record


def play_on(
    line: Line, players: list[Player], rng: np.random.Generator, limit: int, thought: list[list[float]] | None = None
) -> tuple[str, str]:
    """Play a game to its end, `players` Black and White: (result as SGF writes it, how it ended).

    thought: Black's and White's lists, which get the seconds of each choice.
    """
    while not line.over:
        if len(line.rows) > limit:
            return score(line), LIMIT
        side, asked = unpack(line.state, line.domain)[1]["to_move"], time.perf_counter()
        try:
            action = players[side].choose(line, rng)
        except EngineLostError as loss:
            return f"{'WB'[side]}+{'T' if loss.silent else 'F'}", f"{SILENT if loss.silent else ENDED}: {loss}"
        if thought:
            thought[side].append(time.perf_counter() - asked)
        if action is None:
            return f"{'WB'[side]}+R", RESIGNED
        if not line.action_mask()[action]:
            return f"{'WB'[side]}+F", ILLEGAL
        line.play(action)
    return score(line), PASSES


def score(line: Line) -> str:
    """Who leads by area, as SGF and GTP write it: B+3.5, W+1 or 0."""
    lead = -line.margin if unpack(line.state, line.domain)[1]["to_move"] else line.margin
    return "0" if lead == 0 else f"{'B' if lead > 0 else 'W'}+{abs(lead):g}"


def run(schedule: Schedule, players: list[Player], kept: list[Record | None], console: Console, json: bool) -> list[Record]:
    """All games, those `kept` and the others, or those until Ctrl-C, with a progress bar."""
    records: list[Record] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as progress:
        task = progress.add_task("games", total=len(kept))
        try:
            for number, old in enumerate(kept):
                record = old or schedule.play(number, players)
                records.append(record)
                if reason := why(record)[1]:
                    console.print(f"Game {number + 1}: {reason}", highlight=False, markup=False, soft_wrap=True)
                progress.update(task, completed=number + 1, description=f"games, {record.result} the last")
                if json:
                    sys.stdout.write(json_lines.dumps(game_row(number, record)) + "\n")
                    sys.stdout.flush()
        except KeyboardInterrupt:
            console.print(f"Interrupted after {len(records)} of {len(kept)} games.")
    return records


def why(record: Record) -> tuple[str, str]:
    """How a game ended, and the sentence about a program that was lost in it; "" when none was."""
    ending, _, reason = record.ending.partition(": ")
    return ending, reason


def game_row(number: int, record: Record) -> dict[str, Any]:
    (black, white), (ending, reason) = record.names, why(record)
    return {
        "kind": "game", "game": number + 1, "black": black, "white": white, "result": record.result, "ending": ending, "reason": reason,
        "moves": len(record.moves),
    }  # fmt: skip


# --- what came of it -------------------------------------------------------------------------------------------------------------


def points_of(record: Record, side: int) -> float:
    """1, 0.5 or 0 for the player with colour `side`."""
    return 0.5 if record.result == "0" else float(record.result[0] == "BW"[side])


def tallies(records: list[Record]) -> Iterator[tuple[str, list[float]]]:
    """(which games, the left player's points in them): as Black, as White, all."""
    points = [points_of(record, number % 2) for number, record in enumerate(records)]
    yield from (("as Black", points[0::2]), ("as White", points[1::2]), ("both", points))


def report(
    records: list[Record], names: tuple[str, str], thought: tuple[list[float], list[float]], seconds: float, console: Console, json: bool
) -> None:
    """The match from the left player's side, a draw as half a game; intervals are Wilson's, for independent games.

    thought: seconds of each move of left and right in the games that were played now; those kept do not say.
    """
    if not records:
        return
    scores = [(title, points, wilson(sum(points), len(points))) for title, points in tallies(records) if points]
    (_, points, rate), endings = scores[-1], Counter(why(record)[0] for record in records)
    strength = [elo(part) if 0 < part < 1 else None for part in rate]
    a_move = [float(np.mean(times)) if times else None for times in thought]
    if json:
        row = {
            "kind": "match", "left": names[0], "right": names[1], "games": len(records), "wins": points.count(1.0),
            "draws": points.count(0.5), "rate": list(rate), "elo": strength, "endings": dict(endings), "seconds_a_move": a_move,
            "seconds": round(seconds, 3),
        }  # fmt: skip
        sys.stdout.write(json_lines.dumps(row) + "\n")
        return
    table = Table(title=f"{names[0]}  against  {names[1]}", title_justify="left")
    for column in ("colour", "games", "W-D-L", "score", "95 %", "Elo", "95 %"):
        table.add_column(column, justify="right")
    for title, part, (mean, low, high) in scores:
        counts, spread = "-".join(str(part.count(value)) for value in (1.0, 0.5, 0.0)), f"{elo(low):+.0f} to {elo(high):+.0f}"
        table.add_row(title, str(len(part)), counts, f"{mean:.1%}", f"{low:.1%} to {high:.1%}", f"{elo(mean):+.0f}", spread)
    console.print(table)
    words = ", ".join(f"{count} by {ending}" for ending, count in endings.most_common())
    length = np.mean([len(record.moves) for record in records])
    console.print(f"Ended {words}; {length:.0f} moves a game, {seconds:.0f} s in all.", highlight=False)
    spent = [f"{name} {mean:.3g} s" for name, mean in zip(names, a_move, strict=True) if mean is not None]
    if spent:
        console.print(f"A move took {' and '.join(spent)}, in the games played now.", highlight=False, markup=False, soft_wrap=True)
