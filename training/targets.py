"""Losses and measures of the three heads, as pure functions of tensors.

value, q    mean squared error of returns: the net learns the mean cost-to-go, a dead end counting as `Labels.dead_cost`. Errors are
            measured in `Labels.cost_spread`, so that a loss of 1 is ignorance, as ln(number of actions) is for the prior: the
            sum of two heads' losses then lets neither drown the other (in units of the mean cost, V lost .05 of its regret to pi).
            A value may be taught to err on the side of A*'s bound instead: LOSSES has losses that dislike overestimates.
prior       cross-entropy over legal actions against the expert's distribution (behaviour cloning).
temperature one number that divides the prior's logits, fitted on validation states (Guo et al. 2017, "On calibration").
collapsed   does a head say the same everywhere? Then it was not beaten, it never learned (SCIENCE.md, section 3).
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from astarzero.envs.domain import cost_to_go

GOLDEN = (math.sqrt(5) - 1) / 2
SWEEPS = 50  # of two-way centring; it converges linearly
COLLAPSE_TOLERANCE = 1e-3  # of outputs of order one; a trained head varies by 0.1 and more


def masked_log_softmax(logits: Tensor, legal: Tensor) -> Tensor:
    """Log probabilities of legal actions [B, A]; 0 (not -inf) where illegal, so that target * log p is never NaN."""
    log_probabilities = torch.log_softmax(logits.masked_fill(~legal, -torch.inf), dim=1)
    return log_probabilities.masked_fill(~legal, 0.0)


def prior_loss(logits: Tensor, target: Tensor, legal: Tensor) -> Tensor:
    """Mean cross-entropy in nats of logits [B, A] against distributions `target` [B, A] over legal actions."""
    return -(target * masked_log_softmax(logits, legal)).sum(1).mean()


def q_loss(q: Tensor, target: Tensor, known: Tensor, spread: float) -> Tensor:
    """Mean squared error over the labelled entries of q [B, A], in units of spread^2."""
    error = (q - target).masked_fill(~known, 0.0) / spread
    return error.square().sum() / known.sum()


def squared(over: Tensor, level: float) -> Tensor:
    """over^2: least at the mean. `level` is not read."""
    return over.square()


def quantile(over: Tensor, level: float) -> Tensor:
    """The pinball loss (Koenker & Bassett 1978): least at the `level` quantile of the cost, so that h > h* in a share `level` of cases."""
    return torch.where(over > 0, (1 - level) * over, -level * over)


def asymmetric(over: Tensor, level: float) -> Tensor:
    """Squares that count (1 - level) above the truth and `level` below it (Newey & Powell 1987): least at an expectile."""
    return torch.where(over > 0, 1 - level, level) * over.square()


LOSSES: Mapping[str, Callable[[Tensor, float], Tensor]] = {"squared": squared, "quantile": quantile, "asymmetric": asymmetric}


def value_loss(value: Tensor, target: Tensor, spread: float, loss: str = "squared", level: float = 0.5) -> Tensor:
    """Mean over values [B] of LOSSES[loss] of the overestimates h - h*, in units of `spread`; `level` in (0, 1) is what it aims at."""
    return LOSSES[loss]((cost_to_go(value) - cost_to_go(target)) / spread, level).mean()


def calibrate_temperature(logits: Tensor, target: Tensor, legal: Tensor, lowest: float = 0.05, highest: float = 20.0) -> float:
    """The temperature in [lowest, highest] whose logits / temperature have the least `prior_loss`: golden section over its logarithm.

    The loss is convex in 1 / temperature, hence has one minimum in the logarithm too.
    """
    def loss(log_temperature: float) -> float:
        return float(prior_loss(logits / math.exp(log_temperature), target, legal))

    low, high = math.log(lowest), math.log(highest)
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > 1e-3:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = loss(right)
    return math.exp((low + high) / 2)


def collapsed(outputs: Tensor, legal: Tensor | None = None) -> bool:
    """Does a head say the same of every state? `outputs` are of order one: values [B] in cost_scale, or q or logits [B, A] with `legal`.

    For q and prior a state's own offset does not count, since it decides nothing between actions: they are collapsed when
    outputs[s, a] = offset[s] + preference[a] on all legal entries. States are compared, so one state alone is never collapsed.
    """
    if len(outputs) < 2:
        return False
    outputs = outputs.double()
    if legal is None:
        return float(outputs.std()) < COLLAPSE_TOLERANCE
    weights = legal.double()
    left = outputs * weights
    for _ in range(SWEEPS):  # first over states, so that a constant row of logits is gone at once whatever is legal
        left = (left - left.sum(0, keepdim=True) / weights.sum(0, keepdim=True).clamp(min=1)) * weights
        left = (left - left.sum(1, keepdim=True) / weights.sum(1, keepdim=True).clamp(min=1)) * weights
    return float((left.square().sum() / weights.sum()).sqrt()) < COLLAPSE_TOLERANCE
