"""The contest: regimes x worlds x labels x sizes x budgets x seeds under one accounting. The main job of this project.

One *unit* is a world and a training seed. It splits the world's problems by root, labels states with the exact oracle, trains
the nets of regimes.py, writes their answers for all states into tables, and runs every trial on the validation problems and
the chosen ones on the test problems. Units run in parallel processes, each appending to its own shard; whatever is in a shard
is not run again, so the same command continues a killed contest.

Read next: regimes.py (what is compared), trials.py (how), verdicts.py (rows -> cells), cost_model.py (the seconds axis).
"""

import dataclasses
import datetime
import os
import shlex
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import joblib
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from astarzero.envs import make
from astarzero.envs.evaluation import Evaluation
from astarzero.envs.oracles import ExactTable
from astarzero.experiments.arenas import BOARDS, FULL, QUICK, Arena, ContestConfig, arena_of
from astarzero.experiments.game_trials import GAMES
from astarzero.experiments.regimes import NETS, TABLES, WITHOUT_NET
from astarzero.experiments.results import Shard, key
from astarzero.experiments.rounds import run_rounds
from astarzero.experiments.trials import PUZZLES, Judge, Kind, Split, run_trials
from astarzero.training.labels import Labels

# --- a unit ------------------------------------------------------------------------------------------------------------------

KINDS = {1: PUZZLES, 2: GAMES}  # by the number of players


