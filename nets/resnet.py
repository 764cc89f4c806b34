"""A residual tower of convolutions over the planes of a board (He et al. 2016), with AlphaZero's heads (Silver et al. 2018, methods).

For games of two: value and q are expected returns for the player to move, within -1..1 by tanh; the prior's logits are over all
actions, the illegal ones included. Every convolution but none of the last layers is followed by batch normalisation. The same
trunk carries all three heads, as in mlp.py. Planes come as the domain's `encode` writes them, flat, in its `feature_shape`.

Read next: evaluator.py, which turns a net into what a search reads.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn, tanh
from torch.nn import functional

from astarzero.envs.domain import Domain
from astarzero.envs.evaluation import HEADS
from astarzero.nets.mlp import LIMITS, ResidualMLP, check_size

MOST_PLANES, MOST_SIDE = 1 << 10, 1 << 6
FILTERS = 2  # of the prior's and the q head's last convolution, as in AlphaZero


@dataclass(frozen=True)
class ResNetConfig:
    """Sizes of a `ResNet`. ValueError in one sentence when a size is not a whole number in range.

    feature_shape: (C, height, width), the planes that the domain's `encode` writes.
    num_actions: A.
    width: filters of every convolution in the tower.
    blocks: residual blocks of two convolutions each.
    """

    feature_shape: tuple[int, int, int]
    num_actions: int
    width: int = 64
    blocks: int = 4

    def __post_init__(self) -> None:
        shape = self.feature_shape
        if not isinstance(shape, (tuple, list)) or len(shape) != 3:
            raise ValueError(f"The net's feature_shape is {shape!r}, but it must be three numbers: planes, height, width.")
        object.__setattr__(self, "feature_shape", tuple(shape))  # a file has lists
        for name, size, most in zip(("planes", "height", "width"), shape, (MOST_PLANES, MOST_SIDE, MOST_SIDE), strict=True):
            check_size(f"feature_shape ({name})", size, 1, most)
        check_size("num_actions", self.num_actions, 1, LIMITS["num_actions"])
        check_size("width", self.width, 1, LIMITS["width"])
        check_size("blocks", self.blocks, 0, LIMITS["blocks"])

    @classmethod
    def for_domain(cls, domain: Domain, width: int, blocks: int, cost_scale: float = 1.0) -> "ResNetConfig":
        """The config of a net for `domain`, a game over a board; outcomes need no scale. ValueError for another world."""
        if len(domain.feature_shape) != 3 or domain.players != 2:
            raise ValueError(f"A resnet is for games over planes of a board, and {domain.name} is none; give the net mlp.")
        planes, height, columns = domain.feature_shape
        return cls((planes, height, columns), domain.num_actions, width, blocks)

    @property
    def num_features(self) -> int:
        """F, what the domain's `encode` writes."""
        return math.prod(self.feature_shape)

    @property
    def num_parameters(self) -> int:
        """Weights and biases of the net, counted without building it; every filter has two of its normalisation."""
        planes, height, columns = self.feature_shape
        cells, width = height * columns, self.width
        tower = (9 * planes + 2) * width + 2 * self.blocks * (9 * width + 2) * width
        by_action = (width + 2) * FILTERS + (FILTERS * cells + 1) * self.num_actions
        return tower + 2 * by_action + (width + 2) + (cells + 1) * width + width + 1


class ResNet(nn.Module):
    """features float32 [B, F] -> value [B], q [B, A] (returns, -1..1) and prior logits [B, A]."""

    config_type: ClassVar[type[ResNetConfig]] = ResNetConfig

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        planes, height, columns = config.feature_shape
        cells, width = height * columns, config.width
        self.first = normalised(planes, width, 3)
        self.blocks = nn.ModuleList(
            nn.Sequential(normalised(width, width, 3), nn.ReLU(), normalised(width, width, 3)) for _ in range(config.blocks)
        )
        self.prior = nn.Sequential(normalised(width, FILTERS, 1), nn.ReLU(), nn.Flatten(), nn.Linear(FILTERS * cells, config.num_actions))
        self.q = nn.Sequential(normalised(width, FILTERS, 1), nn.ReLU(), nn.Flatten(), nn.Linear(FILTERS * cells, config.num_actions))
        self.value = nn.Sequential(
            normalised(width, 1, 1), nn.ReLU(), nn.Flatten(), nn.Linear(cells, width), nn.ReLU(), nn.Linear(width, 1), nn.Flatten(0)
        )

    def forward(self, features: Tensor, heads: Iterable[str] = HEADS) -> dict[str, Tensor]:
        """The heads asked for, by name (of HEADS): value [B], q [B, A], prior [B, A] (logits, unnormalised, illegal actions included)."""
        hidden = functional.relu(self.first(features.view(-1, *self.config.feature_shape)))  # [B, width, height, columns]
        for block in self.blocks:
            hidden = functional.relu(hidden + block(hidden))
        outputs = {head: getattr(self, head)(hidden) for head in heads}
        return {head: output if head == "prior" else tanh(output) for head, output in outputs.items()}


def normalised(inputs: int, filters: int, size: int) -> nn.Sequential:
    """A convolution that keeps the board's size, and its batch normalisation, which makes a bias idle."""
    return nn.Sequential(nn.Conv2d(inputs, filters, size, padding=size // 2, bias=False), nn.BatchNorm2d(filters))


Net = ResidualMLP | ResNet
