"""Go's rules: exact facts, perft by two implementations, the eight symmetries, keys, and the fights that ko rules are about.

The two implementations are set against each other at random in test_go_fuzz.py.
"""

import itertools

import numpy as np
import pytest
import toys
from go_games import after, count_games, go, legal_names, legal_positions
from hypothesis import given, settings
from hypothesis import strategies as st

from astarzero.envs import go_reference
from astarzero.envs.go import KO_RULES, parse_size, start, unpack
from astarzero.envs.go_masks import legal_masks
from astarzero.envs.line import Line

RULES = list(itertools.product(KO_RULES, (False, True)))
every_rule = pytest.mark.parametrize(("ko", "suicide"), RULES)

# --- exact facts -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "positions"), [(1, 1), (2, 57), (3, 12_675), (4, 24_318_165)])
def test_the_number_of_legal_positions(size, positions):
    """Tromp and Farneback 2007."""
    assert legal_positions(go(size))[0] == positions


@pytest.mark.parametrize(("size", "games"), [("1x1", 1), ("1x2", 9), ("1x3", 907), ("2x1", 9), ("3x1", 907)])
def test_the_number_of_games_under_positional_superko(size, games):
    """tromp.github.io/go/legal.html; suicide changes nothing here, since a suicide would always repeat a position."""
    for suicide in (False, True):
        assert count_games(go(size, suicide=suicide), start(go(size, suicide=suicide))) == games
        assert go_reference.count_games(go_reference.Game(*parse_size(size), "positional", suicide), 200) == games


@pytest.mark.parametrize(("size", "positions"), [(1, 1), (2, 57), (3, 12_675)])
def test_play_reaches_every_legal_position_and_no_other(size, positions):
    domain = go(size, ko="simple", suicide=True)
    first = start(domain)
    found, waiting = {tuple(first[:2])}, [first]
    while waiting:
        row = waiting.pop()
        for info in (0, 1):  # Black or White to move, no ko, no moves before
            row[-2] = info
            for after_play in domain.successors(row)[0]:
                if (both := tuple(after_play[:2])) not in found:
                    found.add(both)
                    waiting.append(after_play.copy())
    assert len(found) == positions


def stones(domain, row) -> str:
    return "".join(".XO"[point] for point in unpack(row, domain)[0])


# --- perft: the number of games of a given length ------------------------------------------------------------------------------------

PERFT = [("2x2", 6), ("2x3", 5), ("3x3", 4), ("4x4", 3), ("5x5", 2)]
CROWDED = [  # where captures, ko and suicide are near
    ("XX/.O", 8), (".XO/X.O/.X.", 4), ("XO.O/.XXO/.XO./XO.O", 3), (".XO./X.XO/.XO./XXOO", 3), ("XXXX./XOOXX/O.OXO/OOXXO/.OX.O", 4),
]  # fmt: skip


@every_rule
def test_perft_from_the_empty_board_by_two_implementations(ko, suicide):
    for size, depth in PERFT:
        domain = go(size, ko=ko, suicide=suicide)
        reference = go_reference.Game(*parse_size(size), ko, suicide)
        for length in range(depth + 1):
            assert count_games(domain, start(domain), length) == go_reference.count_games(reference, length), (size, length)


@every_rule
def test_perft_from_crowded_boards_by_two_implementations(ko, suicide):
    for board, depth in CROWDED:
        rows = board.split("/")
        domain = go(f"{len(rows)}x{len(rows[0])}", ko=ko, suicide=suicide)
        for side, to_move in (("black", "X"), ("white", "O")):
            reference = go_reference.Game(len(rows), len(rows[0]), ko, suicide, go_reference.board_from(rows), to_move)
            ours = count_games(domain, domain.parse(f"{board} to={side}"), depth)
            assert ours == go_reference.count_games(reference, depth), (board, side)


def test_the_rules_differ_where_they_should():
    """The number of games tells the six sets of rules apart."""
    counts = {rules: count_games(go("1x5", ko=rules[0], suicide=rules[1]), start(go("1x5")), 9) for rules in RULES}
    assert len(set(counts.values())) == len(RULES)


