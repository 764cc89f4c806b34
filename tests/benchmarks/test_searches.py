"""How fast searches are: A* on Korf's instances, every hand of 24, and one call of each search where there is nothing to search."""

import csv
from pathlib import Path

import countdown_reference
import pytest
from conftest import cpu_seconds

from astarzero import envs
from astarzero.envs.countdown import unpack
from astarzero.envs.oracles import exact_table
from astarzero.search import SEARCHES, Budget, astar, exact_oracle

KORF = Path(__file__).resolve().parents[3] / "shared" / "data" / "korf100.csv"
EASY = {6, 9, 12, 13, 16, 19, 79}  # at most a million expansions each
RECORDED = "recorded C++: 3.3-3.4 M of the same algorithm, 46 bytes a node in Burns et al. 2012"


@pytest.mark.skipif(not KORF.exists(), reason=f"Korf's instances are not at {KORF}")
def test_astar_on_the_15_puzzle(benchmark, say):
    domain = envs.make("sliding", size=4)
    with KORF.open() as file:
        problems = [(domain.parse(row[1]), int(row[3])) for row in list(csv.reader(file))[1:] if int(row[0]) in EASY]
    astar(domain, problems[0][0], budget=Budget(expansions=10))  # compiles
    results = benchmark.pedantic(lambda: [astar(domain, state) for state, _ in problems], rounds=2)
    assert [result.cost for result in results] == [length for _, length in problems]
    expansions, generated = sum(result.expansions for result in results), sum(result.generated for result in results)
    largest = max(results, key=lambda result: result.nodes)
    millions = 1e6 * benchmark.stats["min"]
    say(
        f"A*, Manhattan, {len(problems)} of Korf's: {expansions / millions:.2f} M expansions/s, {generated / millions:.2f} M generated/s, "
        f"{largest.peak_bytes / largest.nodes:.0f} bytes a node at the peak ({RECORDED})"
    )


def test_every_hand_of_24(benchmark, say):
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
    say(f"24, all {len(hands)} hands by A*: {rate}; plain Python over Fraction {ratio:.0f}x slower")


@pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)
def test_one_call(search, benchmark, say):
    """One move from the goal, with the exact evaluator: nothing is left but the cost of asking."""
    domain = envs.make("sliding", size="2x3")
    evaluator, state = exact_oracle(exact_table(domain)), domain.parse("1 0 2 3 4 5")
    budget = Budget(expansions=100)  # sampling asks for one
    search(domain, state, evaluator, budget=budget)
    result = benchmark(lambda: search(domain, state, evaluator, budget=budget))
    assert result.plan == (2,)
    say(f"one call of {search.name}: {benchmark.stats['min'] * 1e6:.0f} us")
