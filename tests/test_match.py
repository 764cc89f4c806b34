"""Matches: the same by seed, resumed, kept as SGF that replays; programs in pipes as players (long: they fail in many ways)."""

import dataclasses
import itertools
import json
import os
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
import toys
from go_games import NOTHING_SKIPS, after, gnu_go, go, legal_names
from sgfmill import sgf, sgf_moves

from astarzero.envs.domain import Domain
from astarzero.envs.go import unpack
from astarzero.envs.go_choices import plays_but_eyes
from astarzero.envs.go_players import RandomPlayer
from astarzero.envs.gtp_client import GtpClient
from astarzero.envs.line import Line
from astarzero.envs.players import Player
from astarzero.experiments import match as matches
from astarzero.experiments.__main__ import main
from astarzero.experiments.game_records import Record, load_record, replay
from astarzero.experiments.match import play_on, points_of, score
from astarzero.experiments.players import PLAYERS, GtpPlayer, find_player
from astarzero.experiments.statistics import elo
from astarzero.search import SearchResult, Status

OPTIONS = {"--size": "5", "--games": "4", "--seed": "3"}
PUBLISHED = Path(__file__).resolve().parents[1] / "experiments" / "results" / "go" / "levels"
GNUGO = "gnugo --mode gtp --level 1 --chinese-rules"


def played(capsys, *words: str, status: int = 0) -> tuple[list[dict], dict]:
    """(a row a game, the match's row without its clock)."""
    assert main(list(words)) == status
    *games, total = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert total.pop("seconds") > 0 and all(mean is None or mean > 0 for mean in total.pop("seconds_a_move"))
    return games, total


def changed(options: dict[str, str]) -> list[str]:
    """A short match, with some options changed."""
    return ["match", "random", "random", *itertools.chain(*(OPTIONS | options).items()), "--json"]


RANDOM = changed({})


def test_random_against_random_follows_from_the_seed_alone(tmp_path, capsys):
    first = played(capsys, *RANDOM, "--out", str(tmp_path / "a"))
    assert played(capsys, *RANDOM, "--out", str(tmp_path / "b")) == first
    files = sorted((tmp_path / "a").iterdir())
    assert [file.name for file in files] == [f"game-000{number}.sgf" for number in (1, 2, 3, 4)]
    assert all(file.read_bytes() == (tmp_path / "b" / file.name).read_bytes() for file in files)
    assert played(capsys, *changed({"--seed": "4"})) != first


def test_openings_come_in_pairs_with_colours_swapped(tmp_path, capsys):
    words = ["match", "random", "rollout:2", "--size", "4", "--games", "4", "--opening", "3", "--json", "--out", str(tmp_path)]
    games, _ = played(capsys, *words)
    records = [load_record(file) for file in sorted(tmp_path.iterdir())]
    assert [(game["black"], game["white"]) for game in games] == [("random", "rollout:2"), ("rollout:2", "random")] * 2
    openings = [record.moves[:3] for record in records]
    assert openings[0] == openings[1] and openings[2] == openings[3] and openings[0] != openings[2]
    assert records[0].moves != records[1].moves


def replay_with_sgfmill(file: Path, domain: Domain) -> tuple[Line, sgf.Sgf_game]:
    """A file's game by our rules, after checking that sgfmill's board has the same stones and the same area at its end."""
    game = sgf.Sgf_game.from_bytes(file.read_bytes())
    (board, moves), size = sgf_moves.get_setup_and_moves(game), game.get_size()
    line = after(domain, "")
    for colour, point in moves:
        if point is not None:
            board.play(*point, colour)
        line.play(size * size if point is None else (size - 1 - point[0]) * size + point[1])
    points, _ = unpack(line.state, domain)
    theirs = [board.get(size - 1 - row, column) for row in range(size) for column in range(size)]
    assert points == [{None: 0, "b": 1, "w": 2}[stone] for stone in theirs]
    lead = board.area_score() - game.get_komi()
    assert score(line) == f"{'B' if lead > 0 else 'W'}+{abs(lead):g}"
    return line, game


def test_an_sgf_file_read_back_by_sgfmill_has_the_same_end(tmp_path, capsys):
    games, _ = played(capsys, *RANDOM, "--out", str(tmp_path))
    for file, row in zip(sorted(tmp_path.iterdir()), games, strict=True):
        line, game = replay_with_sgfmill(file, go(5, ko="simple", komi=6.5))
        assert score(line) == row["result"] == game.get_root().get("RE")
        assert line.over == (row["ending"] == "two passes") and len(line.rows) - 1 == row["moves"]


