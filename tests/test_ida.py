"""IDA*: both loops against published counts, against a recursion in plain Python, and against exact costs."""

import csv
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import toys
from toys import PROBLEMS, asked

from astarzero.envs import make
from astarzero.envs.sliding import scramble, unpack
from astarzero.search import SEARCHES, Budget, Status, from_heuristic

KORF = Path(__file__).resolve().parents[2] / "shared" / "data" / "korf100.csv"
EASY = (12, 79, 42, 55, 19)  # of Korf's: under two million nodes each
ida = SEARCHES["ida"]

needs_korf = pytest.mark.skipif(not KORF.exists(), reason=f"Korf's instances are not at {KORF}")


def korf(*numbers: int) -> list[dict[str, str]]:
    with KORF.open() as file:
        rows = {int(row["korf"]): row for row in csv.DictReader(file)}
    return [rows[number] for number in numbers or rows]


def check_against_published(row: dict[str, str]) -> None:
    puzzle = make("sliding", size=4)
    result = ida(puzzle, puzzle.parse(next(value for name, value in row.items() if name.startswith("tiles"))))
    assert (result.status, result.cost, result.lower_bound) == (Status.SOLVED, int(row["optimal_len"]), int(row["optimal_len"]))
    assert abs(result.generated - int(row["ida_generated_here_eaburns"])) <= 1
    assert result.expansions == int(row["ida_expanded_here"])


@needs_korf
@pytest.mark.parametrize("number", EASY)
def test_node_counts_are_the_published_ones(number):
    check_against_published(*korf(number))


@needs_korf
@pytest.mark.slow
def test_all_of_korfs_node_counts():
    for row in korf():
        check_against_published(row)


def recursion(tiles: list[int], goal: list[int], height: int, width: int) -> tuple[int, int, int]:
    """Textbook IDA* with Manhattan in plain Python: (cost, expanded, generated). The blank tries up, left, right, down."""
    moves = {"up": (-1, 0), "left": (0, -1), "right": (0, 1), "down": (1, 0)}
    opposite = {"up": "down", "down": "up", "left": "right", "right": "left", "": ""}
    home = {tile: divmod(cell, width) for cell, tile in enumerate(goal)}
    counts = [0, 0]

    def manhattan(board):
        places = ((tile, *divmod(cell, width)) for cell, tile in enumerate(board) if tile)
        return sum(abs(row - home[tile][0]) + abs(column - home[tile][1]) for tile, row, column in places)

    def below(board, depth, last, bound):
        h = manhattan(board)
        if depth + h > bound:
            return False
        if board == goal:
            return True
        counts[0] += 1
        row, column = divmod(board.index(0), width)
        for name, (down, right) in moves.items():
            if name != opposite[last] and 0 <= row + down < height and 0 <= column + right < width:
                counts[1] += 1
                child, other = list(board), (row + down) * width + column + right
                child[row * width + column], child[other] = child[other], 0
                if below(child, depth + 1, name, bound):
                    return True
        return False

    bound = manhattan(tiles)
    while not below(tiles, 0, "", bound):
        bound += 2
    return bound, *counts


@pytest.mark.parametrize("goal", ["blank-first", "blank-last"])
@pytest.mark.parametrize("size", ["2x2", "3x3", "2x5", "4x3"])
def test_the_packed_loop_counts_as_a_plain_recursion(size, goal):
    puzzle, rng = make("sliding", size=size, goal=goal), np.random.default_rng(0)
    height, width = map(int, size.split("x"))
    target = unpack(puzzle.context[2], height * width)
    for moves in (0, 1, 2, 5, 12, 25, 40):
        state = scramble(puzzle, rng, moves)
        result = ida(puzzle, state)
        assert (result.cost, result.expansions, result.generated) == recursion(unpack(state, height * width), target, height, width)
        assert puzzle.goal_mask(puzzle.replay(state, result.plan)[0])[0]


def test_both_loops_and_the_asking_drive_agree_on_costs():
    puzzle, rng = make("sliding", size=3), np.random.default_rng(1)
    table = toys.table_of(puzzle)
    manhattan, exact = from_heuristic(puzzle), table.costs
    for _ in range(6):
        state = scramble(puzzle, rng, 60)
        optimum = float(exact(state)[0])
        for judge, order in itertools.product((manhattan, asked(manhattan)), ("given", "seeded")):
            result = ida(puzzle, state, judge, order=order, budget=Budget(expansions=200_000))
            assert result.cost == result.lower_bound == len(result.plan) == optimum


@pytest.mark.parametrize("goal", ["blank-first", "blank-last"])
@pytest.mark.parametrize("size", ["2x2", "2x3", "3x3"])
def test_pattern_databases_lead_the_packed_loop_to_the_optimum(size, goal):
    puzzle, rng = make("sliding", size=size, goal=goal), np.random.default_rng(2)
    table, judge = toys.table_of(puzzle), from_heuristic(puzzle, "pdb")
    assert (judge.descent is None) == (size == "2x3")  # only square boards lend one
    for row in rng.choice(len(table.states), size=min(300, len(table.states)), replace=False):
        result = ida(puzzle, table.states[row], judge)
        assert result.cost == result.lower_bound == table.cost_to_go[row]
        assert puzzle.goal_mask(puzzle.replay(table.states[row], result.plan)[0])[0]


def test_a_weight_bounds_the_cost():
    for name in ("wild-1", "wild-5", "wild-7", "2x3: 4 5 0 1 2 3"):
        problem = PROBLEMS[name]()
        for weight, judge in itertools.product((1.0, 1.5, 3.0), toys.judges(problem.table).values()):
            result = problem.solve("ida", judge, weight=weight)
            if judge.admissible and result.solved:
                assert problem.optimum <= result.cost <= weight * problem.optimum + 1e-6
                assert result.lower_bound <= problem.optimum + 1e-6


def test_an_unsolvable_problem_is_proven_so():
    for name in ("lost", "24: 1 1 1 1"):
        for judge in toys.judges(PROBLEMS[name]().table).values():
            result = PROBLEMS[name]().solve("ida", judge)
            assert (result.status, result.lower_bound, result.cost) == (Status.EXHAUSTED, math.inf, math.inf)


@needs_korf
@pytest.mark.parametrize("limit", [{"expansions": 1}, {"expansions": 1000}, {"evaluations": 1}, {"evaluations": 5}, {"evaluations": 12345}])
def test_the_packed_loop_keeps_to_its_budget_with_a_valid_bound(limit):
    puzzle = make("sliding", size=4)
    (row,) = korf(88)  # 65 moves away by Manhattan's 43
    result = ida(puzzle, puzzle.parse(next(value for name, value in row.items() if name.startswith("tiles"))), budget=Budget(**limit))
    (name, most), = limit.items()
    assert result.status is Status.BUDGET and most - 3 <= getattr(result, name) <= most
    assert int(row["manhattan_h0"]) <= result.lower_bound <= int(row["optimal_len"])


def test_a_masked_value_does_not_walk_by_the_heuristic():
    puzzle = make("sliding", size="2x3")
    masked = from_heuristic(puzzle).only(())
    assert masked.descent is None
    assert ida(puzzle, puzzle.parse("4 5 0 1 2 3"), masked, budget=Budget(expansions=10_000)).evaluations == 0
