"""The tables of whole boards under simple ko: known facts, Bellman's equation by other rules, symmetry, and play by the table."""

import functools

import numpy as np
import pytest
import toys
from go_games import go

from astarzero.envs import go_reference, make
from astarzero.envs.go import parse_size, start, unpack
from astarzero.envs.go_rules import LAST, PASS, field, info_of
from astarzero.envs.go_symmetries import turns
from astarzero.envs.go_tables import go_graph, go_table, solve_go_graph

SIZES = ("1x1", "1x2", "1x3", "1x4", "1x5", "2x2", "2x3", "3x3")
EVERY_RULE = (-9.0, 0.0, 9.0)  # what a game without end may be worth to Black


@functools.cache
def graph(size, suicide=False):
    return go_graph(go(size, ko="simple", suicide=suicide))


@functools.cache
def table(size, no_result=0.0, suicide=False):
    return solve_go_graph(graph(size, suicide), no_result)


def white_to_move(states):
    return states[:, -2] & np.uint64(1) == 1


@pytest.mark.parametrize(("size", "positions"), [("1x1", 1), ("2x2", 57), ("3x3", 12_675)])
def test_a_table_has_every_legal_position_for_both_players(size, positions):
    states = table(size).graph.states
    for side in (0, 1):
        assert len(np.unique(states[states[:, -2] == side][:, :2], axis=0)) == positions  # nobody has passed, no ko


def test_three_by_three_is_nine_points_from_the_centre_whatever_an_endless_game_is_worth():
    """Van der Werf, van den Herik and Uiterwijk 2003 (basic ko): +9; the side is worth 3 and the corner -9, as he found too."""
    empty = start(go(3, ko="simple"))
    for no_result in EVERY_RULE:
        assert table("3x3", no_result).black_values(empty) == 9
    for no_result in EVERY_RULE[:2]:
        assert table("3x3", no_result).q(empty)[0].tolist() == [-9, 3, -9, 3, 9, 3, -9, 3, -9, -9]
    assert table("3x3", 9.0).q(empty)[0].tolist() == [-9, 9, -9, 9, 9, 9, -9, 9, -9, -9]  # after a side opening White cannot end it


@pytest.mark.slow
def test_three_by_four_is_four_points_unless_an_endless_game_is_worth_more():
    """1,953,602 rows. Simple ko: +4 when an endless game is worth 4 to Black or less."""
    four, empty = graph("3x4"), start(go("3x4", ko="simple"))
    assert [solve_go_graph(four, no_result).black_values(empty)[0] for no_result in (-12.0, 0.0, 4.0, 6.0, 12.0)] == [4, 4, 4, 6, 12]


ENDLESS = [("1x3", (3, 3, 3)), ("1x4", (4, 4, 4)), ("1x5", (-5, 0, 5)), ("2x2", (-4, 0, 4)), ("2x3", (-6, 0, 6))]


@pytest.mark.parametrize(("size", "values"), ENDLESS)
def test_other_boards_and_what_an_endless_game_is_worth(size, values):
    """Under simple ko alone 1x5, 2x2 and 2x3 are endless games; positional superko makes them 0, +1 and 0 (test_go_solver.py)."""
    points = graph(size).domain.num_actions - 1
    assert tuple(table(size, worth * points).black_values(start(graph(size).domain))[0] for worth in (-1.0, 0.0, 1.0)) == values


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("no_result", EVERY_RULE)
def test_every_value_is_the_best_of_its_actions(size, no_result):
    found = table(size, no_result)
    values, q = found.values(found.graph.states), found.q(found.graph.states)
    over = np.isnan(q).all(1)
    assert np.array_equal(over, found.graph.dead) and np.array_equal(np.nanmax(q[~over], 1), values[~over])
    assert np.array_equal(found.optimal_actions(found.graph.states).any(1), ~over)


@pytest.mark.parametrize("suicide", [False, True])
def test_the_table_by_the_slow_rules(suicide):
    """Ends by the reference's score, the rest by its moves: 2x2, where every state's game is rebuilt from its row."""
    found = table("2x2", 0.0, suicide)
    domain = go("2x2", ko="simple", suicide=suicide)
    for row, value, q in zip(found.graph.states, found.value, found.q(found.graph.states)):
        points, fields = unpack(row, domain)
        board = {divmod(action, 2): "XO"[point - 1] for action, point in enumerate(points) if point}
        game = go_reference.Game(2, 2, "simple", suicide, board, "XO"[fields["to_move"]])
        if not np.isnan(q).all():
            legal = {4 if move == go_reference.PASS else 2 * move[0] + move[1] for move in game.legal_moves()}
            assert set(np.flatnonzero(~np.isnan(q))) == legal - ({fields["ko"] - 1} if fields["ko"] else set())
        else:
            lead = game.area("X") - game.area("O")
            assert value == (-lead if fields["to_move"] else lead)


