"""A multilayer perceptron with residual blocks (He et al. 2016, identity mappings) and three heads: value, q, prior.

Every net carries all three heads, whichever it is trained on, so that V, Q and pi have the same trunk and the same number of
parameters by construction. Value and q are returns for the player to move, value = -cost_scale * softplus(raw) <= 0: the
heuristic h = -value is never negative, a dead end is a large finite cost (see ../training/labels.py), and the net never says inf.

Read next: evaluator.py, which turns a net into what a search reads.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from astarzero.envs.domain import Domain, value_of
from astarzero.envs.evaluation import HEADS

LIMITS = {"num_features": 1 << 20, "num_actions": 1 << 16, "width": 1 << 14, "blocks": 1 << 8}  # a garbled size must not fill the memory


class HasSizes(Protocol):
    """The config of any net."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def width(self) -> int: ...

    @property
    def num_parameters(self) -> int: ...


Sizes = TypeVar("Sizes", bound=HasSizes)
Built = TypeVar("Built", bound=nn.Module)


@dataclass(frozen=True)
class MLPConfig:
    """Sizes of a `ResidualMLP`. ValueError in one sentence when a size is not a whole number in range.

    num_features: F, what the domain's `encode` writes.
    num_actions: A.
    width: units of every hidden layer.
    blocks: residual blocks of two layers each; 0 leaves one hidden layer.
    cost_scale: unit of costs, > 0; the value and q heads and their losses work in it, so that raw outputs are of order one.
    """

    num_features: int
    num_actions: int
    width: int = 128
    blocks: int = 1
    cost_scale: float = 1.0

    def __post_init__(self) -> None:
        for name, most in LIMITS.items():
            check_size(name, getattr(self, name), 0 if name == "blocks" else 1, most)
        if isinstance(self.cost_scale, bool) or not isinstance(self.cost_scale, (int, float)) or not 0 < self.cost_scale < float("inf"):
            raise ValueError(f"The net's cost_scale is {self.cost_scale!r}, but it must be a finite number above 0.")

    @classmethod
    def for_domain(cls, domain: Domain, width: int, blocks: int, cost_scale: float = 1.0) -> "MLPConfig":
        """The config of a net for `domain`."""
        return cls(domain.num_features, domain.num_actions, width, blocks, cost_scale)

    @property
    def num_parameters(self) -> int:
        """Weights and biases of the net, counted without building it."""
        first = (self.num_features + 1) * self.width
        hidden = 2 * self.blocks * (self.width + 1) * self.width
        return first + hidden + (self.width + 1) * (1 + 2 * self.num_actions)


class ResidualMLP(nn.Module):
    """features float32 [B, F] -> value [B], q [B, A] (returns, <= 0) and prior logits [B, A]."""

    config_type: ClassVar[type[MLPConfig]] = MLPConfig

    def __init__(self, config: MLPConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.first = nn.Linear(config.num_features, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)) for _ in range(config.blocks)
        )
        self.value = nn.Linear(width, 1)
        self.q = nn.Linear(width, config.num_actions)
        self.prior = nn.Linear(width, config.num_actions)

    def forward(self, features: Tensor, heads: Iterable[str] = HEADS) -> dict[str, Tensor]:
        """The heads asked for, by name (of HEADS): value [B], q [B, A], prior [B, A] (logits, unnormalised, illegal actions included)."""
        hidden = functional.relu(self.first(features))  # [B, width]
        for block in self.blocks:
            hidden = functional.relu(hidden + block(hidden))
        outputs = {head: getattr(self, head)(hidden) for head in heads}
        for head in outputs.keys() & {"value", "q"}:
            outputs[head] = functional.softplus(outputs[head]) * value_of(self.config.cost_scale)
        if "value" in outputs:
            outputs["value"] = outputs["value"].squeeze(1)
        return outputs


def check_size(name: str, size: object, least: int, most: int) -> None:
    """ValueError in one sentence when a size is no whole number in range."""
    if isinstance(size, bool) or not isinstance(size, int) or not least <= size <= most:
        raise ValueError(f"The net's {name} is {size!r}, but it must be a whole number from {least} to {most}.")


def half(config: Sizes) -> Sizes:
    """The config with fewer units whose parameter count is as near half of `config`'s as can be, for the half-size-each control."""
    target = config.num_parameters / 2
    narrower = (replace(config, width=width) for width in range(1, config.width + 1))
    return min(narrower, key=lambda candidate: abs(candidate.num_parameters - target))


def count_parameters(net: nn.Module) -> int:
    """Weights and biases that a built net holds."""
    return sum(parameter.numel() for parameter in net.parameters())


def build_seeded(build: Callable[[Any], Built], config: object, seed: int) -> Built:
    """A net on the CPU whose first weights depend on `seed` alone; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(config)
