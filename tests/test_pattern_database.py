"""Pattern databases against searches in plain Python that know nothing of ranks, exhaustively on the 8-puzzle, and on broken files."""

import collections
import itertools
import json

import numpy as np
import pytest
import toys

from astarzero.envs import make, pattern_tables, sliding
from astarzero.envs.compile import bind
from astarzero.envs.pattern_build import build, rank_in_python, rank_weights
from astarzero.envs.pattern_rules import additive, locate, pattern_value, rank_change, rank_of
from astarzero.experiments.__main__ import main
from astarzero.search import astar, from_heuristic

GOALS = ["blank-first", "blank-last"]
PAIRS = {  # partitions small enough for plain Python
    (4, 4): ("AACC", "BBDD", "EEFF", "GGH."),
    (5, 5): ("AACCD", "BBFFD", "EEGGH", "JJIIH", "KKLL."),
}
every_goal = pytest.mark.parametrize("goal", GOALS)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ASTARZERO_CACHE", str(tmp_path / "cache"))


def by_hand(height, width, homes, blank_home):
    """Fewest moves of the tiles by placement, wherever the blank is: a 0-1 breadth-first search over (cells, blank), backwards."""
    goal = (tuple(homes), blank_home)
    costs, queue = {goal: 0}, collections.deque([goal])
    while queue:
        cells, blank = here = queue.popleft()
        row, column = divmod(blank, width)
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            if 0 <= row + down < height and 0 <= column + right < width:
                other = blank + down * width + right
                counts = other in cells
                there = (tuple(blank if cell == other else cell for cell in cells), other)
                if costs[here] + counts < costs.get(there, 1 << 30):
                    costs[there] = costs[here] + counts
                    (queue.append if counts else queue.appendleft)(there)
    best = {}
    for (cells, _), cost in costs.items():
        best[cells] = min(cost, best.get(cells, cost))
    return best


# --- one database --------------------------------------------------------------------------------------------------------------


BOARDS = [
    (2, 3, [0, 3], 5),
    (2, 3, [5, 1, 0, 2, 3], 4),
    (3, 3, [8, 0, 4], 2),
    (3, 3, [1, 2], 0),
    (2, 4, [7, 6, 5, 4], 0),
    (4, 4, [10, 3], 15),
]


@pytest.mark.parametrize(("height", "width", "homes", "blank_home"), BOARDS)
def test_every_value_is_that_of_a_plain_search(height, width, homes, blank_home):
    """The tiles' order is any order, so that their digits are met in every constellation."""
    expected = by_hand(height, width, homes, blank_home)
    values = build(height, width, homes, blank_home)
    placements = list(itertools.permutations(range(height * width), len(homes)))
    ranks = [rank_in_python(list(placement), height * width) for placement in placements]
    assert sorted(ranks) == list(range(len(values)))  # dense
    got = {placement: int(values[rank]) for placement, rank in zip(placements, ranks, strict=True)}
    solvable = {placement: cost for placement, cost in got.items() if cost != 255}  # with one free cell, half of them are not
    assert solvable == expected
    assert len(solvable) == len(got) or len(homes) == height * width - 1


def test_the_last_digit_counts_single_placements():
    assert rank_weights(16, 3).tolist() == [15 * 14, 14, 1]
    assert rank_in_python([15, 14, 13], 16) == 16 * 15 * 14 - 1 and rank_in_python([0, 1, 2], 16) == 0


# --- the sum of all patterns -----------------------------------------------------------------------------------------------------


@every_goal
def test_the_8_puzzle_has_no_state_that_is_judged_too_dear(goal):
    table = toys.table_of(make("sliding", size=3, goal=goal))
    h = -from_heuristic(table.domain, "pdb").evaluate(table.states).value
    manhattan = -from_heuristic(table.domain, "manhattan").evaluate(table.states).value
    assert (h <= table.cost_to_go).all() and (h >= manhattan).all()
    assert (h % 2 == table.cost_to_go % 2).all() and (h == 0).sum() == 1
    assert h.mean() > 19 > 14 == manhattan.mean()
    # Not consistent, since the blank may be shut in: what is promised is parity, and re-opening does the rest.
    jumps = np.abs(h[table.graph.edge_parent] - h[table.graph.child])
    assert (jumps % 2 == 1).all() and jumps.max() > 1


@pytest.mark.parametrize("size", ["2x2", "2x3", "3x2", "2x4"])
@every_goal
def test_small_boards_are_judged_admissibly(size, goal):
    table = toys.table_of(make("sliding", size=size, goal=goal))
    h = -from_heuristic(table.domain, "pdb").evaluate(table.states).value
    manhattan = -from_heuristic(table.domain, "manhattan").evaluate(table.states).value
    assert (h <= table.cost_to_go).all() and (h >= manhattan).all()


