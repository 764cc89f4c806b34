"""Searches for games of two: by hand, random graphs against retrograde analysis, solved Go, budgets (long: two share its trees).

A toy game is a graph of toys.py: a vertex that begins with W, L or D is an end, won, lost or drawn for whoever is to move there.
"""

import dataclasses
import math
import signal

import numpy as np
import pytest
import toys
from go_games import after, go
from toys import FOR_TWO, asked, judge, one_sentence

from astarzero.envs import make
from astarzero.envs.evaluation import Evaluation
from astarzero.envs.go import start
from astarzero.envs.go_solver import solve_go
from astarzero.envs.go_tables import go_table
from astarzero.envs.line import Line
from astarzero.search import SEARCHES, Budget, SearchResult, Status, astar, blind
from astarzero.search.go_evaluators import area, exact_go, rollout

every_search = pytest.mark.parametrize("search", FOR_TWO)
ENDS = {"W": 3, "L": 4, "D": 5}  # kinds of vertices
BUDGET = Budget(expansions=20_000)
TREES = ("puct", "uct", "gumbel")  # see no circle: a game without end stays open


def never(state, context):
    return False


def is_end(state, context):
    return context[2][np.int64(state[0])] >= 3


def result_of_end(state, context):
    kind = context[2][np.int64(state[0])]
    return 1.0 if kind == 3 else -1.0 if kind == 4 else 0.0


def game(name, moves, values=None):
    """The game of `moves`, "S-A, S-B, A-W1", and a judge that says `values`, for whoever is to move at a vertex."""
    plain = toys.graph(name, ", ".join(f"{move} 1" for move in moves.split(", ")))
    names = [plain.format(row) for row in plain.instance_sets["all"]()]
    kinds = np.array([ENDS.get(vertex[0], 0) for vertex in names])
    context = (*plain.context[:2], kinds, plain.context[3])
    domain = plain.with_(discount=-1.0, is_goal=never, is_terminal=is_end, outcome=result_of_end, context=context)
    return domain, judge(domain, value=values or {})


def in_order(search, domain, evaluator, **options):
    """The vertices in the order in which a search has its children judged, call by call, and its result."""
    calls = []

    def evaluate(states):
        calls.append("".join(domain.format(row) for row in states))
        return evaluator.evaluate(states)

    return calls, SEARCHES[search](domain, domain.parse("S"), dataclasses.replace(asked(evaluator), evaluate=evaluate), **options)


def move_of(domain, result, vertex="S"):
    """The vertex that the decided move leads to."""
    rows, actions, _ = domain.successors(domain.parse(vertex))
    return domain.format(rows[list(actions).index(result.action)])


def counted(result: SearchResult) -> dict:
    fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result) if "seconds" not in field.name}
    return {name: repr(value) for name, value in fields.items()}


def effort(result: SearchResult) -> tuple:
    return result.status, result.value, result.action, result.expansions, result.evaluations, result.nodes


# --- by hand ---------------------------------------------------------------------------------------------------------------------------

TWO_PLY = "S-A, S-B, A-C, A-E, B-F, B-H, C-I, E-I, F-J, H-J, I-K, J-K, K-I"
VALUES = {"A": -0.5, "B": 0.1, "C": -0.9, "E": 0.3, "F": 0.2, "H": 0.4, "I": 0.0, "J": 0.0}


def test_unbounded_minimax_by_hand():
    """S looks at A (.5 for S) and B (-.1); behind A the opponent has C (-.9 for S), so S turns to B: .2 by F."""
    domain, evaluator = game("two-ply", TWO_PLY, VALUES)
    expected = {1: (0.5, "A"), 2: (-0.1, "A"), 3: (0.2, "B")}
    for rounds, (value, move) in expected.items():
        calls, result = in_order("ubfm", domain, evaluator, budget=Budget(expansions=rounds))
        assert calls == ["AB", "CE", "FH"][:rounds]
        assert (result.value, move_of(domain, result), result.expansions) == (pytest.approx(value), move, rounds)
    assert result.action_weights.tolist() == pytest.approx([1 / 3, 2 / 3])  # A and B were gone down once each, and B is decided on
    calls, _ = in_order("ubfm", domain, evaluator, budget=Budget(expansions=4))
    assert calls[3] == "J"  # B's answer to S is F


def test_alpha_beta_by_hand():
    """Depth 1: A. Depth 2: A is worth -.9 by C, then B .2. What A's second child is worth does not matter once C is known: E stays shut."""
    domain, evaluator = game("two-ply", TWO_PLY, VALUES)
    calls, result = in_order("alpha_beta", domain, evaluator, budget=Budget(expansions=4))
    assert calls == ["AB", "CE", "FH"] and (result.value, move_of(domain, result)) == (pytest.approx(0.2), "B")
    calls, _ = in_order("alpha_beta", domain, evaluator, budget=Budget(expansions=7))  # opened: S, S A B, S B F
    assert calls == ["AB", "CE", "FH", "J"]


