"""`astarzero unfold`: how many nodes a tree has for each state of the graph, and what telling states apart buys at equal evaluations.

The questions. *How much* does a graph unfold: nodes of the tree up to a depth / distinct positions up to it, exactly, from each root
(../envs/unfolding.py says what is counted, and what superko changes). *What does it cost* a search: A* and greedy best-first on the same
problems with the same estimate, where states are merged by a table, dropped when they are on the path already, or kept
(../search/duplicates.py); a node is judged when it is made, so a tree pays for a state each time it meets it. Where the past decides there
is a third: *what is lost* when lines are merged that only agree for now.

Read next: unfold_searches.py (the second question), unfold_histories.py (the third), unfold_tables.py (how all are told).
"""

import dataclasses
import json as json_text
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from astarzero.envs.domain import Domain
from astarzero.envs.unfolding import Unfolding
from astarzero.envs.unfolding import unfold as unfold_root
from astarzero.experiments.contest import header_of, wide_console
from astarzero.experiments.instances import Instance, instance_set, read_instances
from astarzero.experiments.results import Shard
from astarzero.experiments.solve import make_domain
from astarzero.experiments.statistics import bootstrap
from astarzero.experiments.unfold_histories import can_solve_lines, compare_merging, history_errors
from astarzero.experiments.unfold_searches import MOST_POINTS, compare_games, compare_searches, judge_of
from astarzero.experiments.unfold_tables import print_unfolding

Record = dict[str, Any]  # ready for JSON; "kind" says what it is
COUNTS = ("lines", "positions", "fresh", "past", "moves")  # of an Unfolding, by depth


@dataclasses.dataclass(frozen=True)
class UnfoldConfig:
    """What is unfolded and searched. ValueError in one sentence when a number is out of its range.

    roots: problems that are unfolded.
    problems: problems that searches are run on; 0: no searches.
    depth: of the unfolding; 0: until nothing new is met.
    max_states: positions held at once while one root is unfolded.
    max_evaluations: the largest budget of a search.
    seed: of random problems and ties.
    """

    roots: int = 10
    problems: int = 100
    depth: int = 0
    max_states: int = 1_000_000
    max_evaluations: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in {"roots": 1, "problems": 0, "depth": 0, "max_states": 1, "max_evaluations": 10}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}, but it must be at least {least}.")


def unfold(
    world: str,
    *,
    size: str | None = None,
    goal: str | None = None,
    rule: str | None = None,
    target: int | None = None,
    option: tuple[str, ...] = (),
    state: str | None = None,
    instances: Path | None = None,
    set: str | None = None,
    roots: int = 10,
    problems: int = 100,
    depth: int = 0,
    max_states: int = 1_000_000,
    evaluator: str | None = None,
    max_evaluations: int = 10_000,
    seed: int = 0,
    device: str = "cpu",
    json: bool = False,
    out: Path | None = None,
) -> int:
    """Unfold a world: tree nodes against distinct states by depth, and what merging states buys a search.

    Roots are random problems unless --state, --instances or --set says which; a game for two begins at its start, and is searched where
    its values are exactly known: Go up to 3x3, by simple ko from a table, by superko line by line.

    Exit status: 0 when done, 2 on bad input.

    Parameters
    ----------
    world
        A name from `astarzero list`, or your own world as file.py or package.module.
    size
        Board or problem size: 4, 3x4 (tiles), 2 to 6 (numbers).
    goal
        Tiles: blank-first or blank-last.
    rule
        Numbers: rational, integer or positive.
    target
        Numbers: what to reach.
    option
        Any other option of the world, as name=value; may be repeated.
    state
        One root, as text.
    instances
        A CSV file of problems with a header line.
    set
        One of the world's own instance sets, such as all; of more than are wanted a random part is taken.
    roots
        Problems that are unfolded.
    problems
        Problems that searches are run on; 0: none.
    depth
        Moves to unfold; 0: until nothing new is met, or as deep as --max-states allows.
    max_states
        Positions held at once while one root is unfolded.
    evaluator
        What judges states in searches: a heuristic of the world (default: its first), exact, noisy:SPREAD (exact, blurred) or net:FILE.
    max_evaluations
        The largest budget of a search.
    seed
        Of random problems and ties.
    device
        auto, cpu or cuda, for nets.
    json
        One JSON object a line on standard output, and nothing else there.
    out
        Folder for unfold.jsonl and the pictures, which are replaced.
    """
    config = UnfoldConfig(roots, problems, depth, max_states, max_evaluations, seed)
    if (state is not None) + (instances is not None) + (set is not None) > 1:
        raise ValueError("Give only one of --state, --instances and --set.")
    domain = make_domain(world, option, size=size, goal=goal, rule=rule, target=target)
    chosen = [Instance(state, domain.parse(state))] if state is not None else chosen_problems(domain, config, instances, set)
    searched = chosen[: config.problems] if domain.discount == 1.0 else []
    judge = judge_of(domain, evaluator, [problem.state for problem in searched], config.seed, device) if searched else None
    records: list[Record] = []
    with Console(stderr=True).status("unfolding") as status:
        streams = [unfoldings(domain, chosen[: config.roots], config)]
        if judge is not None:
            streams.append(compare_searches(domain, searched, judge, config.max_evaluations, config.seed, status.update))
        if not searched and config.problems and has_exact_games(domain):
            streams.append(compare_games(domain, config.problems, config.max_evaluations, config.seed, status.update))
        if not searched and config.problems and can_solve_lines(domain):
            streams.append(history_errors(domain, config.problems, config.seed, status.update))
            streams.append(compare_merging(domain, config.problems, config.max_evaluations, config.seed, status.update))
        for record in (record for stream in streams for record in stream):
            records.append({"world": domain.name, "seed": seed, **record})
            if json:
                sys.stdout.write(json_text.dumps(records[-1]) + "\n")
    if not json:
        print_unfolding(records, wide_console())
    if out is not None:
        write(out, records, header_of(shlex.join(["astarzero", *sys.argv[1:]]), seed, {"world": world, **dataclasses.asdict(config)}))
    return 0


