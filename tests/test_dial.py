"""The dial: A* expansion by expansion, AlphaZero visit by visit, minimax by hand, each switch (long: each preset is traced)."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
from toys import asked, one_sentence

from astarzero.envs import make
from astarzero.envs.evaluation import Evaluation
from astarzero.envs.oracles import exact_table
from astarzero.experiments import identity, random_graph, results
from astarzero.experiments.__main__ import main
from astarzero.search import Budget, Status, exact_oracle, tabulated
from astarzero.search.dial import ALPHAZERO, DUPLICATE_RULES, PRESETS, TIES, Dial, dial_search, preset
from astarzero.search.drive import ENTRIES
from astarzero.search.forest import Forest, TreeConfig
from astarzero.search.mcts import result_of


@pytest.fixture(scope="module")
def graphs():
    """Problems on random weighted graphs under five judges."""
    return identity.problems("random graphs", 40, seed=3)


# --- the identity ------------------------------------------------------------------------------------------------------------


def test_the_tree_expands_what_a_heap_expands_under_every_rule(graphs):
    longest = 0
    for tie, duplicates in itertools.product(TIES, DUPLICATE_RULES):
        for problem in graphs:
            expected = identity.heap_order(problem, tie, duplicates, seed=1, limit=60)
            assert identity.tree_order(problem, Dial(tie=tie, duplicates=duplicates), seed=1, limit=60) == expected
            longest = max(longest, len(expected))
    assert longest == 60


def test_the_tree_expands_what_the_production_search_expands(graphs):
    for ordering, dial in identity.PRODUCTION.items():
        for problem in graphs[::4]:
            expected = identity.production_order(problem, ordering, seed=1, limit=25)
            assert identity.tree_order(problem, dial, seed=1, limit=25) == expected


def test_each_broken_condition_is_seen(graphs):
    heaps = [identity.heap_order(problem, "seeded", "graph", 1, 60) for problem in graphs]
    for name, dial in identity.CONTROLS.items():
        trees = [identity.tree_order(problem, dial, 1, 60) for problem in graphs]
        assert sum(one == other for one, other in zip(heaps, trees, strict=True)) < len(graphs), name


def test_the_counts_and_bounds_are_those_of_a_star(graphs):
    """One accounting: a state is judged once, when it is generated; compiled or asked."""
    for problem in graphs:
        ground = problem.ground
        result = identity.best_first(ground.table.domain, problem.state, ground.judge, seed=2, inspect=lambda drive: None)
        for judge in (ground.judge, asked(ground.judge)):
            mine = dial_search(ground.table.domain, problem.state, judge, seed=2)
            for name in ("status", "plan", "cost", "lower_bound", "expansions", "generated", "evaluations", "evaluator_calls"):
                assert getattr(mine, name) == getattr(result, name), name
        optimum = ground.table.cost_to_go[problem.root]
        if ground.judge.admissible:
            assert mine.cost == optimum == mine.lower_bound


# --- AlphaZero ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("players", [1, 2])
def test_the_other_end_is_puct_visit_by_visit(players):
    """With the random values and priors of `bandit` nothing ties, for each breaks ties by a seeded rule of its own."""
    goals = 0
    for number in range(8):
        domain, judge = bandit(number, players)
        for simulations in (1, 2, 3, 5, 9, 20, 60):
            asked_of_dial, asked_of_forest, priors = [], [], {}

            def look(drive, priors=priors):
                kids = slice(1, 1 + drive.entries["num_children"][0])
                priors.update(zip(drive.entries["action"][kids].tolist(), drive.entries["prior"][kids].tolist(), strict=True))

            root, budget = domain.parse("0"), Budget(expansions=simulations)
            dialled = dial_search(domain, root, noted(judge, asked_of_dial), dial=ALPHAZERO, budget=budget, inspect=look)
            forest = Forest(domain, root, noted(judge, asked_of_forest), TreeConfig(duplicates="keep", prove=False))
            forest.run(simulations - 1)  # to judge the root is an expansion of the dial
            found = result_of(forest)
            goals += dialled.solved
            assert (found.solved, found.plan, found.cost) == (dialled.solved, dialled.plan, dialled.cost)
            assert asked_of_forest == asked_of_dial[: len(asked_of_dial) - dialled.solved]  # the forest looks for a goal before it asks
            assert [forest.prior[0, action] for action in priors] == pytest.approx(list(priors.values()), rel=1e-6) or dialled.solved
            if simulations > 1 and not dialled.solved:
                assert found.value == pytest.approx(dialled.value, rel=1e-5)
                assert found.action_weights == pytest.approx(dialled.action_weights, abs=1e-12)
                assert forest.visit_counts.sum() == simulations - 1
    assert (goals > 0) == (players == 1)


def bandit(number, players):
    """A random graph with irrational costs, values and priors; one player: a goal, two: ends won, drawn and lost. No two edges meet."""
    rng = np.random.default_rng(number)
    if players == 1:
        streets = {v: [(int(head), rng.uniform(0.5, 2)) for head in rng.permutation(40)[:3] if head != v] for v in range(39)}
        domain = hand_made(streets, goals=(39,), vertices=40)
    else:
        streets = {tail: [(3 * tail + kid, 1.0) for kid in (1, 2, 3)] for tail in range(13)}  # 40 vertices, three plies
        ends = {end: [(0, float(rng.integers(-1, 2)))] for end in range(13, 40)}
        domain = hand_made({**streets, **ends}, walls=ends, vertices=40).with_(discount=-1.0)
    values = rng.uniform(-0.9, 0.9, 40) if players == 2 else -rng.uniform(1, 5, 40)
    return domain, by_hand(domain, values, rng.normal(size=(40, 4)))


def noted(judge, order):
    """The judge, asked from outside, and in `order` what it was asked."""

    def evaluate(states):
        order.extend(states[:, 0].tolist())
        return judge.evaluate(states)

    return dataclasses.replace(asked(judge), evaluate=evaluate)


def hand_made(streets: dict[int, list[tuple[int, float]]], goals=(), walls=(), vertices=8):
    """A graph by hand, with the rules and hence the kernels of random_graph.py."""
    heads, costs, kinds = np.full((vertices, 4), -1, np.int64), np.zeros((vertices, 4)), np.zeros(vertices, np.int64)
    for tail, ways in streets.items():
        for action, (head, cost) in enumerate(ways):
            heads[tail, action], costs[tail, action] = head, cost
    kinds[list(goals)], kinds[list(walls)] = random_graph.GOAL, random_graph.WALL
    domain = random_graph.make(0, vertices=vertices)
    return domain.with_(context=(heads, costs, kinds), name="by-hand")


def by_hand(domain, value=None, prior=None):
    states = domain.instance_sets["all"]()
    return tabulated(domain, states, Evaluation(value=None if value is None else np.array(value), prior_logits=prior), "by hand")


def statistics(domain, judge, root=0, **options):
    """(vertex, N, mean return, key) of every node, and the result."""
    found = []

    def look(drive):
        tree = drive.entries
        for node in range(drive.control[ENTRIES]):
            visits = int(tree["visits"][node])
            vertex = int(drive.nodes["states"][tree["row"][node], 0])
            found.append((vertex, visits, tree["total"][node] / visits if visits else None, float(tree["key"][node])))

    result = dial_search(domain, np.array([root], np.uint64), judge, inspect=look, **options)
    return found, result


def test_both_backups_by_hand():
    """0 goes to 1 (cost 1, h 2) and 2 (cost 2, h 4); 1 goes to 3 (cost 1, h 5). f of 1, 2, 3: 3, 6, 7. Root h 3.

    All: the root is judged, then 1 and 2, then 3. N(0) = 4; its mean return is (-3 - 3 - 6 - 7) / 4. The best leaf is 2.
    """
    domain = hand_made({0: [(1, 1.0), (2, 2.0)], 1: [(3, 1.0)], 3: [(4, 1.0)], 2: [(4, 1.0)]})
    judge = by_hand(domain, [-3.0, -2.0, -4.0, -5.0, -9.0, 0, 0, 0])
    found, result = statistics(domain, judge, budget=Budget(expansions=2))
    assert found == [(0, 4, -19 / 4, 6.0), (1, 2, (-2 - 6) / 2, 7.0), (2, 1, -4.0, 6.0), (3, 1, -5.0, 7.0)]
    assert (result.value, result.action, result.evaluations) == (-6.0, 1, 4)
    # half mean: the child 1 is worth (7 + 5) / 2, the child 2 stays at 6, a tie that low h decides: both have their leaf's own
    half = dataclasses.replace(Dial(), backup=0.5)
    assert statistics(domain, judge, dial=half, budget=Budget(expansions=2))[1].value == pytest.approx((-6 - 19 / 4) / 2)
    # one at a time: 0 is judged, then 1 or 2, which wait with the root's own key
    found, result = statistics(domain, judge, dial=Dial(expand="one"), budget=Budget(expansions=1))
    assert found == [(0, 1, -3.0, 3.0), (1, 0, None, 3.0), (2, 0, None, 3.0)] and result.evaluations == 1


def test_weights_of_the_heads_and_of_the_path():
    """A weight of 0 does not ask; the value's weight makes f = g + w h; greedy forgets g; the prior's makes the policy flat."""
    domain = hand_made({0: [(1, 1.0), (2, 3.0)], 1: [(3, 1.0)], 2: [(3, 1.0)]}, goals=(3,))
    prior = np.zeros((8, 4))
    prior[0] = (math.log(0.8), math.log(0.2), 0, 0)
    judge, once = by_hand(domain, [-2.0, -4.0, -1.0, 0, 0, 0, 0, 0], prior), Budget(expansions=1)
    for weight in (0.0, 0.5, 1.0):
        found, result = statistics(domain, judge, dial=Dial(value=weight), budget=once)
        assert [key for *_, key in found[1:]] == [1 + 4 * weight, 3 + weight]
        assert result.evaluations == (3 if weight else 0)
    found, _ = statistics(domain, judge, dial=PRESETS["greedy"], budget=once)
    assert [key for *_, key in found] == [1.0, 4.0, 1.0]
    for weight, chance in ((0.0, 0.5), (0.5, 2 / 3), (1.0, 0.8)):
        chances = []
        dial_search(
            domain, np.array([0], np.uint64), judge, dial=dataclasses.replace(ALPHAZERO, prior=weight), budget=once,
            inspect=lambda drive, chances=chances: chances.extend(drive.entries["prior"][1:3].tolist()),
        )  # fmt: skip
        assert chances == pytest.approx([chance, 1 - chance])


def test_dead_ends_are_buried_and_nothing_is_ever_nan(graphs):
    """Every corner of the dial on every judge: no nan, no plan without a goal, no plan missed by a search that ends by itself."""
    corners = itertools.product((0.0, 0.5, 1.0), (0.0, 1.0), ("all", "one"), DUPLICATE_RULES, ("selection", "generation"))
    for backup, exploration, expand, duplicates, goal_test in corners:
        dial = Dial(backup=backup, exploration=exploration, expand=expand, duplicates=duplicates, goal_test=goal_test, prior=1.0)
        for problem in graphs[::7]:
            table = problem.ground.table
            found = []
            result = dial_search(
                table.domain, problem.state, problem.ground.judge, dial=dial, budget=Budget(expansions=300),
                inspect=lambda drive, found=found: found.extend(drive.entries[name][: drive.control[ENTRIES]] for name in ("total", "key")),
            )  # fmt: skip
            assert not any(np.isnan(array).any() for array in found)
            optimum = table.cost_to_go[problem.root]
            assert result.cost >= optimum >= result.lower_bound and result.nodes <= result.generated + 1
            if result.status is Status.EXHAUSTED:
                assert not math.isfinite(optimum)
            if result.plan:
                assert table.domain.goal_mask(table.domain.replay(problem.state, result.plan)[0])[0]


# --- two players -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def game():
    """0 moves to 1 or 2. 1 moves to 3 (won for who moves there) or 4 (lost); 2 to 5 (drawn) or 6 (won): minimax values of 1, 2: 1, 0."""
    streets = {0: [(1, 1.0), (2, 1.0)], 1: [(3, 1.0), (4, 1.0)], 2: [(5, 1.0), (6, 1.0)]}
    ends = {3: [(7, 1.0)], 4: [(7, -1.0)], 5: [(7, 0.0)], 6: [(7, 1.0)]}
    domain = hand_made({**streets, **ends}, walls=(3, 4, 5, 6))
    return domain.with_(discount=-1.0)


def test_best_first_minimax_by_hand(game):
    """Values for the mover: 1 looks good for the chooser (-.5), 2 not (.3). Expanding 1 shows that it is won there; 2 is a draw."""
    judge = by_hand(game, [0.1, -0.5, 0.3, 0.9, 0.9, 0.9, 0.9, 0])
    dial = preset("astar", game)
    assert dial.duplicates == "tree"
    found, result = statistics(game, judge, dial=dial, budget=Budget(expansions=1))
    assert (result.value, result.action, result.evaluations) == (0.5, 0, 3)
    assert found == [(0, 3, pytest.approx((0.1 + 0.5 - 0.3) / 3), 0.5), (1, 1, -0.5, -0.5), (2, 1, pytest.approx(0.3), pytest.approx(0.3))]
    found, result = statistics(game, judge, dial=dial, budget=Budget(expansions=2))
    assert (result.value, result.action, result.status) == (pytest.approx(-0.3), 1, Status.BUDGET)
    assert [key for *_, key in found[3:]] == [1.0, -1.0]  # of 3 and 4, as the rule book has them
    _, result = statistics(game, judge, dial=dial)
    assert (result.value, result.action, result.status, result.expansions) == (0.0, 1, Status.SOLVED, 3)


def minimax_order(streets, values, outcomes, limit):
    """Unbounded best-first minimax with proven values in plain Python: the vertices in the order of expansion, and the root's value."""
    kids, value, proven, order = {}, dict(values) | outcomes, set(outcomes), []
    while 0 not in proven and len(order) < limit:
        path = [0]
        while path[-1] in kids:
            path.append(min((kid for kid in kids[path[-1]] if kid not in proven), key=value.__getitem__))
        order.append(path[-1])
        kids[path[-1]] = [head for head, _ in streets[path[-1]]]
        for vertex in reversed(path):
            best = min(kids[vertex], key=value.__getitem__)
            value[vertex] = -value[best]
            if all(kid in proven for kid in kids[vertex]) or (best in proven and value[best] <= -1):
                proven.add(vertex)
    return order, value[0]