@every_search
def test_one_proof_of_a_win_is_enough_and_a_loss_needs_all(search):
    domain, evaluator = game("won", "S-A, S-B, A-C, B-W1, C-A", {"A": -0.9})
    result = SEARCHES[search](domain, domain.parse("S"), evaluator)
    assert (result.status, result.value, move_of(domain, result)) == (Status.SOLVED, 1.0, "B") and result.action_weights.max() == 1
    domain, evaluator = game("lost", "S-A, S-B, A-L1, A-C, C-S, B-W1, B-C, B-L2")
    assert (result := SEARCHES[search](domain, domain.parse("S"), evaluator)).solved and result.value == -1.0 and result.action is not None
    for vertex, value in (("L1", -1.0), ("W1", 1.0)):
        result = SEARCHES[search](domain, domain.parse(vertex), evaluator)
        assert (result.status, result.value, result.action, result.evaluations) == (Status.SOLVED, value, None, 0)


@pytest.mark.parametrize("search", [name for name in FOR_TWO if name not in TREES])
def test_going_round_in_circles_is_a_draw(search):
    """A and B may go back to S for ever; leaving the circle loses."""
    domain, evaluator = game("circle", "S-A, A-S, A-W1, S-W2", {"A": 0.7})
    for face in (evaluator, asked(evaluator), blind(domain)):
        result = SEARCHES[search](domain, domain.parse("S"), face, budget=BUDGET)
        assert (result.status, result.value, move_of(domain, result)) == (Status.SOLVED, 0.0, "A")


@every_search
def test_a_game_longer_than_any_array_at_first(search):
    length = 300
    steps = [f"V{n}-V{n + 1}" for n in range(length)]
    domain, evaluator = game("long", ", ".join(["S-V0", *steps, f"V{length}-L1"]))
    result = SEARCHES[search](domain, domain.parse("S"), evaluator, budget=Budget(expansions=200_000))
    assert (result.status, result.value) == (Status.SOLVED, 1.0 if length % 2 else -1.0)


def test_lines_that_meet_share_a_node_and_its_evaluation():
    domain, evaluator = game("diamonds", "S-A, S-B, A-C, B-C, C-E, C-F, E-H, F-H, H-D1")
    with_table, tree = (SEARCHES["alpha_beta"](domain, domain.parse("S"), evaluator, transpositions=on) for on in (True, False))
    assert (with_table.nodes, tree.nodes) == (8, 17) and (with_table.evaluations, tree.evaluations) == (6, 12)
    assert with_table.value == tree.value == 0.0 and with_table.solved and tree.solved


# --- against retrograde analysis --------------------------------------------------------------------------------------------------------


def random_game(seed):
    """A random graph of ten vertices, three ends and loops."""
    rng = np.random.default_rng(seed)
    names = ["S", *(f"V{n}" for n in range(9))]
    heads = [*names, "W1", "L1", "D1"]
    moves = [f"{tail}-{heads[head]}" for tail in names for head in rng.choice(len(heads), rng.integers(1, 4), replace=False)]
    values = {vertex: float(rng.uniform(-1, 1)) for vertex in names if any(vertex in move.split("-") for move in moves)}
    return game(f"random-{seed}", ", ".join(moves), values)


def retrograde(domain):
    """What every vertex is worth for its mover: ends, then whatever forces a win or a loss; the rest is drawn."""
    rows = domain.instance_sets["all"]()
    kinds, heads = domain.context[2], domain.context[0]
    worth = {n: {3: 1, 4: -1, 5: 0}.get(int(kinds[n])) for n in range(len(rows))}
    changed = True
    while changed:
        changed = False
        for n in range(len(rows)):
            children = [worth[head] for head in heads[n] if head >= 0]
            if worth[n] is None and children and (-1 in children or all(child == 1 for child in children)):
                worth[n], changed = (1 if -1 in children else -1), True
    return {n: value or 0 for n, value in worth.items()}


@pytest.mark.parametrize("search", [*FOR_TWO, "alpha_beta tree"])
def test_random_games_with_loops_are_solved_right(search):
    name, _, tree = search.partition(" ")
    solved, total = 0, 60
    for seed in range(total):
        domain, evaluator = random_game(seed)
        worth, (root,) = retrograde(domain), domain.parse("S").tolist()
        options = {"transpositions": False} if tree else {}
        budget = Budget(expansions=2000) if name in TREES else BUDGET
        result = SEARCHES[name](domain, domain.parse("S"), evaluator, budget=budget, seed=seed, **options)
        solved += result.solved or (name in TREES and worth[root] == 0)
        if result.solved:
            assert result.value == worth[root], seed
            (head,) = domain.parse(move_of(domain, result)).tolist()
            assert -worth[head] == worth[root], seed
    assert solved == total


