"""The sliding puzzle: exact facts against plain breadth-first search, parity, text, pictures, and every way to be wrong."""

import itertools

import numpy as np
import pytest
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from astarzero.envs import make, sliding
from astarzero.envs.domain import expand_all_but_back, expand_onward, nth_onward, nth_written
from astarzero.search import from_heuristic

SIZES = ["2x2", "2x3", "3x2", 3, "2x5", "3x4", "4x3", "2x8", 4]
GOALS = ["blank-first", "blank-last"]
MOVES = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}  # of the blank, in the order of the actions
every_board = pytest.mark.parametrize(("size", "goal"), list(itertools.product(SIZES, GOALS)))


def text_of(board):
    return " ".join(map(str, board))


# --- exact facts ----------------------------------------------------------------------------------------------------------------


def test_the_8_puzzle_in_numbers():
    table = toys.table_of(make("sliding", size=3))
    manhattan = -from_heuristic(table.domain).evaluate(table.states).value
    assert len(table.states) == 181_440
    assert (table.cost_to_go.max(), (table.cost_to_go == 31).sum()) == (31, 2)
    assert table.cost_to_go.mean() == pytest.approx(21.9724, abs=5e-5)
    assert manhattan.mean() == 14.0
    assert (manhattan <= table.cost_to_go).all() and (manhattan % 2 == table.cost_to_go % 2).all()


@pytest.mark.parametrize(("height", "width", "last"), [(2, 2, False), (2, 2, True), (2, 3, False), (3, 2, True), (3, 3, False)])
def test_every_depth_is_that_of_a_plain_breadth_first_search(height, width, last):
    depths, cells = toys.breadth_first(height, width, last), height * width
    table = toys.table_of(make("sliding", size=f"{height}x{width}", goal=GOALS[last]))
    assert len(depths) == len(table.states)
    assert {tuple(sliding.unpack(row, cells)): depth for row, depth in zip(table.states, table.cost_to_go, strict=True)} == depths
    assert table.graph.goal.sum() == 1 and not table.graph.dead.any()


def test_2x3_in_numbers_and_every_optimal_action():
    table = toys.table_of(make("sliding", size="2x3"))
    depths = toys.breadth_first(2, 3)
    assert (len(table.states), table.cost_to_go.max()) == (360, 21)
    optimal = table.optimal_actions(np.arange(360))
    for row, actions, depth in zip(table.states, optimal, table.cost_to_go, strict=True):
        for successor, action, _ in zip(*table.domain.successors(row), strict=True):
            assert actions[action] == (depths[tuple(sliding.unpack(successor, 6))] == depth - 1)
        assert actions.any() == (depth > 0)


