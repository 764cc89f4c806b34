"""Many searches over threads: the same results in the same order, and Ctrl-C ends them with what is there."""

import json
import signal
from functools import partial
from threading import Event

import pytest
import toys

from astarzero.envs import make
from astarzero.experiments.__main__ import main
from astarzero.experiments.instances import Instance
from astarzero.experiments.machine import read_bytes
from astarzero.experiments.many import over_threads
from astarzero.experiments.solve import solve_each
from astarzero.search import SEARCHES, Budget, Status, from_heuristic

PUZZLE = make("sliding", size=4)
KORF_1 = "14 13 15 7 11 12 9 5 6 0 2 1 4 8 10 3"  # 57 moves
NEAR = "1 5 2 3 4 0 6 7 8 9 10 11 12 13 14 15"


def problems(*boards: str) -> list[Instance]:
    return [Instance(board, PUZZLE.parse(board)) for board in boards]


@pytest.mark.parametrize("words", [["sliding", "--size", "2x3", "--set", "all"], ["countdown", "--set", "all", "--search", "levin"]])
def test_threads_give_the_lines_of_one_thread(words, capsys):
    printed = []
    for threads in ("1", "3"):
        assert main(["solve", *words, "--threads", threads, "--json"]) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        printed.append([{key: value for key, value in line.items() if key != "seconds"} for line in lines])
    assert len(printed[0]) > 300 and printed[0] == printed[1]


def press(number, frame):
    raise KeyboardInterrupt


def seek(problem: Instance, stop: Event):
    """Guided by nothing: NEAR takes no time, KORF_1 for ever."""
    return SEARCHES["astar"](PUZZLE, problem.state, from_heuristic(PUZZLE, "blind"), budget=Budget(stop=stop, bytes=1 << 30))


def test_ctrl_c_ends_every_search_under_way_and_begins_no_other():
    stop = Event()
    assert seek(*problems(NEAR), stop).solved  # it is compiled now
    before = signal.signal(signal.SIGALRM, press)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        ended = list(over_threads(partial(seek, stop=stop), problems(NEAR, KORF_1, NEAR, KORF_1, KORF_1, NEAR), 2, stop))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert [problem.name for problem, _ in ended] == [NEAR, KORF_1, NEAR, KORF_1]
    assert [result.status for _, result in ended] == [Status.SOLVED, Status.INTERRUPTED, Status.SOLVED, Status.INTERRUPTED]
    assert all(0 < result.lower_bound <= 57 for _, result in ended[1::2])


def test_who_stops_listening_stops_the_threads():
    stop = Event()
    pairs = over_threads(partial(seek, stop=stop), problems(NEAR, KORF_1, KORF_1, KORF_1), 2, stop)
    assert next(pairs)[1].solved
    pairs.close()  # returns once the searches have seen the event
    assert stop.is_set()


def test_a_judge_with_one_buffer_serves_one_thread():
    judge = toys.asked(from_heuristic(PUZZLE))
    with pytest.raises(ValueError, match="serves one thread") as error:
        list(solve_each(PUZZLE, problems(NEAR), SEARCHES["astar"], judge, Budget(), 0, {}, 2, None))
    toys.one_sentence(error)


BYTES = {"256MB": 256_000_000, "1GiB": 1 << 30, "1.5 kb": 1500, "2e6": 2_000_000, "64mi": 64 << 20, "7": 7, "3GB": 3 * 10**9}


@pytest.mark.parametrize("text", BYTES)
def test_bytes_have_units(text):
    assert read_bytes(text) == BYTES[text] and read_bytes(1234) == 1234


@pytest.mark.parametrize("text", ["", "MB", "1 parsec", "-5MB", "1.2.3k", "5i"])
def test_what_is_no_number_of_bytes_gets_one_sentence(text):
    with pytest.raises(ValueError, match="no number of bytes") as error:
        read_bytes(text)
    toys.one_sentence(error)