def test_symmetric_positions_have_equal_values():
    for size in ("2x3", "3x3"):
        found, domain = table(size), graph(size).domain
        height, width = parse_size(size)
        quiet = found.graph.states[field(info_of(found.graph.states.T), LAST) == 0][::7]
        for turn in turns(height, width):
            images = np.array([image(row, turn, domain) for row in quiet])
            assert np.array_equal(found.values(images), found.values(quiet))
            assert np.array_equal(found.optimal_actions(images)[:, turn], found.optimal_actions(quiet))


def image(row, turn, domain):
    """The row of a position turned, without passes."""
    points, fields = unpack(row, domain)
    names, turned = domain.action_names, ["."] * (domain.num_actions - 1)
    for action, point in enumerate(points):
        turned[turn[action]] = ".XO"[point]
    width = parse_size(domain.name.split("-")[1])[1]
    board = "/".join("".join(turned[first : first + width]) for first in range(0, len(turned), width))
    ko = f" ko={names[turn[fields['ko'] - 1]]}" if fields["ko"] else ""
    return domain.parse(f"{board} to={('black', 'white')[fields['to_move']]}{ko}")


def test_swapped_colours_swap_the_values():
    """What is good for Black with an endless game worth c is as good for White with it worth -c."""
    for no_result in (0.0, 4.0):
        ours, theirs = table("3x3", no_result), table("3x3", -no_result)
        swapped = ours.graph.states.copy()
        swapped[:, [0, 1]] = swapped[:, [1, 0]]
        swapped[:, 2] ^= np.uint64(1)
        assert np.array_equal(ours.value, theirs.value[theirs.graph.index(with_keys(swapped, ours))])


def with_keys(states, found):
    """The rows with the position keys of their stones."""
    known = {tuple(row[:2]): row[3] for row in found.graph.states}
    return np.array([[*row[:3], known[tuple(row[:2])]] for row in states], np.uint64)


@pytest.mark.parametrize("no_result", EVERY_RULE)
def test_playing_the_winning_actions_forces_the_value(no_result):
    """Whoever should do better than an endless game gets there against every defence: each winning action leads nearer, none is missing."""
    found = table("3x3", no_result)
    states, white = found.graph.states, white_to_move(found.graph.states)
    better = ~found.graph.dead & (found.value > np.where(white, -no_result, no_result))
    assert better.sum() > 1000 and found.winning_actions(states)[better].any(1).all()
    worse = ~found.graph.dead & (found.value < np.where(white, -no_result, no_result))
    assert np.array_equal(found.winning_actions(states)[worse], found.optimal_actions(states)[worse])  # every defence ends
    assert not found.plies[found.graph.dead].any()


def test_more_for_black_in_an_endless_game_is_never_less_for_black():
    white = white_to_move(graph("3x3").states)
    low, middle, high = (np.where(white, -1, 1) * table("3x3", no_result).value for no_result in EVERY_RULE)
    assert (low <= middle).all() and (middle <= high).all() and 0.02 < (low < high).mean() < 0.2


def test_past_and_komi_change_nothing_and_a_ko_does():
    found = table("3x3")
    plain = found.graph.domain.parse(".X./X.X/.X. to=white komi=0")
    dressed = found.graph.domain.parse(".X./X.X/.X. to=white last=A2,B1 most=7 komi=5.5")
    assert found.index(plain) == found.index(dressed)
    passed = found.graph.domain.parse(".X./X.X/.X. to=white last=pass")
    assert found.index(passed) != found.index(plain) and found.values(passed) == -9
    assert field(info_of(found.graph.states[found.index(passed)[0]]), LAST) == found.graph.domain.context[2][PASS] + 1


def test_suicide_under_simple_ko_lets_nobody_end_a_game():
    """A stone that kills itself is a pass that is none; so every board beyond 1x2 is an endless game."""
    for size in ("1x3", "2x2", "3x3"):
        assert table(size, 0.0, True).black_values(start(go(size, ko="simple", suicide=True))) == 0
        assert table(size, 2.0, True).black_values(start(go(size, ko="simple", suicide=True))) == 2


def test_a_world_without_a_table_is_refused():
    for domain in (go(3), go(3, ko="situational"), make("sliding", size="2x2")):
        with pytest.raises(ValueError, match="only Go with ko=simple") as error:
            go_table(domain)
        toys.one_sentence(error)
    with pytest.raises(ValueError, match="more than 100 states") as error:
        go_table(go(3, ko="simple"), max_states=100)
    toys.one_sentence(error)
    with pytest.raises(ValueError, match="worth nan points") as error:
        solve_go_graph(graph("1x2"), float("nan"))
    toys.one_sentence(error)
