"""Labels from optimal paths, against the exact tables of small boards; nets that add to a baseline; the learner on the command line."""

import json
from dataclasses import replace

import numpy as np
import pytest
import toys

from astarzero.envs import make
from astarzero.envs.domain import value_of
from astarzero.experiments.__main__ import main
from astarzero.nets import NETS
from astarzero.nets.checkpoint import CheckpointError, load, save
from astarzero.nets.evaluator import net_evaluator
from astarzero.nets.mlp import build_seeded
from astarzero.search import from_heuristic
from astarzero.training.labels import DEAD_FACTOR
from astarzero.training.optimal_paths import joined, path_labels, sample_paths, solve_paths, stray, thinned, with_images

PUZZLE = make("sliding", size="2x4")


@pytest.fixture(scope="module")
def table():
    return toys.table_of(PUZZLE)


@pytest.fixture(scope="module")
def paths(table):
    rows = table.states[np.random.default_rng(0).integers(len(table.states), size=40)]
    return solve_paths(PUZZLE, rows, from_heuristic(PUZZLE, "pdb"))


def starts_of(paths):
    return np.flatnonzero(np.diff(paths.path, prepend=-1))


# --- paths -----------------------------------------------------------------------------------------------------------------------


def test_every_state_of_a_path_has_its_exact_cost_and_an_optimal_action(table, paths):
    indices = table.graph.index(paths.states)
    assert np.array_equal(paths.cost, table.cost_to_go[indices]) and (paths.cost > 0).all()
    assert table.optimal_actions(indices)[np.arange(len(indices)), paths.action].all()
    starts = starts_of(paths)
    assert np.array_equal(paths.path[starts], np.arange(40))
    assert np.array_equal(np.diff([*starts, len(paths.cost)]), paths.cost[starts])  # every step costs 1
    assert (paths.cost[1:][np.diff(paths.path) == 0] == paths.cost[:-1][np.diff(paths.path) == 0] - 1).all()


def test_costs_that_differ_are_added_up_to_the_goal():
    trap = toys.trap()
    found = solve_paths(trap, trap.parse("S"), from_heuristic(trap))
    assert [trap.format(row) for row in found.states] == ["S", "A"] and found.cost.tolist() == [4.0, 2.0]


def test_a_judge_that_may_overestimate_and_a_root_without_solution_are_refused():
    lost = make("countdown")
    judge = replace(from_heuristic(PUZZLE), admissible=False)
    for call, sentence in (
        (lambda: solve_paths(PUZZLE, PUZZLE.context[2], judge), "may overestimate"),
        (lambda: solve_paths(lost, lost.parse("1 1 1 1"), from_heuristic(lost)), "no solution"),
    ):
        with pytest.raises(ValueError, match=sentence) as error:
            call()
        toys.one_sentence(error)


def test_strays_are_a_few_steps_beside_the_paths_and_never_goals(paths):
    rows = stray(PUZZLE, paths, 200, 3, np.random.default_rng(1))
    assert not PUZZLE.goal_mask(rows).any()
    near = {row.tobytes() for row in paths.states}
    for _ in range(4):  # at most 3 steps, one more to leave the goal
        near |= {child.tobytes() for row in near for child in PUZZLE.successors(np.frombuffer(row, np.uint64))[0]}
    assert {row.tobytes() for row in rows} <= near
    assert len({row.tobytes() for row in rows} - {row.tobytes() for row in paths.states}) > 50


def test_a_thinned_path_keeps_its_root_and_some_others_in_order(paths):
    few = thinned(paths, 4, np.random.default_rng(0))
    starts, all_starts = starts_of(few), starts_of(paths)
    assert np.array_equal(few.states[starts], paths.states[all_starts]) and np.array_equal(few.cost[starts], paths.cost[all_starts])
    lengths = np.diff([*all_starts, len(paths.cost)])
    assert np.array_equal(np.diff([*starts, len(few.cost)]), np.minimum(lengths, 4))
    assert (np.diff(few.cost)[np.diff(few.path) == 0] < 0).all()
    exact = {row.tobytes(): cost for row, cost in zip(paths.states, paths.cost, strict=True)}
    assert [exact[row.tobytes()] for row in few.states] == few.cost.tolist()


def test_samples_hold_as_many_states_as_asked_and_follow_the_seed(table):
    judge, heard = from_heuristic(PUZZLE, "manhattan"), []
    one, again, other = (sample_paths(PUZZLE, judge, states=2000, seed=seed, progress=heard.append) for seed in (0, 0, 1))
    assert len(one.states) >= 2000 and len(one.states) in heard
    assert np.array_equal(one.states, again.states) and not np.array_equal(one.states[:50], other.states[:50])
    assert np.array_equal(one.cost, table.costs(one.states))
    assert (np.diff(one.path) >= 0).all() and len(starts_of(one)) == one.path[-1] + 1


