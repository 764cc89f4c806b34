"""What every world must keep, swept over the table of worlds, some of their options, and the toys.

A world that is added to WORLDS is swept by all of this without another line.
"""

import functools

import numpy as np
import pytest
import toys

from astarzero.envs import WORLDS, Domain, find_world, make
from astarzero.envs.line import Line
from astarzero.envs.oracles import ExactTable, exact_table, reachable
from astarzero.search import from_heuristic

MOST_STATES = 200_000  # enumerated in a second or two
DOMAINS = {
    **{world: functools.partial(make, world) for world in WORLDS},
    "sliding 3x4": functools.partial(make, "sliding", size="3x4", goal="blank-last"),
    "countdown positive": functools.partial(make, "countdown", size=5, target=None, rule="positive"),
    "go 2x3": functools.partial(make, "go", size="2x3", ko="situational", suicide=True, komi=0.5),
    **toys.TOYS,
}
FOR_ONE = [name for name, domain in DOMAINS.items() if domain().discount == 1.0]  # costs, goals and heuristics mean something
every_domain = pytest.mark.parametrize("name", DOMAINS)
every_domain_for_one = pytest.mark.parametrize("name", FOR_ONE)
every_domain_for_two = pytest.mark.parametrize("name", [name for name in DOMAINS if name not in FOR_ONE])


@functools.cache
def sample(name: str) -> tuple[Domain, np.ndarray]:
    """A domain and some of its states: random problems and what random walks from them meet."""
    domain, rng = DOMAINS[name](), np.random.default_rng(0)
    rows = []
    for _ in range(12):
        row = domain.random_state(rng)
        for _ in range(8):
            rows.append(row)
            successors, _, _ = domain.successors(row)
            if len(successors) == 0:
                break
            row = successors[rng.integers(len(successors))].copy()
    return domain, np.unique(np.array(rows), axis=0)


@functools.cache
def exact(name: str) -> ExactTable:
    """The exact table of the instance set "all" where that is small, else of a few sampled states that reach little."""
    domain, rows = sample(name)
    if "all" in domain.instance_sets:
        return exact_table(domain)
    nearest = min(rows, key=lambda row: len(domain.successors(row)[0]))
    try:
        return exact_table(domain, reachable(domain, nearest, MOST_STATES).states)
    except ValueError:
        pytest.skip(f"{domain.name} is too large for an exact table")


# --- the record and its rules --------------------------------------------------------------------------------------------------


@every_domain
def test_a_row_is_written_and_read_back(name):
    domain, rows = sample(name)
    assert rows.shape[1] == domain.num_words and rows.dtype == np.uint64 and len(rows) > 3
    for row in rows:
        assert np.array_equal(domain.parse(domain.format(row)), row), domain.format(row)
        assert domain.render(row)
        if domain.render_rgb:
            picture = domain.render_rgb(row)
            assert picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == np.uint8 and picture.std() > 0


@every_domain
def test_random_states_follow_the_generator_alone(name):
    domain, _ = sample(name)
    draws = [[domain.random_state(np.random.default_rng(seed)).tolist() for _ in range(2)] for seed in range(20)]
    assert all(one == other for one, other in draws)
    assert len({str(one) for one, _ in draws}) > 1


@every_domain
def test_expand_writes_the_distinct_successors_that_step_gives_and_nothing_else(name):
    """Of two actions that meet in one state either may stand for both; what expand leaves out must be such a twin."""
    domain, rows = sample(name)
    assert len(domain.action_names) == domain.num_actions and len(set(domain.action_names)) == domain.num_actions
    for row in rows:
        before = row.copy()
        successors, actions, costs = domain.successors(row)
        assert np.array_equal(row, before)
        assert len({child.tobytes() for child in successors}) == len(successors) == len(set(actions))
        assert (costs > 0).all() and np.isfinite(costs).all()
        by_step = {}
        for action in range(domain.num_actions):
            try:
                by_step[action] = domain.replay(row, (action,))
            except ValueError:
                continue
        for child, action, cost in zip(successors, actions, costs, strict=True):
            assert np.array_equal(by_step[action][0], child) and by_step[action][1] == cost
        assert {child.tobytes() for child, _ in by_step.values()} == {child.tobytes() for child in successors}


