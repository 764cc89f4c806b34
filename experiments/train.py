"""`astarzero train`: a net by imitation of exact answers, kept as a checkpoint that `solve` can use.

Where the answers come from is a line of LEARNERS: the exact table of a contest world, or optimal paths through a world too large
for a table. Other learners (value iteration, Q-learning, self-play) come with later issues and will be lines too.
"""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from astarzero.envs import Domain, make
from astarzero.envs.oracles import exact_table
from astarzero.experiments.arenas import QUICK, arena_of
from astarzero.experiments.solve import make_domain
from astarzero.experiments.trials import split_problems
from astarzero.search import from_heuristic

LEARNERS = {  # name -> a line for lists
    "imitation": "exact labels of a world that can be enumerated",
    "optimal-paths": "labels from paths that IDA* finds with an admissible heuristic, for worlds too large for a table",
}

VALIDATION = 1_000_003  # added to the seed that draws validation roots


def train(
    world: str,
    *,
    learner: str = "imitation",
    size: str | None = None,
    goal: str | None = None,
    heuristic: str | None = None,
    baseline: str | None = None,
    heads: tuple[str, ...] = ("value",),
    labels: str = "full",
    states: int = 8000,
    steps: int = 600,
    batch: int = 128,
    learning_rate: float = 6e-3,
    patience: int = 6,
    width: int = 128,
    blocks: int = 1,
    value_loss: str = "squared",
    value_level: float = 0.05,
    seed: int = 0,
    device: str = "auto",
    out: Path = Path("results/nets"),
) -> int:
    """Train a net on exact labels and write OUT/WORLD-HEADS-[LOSS-]seed.safetensors.

    Parameters
    ----------
    world
        imitation: a contest world from `astarzero list`, or your own as file.py or package.module; optimal-paths: any world.
    learner
        imitation (labels from a contest world's exact table) or optimal-paths (labels from IDA*, one world and size).
    size
        optimal-paths: the board, as in solve.
    goal
        optimal-paths, tiles: blank-first or blank-last.
    heuristic
        optimal-paths: the admissible heuristic of IDA*; default: pdb where there is one, else the world's first.
    baseline
        optimal-paths: an admissible heuristic to which the net's value is added; it learns only what that one leaves out.
    heads
        Heads to train: value, q, prior; may be repeated.
    labels
        imitation: full (all an oracle knows of a state) or matched (one label a state and head).
    states
        Labelled states.
    steps
        Optimiser steps at most.
    batch
        Labels a step and head.
    learning_rate
        Of the optimiser, at its highest.
    patience
        Looks at the validation loss without improvement, after which training stops.
    width
        Hidden units.
    blocks
        Residual blocks.
    value_loss
        Of the value head: squared, quantile or asymmetric; the last two make overestimates rare.
    value_level
        The share of overestimates that such a loss aims at.
    seed
        Of the split, the labels, the first weights and the batches.
    device
        auto, cpu or cuda.
    out
        Folder for the checkpoint.
    """
    from astarzero.nets.checkpoint import save
    from astarzero.training.imitation import ImitationConfig, imitate

    if learner not in LEARNERS:
        raise ValueError(f"Learner '{learner}' is not known; learners: {', '.join(LEARNERS)}.")
    if learner == "imitation" and any((size, goal, heuristic, baseline)):
        raise ValueError("Options size, goal, heuristic and baseline are for --learner optimal-paths; a contest world has its own.")
    if baseline and heads != ("value",):
        raise ValueError(f"With --baseline {baseline} only the value head can be trained, not {', '.join(heads)}; leave one out.")
    config = ImitationConfig(
        heads=heads, width=width, blocks=blocks, value_loss=value_loss, value_level=value_level, steps=steps, batch_size=batch,
        learning_rate=learning_rate, patience=patience, check_every=max(25, steps // 100), seed=seed, device=device,
    )  # fmt: skip
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"), TimeRemainingColumn())
    if learner == "imitation":
        label = table_labels(world, labels, states, seed)
    else:
        label = labels_of_paths(make_domain(world, size=size, goal=goal), heuristic, baseline, states, seed)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("labels", total=states, words="")
        name, domain, learned, held_out = label(lambda done: progress.update(bar, completed=done))
        task = progress.add_task(f"{name}: {' + '.join(config.heads)}", total=steps, words="")
        trained = imitate(
            domain, learned, held_out, config, lambda step, _, loss: progress.update(task, completed=step, words=f"loss {loss:.4f}")
        )  # fmt: skip
    loss_name = "" if value_loss == "squared" else f"-{value_loss}"
    path = out / f"{name}-{'-'.join(config.heads)}{loss_name}-seed{seed}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    command = shlex.join(["astarzero", *sys.argv[1:]])
    about: dict[str, Any] = {"temperature": trained.temperature, "seed": seed, "command": command, "metrics": trained.metrics}
    save(path, trained.net, domain, heads=config.heads, baseline=baseline or "", **about)
    losses = ", ".join(f"{head} {loss:.4f}" for head, loss in trained.metrics["validation_loss"].items())
    console.print(f"{path}: {trained.metrics['parameters']:,} parameters, {trained.metrics['steps']} steps, validation loss {losses}.")
    return 0


Labeller = Callable[[Callable[[int], None]], tuple[str, Domain, Any, Any]]  # progress -> a name, the domain, training and validation labels


def table_labels(world: str, regime: str, states: int, seed: int) -> Labeller:
    """From the exact table of a contest world; no root is in both sets. Bad input is refused here, before any work."""
    from astarzero.training.labels import LABELS, sample_states

    if regime not in LABELS:
        raise ValueError(f"Labels '{regime}' are not known; labels: {', '.join(LABELS)}.")
    arena = arena_of(world)
    if make(arena.world, **arena.options).players != 1:
        raise ValueError(f"World '{world}' is a game of two, for which the contest alone trains nets yet; give a puzzle.")

    def label(progress: Callable[[int], None]) -> tuple[str, Domain, Any, Any]:
        domain = make(arena.world, **arena.options)
        table = exact_table(domain, domain.instance_sets[arena.instances]())
        split = split_problems(table, domain.instance_sets[arena.instances](), QUICK, seed)
        rng = np.random.default_rng((seed, states))
        learned = LABELS[regime](table, sample_states(table, split.train, states, rng), rng)
        held_out = LABELS[regime](table, sample_states(table, split.validation, max(200, states // 8), rng), rng, learned.dead_cost)
        progress(states)
        return arena.name, domain, learned, held_out

    return label


def labels_of_paths(domain: Domain, heuristic: str | None, baseline: str | None, states: int, seed: int) -> Labeller:
    """From optimal paths through any world; the roots of the two sets are drawn apart. Bad input is refused here, before any work."""
    from astarzero.training.optimal_paths import path_labels, sample_paths

    for name in (heuristic, baseline):
        if name is not None and name not in domain.heuristics:
            raise ValueError(f"{domain.name} has no heuristic '{name}'; choose one of {', '.join(domain.heuristics)}.")

    def label(progress: Callable[[int], None]) -> tuple[str, Domain, Any, Any]:
        judge = from_heuristic(domain, heuristic or ("pdb" if "pdb" in domain.heuristics else None))
        under = from_heuristic(domain, baseline) if baseline else None
        learned = path_labels(domain, sample_paths(domain, judge, states=states, seed=seed, progress=progress), under)
        held_out = sample_paths(domain, judge, states=max(200, min(states // 8, 20_000)), seed=seed + VALIDATION)
        return domain.name, domain, learned, path_labels(domain, held_out, under, learned.dead_cost)

    return label
