"""Trees in a batch: by hand, against slow rules, alone and together, interrupted, advanced (long: each switch meets the same trees)."""

import dataclasses
import math
import threading

import numpy as np
import pytest
from drawn_trees import drawn_tree, grow, judge_of, paths, rows, visits
from go_games import go
from toys import one_sentence

from astarzero.envs.evaluation import Evaluation, Evaluator
from astarzero.envs.go import start
from astarzero.envs.go_reference import PASS, Game
from astarzero.envs.line import Line
from astarzero.search.forest import Forest, TreeConfig
from astarzero.search.result import Budget, Status
from astarzero.search.simulate import ASKED, PHASE
from astarzero.search.tree import EDGES, EVALUATIONS, NODES, SIMULATIONS

KNOWS_NOTHING = Evaluator(
    "nothing", frozenset({"value", "prior"}), lambda states: Evaluation(value=np.zeros(len(states))), rules=None
)  # asked from outside, as a net is


# --- by hand -----------------------------------------------------------------------------------------------------------------------


def two_ply(values, logits=None):
    """A binary tree three plies deep, which goes on after them: values of its first vertices, and logits of some."""
    domain, _ = drawn_tree(0, depth=3, width=2)
    prior, worth = np.zeros((15, 2)), np.zeros(15)
    worth[: len(values)] = values
    for vertex, pair in (logits or {}).items():
        prior[vertex] = np.log(pair)
    return domain, judge_of(prior, worth)


def test_puct_by_hand():
    """c = 1, untried counts 0. Values for the mover: root .2, its children -.4 and .1, the first one's children .6 and -.8.

    1  N = 1: .75 against .25: the first, q = .4.
    2  .4 + .75 sqrt(2) / 2 = .93 against .25 sqrt(2) = .35: the first; of its children, .6 against .4, the first: returns .6 for the root.
    3  (.4 + .6) / 2 + .75 sqrt(3) / 3 = .93 against .43; below: -.6 + .6 sqrt(2) / 2 = -.18 against .4 sqrt(2) = .57: returns -.8.
    4  .2 / 3 + .75 * 2 / 4 = .44 against .25 * 2 = .5: the second, q = -.1.
    """
    game = two_ply([0.2, -0.4, 0.1, 0.6, -0.8], {0: (0.75, 0.25), 1: (0.6, 0.4)})
    forest = grow(game, rows(0), 4, c=1.0, fpu=0.0)
    assert visits(forest) == {(): 5, (0,): 3, (1,): 1, (0, 0): 1, (0, 1): 1}
    assert forest.value[0] == pytest.approx((0.2 + 0.4 + 0.6 - 0.8 - 0.1) / 5)
    assert forest.qvalues[0] == pytest.approx([(0.4 + 0.6 - 0.8) / 3, -0.1])
    assert forest.action_weights[0] == pytest.approx([3 / 4, 1 / 4])


def test_uct_by_hand():
    """c = 1. Both children first; then q + sqrt(log N / n): 3: .4 + 1.05 against -.1 + 1.05; 4: .5 + .83 against -.1 + 1.18;
    5: .53 + .73 against -.1 + 1.27, below it a grandchild again, worth 0; 6: .4 + .67 against -.1 + 1.34: the second."""
    game = two_ply([0.2, -0.4, 0.1, 0.6, 0.6, 0.3, 0.3])
    for simulations, shares in {2: (1, 1), 3: (2, 1), 4: (3, 1), 5: (4, 1), 6: (4, 2)}.items():
        forest = grow(game, rows(0), simulations, rule="uct", c=1.0)
        assert tuple(forest.visit_counts[0]) == shares
    assert forest.qvalues[0] == pytest.approx([(0.4 + 0.6 + 0.6 + 0.0) / 4, (-0.1 + 0.3) / 2])