@every_domain
def test_an_inverse_action_leads_back_where_it_is_legal(name):
    domain, rows = sample(name)
    undone = 0
    for row in rows:
        for successor, action in zip(*domain.successors(row)[:2], strict=True):
            states, actions, _ = domain.successors(successor)
            back = states[actions == domain.inverse[action]]
            assert (back == row).all()
            undone += len(back)
    assert undone > 0 or not any(action >= 0 for action in domain.inverse_actions)


@every_domain
def test_masks_goals_and_features_of_a_batch_are_those_of_its_rows(name):
    domain, rows = sample(name)
    masks, goals, features = domain.action_masks(rows), domain.goal_mask(rows), domain.features(rows)
    assert masks.shape == (len(rows), domain.num_actions) and features.shape == (len(rows), domain.num_features)
    assert features.dtype == np.float32 and np.isfinite(features).all()
    for row, mask, goal, feature in zip(rows, masks, goals, features, strict=True):
        assert np.array_equal(np.flatnonzero(mask), np.sort(domain.successors(row)[1]))
        assert goal == domain.goal_mask(row)[0]
        assert np.array_equal(domain.features(row)[0], feature)
    out = np.full_like(features, 7.0)
    assert domain.features(rows, out) is out and np.array_equal(out, features)
    assert len(np.unique(features, axis=0)) == len(rows)  # a net can tell the states apart


def refusal(domain: Domain, row: np.ndarray, action: int) -> str:
    """Why a masked action is illegal; "" when it is only the twin of another."""
    try:
        domain.replay(row, (action,))
    except ValueError as problem:
        return str(problem)
    return ""


@every_domain
def test_a_plan_is_replayed_to_its_end_and_an_illegal_one_is_refused(name):
    domain, rows = sample(name)
    rng = np.random.default_rng(1)
    for start in rows[:10]:
        row, plan, total = start, [], 0.0
        for _ in range(5):
            successors, actions, costs = domain.successors(row)
            if len(actions) == 0:
                break
            pick = rng.integers(len(actions))
            row, total = successors[pick].copy(), total + costs[pick]
            plan.append(int(actions[pick]))
        end, cost = domain.replay(start, tuple(plan))
        assert np.array_equal(end, row) and cost == total == domain.plan_cost(start, tuple(plan))
    for action in (-1, domain.num_actions, 10**6):
        with pytest.raises(ValueError, match=f"Action {action}") as error:
            domain.replay(rows[0], (action,))
        toys.one_sentence(error)
    masked = [(row, action) for row in rows for action in np.flatnonzero(~domain.action_masks(row)[0])][:200]
    refused = [sentence for row, action in masked if (sentence := refusal(domain, row, action))]
    assert all("number 1 of the plan" in sentence for sentence in refused) and bool(refused) == bool(masked)


@every_domain
def test_a_batch_of_the_wrong_width_is_refused(name):
    domain, _ = sample(name)
    with pytest.raises(ValueError, match="row of") as error:
        domain.goal_mask(np.zeros((3, domain.num_words + 1), np.uint64))
    toys.one_sentence(error)
    with pytest.raises(ValueError) as error:
        domain.parse("no such state!")
    toys.one_sentence(error)


# --- two players, and a past that matters ------------------------------------------------------------------------------------------


@every_domain_for_two
def test_a_game_ends_with_an_outcome_for_the_player_to_move_and_in_no_goal(name):
    domain, rng, outcomes = DOMAINS[name](), np.random.default_rng(0), set()
    for _ in range(12):
        line = Line(domain, domain.random_state(rng))
        while not line.over and len(line.rows) < 20 * domain.num_actions:
            assert not domain.goal_mask(line.state)[0]
            legal = np.flatnonzero(line.action_mask())
            assert set(legal) <= set(domain.successors(line.state)[1])  # the past only forbids
            line.play(int(rng.choice(legal)))
            assert len(line.keys) == len(line.rows)
        assert line.over and not line.action_mask().any() and len(domain.successors(line.state)[0]) == 0
        assert line.outcome == np.sign(line.margin)
        outcomes.add(line.outcome)
    assert {-1.0, 1.0} <= outcomes


