"""A limit in bytes is kept: by the arrays, by the process that holds them, and it is used up before a search gives up."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from astarzero.envs import make
from astarzero.search import SEARCHES, Budget, Status, from_heuristic
from astarzero.search.drive import Drive
from astarzero.search.pages import KEPT, LARGE, copied_bytes, empty, forget, leave, longer, pages_of, take, zeros

MEMORY = Path("/proc/self/clear_refs")
KORF_88 = "15 2 12 11 14 13 9 5 1 3 8 7 0 10 6 4"  # 65 moves, Korf's hardest

needs_pages = pytest.mark.skipif(pages_of(empty((LARGE,), np.int8)) is None, reason="this system reserves no address space")


@needs_pages
def test_a_few_nodes_suffice_for_a_few_expansions():
    """A* takes many nodes a round only where many wait, so a small limit on nodes is not used up by room that no round could need."""
    puzzle = make("sliding", size=3)
    result = SEARCHES["astar"](puzzle, puzzle.parse("8 7 6 5 4 3 2 1 0"), budget=Budget(nodes=100))
    assert result.status is Status.BUDGET and result.expansions > 30 and 90 < result.nodes <= 100


def test_a_reserved_array_grows_where_it_is_and_a_view_stays_alive():
    forget()
    short = empty((LARGE // 8, 2), np.uint64, most=8 * LARGE)
    short[:] = np.arange(len(short), dtype=np.uint64)[:, None]
    beginning = short[:5]
    long = longer(short, 2 * len(short))
    assert np.shares_memory(short, long) and copied_bytes(short, 2 * len(short)) == 0
    assert long.shape == (LARGE // 4, 2) and np.array_equal(long[: len(short)], short) and long.flags.c_contiguous and long.flags.writeable
    beyond = longer(long, 4 * len(long))
    assert not np.shares_memory(long, beyond) and copied_bytes(long, 4 * len(long)) == long.nbytes
    assert np.array_equal(beyond[: len(short)], short)
    del short, long
    assert np.array_equal(beginning[:, 0], np.arange(5))


def test_a_small_array_is_copied():
    short = np.arange(10, dtype=np.int16)
    long = longer(short, 20, most=1 << 30)
    assert pages_of(long) is None and np.array_equal(long[:10], short) and copied_bytes(short, 20) == 20


@needs_pages
def test_left_pages_are_taken_by_the_next_array_but_not_by_zeros_and_only_so_many():
    forget()
    first, most = empty((LARGE,), np.int8, most=8 * LARGE), 8 * LARGE
    first[:] = 7
    place = first.ctypes.data
    leave([first, np.zeros(3)])
    del first
    assert zeros((LARGE,), np.int8, most).sum() == 0
    again = empty((LARGE,), np.int8, most)
    assert again.ctypes.data == place and again[5] == 7 and take(1) is None
    leave([again])
    assert take(16 * LARGE) is None  # not enough room
    forget()
    assert take(1) is None
    leave([empty((KEPT + 1,), np.int8)])
    assert take(1) is None


@needs_pages
def test_what_was_left_in_pages_changes_no_search():
    puzzle, board = make("sliding", size=4), "14 1 9 6 4 8 12 5 7 2 3 0 10 11 13 15"
    forget()
    fresh, arrays = SEARCHES["astar"](puzzle, puzzle.parse(board)), []
    while (pages := take(1)) is not None:
        arrays.append(np.frombuffer(pages, np.uint8, LARGE))
        arrays[-1][:] = 0xFF
    assert arrays
    leave(arrays)
    again = SEARCHES["astar"](puzzle, puzzle.parse(board))
    assert (again.plan, again.generated, again.nodes, again.lower_bound) == (fresh.plan, fresh.generated, fresh.nodes, fresh.lower_bound)
    assert SEARCHES["astar"](puzzle, puzzle.parse(board), budget=Budget(bytes=1 << 30)).generated == fresh.generated
    assert take(1) is None  # a limit is one of the process: nothing is left, before and after


@pytest.mark.parametrize("search", ["astar", "uniform_cost", "levin", "qstar"])
def test_arrays_never_take_more_than_the_limit_not_even_while_they_grow(search, monkeypatch):
    """Before an array is replaced: all that is held, and its successor beside it where it is copied."""
    puzzle, resize, growing, most = make("sliding", size=4), Drive._resize, [], 0

    def resized(drive, *arguments):
        growing[:] = [drive]
        resize(drive, *arguments)

    def watched(array, rows, space):
        nonlocal most
        (drive,) = growing
        more = (rows - len(array)) * array[:1].nbytes + copied_bytes(array, rows)
        most = max(most, drive.bytes + more)
        return longer(array, rows, space)

    monkeypatch.setattr(Drive, "_resize", resized)
    monkeypatch.setattr("astarzero.search.drive.longer", watched)
    judge = from_heuristic(puzzle, "blind" if search in ("levin", "qstar") else None)
    for limit in (200_000, 3_000_000, 30_000_000):
        most = 0
        result = SEARCHES[search](puzzle, puzzle.parse(KORF_88), judge, budget=Budget(bytes=limit))
        assert result.status is Status.MEMORY and 0 <= result.lower_bound <= 65
        assert 0.5 * limit < most <= limit and 0.7 * limit < result.peak_bytes <= limit


CHILD = f"""
import re, sys
from astarzero.envs import make
from astarzero.search import Budget, astar
from astarzero.search.pages import forget

def resident(what):
    return 1024 * int(re.search(what + r":\\s+(\\d+)", open("/proc/self/status").read())[1])

puzzle = make("sliding", size=4)
root = puzzle.parse("{KORF_88}")
astar(puzzle, root, budget=Budget(expansions=50_000))  # everything is loaded and compiled now
forget()
open("/proc/self/clear_refs", "w").write("5")  # from here on VmHWM is the peak
before = resident("VmRSS")
result = astar(puzzle, root, budget=Budget(bytes=int(sys.argv[1])))
print(result.status, result.nodes, result.peak_bytes, result.lower_bound, resident("VmHWM") - before)
"""


@pytest.mark.skipif(not MEMORY.exists(), reason="needs /proc/self/clear_refs, to measure a process")
def test_a_process_takes_no_more_than_the_limit_and_uses_most_of_it():
    limit = 128_000_000
    ended = subprocess.run([sys.executable, "-c", CHILD, str(limit)], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    status, nodes, peak, bound, resident = ended.stdout.split()
    assert status == "MEMORY" and 53 <= float(bound) <= 65
    assert int(peak) <= limit and int(resident) <= limit + 4_000_000  # buffers of Python's own
    assert 27 * int(nodes) >= 0.8 * limit  # 19 bytes a node and 8 of its slots
