"""Go's planes against a slow, independent telling of what each one says, in games that mix komis, sides, ko rules and suicide."""

import itertools

import numpy as np
import pytest
import toys
from go_games import go
from hypothesis import given, settings
from hypothesis import strategies as st

from astarzero.envs import go_reference, make
from astarzero.envs.domain import Domain
from astarzero.envs.go import KO_RULES, parse_size, start
from astarzero.envs.go_features import MOST, GoPlanes, read_planes
from astarzero.envs.line import Line

KOMIS = (0, 7.5, -3, 0.5)
CHOICES = [
    "", "liberties=0", "liberties=1,last_moves=1", "liberties=5,ko=0,komi=7,passes=0", "last_moves=0,side=0,komi=0", "liberties=8,komi=1000"
]  # fmt: skip


def slow_planes(game: go_reference.Game, komi: float, planes: GoPlanes) -> dict[str, np.ndarray]:
    """Name -> plane of a position, in order, by the reference's dictionaries alone."""
    mine, yours = game.to_move, go_reference.OTHER[game.to_move]
    drawn: dict[str, np.ndarray] = {}

    def plane(name, says):
        drawn[name] = np.array([[says((row, column)) for column in range(game.width)] for row in range(game.height)], np.float32)

    def liberties(point):
        return len(game.group(game.board, point)[1]) if point in game.board else 0

    def is_ko(point):
        if point in game.board or len(game.boards) < 2:
            return False
        board = game.after(point)[0]
        return board == game.boards[-2] and board != game.boards[-1]

    plane("own stones", lambda point: game.board.get(point) == mine)
    plane("opponent's stones", lambda point: game.board.get(point) == yours)
    for whose, colour in (("own", mine), ("opponent's", yours)):
        for number in range(1, planes.liberties):
            plane(f"{whose}, liberties {number}", lambda p, c=colour, n=number: game.board.get(p) == c and liberties(p) == n)
        if planes.liberties:
            most = planes.liberties
            plane(f"{whose}, liberties {most} or more", lambda p, c=colour, n=most: game.board.get(p) == c and liberties(p) >= n)
    moves = dict(zip(("last move", "move before"), [*game.moves[::-1], None, None], strict=False))
    for name, move in list(moves.items())[: planes.last_moves]:
        plane(name, lambda point, move=move: point == move)
    if planes.ko:
        plane("ko", is_ko)
    if planes.side:
        plane("black to move", lambda point: mine == "X")
    if planes.komi:
        plane("komi", lambda point: (komi if mine == "O" else -komi) / planes.komi)
    if planes.passes:
        for name, move in moves.items():
            plane(f"{name} a pass", lambda point, move=move: move == go_reference.PASS)
    return drawn


def played(size: str, seed: int, games: int, most_moves: int) -> tuple[np.ndarray, list[tuple[go_reference.Game, float]]]:
    """Every position of random games: rows [B, W], and (the reference's game up to it, komi) for each. Captures are preferred."""
    rng, (height, width) = np.random.default_rng(seed), parse_size(size)
    rows, positions = [], []
    for number, (komi, ko, suicide) in enumerate(itertools.product(KOMIS, KO_RULES, (False, True))):
        if number == games:
            break
        domain, moves = go(size, ko=ko, suicide=suicide, komi=komi), []
        line = Line(domain, start(domain))
        while True:
            game = go_reference.Game(height, width, ko, suicide)
            for move in moves:
                game.play(move)
            rows.append(line.state)
            positions.append((game, komi))
            legal = sorted(game.legal_moves())
            if game.over or len(moves) == most_moves:
                break
            sharp = [move for move in legal if move != go_reference.PASS and sum(game.after(move)[1:])]
            choices = sharp if sharp and rng.random() < 0.5 else legal
            move = choices[rng.integers(len(choices))]
            moves.append(move)
            line.play(height * width if move == go_reference.PASS else move[0] * width + move[1])
    return np.array(rows), positions


