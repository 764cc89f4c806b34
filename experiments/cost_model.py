"""What an evaluation would cost: a tabulated net answers in nanoseconds, so the contest's seconds come from a measured model.

A call of a net on n states takes a + b n seconds (B = 1 searches call on the one state they expand, or on its new successors),
and the search itself c seconds an expansion. b comes from the evaluator alone, c from a blind compiled search, and a from real
searches with the net in the loop, one a regime, so that stopping the kernel for a call is in it. The same searches on other
problems are then predicted and measured (SCIENCE.md, section 3, rule 2). Seconds are CPU seconds: machines are shared.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import Evaluator
from astarzero.search import SEARCHES, Budget, blind
from astarzero.search.go_evaluators import rollout

SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
REPEATS = 10
PASSES = 4
RUNS = {  # by the number of players: (search, heads it sees), one a regime
    1: (
        ("astar", ("value",)), ("greedy_best_first", ("value",)), ("levin", ("prior",)), ("policy_argmax", ("prior",)),
        ("puct", ("value", "prior")),
    ),
    2: (("ubfm", ("value",)), ("alpha_beta", ("value",)), ("uct", ("value",)), ("puct", ("value", "prior"))),
}  # fmt: skip
BLIND = {1: "uniform_cost", 2: "uct"}


def measure(domain: Domain, net: Evaluator, problems: np.ndarray, max_expansions: int = 40) -> dict[str, Any]:
    """{"a", "b", "c", "runs", "measured", "predicted"} of `net` (value and prior heads) on `problems` [N, W], in CPU seconds of one core.

    The first half of the problems fits the model, the second half checks it. Everything is timed in turn, PASSES times, and
    the least time of each is taken: another process can only make a pass slower, and then all of it alike.
    """
    fitted, checked = problems[: len(problems) // 2], problems[len(problems) // 2 :]
    batches = [problems[np.arange(size) % len(problems)] for size in SIZES]
    runs = [(search, heads, part) for search, heads in RUNS[domain.players] for part in (fitted, checked)]
    blind_run = (BLIND[domain.players], (), fitted)
    counts = [run(domain, net, *work, max_expansions) for work in runs]  # compiles, too
    opened = run(domain, blind(domain), *blind_run, 100 * max_expansions)[2]
    least = np.full(len(batches) + 1 + len(runs), np.inf)
    for _ in range(PASSES):
        spent = [cpu_seconds(call_often, net, batch) for batch in batches]
        spent += [cpu_seconds(run, domain, blind(domain), *blind_run, 100 * max_expansions)]
        spent += [cpu_seconds(run, domain, net, *work, max_expansions) for work in runs]
        least = np.minimum(least, spent)
    calls, seconds = least[: len(batches)] / REPEATS, least[len(batches) + 1 :]
    terms = np.array([[1.0, size] for size in SIZES]) / calls[:, None]  # relative errors
    b = np.linalg.lstsq(terms, np.ones(len(SIZES)), rcond=None)[0][1]
    c = least[len(batches)] / max(1.0, opened)
    a = np.mean([(took - b * n[1] - c * n[2]) / n[0] for n, took in zip(counts[::2], seconds[::2], strict=True)])
    return {
        "a": float(a),
        "b": float(b),
        "c": float(c),
        "runs": [f"{search} {'+'.join(heads)}" for search, heads in RUNS[domain.players]],
        "measured": seconds[1::2].tolist(),
        "predicted": [float(a * n[0] + b * n[1] + c * n[2]) for n in counts[1::2]],
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


def call_often(net: Evaluator, batch: np.ndarray) -> None:
    """REPEATS calls of the net."""
    for _ in range(REPEATS):
        net.evaluate(batch)


def run(domain: Domain, net: Evaluator, search: str, heads: Sequence[str], problems: np.ndarray, max_expansions: int) -> np.ndarray:
    """(calls, evaluations, expansions) of real searches with the net in the loop: float64 [3]."""
    judge, budget = net.only(heads), Budget(expansions=max_expansions)
    results = [SEARCHES[search](domain, problem, judge, budget=budget) for problem in problems]
    return np.array([[result.evaluator_calls, result.evaluations, result.expansions] for result in results], np.float64).sum(0)
