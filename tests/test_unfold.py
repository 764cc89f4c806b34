"""Graph against tree: numbers known by heart, lines walked one by one, and what the verb prints and writes."""

import json

import numpy as np
import pytest
import toys
from go_games import count_games, go

from astarzero.envs import make
from astarzero.envs.go import start
from astarzero.envs.line import Line
from astarzero.envs.unfolding import Unfolding, unfold
from astarzero.experiments.__main__ import main
from astarzero.experiments.results import read_records
from astarzero.experiments.unfold import summary
from astarzero.experiments.unfold_figures import unfold_figures
from astarzero.experiments.unfold_histories import DEPTHS, PAIRS, errors, pairs_of, random_end, regrets_of
from astarzero.experiments.unfold_searches import judge_of
from astarzero.search import Budget, astar, from_heuristic, greedy_best_first
from astarzero.search.duplicates import DUPLICATES

EIGHT = [  # boards of the 8-puzzle by distance from the one with the blank in the corner (Reinefeld 1993)
    1, 2, 4, 8, 16, 20, 39, 62, 116, 152, 286, 396, 748, 1024, 1893, 2512, 4485, 5638, 9529, 10878, 16993, 17110, 23952, 20224, 24047,
    15578, 14560, 6274, 3910, 760, 221, 2,
]  # fmt: skip


def test_the_eight_puzzle_by_heart():
    """Lines by the blank alone: a walk over 9 cells."""
    puzzle = make("sliding", size=3)
    found = unfold(puzzle, puzzle.parse("0 1 2 3 4 5 6 7 8"))
    assert found.fresh == EIGHT and sum(found.fresh) == 181_440 and found.whole
    cells = np.zeros(9, object)
    cells[0], beside = (
        1,
        [[n for n in (c - 3, c + 3, *((c - 1,) if c % 3 else ()), *((c + 1,) if c % 3 < 2 else ())) if 0 <= n < 9] for c in range(9)],
    )
    for lines in found.lines:
        assert lines == cells.sum()
        cells = np.array([sum(cells[other] for other in beside[cell]) for cell in range(9)], object)
    assert found.lines[:6] == [1, 2, 6, 16, 48, 128] and found.positions[:4] == [1, 2, 5, 10] and not found.past


def test_a_graph_by_hand():
    """S-A, S-B, A-C, B-C, C-S: one line a diamond's side, two lines to C, and round again."""
    diamond = toys.graph("diamond", "S-A 1, S-B 1, A-C 1, B-C 1, C-S 1")
    found = unfold(diamond, diamond.parse("S"), depth=6)
    assert (found.lines, found.positions, found.fresh) == ([1, 2, 2, 2, 4, 4, 4], [1, 2, 1, 1, 2, 1, 1], [1, 2, 1, 0, 0, 0, 0])
    found = unfold(diamond, diamond.parse("S"))
    assert (found.lines, found.whole) == ([1, 2, 2], True)
    found = unfold(toys.lost(), toys.lost().parse("U"))
    assert (found.lines, found.positions, found.whole) == ([1], [1], True)


def test_counts_beyond_a_word_are_exact_and_end_before_they_are_not():
    twice = toys.graph("twice", "S-A 1, S-B 1, A-S 1, A-B 1, B-S 1, B-A 1")
    lines = unfold(twice, twice.parse("S"), depth=300).lines
    assert lines == [2**depth for depth in range(len(lines))] and 128 < len(lines) < 132  # a state's share has 128 bits


def test_what_a_position_forgets():
    """Last moves and the most stones; not passes, ko, the side to move or komi. A goal of the tiles forgets nothing."""
    board, tiles = go(3, ko="positional", komi=2), make("sliding", size=3)
    plain, dressed, *others = (
        board.positions(board.parse(f".X./X.X/.X. to=white {fields}"))[0].tolist()
        for fields in ("", "last=A2,B1 most=7", "last=pass", "last=pass,pass", "ko=B2", "komi=3", "to=black")
    )
    assert plain == dressed and len({str(row) for row in (plain, *others)}) == 6
    row = tiles.parse("0 1 2 3 4 5 6 7 8")
    assert np.array_equal(tiles.positions(row)[0], row)


def walked(domain, depth):
    """Every line, one by one: (lines, positions, positions with the set of those before) at each depth, and the games that have ended."""
    line, found, ended = Line(domain, start(domain)), [[0, set(), set()] for _ in range(depth + 1)], 0

    def walk(level):
        nonlocal ended
        position = domain.positions(line.state)[0].tobytes()
        found[level][0] += 1
        found[level][1].add(position)
        found[level][2].add((position, frozenset(line.keys.tolist())))
        ended += line.over
        for action in np.flatnonzero(line.action_mask()) if level < depth else ():
            line.play(int(action))
            walk(level + 1)
            line.undo()

    walk(0)
    return [lines for lines, _, _ in found], [len(positions) for _, positions, _ in found], [len(pasts) for _, _, pasts in found], ended