# --- Go -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "ko", "points"), [("1x2", "positional", 0), ("1x3", "positional", 3), ("1x4", "situational", 4), ("2x2", "positional", 1)]
)
@every_search
def test_small_boards_by_superko(search, size, ko, points):
    """SCIENCE section 6; komi just below the value is a win for Black, at it a draw, above it a loss."""
    for komi, outcome in ((points - 0.5, 1.0), (points + 0.5, -1.0), (points, 0.0)):
        if outcome or size != "2x2" or search != "ubfm":  # a draw there takes it 60,000 expansions
            domain = go(size, ko=ko, komi=komi)
            result = SEARCHES[search](domain, start(domain), blind(domain), budget=BUDGET)
            if search in TREES and not outcome:  # all moves of a draw must be searched to its end, and they go on visiting the best
                assert (result.solved and result.value == 0) or abs(result.value) < 0.1
            else:
                assert (result.status, result.value) == (Status.SOLVED, outcome)


@every_search
def test_superko_goes_by_the_whole_line(search):
    """Random lines on 2x2 and 1x4, their ends solved with the line and, where it matters, otherwise without it."""
    rng, differ, solved = np.random.default_rng(1), 0, 0
    for number in range(24):
        domain = go(("2x2", "1x4")[number % 2], komi=0.5)
        line = Line(domain, start(domain))
        for _ in range(rng.integers(5, 12)):
            moves = np.flatnonzero(line.action_mask()[:-1])
            line.play(int(rng.choice(moves)) if len(moves) else domain.num_actions - 1)
            if line.over:
                line.undo()
                break
        sign = 1 if domain.format(line.state).find("to=black") >= 0 else -1
        values = [solve_go(domain, line.state, keys).value for keys in (line.keys, None)]
        for keys, value in zip((line.keys, None), values, strict=True):
            result = SEARCHES[search](domain, line.state, blind(domain), keys=keys, budget=BUDGET)
            assert not result.solved or result.value == sign * np.sign(value - 0.5)
            assert line.action_mask()[result.action] or keys is None
            solved += result.solved
        differ += values[0] != values[1]
    assert differ > 2 and solved > 40
    with pytest.raises(ValueError, match="does not end in the position given") as error:
        SEARCHES[search](domain, line.state, keys=line.keys[:0])
    one_sentence(error)


@pytest.fixture(scope="module")
def three():
    """3x3 with simple ko and komi 3, an endless game worth a draw; positions with six stones or more; what the table says of them."""
    domain, rng = go(3, ko="simple", komi=3), np.random.default_rng(0)
    table = go_table(domain, no_result=3.0)
    rows = [domain.random_state(rng) for _ in range(150)]
    rows = np.array([row for row in rows if sum(int(word).bit_count() for word in row[:2]) >= 6][:20])
    exact = exact_go(table, komi=3.0)
    return domain, rows, exact


@every_search
def test_endings_by_simple_ko_with_games_without_end(search, three):
    domain, rows, exact = three
    _, truth, q = exact.evaluate(rows)
    for evaluator in (exact.only("value"), rollout(domain, 8)):
        results = [SEARCHES[search](domain, row, asked(evaluator), budget=Budget(expansions=3000)) for row in rows]
        proven = np.array([result.solved for result in results])
        assert proven.sum() >= 12
        assert all(result.value == value for result, value in zip(results, truth, strict=True) if result.solved)
        lost = [value - row[result.action] for result, value, row in zip(results, truth, q, strict=True)]
        assert not np.any(np.array(lost)[proven]) and np.mean(lost) <= (0 if evaluator.name == "exact" else 0.1)


def test_evaluators_of_go(three):
    domain, rows, exact = three
    games = rollout(domain, 4, seed=3)
    for evaluator, search in ((games, "ubfm"), (area(domain), "alpha_beta"), (exact, "alpha_beta")):
        value = evaluator.evaluate(rows).value
        assert value.dtype == np.float32 and value.shape == (len(rows),) and (np.abs(value) <= 1).all()
        faces = (evaluator, asked(evaluator))
        inside, outside = (SEARCHES[search](domain, rows[0], face, budget=Budget(evaluations=300)) for face in faces)
        assert counted(inside) == counted(outside) and 0 < inside.evaluations <= 300
    assert np.array_equal(games.evaluate(rows).value, games.evaluate(rows[::-1]).value[::-1])  # by the row alone
    assert not np.array_equal(games.evaluate(rows).value, rollout(domain, 4, seed=4).evaluate(rows).value)
    settled = np.array([after(go(3, ko="simple", komi=1), "", ".XX/XXX/XX. to=white").state])
    assert area(go(3, ko="simple", komi=1)).evaluate(settled).value.tolist() == pytest.approx([-0.8])  # (9 - 1) / (9 + 1)
    prior, q = exact.evaluate(rows).prior_logits, exact.evaluate(rows).q
    legal = domain.action_masks(rows)
    assert np.array_equal(np.isneginf(q), ~legal) and np.array_equal(
        (prior == 0) & legal, (q == exact.evaluate(rows).value[:, None]) & legal
    )
    with pytest.raises(ValueError, match="knows Go alone") as error:
        area(make("sliding", size=3))
    one_sentence(error)
    with pytest.raises(ValueError, match="0 games of at most 18 moves") as error:
        rollout(domain, 0)
    one_sentence(error)