def chosen_problems(domain: Domain, config: UnfoldConfig, instances: Path | None, name: str | None) -> list[Instance]:
    """As many problems as are wanted: those of a file, a random part of a set, the start of a game, or random ones."""
    rng, wanted = np.random.default_rng(config.seed), max(config.roots, config.problems)
    if instances is not None:
        return read_instances(domain, instances)
    if name is None and domain.discount != 1.0:
        name = "start"
    if name is not None:
        every = instance_set(domain, name)
        return [every[number] for number in (rng.permutation(len(every))[:wanted] if wanted < len(every) else range(len(every)))]
    return [Instance(domain.format(row), row) for row in (domain.random_state(rng) for _ in range(wanted))]


def has_exact_games(domain: Domain) -> bool:
    """Is this a game whose moves can be compared with an exact table in no time?"""
    return domain.world == "go" and not domain.keeps_history and domain.num_actions <= MOST_POINTS + 1


def unfoldings(domain: Domain, roots: Sequence[Instance], config: UnfoldConfig) -> Iterator[Record]:
    """A record a root, and one a depth over all roots."""
    found = []
    for number, root in enumerate(roots):
        found.append(unfold_root(domain, root.state, config.depth or None, config.max_states))
        counts = {name: getattr(found[-1], name) for name in COUNTS}
        yield {"kind": "unfolding", "unit": f"root {number}", "root": root.name, "whole": found[-1].whole, **counts}
    depths = max(one.depth for one in found) if all(one.whole for one in found) else min(one.depth for one in found if not one.whole)
    rng = np.random.default_rng(config.seed)
    for depth in range(depths + 1):
        yield {"kind": "depth", "unit": f"depth {depth}", "depth": depth, "roots": len(found), "history": domain.keeps_history} | {
            "whole": all(one.whole for one in found), **summary(found, depth, rng)
        }  # fmt: skip


def summary(found: Sequence[Unfolding], depth: int, rng: np.random.Generator) -> Record:
    """Means over roots of what lies at a depth, and of tree nodes / distinct up to it, with intervals over roots."""
    means = {name: float(np.mean([at(getattr(one, name), depth) for one in found])) for name in COUNTS}
    factors = {}
    for name in ("fresh", "past", "moves"):
        distinct = [sum(getattr(one, name)[: depth + 1]) for one in found]
        if all(distinct):
            ratios = np.array([sum(one.lines[: depth + 1]) / count for one, count in zip(found, distinct, strict=True)])
            factors[f"factor_{name}"] = list(bootstrap(ratios, np.mean, rng))
    return {**means, **factors}


def at(counts: Sequence[int], depth: int) -> int:
    """What lies at a depth: nothing beyond the deepest."""
    return counts[depth] if depth < len(counts) else 0


def write(directory: Path, records: list[Record], header: Record) -> None:
    """unfold.jsonl, its first line the header, and a PNG a picture."""
    from astarzero.experiments.report import png
    from astarzero.experiments.unfold_figures import unfold_figures

    path = directory / "unfold.jsonl"
    path.unlink(missing_ok=True)
    with Shard(path, header) as shard:
        for record in records:
            shard.append(record)
    for figure in unfold_figures(records):
        (directory / f"{figure.name}.png").write_bytes(png(figure))