def test_greedy_by_hand_with_the_best_backed_up():
    """Untried counts 1, so everything is tried once, the likelier first: .4, then -.1; below the first .6, then its refutation -.8."""
    game = two_ply([0.2, -0.4, 0.1, 0.6, -0.8], {0: (0.75, 0.25), 1: (0.6, 0.4)})
    for simulations, value in {1: 0.4, 2: 0.4, 3: 0.6, 4: -0.1}.items():
        forest = grow(game, rows(0), simulations, rule="greedy", backup="best", fpu=1.0)
        assert forest.value[0] == pytest.approx(value)
    assert forest.visit_counts.tolist() == [[3, 1]]


# --- minimax -----------------------------------------------------------------------------------------------------------------------


def minimax(domain, vertex):
    heads, kinds = domain.context
    if kinds[vertex]:
        return 2 - kinds[vertex]
    return max(-minimax(domain, head) for head in heads[vertex] if head >= 0)


@pytest.mark.parametrize("rule", ["puct", "uct", "gumbel"])
def test_wins_losses_and_draws_are_proven(rule):
    """Ends within four plies: what is proven is minimax's, by its move too, and UCT proves all wins and losses. PUCT and Gumbel go on
    visiting a move that is known to draw while its q is best, so that a few roots stay open."""
    met, left_open, total = set(), 0, 0
    for seed in range(12):
        game = drawn_tree(seed, depth=4, ends=0.15, illegal=0.2)
        inner = np.flatnonzero((game[0].context[1] == 0) & (np.arange(len(game[0].context[1])) < 40))
        forest = grow(game, rows(*inner), 2000, rule=rule)
        exact = [minimax(game[0], vertex) for vertex in inner]
        met |= set(exact)
        for tree, (vertex, weights, value) in enumerate(zip(inner, forest.action_weights, exact, strict=True)):
            total += 1
            if forest.status(tree) is not Status.SOLVED:
                left_open += 1
                assert rule != "uct" or value == 0
                continue
            assert forest.value[tree] == value
            for action in np.flatnonzero(weights):
                assert -minimax(game[0], game[0].context[0][vertex, action]) == value
        assert not np.isnan(forest.arrays["edges"]["q"]).any() and not np.isnan(forest.arrays["nodes"]["value"]).any()
    assert met == {-1, 0, 1} and left_open < total / 4


# --- Go: superko, and trees together ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["2x2", "1x4", "2x3"])
def test_superko_inside_the_tree_is_that_of_the_slow_reference(size):
    """From lines already played: the edges of every node are the moves that are legal along its path by the list of all positions."""
    height, width = map(int, size.split("x"))
    domain, rng, forbidden = go(size), np.random.default_rng(1), 0
    lines = [Line(domain, start(domain)) for _ in range(6)]
    played = []
    for number, line in enumerate(lines):
        played.append([])
        for _ in range(2 * number):
            move = int(rng.choice(np.flatnonzero(line.action_mask())))
            if move == domain.num_actions - 1 and played[-1][-1:] == [move]:
                continue
            line.play(move)
            played[-1].append(move)
    forest = Forest(
        domain, np.array([line.state for line in lines]), KNOWS_NOTHING, TreeConfig(prove=False), lines=[line.keys for line in lines]
    )
    forest.run(250)

    def point(action):
        return PASS if action == domain.num_actions - 1 else divmod(action, width)

    for tree, moves in enumerate(played):
        for path, node in paths(forest, tree).items():
            game = Game(height, width, "positional")
            for action in (*moves, *path):
                game.play(point(action))
            edges = forest.arrays["edges"]["action"][tree, forest.edges(tree, node)].tolist()
            assert {point(action) for action in edges} == game.legal_moves()
            for move in set(game.points) - set(game.board) - game.legal_moves():
                lost = game.after(move)[2]
                forbidden += lost == 0
    assert forbidden > 20


def statistics(forest, tree):
    """All that one tree holds, comparable with ==."""
    nodes, edges = forest.arrays["counts"][tree, [NODES, EDGES]]
    arrays = forest.arrays
    parts = arrays["states"][tree, :nodes], arrays["nodes"][tree, :nodes], arrays["edges"][tree, :edges], arrays["counts"][tree, :7]
    return [part.tolist() for part in parts]


