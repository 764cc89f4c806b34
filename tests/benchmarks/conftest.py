"""What every benchmark shares: CPU time as its clock, peers that run in turns with ours, and a table in plain words at the end.

Run by `make bench`, which also writes the table to results/bench. Figures of one machine say little; a ratio to a peer that ran
in the same minute says more, so ours and the peer run in turns, and ratios are taken pair by pair. Figures marked "recorded" are of
programs in C++ that are not installed here, measured elsewhere at another time: an order of magnitude.
"""

import datetime
import importlib.metadata
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # what the tests share

from yardstick import compiler_version

WARM_BYTES = 1 << 30
VERSIONS = ("numba", "numpy", "torch", "deepxube", "gymnasium", "open_spiel", "pgx", "jax", "pettingzoo")


@dataclass(frozen=True)
class Row:
    """A line of the table. `ratios`: the peer's CPU seconds over ours for the same work, one a pair: above 1 we are faster."""

    work: str
    ours: str
    peer: str = ""
    ratios: tuple[float, ...] = ()
    bar: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        middle = statistics.median(self.ratios) if self.ratios else 0.0
        spread = f"{middle:.3g} ({min(self.ratios):.3g} to {max(self.ratios):.3g})" if self.ratios else ""
        return self.work, self.ours, self.peer, spread, self.bar


ROWS = pytest.StashKey[list[Row]]()
LOAD = pytest.StashKey[tuple[float, float, float]]()


def pytest_configure(config):
    config.stash[ROWS] = []
    config.stash[LOAD] = os.getloadavg()


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.benchmark(timer=time.process_time, disable_gc=True, max_time=0.3))


@pytest.fixture
def add_row(request) -> Callable[..., None]:
    """Adds a `Row` to the table at the end of the run."""
    return lambda *cells, **named: request.config.stash[ROWS].append(Row(*cells, **named))


@pytest.fixture(scope="session")
def warm_memory() -> None:
    """Touches memory and gives it back. A virtual machine gets pages from its host on first touch, at ten times the price of any later
    one; without this the first of two peers would pay for both."""
    np.ones(WARM_BYTES // 8)


def cpu_seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """The least CPU time of `rounds` calls: for a peer far slower than ours."""
    return min(one_cpu_time(work) for _ in range(rounds))


def one_cpu_time(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def in_turns(ours: Callable[[], float], peer: Callable[[], float], pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """CPU seconds of ours and of the peer, [pairs] each, taken in the order A B A B; the functions return what they took."""
    taken = np.array([(ours(), peer()) for _ in range(pairs)])
    return taken[:, 0], taken[:, 1]


# --- the table -------------------------------------------------------------------------------------------------------------


def machine() -> str:
    """The processor, what else it was doing, and the versions of all that matters."""
    found = [line.partition(":")[2].strip() for line in open_text("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    installed = []
    for name in VERSIONS:
        try:
            installed.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            installed.append(f"no {name}")
    versions = ", ".join((f"Python {platform.python_version()}", *installed))
    return f"{found[0] if found else platform.processor()}, {os.cpu_count()} cores; {versions}; C++: {compiler_version()}. "


def open_text(path: str) -> str:
    """The text of a file that only some systems have."""
    return Path(path).read_text() if Path(path).exists() else ""


def written(rows: list[Row], before: tuple[float, float, float]) -> str:
    """The table as Markdown, under a line about the machine."""
    loads = [", ".join(f"{load:.2f}" for load in average) for average in (before, os.getloadavg())]
    about = f"Load over 1, 5, 15 minutes: {loads[0]} before, {loads[1]} after. CPU time; a ratio above 1 says that ours is faster."
    head = ("work", "ours", "peer", "ratio: median (least to most)", "bar")
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ("---",) * len(head), *(row.cells for row in rows))]
    return "\n".join([machine(), about, "", *lines, ""])


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[ROWS]:
        text = written(config.stash[ROWS], config.stash[LOAD])
        folder = config.rootpath / "results" / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{datetime.datetime.now():%Y-%m-%d-%H%M}.md"
        path.write_text(text)
        terminalreporter.section("in words (CPU time)")
        terminalreporter.write_line(text)
        terminalreporter.write_line(f"written to {path.relative_to(config.rootpath)}")
