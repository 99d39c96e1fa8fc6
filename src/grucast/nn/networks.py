"""The two networks that are trained: sequence to vector, and window to forecast."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grucast.model.config import NetworkConfig
from grucast.nn.gru import GRU, join_final_states


class GRUNet(nn.Module):
    """A GRU and a linear layer upon its final state: sequences (B, T, I) to vectors (B, O).

        y = W h_T + b,   W (O, H), or (O, 2H) upon both directions' final states

    Dropout acts between layers, so only when there are two or more.

    >>> import torch
    >>> from grucast.nn import GRUNet
    >>> GRUNet(1, 32, 1, 1)(torch.zeros(5, 30, 1)).shape
    torch.Size([5, 1])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        output_size: int,
        dropout: float = 0.2,
        bidirectional: bool = False,
        reset_after: bool = True,
    ) -> None:
        super().__init__()
        between = dropout if num_layers > 1 else 0.0
        self.gru = GRU(
            input_size,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=between,
            bidirectional=bidirectional,
            reset_after=reset_after,
        )
        self.fc = nn.Linear(hidden_size * (2 if bidirectional else 1), output_size)

    def forward(self, x: Tensor) -> Tensor:
        """Map sequences (B, T, I) to vectors (B, O)."""
        _, h_n = self.gru(x)
        output: Tensor = self.fc(join_final_states(h_n, self.gru.bidirectional))
        return output


class ForecastNetwork(nn.Module):
    """A window's features to the quantiles of all h steps at once.

    The head sees the GRU's final state, so the whole history, and the window's seasonal continuations; it corrects
    their mean. Its last layer starts at zero, so training starts from the seasonal forecast.

    Args:
        channels: Input features a time step.
        continuations: Seasonal continuations K.
        h: Horizon.
        quantiles: Number of quantiles Q, odd.
        config: Shape of GRU and head.
    """

    def __init__(self, channels: int, continuations: int, h: int, quantiles: int, config: NetworkConfig) -> None:
        super().__init__()
        self.gru = GRU(
            channels,
            config.hidden_size,
            config.num_layers,
            batch_first=True,
            dropout=config.dropout if config.num_layers > 1 else 0.0,
            bidirectional=config.bidirectional,
            reset_after=config.reset_after,
        )
        width = config.hidden_size * (2 if config.bidirectional else 1)
        self.hidden = nn.Linear(width + continuations * h, config.head_size)
        self.dropout = nn.Dropout(config.head_dropout)
        self.out = nn.Linear(config.head_size, h * quantiles)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, inputs: Tensor, continuations: Tensor) -> Tensor:
        """Map inputs (B, T, C) and continuations (B, K, h) to quantiles (B, h, Q), ascending."""
        _, h_n = self.gru(inputs)
        state = join_final_states(h_n, self.gru.bidirectional)
        hidden = F.relu(self.hidden(torch.cat([state, continuations.flatten(1)], dim=1)))
        raw = self.out(self.dropout(hidden)).unflatten(1, (continuations.shape[2], -1))
        return non_crossing(continuations.mean(1), raw)


def non_crossing(base: Tensor, raw: Tensor) -> Tensor:
    """Quantiles (B, h, Q) in ascending order by construction.

    median = base + raw_mid;   each next quantile outward is softplus(raw) further away
    """
    middle = raw.shape[-1] // 2
    median = base[..., None] + raw[..., middle : middle + 1]
    gaps = F.softplus(raw)
    below = median - gaps[..., :middle].flip(-1).cumsum(-1).flip(-1)
    above = median + gaps[..., middle + 1 :].cumsum(-1)
    return torch.cat([below, median, above], dim=-1)
