"""The solver of Go against known values, against whole tables, and against search without any cleverness.

Values depend on the ko rule, so each stands with its own. Unconditional life is checked on every position of small boards.
"""

import threading

import numpy as np
import pytest
import toys
from go_games import after, go
from test_go_tables import graph, table, white_to_move

from astarzero.envs import go_reference, make
from astarzero.envs.bitboard import count
from astarzero.envs.compile import bind
from astarzero.envs.go import KO_RULES, parse_size, start
from astarzero.envs.go_life import safe_points
from astarzero.envs.go_rules import LAST, PASS, field, info_of, stones_of
from astarzero.envs.go_solver import BUDGET, INTERRUPTED, SOLVED, solve_go

POSITIONAL = [("1x1", 0), ("1x2", 0), ("1x3", 3), ("1x4", 4), ("1x5", 0), ("1x6", 1), ("2x2", 1), ("2x3", 0)]


def solved(size, ko, position=None, **limits):
    domain = go(size, ko=ko)
    return solve_go(domain, domain.parse(position) if position else start(domain), **limits)


# --- known values ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "value"), POSITIONAL)
def test_values_under_positional_superko_without_suicide(size, value):
    """John Tromp, tromp.github.io/go.html."""
    found = solved(size, "positional")
    assert (found.status, found.value) == (SOLVED, value)


@pytest.mark.parametrize(("size", "value"), [("1x3", 3), ("1x4", 4), ("1x5", 0), ("2x2", 1)])
def test_values_under_situational_superko_without_suicide(size, value):
    assert solved(size, "situational").value == value


def test_three_by_three_under_simple_ko_is_nine_from_the_centre_whatever_an_endless_game_is_worth():
    """Van der Werf, van den Herik and Uiterwijk 2003."""
    found = solved("3x3", "simple")
    assert (found.status, found.value, found.action) == (SOLVED, 9, 4)


@pytest.mark.slow
def test_three_by_four_under_simple_ko():
    """Black forces 4 points whatever an endless game is worth; White can force nothing without a rule for it (see test_go_tables.py)."""
    found = solved("3x4", "simple", max_horizon=60, table_bits=22)
    assert (found.lower, found.upper) == (4, 12) and found.action in (5, 6)


@pytest.mark.slow
def test_one_by_seven_under_positional_superko():
    assert solved("1x7", "positional", table_bits=22).value == 2


@pytest.mark.parametrize(("size", "bounds"), [("1x5", (-5, 5)), ("2x2", (-4, 4)), ("2x3", (-6, 6))])
def test_simple_ko_alone_leaves_an_endless_game_open(size, bounds):
    """What either player can force is nothing, unless a rule says what an endless game is worth."""
    found = solved(size, "simple", max_horizon=16)
    assert (found.status, found.value, (found.lower, found.upper)) == (BUDGET, None, bounds)


# --- against other methods ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["1x4", "2x2", "2x3", "3x3"])
def test_what_either_player_can_force_under_simple_ko_is_what_the_tables_say(size):
    """`lower` is the value when an endless game is worth the least to Black, `upper` when it is worth the most."""
    states, points = graph(size).states, graph(size).domain.num_actions - 1
    sign = np.where(white_to_move(states), -1, 1)
    lowest, highest = sign * table(size, -points).value, sign * table(size, points).value
    chosen = np.random.default_rng(1).choice(len(states), min(len(states), 60), replace=False)
    both = 0
    for index in chosen:
        found = solve_go(graph(size).domain, states[index], max_horizon=60, max_nodes=200_000, table_bits=14)
        assert found.lower <= lowest[index] and found.upper >= highest[index]
        if found.status == SOLVED:
            both += 1
            assert found.lower == lowest[index] == highest[index]
            if found.action is not None:
                assert table(size).optimal_actions(states[index])[0, found.action]
        elif found.horizon == 60:  # far enough for all these boards
            assert (found.lower, found.upper) == (lowest[index], highest[index])
    assert both > len(chosen) // 4


def minimax(game, alpha, beta):
    """Black's points by the slow rules and nothing else."""
    if game.over:
        return game.area("X") - game.area("O")
    black = game.to_move == "X"
    best = -99 if black else 99
    for move in sorted(game.legal_moves()):
        game.play(move)
        value = minimax(game, alpha, beta)
        game.undo()
        best = max(best, value) if black else min(best, value)
        alpha, beta = (max(alpha, best), beta) if black else (alpha, min(beta, best))
        if alpha >= beta:
            break
    return best


POSITIONS = [
    ("1x3", "..."), ("1x3", ".X."), ("1x3", "O.X"), ("2x2", "X./.O"), ("2x2", ".X/X."), ("2x2", "OO/X."), ("1x4", "X.O."), ("1x4", ".XO."),
]  # fmt: skip


@pytest.mark.parametrize("suicide", [False, True])
@pytest.mark.parametrize("ko", ["positional", "situational"])
@pytest.mark.parametrize(("size", "board"), POSITIONS)
def test_superko_by_minimax_over_the_slow_rules(size, board, ko, suicide):
    domain = go(size, ko=ko, suicide=suicide)
    for side, to_move in (("black", "X"), ("white", "O")):
        game = go_reference.Game(*parse_size(size), ko, suicide, go_reference.board_from(board.split("/")), to_move)
        assert solve_go(domain, domain.parse(f"{board} to={side}")).value == minimax(game, -9, 9), side


