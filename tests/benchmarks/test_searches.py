"""How fast searches are: every hand of 24, and one call of each search where there is nothing to search."""

import countdown_reference
import pytest
from conftest import cpu_seconds

from astarzero import envs
from astarzero.envs.countdown import unpack
from astarzero.envs.oracles import exact_table
from astarzero.search import SEARCHES, Budget, astar, exact_oracle


def test_every_hand_of_24(benchmark, add_row):
    domain = envs.make("countdown")
    hands = domain.instance_sets["all"]()
    astar(domain, hands[0])
    results = benchmark.pedantic(lambda: [astar(domain, hand) for hand in hands], rounds=3)
    assert sum(result.solved for result in results) == 1362
    sample = [tuple(unpack(hand)) for hand in hands[::60]]

    def in_python() -> None:
        for numbers in sample:
            countdown_reference.solvable.cache_clear()
            countdown_reference.solvable(numbers, 24, "rational")

    total = benchmark.stats["min"]
    ratio = cpu_seconds(in_python, rounds=1) / len(sample) / (total / len(hands))
    rate = f"{total:.2f} s, {total / len(hands) * 1e6:.0f} us a hand"
    add_row(f"24, all {len(hands)} hands by A*", rate, "plain Python over Fraction", (ratio,))


@pytest.mark.parametrize("search", [search for search in SEARCHES.values() if 1 in search.players], ids=lambda search: search.name)
def test_one_call(search, benchmark, add_row):
    """One move from the goal, with the exact evaluator: nothing is left but the cost of asking."""
    domain = envs.make("sliding", size="2x3")
    evaluator, state = exact_oracle(exact_table(domain)), domain.parse("1 0 2 3 4 5")
    budget = Budget(expansions=100)  # sampling asks for one
    search(domain, state, evaluator, budget=budget)
    result = benchmark(lambda: search(domain, state, evaluator, budget=budget))
    assert result.plan == (2,)
    add_row(f"one call of {search.name}, one move from the goal", f"{benchmark.stats['min'] * 1e6:.0f} us")
