"""A*, its orderings and Q*-search against breadth-first search, worked examples and the theorems they are known for."""

import csv
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import toys
from toys import PROBLEMS, graph, judge, problem, wild

from astarzero.envs import make
from astarzero.envs.domain import Heuristic
from astarzero.search import SEARCHES, Budget, Status, astar, exact_oracle, from_heuristic, levin, noisy_oracle, tabulated, uniform_cost
from astarzero.search.best_first import best_first
from astarzero.search.evaluator import exact_answers
from astarzero.search.orderings import ORDERINGS

KORF = Path(__file__).parents[2] / "shared" / "data" / "korf100.csv"
WILD = range(1, 9)


@pytest.fixture(scope="module")
def small():
    """2x3 with Manhattan, and its 360 depths by breadth-first search in plain Python."""
    domain = make("sliding", size="2x3")
    depths = toys.breadth_first(2, 3)
    return domain, {board: (domain.parse(" ".join(map(str, board))), depth) for board, depth in depths.items()}


# --- A* finds what breadth-first search finds ------------------------------------------------------------------------------------


EARLY = {"goal_test": "generation"}  # safe for uniform cost at unit costs


@pytest.mark.parametrize(("search", "options"), [("astar", {}), ("astar", {"batch": 7}), ("uniform_cost", {}), ("uniform_cost", EARLY)])
def test_every_board_of_2x3_is_solved_at_its_depth(small, search, options):
    domain, boards = small
    assert len(boards) == 360
    for row, depth in boards.values():
        result = SEARCHES[search](domain, row, **options)
        assert (result.status, result.cost, len(result.plan)) == (Status.SOLVED, depth, depth)
        assert result.lower_bound == depth or (options == EARLY and result.lower_bound == depth - 1)


def test_a_sample_of_the_8_puzzle_is_solved_at_its_depth():
    puzzle = make("sliding", size=3)
    depths = toys.breadth_first(3, 3)
    boards = list(depths)
    for number in np.random.default_rng(0).choice(len(boards), 300, replace=False):
        row = puzzle.parse(" ".join(map(str, boards[number])))
        result = astar(puzzle, row)
        assert (result.cost, result.lower_bound) == (depths[boards[number]],) * 2
        assert result.expansions < 20_000


def test_uniform_cost_expands_every_state_nearer_than_the_goal_and_astar_no_state_whose_f_is_above_it(small):
    domain, boards = small
    table = toys.table_of(domain)
    for row, depth in list(boards.values())[::20]:
        away = toys.distances_from(table, row)
        blind, guided = uniform_cost(domain, row), astar(domain, row)
        assert (away < depth).sum() <= blind.expansions <= (away <= depth).sum()
        f = away - from_heuristic(domain).evaluate(table.states).value
        assert (f < depth).sum() <= guided.expansions <= (f <= depth).sum()


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("weight", [1, 1.5, 3])
@pytest.mark.parametrize("search", ["astar", "qstar"])
def test_cost_is_within_the_weight_and_the_bound_below_the_optimum_though_h_is_inconsistent(search, weight, batch):
    for seed in WILD:
        instance = problem(wild(seed))
        for luck in range(5):
            result = instance.solve(search, toys.unfair(instance.table, luck), weight=weight, batch=batch)
            assert result.cost <= weight * instance.optimum * (1 + 1e-6)
            assert result.lower_bound <= instance.optimum * (1 + 1e-6)
            if weight == 1:
                assert result.cost == instance.optimum == pytest.approx(result.lower_bound)


@pytest.mark.parametrize("search", ["astar", "uniform_cost", "greedy_best_first", "levin", "qstar"])
def test_bounds_hold_wherever_a_search_is_stopped(search):
    for seed in WILD:
        instance = problem(wild(seed))
        for guide in (*toys.judges(instance.table).values(), *(toys.unfair(instance.table, luck) for luck in range(3))):
            bounds = []
            for limit in range(1, 30):
                options = {"batch": 1 + limit % 3, "weight": 1.0 + limit % 2}
                result = instance.solve(search, guide, Budget(expansions=limit, evaluations=max(1, 60 - 2 * limit)), **options)
                assert result.lower_bound <= instance.optimum * (1 + 1e-6)
                bounds.append(result.lower_bound)
            assert search == "levin" or guide.name != "exact" or max(bounds) > 0  # they say something


# --- the worked example: admissible, but not consistent -------------------------------------------------------------------------