@every_goal
def test_astar_stays_optimal_though_the_databases_are_not_consistent(goal):
    table = toys.table_of(make("sliding", size=3, goal=goal))
    judge = from_heuristic(table.domain, "pdb")
    for index in np.random.default_rng(0).integers(len(table.states), size=40):
        result = astar(table.domain, table.states[index], judge)
        assert result.cost == result.lower_bound == table.cost_to_go[index]


def small(monkeypatch, size, goal):
    """A domain whose databases are those of PAIRS, and their context."""
    monkeypatch.setitem(pattern_tables.PARTITIONS, (size, size), {"pairs": PAIRS[size, size]})
    domain = sliding.make.__wrapped__(size, goal)
    return domain, domain.heuristics["pdb"].tables()


def expected_sum(size, goal, tiles, expected):
    """The larger sum of the board and its reflection, from PAIRS and `by_hand`'s answers alone."""
    last = size * size - 1
    drawing = "".join(PAIRS[size, size])
    letter = {(cell if goal == "blank-last" else last - cell): one for cell, one in enumerate(drawing)}
    goal_cell = {tile: (tile - 1) % (last + 1) if goal == "blank-last" else tile for tile in tiles}
    sums = []
    for reflected in (False, True):
        turn = [cell % size * size + cell // size if reflected else cell for cell in range(last + 1)]
        where = {turn[goal_cell[tile]]: turn[cell] for cell, tile in enumerate(tiles)}  # goal cell -> cell
        total = 0
        for one in sorted(set(drawing) - {"."}):
            homes = tuple(cell for cell in range(last + 1) if letter[cell] == one)
            total += expected(homes)[tuple(where[home] for home in homes)]
        sums.append(total)
    return max(sums)


@pytest.mark.parametrize("size", [4, 5])
@every_goal
def test_sums_of_small_patterns_are_those_of_plain_searches(monkeypatch, size, goal):
    domain, context = small(monkeypatch, size, goal)
    answers = {}
    blank_home = 0 if goal == "blank-first" else size * size - 1

    def expected(homes):
        if homes not in answers:
            answers[homes] = by_hand(size, size, homes, blank_home)
        return answers[homes]

    rng = np.random.default_rng(3)
    rows = [domain.random_state(rng) for _ in range(20)] + [sliding.scramble(domain, rng, moves) for moves in (0, 1, 5, 20, 80)]
    rule = domain.bind(additive)
    for row in rows:
        assert rule(row, context) == expected_sum(size, goal, sliding.unpack(row, size * size), expected)


@pytest.mark.parametrize("size", [4, 5])
@every_goal
def test_a_rank_follows_a_moving_tile(monkeypatch, size, goal):
    """Along a random walk, in both orientations: the change of one pattern's rank, while all others stay."""
    domain, context = small(monkeypatch, size, goal)
    rng = np.random.default_rng(1)
    row, find, rank, change = domain.random_state(rng), bind(locate, {}), bind(rank_of, {}), bind(rank_change, {})
    starts, pattern_of = context[10], context[12]

    def inverse_of(row):
        return tuple(np.uint64(word) for word in find(row, context))  # Numba hands words back as Python's numbers

    def ranks_of(row):
        where = inverse_of(row)
        return np.array([[rank(orientation, pattern, *where, context) for pattern in range(len(starts))] for orientation in range(2)])

    ranks = ranks_of(row)
    for _ in range(100):
        rows, _, _ = domain.successors(row)
        child = rows[rng.integers(len(rows))].copy()
        before, after = sliding.unpack(row, size * size), sliding.unpack(child, size * size)
        blank, cell = before.index(0), after.index(0)
        for orientation in range(2):
            pattern = pattern_of[orientation, before[cell]]
            ranks[orientation, pattern] += change(orientation, row, before[cell], cell, blank, context)
        assert np.array_equal(ranks, ranks_of(child))
        row = child
    assert bind(pattern_value, {})(1, 2, *inverse_of(row), context) == context[11][starts[2] + ranks[1, 2]]


def test_the_two_goals_are_one_puzzle_turned_round(monkeypatch):
    first, last = small(monkeypatch, 4, "blank-first"), small(monkeypatch, 4, "blank-last")
    rng, rule = np.random.default_rng(2), bind(additive, {})
    for _ in range(50):
        row = first[0].random_state(rng)
        turned = [(16 - tile) % 16 for tile in reversed(sliding.unpack(row, 16))]
        assert rule(row, first[1]) == rule(sliding.pack(turned), last[1])


# --- partitions --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(2, 2), (2, 3), (3, 3), (3, 4), (2, 8), (4, 4), (4, 5), (5, 5)])
@pytest.mark.parametrize("blank_last", [False, True])
def test_every_tile_is_in_one_pattern_and_the_name_tells_their_sizes(height, width, blank_last):
    assert pattern_tables.partitions(height, width)
    for name in pattern_tables.partitions(height, width):
        patterns = pattern_tables.pattern_cells(height, width, name, blank_last)
        blank = height * width - 1 if blank_last else 0
        assert sorted(itertools.chain(*patterns)) == [cell for cell in range(height * width) if cell != blank]
        assert sorted(len(pattern) for pattern in patterns) == sorted(map(int, name.split("-")))
        assert all(pattern == sorted(pattern) for pattern in patterns)


def test_defaults_and_choices_are_heuristics_by_name():
    assert {"pdb", "pdb-7-7-1", "pdb-7-8"} < set(make("sliding", size=4).heuristics)
    assert {"pdb", "pdb-6-6-6-6"} < set(make("sliding", size=5).heuristics)
    assert pattern_tables.partitions(4, 4)[0] == "6-6-3" and pattern_tables.partitions(5, 5)[0] == "5-5-5-5-4"
    assert "pdb" not in make("sliding", size=6).heuristics


# --- files --------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The 3x3 databases, kept however small: (a function that reads or builds them, their folder, how often one was built)."""
    monkeypatch.setattr(pattern_tables, "WORTH_KEEPING", 1)
    built = []
    monkeypatch.setattr(pattern_tables, "build", lambda *arguments: built.append(arguments[2]) or build(*arguments))
    context, tiles = make("sliding", size=3).context, list(range(9))
    return lambda: pattern_tables.pattern_context(context, 3, tiles, "4-4")[11], tmp_path / "cache", built


def test_what_was_kept_is_read(kept):
    values, folder, built = kept
    first = values()
    assert len(built) == 2 and len(list(folder.iterdir())) == 2
    again = values()
    assert len(built) == 2 and np.array_equal(again, first)
    header = json.loads(min(folder.iterdir()).read_bytes().partition(b"\n")[0])
    assert header["goal"] == "sliding-3x3-blank-first" and header["placements"] == 9 * 8 * 7 * 6


def corrupt_byte(data):
    return data[:-100] + bytes([data[-100] ^ 1]) + data[-99:]


def claim_other_tiles(data):
    header, _, table = data.partition(b"\n")
    return json.dumps({**json.loads(header), "tiles": [1, 2, 3, 8]}).encode() + b"\n" + table


WAYS = {
    "checksum": (corrupt_byte, "its checksum is wrong"),
    "short": (lambda data: data[:-1], "its length is wrong"),
    "long": (lambda data: data + b"x", "its length is wrong"),
    "empty": (lambda data: b"", "Expecting value"),
    "no header": (lambda data: b"[]\n" + data, "its header"),
    "other tiles": (claim_other_tiles, "its header"),
    "binary": (lambda data: b"\xff\xfe" + data, "Expecting value"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_file_is_built_again_with_one_sentence(kept, way):
    values, folder, built = kept
    spoil, reason = WAYS[way]
    first = values()
    file = min(folder.iterdir())
    whole = file.read_bytes()
    file.write_bytes(spoil(whole))
    with pytest.warns(RuntimeWarning, match=reason) as told:
        assert np.array_equal(values(), first)
    assert len(told) == 1 and str(told[0].message).endswith("so it is built again.")
    assert len(built) == 3 and file.read_bytes() == whole


def test_a_folder_that_cannot_be_written_costs_a_sentence_and_nothing_else(kept):
    values, folder, _ = kept
    folder.write_text("a file where the folder should be")
    with pytest.warns(RuntimeWarning) as told:
        assert values().any()
    assert {str(one.message).rpartition("; ")[2] for one in told if "kept" in str(one.message)} == {"set ASTARZERO_CACHE."}


def test_the_command_line_solves_with_the_databases(capsys):
    assert main(["solve", "sliding", "--size", "3", "--heuristic", "pdb", "--state", "8 7 6 5 4 3 2 1 0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cost"] == 28


@pytest.mark.slow
def test_the_15_puzzle_with_its_default_partition(tmp_path, capsys):
    domain = make("sliding", size=4)
    judge = from_heuristic(domain, "pdb")
    assert capsys.readouterr().err.startswith("Pattern database 6-6-3") and len(judge.tables[9]) == 2 * 5_765_760 + 3360
    row = domain.parse("14 1 9 6 4 8 12 5 7 2 3 0 10 11 13 15")  # Korf's number 12: 45 moves
    assert astar(domain, row, judge).cost == 45
