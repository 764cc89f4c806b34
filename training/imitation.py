"""Imitation: one net learns some heads from an oracle's labels, by the same rule whichever heads they are.

A step draws `batch_size` rows for each head and takes one AdamW step (Loshchilov & Hutter 2019) on the sum of the heads'
losses. A row is one net input with its targets: a state with all its labels for pi and Q, one judged state for V; so every head
spends the same forward passes. A look every `check_every` steps keeps the weights with the best validation loss and stops when they
no longer improve. A prior is looked at as it will be used, at its best temperature: by the raw loss, overconfidence stops it
long before its choices are at their best (8-puzzle, 2,000 labels: .53 instead of .70 of the choice regret removed).
Afterwards the temperature is fitted once more on the validation states and every head is checked for collapse.

On the CPU with one thread the same arguments give the same bits. Threads are the caller's business (torch.set_num_threads).
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from astarzero.envs.domain import Domain
from astarzero.nets import NETS
from astarzero.nets.evaluator import check_heads, resolve_device
from astarzero.nets.mlp import build_seeded, half
from astarzero.nets.resnet import Net
from astarzero.training.labels import Labels
from astarzero.training.targets import LOSSES, calibrate_temperature, collapsed, prior_loss, q_loss, value_loss


@dataclass(frozen=True)
class ImitationConfig:
    """How a net is trained. ValueError in one sentence when a field is out of range.

    heads: which of value, q, prior are trained; the losses of several are summed.
    net: name in NETS.
    width: hidden units.
    blocks: residual blocks.
    value_loss: name in targets.LOSSES, of the value head.
    value_level: share of overestimates that "quantile" and "asymmetric" aim at (the second only roughly).
    half_size: build the net with about half the parameters (nets.mlp.half), for the half-size-each control.
    steps: optimiser steps at most.
    batch_size: rows a step and head.
    learning_rate: of AdamW, at its highest.
    schedule: "cosine" (warm-up, then down to 0 at `steps`) or "constant".
    weight_decay: of AdamW.
    check_every: steps between two looks at the validation loss.
    patience: looks without improvement after which training stops.
    validation_rows: most rows a head that one look uses (a fixed random choice).
    seed: of first weights and batches.
    device: auto, cpu or cuda.
    """

    heads: tuple[str, ...] = ("value",)
    net: str = "mlp"
    width: int = 128
    blocks: int = 1
    value_loss: str = "squared"
    value_level: float = 0.05
    half_size: bool = False
    steps: int = 600
    batch_size: int = 128
    learning_rate: float = 6e-3
    schedule: str = "cosine"
    weight_decay: float = 1e-2
    check_every: int = 25
    patience: int = 6
    validation_rows: int = 1024
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        object.__setattr__(self, "heads", check_heads(self.heads))
        if self.net not in NETS:
            raise ValueError(f"Net '{self.net}' is not known: give one of {', '.join(NETS)}.")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"Schedule '{self.schedule}' is not known: give one of {', '.join(SCHEDULES)}.")
        if self.value_loss not in LOSSES:
            raise ValueError(f"Value loss '{self.value_loss}' is not known: give one of {', '.join(LOSSES)}.")
        if not 0 < self.value_level < 1:
            raise ValueError(f"value_level is {self.value_level}, but a share of overestimates must lie between 0 and 1.")
        for name in ("steps", "batch_size", "learning_rate", "check_every", "patience", "validation_rows"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}, but it must be a finite number above 0.")


SCHEDULES: dict[str, Callable[[float], float]] = {  # share of the steps done -> share of the learning rate
    "cosine": lambda done: min(1.0, 20 * done + 0.05) * 0.5 * (1 + math.cos(math.pi * done)),
    "constant": lambda done: 1.0,
}


@dataclass(frozen=True)
class Trained:
    """A trained net and how it came about."""

    net: Net  # on the CPU, the weights of the best look
    temperature: float  # divides the prior's logits; 1 when the prior was not trained
    metrics: dict[str, Any]  # numbers and words, ready for JSON
    history: list[dict[str, float]]  # one row a look: step, train_loss (mean since the last look), validation_loss
    config: ImitationConfig


@dataclass(frozen=True)
class Rows:
    """One head's net inputs and targets."""

    head: str
    distinct: Tensor  # float32 [D, F], the features of the distinct states among the rows
    which: Tensor  # int64 [R], the row of `distinct` that a row is
    target: Tensor  # float32 [R] for value, [R, A] for q and prior
    known: Tensor  # bool, shaped as target: the labelled entries
    legal: Tensor  # bool [R, A]; for value as `known`
    spread: float  # unit of errors of value and q
    value_loss: str  # in LOSSES
    value_level: float

    def output(self, net: Net, picked: Tensor) -> Tensor:
        """The head's outputs on the picked rows (numbers int64 [B])."""
        return net(self.distinct[self.which[picked]], (self.head,))[self.head]

    def loss(self, output: Tensor, picked: Tensor) -> Tensor:
        """The head's loss, given its outputs on the picked rows."""
        target = self.target[picked]
        match self.head:
            case "value":
                return value_loss(output, target, self.spread, self.value_loss, self.value_level)
            case "q":
                return q_loss(output, target, self.known[picked], self.spread)
            case _:
                return prior_loss(output, target, self.legal[picked])


