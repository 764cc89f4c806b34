"""The GTP engine: its answers word for word, a game by its own commands, and that nothing on its input can end it."""

import io
import re
import subprocess
import sys

import numpy as np
import pytest
from go_games import after, go, legal_names
from hypothesis import given, settings
from hypothesis import strategies as st

from astarzero.envs.go import KO_RULES
from astarzero.envs.go_players import RandomPlayer
from astarzero.envs.gtp_client import GtpClient
from astarzero.envs.players import Player
from astarzero.experiments.__main__ import main
from astarzero.experiments.game_records import Record
from astarzero.experiments.gtp import COMMANDS, LONGEST_LINE, Engine, lines_of
from astarzero.experiments.match import score
from astarzero.experiments.players import find_player

SHOWN = """
   A B C
 3 . . .
 2 . X .
 1(O). .
Black (X) to move, last move A1, komi 6.5"""


def engine(size: int = 5, player: Player | None = None, ko: str = "positional") -> Engine:
    return Engine(player or RandomPlayer(), "random", size, 13, ko, False, 0)


def ask(asked: Engine, *commands: str) -> str:
    """The last answer, without its sign and empty line, after checking that every answer is whole and that none is refused."""
    for command in commands:
        answer = asked.answer(command)
        assert answer.startswith("=") and answer.endswith("\n\n") and "\n\n" not in answer[:-2], (command, answer)
    return answer[2:-2]


def test_the_engine_says_what_it_is():
    asked = engine()
    assert ask(asked, "protocol_version") == "2"
    assert ask(asked, "list_commands").split() == list(COMMANDS)
    assert ask(asked, "known_command genmove") == "true" and ask(asked, "known_command fly") == "false"
    required = {"protocol_version", "name", "version", "known_command", "list_commands", "quit", "boardsize", "clear_board", "komi"}
    assert required | {"play", "genmove"} <= set(COMMANDS)


def test_ids_are_echoed_and_lines_without_words_are_passed_over():
    asked = engine()
    assert asked.answer("17 protocol_version") == "=17 2\n\n"
    assert asked.answer("0 fly") == "?0 unknown command\n\n"
    assert asked.answer("8 clear_board") == "=8\n\n"
    sent = b"# words\n\n  \t\r\n2\tname # more\n\x07komi\x01 5\n"
    assert list(lines_of(io.BytesIO(sent))) == ["", "", "", "2 name", "komi 5"]
    assert asked.answer("") == ""


REFUSED = {
    "fly to the moon": "unknown command", "5": "unknown command", "PLAY b A1": "unknown command", "\ufffd\ufffd": "unknown command",
    "play": "syntax error", "play b": "syntax error", "play b A1 A2": "syntax error", "play green A1": "syntax error",
    "play b 5": "syntax error", "play b A": "syntax error", "play b A-1": "syntax error", "play b Z1": "illegal move",
    "play b A6": "illegal move", "play b I1": "illegal move", "play b A0": "illegal move", "play w C3": "illegal move",
    "play b A999999999999": "syntax error",
    "genmove": "syntax error", "genmove x": "syntax error", "boardsize x": "syntax error", "boardsize -3": "syntax error",
    "boardsize 0": "unacceptable size", "boardsize 20": "unacceptable size", "boardsize 99999999999999": "syntax error",
    "komi x": "syntax error", "komi": "syntax error", "komi nan": "unacceptable komi", "komi 1e999": "unacceptable komi",
    "komi 0.3": "unacceptable komi", "time_settings 1 2": "syntax error", "time_settings a b c": "syntax error",
    "time_left b x 1": "syntax error", "loadsgf": "syntax error", "loadsgf none.sgf": "cannot load file", "loadsgf /": "cannot load file",
    "fixed_handicap 2": "board not empty", "fixed_handicap two": "invalid number of stones", "final_score now": "syntax error",
}  # fmt: skip