@every_domain_for_one
def test_a_world_for_one_has_no_past_and_no_outcome(name):
    domain, rows = sample(name)
    line = Line(domain, rows[0])
    assert not domain.keeps_history and line.outcome == line.margin == 0.0
    assert np.array_equal(line.action_mask(), domain.action_masks(rows[0])[0])


# --- exact tables, goals and heuristics ------------------------------------------------------------------------------------------


@every_domain_for_one
def test_the_table_satisfies_bellman_and_ends_at_goals_and_dead_ends(name):
    table = exact(name)
    graph, cost = table.graph, table.cost_to_go
    assert np.array_equal(graph.goal, graph.domain.goal_mask(table.states))
    assert np.array_equal(cost == 0, graph.goal) and not (graph.goal & graph.dead).any() and np.isinf(cost[graph.dead]).all()
    best = np.full(len(cost), np.inf)
    np.minimum.at(best, graph.edge_parent, table.edge_cost_to_go)
    assert np.array_equal(best[~graph.goal], cost[~graph.goal])
    assert (np.diff(graph.first_edge)[graph.dead] == 0).all()
    assert np.array_equal(graph.index(table.states), np.arange(len(cost)))
    indices = np.arange(0, len(cost), max(1, len(cost) // 500))
    q, optimal, successors = table.q(indices), table.optimal_actions(indices), table.successors(indices)
    terminal = np.diff(graph.first_edge)[indices] == 0
    masks = graph.domain.action_masks(table.states[indices]) & ~terminal[:, None]
    assert np.array_equal(~np.isnan(q), masks) and np.array_equal(successors >= 0, masks)
    for row, index in enumerate(indices):
        legal = masks[row]
        children = successors[row][legal]
        costs = np.array([graph.domain.plan_cost(table.states[index], (action,)) for action in np.flatnonzero(legal)])
        assert np.allclose(-q[row][legal], costs + cost[children])
        assert optimal[row].any() == (np.isfinite(cost[index]) and (not graph.goal[index] or np.isclose(-q[row][legal], 0).any()))
        assert (-q[row][optimal[row]] == cost[index]).all()


@every_domain_for_one
def test_heuristics_are_admissible_where_they_say_so_and_their_two_forms_agree(name):
    table = exact(name)
    domain = table.domain
    assert "blind" in domain.heuristics and (name in toys.TOYS or len(domain.heuristics) > 1)
    for label, heuristic in domain.heuristics.items():
        h = -from_heuristic(domain, label).evaluate(table.states).value if label != "blind" else np.zeros(len(table.states))
        assert (h >= 0).all() and not np.isnan(h).any()
        if heuristic.admissible:
            assert (h <= table.cost_to_go).all()
            assert (h[table.graph.goal] == 0).all()
        if heuristic.child_rule:
            with np.errstate(over="ignore"):
                for edge in np.random.default_rng(0).integers(len(table.graph.child), size=200):
                    parent, child = table.graph.edge_parent[edge], table.graph.child[edge]
                    rows = table.states[parent], table.states[child]
                    context = heuristic.tables() if heuristic.tables else domain.context
                    by_parent = heuristic.child_rule(rows[0], h[parent], table.graph.action[edge], rows[1], context)
                    assert by_parent == pytest.approx(h[child])


def test_an_unknown_heuristic_state_or_instance_set_gets_one_sentence():
    domain = toys.trap()
    only_goal = exact_table(domain, domain.parse("G"))
    for problem in (
        lambda: from_heuristic(domain, "euclid"),
        lambda: exact_table(domain.with_(instance_sets={})),
        lambda: only_goal.costs(domain.parse("S")),
        lambda: reachable(make("sliding"), make("sliding").parse("0 1 2 3 4 5 6 7 8"), max_states=1000),
    ):
        with pytest.raises(ValueError) as error:
            problem()
        toys.one_sentence(error)


def test_a_world_is_found_by_name_by_module_and_by_file():
    assert make("sliding", size=3).name == make("astarzero.envs.sliding", size=3).name == find_world("sliding")(3).name
    mine = make(f"{toys.__file__}:trap")
    assert mine.name == "toy-trap" and len(exact_table(mine).states) == 6
    for place in ("chess", "no.such.module", "/no/such/file.py", f"{toys.__file__}:chess", "astarzero.envs.oracles"):
        with pytest.raises(ValueError, match="was not found") as error:
            make(place)
        toys.one_sentence(error)
