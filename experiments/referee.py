"""`astarzero referee`: re-scores anybody's solutions by the rules and the exact oracles, and says what is wrong with which line."""

import json
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from astarzero.envs.domain import Domain
from astarzero.experiments.claims import Claim, ClaimFile, read_claims
from astarzero.experiments.instances import stated_goal
from astarzero.experiments.judging import CLOSE, MOVES, Verdict, compared, replayed, with_optima
from astarzero.experiments.results import finite_or_none
from astarzero.experiments.solve import make_domain
from astarzero.experiments.statistics import Interval, bootstrap, wilson
from astarzero.search import Budget

FAULTS_SHOWN = 10
LAYOUTS = ("blank-first", "blank-last")


def referee(
    file: Path,
    *,
    world: str | None = None,
    size: str | None = None,
    goal: str | None = None,
    rule: str | None = None,
    target: int | None = None,
    moves: str | None = None,
    max_expansions: int = 10_000_000,
    json: bool = False,
) -> int:
    """Judge a file of solutions: is each one valid, is it optimal, and by how much is it too long?

    Exit status: 0 when nothing in the file is wrong, 1 when some line is, 2 on bad input. What is left out is guessed from the
    file, and said.

    Parameters
    ----------
    file
        CSV with a header line, or JSON lines. A column of problems (state, tiles, numbers, hand, ...), and any of: actions (or plan,
        moves, solution, expression, ...), cost (or length), optimal, nodes (or expansions, ...), target, status.
    world
        sliding, countdown, or your own as file.py.
    size
        Board or problem size: 4, 3x4 (tiles), 2 to 6 (numbers).
    goal
        Tiles: blank-first or blank-last.
    rule
        Numbers: rational, integer (all numbers are used once) or positive (at most once).
    target
        Numbers: what to reach.
    moves
        What a direction moves: blank or tile.
    max_expansions
        Of the exact search for an optimum, a problem, where the world is too large to enumerate.
    json
        One JSON object a line on standard output, and nothing else there.
    """
    if moves not in (None, *MOVES):
        raise ValueError(f"Moves '{moves}' is not known: give blank or tile, for what a direction moves.")
    claimed, budget = read_claims(file), Budget(expansions=max_expansions)
    domain, convention, verdicts = best_reading(file, claimed, world, size, goal, rule, target, moves)
    verdicts = [compared(domain, verdict) for verdict in with_optima(domain, verdicts, budget)]
    if json:
        for verdict in verdicts:
            sys.stdout.write(to_json(verdict) + "\n")
    show(domain, convention, claimed, verdicts, Console(stderr=json))
    return 1 if any(verdict.fault for verdict in verdicts) else 0


# --- what the file is about -------------------------------------------------------------------------------------------------


def best_reading(
    file: Path, claimed: ClaimFile, world: str | None, size: str | None, goal: str | None, rule: str | None, target: int | None,
    moves: str | None,
) -> tuple[Domain, str, list[Verdict]]:  # fmt: skip
    """The domain and the meaning of directions, of all that the options leave open, under which most lines are right."""
    world = world or guess_world(claimed)
    options: dict[str, Any] = {"size": size, "goal": goal, "rule": rule, "target": target}
    layouts: tuple[str | None, ...] = (goal,)
    if world == "sliding":
        options["size"] = size or guess_board(claimed)
        stated = goal or stated_goal(file)
        layouts = (stated,) if stated else LAYOUTS
    elif world == "countdown":
        options["size"] = size or str(min(6, max(2, *(len(numbers_of(claim)) for claim in claimed.claims))))
    readings = []
    for layout in layouts:
        domain = make_domain(world, **{**options, "goal": layout})
        for convention in MOVES if moves is None and domain.inverse_actions else (moves or MOVES[0],):
            readings.append((domain, convention, [replayed(domain, claim, convention) for claim in claimed.claims]))
    best = max(readings, key=lambda reading: sum(not verdict.fault for verdict in reading[2]))  # of equal ones the first
    if all(verdict.state is None for verdict in best[2]):
        raise ValueError(f"{file} has no line with a problem of {best[0].name} (line {best[2][0].claim.line}: {best[2][0].fault})")
    return best


def guess_world(claimed: ClaimFile) -> str:
    """sliding when the first problem is a board, with each of 0..n-1 once; else countdown."""
    first = claimed.claims[0]
    if re.match(r"numbers|hand|cards", claimed.titles["state"], re.IGNORECASE) or "->" in first.state:
        return "countdown"
    numbers = numbers_of(first)
    return "sliding" if len(numbers) >= 4 and 0 in numbers and max(numbers) + 1 == len(numbers) else "countdown"