# --- fights ----------------------------------------------------------------------------------------------------------------------

KO = ".XO./X.XO/.XO./.... to=white"


@every_rule
def test_a_ko_may_be_taken_back_only_after_a_move_elsewhere(ko, suicide):
    line = after(go(4, ko=ko, suicide=suicide), "B3", KO)
    assert "C3" not in legal_names(line)
    for move in ("A1", "D1"):
        line.play(line.domain.action_names.index(move))
    assert "C3" in legal_names(line)
    line = after(go(4, ko=ko, suicide=suicide), "B3 pass", KO)
    assert "C3" in legal_names(line) and not line.over  # White may fill it
    line.play(line.domain.num_actions - 1)
    assert line.over and not line.action_mask().any()


TRIPLE_KO = ".XO./X.XO/.XO./.XO./XO.O/.XO./.XO./X.XO/.XO. to=white"


@pytest.mark.parametrize(("ko", "allowed"), [("simple", True), ("positional", False), ("situational", False)])
def test_triple_ko(ko, allowed):
    """Six captures in three kos come back to where they began; simple ko lets them, superko forbids the sixth."""
    line = after(go("9x4", ko=ko), "B8 C5 B2 C8 B5", TRIPLE_KO)
    assert ("C2" in legal_names(line)) == allowed
    if allowed:
        line.play(line.domain.action_names.index("C2"))
        assert stones(line.domain, line.state) == stones(line.domain, line.rows[0])


@pytest.mark.parametrize(("ko", "allowed"), [("simple", True), ("positional", False), ("situational", False)])
def test_eternal_life(ko, allowed):
    """White takes two, Black takes two, both put one back: four plies and the board is as it was, without any simple ko."""
    line = after(go("3x4", ko=ko), "B1 C1 A1", "X..O/XXOO/O.XX to=white")
    assert ("D1" in legal_names(line)) == allowed
    if allowed:
        line.play(line.domain.action_names.index("D1"))
        assert stones(line.domain, line.state) == stones(line.domain, line.rows[0])


SENDING_TWO = "..../..../XXOO/.O.O to=white"


@pytest.mark.parametrize("ko", KO_RULES)
def test_sending_two_returning_one(ko):
    """White adds a second stone, Black takes both, White takes one back: the stones of the start, but now Black is to move."""
    line = after(go(4, ko=ko), "A1 C1", SENDING_TWO)
    assert stones(line.domain, line.state)[-4:] == "..XO"
    assert ("B1" in legal_names(line)) == (ko != "positional")
    if ko != "positional":
        for move in ("B1", "pass"):
            line.play(line.domain.action_names.index(move))
        assert ("A1" in legal_names(line)) == (ko == "simple")  # White to move in the stones of the start, for the second time


def test_snapback():
    """White takes a stone that was thrown in, and loses five."""
    line = after(go(5), "A1", "...../...../XXX../OOOX./.XOX. to=white")
    assert stones(line.domain, line.state)[-5:] == "O.OX." and "B1" in legal_names(line)
    line.play(line.domain.action_names.index("B1"))
    assert stones(line.domain, line.state) == "." * 10 + "XXX.." + "...X." + ".X.X."


def test_a_ladder_runs_to_the_edge_and_is_taken():
    """White's stone at B7 in atari runs down the diagonal of a 7x7 board; at the edge Black takes it all."""
    line = after(go(7, ko="simple"), "", ".XX..../XO...../.X...../......./......./......./....... to=white")
    chase = {"C6": "D6", "C5": "C4", "D5": "E5", "D4": "D3", "E4": "F4", "E3": "E2", "F3": "G3", "F2": "F1", "G2": "G1"}
    for run, block in chase.items():
        before = stones(line.domain, line.state).count("O")
        line.play(line.domain.action_names.index(run))
        line.play(line.domain.action_names.index(block))
        assert stones(line.domain, line.state).count("O") == (before + 1 if run != "G2" else 0)