def test_with_two_players_a_star_is_unbounded_best_first_minimax(game):
    rng = np.random.default_rng(0)
    for _ in range(20):
        streets = {tail: [(3 * tail + kid, 1.0) for kid in (1, 2, 3)] for tail in range(13)}  # 40 vertices, three plies
        values = {vertex: float(np.float32(number)) for vertex, number in enumerate(rng.uniform(-0.9, 0.9, 40))}
        outcomes = {vertex: float(rng.choice([-1.0, -0.5, 0.5, 1.0])) for vertex in range(13, 40)}
        outcomes = {vertex: number * rng.uniform(0.99, 1) if abs(number) < 1 else number for vertex, number in outcomes.items()}
        outcomes = {vertex: float(np.float32(number)) for vertex, number in outcomes.items()}  # none equal but for the certain ones
        made = hand_made({**streets, **{end: [(0, worth)] for end, worth in outcomes.items()}}, walls=range(13, 40), vertices=40)
        domain = game.with_(context=made.context, instance_sets=made.instance_sets)
        judge = by_hand(domain, [values[vertex] for vertex in range(40)])
        for limit in (3, 6, 13):
            expected, value = minimax_order(streets, values, outcomes, limit)
            order = []

            def look(drive, order=order):
                number = drive.entries["order"][: drive.control[ENTRIES]]
                chosen = np.argsort(number)[(number < 0).sum() :]
                order.extend(drive.nodes["states"][drive.entries["row"][chosen], 0].tolist())

            result = dial_search(
                domain, np.array([0], np.uint64), judge, dial=preset("astar", domain), budget=Budget(expansions=limit), inspect=look
            )
            assert order == expected and result.value == pytest.approx(value, abs=1e-6)