def encode_rows(domain: Domain, labels: Labels, head: str, spread: float, config: ImitationConfig, device: torch.device) -> Rows:
    """A head's rows of a label set; ValueError when there are none.

    Each distinct state is encoded once: the 112,000 afterstates of 8,000 states of 24 are 15,000 distinct ones.
    """
    everything = np.ones(len(labels.value), np.bool_)
    states, target, known, legal = {
        "value": (labels.value_states, labels.value, everything, everything),
        "q": (labels.states, labels.q, labels.q_known, labels.legal),
        "prior": (labels.states, labels.prior, labels.legal, labels.legal),
    }[head]
    if not len(states):
        raise ValueError(f"The {labels.regime} label set of {domain.name} has no rows for the {head} head; label more states.")
    whole_rows = np.ascontiguousarray(states).view(np.dtype((np.void, states.dtype.itemsize * states.shape[1])))[:, 0]
    _, first, which = np.unique(whole_rows, return_index=True, return_inverse=True)
    arrays = (domain.features(states[first]), which, target, known, legal)
    distinct, number, *others = (torch.from_numpy(array).to(device) for array in arrays)
    return Rows(head, distinct, number, others[0], others[1], others[2], spread, config.value_loss, config.value_level)


def imitate(
    domain: Domain,
    labels_train: Labels,
    labels_validation: Labels,
    config: ImitationConfig,
    progress: Callable[[int, int, float], None] | None = None,
) -> Trained:
    """Train a new net on `labels_train`; `progress(step, steps, validation_loss)` is called at every look.

    ArithmeticError in one sentence when the loss is no longer finite; ValueError when a label set is empty.
    """
    device, started = resolve_device(config.device), time.perf_counter()
    build: Any = NETS[config.net]
    scale, spread = labels_train.cost_scale, labels_train.cost_spread
    sizes = build.config_type.for_domain(domain, config.width, config.blocks, scale)
    net: Net = build_seeded(build, half(sizes) if config.half_size else sizes, config.seed).to(device)
    rng = np.random.default_rng(config.seed)
    train = [encode_rows(domain, labels_train, head, spread, config, device) for head in config.heads]
    validation = [encode_rows(domain, labels_validation, head, spread, config, device) for head in config.heads]
    looked_at = [torch.from_numpy(rng.permutation(len(rows.target))[: config.validation_rows]).to(device) for rows in validation]
    history, best_weights = fit(net, train, validation, looked_at, config, rng, progress)
    net.load_state_dict(best_weights)

    losses, temperature, constant = {}, 1.0, {}
    for rows, picked in zip(validation, looked_at, strict=True):
        output, losses[rows.head], fitted = validate(net, rows, picked)
        if rows.head == "prior":
            temperature, constant["prior"] = fitted, collapsed(output, rows.legal[picked])
        else:
            constant[rows.head] = collapsed(output / scale, rows.legal[picked] if rows.head == "q" else None)
    steps = int(history[-1]["step"])
    metrics = {
        "parameters": net.config.num_parameters,
        "steps": steps,
        "best_step": int(min(history, key=lambda look: look["validation_loss"])["step"]),
        "validation_loss": losses,
        "collapsed": constant,
        "labels": {head: labels_train.num_labels[head] for head in config.heads},
        "regime": labels_train.regime,
        "dead_cost": labels_train.dead_cost,
        "cost_scale": scale,
        "cost_spread": spread,
        "forward_equivalents": len(history) * sum(map(len, looked_at)) + 3 * steps * config.batch_size * len(config.heads),
        "seconds": time.perf_counter() - started,
    }
    return Trained(net.cpu().eval(), temperature, metrics, history, config)


def validate(net: Net, rows: Rows, picked: Tensor) -> tuple[Tensor, float, float]:
    """(the head's outputs on the picked rows, its loss there at its best temperature, that temperature)."""
    with torch.inference_mode():
        output = rows.output(net, picked)
        temperature = calibrate_temperature(output, rows.target[picked], rows.legal[picked]) if rows.head == "prior" else 1.0
        return output, float(rows.loss(output / temperature, picked)), temperature


def fit(
    net: Net,
    train: list[Rows],
    validation: list[Rows],
    looked_at: list[Tensor],
    config: ImitationConfig,
    rng: np.random.Generator,
    progress: Callable[[int, int, float], None] | None,
) -> tuple[list[dict[str, float]], dict[str, Tensor]]:
    """The loop: (history, best weights). Every head draws its own batches; the same stopping rule for all."""
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
    share = SCHEDULES[config.schedule]
    batches = [draw_batches(len(rows.target), config.batch_size, rng) for rows in train]
    history, best_loss, best_weights, stale = [], math.inf, copy.deepcopy(net.state_dict()), 0
    recent: list[Tensor] = []
    for step in range(1, config.steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * share((step - 1) / config.steps)
        losses = []
        for rows, batch in zip(train, batches, strict=True):
            picked = torch.from_numpy(next(batch)).to(rows.target.device)
            losses.append(rows.loss(rows.output(net, picked), picked))
        loss = torch.stack(losses).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        recent.append(loss.detach())
        if step % config.check_every and step != config.steps:
            continue
        now = sum(validate(net, rows, picked)[1] for rows, picked in zip(validation, looked_at, strict=True))
        if not math.isfinite(now):
            rate = config.learning_rate
            raise ArithmeticError(f"Training diverged at step {step}: the validation loss is {now}; give a learning_rate below {rate}.")
        history.append({"step": step, "train_loss": float(torch.stack(recent).mean()), "validation_loss": now})
        recent.clear()
        if progress is not None:
            progress(step, config.steps, now)
        stale += 1
        if now < best_loss:
            best_loss, best_weights, stale = now, copy.deepcopy(net.state_dict()), 0
        if stale >= config.patience:
            break
    return history, best_weights


def draw_batches(rows: int, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Batches of row numbers, int64 [batch_size], without end: one random order of all rows after another."""
    queue = np.empty(0, np.int64)
    while True:
        while len(queue) < batch_size:
            queue = np.concatenate([queue, rng.permutation(rows)])
        yield queue[:batch_size]
        queue = queue[batch_size:]