# --- accounting ------------------------------------------------------------------------------------------------------------------------


@every_search
def test_no_budget_is_exceeded_and_all_is_counted(search):
    for seed in range(3):
        domain, evaluator = random_game(seed)
        root = domain.parse("S")
        whole = SEARCHES[search](domain, root, evaluator, budget=BUDGET)
        calls, outside = in_order(search, domain, evaluator, budget=BUDGET)
        assert counted(outside) == counted(whole) and outside.evaluator_calls == len(calls)
        assert whole.nodes <= whole.generated + 1 and whole.peak_bytes > 0 and math.isinf(whole.cost)
        for field in ("expansions", "evaluations", "nodes"):
            for limit in (1, 2, 3, 5, 8, 20, max(1, getattr(whole, field))):
                result = SEARCHES[search](domain, root, evaluator, budget=Budget(**{"expansions": 20_000, field: limit}))
                assert getattr(result, field) <= limit
                assert result.status is Status.BUDGET or effort(result) == effort(whole)
                assert result.action_weights is None or result.action_weights.sum() == pytest.approx(1)
                assert np.isnan(result.value) or -1 <= result.value <= 1
        enough = Budget(expansions=whole.expansions)
        assert counted(SEARCHES[search](domain, root, evaluator, budget=enough)) == counted(whole)
        assert SEARCHES[search](domain, root, evaluator.only(()), budget=BUDGET).evaluations == 0
        assert counted(SEARCHES[search](domain, root, evaluator, budget=BUDGET, seed=seed)) == counted(whole) or seed


def press(number, frame):
    raise KeyboardInterrupt


@every_search
def test_bytes_seconds_and_ctrl_c(search):
    domain = go(5)
    for limit in (1_000, 300_000):
        result = SEARCHES[search](domain, start(domain), blind(domain), budget=Budget(bytes=limit))
        assert result.status is Status.MEMORY and result.peak_bytes <= limit and (result.action is not None) == (limit > 1_000)
    result = SEARCHES[search](domain, start(domain), blind(domain), budget=Budget(seconds=0.1, bytes=1 << 29))
    assert result.status is Status.BUDGET and 0.1 <= result.seconds < 3.0
    before = signal.signal(signal.SIGALRM, press)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        result = SEARCHES[search](domain, start(domain), blind(domain), budget=Budget(seconds=20, bytes=1 << 30))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert result.status is Status.INTERRUPTED and result.expansions > 0 and result.action is not None


@every_search
def test_what_a_bad_judge_gives_gets_one_sentence(search):
    domain, evaluator = random_game(0)
    nan = dataclasses.replace(asked(evaluator), name="broken", evaluate=lambda states: Evaluation(value=np.full(len(states), np.nan)))
    long = dataclasses.replace(asked(evaluator), name="broken", evaluate=lambda states: Evaluation(value=np.zeros(len(states) + 1)))
    holes = judge(domain, value={vertex: np.nan for vertex in ("V0", "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8")})
    for bad in (nan, long, holes):
        with pytest.raises(ValueError, match=r"Evaluator (broken|by hand) gave") as error:
            SEARCHES[search](domain, domain.parse("S"), bad)
        one_sentence(error)
    endless = dataclasses.replace(asked(evaluator), evaluate=lambda states: Evaluation(value=np.full(len(states), -np.inf)))
    if search in TREES:  # whose means it would spoil
        with pytest.raises(ValueError, match="Evaluator by hand gave") as error:
            SEARCHES[search](domain, domain.parse("S"), endless)
        one_sentence(error)
        return
    assert not SEARCHES[search](domain, domain.parse("S"), endless, budget=Budget(expansions=1)).solved  # somebody's word is no proof


def test_a_search_says_which_worlds_it_is_for():
    tiles, board = make("sliding", size=3), go(3)
    with pytest.raises(ValueError, match="Search 'astar' is for worlds of one player") as error:
        astar(board, start(board))
    one_sentence(error)
    with pytest.raises(ValueError, match="Search 'ubfm' is for games of two") as error:
        SEARCHES["ubfm"](tiles, tiles.parse("0 1 2 3 4 5 6 7 8"))
    one_sentence(error)
