"""Ours against the same algorithm in C++ -O3, in turns: A* and IDA* with Manhattan distance on Korf's instances, random games of Go.

And a second process.
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import in_turns, one_cpu_time
from yardstick import korf, measure, needs_korf

from astarzero.envs import make
from astarzero.envs.go import start
from astarzero.envs.go_rollouts import POLICIES, rollouts
from astarzero.search import SEARCHES, Budget

ASTAR = (12, 79, 9, 19, 13, 16, 6, 5)
IDA_INSTANCES = 55  # the easiest, 1.0 G nodes together
ROOT = Path(__file__).resolve().parents[2]


def against_cpp(search, yardstick, numbers, pairs):
    """CPU seconds [pairs, instances] of ours and of the yardstick, and the results of both, whose counts must be equal."""
    domain, boards = make("sliding", size=4), [korf()[number]["tiles"] for number in numbers]
    search(domain, domain.parse(boards[0]), budget=Budget(expansions=10_000))  # compiles
    results, peers, ours, theirs = [], [], [], []

    def run_ours() -> float:
        for _ in range(2):  # the second time counts, here and there: by then caches are warm and pages were touched
            results.clear()
            seconds = []
            for board in boards:
                start = time.process_time()
                results.append(search(domain, domain.parse(board)))
                seconds.append(time.process_time() - start)
        ours.append(seconds)
        return sum(seconds)

    def run_peer() -> float:
        peers[:] = measure(yardstick, 2 * boards)[len(boards) :]
        theirs.append([peer["cpu_seconds"] for peer in peers])
        return sum(theirs[-1])

    in_turns(run_ours, run_peer, pairs)
    assert [(result.cost, result.generated) for result in results] == [(peer["length"], peer["generated"]) for peer in peers]
    return np.array(ours), np.array(theirs), results, peers


def rate(count: float, seconds: float) -> str:
    return f"{count / seconds / 1e6:.2f} M generated/s"


@needs_korf
@pytest.mark.parametrize(("yardstick", "table"), [("astar15-plain", "a plain table"), ("astar15", "the table of ours")])
def test_astar(warm_memory, add_row, yardstick, table):
    ours, theirs, results, peers = against_cpp(SEARCHES["astar"], yardstick, ASTAR, pairs=9)
    for place, (number, result) in enumerate(zip(ASTAR, results, strict=True)):
        own, peer = ours[:, place], theirs[:, place]
        size = f"{result.peak_bytes / result.nodes:.0f} bytes a node of {result.nodes:,} at the peak"
        held = f"{table}, {peers[place]['peak_bytes'] / result.nodes:.0f} bytes"
        own_rate, peer_rate = rate(result.generated, np.median(own)), rate(result.generated, np.median(peer))
        add_row(f"A*, Manhattan, Korf {number}", f"{own_rate}, {size}", f"C++ {peer_rate}, {held}", tuple(peer / own))
    own, peer, generated = ours.sum(axis=1), theirs.sum(axis=1), sum(result.generated for result in results)
    add_row(
        f"A*, Manhattan, these {len(ASTAR)} together", rate(generated, np.median(own)),
        f"C++ {rate(generated, np.median(peer))}, {table}", tuple(peer / own), "1.0x, 6 M generated/s, 33 bytes and slack",
    )  # fmt: skip


@needs_korf
def test_ida(add_row):
    search = SEARCHES.get("ida")
    if search is None:
        pytest.skip("there is no search named ida")
    easiest = sorted(korf(), key=lambda number: int(korf()[number]["ida_generated_here_eaburns"]))[:IDA_INSTANCES]
    ours, theirs, results, _ = against_cpp(search, "ida15", easiest, pairs=3)
    own, peer, generated = ours.sum(axis=1), theirs.sum(axis=1), sum(result.generated for result in results)
    work = f"IDA*, Manhattan, the {IDA_INSTANCES} easiest of Korf's, {generated / 1e9:.2f} G nodes"
    add_row(work, rate(generated, np.median(own)), f"C++ {rate(generated, np.median(peer))}", tuple(peer / own), "0.9x, 100 M generated/s")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("size", (5, 7, 9))
def test_random_games_of_go(add_row, size, policy):
    domain, games, results, peers = make("go", size=size, ko="simple", komi=0), 600_000 // size**2, [], []
    rollouts(domain, start(domain))  # compiles

    def run_ours() -> float:
        return one_cpu_time(lambda: results.append(rollouts(domain, start(domain), games, policy=policy, seed=1)))

    def run_peer() -> float:
        peers.extend(measure("go_rollouts", [f"{size} {games} 1 {policy}"]))
        return peers[-1]["cpu_seconds"]

    own, peer = in_turns(run_ours, run_peer, pairs=15)
    assert (results[0].moves.sum(), results[0].margin.sum()) == (peers[0]["moves"], peers[0]["leads"])
    rates = [f"{games / np.median(seconds):,.0f} games/s" for seconds in (own, peer)]
    played = f"{rates[0]} of {results[0].moves.mean():.1f} moves"
    add_row(f"Go {size}x{size}, {policy}", played, f"C++ {rates[1]}", tuple(peer / own), "0.9x")


@needs_korf
def test_a_second_process(add_row):
    """Wall seconds from the shell's prompt to the answer, caches warm: the interpreter, imports, kernels from the disk, and the search."""
    board = korf()[9]["tiles"]
    command = (sys.executable, "-m", "astarzero", "solve", "sliding", "--size", "4", "--goal", "blank-first", "--state", board, "--json")
    wall = []
    for _ in range(4):
        start = time.perf_counter()
        answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        wall.append(time.perf_counter() - start)
    assert '"cost": 46' in answer
    add_row("a second process solves Korf 9", f"{min(wall[1:]):.2f} to {max(wall[1:]):.2f} s wall", bar="2 s wall")