def mixed():
    """Boards of Go with different komi, in the middle and at the end of a game, and what was played."""
    lines = []
    for number, komi in enumerate((0.5, 7, -3.5, 0.5, 2)):
        domain, rng = go("2x3", komi=komi), np.random.default_rng(number)
        line = Line(domain, start(domain))
        for _ in range(3 * number):
            legal = np.flatnonzero(line.action_mask()[:-1])
            line.play(int(rng.choice(legal)) if len(legal) else domain.num_actions - 1)
            if line.over:
                line.undo()
                break
        lines.append(line)
    over = Line(go("2x3"), start(go("2x3")))
    over.play(go("2x3").num_actions - 1)
    over.play(go("2x3").num_actions - 1)
    return [*lines, over]


def varied(domain):
    """A judge whose value and prior are drawn from the row itself."""

    def evaluate(states):
        noise = [np.random.default_rng(row) for row in states]
        return Evaluation(np.array([rng.normal(size=domain.num_actions) for rng in noise]), np.array([rng.uniform(-1, 1) for rng in noise]))

    return Evaluator("varied", frozenset({"value", "prior"}), evaluate)


def test_a_tree_of_a_mixed_batch_equals_itself_alone_and_in_threads():
    domain, lines = go("2x3"), mixed()
    judge, config, seeds = varied(domain), TreeConfig(prove=False), [5, 6, 7, 8, 9, 10]

    def forest_of(chosen):
        states, keys = np.array([lines[n].state for n in chosen]), [lines[n].keys for n in chosen]
        forest = Forest(domain, states, judge, config, seeds=[seeds[n] for n in chosen], lines=keys)
        forest.run(60)
        return forest

    together = forest_of(range(6))
    alone = [forest_of([number]) for number in range(6)]
    threaded: dict[int, Forest] = {}
    threads = [threading.Thread(target=lambda number=number: threaded.update({number: forest_of([number])})) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(6):
        assert statistics(together, number) == statistics(alone[number], 0) == statistics(threaded[number], 0)
    assert together.status(5) is Status.SOLVED and together.visit_counts[5].sum() == 0


def test_many_leaves_of_many_trees_equal_each_tree_alone():
    game, vertices = drawn_tree(3, ends=0.05, illegal=0.2), range(13)
    together = grow(game, rows(*vertices), 150, leaves=8, seeds=list(vertices))
    for vertex in vertices:
        assert statistics(grow(game, rows(vertex), 150, leaves=8, seeds=vertex), 0) == statistics(together, vertex)
    assert together.calls < 150 / 2


def test_eight_leaves_at_a_time_search_nearly_as_one():
    """Virtual loss spreads the descents: the shares of the visits stay near those of one leaf at a time."""
    game = drawn_tree(4)
    one, eight = (grow(game, rows(*range(13)), 400, leaves=leaves) for leaves in (1, 8))
    assert np.abs(one.action_weights - eight.action_weights).sum(1).max() < 0.5
    assert np.abs(one.action_weights - eight.action_weights).sum(1).mean() < 0.15
    assert (eight.visit_counts.sum(1) == 400).all() and not eight.arrays["edges"]["flying"].any()


@pytest.mark.parametrize("options", [{}, {"rule": "gumbel"}, {"leaves": 8}, {"noise": 0.5}, {"rule": "greedy", "backup": "best"}], ids=str)
def test_edges_that_were_tried_stand_first_before_the_likeliest_of_the_rest(options):
    game, moved = drawn_tree(8, width=6, depth=4, illegal=0.2), 0
    forest = grow(game, rows(*range(5)), 90, **options)
    for _ in range(2):
        for tree in range(5):
            for node in paths(forest, tree).values():
                edges, tried = forest.arrays["edges"][tree, forest.edges(tree, node)], forest.arrays["nodes"]["tried"][tree, node]
                assert (edges["child"][:tried] >= 0).all() and (edges["child"][tried:] < 0).all()
                assert tried == len(edges) or edges["prior"][tried] == edges["prior"][tried:].max()
                moved += 0 < tried < len(edges)
        forest.advance(forest.visit_counts.argmax(1))
        forest.run(20)
    assert moved > 20


# --- going on ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"rule": "gumbel"}, {"duplicates": "merge"}, {"leaves": 3}, {"noise": 0.25}], ids=lambda options: " ".join(options)
)
def test_a_forest_turns_to_other_roots_as_a_new_one_would(options):
    """After a longer search elsewhere, which an interruption left with leaves that wait."""
    domain, config = go("3x3", ko="positional"), TreeConfig(**options)
    first, then = Line(domain, start(domain)), Line(domain, start(domain))
    for action in (4, 1, 9, 0):
        then.play(action)
    forest = Forest(domain, np.stack([first.state] * 2), KNOWS_NOTHING, config, seeds=[5, 6])
    forest.run(120)
    if options.get("leaves"):
        forest.stopped = Status.INTERRUPTED
        forest.control[PHASE] = ASKED
    roots, lines = np.stack([then.state, first.state]), [then.keys, first.keys]
    forest.begin(roots, seeds=[1, 2], lines=lines)
    new = Forest(domain, roots, KNOWS_NOTHING, config, seeds=[1, 2], lines=lines)
    for each in (forest, new):
        each.run(70)
    assert np.array_equal(forest.visit_counts, new.visit_counts) and np.array_equal(forest.value, new.value)
    assert np.array_equal(forest.qvalues, new.qvalues, equal_nan=True) and np.array_equal(forest.prior, new.prior)
    assert np.array_equal(forest.arrays["counts"], new.arrays["counts"]) and forest.calls == new.calls
    before = forest.visit_counts
    for bad in ({"states": roots[:1]}, {"states": roots, "lines": lines[:1]}):
        with pytest.raises(ValueError, match=r"(1 roots were given|1 lines of keys were given)"):
            forest.begin(**bad)
    assert np.array_equal(forest.visit_counts, before)


