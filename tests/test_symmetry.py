"""Symmetries: a group for every world, which commutes with steps, legality, goals, scores and features; in Go with the past too."""

import functools

import numpy as np
import pytest
import toys
from go_games import go
from hypothesis import given, settings
from hypothesis import strategies as st
from test_every_domain import DOMAINS

from astarzero.envs import make
from astarzero.envs.domain import Domain
from astarzero.envs.go import KO_RULES, start
from astarzero.envs.line import Line
from astarzero.envs.symmetry import Symmetries, identity

BOARDS = {
    f"sliding {size} {goal}": functools.partial(make, "sliding", size=size, goal=goal)
    for size in (2, 3, 4, 5, 6) for goal in ("blank-first", "blank-last")
}  # fmt: skip
GO = {f"go {size}": functools.partial(go, size) for size in ("1", "1x4", "4x1", "3x5", "5", "9")}
WORLDS = DOMAINS | BOARDS | GO


def walked(domain: Domain, seed: int = 0, walks: int = 4, steps: int = 6) -> np.ndarray:
    """Rows of random walks from random problems."""
    rng, rows = np.random.default_rng(seed), []
    for _ in range(walks):
        row = domain.random_state(rng)
        for _ in range(steps):
            rows.append(row)
            successors, _, _ = domain.successors(row)
            if len(successors) == 0:
                break
            row = successors[rng.integers(len(successors))].copy()
    return np.array(rows)


@pytest.mark.parametrize("name", WORLDS)
def test_the_symmetries_of_a_world_are_a_group_that_its_rules_do_not_notice(name):
    domain = WORLDS[name]()
    group, rows, rng = domain.symmetries, walked(domain), np.random.default_rng(1)
    count, everyone = len(group), np.arange(len(group))
    table = group.table
    assert (table[0] == everyone).all() and (table[:, 0] == everyone).all()
    assert (table[everyone, group.inverses] == 0).all() and (table[group.inverses, everyone] == 0).all()
    assert np.array_equal(table[table[:, :, None], everyone], table[everyone[:, None, None], table[None]])  # associative
    features, masks, goals = domain.features(rows), domain.action_masks(rows), domain.goal_mask(rows)
    for first in range(count):
        images = group.of_states(rows, first)
        assert np.array_equal(domain.goal_mask(images), goals)
        assert np.array_equal(domain.action_masks(images), group.of_policies(masks, first))
        assert np.array_equal(group.of_states(images, group.inverses[first]), rows)
        if group.cells is not None:
            assert np.array_equal(domain.features(images), group.of_planes(features, first))
            shaped = features.reshape(-1, *domain.feature_shape)
            assert np.array_equal(group.of_planes(shaped, first).reshape(features.shape), domain.features(images))
        for second in range(count):
            assert np.array_equal(group.of_states(images, second), group.of_states(rows, table[first, second]))
        for row, image in zip(rows, images, strict=True):
            for child, action, cost in zip(*domain.successors(row), strict=True):
                reached, price = domain.replay(image, (int(group.actions[first, action]),))
                assert np.array_equal(reached, group.of_states(child[None], first)[0]) and price == cost
    which = rng.integers(count, size=len(rows))  # a symmetry for each row
    mixed = group.of_states(rows, which)
    assert all(np.array_equal(one, group.of_states(row[None], int(turn))[0]) for one, row, turn in zip(mixed, rows, which, strict=True))
    actions = rng.integers(domain.num_actions, size=len(rows))
    policies = np.eye(domain.num_actions)[actions]
    assert np.array_equal(group.of_policies(policies, which).argmax(1), group.of_actions(actions, which))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("go 1", 1), ("go 1x4", 2), ("go 4x1", 2), ("go 3x5", 4), ("go 5", 8), ("go 9", 8), ("sliding", 2), ("sliding 3x4", 1),
        ("countdown", 1),
    ],
)  # fmt: skip
def test_how_many_there_are(name, count):
    assert len(WORLDS[name]().symmetries) == count


games = st.tuples(
    st.sampled_from(["1x4", "2x3", "3x3", "3x5", "4x4", "5x5", "9x9"]), st.sampled_from(KO_RULES), st.booleans(),
    st.lists(st.integers(0, 10**6), max_size=60), st.integers(0, 7),
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(games)
def test_a_turned_game_of_go_is_the_game_of_the_turned_moves(game):
    """Rows to the last bit, legality by the whole line, scores and planes, under all ko rules."""
    size, ko, suicide, choices, turn = game
    domain = go(size, ko=ko, suicide=suicide)
    group, line, turned = domain.symmetries, Line(domain, start(domain)), Line(domain, start(domain))
    which = turn % len(group)
    for choice in choices:
        mask = line.action_mask()
        assert np.array_equal(turned.action_mask(), group.of_policies(mask[None], which)[0])
        assert (line.over, line.margin, line.outcome) == (turned.over, turned.margin, turned.outcome)
        if line.over:
            break
        action = int(np.flatnonzero(mask)[choice % mask.sum()])
        line.play(action)
        turned.play(int(group.actions[which, action]))
    rows, images = np.array(line.rows), np.array(turned.rows)
    assert np.array_equal(group.of_states(rows, which), images)
    assert np.array_equal(group.of_planes(domain.features(rows), which), domain.features(images))
    first_seen = [np.unique(keys, return_index=True)[1] for keys in (line.keys, turned.keys)]
    assert np.array_equal(*map(np.sort, first_seen))  # a position comes back when its image does


def swap(states, which):
    return states


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Symmetries(np.array([[1, 0], [0, 1]]), swap), "no group"),
        (lambda: Symmetries(np.array([[0, 1, 2], [1, 2, 0]]), swap), "no group"),
        (lambda: Symmetries(np.array([[0, 1], [0, 1]]), swap), "no group"),
        (lambda: make("sliding").with_(symmetries=identity(5)), "its symmetries rename 5"),
        (lambda: make("sliding").symmetries.of_planes(np.zeros((1, 9)), 1), "no planes"),
        (lambda: make("sliding").symmetries.of_actions(np.array([0, 1]), 2), "Symmetry 2 is none of 0..1"),
        (lambda: go(3).symmetries.of_states(start(go(3))[None], np.array([-1])), "is none of 0..7"),
    ],
)
def test_what_is_no_symmetry_gets_one_sentence(call, sentence):
    with pytest.raises(ValueError) as error:
        call()
    assert sentence in toys.one_sentence(error)
