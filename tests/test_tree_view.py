"""A tree looked at and kept: its summary, variation, JSON and picture, and that a reloaded forest goes on as if nothing had been."""

import dataclasses
import itertools
import json
import re
from collections.abc import Callable

import numpy as np
import pytest
import toys
from go_games import after, go
from toys import asked, graph, judge, problem

from astarzero.search import Budget, Status
from astarzero.search.forest import Forest, TreeConfig
from astarzero.search.forest_file import load, save
from astarzero.search.go_evaluators import rollout
from astarzero.search.tree_view import principal_variation, summary, to_graphviz, to_json

CONFIG = TreeConfig("uct", 0.6, leaves=2)
POSITIONS = "XX./OXX/.OO to=white", ".../.../... to=black"  # C3 takes everything; without it Black does so at A1
STREETS = "S-A 1, S-B 2, A-C 1, B-C 3, C-D 1, D-G 1, A-X 1"


def games(listen: Callable[[], None] = lambda: None) -> Forest:
    """Two trees of Go on 3x3, whose leaves wait for Python, two a tree. `listen` is called whenever the evaluator is asked."""
    lines = [after(go(3, komi=0, ko="positional"), "", text) for text in POSITIONS]
    rows = np.array([line.state for line in lines])
    judge = asked(rollout(lines[0].domain, 2))
    listening = dataclasses.replace(judge, evaluate=lambda states: (listen(), judge.evaluate(states))[1])
    return Forest(lines[0].domain, rows, listening, CONFIG, seeds=[3, 4], lines=[line.keys for line in lines])


def streets(**options) -> Forest:
    """One player: from S to G by A, or by B for more."""
    instance = problem(graph("streets", STREETS))
    evaluator = asked(judge(instance.domain, value={"A": -3.0, "B": -5.0, "C": -2.0, "D": -1.0}))
    return Forest(instance.domain, instance.root[None], evaluator, TreeConfig("puct"), **options)


@pytest.fixture(scope="module")
def played() -> Forest:
    forest = games()
    forest.run(60)
    return forest


# --- looking -------------------------------------------------------------------------------------------------------------------------


def test_a_summary_says_what_was_found(played):
    found = summary(played)
    assert found.to_move == "white" and found.simulations == 60 and found.nodes == len(json.loads(to_json(played))["nodes"])
    assert found.moves[0]["name"] == found.variation[0] == "C3" and found.value == played.value[0]
    lines = str(found).splitlines()
    assert "white to move" in lines[0] and "C3" in lines[1] and lines[2].split()[0] == "C3" and len(lines) == 2 + len(found.moves)
    assert summary(played, 1).to_move == "black" and len(summary(played, 1, moves=3).moves) == 3
    fresh = summary(games())
    assert (fresh.nodes, fresh.depth, fresh.moves, fresh.variation) == (0, 0, (), ()) and np.isnan(fresh.value) and "no move" in str(fresh)


@pytest.mark.parametrize("tree", [0, 1])
def test_the_json_is_the_tree(played, tree):
    whole = json.loads(to_json(played, tree))
    nodes, edges = {node["node"]: node for node in whole["nodes"]}, whole["edges"]
    assert whole["simulations"] == 60 or whole["status"] == "SOLVED"
    visits = {edge["action"]: edge["visits"] for edge in edges if edge["parent"] == 0}
    assert visits == {action: played.visit_counts[tree, action] for action in visits}
    assert sum(visits.values()) == played.visit_counts[tree].sum()
    for edge in edges:
        parent = nodes[edge["parent"]]
        line = after(played.domain, edge["name"], parent["state"])  # the position may forbid by its past only what has no edge
        if edge["child"] is not None:
            child = nodes[edge["child"]]
            assert child["state"] == played.domain.format(line.state) and child["depth"] == parent["depth"] + 1
            assert {parent["to_move"], child["to_move"]} == {"black", "white"}
            assert edge["visits"] <= child["visits"] or child["status"] != "open"
    assert sum(edge["prior"] for edge in edges if edge["parent"] == 0) == pytest.approx(1)
    part = json.loads(to_json(played, tree, depth=1, least_visits=2))
    assert {node["depth"] for node in part["nodes"]} == {0, 1} and min(edge["visits"] for edge in part["edges"]) >= 2
    assert all(edge["child"] is None for edge in part["edges"] if edge["parent"] != 0)


def test_a_picture_names_every_node_it_draws_and_every_edge_once(played):
    dot = to_graphviz(played, 1, depth=2, least_visits=2)
    drawn, lines = set(re.findall(r"^  (n\d+) \[", dot, re.M)), re.findall(r"^  (n\d+) -> (n\d+) \[label=\"(\w+)\\n", dot, re.M)
    assert dot.startswith("digraph tree {") and dot.endswith("}\n") and drawn == {"n0"} | {head for _, head, _ in lines}
    assert len({(tail, name) for tail, _, name in lines}) == len(lines) > 2 and {tail for tail, _, _ in lines} <= drawn
    assert all(line.count('"') % 2 == 0 for line in dot.splitlines())