def test_advance_keeps_the_subtree_and_goes_on_as_if_it_had_begun_there():
    """In a game the k visits of a child are k - 1 simulations of a tree begun there, before the move and after it."""
    game = drawn_tree(5, illegal=0.2)
    forest = grow(game, rows(*range(4, 10)), 120)
    before, moves = [visits(forest, tree) for tree in range(6)], forest.visit_counts.argmax(1)
    children = [int(game[0].context[0][4 + tree, move]) for tree, move in enumerate(moves)]
    forest.advance(moves)
    for tree, move in enumerate(moves.tolist()):
        kept = {path[1:]: count for path, count in before[tree].items() if path[:1] == (move,)}
        assert visits(forest, tree) == kept
        fresh = grow(game, rows(children[tree]), kept[()] - 1)
        assert visits(fresh) == kept and fresh.value[0] == pytest.approx(forest.value[tree], abs=1e-6)
    forest.run(50)
    for tree, child in enumerate(children):
        fresh = grow(game, rows(child), visits(forest, tree)[()] - 1)
        assert visits(fresh) == visits(forest, tree)


def test_an_illegal_move_is_refused_and_changes_nothing():
    game = drawn_tree(5, illegal=0.2)
    vertex = int(np.flatnonzero((game[0].context[0][:40] < 0).any(1))[0])
    bad = int(np.flatnonzero(game[0].context[0][vertex] < 0)[0])
    forest, undisturbed = (grow(game, rows(0, vertex), 20) for _ in range(2))
    with pytest.raises(ValueError, match=f"Action {bad} is illegal in tree 1") as error:
        forest.advance([0, bad])
    one_sentence(error)
    for one in (forest, undisturbed):
        one.run(20)
    assert all(statistics(forest, tree) == statistics(undisturbed, tree) for tree in (0, 1))
    with pytest.raises(ValueError, match="1 actions were given for 2 trees") as error:
        forest.advance([0])
    one_sentence(error)


