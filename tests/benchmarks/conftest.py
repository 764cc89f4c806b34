"""What every benchmark shares: CPU time as its clock, and a line in plain words, with a ratio where a peer ran beside it.

Run by `make bench`. Figures of one machine say little; a ratio to a peer that ran in the same minute says more. Figures marked
"recorded" are of programs in C++ that are not installed here, measured elsewhere at another time: an order of magnitude.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the plain-Python references of the tests

LINES = pytest.StashKey[list[str]]()


def pytest_configure(config):
    config.stash[LINES] = []


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.benchmark(timer=time.process_time, disable_gc=True, max_time=0.3))


@pytest.fixture
def say(request) -> Callable[[str], None]:
    """Adds a line to the list at the end of the run."""
    return request.config.stash[LINES].append


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[LINES]:
        terminalreporter.section("in words (CPU time)")
        for line in config.stash[LINES]:
            terminalreporter.write_line(line)


def cpu_seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """The least CPU time of `rounds` calls: for the peer that runs beside a benchmark."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best
