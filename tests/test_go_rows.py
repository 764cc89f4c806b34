"""Rows of Go: keys, sizes, komi, handicap, text and its errors, and batches that mix what may be mixed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import toys
from go_games import after, go, legal_positions

from astarzero.envs import make
from astarzero.envs.domain import Domain
from astarzero.envs.go import start, unpack
from astarzero.envs.go_masks import legal_masks
from astarzero.envs.go_rollouts import POLICIES, rollouts
from astarzero.envs.line import Line, judge


@pytest.mark.parametrize(("size", "row_bytes"), [(5, 32), (7, 32), (9, 48), (13, 64), (19, 112), ("1x19", 32), ("19x1", 32)])
def test_a_row_takes_so_many_bytes(size, row_bytes):
    assert start(go(size)).nbytes == row_bytes


def test_millions_of_positions_have_keys_of_their_own():
    """Every legal position of a 3x5 board."""
    count, keys = legal_positions(go("3x5"), 10_000_000)
    keys.sort()
    assert 5_000_000 < count == len(keys) and (keys[1:] > keys[:-1]).all()


@pytest.mark.parametrize("size", [3, 5, 9, 19])
def test_different_positions_have_different_keys_and_equal_ones_equal_keys(size):
    """All that 3,000 random walks of ten steps meet."""
    domain = go(size, ko="simple", suicide=True)
    rng, keys = np.random.default_rng(0), {}
    for _ in range(3000 // size):
        row = domain.random_state(rng) if size < 9 else start(domain)
        for _ in range(10 + size):
            rows, _, _ = domain.successors(row)
            if len(rows) == 0:
                break
            row = rows[rng.integers(len(rows))].copy()
            assert keys.setdefault(int(row[-1]), row[:-2].tobytes()) == row[:-2].tobytes()
    assert len(set(keys.values())) == len(keys) > 1000


def random_rows(domain: Domain, count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([domain.random_state(rng) for _ in range(count)])


def test_a_batch_may_mix_komis_sides_and_games():
    """What is said of a row in a batch is what is said of it alone, whatever its komi and side."""
    domains = [go(5, komi=komi) for komi in (0, 7.5, -3, 0.5)]
    rows = np.concatenate([random_rows(domain, 8, seed) for seed, domain in enumerate(domains)])
    fields = [unpack(row, domains[0])[1] for row in rows]
    assert {field["to_move"] for field in fields} == {0, 1} and {field["komi"] for field in fields} == {0, 15, -6, 1}
    judges = domains[0].bind(judge)
    for number, (row, field) in enumerate(zip(rows, fields, strict=True)):
        text = domains[0].format(row)
        plain = domains[0].parse(text.partition(" komi=")[0])
        by_komi = -field["komi"] / 2 if field["to_move"] == 0 else field["komi"] / 2
        assert judges(row, domains[0].context)[2] == judges(plain, domains[0].context)[2] + by_komi
        assert np.array_equal(domains[number // 8].parse(text), row)
    assert np.array_equal(legal_masks(domains[0], rows), np.concatenate([legal_masks(domains[1], row) for row in rows]))
    whole = rollouts(domains[0], rows, 4, seed=5)
    assert np.array_equal(whole.margin[:1], rollouts(domains[2], rows[:1], 4, seed=5).margin)


@pytest.mark.parametrize(("komi", "black"), [(0, 9), (9, 0), (9.5, -0.5), (-1, 10)])
def test_a_finished_game_is_won_lost_or_drawn_for_the_player_to_move(komi, black):
    line = after(go(3, komi=komi), "B2 pass pass")
    assert line.over and (line.margin, line.outcome) == (-black, -np.sign(black))  # White is to move
    line = after(go(3, komi=komi), "pass B2 pass pass")  # the whole board is White's, and Black is to move
    assert line.over and (line.margin, line.outcome) == (-9 - komi, -np.sign(9 + komi))


@pytest.mark.parametrize(
    ("size", "handicap", "points"),
    [
        (9, 2, "C3 G7"), (9, 3, "C3 G7 C7"), (9, 4, "C3 G7 C7 G3"), (9, 5, "C3 G7 C7 G3 E5"), (9, 8, "C3 G7 C7 G3 C5 G5 E3 E7"),
        (7, 4, "C3 E5 C5 E3"), (13, 6, "D4 K10 D10 K4 D7 K7"), (19, 9, "D4 Q16 D16 Q4 D10 Q10 K4 K16 K10"), (8, 2, "C3 F6"),
    ],
)  # fmt: skip
def test_handicap_stones_stand_on_the_points_of_gtp_and_white_begins(size, handicap, points):
    domain = go(size, handicap=handicap)
    board, fields = unpack(start(domain), domain)
    assert {domain.action_names[action] for action, stone in enumerate(board) if stone} == set(points.split())
    assert set(board) == {0, 1} and fields["to_move"] == 1 and fields["most"] == handicap


def test_coordinates_skip_i_and_count_from_the_bottom():
    names = go(19).action_names
    assert (names[0], names[8], names[-2], names[-1], len(names)) == ("A19", "J19", "T1", "pass", 362)
    assert not any("I" in name for name in names)
    assert go("2x3").action_names == ("A2", "B2", "C2", "A1", "B1", "C1", "pass")


def test_the_board_in_text():
    line = after(go(3, komi=0.5), "B2 A1")
    assert line.domain.render(line.state) == "   A B C\n 3 . . .\n 2 . X .\n 1(O). .\nBlack (X) to move, last move A1, komi 0.5"
    assert line.domain.format(line.state) == ".../.X./O.. to=black last=A1,B2 komi=0.5"
    line = after(go(3), "pass pass")
    assert line.domain.render(line.state).endswith("The game is over, last move pass, komi 7.5")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is no position of go-3x3"), (".../...", "give 3 rows of 3 points"), (".../.../....", "give 3 rows"),
        (".../.../..Z", "give 3 rows"), ("XO./O../... to=black", "without a liberty"), ("XXX/XXX/XXX", "without a liberty"),
        (".../.../... to=green", "'to=green' says nothing"),
        (".../.../... last=D1", "'last=D1'"), (".../.../... last=A1,A2,A3", "'last=A1,A2,A3'"), ("X../.../... ko=A3", "'ko=A3'"),
        (".../.../... ko=pass", "'ko=pass'"), (".../.../... most=10", "'most=10'"), (".../.../... komi=many", "Komi 'many'"),
        (".../.../... colour=red", "'colour=red'"), (".../.../... komi=7.25", "Komi 7.25"),
    ],
)  # fmt: skip
def test_a_bad_position_gets_one_sentence(text, sentence):
    with pytest.raises(ValueError) as error:
        go(3).parse(text)
    assert sentence in toys.one_sentence(error)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": 0}, "Size 0x0 is out of range"), ({"size": 20}, "Size 20x20 is out of range"),
        ({"size": "9x"}, "Size '9x' is not a size"),
        ({"size": "3x3x3"}, "is not a size"), ({"size": -3}, "Size '-3' is not a size"), ({"ko": "super"}, "Ko rule 'super' is not known"),
        ({"suicide": "maybe"}, "Option suicide is 'maybe'"), ({"komi": "lots"}, "Komi 'lots'"), ({"komi": 0.3}, "Komi 0.3"),
        ({"komi": float("nan")}, "Komi nan"), ({"komi": 1e9}, "Komi 1000000000.0"),
        ({"handicap": 10}, "Handicap 10 is not allowed on a 9x9"),
        ({"handicap": 1}, "Handicap 1"), ({"size": 5, "handicap": 2}, "give 0."), ({"size": 8, "handicap": 5}, "from 2 to 4"),
        ({"board": 9}, "has no option 'board'"),
    ],
)  # fmt: skip
def test_a_bad_option_gets_one_sentence(options, sentence):
    with pytest.raises(ValueError) as error:
        make("go", **options)
    assert sentence in toys.one_sentence(error)


def test_bad_calls_get_one_sentence():
    domain = go(3)
    row, line = start(domain), Line(domain, start(domain))
    for call in (
        lambda: rollouts(domain, row, policy="greedy"),
        lambda: rollouts(domain, row, 0),
        lambda: rollouts(domain, row, cap=0),
        lambda: rollouts(domain, np.zeros((1, 3), np.uint64)),
        lambda: legal_masks(domain, row, np.zeros((2, 4), np.uint64)),
        lambda: legal_masks(domain, row, np.zeros((1, 4), np.uint64), np.array([5])),
        lambda: line.play(10),
        lambda: after(domain, "C1 C1"),
    ):
        with pytest.raises(ValueError) as error:
            call()
        toys.one_sentence(error)


@pytest.mark.parametrize("policy", POLICIES)
def test_rollouts_follow_the_seed_alone(policy):
    domain = go(5)
    rows = random_rows(domain, 3)
    one, again, other = (rollouts(domain, rows, 20, policy=policy, seed=seed) for seed in (1, 1, -1))
    assert np.array_equal(one.margin, again.margin) and np.array_equal(one.moves, again.moves)
    assert not np.array_equal(one.margin, other.margin)
    assert np.array_equal(one.outcome, np.sign(one.margin)) and one.margin.shape == (3, 20)


SCRIPT = """
import numpy as np
from go_games import after, go, legal_positions
from astarzero.envs.go_masks import legal_masks
from astarzero.envs.go_rollouts import rollouts