def test_without_reopening_four_with_it_three_and_a_half(monkeypatch):
    monkeypatch.setitem(ORDERINGS, "closed for good", dataclasses.replace(ORDERINGS["astar"], reopen=False))
    instance = PROBLEMS["inconsistent"]()
    guess = from_heuristic(instance.domain)
    closed = best_first(instance.domain, instance.root, guess, ordering="closed for good")
    assert (closed.cost, closed.expansions, closed.lower_bound) == (4.0, 3, 3.5)
    result = instance.solve("astar", guess)
    assert (result.cost, result.lower_bound) == (3.5, 3.5)
    assert (result.expansions, result.generated, result.evaluations, result.nodes) == (4, 5, 3, 4)  # S A B A; A twice; G needs no judge
    assert [instance.domain.format(instance.domain.replay(instance.root, result.plan[:n])[0]) for n in range(4)] == ["S", "B", "A", "G"]


def test_q_star_reopens_too():
    """The same on the streets: q is admissible and draws the search to A-G before it has seen B."""
    instance = PROBLEMS["inconsistent"]()
    guide = judge(instance.domain, q={"S-A": -2.0, "S-B": -3.5, "B-A": -0.5, "A-G": -1.0}, admissible=True)
    result = instance.solve("qstar", guide)
    assert (result.cost, result.lower_bound, result.evaluations, result.expansions) == (3.5, 3.5, 3, 3)
    assert result.generated == 5  # S-A A-G S-B B-A and A-G again, under the better g of A, at no evaluation
    early = instance.solve("qstar", guide, goal_test="generation")
    assert (early.cost, early.generated, early.lower_bound) == (4.0, 2, 3.5)


def test_a_pair_that_waited_under_an_older_g_is_not_followed():
    """A-C waits under g(A) = 2 when A is reached anew with 1.5, and surfaces after it was followed under that."""
    instance = problem(graph("stale", "S-A 2, S-B 1, B-A 0.5, A-C 1"))
    result = instance.solve("qstar", judge(instance.domain, q={"S-A": -2.0, "S-B": -3.5, "B-A": -0.5, "A-C": -10.0}))
    assert (result.status, result.generated) == (Status.EXHAUSTED, 4)


def test_a_better_path_to_a_goal_that_waits_replaces_the_worse():
    world = graph("two-ways", "S-G 10, S-A 1, A-B 1, B-G 1")
    for search in ("astar", "uniform_cost", "qstar"):
        instance = problem(world)
        for guide in toys.judges(instance.table).values():
            if guide.admissible:
                assert instance.solve(search, guide).cost == 3.0
                assert instance.solve(search, guide, goal_test="generation").cost in (3.0, 10.0)


def test_a_goal_is_tested_when_selected_or_when_generated():
    """Blind: by selection the direct street to G waits until S-A-B-G is cheaper; by generation it is taken at once."""
    instance = problem(graph("detour", "S-G 10, S-A 1, A-B 1, B-G 1"))
    for search in ("uniform_cost", "astar"):
        nothing = toys.judges(instance.table)["nothing"]
        late, early = instance.solve(search, nothing), instance.solve(search, nothing, goal_test="generation")
        assert (late.cost, late.expansions) == (3.0, 3)
        assert (early.cost, early.expansions, early.lower_bound) == (10.0, 1, 0.0)


@pytest.mark.parametrize("seed", range(4))
def test_what_waits_is_found_after_a_successor_has_outgrown_the_buckets(seed):
    """h(B) is above the greatest bucket at first and above every key so far, and A waits with a lesser one."""
    streets, guesses = "S-A 1, S-B 1, A-G 150, B-G 180", {"A": 10.0, "B": 100.0}
    far = graph("far", streets, guesses).with_(whole_costs=True, heuristics={"guess": Heuristic(toys.guess, admissible=True, whole=True)})
    result = astar(far, far.parse("S"), seed=seed)
    assert (result.cost, result.lower_bound, result.expansions) == (151, 151, 3)


def test_buckets_and_heap_agree_on_what_a_judge_calls_dead():
    """It is charged, and lost; that nothing is left proves that there is no solution only when the judge is to be trusted."""
    streets = "S-A 1, S-B 1, S-C 2, A-G 1, B-Y 1, C-Z 1"
    for dead in ("A", "B", "S", "BC", "ABC"):
        for admissible in (True, False):
            guesses = {vertex: np.inf for vertex in dead}
            whole = Heuristic(toys.guess, admissible=admissible, whole=True)
            world = graph("judged", streets, guesses).with_(whole_costs=True, heuristics={"guess": whole})
            for search in ("astar", "greedy_best_first", "uniform_cost"):
                by_bucket, by_heap = (SEARCHES[search](one, one.parse("S")) for one in (world, world.with_(whole_costs=False)))
                found = [(result.status, result.cost, result.lower_bound) for result in (by_bucket, by_heap)]
                assert found[0] == found[1], (dead, admissible, search)
                assert by_bucket.status is Status.SOLVED or by_bucket.evaluations == by_heap.evaluations > 0
                assert admissible or by_bucket.lower_bound <= 2


