"""`astarzero train`: a net for a contest world by imitation of its exact oracle, kept as a checkpoint that `solve` can use.

Other learners (value iteration, Q-learning, self-play) come with later issues and will be lines of LEARNERS.
"""

import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from astarzero.envs import make
from astarzero.envs.oracles import exact_table
from astarzero.experiments.arenas import QUICK, arena_of
from astarzero.experiments.trials import split_problems

LEARNERS = ("imitation",)


def train(
    world: str,
    *,
    learner: str = "imitation",
    heads: tuple[str, ...] = ("value",),
    labels: str = "full",
    states: int = 8000,
    steps: int = 600,
    width: int = 128,
    value_loss: str = "squared",
    value_level: float = 0.05,
    seed: int = 0,
    device: str = "auto",
    out: Path = Path("results/nets"),
) -> int:
    """Train a net on exact labels of a contest world and write OUT/WORLD-HEADS-[LOSS-]seed.safetensors.

    Parameters
    ----------
    world
        A contest world from `astarzero list`, or your own as file.py or package.module.
    learner
        imitation: labels from the world's exact oracle.
    heads
        Heads to train: value, q, prior; may be repeated.
    labels
        full (all an oracle knows of a state) or matched (one label a state and head).
    states
        Labelled states.
    steps
        Optimiser steps at most.
    width
        Hidden units.
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
    from astarzero.training.labels import LABELS, sample_states

    if learner not in LEARNERS or labels not in LABELS:
        known = f"learners: {', '.join(LEARNERS)}; labels: {', '.join(LABELS)}"
        raise ValueError(f"Learner '{learner}' with labels '{labels}' is not known; {known}.")
    config = ImitationConfig(
        heads=heads, width=width, value_loss=value_loss, value_level=value_level, steps=steps, seed=seed, device=device
    )  # fmt: skip
    arena, console = arena_of(world), Console(stderr=True)
    domain = make(arena.world, **arena.options)
    table = exact_table(domain, domain.instance_sets[arena.instances]())
    split = split_problems(table, domain.instance_sets[arena.instances](), QUICK, seed)
    rng = np.random.default_rng((seed, states))
    learned = LABELS[labels](table, sample_states(table, split.train, states, rng), rng)
    held_out = LABELS[labels](table, sample_states(table, split.validation, max(200, states // 8), rng), rng, learned.dead_cost)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("loss {task.fields[loss]:.4f}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"{arena.name}: {' + '.join(config.heads)}", total=steps, loss=float("nan"))
        trained = imitate(domain, learned, held_out, config, lambda step, _, loss: progress.update(task, completed=step, loss=loss))
    loss_name = "" if value_loss == "squared" else f"-{value_loss}"
    path = out / f"{arena.name}-{'-'.join(config.heads)}{loss_name}-seed{seed}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    command = shlex.join(["astarzero", *sys.argv[1:]])
    about: dict[str, Any] = {"temperature": trained.temperature, "seed": seed, "command": command, "metrics": trained.metrics}
    save(path, trained.net, domain, heads=config.heads, **about)
    losses = ", ".join(f"{head} {loss:.4f}" for head, loss in trained.metrics["validation_loss"].items())
    console.print(f"{path}: {trained.metrics['parameters']:,} parameters, {trained.metrics['steps']} steps, validation loss {losses}.")
    return 0
