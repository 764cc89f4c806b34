"""The counting recursion of sliding tiles against the rule that it stands in for, node by node, and IDA* with it against IDA* without."""

from dataclasses import replace

import numpy as np
import pytest
from test_every_search import record

from astarzero.envs import make
from astarzero.envs.compile import bind
from astarzero.envs.descent import MADE_SHIFT, SLACK_SHIFT, count_below, descend, uncounted
from astarzero.envs.sliding import scramble
from astarzero.search import SEARCHES, Budget, from_heuristic

ida = SEARCHES["ida"]
every_goal = pytest.mark.parametrize("goal", ["blank-first", "blank-last"])


def ask(board, label):
    return count_below(board, label)


def walk(board, label, goal, counts, boards, labels, notes, tables):
    """What `ask` should say, by a stack."""
    boards[0], labels[0] = board, label
    top, nodes, made, met = np.uint64(1), 0, 0, False
    while top > np.uint64(0):
        top -= np.uint64(1)
        met |= boards[top] == goal
        nodes += 1
        made += counts[labels[top] & 0xFFFF]
        top = descend(boards[top], labels[top], boards, labels, notes, top, tables)
    return nodes, made, met


@every_goal
@pytest.mark.parametrize("size", ["2x2", "2x3", "3x3", "5x2", "3x4", "4x4", "2x8"])
def test_it_counts_what_the_rule_visits(size, goal):
    puzzle, rng = make("sliding", size=size, goal=goal), np.random.default_rng(0)
    descent = from_heuristic(puzzle).descent
    counting, walking = bind(ask, {"count_below": descent.count_below}), bind(walk, {"descend": descent.rule})
    stack = np.zeros(1 << 10, np.uint64), np.zeros(1 << 10, np.int64), np.zeros((1 << 10, 0), np.uint64)
    seen = set()
    for moves in (0, 1, 2, 3, 5, 8, 13, 30, 60, 100):
        row = scramble(puzzle, rng, moves)
        for slack in range(4):
            label = (slack << SLACK_SHIFT) + descent.root(row)[0]
            below = counting(row[0], label)
            nodes, made, met = walking(row[0], label, descent.goal[0], descent.counts, *stack, descent.tables)
            assert (below < 0) == met and (below & ((1 << MADE_SHIFT) - 1)) == nodes
            assert (below & ((1 << 63) - 1)) >> MADE_SHIFT == made
            seen.add(met)
    assert seen == {True, False} or size == "2x2"


@every_goal
@pytest.mark.parametrize("size", ["2x2", "2x3", "3x3", "3x4", "4x4"])
def test_no_search_can_tell_that_it_counted(size, goal):
    puzzle, rng = make("sliding", size=size, goal=goal), np.random.default_rng(1)
    counting = from_heuristic(puzzle)
    walking = replace(counting, descent=replace(counting.descent, count_below=uncounted))
    for moves in (0, 3, 10, 20, 40, 60):
        row = scramble(puzzle, rng, moves)
        whole = record(ida(puzzle, row, counting))
        assert whole == record(ida(puzzle, row, walking))
        made = int(whole["evaluations"])
        for limit in (1, 2, made // 3, made - 1, made, made + 1):
            for name in ("expansions", "evaluations"):
                one, other = (record(ida(puzzle, row, judge, budget=Budget(**{name: max(1, limit)}))) for judge in (counting, walking))
                assert one == other