@pytest.mark.parametrize("batch", [1, 3])
def test_buckets_of_whole_numbers_find_what_a_heap_finds(batch):
    """Costs and an inconsistent h of very different sizes, in graphs where many ways meet: the optimum, and bounds that hold."""
    for seed in range(40):
        rng, shape = np.random.default_rng(seed), wild(seed, vertices=40)
        heads, costs, kinds, _ = shape.context
        costs = np.ceil(costs * rng.choice([1, 20, 900]))
        optima = toys.exact_table(shape.with_(context=(heads, costs, kinds, np.zeros(len(kinds))))).costs(shape.instance_sets["all"]())
        guesses = np.floor(np.where(np.isfinite(optima), optima, 0.0) * rng.random(len(optima)) ** 0.3)
        whole = Heuristic(toys.guess, admissible=True, whole=True)
        world = shape.with_(context=(heads, costs, kinds, guesses), whole_costs=True, heuristics={"guess": whole})
        root = world.parse("S")
        by_bucket, by_heap = (astar(graph, root, batch=batch, seed=seed) for graph in (world, world.with_(whole_costs=False)))
        assert by_bucket.cost == by_heap.cost == optima[int(root[0])]
        assert by_bucket.lower_bound == by_heap.lower_bound


def test_greedy_follows_h_alone_and_never_reopens():
    """h leads into the long way; greedy pays 12 where A* pays 3."""
    world = graph("lure", "S-L 1, L-M 5, M-G 6, S-A 1, A-G 2", {"L": 0.5, "M": 0.25, "A": 2.0, "S": 3.0})
    instance, guess = problem(world), from_heuristic(world)
    greedy = instance.solve("greedy_best_first", guess)
    assert (greedy.cost, greedy.expansions, greedy.lower_bound) == (12.0, 3, 3.0)
    assert instance.solve("astar", guess).cost == 3.0


def test_dead_ends_are_not_opened_and_cost_no_evaluation_when_the_rules_know_them():
    instance = PROBLEMS["trap"]()
    result = instance.solve("astar")  # exact: T and U are inf
    assert (result.expansions, result.evaluations) == (2, 3)  # S A; S T A
    blind = instance.solve("uniform_cost", toys.judges(instance.table)["nothing"])
    assert (blind.expansions, blind.nodes, blind.evaluations) == (4, 6, 0)  # S T A U, not X


def test_what_a_judge_wrongly_calls_dead_is_lost_but_never_proven_so():
    instance = PROBLEMS["corridor"]()
    wrong = {"astar": judge(instance.domain, value={"B": -math.inf}), "qstar": judge(instance.domain, q={"A-B": -math.inf})}
    for search, guide in wrong.items():
        result = instance.solve(search, guide)
        assert result.status is Status.EXHAUSTED and result.lower_bound <= instance.optimum
        assert instance.solve(search, dataclasses.replace(guide, admissible=True)).lower_bound == math.inf  # its word is taken


# --- Levin ----------------------------------------------------------------------------------------------------------------------


def path_probability(instance, plan, evaluator, temperature=1.0):
    """pi of a plan, step by step in plain NumPy, normalised over legal actions."""
    row, probability = instance.root, 1.0
    for action in plan:
        rows, legal, _ = instance.domain.successors(row)
        logits = evaluator.evaluate(row[None]).prior_logits[0].astype(np.float64)[legal] / temperature
        weights = np.exp(logits - logits.max())
        probability *= weights[legal == action][0] / weights.sum()
        row = rows[legal == action][0]
    return probability


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_levin_expands_at_most_depth_over_probability(temperature):
    instances = [problem(wild(seed)) for seed in WILD] + [PROBLEMS[name]() for name in PROBLEMS if name.startswith(("2x3", "24"))]
    tight = 0.0
    for instance in instances:
        for seed in range(4):
            for noise in (0.5, 3.0):
                guide = noisy_oracle(instance.table, 0.0, noise, seed)
                for goal_test in ("selection", "generation"):
                    result = instance.solve("levin", guide, weight=temperature, goal_test=goal_test)
                    if result.plan:
                        bound = len(result.plan) / path_probability(instance, result.plan, guide, temperature)
                        assert result.expansions <= bound * (1 + 1e-9)
                        tight = max(tight, result.expansions / bound)
    assert tight > 0.6  # a bound that nothing comes near would hold anyway