@pytest.mark.parametrize("ko", KO_RULES[1:])
def test_the_line_counts_and_best_play_keeps_the_value(ko):
    """Both play the solver's moves with the line so far: the value stays what it was, to the end."""
    for size, moves in (("2x2", ""), ("1x5", "B1 D1"), ("2x3", "B2 A1"), ("1x4", "A1 B1")):
        line = after(go(size, ko=ko), moves)
        value = solve_go(line.domain, line.state, line.keys).value
        while not line.over:
            found = solve_go(line.domain, line.state, line.keys, table_bits=16)
            assert found.status == SOLVED and found.value == value and line.action_mask()[found.action]
            line.play(found.action)
        black_lead = solve_go(line.domain, line.state, line.keys)
        assert black_lead.value == value and black_lead.action is None


def test_the_past_changes_a_value_under_superko():
    """After B1, D1 and Black's C1 on 1x5 White wins all five; were the same stones the start, nobody would be ahead."""
    line = after(go("1x5", ko="positional"), "B1 D1 C1")
    assert solve_go(line.domain, line.state, line.keys).value == -5
    assert solve_go(line.domain, line.state).value == 0


# --- unconditional life -------------------------------------------------------------------------------------------------------------------


def safe_kernel(rows, context, safe):
    """Kernel: how many points the mover and the opponent are sure of, int64 [N, 2]."""
    for index in range(rows.shape[0]):
        own, enemy = stones_of(rows[index], context)
        safe[index, 0] = count(safe_points(own, enemy, True, context))
        safe[index, 1] = count(safe_points(enemy, own, field(info_of(rows[index]), LAST) != context[2][PASS] + 1, context))


@pytest.mark.parametrize("size", ["1x4", "1x5", "2x3", "3x3"])
def test_points_that_are_sure_are_kept_in_every_position_against_the_best_play(size):
    """In all positions of the board, and an endless game being the worst for their owner."""
    found, points = graph(size), graph(size).domain.num_actions - 1
    safe = np.zeros((len(found.states), 2), np.int64)
    bind(safe_kernel, {})(found.states, found.domain.context, safe)
    low, high = table(size, -points).value, table(size, points).value
    white = white_to_move(found.states)
    worst, best = np.where(white, high, low)[~found.dead], np.where(white, low, high)[~found.dead]
    safe = safe[~found.dead]
    assert (worst >= 2 * safe[:, 0] - points).all() and (best <= points - 2 * safe[:, 1]).all()
    assert (safe > 0).any()


@pytest.mark.parametrize(
    ("board", "points"),
    [
        (".X.../XX.../...../...../.....", 0),  # one eye
        (".X.X./XXXX./...../...../.....", 8),  # two eyes: six stones, two points
        ("..X../..X../XXX../...../.....", 0),  # a corner of four, one point of which touches no stone of the wall
        ("..X../..X../XX.../...../.....", 0),
        (".X.XO/.XX.O/XX.../...../.....", 0),
        (".X.X.X./XXXXXX./......./......./......./......./.......", 12),  # three eyes
    ],
)  # fmt: skip
def test_unconditional_life_in_diagrams(board, points):
    domain = go(len(board.split("/")), ko="simple")
    safe = np.zeros((1, 2), np.int64)
    bind(safe_kernel, {})(domain.parse(f"{board} to=black")[None], domain.context, safe)
    assert safe[0].tolist() == [points, 0]


# --- limits and bad input ----------------------------------------------------------------------------------------------------------------


def test_limits_end_it_with_what_is_proven():
    found = solved("4x4", "simple", max_nodes=50_000)
    assert found.status == BUDGET and found.nodes == 50_000 and found.lower <= 2 <= found.upper
    assert solved("4x4", "simple", max_seconds=1e-9).status == BUDGET
    stop = threading.Event()
    stop.set()
    assert solved("4x4", "simple", stop=stop).status == INTERRUPTED


def test_ctrl_c_ends_it_with_what_is_proven(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("astarzero.envs.go_solver.Attack.note", interrupt)
    assert solved("1x3", "positional").status == INTERRUPTED


def test_a_slice_changes_nothing(monkeypatch):
    whole = solved("2x2", "positional")
    monkeypatch.setattr("astarzero.envs.go_solver.SLICE_NODES", 7)
    sliced = solved("2x2", "positional")
    assert (whole.value, whole.action, whole.nodes) == (sliced.value, sliced.action, sliced.nodes)


def test_bad_input_is_one_sentence():
    line = after(go("2x2"), "A1 B2")
    for problem, match in (
        (lambda: solve_go(make("sliding", size="2x2"), np.zeros(1, np.uint64)), "a domain of Go"),
        (lambda: solve_go(line.domain, line.state, line.keys[:1]), "does not end in the position"),
        (lambda: solve_go(line.domain, line.state, table_bits=0), "2\\^0 entries"),
    ):
        with pytest.raises(ValueError, match=match) as error:
            problem()
        toys.one_sentence(error)