@pytest.mark.parametrize("size", ["3x4", "5", "9"])
def test_every_plane_says_what_a_slow_telling_says(size):
    """Over a batch that mixes komis, sides and games, for each choice of planes."""
    rows, positions = played(size, seed=1, games=24 if size != "9" else 6, most_moves=24)
    for number, choice in enumerate(CHOICES[: None if size != "9" else 1]):
        if number == 1:  # the others differ in few planes
            rows, positions = rows[::3], positions[::3]
        domain = go(size, planes=choice)
        features, met = domain.features(rows), np.zeros(len(domain.plane_names), bool)
        assert features.shape == (len(rows), domain.num_features) and features.dtype == np.float32
        batch = features.reshape(-1, *domain.feature_shape)
        for planes, (game, komi) in zip(batch, positions, strict=True):
            told = slow_planes(game, komi, read_planes(choice))
            assert tuple(told) == domain.plane_names
            for name, plane in zip(domain.plane_names, planes, strict=True):
                assert np.array_equal(plane, told[name]), (name, planes, game.board)
            met |= planes.any(axis=(1, 2))
        unmet = {name for name, seen in zip(domain.plane_names, met, strict=True) if not seen}
        assert size != "5" or not [name for name in unmet if "liberties 7" not in name and "liberties 8" not in name]


def named_planes(domain: Domain, text: str) -> dict[str, np.ndarray]:
    planes = domain.features(domain.parse(text))[0].reshape(domain.feature_shape)
    return dict(zip(domain.plane_names, planes, strict=True))


def test_the_largest_board_and_a_line():
    """Planes of 19x19, six words, and of 1x19 by hand."""
    corners = f"X{'.' * 17}O/{'/'.join(['.' * 19] * 17)}/O{'.' * 17}X"
    planes = named_planes(go(19), f"{corners} to=white last=A1,T19 komi=-2.5")
    expected = {"own stones": [0, 1, 1, 0], "own, liberties 2": [0, 1, 1, 0], "last move": [0, 0, 1, 0], "move before": [0, 1, 0, 0]}
    assert {name: planes[name][[0, 0, -1, -1], [0, -1, 0, -1]].tolist() for name in expected} == expected
    assert (planes["komi"] == np.float32(-2.5 / 20)).all() and not planes["black to move"].any()
    planes = named_planes(go("1x19", planes="liberties=2,komi=5"), f".XX.O{'.' * 14} to=black komi=3")
    assert planes["own, liberties 2 or more"][0, :4].tolist() == [0, 1, 1, 0]
    assert planes["opponent's, liberties 2 or more"][0, 4] == 1 and planes["komi"][0, 18] == np.float32(-0.6)


# --- the choice of planes --------------------------------------------------------------------------------------------------------

choices = st.builds(GoPlanes, **{name: st.integers(0, most) for name, most in MOST.items()})


@settings(max_examples=60, deadline=None)
@given(choices)
def test_a_choice_is_read_back_from_its_text_and_names_its_planes(planes):
    assert read_planes(planes.text) == planes == read_planes(planes)
    domain = make("go", size=3, planes=planes)
    assert domain.plane_names == planes.names and len(set(planes.names)) == len(planes.names)
    assert domain.feature_shape == (len(planes.names), 3, 3) and domain.num_features == 9 * len(planes.names)
    assert domain.name == "go-3x3-positional-komi7.5" + f"-{planes.text}" * (planes != GoPlanes())


def test_the_planes_of_the_default():
    assert GoPlanes().names == (
        "own stones", "opponent's stones", "own, liberties 1", "own, liberties 2", "own, liberties 3 or more",
        "opponent's, liberties 1", "opponent's, liberties 2", "opponent's, liberties 3 or more", "last move", "move before", "ko",
        "black to move", "komi", "last move a pass", "move before a pass",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: make("go", planes="stones"), "'stones' says nothing about planes"),
        (lambda: make("go", planes="ladders=1"), "'ladders=1' says nothing about planes"),
        (lambda: make("go", planes="liberties=-1"), "'liberties=-1' says nothing"),
        (lambda: make("go", planes="liberties=9"), "liberties must be a whole number from 0 to 8"),
        (lambda: GoPlanes(last_moves=3), "last_moves must be a whole number from 0 to 2"),
        (lambda: GoPlanes(komi=7.5), "Planes with komi=7.5 were asked for"),
        (lambda: go(3).with_(plane_names=("one", "two")), "15, 3, 3) and 2 plane names"),
        (lambda: go(3).with_(num_features=7), "7 features of shape (15, 3, 3)"),
    ],
)
def test_a_bad_choice_gets_one_sentence(call, sentence):
    with pytest.raises(ValueError) as error:
        call()
    assert sentence in toys.one_sentence(error)
