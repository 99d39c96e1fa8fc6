"""Random numbers of a generator of one's own, so that neither torch's global one nor another fit's is drawn from."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

DRAWING = (nn.init.uniform_, nn.init.normal_, nn.init.kaiming_uniform_)  # how torch's layers draw their weights


class WeightsFrom(TorchFunctionMode):
    """Layers made in the block draw their weights from that generator, as they would from torch's with its state."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def __torch_function__(self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of torch's."""
        drawn = {"generator": self.generator} if function in DRAWING else {}
        return function(*args, **(kwargs or {}) | drawn)


class Dropout(nn.Dropout):
    """torch's dropout; after `drop_from`, by a generator of its own."""

    dropout_generator: Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Drop units in training."""
        return dropout(x, self.p, self.dropout_generator) if self.training else x


def dropout(x: Tensor, share: float, generator: Generator | None) -> Tensor:
    """Drop that share of x and scale what stays: torch's own dropout, with its bits, that takes a generator too."""
    if generator is None or share == 0:
        return F.dropout(x, share)
    return x * torch.empty_like(x).bernoulli_(1 - share, generator=generator).div_(1 - share)


def drop_from(network: nn.Module, generator: Generator) -> None:
    """Let all dropout in a network draw from that generator."""
    for module in network.modules():
        if hasattr(module, "dropout_generator"):
            module.dropout_generator = generator  # type: ignore[assignment]
