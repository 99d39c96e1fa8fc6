"""The two networks that are trained: sequence to vector, and window to forecast."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from grucast.data.covariates import Column
from grucast.data.encoding import Schema, embedding_size
from grucast.model.config import NetworkConfig
from grucast.nn.drawing import Dropout
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


class Inputs(NamedTuple):
    """What the network reads of a batch of windows; data.features says what each holds."""

    inputs: Tensor  # (B, T, C)
    codes: Tensor  # (B, T, K)
    ahead: Tensor  # (B, h, A)
    ahead_codes: Tensor  # (B, h, K')
    static: Tensor  # (B, S)
    static_codes: Tensor  # (B, K'')
    continuations: Tensor  # (B, 2S, h)


class ForecastNetwork(nn.Module):
    """A window's features to the quantiles of all h steps at once.

    The head sees the GRU's final state, so the whole history, the window's seasonal continuations and what is fixed for
    the series; it corrects the continuations' mean. What is known in advance of a step adds a correction of its own to
    that step. The last layers start at zero, so training starts from the seasonal forecast.

    Args:
        example: Inputs of any batch, which give the sizes.
        quantiles: Number of quantiles Q, odd.
        schema: Columns of the covariates, which give the sizes of the embeddings.
        config: Shape of GRU and head.
    """

    def __init__(self, example: Inputs, quantiles: int, schema: Schema, config: NetworkConfig) -> None:
        super().__init__()
        temporal, static = schema.categorical("past", "future"), schema.categorical("static")
        self.embed = nn.ModuleDict({str(i): embedding(c) for i, c in enumerate((*temporal, *static))})
        self.temporal, self.past = len(temporal), len(schema.categorical("past"))
        widths = [embedding_size(column) for column in (*temporal, *static)]
        self.gru = GRU(
            example.inputs.shape[2] + sum(widths[: self.temporal]),
            config.hidden_size,
            config.num_layers,
            batch_first=True,
            dropout=config.dropout if config.num_layers > 1 else 0.0,
            bidirectional=config.bidirectional,
            reset_after=config.reset_after,
        )
        width = config.hidden_size * (2 if config.bidirectional else 1)
        _, continuations, h = example.continuations.shape
        width += continuations * h + example.static.shape[1] + sum(widths[self.temporal :])
        self.hidden = nn.Linear(width, config.head_size)
        self.dropout = Dropout(config.head_dropout)
        self.out = zero_linear(config.head_size, h * quantiles)
        known = example.ahead.shape[2] + sum(widths[self.past : self.temporal])
        if known:
            self.step_state = nn.Linear(config.head_size, config.hidden_size)
            self.step = nn.Linear(known, config.hidden_size, bias=False)
            self.step_out = zero_linear(config.hidden_size, quantiles)
        self.known = known

    def forward(self, x: Inputs) -> Tensor:
        """Map a batch to quantiles (B, h, Q), ascending."""
        _, h_n = self.gru(torch.cat([x.inputs, *self._embedded(x.codes, 0)], dim=2))
        state = join_final_states(h_n, self.gru.bidirectional)
        fixed = [x.static, *self._embedded(x.static_codes, self.temporal)]
        hidden = F.relu(self.hidden(torch.cat([state, x.continuations.flatten(1), *fixed], dim=1)))
        hidden = self.dropout(hidden)
        raw = self.out(hidden).unflatten(1, (x.continuations.shape[2], -1))
        if self.known:
            known = torch.cat([x.ahead, *self._embedded(x.ahead_codes, self.past)], dim=2)
            raw = raw + self.step_out(F.relu(self.step_state(hidden)[:, None] + self.step(known)))
        return non_crossing(x.continuations.mean(1), raw)

    def _embedded(self, codes: Tensor, first: int) -> list[Tensor]:
        return [self.embed[str(first + i)](codes[..., i]) for i in range(codes.shape[-1])]


class Ensemble(nn.Module):
    """Networks of one shape side by side, whose forecasts are averaged.

    In training it gives each member's forecast, (M, B, h, Q), so that each learns from its own errors.

    Source: Lakshminarayanan et al. 2017, arXiv:1612.01474.
    """

    def __init__(self, members: Iterable[ForecastNetwork]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: Inputs) -> Tensor:
        """Map a batch to quantiles (B, h, Q), or (M, B, h, Q) in training."""
        forecasts = torch.stack([member(x) for member in self.members])
        return forecasts if self.training else forecasts.mean(0)


def embedding(column: Column) -> nn.Embedding:
    """A vector for each category, and zeros for what is missing or unknown."""
    return nn.Embedding(len(column.categories or ()) + 1, embedding_size(column), padding_idx=0)


def zero_linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer that starts at zero."""
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


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