# --- moves and heuristic ------------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:overflow encountered")  # rules in plain Python: bits wrap around in NumPy's scalars
@every_board
def test_moves_move_the_blank_and_manhattan_follows_along(size, goal):
    """A random walk: each action moves the blank as its name says, and the incremental Manhattan equals the full one."""
    domain, rng = make("sliding", size=size, goal=goal), np.random.default_rng(0)
    assert domain.action_names == tuple(MOVES)
    height, width = sliding.parse_size(size)
    row = domain.random_state(rng)
    manhattan = sliding.manhattan(row, domain.context)
    for _ in range(60):
        tiles = sliding.unpack(row, height * width)
        place = np.array(divmod(tiles.index(0), width))
        rows, actions, costs = domain.successors(row)
        inside = [all(0 <= x < side for x, side in zip(place + step, (height, width), strict=True)) for step in MOVES.values()]
        assert np.array_equal(actions, np.flatnonzero(inside)) and (costs == 1).all()
        pick = rng.integers(len(actions))
        down, right = MOVES[domain.action_names[actions[pick]]]
        moved = sliding.unpack(rows[pick], height * width)
        assert moved.index(0) == (place[0] + down) * width + place[1] + right and moved[tiles.index(0)] == tiles[moved.index(0)]
        manhattan = sliding.manhattan_of_child(row, manhattan, actions[pick], rows[pick], domain.context)
        row = rows[pick]
        goals = {tile: divmod(cell, width) for cell, tile in enumerate(sliding.unpack(domain.context[2], height * width))}
        apart = sum(abs(goals[tile][0] - cell // width) + abs(goals[tile][1] - cell % width) for cell, tile in enumerate(moved) if tile)
        assert manhattan == sliding.manhattan(row, domain.context) == apart


def onward(state, back, context, successors, actions, costs, count):
    """Kernel: the hooks alone."""
    count[0] = expand_onward(state, back, context, successors, actions, costs)
    for number in range(count[0]):
        actions[number], costs[number] = nth_onward(number, state, back, context, successors, actions, costs)


@pytest.mark.parametrize("size", ("2x3", 4, 5))
def test_the_way_back_is_left_out_and_nothing_else(size):
    puzzle, rng, count = make("sliding", size=size), np.random.default_rng(0), np.zeros(1, np.int64)
    rows, actions, costs = np.zeros((4, puzzle.num_words), np.uint64), np.zeros(4, np.int64), np.zeros(4)
    for domain in (puzzle, puzzle.with_(expand_onward=expand_all_but_back, nth_onward=nth_written)):
        kernel = domain.bind(onward)
        for state, back in itertools.product([puzzle.random_state(rng) for _ in range(20)], range(-1, 4)):
            kernel(state, back, domain.context, rows, actions, costs, count)
            successors, all_actions, _ = puzzle.successors(state)
            kept = all_actions != back
            assert count[0] == kept.sum() and (costs[: count[0]] == 1).all()
            assert np.array_equal(rows[: count[0]], successors[kept]) and np.array_equal(actions[: count[0]], all_actions[kept])


@every_board
def test_the_goal_is_the_tiles_in_order(size, goal):
    domain = make("sliding", size=size, goal=goal)
    height, width = sliding.parse_size(size)
    tiles = [*range(1, height * width), 0] if goal == "blank-last" else list(range(height * width))
    row = domain.parse(text_of(tiles))
    assert domain.goal_mask(row)[0] and sliding.manhattan(row, domain.context) == 0
    assert not domain.goal_mask(domain.successors(row)[0]).any()
    assert domain.name == f"sliding-{height}x{width}-{goal}"


@pytest.mark.parametrize("moves", [0, 1, 2, 15])
def test_a_scramble_is_that_many_moves_from_the_goal_or_fewer(moves):
    domain, table = make("sliding", size=3), toys.table_of(make("sliding", size=3))
    for seed in range(5):
        depth = table.costs(sliding.scramble(domain, np.random.default_rng(seed), moves))[0]
        assert depth <= moves and depth % 2 == moves % 2


def test_random_states_are_uniform_over_the_solvable_ones():
    """Chi-square over the 12 boards of 2x2: 24 arrangements, half of them solvable. 31.3 is the 99.9 % point of 11 degrees."""
    domain, rng = make("sliding", size=2), np.random.default_rng(0)
    table = toys.table_of(domain)
    counts = np.bincount(table.graph.index(np.array([domain.random_state(rng) for _ in range(2400)])), minlength=12)
    assert len(counts) == 12 and ((counts - 200) ** 2 / 200).sum() < 31.3


# --- text and parity --------------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_board_is_read_back_or_refused_for_its_parity(data):
    """Exactly one of a board and the same board with two tiles swapped is solvable, and the sentence names a swap that mends it."""
    domain = make("sliding", size=data.draw(st.sampled_from(SIZES)), goal=data.draw(st.sampled_from(GOALS)))
    cells = len(domain.context[0])
    tiles = data.draw(st.permutations(range(cells)))
    separator = data.draw(st.sampled_from([" ", ",", ", ", "  "]))
    try:
        row = domain.parse(separator.join(map(str, tiles)))
    except ValueError as problem:
        assert "odd parity" in str(problem)
        first, second = (int(word) for word in str(problem).split("tiles ")[1].split(" mends")[0].split(" and "))
        tiles = [{first: second, second: first}.get(tile, tile) for tile in tiles]
        row = domain.parse(text_of(tiles))
    assert domain.format(row) == text_of(tiles) and sliding.unpack(row, cells) == tiles
    swapped = [{1: 2, 2: 1}.get(tile, tile) for tile in tiles]
    with pytest.raises(ValueError, match="odd parity"):
        domain.parse(text_of(swapped))


@pytest.mark.parametrize(("height", "width", "last"), [(2, 3, False), (3, 2, True), (3, 3, False)])
def test_parity_separates_what_moves_connect(height, width, last):
    depths = toys.breadth_first(height, width, last)
    goal = next(board for board, depth in depths.items() if depth == 0)
    boards = itertools.islice(itertools.permutations(range(height * width)), 0, None, 1 if height * width < 9 else 97)
    for board in boards:
        assert sliding.is_solvable(list(board), list(goal), width) == (board in depths)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0 1 2 3 4", "5 tiles were given, but a 2x3 board has 6 cells"),
        ("", "0 tiles were given"),
        ("0 1 2 3 4 4", "Tile 4 stands more than once and tile 5 is missing"),
        ("0 1 2 3 4 6", "Tile 6 is out of range on a 2x3 board"),
        ("0 1 2 3 4 -5", "Tile -5 is out of range"),
        ("0 1 2 3 4 x", "'x' is not a tile"),
        ("0 1 2 3 4 --5", "'--5' is not a tile"),
        ("0 1 2 3 4 5.0", "'5.0' is not a tile"),
        ("0 1 2 3 4 ²", "'²' is not a tile"),
        ("0 1 2 3 4 1_0", "'1_0' is not a tile"),
        ("0 1 2 3 4 " + "9" * 5000, "'99999999999999999999' is not a tile"),
        ("0 2 1 3 4 5", "swapping tiles 2 and 1 mends it"),
    ],
)
def test_a_bad_board_gets_one_sentence(text, sentence):
    with pytest.raises(ValueError) as error:
        make("sliding", size="2x3").parse(text)
    assert sentence in toys.one_sentence(error)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": 1}, "Size 1x1 is out of range"),
        ({"size": "1x9"}, "Size 1x9 is out of range"),
        ({"size": 7}, "Size 7x7 is out of range"),
        ({"size": "2x19"}, "Size 2x19 is out of range"),
        ({"size": "-3"}, "Size -3x-3 is out of range"),
        ({"size": "three"}, "Size 'three' is not a size"),
        ({"size": "3x"}, "Size '3x' is not a size"),
        ({"size": "3x3x3"}, "Size '3x3x3' is not a size"),
        ({"size": 3.5}, "Size '3.5' is not a size"),
        ({"goal": "blank"}, "Goal 'blank' is not known"),
        ({"sise": 3}, "has no option 'sise'"),
    ],
)
def test_a_bad_option_gets_one_sentence(options, sentence):
    with pytest.raises(ValueError) as error:
        make("sliding", **options)
    assert sentence in toys.one_sentence(error)