def test_every_setting_finds_the_move(game):
    """Mean or best, greedy or bandit, one or all: the drawing move is found; without proofs the search goes on, with them it ends."""
    judge = by_hand(game, [0.1, -0.5, 0.3, 0.9, 0.9, 0.9, 0.9, 0], np.zeros((8, 4)))
    for backup, exploration, expand, proofs in itertools.product((0.0, 0.5, 1.0), (0.0, 1.0), ("all", "one"), (False, True)):
        decide = "visits" if exploration else "best"
        dial = Dial(
            backup=backup, exploration=exploration, expand=expand, proofs=proofs, prior=1.0, duplicates="tree", decide=decide, c_puct=0.5
        )
        for face in (judge, asked(judge)):
            result = dial_search(game, np.array([0], np.uint64), face, dial=dial, budget=Budget(evaluations=200, expansions=200))
            assert (result.action, -1 <= result.value <= 1) == (1, True), dial
            assert (result.status is Status.SOLVED) == proofs


SOLVED_BY_SUPERKO = [("1x2", 0, 0), ("1x2", 0.5, -1), ("1x3", 2.5, 1), ("1x3", 3, 0), ("1x3", 3.5, -1), ("2x2", 0.5, 1), ("2x2", 1.5, -1)]


@pytest.mark.parametrize(("size", "komi", "value"), SOLVED_BY_SUPERKO)
def test_superko_holds_on_every_path_of_the_tree(size, komi, value):
    """Positional superko: 1x2 is worth 0, 1x3 +3, 2x2 +1 The tree knows nothing but the rules and proves it."""
    domain = make("go", size=size, komi=komi)
    result = dial_search(domain, domain.instance_sets["start"]()[0], dial=preset("astar", domain))
    assert (result.status, result.value, result.evaluations) == (Status.SOLVED, value, 0)