for size, ko, suicide in ((2, "positional", True), ("1x5", "simple", False), (5, "situational", True), (8, "positional", False)):
    domain, rng = go(size, ko=ko, suicide=suicide), np.random.default_rng(1)
    line = after(domain, "")
    for _ in range(20):
        mask = line.action_mask()
        print(line.state.tolist(), mask.tolist(), legal_masks(domain, line.state, line.keys[None]).tolist(), line.margin)
        turned = domain.symmetries.of_states(line.state[None], len(domain.symmetries) - 1)
        print(domain.features(line.state).tolist(), turned.tolist())
        if line.over:
            break
        line.play(int(rng.choice(np.flatnonzero(mask))))
    for policy in ("uniform", "no-eyes"):
        games = rollouts(domain, line.state, 2, policy=policy, seed=3, cap=20)
        print(games.margin.tolist(), games.moves.tolist(), games.finished.tolist())
"""


def test_plain_python_gives_the_same():
    """NUMBA_DISABLE_JIT=1 with every warning an error, so that no integer overflows unseen."""

    def run(**more: str) -> str:
        command, here = [sys.executable, "-W", "error::RuntimeWarning", "-c", SCRIPT], str(Path(__file__).parent)
        path = os.pathsep.join([here, *sys.path])
        return subprocess.run(command, env={**os.environ, "PYTHONPATH": path, **more}, check=True, text=True, capture_output=True).stdout

    plain = run(NUMBA_DISABLE_JIT="1")
    assert plain == run(NUMBA_DISABLE_JIT="0") and plain.count("\n") > 40
