"""The referee on small files: every kind of fault is planted and found, what is right passes, and what a file leaves open is guessed."""

import json
import math

import pytest

from astarzero.experiments import judging
from astarzero.experiments.__main__ import main
from astarzero.experiments.claims import read_claims

BOARD = "1 2 0 3 4 5 6 7 8"  # two moves: the blank goes left, left
FAR = "8 7 6 0 4 1 2 5 3"  # 31 moves


def judge(path, capsys, *options) -> tuple[int, list[dict], str]:
    """(exit status, verdicts, what it says on stderr)"""
    status = main(["referee", str(path), *options, "--json"])
    printed = capsys.readouterr()
    return status, [json.loads(line) for line in printed.out.splitlines()], printed.err


def write(folder, *lines: str, name="solutions.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


# --- faults: header, a line, words of the sentence, does the solution stand all the same -------------------------------------

TILES, NUMBERS, COSTS = "state,plan,cost,optimal", "hand,solution", "tiles,length,optimal"
GOOD = {TILES: f"{BOARD},LL,2,2", NUMBERS: "4 4 4 4,4 * 4 + 4 + 4", COSTS: f"{FAR},31,31"}
FAULTS = {
    "no such problem": (TILES, "1 2 2 3 4 5 6 7 8,LL,2,2", "Tile 2 stands more than once", False),
    "odd parity": (TILES, "2 1 0 3 4 5 6 7 8,LL,2,2", "odd parity", False),
    "an illegal move": (TILES, f"{BOARD},LU,2,2", "Action 0 (number 2 of the plan) is illegal", False),
    "an unknown move": (TILES, f"{BOARD},left north,2,2", "'north' is no action", False),
    "a number beyond the actions": (TILES, f"{BOARD},2 7,2,2", "'7' is no action", False),
    "a plan that ends elsewhere": (TILES, f"{BOARD},L,1,2", "ends at 1 0 2 3 4 5 6 7 8, which is no solution", False),
    "another cost than the plan's": (TILES, f"{BOARD},LL,4,2", "claims a cost of 4, but its plan costs 2", False),
    "less than the optimum": (COSTS, f"{FAR},29,", "claims a cost of 29, but no solution is cheaper than 31", False),
    "wrong parity": (COSTS, f"{FAR},32,", "every solution has an odd number of moves", False),
    "an optimum too low": (COSTS, f"{FAR},33,29", "claims an optimum of 29, but no solution is cheaper than 31", True),
    "an optimum too high": (COSTS, f"{FAR},33,33", "claims an optimum of 33, but a solution of cost 31 exists", True),
    "a wrong answer": (NUMBERS, "3 3 8 8,8 / (3 - 8 / 3) = 25", "is wrong", False),
    "a number left over": (NUMBERS, "3 3 8 8,8 * 3", "ends at 3 8 24 -> 24, which is no solution", False),
    "a number too many": (NUMBERS, "3 3 8 8,8 * 3 * (8 / 8)", "uses 8 3 times", False),
    "a solution of what has none": ("hand,cost", "1 1 1 1,3", "there is no solution at all", False),
    "none where there is one": ("hand,status,solution", "3 3 8 8,unsolvable,", "no solution, but one of cost 3 exists", False),
    "a false proof": ("hand,status,lower_bound", "3 3 8 8,EXHAUSTED,", "no solution, but one of cost 3 exists", False),
}


@pytest.mark.parametrize("case", FAULTS)
def test_every_fault_is_found_in_its_line(case, tmp_path, capsys):
    header, line, sentence, stands = FAULTS[case]
    good = GOOD.get(header, "4 6 8 13" + "," * header.count(","))
    status, verdicts, told = judge(write(tmp_path, header, good, line, good), capsys)
    assert status == 1 and [bool(verdict["fault"]) for verdict in verdicts] == [False, True, False]
    assert sentence in verdicts[1]["fault"] and verdicts[1]["valid"] is stands
    assert f"line 3: {verdicts[1]['fault']}" in told and told.count("line ") == 1
    assert verdicts[1]["fault"].endswith(".") and "\n" not in verdicts[1]["fault"]


def test_only_ten_faults_are_told(tmp_path, capsys):
    status, verdicts, told = judge(write(tmp_path, TILES, f"{BOARD},LL,2,2", *[f"{BOARD},L,,"] * 13), capsys)
    assert status == 1 and len(verdicts) == 14
    assert told.count("which is no solution") == 10 and "and 3 lines more" in told


# --- what is right --------------------------------------------------------------------------------------------------------------


def test_excess_and_intervals(tmp_path, capsys):
    """Two optimal plans, and one of 4 moves where 2 do; node counts 10, 20, 90."""
    path = write(tmp_path, "id,tiles,moves,expansions", f"a,{BOARD},LL,10", f"b,{BOARD},2 2,20", f"c,{BOARD},left right left left,90")
    status, verdicts, told = judge(path, capsys)
    assert status == 0 and [verdict["excess"] for verdict in verdicts] == [0, 0, 2]
    assert [verdict["instance"] for verdict in verdicts] == ["a", "b", "c"] and all(verdict["source"] == "table" for verdict in verdicts)
    rows = dict(line.strip("│ ").split("│") for line in told.splitlines() if line.startswith("│"))
    rows = {name.strip(): value.strip() for name, value in rows.items()}
    assert rows["optimal, of valid with known optimum"] == "66.7 % [20.8 93.9] (2 of 3)"  # Wilson
    assert rows["cost above the optimum, mean"] == "0.67 [0.00 2.00]" and rows["cost / optimum, mean"].startswith("1.3333 [1.0000 2.0000")
    assert rows["nodes, mean"].startswith("40 [10 ") and rows["nodes, median"].startswith("20 [10 90")


@pytest.mark.parametrize("moves", ["blank", "tile"])
@pytest.mark.parametrize("goal", ["blank-first", "blank-last"])
def test_what_a_direction_moves_and_the_goal_are_found_out(moves, goal, tmp_path, capsys):
    board, plan = (BOARD, "left left") if goal == "blank-first" else ("1 2 3 4 5 6 0 7 8", "right right")
    plan = plan if moves == "blank" else {"left left": "right right", "right right": "left left"}[plan]
    status, verdicts, told = judge(write(tmp_path, "board,actions", f"{board},{plan}"), capsys)
    assert status == 0 and verdicts[0]["cost"] == 2 and f"sliding-3x3-{goal}" in told and f"directions move the {moves}" in told
    other = {"blank": "tile", "tile": "blank"}[moves]
    assert judge(tmp_path / "solutions.csv", capsys, "--moves", other, "--goal", goal)[0] == 1


def test_the_header_names_the_goal_and_a_length_may_be_called_moves(tmp_path, capsys):
    path = write(tmp_path, 'idx,"tiles(goal=1..N,0)",moves', "0,1 2 3 4 5 6 0 7 8,2", "1,2 1 4 3 5 6 7 8 0,20")
    _, verdicts, told = judge(path, capsys)
    assert [verdict["cost"] for verdict in verdicts] == [2, 20] and "blank-last" in told and not verdicts[0]["replayed"]


def test_transcripts_of_a_language_model(tmp_path, capsys):
    steps = '"13 - 9 = 4 (left: 4 4 10)\n10 - 4 = 6 (left: 4 6)\n4 * 6 = 24 (left: 24)\nAnswer: 4 * (10 - (13 - 9)) = 24"'
    path = write(tmp_path, "numbers\tresponse", f"4 9 10 13\t{steps}", "3 3 8 8\tI give up: 8 * 3 = 24")
    status, verdicts, _ = judge(path, capsys)
    assert status == 1 and [(verdict["line"], verdict["valid"]) for verdict in verdicts] == [(2, True), (6, False)]


def test_the_rule_decides_whether_numbers_may_be_left(tmp_path, capsys):
    path = write(tmp_path, "problem,expression", "25 4 7 3 -> 100,25 * 4", "25 4 7 3 9 -> 100,25 * 4")
    assert [verdict["valid"] for verdict in judge(path, capsys, "--rule", "positive")[1]] == [True, True]
    assert [verdict["valid"] for verdict in judge(path, capsys, "--rule", "integer")[1]] == [False, False]
    path = write(tmp_path, "numbers,target,expression", "25 4 7 3,100,25 * 4 * (7 - 3 * 2)", "1 2 3 4,10,1 + 2 + 3 + 4")
    assert [verdict["valid"] for verdict in judge(path, capsys)[1]] == [False, True]


def test_lines_without_a_solution_are_no_fault_but_count(tmp_path, capsys):
    unsolved = ("3 3 8 8,BUDGET,", "1 1 1 1,unsolvable,", "3 3 8 8,EXHAUSTED,")
    path = write(tmp_path, "hand,status,solution", *unsolved, "4 4 4 4,SOLVED,4 * 4 + 4 + 4")
    status, verdicts, told = judge(path, capsys)
    assert status == 0 and [verdict["valid"] for verdict in verdicts] == [None, None, None, True]
    assert "(1 of 4)" in told and "(1 of 1)" in told


@pytest.mark.parametrize(
    "words", [["sliding", "--size", "2x3", "--set", "all", "--search", "value_greedy"], ["sliding", "--size", "3", "--goal", "blank-last"],
              ["countdown", "--set", "all"], ["countdown", "--size", "5", "--rule", "positive", "--state", "1 3 7 10 25 -> 765"]]
)  # fmt: skip
def test_what_solve_prints_stands(words, tmp_path, capsys):
    assert main(["solve", *words, "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    options = [word for word in words if word in ("--size", "--rule") or words[words.index(word) - 1] in ("--size", "--rule")]
    status, verdicts, _ = judge(write(tmp_path, *lines, name="solutions.jsonl"), capsys, *options)
    assert status == 0 and len(verdicts) == len(lines)
    for line, verdict in zip(map(json.loads, lines), verdicts, strict=True):
        assert verdict["valid"] is (True if line["status"] == "SOLVED" else None)
        assert verdict["cost"] == line["cost"] and verdict["nodes"] == line["nodes"]


# --- where nothing can be enumerated -------------------------------------------------------------------------------------------------

FIFTEEN = "1 5 2 3 4 0 6 7 8 9 10 11 12 13 14 15"  # two moves
KORF_1 = "14 13 15 7 11 12 9 5 6 0 2 1 4 8 10 3"  # 57 moves


def test_an_exact_search_proves_an_optimum_or_leaves_a_bound(tmp_path, capsys):
    header = "tiles,length,optimal_len"
    path = write(tmp_path, header, f"{FIFTEEN},4,2", f"{KORF_1},59,57", f"{KORF_1},61,", f"{KORF_1},41,")
    status, verdicts, told = judge(path, capsys, "--max-expansions", "500")
    assert status == 1 and [verdict["source"] for verdict in verdicts] == ["search", "claimed", "unknown", "unknown"]
    assert [verdict["optimal"] for verdict in verdicts] == [2, 57, None, None]
    assert [verdict["excess"] for verdict in verdicts] == [2, 2, None, None]
    assert 41 < verdicts[1]["lower_bound"] < 57 and "claims a cost of 41, but no solution is cheaper than" in told


def test_a_bound_that_the_plan_meets_proves_it(tmp_path, capsys, monkeypatch):
    path = write(tmp_path, "tiles,plan", f"{FIFTEEN},up left")
    monkeypatch.setattr(judging, "searched", lambda domain, row, limit: (None, 2.0, "unknown"))
    assert judge(path, capsys)[1][0] | {"instance": ""} == {
        "line": 2, "instance": "", "valid": True, "fault": None, "replayed": True, "cost": 2.0, "optimal": 2.0, "source": "search",
        "lower_bound": 2.0, "excess": 0.0, "nodes": None,
    }  # fmt: skip


# --- columns and bad files --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["state", "Tiles", "problem", "initial_state", "board (row-major)", "numbers", "hand", "cards"])
def test_problems_go_by_many_names(title, tmp_path):
    assert read_claims(write(tmp_path, f"{title};nodes", "4 4 4 4;7")).claims[0].nodes == 7


FIELDS = {
    "actions": "plan", "Moves": "plan", "solution": "plan", "cost": "cost", "len": "cost", "plan_length": "cost", "expansions": "nodes",
    "nodes_generated": "nodes", "optimal_len": "optimal", "id": "name", "solved": "status",
}  # fmt: skip


@pytest.mark.parametrize("title", FIELDS)
def test_other_columns_do_too(title, tmp_path):
    assert read_claims(write(tmp_path, f"{title},state", "1,4 4 4 4")).titles[FIELDS[title]] == title


@pytest.mark.parametrize(("cost", "read"), [("", None), ("nan", None), ("-1", None), ("None", None), ("52", 52), ("52.0", 52), ("0", 0)])
def test_costs_that_say_nothing(cost, read, tmp_path):
    (claim,) = read_claims(write(tmp_path, "state,cost", f"{BOARD},{cost}")).claims
    assert claim.cost == read and claim.solved == (read is not None) and not math.isnan(claim.cost or 0)


BAD = {
    "no file": (None, "cannot be read"),
    "nothing": ("", "has no solutions"),
    "only a header": ("state,plan\n", "has no solutions"),
    "no problems": ("id,plan\n1,LL\n", "names no column of problems"),
    "a field too few": (f"state,plan\n{BOARD},LL\n{BOARD}\n", "line 3 has 1 fields, but its header has 2"),
    "a cost in words": (f"state,cost\n{BOARD},two\n", "line 2: cost 'two' is no number"),
    "broken JSON": ('{"state": "4 4 4 4"}\n{"state": \n', "line 2 is no JSON object"),
    "an oblong board": ("state,plan\n1 2 0 3 4 5,LL\n", "say which it is, for example --size 3x2"),
    "another world's": ("state,plan\n4 4 4 4 4 4 4 4,LL\n", "has no line with a problem of countdown"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_one_sentence(case, tmp_path, capsys):
    text, sentence = BAD[case]
    path = tmp_path / "solutions.csv"
    if text is not None:
        path.write_text(text)
    assert main(["referee", str(path)]) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err and printed.out == "" and printed.err.count("\n") == 1 and "Traceback" not in printed.err


@pytest.mark.parametrize(("words", "sentence"), [(["--moves", "hand"], "Moves 'hand'"), (["--max-expansions", "0"], "expansions is 0")])
def test_bad_options_are_one_sentence(words, sentence, tmp_path, capsys):
    assert main(["referee", str(write(tmp_path, "tiles,plan", f"{FIFTEEN},up left")), *words]) == 2
    assert sentence in capsys.readouterr().err
