"""The command line on good input: what it prints, its exit status, and that --json prints nothing but JSON."""

import json

import pytest

from astarzero.envs import sliding
from astarzero.experiments.__main__ import main
from astarzero.experiments.arenas import ARENAS, Arena

KEYS = {
    "instance", "state", "status", "cost", "plan", "expansions", "generated", "evaluations", "nodes", "peak_bytes", "lower_bound", "seconds"
}  # fmt: skip


def lines(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_lines_replay(capsys):
    assert main(["solve", "sliding", "--size", "2x3", "--set", "all", "--json"]) == 0
    domain, rows = sliding.make("2x3"), lines(capsys)
    assert len(rows) == 360
    for row in rows[::20]:
        assert row.keys() == KEYS and row["status"] == "SOLVED" and row["lower_bound"] == row["cost"] == len(row["plan"])
        reached, _ = domain.replay(domain.parse(row["instance"]), tuple(row["plan"]))
        assert domain.goal_mask(reached)[0]


def test_check_compares_with_the_exact_table(capsys):
    assert main(["solve", "sliding", "--size", "2x3", "--set", "all", "--check"]) == 0
    assert "360 of 360 solved with a known optimum" in " ".join(capsys.readouterr().out.replace("│", " ").split())


def test_a_limit_gives_exit_status_1_and_a_bound(capsys):
    assert main(["solve", "sliding", "--size", "2x3", "--state", "0 4 5 1 2 3", "--max-expansions", "3", "--json"]) == 1
    (row,) = lines(capsys)
    assert row["status"] == "BUDGET" and row["cost"] is None and 0 < row["lower_bound"] <= 21 and row["expansions"] == 3


def test_a_focal_search_keeps_its_promise_by_the_bound_it_is_given(capsys):
    board, costs = ["--size", "3", "--state", "8 7 6 0 4 1 2 5 3"], []
    for weight in ("1", "1.2"):
        given = ["--search", "focal", "--evaluator", "blind", "--bound", "manhattan", "--proof", "2", "--weight", weight, "--json"]
        assert main(["solve", "sliding", *board, *given]) == 0
        (row,) = lines(capsys)
        assert row["cost"] <= float(weight) * row["lower_bound"] and row["evaluations"] == 0
        costs.append(row["cost"])
    assert costs[0] == 31 <= costs[1]


def test_a_plan_that_a_limit_left_unproven_is_shown_with_exit_status_1(capsys):
    search = ["--search", "anytime_astar", "--weight", "5", "--proof", "0", "--max-expansions", "400"]
    board = ["--size", "3", "--state", "8 7 6 0 4 1 2 5 3", *search]
    assert main(["solve", "sliding", *board, "--json"]) == 1
    (row,) = lines(capsys)
    assert row["status"] == "BUDGET" and row["lower_bound"] < 31 <= row["cost"] == len(row["plan"])
    assert main(["solve", "sliding", *board]) == 1
    assert "up" in capsys.readouterr().out


def test_an_unsolvable_hand_is_proven_so(capsys):
    assert main(["solve", "countdown", "--state", "1 1 1 1", "--json"]) == 0
    (row,) = lines(capsys)
    assert row["status"] == "EXHAUSTED" and row["lower_bound"] is None


def test_a_solution_is_an_expression(capsys):
    assert main(["solve", "countdown", "--state", "3 3 8 8"]) == 0
    assert "8 / (3 - 8 / 3) = 24" in capsys.readouterr().out


def test_a_file_that_names_its_goal_layout_is_believed(tmp_path, capsys):
    path = tmp_path / "problems.csv"
    path.write_text('idx,"tiles(goal=1..N,0 row-major)",optimal_len\n7,1 2 3 4 0 5,1\n')
    assert main(["solve", "sliding", "--size", "2x3", "--instances", str(path), "--json"]) == 0
    (row,) = lines(capsys)
    assert (row["instance"], row["cost"], row["optimal"]) == ("7", 1, 1)


@pytest.mark.parametrize("heads", [["value"], ["value", "prior"]])
def test_a_trained_net_guides_a_search(heads, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(ARENAS, "tiny", Arena("tiny", "sliding", {"size": "2x3"}))
    words = [word for head in heads for word in ("--heads", head)]
    assert main(["train", "tiny", *words, "--states", "300", "--steps", "30", "--width", "16", "--out", str(tmp_path)]) == 0
    (path,) = tmp_path.glob("*.safetensors")
    search = "astar" if len(heads) == 1 else "puct"
    given = ["--size", "2x3", "--state", "3 0 2 4 1 5", "--search", search, "--evaluator", f"net:{path}", "--json"]
    assert main(["solve", "sliding", *given]) == 0
    assert lines(capsys)[0]["status"] == "SOLVED"


def test_list_names_everything(capsys):
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("sliding", "countdown", "levin", "qstar", "countdown-24", "PUCT V+pi", "go-5x5", "one-ply V"))


@pytest.mark.parametrize("words", [["train", "go-3x3"], ["audit", "go-3x3"], ["dial", "go-3x3"]], ids=" ".join)
def test_what_is_for_puzzles_refuses_a_game_in_one_sentence(words, tmp_path, capsys):
    out = ["--out", str(tmp_path)] if words[0] == "train" else []
    assert main([*words, *out]) == 2
    assert "a game" in capsys.readouterr().err