@pytest.mark.parametrize(("size", "ko", "depth"), [("1x3", "positional", 21), ("2x2", "situational", 5), ("2x2", "simple", 5)])
def test_go_unfolds_as_it_is_walked(size, ko, depth):
    domain = go(size, ko=ko)
    lines, positions, pasts, games = walked(domain, depth)
    found = unfold(domain, start(domain), depth)
    assert (found.lines, found.positions, found.past) == (lines, positions, pasts if ko != "simple" else [])
    assert ko == "simple" or all(a >= b >= c >= d for a, b, c, d in zip(found.lines, found.past, found.moves, found.positions, strict=True))
    if size == "1x3":
        assert games == count_games(domain, start(domain)) == 907
        assert unfold(domain, start(domain)).lines == lines and unfold(domain, start(domain)).whole


def test_limits_end_an_unfolding_at_a_whole_depth():
    puzzle, board = make("sliding", size=4), " ".join(map(str, range(16)))
    found = unfold(puzzle, puzzle.parse(board), max_states=1000)
    assert not found.whole and found.fresh == [1, 2, 4, 10, 24, 54, 107, 212, 446] and sum(found.fresh) < 1000
    cut = unfold(go("2x2"), start(go("2x2")), max_states=500)
    assert not cut.whole and cut.lines == [1, 5, 21, 68, 156, 316] == unfold(go("2x2"), start(go("2x2")), depth=5).lines


@pytest.mark.parametrize("duplicates", DUPLICATES)
def test_a_tree_search_finds_what_the_graph_search_finds_and_pays_more(duplicates):
    puzzle = toys.table_of(make("sliding", size="2x3"))
    judge = from_heuristic(puzzle.domain)
    for row in puzzle.states[puzzle.cost_to_go <= 9][::4]:
        graph, result = (
            astar(puzzle.domain, row, judge, duplicates=kind, budget=Budget(evaluations=50_000)) for kind in ("merged", duplicates)
        )
        assert result.cost == graph.cost == puzzle.costs(row)[0] == result.lower_bound
        assert result.evaluations >= graph.evaluations
        assert puzzle.domain.replay(row, result.plan)[1] == result.cost


def test_only_a_plain_tree_walks_in_circles():
    """Behind S all streets lead back: who merges, or looks at his own path, knows that there is no solution."""
    instance = toys.problem(toys.lost())
    for duplicates in DUPLICATES:
        result = greedy_best_first(instance.domain, instance.root, duplicates=duplicates, budget=Budget(expansions=200))
        assert result.status == ("BUDGET" if duplicates == "kept" else "EXHAUSTED")
    with pytest.raises(ValueError, match="Option duplicates is twice") as error:
        astar(instance.domain, instance.root, duplicates="twice")
    toys.one_sentence(error)


def test_means_over_roots_of_different_depth():
    deep, flat = Unfolding([1, 2, 4], [1, 2, 2], [1, 2, 1], whole=True), Unfolding([1, 1], [1, 1], [1, 1], whole=True)
    middle = summary([deep, flat], 2, np.random.default_rng(0))
    assert (middle["lines"], middle["positions"]) == (2.0, 1.0) and middle["factor_fresh"][0] == pytest.approx((7 / 4 + 1) / 2)
    assert middle["factor_fresh"][1:] == [1.0, 1.75] and "factor_past" not in middle