def guess_board(claimed: ClaimFile) -> str:
    """The side of the square board that the first problem fills."""
    cells = len(numbers_of(claimed.claims[0]))
    if math.isqrt(cells) ** 2 != cells:
        raise ValueError(f"A board of {cells} cells is not square: say which it is, for example --size {cells // 2}x2.")
    return str(math.isqrt(cells))


def numbers_of(claim: Claim) -> list[int]:
    """The whole numbers of a problem, its target left out."""
    return [int(word) for word in re.findall(r"[0-9]{1,9}", claim.state.partition("->")[0])]


# --- what came out ----------------------------------------------------------------------------------------------------------


def to_json(verdict: Verdict) -> str:
    """The line of one verdict; valid is null where no solution is claimed."""
    claim, optimum = verdict.claim, verdict.optimum
    return json.dumps(
        {
            "line": claim.line, "instance": claim.name, "valid": verdict.valid, "fault": verdict.fault, "replayed": verdict.replayed,
            "cost": verdict.cost, "optimal": None if optimum is None else finite_or_none(optimum), "source": verdict.source,
            "lower_bound": finite_or_none(verdict.bound), "excess": verdict.excess, "nodes": claim.nodes,
        }
    )  # fmt: skip


def show(domain: Domain, moves: str, claimed: ClaimFile, verdicts: list[Verdict], console: Console) -> None:
    """The faults, a sentence each, and the summary."""
    faulty = [verdict for verdict in verdicts if verdict.fault]
    for verdict in faulty[:FAULTS_SHOWN]:
        console.print(f"line {verdict.claim.line}: {verdict.fault}", highlight=False, markup=False, soft_wrap=True)
    if len(faulty) > FAULTS_SHOWN:
        console.print(f"and {len(faulty) - FAULTS_SHOWN:,} lines more; --json lists all.")
    read = ", ".join(f"{field} from '{title}'" for field, title in claimed.titles.items())
    told = f"; directions move the {moves}" if domain.inverse_actions and "plan" in claimed.titles else ""
    console.print(f"Read as {domain.name}: {read}{told}.", highlight=False, markup=False, soft_wrap=True)
    table = Table(title=f"{len(verdicts):,} lines, with 95 % intervals", show_header=False, title_justify="left")
    for row in summary(verdicts):
        table.add_row(*row)
    console.print(table)


def summary(verdicts: list[Verdict]) -> Iterator[tuple[str, str]]:
    """(what, how much) of all lines together."""
    rng = np.random.default_rng(0)
    said = [verdict for verdict in verdicts if verdict.valid is not None]
    valid = [verdict for verdict in said if verdict.valid]
    known = [verdict for verdict in valid if verdict.optimum is not None]
    yield "solved and valid, of all lines", share(len(valid), len(verdicts))
    yield "valid, of what is claimed", share(len(valid), len(said))
    yield "replayed by the rules, of valid", share(sum(verdict.replayed for verdict in valid), len(valid))
    yield "optimal, of valid with known optimum", share(sum((verdict.excess or 0.0) < CLOSE for verdict in known), len(known))
    yield "optimum known by", counted([verdict.source for verdict in valid])
    costs = np.array([verdict.cost for verdict in valid if verdict.cost is not None])
    yield "cost, mean", between(bootstrap(costs, np.mean, rng))
    excess = np.array([verdict.excess for verdict in known if verdict.excess is not None])
    yield "cost above the optimum, mean", between(bootstrap(excess, np.mean, rng))
    ratios = np.array([verdict.cost / verdict.optimum for verdict in known if verdict.cost is not None and verdict.optimum])
    yield "cost / optimum, mean", between(bootstrap(ratios, np.mean, rng), 4)
    nodes = np.array([verdict.claim.nodes for verdict in verdicts if verdict.claim.nodes is not None])
    yield "nodes, mean", between(bootstrap(nodes, np.mean, rng), 0)
    yield "nodes, median", between(bootstrap(nodes, np.median, rng), 0)


def share(hits: int, trials: int) -> str:
    """A share in percent with Wilson's interval."""
    if trials == 0:
        return "none"
    mean, low, high = (100 * bound for bound in wilson(hits, trials))
    return f"{mean:.1f} % [{low:.1f} {high:.1f}] ({hits:,} of {trials:,})"


def between(found: Interval, digits: int = 2) -> str:
    return "none" if math.isnan(found.mean) else f"{found.mean:,.{digits}f} [{found.low:,.{digits}f} {found.high:,.{digits}f}]"


def counted(words: list[str]) -> str:
    return ", ".join(f"{word} {words.count(word):,}" for word in dict.fromkeys(words)) or "none"
