"""Matches inside the contest: played once, kept, pooled over seeds, and shown with Wilson's intervals."""

import io

import numpy as np
import pytest
from rich.console import Console

from astarzero.experiments import contest
from astarzero.experiments.arenas import BOARDS, QUICK, Board
from astarzero.experiments.players import find_player
from astarzero.experiments.report import report
from astarzero.experiments.results import read, read_records, untimed
from astarzero.experiments.rounds import named, play_match
from astarzero.experiments.statistics import elo, wilson
from astarzero.experiments.tables import match_lines

TINY = Board("go-2x2", {"size": 2, "ko": "simple", "komi": 0.5}, (8, 16), (("rollout:{each}", "random"), ("random", "random")), 4, "tiny")


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(BOARDS, "go-2x2", TINY)
    monkeypatch.setattr("astarzero.nets.checkpoint.revision", lambda: "test")
    return TINY


def test_matches_are_played_once_and_pooled_over_seeds(tiny, tmp_path):
    for seed in (0, 1):
        contest.run_unit("go-2x2", seed, QUICK, tmp_path, "test")
    first = {path.name: path.read_bytes() for path in tmp_path.glob("*.jsonl")}
    contest.run_unit("go-2x2", 0, QUICK, tmp_path, "test")
    assert first == {path.name: path.read_bytes() for path in tmp_path.glob("*.jsonl")}
    again = tmp_path / "again"
    contest.run_unit("go-2x2", 1, QUICK, again, "test")
    assert [untimed(record) for record in read_records(again / "go-2x2-seed1.jsonl")] == [
        untimed(record) for record in read_records(tmp_path / "go-2x2-seed1.jsonl")
    ]
    lines = match_lines(read(tmp_path).matches)
    assert [line[:5] for line in lines] == [
        ("go-2x2", "8", "rollout:1", "random", "8"), ("go-2x2", "8", "random", "random", "8"),
        ("go-2x2", "16", "rollout:3", "random", "8"), ("go-2x2", "16", "random", "random", "8"),
    ]  # fmt: skip
    stream = io.StringIO()
    html = report(tmp_path, Console(file=stream, width=160)).read_text(encoding="utf-8")
    assert "Matches, where no table is" in html and "rollout:3" in html and "rollout:3" in stream.getvalue()


def test_a_match_is_told_by_hand():
    seeds = [{"world": "go", "budget": 64, "left": "a", "right": "b", "points": points} for points in ([1.0, 1.0, 0.5], [0.0])]
    (line,) = match_lines(seeds)
    low, high = wilson(2.5, 4)[1:]
    assert line[4:6] == ("4", "2-1-1") and line[6].startswith(".62 [") and line[7] == f"+89 [{elo(low):+.0f} {elo(high):+.0f}]"
    assert low < 0.5 < high


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_every_board_names_players_that_there_are(board):
    assert board.games % 2 == 0 and board.budgets
    for budget in board.budgets:
        for pair in board.pairs:
            for pattern in pair:
                find_player(named(pattern, budget, 26)).close()


def test_a_match_depends_on_its_seed_alone():
    plays = [play_match(TINY, "rollout:2", "random", seed) for seed in (0, 0, 1)]
    assert plays[0] == plays[1] and len(plays[2]) == 4 and set(np.ravel(plays)) <= {0.0, 0.5, 1.0}