def test_a_game_that_is_over_says_so(game):
    result = dial_search(game, np.array([4], np.uint64), by_hand(game, np.zeros(8)), dial=preset("astar", game))
    assert (result.status, result.action) == (Status.SOLVED, None)


# --- bad input ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"), [({"backup": 1.5}, "backup is 1.5"), ({"expand": "some"}, "'some'"), ({"c_puct": math.inf}, "c_puct is inf")]
)
def test_a_switch_out_of_range_is_one_sentence(settings, words):
    with pytest.raises(ValueError, match=words) as error:
        Dial(**settings)
    one_sentence(error)


def test_unknown_presets_games_with_duplicates_and_nonsense_are_refused(game):
    with pytest.raises(ValueError, match="'mcts' is not known") as error:
        preset("mcts", game)
    one_sentence(error)
    with pytest.raises(ValueError, match="set the switch duplicates to tree") as error:
        dial_search(game, np.array([0], np.uint64), by_hand(game, np.zeros(8)), dial=Dial())
    one_sentence(error)
    table = exact_table(random_graph.make(0))
    broken = tabulated(table.domain, table.states, Evaluation(value=np.full(len(table.states), np.nan)), "broken")
    for face in (broken, asked(broken)):
        with pytest.raises(ValueError, match="Evaluator broken gave") as error:
            dial_search(table.domain, table.states[0], face)
        one_sentence(error)
    assert dial_search(table.domain, table.states[0], exact_oracle(table), budget=Budget(nodes=1)).status is Status.BUDGET