@pytest.mark.parametrize("suicide", [False, True])
def test_suicide_takes_the_whole_group_off_and_is_a_move(suicide):
    line = after(go("3x4", ko="simple", suicide=suicide), "", ".XO./XXO./OOO. to=black")
    assert ("A3" in legal_names(line)) == suicide
    if suicide:
        line.play(line.domain.action_names.index("A3"))
        assert stones(line.domain, line.state) == "..O...O.OOO." and "A3" in legal_names(line)


def test_one_stone_may_kill_itself_by_simple_ko_but_not_by_superko():
    for ko in KO_RULES:
        line = after(go(3, ko=ko, suicide=True), "", ".O./O../... to=black")
        assert ("A3" in legal_names(line)) == (ko != "positional")  # situational: the same stones, but White is to move


# --- symmetries, keys and undo --------------------------------------------------------------------------------------------------------

games = st.tuples(
    st.sampled_from([(1, 4), (2, 2), (2, 3), (3, 3), (3, 5), (4, 4), (5, 5), (7, 7), (9, 9)]), st.sampled_from(RULES),
    st.lists(st.integers(0, 10**6), max_size=60), st.integers(0, 7),
)  # fmt: skip


def turned(action: int, height: int, width: int, turn: int) -> tuple[int, int, int]:
    """(action, height, width) after one of the eight turns and reflections of a board: bit 0 upside down, 1 mirrored, 2 transposed."""
    if action == height * width:
        row, column = height, 0
        return action, *((width, height) if turn & 4 else (height, width))
    row, column = divmod(action, width)
    row, column = height - 1 - row if turn & 1 else row, width - 1 - column if turn & 2 else column
    return (column * height + row, width, height) if turn & 4 else (row * width + column, height, width)


@settings(max_examples=60, deadline=None)
@given(games)
def test_the_eight_symmetries_commute_with_play_legality_and_score(game):
    (height, width), (ko, suicide), choices, turn = game
    image_size = "x".join(str(side) for side in turned(0, height, width, turn)[1:])
    domain, image = go(f"{height}x{width}", ko=ko, suicide=suicide), go(image_size, ko=ko, suicide=suicide)
    line, mirrored = Line(domain, start(domain)), Line(image, start(image))
    there = [turned(action, height, width, turn)[0] for action in range(domain.num_actions)]
    for choice in choices:
        mask = line.action_mask()
        assert np.array_equal(mirrored.action_mask()[there], mask) and line.margin == mirrored.margin and line.over == mirrored.over
        if line.over:
            break
        action = int(np.flatnonzero(mask)[choice % mask.sum()])
        line.play(action)
        mirrored.play(there[action])
        points, image_points = stones(domain, line.state), stones(image, mirrored.state)
        assert points == "".join(image_points[place] for place in there[:-1])


@settings(max_examples=40, deadline=None)
@given(games)
def test_a_row_is_all_there_is_and_undo_is_keeping_it(game):
    (height, width), (ko, suicide), choices, _ = game
    domain = go(f"{height}x{width}", ko=ko, suicide=suicide)
    line = Line(domain, start(domain))
    kept = []
    for choice in choices:
        mask = line.action_mask()
        if line.over:
            break
        kept.append((line.state.copy(), mask, line.margin, line.keys.tolist()))
        line.play(int(np.flatnonzero(mask)[choice % mask.sum()]))
        assert np.array_equal(domain.parse(domain.format(line.state)), line.state)  # the key, too, is that of the stones
    for row, mask, margin, keys in reversed(kept):
        line.undo()
        assert np.array_equal(line.state, row) and np.array_equal(line.action_mask(), mask)
        assert line.margin == margin and line.keys.tolist() == keys
        assert np.array_equal(legal_masks(domain, row, np.array([keys], np.uint64))[0], mask)
        assert np.array_equal(legal_masks(domain, row)[0], domain.action_masks(row)[0])
    with pytest.raises(ValueError, match="no step to take back") as error:
        line.undo()
    toys.one_sentence(error)
