"""The yardsticks in C++ do the work that they stand for: the same nodes as ours, and the published counts. Nothing is timed here."""

import pytest
from yardstick import korf, measure, needs_korf

from astarzero.envs import make
from astarzero.search import SEARCHES

EASY = (12, 79)


@needs_korf
@pytest.mark.parametrize("number", EASY)
def test_astar_in_cpp_expands_the_same_nodes_as_ours(number):
    domain, board = make("sliding", size=4), korf()[number]["tiles"]
    (peer,) = measure("astar15", [board])
    ours = SEARCHES["astar"](domain, domain.parse(board))
    assert (ours.cost, ours.expansions, ours.generated, ours.nodes) == tuple(
        peer[name] for name in ("length", "expansions", "generated", "nodes")
    )


@needs_korf
@pytest.mark.parametrize("number", EASY)
def test_ida_in_cpp_generates_what_was_published(number):
    known = korf()[number]
    (peer,) = measure("ida15", [known["tiles"]])
    assert peer["length"] == int(known["optimal_len"])
    assert abs(peer["generated"] - int(known["ida_generated_here_eaburns"])) <= 1