# --- the command -------------------------------------------------------------------------------------------------------------

WORLD = "astarzero.experiments.random_graph"


def test_the_verb_turns_one_switch_at_a_time(capsys, tmp_path):
    given = ["--instances", "6", "--steps", "3", "--max-evaluations", "60", "--seed", "1", "--out", str(tmp_path)]
    assert main(["dial", WORLD, *given, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    legs = [
        "start",
        "goal_test generation",
        "backup",
        "backup",
        "exploration",
        "exploration",
        "expand one",
        "prior",
        "prior",
        "duplicates tree",
    ]
    assert [row["leg"] for row in rows] == 2 * legs  # an exact and a noisy judge; graphs have no heuristic
    first, last = rows[0], rows[len(legs) - 1]
    assert Dial(**first["dial"]) == PRESETS["astar"] and first["regret"][0] == 0 and first["solved"][0] == 1
    games_only = {"proofs": True, "decide": "best"}
    assert Dial(**last["dial"]) == dataclasses.replace(ALPHAZERO, **games_only)
    header, *kept = results.read_records(tmp_path / "dial-random-graph-0.jsonl")
    assert header["seed"] == 1 and header["config"]["steps"] == 3
    assert [{name: value for name, value in row.items() if name != "arrays"} for row in kept] == rows
    assert len(results.unpack(kept[0]["arrays"]["evaluations"])) == 6
    assert (tmp_path / "dial-random-graph-0.png").read_bytes().startswith(b"\x89PNG")


def test_the_verb_prints_a_table_a_judge_and_sweeps_between_any_two(capsys):
    given = ["--from", "greedy", "--to", "value-mcts", "--instances", "3", "--steps", "2", "--order", "cost", "--order", "backup"]
    assert main(["dial", WORLD, *given]) == 0
    printed = capsys.readouterr().out
    assert printed.count("from greedy to value-mcts") == 2 and printed.index("cost") < printed.index("backup")


def test_the_identity_verb_counts(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(identity, "WORLDS", ("random graphs",))
    given = ["--instances", "4", "--limit", "20", "--production-limit", "5", "--out", str(tmp_path)]
    assert main(["identity", *given]) == 0
    assert capsys.readouterr().out.count("4 of 4") >= 2 * (len(TIES) * len(DUPLICATE_RULES) + len(identity.PRODUCTION))
    _, *records = results.read_records(tmp_path / "identity.jsonl")
    assert {record["kind"] for record in records} == {"setting", "production", "control"}