def test_the_verb_prints_and_writes(tmp_path, capsys):
    words = ["unfold", "sliding", "--size", "2x3", "--roots", "2", "--problems", "12", "--max-evaluations", "1000"]
    assert main([*words, "--json", "--out", str(tmp_path)]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    header, *written = read_records(tmp_path / "unfold.jsonl")
    assert written == printed and header["config"]["roots"] == 2
    arms = {(one["arm"], one["knob"]): one for one in printed if one["kind"] == "search"}
    assert len(arms) == 6 and all(one["problems"] == len(one["spent"]) == 12 for one in arms.values())
    assert arms["astar", "merged"]["against"] == [0, 0, 0] and arms["astar", "kept"]["against"][2] <= 0
    assert {path.stem for path in tmp_path.glob("*.png")} == {"unfolding", "duplicates"} == {one.name for one in unfold_figures(written)}
    assert main(["unfold", "go", "--size", "2x2", "--depth", "4", "--problems", "0"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Superko makes moves depend on the line" in told and "What merging" not in told and "then a limit ended it" in told
    assert main(["unfold", "go", "--size", "2x2", "--option", "ko=simple", "--problems", "10", "--max-evaluations", "100", "--json"]) == 0
    arms = [json.loads(line) for line in capsys.readouterr().out.splitlines()][-2:]
    assert [(one["kind"], one["knob"]) for one in arms] == [("game", "merged"), ("game", "kept")] and arms[0]["against"] == [
        [0, 0, 0]
    ] * len(arms[0]["regrets"])
    assert all(0 <= regret <= 2 for one in arms for _, regret, _, _ in one["regrets"])
    assert main(["unfold", "countdown", "--set", "all", "--roots", "5", "--problems", "0"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "From 5 roots" in told and "nothing new lies deeper" in told and "What merging" not in told


def test_what_merging_loses_is_told(capsys):
    words = ["unfold", "go", "--size", "1x4", "--option", "komi=3.5", "--depth", "3", "--problems", "6", "--max-evaluations", "60"]
    assert main([*words, "--json"]) == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    errors = [one for one in printed if one["kind"] == "history"]
    assert {(one["merged_by"], one["depth"]) for one in errors} == {(by, depth) for by in ("moves", "position") for depth in DEPTHS}
    assert all(one["solved"] <= one["pairs"] <= 6 * PAIRS for one in errors) and sum(one["solved"] for one in errors) > 0
    arms = [one for one in printed if one["kind"] == "merging"]
    assert [one["knob"] for one in arms] == ["kept", "merged"] and arms[0]["problems"] == arms[1]["problems"] > 0
    assert all(0 <= regret <= 2 for one in arms for _, regret, _, _ in one["regrets"])
    assert main(words) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "What merging loses" in told and "What merging buys" in told


def test_a_pair_is_what_a_search_takes_for_one():
    """The same position with the same moves, by lines that passed different positions; else no pair."""
    domain, rng = go("2x2", ko="positional"), np.random.default_rng(0)
    game = Line(domain, start(domain))
    lines = [end for end in (random_end(game, 4, rng) for _ in range(200)) if end is not None]
    assert len(game.rows) == 1
    groups = {}
    for end, position, moves in lines:
        groups.setdefault((position, moves), set()).add(frozenset(end[1].tolist()))
    for by_moves in (True, False):
        pairs = pairs_of(lines, by_moves, rng)
        assert len(pairs) == PAIRS
        for one, other in pairs:
            names = [next((position, moves) for end, position, moves in lines if end is each) for each in (one, other)]
            assert names[0][0] == names[1][0] and (names[0][1] == names[1][1] or not by_moves)
            assert set(one[1].tolist()) != set(other[1].tolist())
    several = [lines[0], lines[0]]
    assert pairs_of(several, True, rng) == [] and max(map(len, groups.values())) > 1


def test_errors_of_pairs():
    domain = go(3, ko="positional", komi=2.5)
    found = errors(domain, np.array([[9.0, 9.0], [9.0, 3.0], [-9.0, 9.0], [2.0, 2.0]]))
    assert (found["solved"], found["differ"][0], found["winner_differs"][0]) == (4, 0.5, 0.25)
    assert (found["mean"], found["worst"]) == (6.0, 18.0) and errors(domain, np.empty((0, 2)))["mean"] is None


def test_regrets_know_the_past():
    """1x2 by positional superko: after one stone and its capture nothing may be repeated, and only the pass is left."""
    domain = go("1x2", ko="positional", komi=0)
    line = Line(domain, start(domain))
    assert regrets_of(line).shape == (3,)
    line.play(0)
    line.play(1)
    given_away = regrets_of(line)
    assert np.array_equal(np.isfinite(given_away), line.action_mask()) and np.nanmin(given_away) == 0


def test_a_judge_by_name():
    puzzle = toys.table_of(make("sliding", size="2x3"))
    names = {"exact": "exact", "noisy:2": "noisy 2/0", "manhattan": "manhattan", "blind": "blind", None: "manhattan"}
    for name, expected in names.items():
        assert judge_of(puzzle.domain, name, puzzle.states[:2], 0, "cpu").name == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sliding", "--roots", "0"], "roots is 0, but it must be at least 1"),
        (["sliding", "--state", "0 1", "--set", "all"], "Give only one of"),
        (["sliding", "--set", "some"], "has no instance set 'some'"),
        (["sliding", "--size", "2x3", "--evaluator", "noisy"], "Evaluator 'noisy' has no spread"),
        (["chess"], "World 'chess' was not found"),
    ],
)
def test_bad_input_is_one_sentence(words, expected, capsys):
    assert main(["unfold", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and expected in captured.err and captured.err.count("\n") == 1, captured.err
