"""Many searches, one after the other or over threads: results in the order of the problems, an end by Ctrl-C with what is there.

Kernels run without Python's lock, so threads share the work of machine code; what grows arrays and looks at clocks is Python and
waits its turn. Every search has arrays of its own and the results are those of one thread.
"""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

from astarzero.experiments.instances import Instance
from astarzero.search import SearchResult, Status

Pairs = Generator[tuple[Instance, SearchResult]]


def in_turn(run: Callable[[Instance], SearchResult], problems: Sequence[Instance]) -> Pairs:
    """One by one; Ctrl-C ends the search under way, whose result is the last."""
    for problem in problems:
        result = run(problem)
        yield problem, result
        if result.status is Status.INTERRUPTED:
            return


def over_threads(run: Callable[[Instance], SearchResult], problems: Sequence[Instance], threads: int, stop: Event) -> Pairs:
    """So many at a time. `stop` ends all searches under way (it is their budget's): only the main thread hears Ctrl-C.

    Compile before: see `solve_each`. Searches that did not begin are left out after Ctrl-C. Close the iterator to stop early.
    """
    pool = ThreadPoolExecutor(threads)
    try:
        waiting = [(problem, pool.submit(run, problem)) for problem in problems]
        for problem, future in waiting:
            try:
                wait([future])
            except KeyboardInterrupt:
                stop.set()
                for _, other in waiting:
                    other.cancel()
            if not future.cancelled():
                yield problem, future.result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
