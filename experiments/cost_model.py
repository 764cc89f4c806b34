"""What an evaluation would cost: a tabulated net answers in nanoseconds, so the contest's seconds come from a measured model.

A call of a net on n states takes a + b n seconds (B = 1 searches call on the one state they expand, or on its new successors),
and the search itself c seconds an expansion. a and b are fitted to the evaluator alone, c to a blind compiled search; a then
takes in what stopping the kernel for a call costs, from real searches with the net in the loop. Other real searches, one a
regime and on other problems, are predicted and measured (SCIENCE.md, section 3, rule 2).
"""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.search import SEARCHES, Budget, blind

SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
REPEATS = 40
FITTED = (("astar", ("value",)), ("levin", ("prior",)))
CHECKED = (
    ("greedy_best_first", ("value",)),
    ("policy_argmax", ("prior",)),
    ("puct", ("value",)),
    ("puct", ("prior",)),
    ("astar", ("value",)),
    ("levin", ("prior",)),
)


def measure(domain: Domain, net: Evaluator, problems: np.ndarray, max_expansions: int = 100) -> dict[str, Any]:
    """{"a", "b", "c", "runs", "measured", "predicted"} of `net` (value and prior heads) on `problems` [N, W], in wall seconds.

    The least of many repetitions is taken, since another process can only make a call slower; every run is repeated too.
    """
    calls = np.array([[1.0, size] for size in SIZES])
    least = np.array([best_of(REPEATS, net, problems[np.arange(size) % len(problems)]) for size in SIZES])
    (a, b), *_ = np.linalg.lstsq(calls / least[:, None], np.ones(len(SIZES)), rcond=None)  # relative errors
    half = len(problems) // 2
    counts, seconds = run(domain, blind(domain), "uniform_cost", (), problems[:half], 100 * max_expansions)
    c = seconds / max(1.0, counts[2])
    spent = [run(domain, net, search, heads, problems[:half], max_expansions) for search, heads in FITTED]
    a += sum(seconds - a * n[0] - b * n[1] - c * n[2] for n, seconds in spent) / sum(n[0] for n, _ in spent)
    runs = [(f"{search} {'+'.join(heads)}", *run(domain, net, search, heads, problems[half:], max_expansions)) for search, heads in CHECKED]
    return {
        "a": float(a),
        "b": float(b),
        "c": float(c),
        "runs": [name for name, _, _ in runs],
        "measured": [seconds for _, _, seconds in runs],
        "predicted": [float(a * n[0] + b * n[1] + c * n[2]) for _, n, _ in runs],
    }


def best_of(repeats: int, net: Evaluator, states: np.ndarray) -> float:
    """Least wall seconds of a call."""
    least = np.inf
    for _ in range(repeats):
        started = time.perf_counter()
        net.evaluate(states)
        least = min(least, time.perf_counter() - started)
    return least


def run(
    domain: Domain, net: Evaluator, search: str, heads: Sequence[str], problems: np.ndarray, max_expansions: int
) -> tuple[np.ndarray, float]:
    """(calls, evaluations, expansions) and wall seconds of real searches with the net in the loop; the lesser of two passes."""
    judge, budget = net.only(heads), Budget(expansions=max_expansions)
    counts, best = np.zeros(3), np.inf
    for _ in range(3):
        results = [SEARCHES[search](domain, problem, judge, budget=budget) for problem in problems]
        counts = np.array([[result.evaluator_calls, result.evaluations, result.expansions] for result in results], np.float64).sum(0)
        best = min(best, sum(result.seconds for result in results))
    return counts, best