def test_a_match_that_was_interrupted_goes_on_where_it_stopped(tmp_path, capsys, monkeypatch):
    whole = played(capsys, *RANDOM)
    calls = itertools.count()

    class Interrupting(RandomPlayer):
        def choose(self, line, rng):
            if next(calls) == 60:
                raise KeyboardInterrupt
            return super().choose(line, rng)

    monkeypatch.setitem(PLAYERS, "random", dataclasses.replace(PLAYERS["random"], build=lambda argument: Interrupting()))
    games, total = played(capsys, *RANDOM, "--out", str(tmp_path), status=1)
    assert 0 < len(games) < 4 and games == whole[0][: len(games)] and total["games"] == len(games) == len(list(tmp_path.iterdir()))
    monkeypatch.undo()
    monkeypatch.setattr(RandomPlayer, "choose", counted := Counted(RandomPlayer.choose))
    assert played(capsys, *RANDOM, "--out", str(tmp_path)) == whole
    resumed, counted.calls = counted.calls, 0
    assert played(capsys, *RANDOM, "--out", str(tmp_path)) == whole
    assert counted.calls == 4 * 4 < resumed  # the openings alone, to see that the files are of this match


class Counted:
    """A method that counts its calls."""

    def __init__(self, method) -> None:
        self.method, self.calls = method, 0

    def __get__(self, player, kind):
        def call(*words):
            self.calls += 1
            return self.method(player, *words)

        return call


def test_a_folder_of_another_match_is_refused(tmp_path, capsys):
    played(capsys, *RANDOM, "--out", str(tmp_path))
    for change in ({"--seed": "4"}, {"--komi": "7.5"}, {"--ko": "positional"}, {"--size": "6"}, {"--opening": "2"}):
        assert main([*changed(change), "--out", str(tmp_path)]) == 2
        captured = capsys.readouterr()
        assert captured.out == "" and "game-0001.sgf is a game of another match" in captured.err and captured.err.count("\n") == 1
    (tmp_path / "game-0001.sgf").write_text("(;")
    assert main([*RANDOM, "--out", str(tmp_path)]) == 2
    assert "is not a game of Go that can be read" in capsys.readouterr().err


class Scripted(Player):
    """Plays what it is told, by name; None resigns."""

    def __init__(self, *moves: str | None) -> None:
        self.moves = iter(moves)

    def choose(self, line, rng):
        move = next(self.moves)
        return None if move is None else line.domain.action_names.index(move)


@pytest.mark.parametrize(
    ("black", "white", "limit", "end"),
    [
        (["B2", "pass"], ["pass"], 99, ("B+2.5", "two passes")),
        (["B2", None], ["A1"], 99, ("W+R", "resignation")),
        (["B2"], ["B2"], 99, ("B+F", "an illegal move")),
        (["pass"], [None], 99, ("B+R", "resignation")),
        (["A1", "A2"], ["C3"], 3, ("W+5.5", "the limit of moves")),
    ],
)
def test_how_games_end(black, white, limit, end):
    line = after(go(3, komi=6.5), "")
    assert play_on(line, [Scripted(*black), Scripted(*white)], np.random.default_rng(0), limit) == end


def test_elo_and_points():
    assert elo(0.5) == 0 and elo(10 / 11) == pytest.approx(400) and elo(0.25) == -elo(0.75)
    assert elo(1.0) == np.inf and elo(0.0) == -np.inf
    results = {"B+3.5": (1.0, 0.0), "W+R": (0.0, 1.0), "0": (0.5, 0.5)}
    for result, points in results.items():
        assert tuple(points_of(Record(3, 0.0, [], result=result), side) for side in (0, 1)) == points