def test_the_variation_of_one_player_is_the_plan_once_there_is_one():
    forest = streets()
    forest.run(2)
    names, found = forest.domain.action_names, summary(forest)
    assert found.to_move == "" and [names[action] for action in principal_variation(forest)] == list(found.variation)
    statuses = {edge["name"]: edge["status"] for edge in json.loads(to_json(forest))["edges"] if edge["parent"] == 0}
    assert statuses == {"0": "", "1": "closed"}, "C was met at less, so B leads nowhere"
    assert "first" not in to_graphviz(forest)
    forest.run(20)
    assert forest.status() is Status.SOLVED and forest.domain.plan_cost(forest.arrays["states"][0, 0], principal_variation(forest)) == 4


def test_a_dead_end_is_closed_and_is_no_number():
    instance = problem(graph("closed", "S-U 1, S-V 1, V-W 1, W-V 1"))
    forest = Forest(instance.domain, instance.root[None], asked(judge(instance.domain, value={"U": -np.inf})), TreeConfig("puct"))
    forest.run(2)
    edges = [edge for edge in json.loads(to_json(forest))["edges"] if edge["status"] == "closed"]
    assert [(edge["name"], edge["q"]) for edge in edges] == [("0", None)] and "closed" in to_graphviz(forest) + str(summary(forest))


def test_a_tree_that_is_not_there_is_one_sentence(played):
    for look in (summary, principal_variation, to_json, to_graphviz):
        with pytest.raises(ValueError, match="Tree 2 was asked for, but this forest has 2") as error:
            look(played, 2)
        toys.one_sentence(error)


# --- keeping -------------------------------------------------------------------------------------------------------------------------


def same(one: Forest, other: Forest) -> bool:
    """Are both at the same point, cell by cell?"""
    alike = all(np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays)
    return alike and (one.sizes, one.calls, one.stopped, one.moves) == (other.sizes, other.calls, other.stopped, other.moves)


def test_a_reloaded_forest_goes_on_as_the_one_that_was_saved(tmp_path):
    untouched, forest = games(), games()
    save(forest, tmp_path / "fresh.npz")
    forest = load(tmp_path / "fresh.npz", forest.domain, forest.evaluator)
    for one in (untouched, forest):
        one.run(25)
    save(forest, tmp_path / "some.npz")
    again = load(tmp_path / "some.npz", forest.domain, forest.evaluator)
    assert same(untouched, forest) and same(forest, again)
    moves = forest.visit_counts.argmax(1)
    for one in (untouched, again):
        one.run(35)
        one.advance(moves)
        one.run(10)
    assert same(untouched, again) and untouched.moves == 1
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["fresh.npz", "some.npz"]


def test_a_forest_that_was_interrupted_while_leaves_waited_goes_on(tmp_path):
    calls = itertools.count()

    def interrupt():
        if next(calls) == 7:
            raise KeyboardInterrupt

    forest = games(interrupt)
    forest.run(60)
    assert forest.stopped is Status.INTERRUPTED and (forest.arrays["nodes"]["visits"] < 0).sum() > 1, "leaves wait"
    assert "waiting" in to_json(forest, 1)
    save(forest, tmp_path / "forest")
    again = load(tmp_path / "forest", forest.domain, forest.evaluator)
    assert same(forest, again) and again.stopped is Status.INTERRUPTED
    for one in (forest, again):
        one.run(20)
    assert same(forest, again) and not (again.arrays["nodes"]["visits"] < 0).any()


def test_a_table_of_duplicates_and_the_limits_are_kept_too(tmp_path):
    forest = streets(budget=Budget(expansions=2, bytes=1 << 20))
    forest.run()
    save(forest, tmp_path / "forest")
    again = load(tmp_path / "forest", forest.domain, forest.evaluator)
    assert same(forest, again) and again.budget == forest.budget and again.arrays["table"]["key"].any()
    for one in (forest, again):
        one.run()
    assert same(forest, again) and again.status() is Status.BUDGET


def test_what_cannot_be_loaded_is_one_sentence(tmp_path, played):
    file, nonsense = tmp_path / "forest", tmp_path / "nonsense"
    save(played, file)
    nonsense.write_bytes(b"nonsense")
    np.savez(tmp_path / "other", about=np.array("{}"))
    cases = [
        (file, go(3, komi=0, ko="simple"), "is a forest of go-3x3-positional"), (nonsense, played.domain, "is not a forest that was saved"),
        (tmp_path / "none", played.domain, "cannot be read"), (tmp_path / "other.npz", played.domain, "is not a forest that was saved"),
        (file, played.domain, "was searched by '2 random games', but"),
    ]  # fmt: skip
    for path, domain, sentence in cases:
        with pytest.raises(ValueError, match=sentence) as error:
            load(path, domain)
        toys.one_sentence(error)
    full = Forest(played.domain, played.arrays["states"][:, 0], played.evaluator, CONFIG, budget=Budget(bytes=1))
    with pytest.raises(ValueError, match="1 bytes do not hold"):
        save(full, tmp_path / "full")