# --- pictures ---------------------------------------------------------------------------------------------------------------------------


def test_the_board_in_text():
    domain = make("sliding", size="2x5")
    assert domain.render(domain.parse("1 2 3 4 9 5 6 7 8 0")) == " 1  2  3  4  9\n 5  6  7  8  ."


@pytest.mark.parametrize("size", SIZES)
def test_the_board_in_colour(size):
    """As many pictures as cells of 64 pixels; the blank has no digit, every other cell has, and different tiles differ."""
    domain = make("sliding", size=size)
    height, width = sliding.parse_size(size)
    row = domain.random_state(np.random.default_rng(1))
    picture, tiles = domain.render_rgb(row), sliding.unpack(row, height * width)
    assert (picture.shape, picture.dtype) == ((64 * height, 64 * width, 3), np.uint8)
    places = {tile: (64 * (cell // width), 64 * (cell % width)) for cell, tile in enumerate(tiles)}
    cells = {tile: picture[top : top + 64, left : left + 64] for tile, (top, left) in places.items()}
    assert len(np.unique(cells[0].reshape(-1, 3), axis=0)) == 1
    assert len({cell.tobytes() for cell in cells.values()}) == height * width
    assert all((cell == (60, 52, 40)).all(axis=2).any() for tile, cell in cells.items() if tile)