@pytest.mark.parametrize("leaves", [1, 8])
def test_an_interrupted_run_goes_on_to_the_same_result(leaves):
    game, roots = drawn_tree(6), rows(1)
    whole = grow(game, roots, 100, leaves=leaves)
    for interrupt in ("stop", "key"):
        stop, left, answered = threading.Event(), iter(range(7)), []

        def evaluate(states, stop=stop, left=left, interrupt=interrupt, answered=answered):
            if next(left, None) is None and not stop.is_set():
                stop.set()
                if interrupt == "key":
                    raise KeyboardInterrupt
            answered.append(len(states))
            return game[1].evaluate(states)

        judge = dataclasses.replace(game[1], evaluate=evaluate)
        budget = Budget(stop=stop) if interrupt == "stop" else Budget()
        forest = Forest(game[0], roots, judge, TreeConfig(leaves=leaves), budget=budget)
        forest.run(100)
        assert forest.status(0) is Status.INTERRUPTED and 0 < forest.arrays["counts"][0, SIMULATIONS] < 100
        forest.budget = Budget()
        forest.run(100 - int(forest.arrays["counts"][0, SIMULATIONS]))
        assert statistics(forest, 0) == statistics(whole, 0)
        assert sum(answered) == forest.arrays["counts"][0, EVALUATIONS] and forest.calls == len(answered)  # nothing was asked twice


# --- limits and bad input --------------------------------------------------------------------------------------------------------------


def test_nodes_and_bytes_are_limits():
    game = drawn_tree(7)
    forest = grow(game, rows(1, 2), 500, budget=Budget(nodes=37))
    assert (forest.arrays["counts"][:, NODES] == 37).all() and forest.status() is Status.BUDGET
    for limit in (1_000, 60_000, 200_000):
        forest = grow(game, rows(1, 2), 5000, budget=Budget(bytes=limit))
        assert forest.peak_bytes <= limit and forest.status() is Status.MEMORY
        assert (forest.visit_counts.sum() > 0) == (limit > 1_000)


BAD_ANSWERS = {
    "value nan": Evaluation(np.zeros((1, 3)), np.array([np.nan])),
    "prior nan": Evaluation(np.full((1, 3), np.nan), np.zeros(1)),
    "nowhere to go": Evaluation(np.full((1, 3), -np.inf), np.zeros(1)),
    "lost for sure": Evaluation(np.zeros((1, 3)), np.array([-np.inf])),
    "too many values": Evaluation(np.zeros((1, 3)), np.zeros(2)),
    "too few logits": Evaluation(np.zeros((1, 2)), np.zeros(1)),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_a_bad_answer_gets_one_sentence(answer):
    domain, judge = drawn_tree(0)
    broken = dataclasses.replace(judge, name="broken", evaluate=lambda states: answer)
    with pytest.raises(ValueError, match="Evaluator broken gave") as error:
        grow((domain, broken), rows(0), 5)
    one_sentence(error)


def test_options_and_numbers_out_of_range_get_one_sentence():
    domain, judge = drawn_tree(0)
    forest = grow((domain, judge), rows(0), 0)
    assert forest.visit_counts.sum() == 0 and not math.isnan(forest.value[0])
    for bad, words in (
        (lambda: forest.run(-1), "-1 simulations"),
        (lambda: TreeConfig(rule="best"), "Option rule is best"),
        (lambda: TreeConfig(leaves=0), "Option leaves is 0"),
        (lambda: TreeConfig(c=math.nan), "Option c is nan"),
        (lambda: Forest(domain, rows(0), judge, TreeConfig(duplicates="drop")), "for one player"),
        (lambda: Forest(go("2x2"), start(go("2x2")), lines=[]), "0 lines of keys"),
    ):
        with pytest.raises(ValueError, match=words) as error:
            bad()
        one_sentence(error)