def test_joined_paths_are_numbered_on(paths):
    both = joined([paths, paths])
    assert len(both.states) == 2 * len(paths.states) and both.path[-1] == 79 and (np.diff(both.path) >= 0).all()


def test_reflected_paths_are_optimal_paths_too():
    """On a square board; a board that is not square has no symmetry that keeps its goal."""
    square = toys.table_of(make("sliding", size=3, goal="blank-last"))
    domain = square.domain
    paths = solve_paths(domain, square.states[np.random.default_rng(0).integers(len(square.states), size=10)], from_heuristic(domain))
    both, once = with_images(domain, paths), len(paths.states)
    indices = square.graph.index(both.states)
    assert len(both.states) == 2 * once and both.path[-1] == 19
    assert np.array_equal(both.cost, square.cost_to_go[indices])
    assert square.optimal_actions(indices)[np.arange(len(indices)), both.action].all()
    assert (both.states[once:] != both.states[:once]).any()
    assert np.array_equal(with_images(PUZZLE, paths).states, paths.states)


# --- labels ----------------------------------------------------------------------------------------------------------------------


def test_labels_of_paths_are_exact(table, paths):
    labels = path_labels(PUZZLE, paths)
    assert labels.value == pytest.approx(value_of(table.costs(labels.value_states))) and labels.value.dtype == np.float32
    assert np.array_equal(labels.prior.argmax(1), paths.action) and (labels.prior.sum(1) == 1).all()
    assert np.array_equal(labels.q_known, labels.prior == 1) and labels.q[labels.q_known] == pytest.approx(labels.value)
    assert np.array_equal(labels.legal, PUZZLE.action_masks(paths.states))
    assert labels.dead_cost == DEAD_FACTOR * paths.cost.max() and path_labels(PUZZLE, paths, dead_cost=7.0).dead_cost == 7.0


def test_labels_beyond_a_baseline_are_what_it_leaves_out(table, paths):
    baseline = from_heuristic(PUZZLE, "manhattan")
    labels = path_labels(PUZZLE, paths, baseline)
    assert labels.value + baseline.evaluate(labels.value_states).value == pytest.approx(value_of(paths.cost))
    assert (labels.value <= 0).all() and (labels.value % 2 == 0).all() and "manhattan" in labels.regime
    dear = replace(baseline, evaluate=lambda states: baseline.evaluate(states)._replace(value=np.full(len(states), -99.0, np.float32)))
    with pytest.raises(ValueError, match="overestimates") as error:
        path_labels(PUZZLE, paths, dear)
    toys.one_sentence(error)


# --- nets that add to a baseline ----------------------------------------------------------------------------------------------------


def small_net():
    return build_seeded(NETS["mlp"], NETS["mlp"].config_type(PUZZLE.num_features, PUZZLE.num_actions, 8), 0)


def test_a_net_is_added_to_its_baseline(paths):
    net, baseline, states = small_net(), from_heuristic(PUZZLE, "manhattan"), paths.states[:50]
    judges = [net_evaluator(net, PUZZLE, ("value",), device="cpu", chunk=7, baseline=one) for one in (None, baseline)]
    alone, both = (judge.evaluate(states).value for judge in judges)
    assert both == pytest.approx(alone + baseline.evaluate(states).value) and (both < alone).any()


def test_a_checkpoint_remembers_the_baseline(tmp_path):
    save(tmp_path / "net", small_net(), PUZZLE, heads=("value",), baseline="manhattan")
    assert load(tmp_path / "net", PUZZLE).baseline == "manhattan"
    without = PUZZLE.with_(heuristics={name: rule for name, rule in PUZZLE.heuristics.items() if name != "manhattan"})
    with pytest.raises(CheckpointError, match="needs the heuristic 'manhattan'") as error:
        load(tmp_path / "net", without)
    toys.one_sentence(error)
    for change in ({"baseline": "euclid"}, {"heads": ("value", "q")}):
        with pytest.raises(ValueError, match="must be a heuristic") as error:
            save(tmp_path / "net", small_net(), PUZZLE, **{"heads": ("value",), "baseline": "manhattan", **change})
        toys.one_sentence(error)


def test_the_command_line_trains_on_optimal_paths_and_solves_with_the_net(tmp_path, capsys):
    words = ["--learner", "optimal-paths", "--size", "2x3", "--goal", "blank-last", "--baseline", "manhattan", "--states", "600"]
    assert main(["train", "sliding", *words, "--steps", "60", "--width", "16", "--blocks", "0", "--out", str(tmp_path)]) == 0
    (path,) = tmp_path.glob("sliding-2x3-blank-last-value-seed0.safetensors")
    saved = load(path, make("sliding", size="2x3", goal="blank-last"))
    assert saved.baseline == "manhattan" and saved.metrics["regime"] == "paths beyond manhattan"
    capsys.readouterr()
    given = ["--size", "2x3", "--goal", "blank-last", "--state", "5 4 3 2 1 0", "--evaluator", f"net:{path}", "--json"]
    assert main(["solve", "sliding", *given]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "SOLVED"