@pytest.mark.parametrize("command", REFUSED)
def test_what_is_refused_says_why_and_changes_nothing(command):
    asked = engine()
    before = ask(asked, "play b C3", "showboard")
    number = "" if command == "5" else "31 "
    assert asked.answer(number + command) == f"?{'5' if command == '5' else '31'} {REFUSED[command]}\n\n"
    assert ask(asked, "showboard") == before


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["", *COMMANDS]))
def test_no_bytes_end_the_engine(garbage, command):
    asked = engine(2)
    for line in lines_of(io.BytesIO(b"3 " + command.encode() + b" " + garbage)):
        answer = asked.answer(line)
        assert answer == "" or (answer[0] in "=?" and answer.endswith("\n\n") and answer.count("\n\n") == 1)
    assert ask(asked, "protocol_version") == "2"


def test_a_huge_line_is_refused_and_the_next_one_is_read():
    sent = b"4 play b " + b"A" * 50 * LONGEST_LINE + b"\nprotocol_version"
    first, second = lines_of(io.BytesIO(sent))
    assert len(first) <= LONGEST_LINE and engine().answer(first) == "?4 syntax error\n\n" and second == "protocol_version"


def test_a_scripted_game_and_its_score():
    asked, moves = engine(3), "B2 A2 B1 A3 B3 pass C2 pass A1 pass"
    for turn, move in enumerate(moves.split()):
        ask(asked, f"play {'bw'[turn % 2]} {move.lower()}")
    line = after(go(3, komi=6.5), moves)
    assert np.array_equal(asked.line.state, line.state) and ask(asked, "final_score") == score(line) == "B+2.5"
    assert ask(asked, "komi 9", "final_score") == "0" and ask(asked, "komi 12", "final_score") == "W+3"
    assert ask(engine(3), "play black B2", "play white A1", "showboard") == SHOWN


def test_a_tree_search_plays_a_game_by_random_games():
    asked = Engine(find_player("uct:40"), "uct:40", 3, 1, "positional", False, 0)
    assert ask(asked, "name") == "astarzero uct:40"
    while not asked.line.over:
        line = after(asked.domain, " ".join(asked.domain.action_names[action] for _, action in asked.moves))
        move = ask(asked, f"genmove {'bw'[len(asked.moves) % 2]}")
        assert move in legal_names(line) | {"pass"}, "never resigns"
    assert re.fullmatch(r"[BW]\+\d\.5", ask(asked, "final_score"))


@pytest.mark.parametrize("seed", range(3))
def test_final_score_equals_our_rules(seed):
    asked = Engine(RandomPlayer(), "random", 5, 13, "positional", False, seed)
    line, names = after(go(5, komi=6.5), ""), go(5, komi=6.5).action_names
    while not line.over:
        line.play(names.index(ask(asked, f"genmove {'bw'[len(line.rows) % 2 - 1]}")))
        lead = line.margin if len(line.rows) % 2 else -line.margin
        assert ask(asked, "final_score") == f"{'B' if lead > 0 else 'W'}+{abs(lead):g}"


def test_undo_takes_back_moves_to_the_start_and_then_refuses():
    asked, boards = engine(5, ko="situational"), []
    for colour in "bwbbbww":
        boards.append((ask(asked, "showboard"), asked.line.state.copy()))
        ask(asked, f"genmove {colour}")
    for shown, row in reversed(boards):
        assert ask(asked, "undo", "showboard") == shown and np.array_equal(asked.line.state, row)
    assert asked.answer("undo") == "? cannot undo\n\n"


def test_a_colour_may_move_twice_and_play_goes_on_after_two_passes():
    asked = engine(3)
    ask(asked, "play b A1", "play b A2", "play b pass", "play w pass")
    assert asked.line.over
    ask(asked, "play w C3", "play b C2")
    assert ask(asked, "showboard").splitlines()[2:5] == [" 3 . . O", " 2 X .(X)", " 1 X . ."]


def test_ko_forbids_the_point_for_one_move():
    asked = engine(5)
    for command in ("b B3", "w C3", "b C4", "w D4", "b C2", "w D2", "b A1", "w E3", "b D3"):
        ask(asked, f"play {command}")
    assert asked.answer("play w C3") == "? illegal move\n\n"
    ask(asked, "play w A5", "play b B5", "play w C3")


