"""The yardsticks in C++ do the work that they stand for: our nodes, our random games, the published counts. Nothing is timed here."""

import pytest
from go_games import go
from yardstick import korf, measure, needs_korf

from astarzero.envs import make
from astarzero.envs.go import start
from astarzero.envs.go_rollouts import POLICIES, rollouts
from astarzero.search import SEARCHES

EASY = (12, 79)


@needs_korf
@pytest.mark.parametrize("yardstick", ["astar15", "astar15-plain"])
@pytest.mark.parametrize("number", EASY)
def test_astar_in_cpp_expands_the_same_nodes_as_ours(number, yardstick):
    domain, board = make("sliding", size=4), korf()[number]["tiles"]
    (peer,) = measure(yardstick, [board])
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


@pytest.mark.parametrize("suicide", (False, True))
@pytest.mark.parametrize("size", (5, 7, 9))
def test_go_in_cpp_plays_our_random_games(size, suicide):
    domain, games, seed = go(size, ko="simple", suicide=suicide, komi=0), 50, 3
    peers = measure("go_rollouts", [f"{size} {games} {seed} {policy} {'suicide' if suicide else ''}" for policy in POLICIES])
    for policy, peer in zip(POLICIES, peers, strict=True):
        ours = rollouts(domain, start(domain), games, policy=policy, seed=seed)
        totals = {"moves": ours.moves.sum(), "finished": ours.finished.sum(), "leads": ours.margin.sum(), "squares": (ours.margin**2).sum()}
        assert totals == {name: peer[name] for name in totals}
