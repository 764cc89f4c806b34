"""What an evaluation would cost: a tabulated net answers in nanoseconds, so the contest's seconds come from a measured model.

Every search meets a net at its desk (../search/desk.py), so a call has one price, whichever search makes it: on n states it takes
a + net(n) seconds and, with two heads, `second_head` more (also where these are two nets of half the size); the search itself takes c
seconds an expansion (`clock_of` in results.py adds them up). Q is taken to cost what V and pi do. Each is measured by itself:

- net(n): n states encoded, and judged by one head of the net at its desk, a list over n. No line would do: a convolution of two boards
  may cost twice that of one.
- second_head: what the second head adds to that; with nets so small it is a good part.
- c: a blind compiled search.
- a: what is left of real searches with the net in the loop, one a regime: the kernel that stops and goes on, cold caches. One number
  for all of them.

The same searches on other problems are then predicted and measured (SCIENCE.md, section 3, rule 2). A search of forty expansions is
little more than its beginning, which allocates its arrays and is not what a budget buys: so both are differences to the same search
that is stopped once it has asked. Seconds are CPU seconds: machines are shared.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain, encode_batch
from astarzero.envs.evaluation import Desk, Evaluator
from astarzero.experiments.results import clock_of
from astarzero.search import SEARCHES, Budget, blind
from astarzero.search.go_evaluators import rollout

HEADS = (("value",), ("prior",), ("value", "prior"))
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256)
REPEATS = 10
PASSES = 12
RUNS = {  # by the number of players: (search, heads it sees), one a regime
    1: (
        ("astar", ("value",)), ("greedy_best_first", ("value",)), ("levin", ("prior",)), ("policy_argmax", ("prior",)),
        ("puct", ("value", "prior")),
    ),
    2: (("ubfm", ("value",)), ("alpha_beta", ("value",)), ("uct", ("value",)), ("puct", ("value", "prior"))),
}  # fmt: skip
BLIND = {1: "uniform_cost", 2: "uct"}
AT_ONCE = Budget(seconds=1e-9)


def measure(domain: Domain, net: Evaluator, problems: np.ndarray, max_expansions: int = 40) -> dict[str, Any]:
    """{"a", "second_head", "c", "sizes", "net", "runs", "measured", "predicted"} of `net` (value and prior heads) on `problems` [N, W],
    in CPU seconds of one core.

    The first half of the problems fits a, the second half checks the model. Everything is timed in turn, PASSES times, and
    the least time of each is taken: another process can only make a pass slower, and then all of it alike.
    """
    if len(problems) < 2:
        raise ValueError(f"The cost model of {domain.name} needs two problems, one to fit and one to check, but {len(problems)} was given.")
    halves, budgets = (problems[: len(problems) // 2], problems[len(problems) // 2 :]), (AT_ONCE, Budget(expansions=max_expansions))
    assert net.desk is not None
    desks, states = [net.desk(max(SIZES), heads) for heads in HEADS], problems[np.arange(max(SIZES)) % len(problems)]
    works: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (call_often, (domain, desk, states[:size])) for desk in desks for size in SIZES
    ]
    works.append((run, (domain, blind(domain), BLIND[domain.players], halves[0], Budget(expansions=100 * max_expansions))))
    regimes = RUNS[domain.players]
    for search, heads in regimes:
        works += [(run, (domain, net.only(heads), search, half, budget)) for half in halves for budget in budgets]
    counts = [work(*arguments) for work, arguments in works]  # compiles, too
    least = np.min([[cpu_seconds(work, *arguments) for work, arguments in works] for _ in range(PASSES)], axis=0)

    first = len(HEADS) * len(SIZES) + 1  # of the real searches
    value, prior, both = least[: first - 1].reshape(len(HEADS), len(SIZES)) / REPEATS
    one = (value + prior) / 2
    c = least[first - 1] / max(1.0, counts[first - 1][2])
    fitted, checked = (
        [
            (*(counts[at + 1] - counts[at]), len(heads), least[at + 1] - least[at])  # calls, evaluations, expansions, heads, seconds
            for at, (_, heads) in zip(range(first + half, len(works), 4), regimes, strict=True)
        ]
        for half in (0, 2)
    )
    model = {"a": 0.0, "second_head": float(np.median(both - one)), "c": float(c), "sizes": list(SIZES), "net": one.tolist()}
    asked = [(took - clock_of(model, *spent)) / spent[0] for *spent, took in fitted if spent[0] > 0]
    if not asked:
        raise ValueError(f"No search on these problems of {domain.name} asks its net twice, so a call has no price; give harder ones.")
    model["a"] = float(np.mean(asked))
    return {
        **model,
        "runs": [f"{search} {'+'.join(heads)}" for search, heads in regimes],
        "measured": [float(took) for *_, took in checked],
        "predicted": [float(clock_of(model, *spent)) for *spent, _ in checked],
    }


def measure_rollout(domain: Domain, states: np.ndarray) -> float:
    """CPU seconds of one random game from rows [N, W] of Go, the least of PASSES."""
    games = rollout(domain, games=1)
    games.evaluate(states)  # compiles
    return min(cpu_seconds(games.evaluate, states) for _ in range(PASSES)) / len(states)


def cpu_seconds(work: Callable[..., object], *arguments: Any) -> float:
    """CPU seconds of work(*arguments)."""
    started = time.process_time()
    work(*arguments)
    return time.process_time() - started


def call_often(domain: Domain, desk: Desk, states: np.ndarray) -> None:
    """REPEATS calls of the net on the same rows, at its desk."""
    encode, features = domain.bind(encode_batch), desk.features[: len(states)]
    with desk.session():
        for _ in range(REPEATS):
            encode(states, domain.context, features)
            desk.judge(len(states))


def run(domain: Domain, judge: Evaluator, search: str, problems: np.ndarray, budget: Budget) -> np.ndarray:
    """(calls, evaluations, expansions) of real searches: float64 [3]."""
    results = [SEARCHES[search](domain, problem, judge, budget=budget) for problem in problems]
    return np.array([[result.evaluator_calls, result.evaluations, result.expansions] for result in results], np.float64).sum(0)
