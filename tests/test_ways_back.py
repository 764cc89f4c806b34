"""Searches that do not make the way back to where a node came from, and the rules that say what follows a row."""

import numpy as np
import pytest
import toys

from astarzero.envs import make
from astarzero.envs.sliding import expand
from astarzero.envs.state_table import copy_row
from astarzero.search import SEARCHES, Budget, Status, astar

WAYS_BACK = {
    "astar": {}, "greedy_best_first": {"batch": 3}, "partial_expansion_astar": {}, "levin": {}, "phs": {},
}  # fmt: skip


@pytest.mark.parametrize(
    ("search", "options"), [*WAYS_BACK.items(), ("astar", {"duplicates": "kept"}), ("astar", {"duplicates": "dropped_on_path"})]
)
def test_a_way_back_that_is_not_made_would_have_changed_nothing(search, options):
    """It is made where it counts: for a policy, which it has its share of, and where it is a node like any other."""
    puzzle = make("sliding", size=3).with_(whole_costs=False)
    guide, budget = toys.judges(toys.table_of(puzzle))["noisy"], Budget(expansions=300)
    always_made = search in ("levin", "phs") or "duplicates" in options
    for seed in range(3):
        state = puzzle.random_state(np.random.default_rng(seed))
        made, left_out = (
            SEARCHES[search](one, state, guide, budget=budget, **options) for one in (puzzle.with_(inverse_actions=()), puzzle)
        )
        assert (left_out.generated == made.generated) if always_made else (left_out.generated < made.generated)
        for name in ("status", "plan", "cost", "lower_bound", "expansions", "evaluations", "nodes"):
            assert getattr(made, name) == getattr(left_out, name), name


def test_in_buckets_ways_back_change_ties_and_no_cost():
    puzzle = make("sliding", size=3)
    for seed in range(5):
        state = puzzle.random_state(np.random.default_rng(seed))
        made, left_out = (astar(one, state) for one in (puzzle.with_(inverse_actions=()), puzzle))
        assert made.cost == left_out.cost == made.lower_bound == left_out.lower_bound and made.generated > left_out.generated


def test_rules_that_say_the_same_change_together():
    """A sliding puzzle whose blank cannot go up, said by `expand` alone."""

    def downhill(state, context, successors, actions, costs):
        count, kept = expand(state, context, successors, actions, costs), 0
        for number in range(count):
            if actions[number] != 0:
                copy_row(successors[kept], successors[number])
                actions[kept], costs[kept] = actions[number], costs[number]
                kept += 1
        return kept

    puzzle = make("sliding", size=3)
    below, beside = puzzle.parse("3 1 2 0 4 5 6 7 8"), puzzle.parse("1 0 2 3 4 5 6 7 8")
    for one in (puzzle, puzzle.with_(whole_costs=False)):
        for search in ("astar", "partial_expansion_astar"):
            run, sinking = SEARCHES[search], one.with_(expand=downhill)
            assert run(one, below).cost == run(one, beside).cost == run(sinking, beside).cost == 1
            assert run(sinking, below).status is Status.EXHAUSTED


def test_inverse_actions_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"one of 0\.\.3 or -1") as error:
        make("sliding", size=3).with_(inverse_actions=(1, 0, 3, 4))
    toys.one_sentence(error)