def test_levin_takes_the_likelier_way_though_it_is_longer_and_dearer():
    instance = problem(graph("crossroads", "S-A 1, S-B 1, A-G1 1, A-X 1, B-C 5, B-X 1, C-G2 5"))
    nine = math.log(9)
    guide = judge(instance.domain, prior={"S-B": nine, "A-X": nine, "B-C": nine})  # pi(G1) = .1 * .1, pi(G2) = .9 * .9
    result = levin(instance.domain, instance.root, guide)
    assert (result.cost, result.expansions, result.evaluations) == (11.0, 3, 3)  # S B C
    blind = levin(instance.domain, instance.root, toys.judges(instance.table)["nothing"])
    assert (blind.cost, blind.evaluations) == (2.0, 0)  # depth / pi: 2 * 4 against 3 * 4


def test_levin_is_not_lured_along_a_certain_way():
    """Every L has pi = 1/2, the goal 1/4 at depth 2: 2 / (1/4) = 8 lets in L0 .. L3, of depth / pi 2, 4, 6, 8, and no more."""
    corridor = ", ".join(f"L{n}-L{n + 1} 1" for n in range(40))
    instance = problem(graph("lure", f"S-L0 1, S-B 1, B-G 1, B-X 1, {corridor}"))
    result = instance.solve("levin", judge(instance.domain, prior={}))
    assert result.solved and 5 <= result.expansions <= 6  # S B L0 L1 L2, and L3 or not


# --- rounding and ties ---------------------------------------------------------------------------------------------------------------


def test_costs_that_float32_rounds_do_not_pass_for_better_paths():
    """A grid of streets that cost 0.1, no goal, and an h that draws the search to the far corner first.

    States are closed long before their second parent is opened; since both ways cost the same, none is opened twice.
    """
    side = 6
    name = {(i, j): f"V{i}x{j}" if i + j else "S" for i in range(side) for j in range(side)}
    streets = [f"{name[i, j]}-{name[k, m]} 0.1" for i, j in name for k, m in ((i + 1, j), (i, j + 1)) if (k, m) in name]
    instance = problem(graph("grid", ", ".join(streets)))
    values, q = {name[i, j]: i + j - 2.0 * side for i, j in name}, {street.split()[0]: -1.0 for street in streets}
    deep = judge(instance.domain, value=values, q=q)
    for search in ("astar", "uniform_cost", "qstar"):
        result = instance.solve(search, deep)
        assert (result.status, result.expansions, result.generated) == (Status.EXHAUSTED, side * side, len(streets))


# --- Korf's hundred -----------------------------------------------------------------------------------------------------------------


def test_korf_instances_within_a_small_limit():
    """Solved ones are optimal, stopped ones have a bound between Manhattan at the root and the optimum."""
    if not KORF.exists():
        pytest.skip(f"Korf's instances are not at {KORF}")
    puzzle, limit = make("sliding", size=4), 200_000
    with KORF.open() as lines:
        _, *rows = csv.reader(lines)  # number, tiles, Manhattan, optimal length, ..., expansions of another program's A*
    assert len(rows) == 100 and sum(int(row[3]) for row in rows) == 5305
    for _, tiles, first, optimum, *_, expansions in sorted(rows, key=lambda row: int(row[-1] or 10**9))[:8] + rows[:2]:
        result = astar(puzzle, puzzle.parse(tiles), budget=Budget(expansions=limit))
        assert int(first) <= result.lower_bound <= int(optimum) and result.expansions <= limit
        assert result.status is (Status.SOLVED if result.expansions < limit else Status.BUDGET)
        if result.solved:
            assert result.cost == result.lower_bound == int(optimum)
        if expansions and not limit / 2 < int(expansions) < 2 * limit:  # ties are broken otherwise there
            assert result.solved == (int(expansions) < limit)


def test_exact_q_solves_in_as_many_evaluations_as_steps():
    instance = PROBLEMS["2x3: 4 5 0 1 2 3"]()
    result = instance.solve("qstar", exact_oracle(instance.table))
    assert (result.cost, result.evaluations, result.generated) == (10, 10, 10)
    answers = exact_answers(instance.table)._replace(value=None, prior_logits=None)
    only_q = tabulated(instance.domain, instance.table.states, answers, "q alone", admissible=True)
    assert instance.solve("qstar", only_q).lower_bound == 10


@pytest.mark.parametrize("cost", [2.0**63 - 1024, 2.0**63, 2.0**64, 1e300])
def test_a_way_of_any_whole_cost_hides_no_other(cost):
    """After 2,000 the sum leaves int64; what is no longer known exactly must go to the loop for any numbers, not be a number below 0."""
    instance = problem(graph("dear", f"S-A 2000, A-G {cost!r}, S-G 5000"))
    domain = instance.domain.with_(whole_costs=True)
    result = astar(domain, instance.root, from_heuristic(domain, "blind"))
    assert (result.status, result.cost, result.lower_bound) == (Status.SOLVED, 5000, 5000)
