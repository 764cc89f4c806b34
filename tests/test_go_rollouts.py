"""Random games of Go: every move legal to the slow reference, the score its score, the choice uniform."""

import numpy as np
import pytest
from go_games import after, go

from astarzero.envs import go_reference
from astarzero.envs.compile import bind
from astarzero.envs.go import parse_size, start, unpack
from astarzero.envs.go_rollouts import POLICIES, play_out_batch, rollouts

SETTINGS = [(1, False), (2, True), ("1x5", True), ("2x3", False), (3, True), (5, False), (5, True), (7, False), (9, True), (13, False)]


def one_game(domain, row, seed, spare_eyes, cap):
    """(actions, margin, finished) of a single random game."""
    record = np.zeros(cap, np.int16)
    margin, moves, finished = (np.zeros((1, 1), kind) for kind in (np.float32, np.int32, np.bool_))
    bind(play_out_batch, {})(row[None], domain.context, np.uint64(seed), spare_eyes, record, margin, moves, finished)
    return record[: moves[0, 0]].tolist(), float(margin[0, 0]), bool(finished[0, 0])


def is_eye(game, point) -> bool:
    """An empty point between one's own stones, with at most one enemy on its diagonals, none at the edge."""
    (row, column), enemy = point, go_reference.OTHER[game.to_move]
    if any(game.board.get(other) != game.to_move for other in go_reference.neighbours(point, game.height, game.width)):
        return False
    corners = [(row + down, column + right) for down in (-1, 1) for right in (-1, 1)]
    at_edge = any(not (0 <= r < game.height and 0 <= c < game.width) for r, c in corners)
    return sum(game.board.get(corner) == enemy for corner in corners) <= (0 if at_edge else 1)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("size", "suicide"), SETTINGS)
def test_a_random_game_is_one_by_the_reference(size, suicide, policy):
    domain, ended, passes_when_none_is_left = go(size, ko="simple", suicide=suicide, komi=0.5), set(), 0
    cells = domain.num_actions - 1
    for seed in range(6):
        cap = 2 * cells if seed % 2 else 8 * cells
        actions, margin, finished = one_game(domain, start(domain), seed, policy == "no-eyes", cap)
        game = go_reference.Game(*parse_size(size), "simple", suicide)
        for action in actions:
            move = go_reference.PASS if action == cells else game.points[action]
            assert game.is_legal(move)
            if policy == "no-eyes" and move != go_reference.PASS:
                assert not is_eye(game, move)
            elif policy == "no-eyes":
                assert all(is_eye(game, point) for point in game.legal_moves() - {go_reference.PASS})
                passes_when_none_is_left += 1
            game.play(move)
        assert finished == game.over and (finished or len(actions) == cap)
        black = game.area("X") - game.area("O") - 0.5
        assert margin == black  # Black is to move in the row
        ended.add(finished)
    killing_oneself = suicide and policy == "no-eyes"  # goes on for ever
    assert killing_oneself or (True in ended and (policy == "uniform" or passes_when_none_is_left))


@pytest.mark.parametrize("text", [".XO./X.XO/.XO./.... to=white", "XX.O/XOOO/X.OX/XXXX to=black ko=C4", ".X../X.X./.X../.... to=white"])
def test_the_first_move_is_uniform_over_the_legal_ones(text):
    """Chi-squared over 20,000 games; its 99.9 % point for k degrees of freedom is below k + 3.1 sqrt(2 k) + 8."""
    domain = go(4, ko="simple")
    row, games = domain.parse(text), 20_000
    counts = np.zeros(domain.num_actions)
    for seed in range(games):
        counts[one_game(domain, row, seed, False, 1)[0][0]] += 1
    legal = domain.action_masks(row)[0]
    assert not counts[~legal].any()
    expected = games / legal.sum()
    assert ((counts[legal] - expected) ** 2 / expected).sum() < legal.sum() + 3.1 * np.sqrt(2 * legal.sum()) + 8


def test_margins_are_for_the_player_to_move_in_the_row():
    """White to move in a board that is all Black's loses by it, whoever moves last."""
    domain = go(5, komi=0)
    for side, sign in (("black", 1), ("white", -1)):
        for cap in (1, 2):
            row = domain.parse(f"X.X.X/XXXXX/X.X.X/XXXXX/X.X.X to={side}")
            result = rollouts(domain, row, 50, policy="no-eyes", cap=cap)
            assert (result.margin == 25 * sign).all() and (result.outcome == sign).all() and (result.finished == (cap == 2)).all()


def test_a_rollout_goes_on_from_the_ko_the_passes_and_the_end_of_its_row():
    domain = go(4, ko="simple")
    line = after(domain, "B3", ".XO./X.XO/.XO./.... to=white")
    taken_back = domain.action_names.index("C3")
    assert all(one_game(domain, line.state, seed, False, 1)[0][0] != taken_back for seed in range(300))
    over = after(domain, "A1 pass pass")
    assert one_game(domain, over.state, 0, False, 9) == ([], 16 * -1 + 7.5, True)  # White is to move
    passed = after(domain, "A1 pass")
    lengths = {len(one_game(domain, passed.state, seed, False, 50)[0]) for seed in range(300)}
    assert 1 in lengths  # one pass more ends it
    assert unpack(passed.state, domain)[1]["last"] == domain.num_actions