def train_judges(
    kind: Kind, solved: Any, split: Split, arena: Arena, labels: str, size: int, seed: int, config: ContestConfig
) -> tuple[dict[str, Judge], dict[str, Evaluation], Labels]:
    """Train every net of NETS and tabulate it: judges by name, the single-head nets' tables by head, and what they were taught."""
    from astarzero.nets.evaluator import net_evaluator
    from astarzero.training.imitation import ImitationConfig, imitate
    from astarzero.training.tabulate import tabulate_table

    domain, rng = solved.domain, np.random.default_rng((seed, size))
    train = kind.label(solved, split.train, labels, size, rng, None)
    validation = kind.label(solved, split.validation, labels, max(200, size // 8), rng, train.dead_cost)
    judges: dict[str, Judge] = {}
    by_head: dict[str, Evaluation] = {}
    for name, parts in NETS.items():
        answers = Evaluation()
        for heads in parts:
            settings = ImitationConfig(
                heads=heads,
                net=arena.net,
                width=arena.width or config.width,
                blocks=config.blocks,
                half_size=len(parts) > 1,
                steps=config.steps,
                seed=seed,
                device=config.device,
            )
            trained = imitate(domain, train, validation, settings)
            given = tabulate_table(net_evaluator(trained.net, domain, heads, trained.temperature, config.device), kind.view(solved))
            answers = Evaluation(*(new if new is not None else old for new, old in zip(given, answers, strict=True)))
        judges[name] = kind.judge(solved, answers, name)
        if len(parts) == 1 and len(parts[0]) == 1:
            by_head[parts[0][0]] = answers
    return judges, by_head, train


def run_unit(name: str, seed: int, config: ContestConfig, directory: Path, command: str) -> None:
    """One world and seed from beginning to end, into its shard."""
    if name in BOARDS:
        run_rounds(BOARDS[name], seed, directory, header_of(command, seed, {"board": dataclasses.asdict(BOARDS[name])}))
        return
    arena = arena_of(name)
    domain = make(arena.world, **arena.options)
    header = header_of(command, seed, {**dataclasses.asdict(config), "grid": {arena.name: arena.grid}})
    with Shard(directory / f"{arena.name}-seed{seed}.jsonl", header) as shard:
        if key({"kind": "done", "world": arena.name, "seed": seed, "unit": "all"}) in shard.done:
            return
        kind = KINDS[domain.players]
        solved = kind.solve(domain, arena)
        split = kind.split(solved, arena, config, seed)
        place = {"world": arena.name, "seed": seed}
        model = shard.find({"kind": "cost_model", **place})
        if model is None:
            model = {"kind": "cost_model", **place, **measure_model(kind.view(solved), split, arena, config, seed)}
            shard.append(model)
        held: dict[str, Any] = {"regimes": TABLES[domain.players], "run": kind.run}
        run_trials(solved, split, kind.untrained(solved), arena, shard, model, labels="exact", size=0, seed=seed, **held)
        for labels in config.labels:
            for size in config.sizes:
                unit = {"kind": "done", **place, "labels": labels, "size": size, "unit": "cell"}
                if key(unit) in shard.done:
                    continue
                judges, by_head, taught = train_judges(kind, solved, split, arena, labels, size, seed, config)
                for record in kind.choices(solved, split, by_head, judges, taught, labels=labels, size=size, **place):
                    if key(record) not in shard.done:
                        shard.append(record)
                run_trials(solved, split, judges, arena, shard, model, labels=labels, size=size, seed=seed, **held)
                shard.append(unit)
        shard.append({"kind": "done", **place, "unit": "all"})


def measure_model(table: ExactTable, split: Split, arena: Arena, config: ContestConfig, seed: int) -> dict[str, Any]:
    """The cost model of this machine, with an untrained net of the arena's size and a temperature: a call takes as long untrained."""
    from astarzero.experiments.cost_model import measure, measure_rollout
    from astarzero.nets import NETS as BUILDERS
    from astarzero.nets.evaluator import net_evaluator
    from astarzero.nets.mlp import build_seeded

    domain, build = table.domain, cast(Any, BUILDERS[arena.net])
    scale = float(np.abs(table.cost_to_go[split.train]).mean())
    sizes = build.config_type.for_domain(domain, arena.width or config.width, config.blocks, scale)
    net = net_evaluator(build_seeded(build, sizes, seed), domain, ("value", "prior"), temperature=2.0, device=config.device)
    problems = table.states[split.validation[:16]]
    rollouts = {"rollout": measure_rollout(domain, table.states[split.train])} if domain.players == 2 else {}
    return {**measure(domain, net, problems), **rollouts}


def header_of(command: str, seed: int, config: Mapping[str, Any]) -> dict[str, Any]:
    """The first line of a file of results."""
    from astarzero.nets.checkpoint import revision

    return {
        "command": command, "revision": revision(), "versions": versions(), "seed": seed, "date": datetime.date.today().isoformat(),
        "config": json_ready(config),
    }  # fmt: skip


def versions() -> dict[str, str]:
    """The libraries that results may depend on."""
    return {"python": sys.version.split()[0], **{name: metadata.version(name) for name in ("numpy", "numba", "torch")}}


def json_ready(thing: Any) -> Any:
    """Tuples as lists, so that what is written equals what is read back."""
    if isinstance(thing, Mapping):
        return {name: json_ready(value) for name, value in thing.items()}
    return [json_ready(item) for item in thing] if isinstance(thing, Sequence) and not isinstance(thing, str) else thing


def records_expected(config: ContestConfig) -> int:
    """About how many lines all shards will have: for the progress bar."""
    total = 0
    for name in config.worlds:
        if name in BOARDS:
            total += config.seeds * len(BOARDS[name].budgets) * len(BOARDS[name].pairs)
            continue
        regimes, cells = TABLES[make(arena_of(name).world, **arena_of(name).options).players], len(config.labels) * len(config.sizes)
        tried = sum(len(regime.knobs) for regime in regimes if regime.net not in WITHOUT_NET)
        fixed = sum(2 * len(regime.knobs) for regime in regimes if regime.net in WITHOUT_NET)
        arms = sum(regime.net not in WITHOUT_NET for regime in regimes)
        total += config.seeds * (3 + fixed + cells * (tried + arms * 3 // 2 + 4))
    return total


def default_jobs() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# --- the command -----------------------------------------------------------------------------------------------------------


def contest(
    *,
    quick: bool = False,
    full: bool = False,
    worlds: tuple[str, ...] = (),
    seeds: int | None = None,
    labels: tuple[str, ...] = (),
    sizes: tuple[int, ...] = (),
    steps: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    device: str = "cpu",
    jobs: int | None = None,
    out: Path | None = None,
) -> int:
    """Run a contest, or continue one, and draw its pages. --quick (the default) takes minutes, --full hours.

    Results go to --out as shards; killed and started again with the same options it goes on where it stopped.

    Parameters
    ----------
    quick
        The 8-puzzle, 24 and Go on 3x3, three seeds.
    full
        Five worlds, five seeds, three sizes.
    worlds
        Worlds of the contest (see `astarzero list`), go-5x5 (matches without nets), or your own as file.py or package.module.
    seeds
        Training seeds.
    labels
        full, matched or both.
    sizes
        Labelled states.
    steps
        Optimiser steps a net at most.
    validation
        Validation problems at most.
    test
        Test problems at most.
    device
        auto, cpu or cuda, for the nets.
    jobs
        Parallel processes; default: one a core.
    out
        Folder of results; default: results/quick or results/full.
    """
    if quick and full:
        raise ValueError("Give --quick or --full, not both.")
    given = {"worlds": worlds, "seeds": seeds, "labels": labels, "sizes": sizes, "steps": steps, "validation": validation, "test": test}
    changes: dict[str, Any] = {name: tuple(value) if isinstance(value, Sequence) else value for name, value in given.items() if value}
    config = dataclasses.replace(FULL if full else QUICK, device=device, **changes)
    for name in set(config.worlds) - set(BOARDS):
        arena_of(name)  # bad names are refused before any work
    directory = out or Path("results") / ("full" if full else "quick")
    console = Console(stderr=True)
    if not run_units(config, directory, jobs or default_jobs(), console):
        console.print("Stopped. The same command goes on where this one ended.")
        return 1
    from astarzero.experiments.report import report

    page = report(directory, wide_console())
    console.print(f"Pages and pictures: {page} and {page.parent / 'figures'}")
    return 0


def run_units(config: ContestConfig, directory: Path, jobs: int, console: Console) -> bool:
    """All units in parallel processes, under a progress bar with the time left. False when interrupted."""
    units = [(name, seed) for seed in range(config.seeds) for name in config.worlds]
    command = shlex.join(["astarzero", *sys.argv[1:]])
    columns = (
        TextColumn("contest"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    finished = threading.Event()
    with Progress(*columns, console=console, refresh_per_second=2, speed_estimate_period=120) as progress:
        task = progress.add_task("contest", total=records_expected(config))
        watcher = threading.Thread(target=watch, args=(directory, progress, task, finished), daemon=True)
        watcher.start()
        try:
            with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
                joblib.Parallel(n_jobs=min(jobs, len(units)), batch_size=1)(
                    joblib.delayed(run_unit)(name, seed, config, directory, command) for name, seed in units
                )
            progress.update(task, completed=progress.tasks[0].total)
        except KeyboardInterrupt:
            joblib.externals.loky.get_reusable_executor().shutdown(wait=False, kill_workers=True)
            return False
        finally:
            finished.set()
            watcher.join()
    return True


def watch(directory: Path, progress: Progress, task: Any, finished: threading.Event) -> None:
    """Count the lines of all shards into the progress bar, twice a second."""
    while not finished.wait(0.5):
        lines = sum(path.read_bytes().count(b"\n") for path in directory.glob("*.jsonl"))
        progress.update(task, completed=min(lines, 0.99 * (progress.tasks[0].total or 1)))


def wide_console() -> Console:
    """Standard output, 130 columns wide where it is no terminal, so that the tables keep their shape in a file."""
    console = Console()
    return console if console.is_terminal else Console(width=130)


def draw(directory: Path) -> int:
    """Draw the tables and pages of a contest's results anew.

    Parameters
    ----------
    directory
        Folder of results, as --out of `astarzero contest` named it.
    """
    from astarzero.experiments.report import report

    print(report(directory, wide_console()))
    return 0