@pytest.mark.parametrize("ko", KO_RULES)
def test_legal_moves_are_those_of_the_rules_with_the_whole_history(ko):
    rng, names, bans = np.random.default_rng(0), go(2).action_names, 0
    for _ in range(25):
        asked, line = engine(2, ko=ko), after(go(2, ko=ko, komi=6.5), "")
        while not line.over and len(line.rows) < 30:
            mask, colour = line.action_mask(), "wb"[len(line.rows) % 2]
            for action, legal in enumerate(mask):
                expected = "=\n\n" if legal else "? illegal move\n\n"
                assert asked.answer(f"play {colour} {names[action]}") == expected
                if legal:
                    ask(asked, "undo")
            bans += len(line.domain.successors(line.state)[1]) - mask.sum()
            action = rng.choice(np.flatnonzero(mask)[: max(1, mask.sum() - (rng.random() < 0.9))])
            line.play(action)
            ask(asked, f"play {colour} {names[action]}")
    assert (bans > 0) == (ko != "simple")


def test_reg_genmove_plays_nothing():
    asked = engine()
    before = ask(asked, "showboard")
    assert ask(asked, "reg_genmove w") in asked.domain.action_names and ask(asked, "showboard") == before


def test_a_handicap_gives_white_the_move():
    asked = engine(9)
    assert ask(asked, "fixed_handicap 5") == "C3 G7 C7 G3 E5"
    assert "White (O) to move" in ask(asked, "showboard")
    assert asked.answer("fixed_handicap 2") == "? board not empty\n\n"


def test_loadsgf_reads_a_game_up_to_a_move(tmp_path):
    path = tmp_path / "a game.sgf"
    Record(3, 0.5, [(0, 4), (1, 0), (0, 9), (1, 8)], setup=([2], [])).save(path)
    asked = engine()
    assert ask(asked, f"loadsgf {path}", "showboard").splitlines()[2:5] == [" 3 O . X", " 2 . X .", " 1 . .(O)"]
    assert ask(asked, f"loadsgf {path} 2", "showboard").splitlines()[2:5] == [" 3 . . X", " 2 .(X).", " 1 . . ."]
    assert ask(asked, "undo", "final_score") == "B+8.5"
    path.write_text("(;GM[1]SZ[3];B[zz])")
    assert asked.answer(f"loadsgf {path}") == "? cannot load file\n\n"
    path.write_text("(;GM[1]SZ[3];B[aa];W[aa])")
    assert asked.answer(f"loadsgf {path}") == "? cannot load file\n\n"
    assert ask(asked, "final_score") == "B+8.5"


def test_a_player_that_fails_gives_an_error_and_the_game_stays():
    class Broken(Player):
        def choose(self, line, rng):
            raise ValueError("It has\n\nno idea.")

    asked = engine(player=Broken())
    assert asked.answer("2 genmove w") == "?2 It has no idea.\n\n"
    assert "Black (X) to move" in ask(asked, "showboard")


def test_the_program_itself_and_its_client_end_with_the_input():
    words = [sys.executable, "-m", "astarzero", "gtp", "--size", "3", "--player", "random"]
    sent = b"1 boardsize 3\n\xff\xfe\x00\n2 genmove b\n3 protocol_ver"  # ends within a command
    done = subprocess.run(words, input=sent, capture_output=True)
    first, second, third, fourth, rest = done.stdout.decode().split("\n\n")
    assert (done.returncode, first, second, fourth, rest) == (0, "=1", "? unknown command", "?3 unknown command", "")
    assert third.startswith("=2 ") and done.stderr == b""
    client = GtpClient(words, "Ours")
    assert client.ask("play b A1") == "" and client.ask("name") == "astarzero random"
    with pytest.raises(ValueError, match="Ours answered '\\? illegal move' to 'play w A1'"):
        client.ask("play w A1")
    assert client.ask("quit") == ""
    with pytest.raises(ValueError, match="Ours ended when it was asked 'name'"):
        client.ask("name")
    client.close()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--size 99", "Size 99x99 is out of range"), ("--player alphago", "Player 'alphago' is neither"), ("--komi 0.3", "Komi 0.3"),
        ("--player rollout:0", "was given '0' random games"), ("--player random:3", "takes nothing behind a colon"),
    ],
)  # fmt: skip
def test_bad_options_are_one_sentence(words, sentence, capsys):
    assert main(["gtp", *words.split()]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and sentence in captured.err and captured.err.count("\n") == 1