def test_the_match_is_counted_from_the_left_players_side(tmp_path, capsys, monkeypatch):
    results = iter(["B+R", "W+1", "W+2", "0"])  # the left player is Black, White, Black, White: won, won, lost, drawn
    monkeypatch.setattr(matches, "play_on", lambda *words: (next(results), "two passes"))
    _, total = played(capsys, *RANDOM, "--out", str(tmp_path))
    assert (total["wins"], total["draws"], total["rate"][0]) == (2, 1, 0.625)
    assert total["elo"][0] == pytest.approx(elo(0.625)) and total["elo"][1] < 0 < total["elo"][2]
    assert main(RANDOM[:-1] + ["--out", str(tmp_path)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "62.5%" in printed and "+89" in printed and "Ended 4 by two passes" in printed


def test_players_fill_no_eyes_and_pass_only_when_they_must():
    line = after(go(3, ko="simple"), "", ".XX/XXX/XX. to=black")
    assert not plays_but_eyes(line).any() and RandomPlayer().choose(line, np.random.default_rng(0)) == 9
    line = after(go(3, ko="simple"), "", ".X./XXX/XX. to=white last=pass")
    assert RandomPlayer().choose(line, np.random.default_rng(0)) == 9  # all else is suicide
    line = after(go(3, ko="simple"), "", "..X/XXX/XX. to=black")  # C1 is an eye, A3 and B3 are none
    assert {line.domain.action_names[RandomPlayer().choose(line, np.random.default_rng(seed))] for seed in range(20)} == {"A3", "B3"}


def test_rollouts_take_what_wins(capsys):
    line = after(go(3, komi=0), "", ".OO/OOO/OO. to=white last=pass")  # alive, and won by passing now
    assert find_player("rollout:8").choose(line, np.random.default_rng(0)) == 9
    line = after(go(3, komi=0), "", "XX./OXX/.OO to=white")  # C3 takes everything; without it Black does so at A1
    assert line.domain.action_names[find_player("rollout:32").choose(line, np.random.default_rng(0))] == "C3"
    _, total = played(capsys, "match", "rollout:100", "random", "--size", "5", "--games", "8", "--ko", "positional", "--json")
    assert total["wins"] >= 7


def test_searches_play_by_superko_within_their_budget(capsys):
    won = after(go(3, komi=0, ko="positional"), "", "XX./OXX/.OO to=white")
    for player in ("ubfm:300", "alpha_beta:300", "uct:300"):
        assert won.domain.action_names[find_player(player).choose(won, np.random.default_rng(0))] == "C3"
    line, asked = after(go(3, komi=2, ko="positional"), ""), []
    player = find_player("alpha_beta:50:0")
    search, player.search = player.search, lambda *words, **options: asked.append(search(*words, **options)) or asked[-1]
    while not line.over:
        action = player.choose(line, np.random.default_rng(0))
        assert line.action_mask()[action]
        line.play(action)
    assert len(asked) > 4 and all(result.evaluations <= 50 for result in asked)
    assert find_player("ubfm:1").choose(after(go(3), ""), np.random.default_rng(0)) == 9  # too little to judge a move: the pass
    _, total = played(capsys, "match", "ubfm:150:2", "random", "--size", "4", "--games", "2", "--ko", "positional", "--json")
    assert total["wins"] == 2


class Told:
    """A search that likes the moves it is told to."""

    def __init__(self, **liked: float) -> None:
        self.liked = liked

    def __call__(self, domain, state, judge, **options) -> SearchResult:
        weights = np.array([self.liked.get(name, 0.0) for name in domain.action_names])
        return SearchResult(Status.BUDGET, action_weights=weights / weights.sum())


@pytest.mark.parametrize(
    ("liked", "move"),
    [
        ({"C1": 0.5, "A3": 0.2, "B3": 0.3}, "B3"),  # C1 is an eye of its own
        ({"B3": 0.5, "pass": 0.5}, "B3"), ({"B3": 0.4, "pass": 0.6}, "pass"), ({"C1": 0.9, "pass": 0.1}, "pass"), ({"C1": 1.0}, "C1"),
    ],
)  # fmt: skip
def test_a_searching_player_spares_its_eyes_and_passes_last(liked, move):
    line, player = after(go(3, ko="simple"), "", "..X/XXX/XX. to=black"), find_player("uct:9:0")
    assert "C1" in legal_names(line)
    player.search = Told(**liked)
    assert line.domain.action_names[player.choose(line, np.random.default_rng(0))] == move


def test_uct_plays_on_when_lost_and_ends_a_game_that_it_wins_by_passing():
    player, rng = find_player("uct:200"), np.random.default_rng(0)
    won = after(go(3, komi=0, ko="positional"), "", ".OO/OOO/OO. to=white last=pass")
    assert player.choose(won, rng) == 9
    lost = after(go(3, komi=0, ko="positional"), "", "X../XX./X.X to=white last=pass")
    assert player.choose(lost, rng) != 9 and player.choose(lost, np.random.default_rng(0)) == player.choose(lost, np.random.default_rng(0))
    assert find_player("uct:1").choose(after(go(3, ko="positional"), ""), rng) == 9  # it judges the root alone: the pass


def test_a_match_says_how_long_each_player_took(tmp_path, capsys):
    words = ["match", "random", "uct:9:1", "--size", "3", "--games", "2", "--ko", "positional", "--out", str(tmp_path)]
    assert main([*words, "--json"]) == 0
    ours, theirs = json.loads(capsys.readouterr().out.splitlines()[-1])["seconds_a_move"]
    assert ours > 0 and theirs > 0
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["seconds_a_move"] == [None, None]  # nothing was played now
    assert main(words[:-2]) == 0
    assert "A move took random " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("3 --world sliding", "World 'sliding' is not a game for two"), ("3 --games 3", "3 games were asked for"),
        ("3 --opening 40", "The opening has 40 moves"), ("99", "Size 99x99 is out of range"),
        ("3 --max-moves 0", "The opening has 4 moves and a game at most 0"), ("3 --max-seconds 0", "cannot move within 0 seconds"),
    ],
)  # fmt: skip
def test_bad_options_are_one_sentence(words, sentence, capsys):
    assert main(["match", "random", "random", "--size", *words.split()]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and sentence in captured.err and captured.err.count("\n") == 1


NO_PLAYERS = ["alphago", "", "rollout", "rollout:-1", "ubfm", "alpha_beta:0", "ubfm:9:9:9", "ubfm:9:x", "uct:0", "'gnugo", "true", "cat"]


@pytest.mark.parametrize("player", NO_PLAYERS)
def test_what_is_no_player_is_one_sentence(player, capsys):
    assert main(["match", "random", player, "--size", "3", "--games", "2"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and "Traceback" not in captured.err


def test_a_program_is_a_player_and_is_told_only_what_is_new(capsys):
    ours = f"{sys.executable} -m astarzero gtp --player random --ko simple"
    _, total = played(capsys, "match", ours, "rollout:10", "--size", "4", "--games", "2", "--json")
    assert total["games"] == 2 and total["wins"] + total["draws"] <= 2
    player, rng, asked = find_player(ours), np.random.default_rng(0), []
    assert isinstance(player, GtpPlayer)
    ask = player.engine.ask
    player.engine.ask = lambda command, seconds: asked.append(command) or ask(command, seconds)
    line = after(go(3, ko="simple", komi=2), "", "..X/.../O.. to=black")
    line.play(player.choose(line, rng))
    assert asked[-4:-1] == ["komi 2", "play black C3", "play white A1"] and asked[-1] == "genmove black"
    line.play(RandomPlayer().choose(line, rng))
    line.play(player.choose(line, rng))
    assert len(asked) == 8 and asked[-2].startswith("play white") and asked[-1] == "genmove black"
    line.undo()
    assert line.action_mask()[player.choose(line, rng)] and "clear_board" in asked[8:]
    player.close()


# --- GNU Go ----------------------------------------------------------------------------------------------------------------------


def test_the_published_games_are_scored_alike_by_us_and_by_sgfmill():
    files, ended = sorted(PUBLISHED.iterdir()), 0
    for file in files:
        line, game = replay_with_sgfmill(file, go(9, ko="simple", komi=6.5))
        if line.over:
            assert score(line) == game.get_root().get("RE") and np.array_equal(replay(load_record(file), line.domain).state, line.state)
        ended += line.over
    assert (len(files), ended) == (100, 99), "one was resigned"


def test_published_games_are_scored_alike_by_gnu_go():
    referee = GtpClient([gnu_go(), "--mode", "gtp", "--chinese-rules", "--level", "1"], "GNU Go")
    for file in sorted(PUBLISHED.iterdir())[::33]:  # it plays on until it knows which stones are dead, some seconds a game
        referee.ask(f"loadsgf {file}")
        assert referee.ask("final_score") == load_record(file).result
    referee.close()


def test_the_published_match_is_counted_from_its_files(capsys):
    gnu_go()
    _, total = played(capsys, "match", GNUGO, GNUGO.replace("level 1", "level 10"), "--json", "--out", str(PUBLISHED))
    assert (total["games"], total["wins"], total["draws"]) == (100, 37, 0)
    assert [round(number) for number in total["elo"]] == [-92, -163, -22]


def test_gnu_go_takes_dead_stones_off_and_agrees_on_the_score(tmp_path, capsys):
    referee, compared = GtpClient([gnu_go(), "--mode", "gtp", "--chinese-rules"], "GNU Go"), 0
    games, total = played(capsys, "match", GNUGO, "random", "--size", "7", "--games", "4", "--json", "--out", str(tmp_path))
    assert total["wins"] >= 3 and {game["ending"] for game in games} <= {"two passes", "resignation"}
    for game, file in zip(games, sorted(tmp_path.iterdir()), strict=True):
        if game["ending"] == "two passes":
            referee.ask(f"loadsgf {file}")
            assert referee.ask("final_score") == f"{game['result'][:2]}{float(game['result'][2:]):.1f}"
            compared += 1
    referee.close()
    assert compared


def test_a_command_line_that_is_no_gtp_engine_is_one_sentence():
    gnu_go()
    with pytest.raises(ValueError, match=r"answered 'GNU Go .* to 'list_commands'") as error:
        find_player("gnugo --version")
    toys.one_sentence(error)


@pytest.mark.parametrize(("set_to", "outcome"), [("1", pytest.fail.Exception), (None, pytest.skip.Exception)])
def test_without_gnu_go_a_test_is_skipped_but_fails_where_nothing_may_be(set_to, outcome, monkeypatch):
    monkeypatch.setattr("go_games.find_program", lambda name: None)
    monkeypatch.delenv(NOTHING_SKIPS, raising=False)
    if set_to:
        monkeypatch.setenv(NOTHING_SKIPS, set_to)
    with pytest.raises(outcome, match="GNU Go, Debian's package gnugo"):
        gnu_go()


# --- programs that fail ------------------------------------------------------------------------------------------------------------

FRAGILE = """import os, subprocess, sys, time

with open(sys.argv[2], "a") as started:
    print(os.getpid(), file=started)
for line in sys.stdin:
    answer = {"list_commands": "genmove\\nplay", "genmove": "A1"}.get(line.split()[0], "")
    if line.split()[0] == sys.argv[1].partition("-")[0]:
        match sys.argv[1].partition("-")[2]:
            case "silent":
                time.sleep(1000)
            case "child":  # the silent one is its child, which keeps the pipe
                os.waitpid(subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(1000)"]).pid, 0)
            case "endless":
                while True:
                    print("= A1", flush=True)
                    time.sleep(0.01)
            case "half":
                print("= A", end="", flush=True)
                time.sleep(1000)
            case "cut":
                print("= A", end="", flush=True)
                sys.exit()
            case "ends":
                sys.exit()
    print("= " + answer, end="\\n\\n", flush=True)
"""


def fragile(folder: Path, failure: str) -> str:
    """The command line of an engine that fails at a command."""
    (folder / "engine.py").write_text(FRAGILE)
    return shlex.join([sys.executable, "-S", str(folder / "engine.py"), failure, str(folder / "started")])


def ended(number: int) -> bool:
    """Is there no such process, not even one that nobody waited for?"""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("failure", ["silent", "child", "endless", "half", "ends", "cut"])
def test_a_program_that_fails_loses_that_game_and_is_started_for_the_next(failure, tmp_path, capsys):
    engine, lost = fragile(tmp_path, f"genmove-{failure}"), failure in ("ends", "cut")
    options = f"--size 3 --games 4 --opening 2 --max-seconds {30 if lost else 0.3} --json --out"
    words = ["match", engine, "random", *options.split(), str(tmp_path / "games")]
    assert main(words) == 0
    captured = capsys.readouterr()
    *games, total = map(json.loads, captured.out.splitlines())
    assert [game["result"] for game in games] == ["W+F", "B+F"] * 2 if lost else ["W+T", "B+T"] * 2
    ending = "the end of a program" if lost else "the limit of time"
    assert {game["ending"] for game in games} == {ending} and total["endings"] == {ending: 4} and total["wins"] == 0
    said = "ended when it was asked 'genmove black'" if lost else "did not answer 'genmove black' within 0.3 s, so it was ended."
    assert said in games[0]["reason"] and f"Game 1: {games[0]['reason']}" in " ".join(captured.err.split())
    started = [int(number) for number in (tmp_path / "started").read_text().split()]
    assert len(started) == 4 and all(map(ended, started))
    assert load_record(tmp_path / "games" / "game-0001.sgf").ending == f"{ending}: {games[0]['reason']}"
    assert main(words) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()][:-1] == games, "kept with their reasons"


def test_a_program_that_does_not_start_is_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("astarzero.experiments.players.START_SECONDS", 0.3)
    engine = fragile(tmp_path, "list_commands-silent")
    assert main(["match", "random", engine, "--size", "3", "--games", "2", "--max-seconds", "0.1"]) == 2
    captured = capsys.readouterr()
    assert "did not answer 'list_commands' within 0.3 s" in captured.err and captured.err.count("\n") == 1
    assert all(ended(int(number)) for number in (tmp_path / "started").read_text().split())
