"""The forecaster's network with PyTorch's own modules: another hand's account of what model/network.py computes."""

import torch
from torch import nn
from torch.nn import functional as F

from grucast.data.encoding import embedding_size
from grucast.model.network import ForecastNetwork
from grucast.nn import GRU


class TorchNetwork(nn.Module):
    """As `network`; its parameters have the same names."""

    def __init__(self, network: ForecastNetwork) -> None:
        super().__init__()
        schema, config, shapes = network.schema, network.config, {p.name: p.shape for p in network.parameters()}
        temporal, static = schema.categorical("past", "future"), schema.categorical("static")
        tables = [nn.Embedding(len(c.categories) + 1, embedding_size(c), padding_idx=0) for c in (*temporal, *static)]
        self.embed = nn.ModuleDict({str(place): table for place, table in enumerate(tables)})
        self.temporal, self.past = len(temporal), len(schema.categorical("past"))
        self.gru = GRU(
            shapes["gru.weight_ih_l0"][1],
            config.hidden_size,
            config.num_layers,
            batch_first=True,
            bidirectional=config.bidirectional,
            reset_after=config.reset_after,
        )
        self.hidden = nn.Linear(*shapes["hidden.weight"][::-1])
        self.out = nn.Linear(*shapes["out.weight"][::-1])
        self.mix = nn.Linear(*shapes["mix.weight"][::-1]) if network.smoothed else None
        self.patch_size = config.patch_size or 1
        self.known = "step.weight" in shapes
        if self.known:
            self.step_state = nn.Linear(*shapes["step_state.weight"][::-1])
            self.step = nn.Linear(*shapes["step.weight"][::-1], bias=False)
            self.step_out = nn.Linear(*shapes["step_out.weight"][::-1])

    def forward(self, x):
        """Map a batch of features, as torch's tensors, to quantiles (B, h, Q)."""
        steps = torch.cat([x["inputs"], *self.embedded(x["codes"], 0)], 2)
        _, h_n = self.gru(steps.unflatten(1, (-1, self.patch_size)).flatten(2))
        state = torch.cat(list(h_n[-2:] if self.gru.bidirectional else h_n[-1:]), 1)
        static = [x["static"], *self.embedded(x["static_codes"], self.temporal)]
        hidden = F.relu(self.hidden(torch.cat([state, x["continuations"].flatten(1), *static], 1)))
        raw = self.out(hidden).unflatten(1, (x["continuations"].shape[2], -1))
        if self.known:
            ahead = torch.cat([x["ahead"], *self.embedded(x["ahead_codes"], self.past)], 2)
            raw = raw + self.step_out(F.relu(self.step_state(hidden)[:, None] + self.step(ahead)))
        middle = raw.shape[-1] // 2
        base = x["continuations"].mean(1)
        if self.mix is not None:
            base = base + torch.einsum("bc,bch->bh", self.mix(hidden), x["continuations"])
        median = base[..., None] + raw[..., middle : middle + 1]
        gaps = F.softplus(raw)
        below = median - gaps[..., :middle].flip(-1).cumsum(-1).flip(-1)
        return torch.cat([below, median, median + gaps[..., middle + 1 :].cumsum(-1)], -1)

    def embedded(self, codes, first):
        return [self.embed[str(first + place)](codes[..., place]) for place in range(codes.shape[-1])]


def torch_twin(network: ForecastNetwork, weights) -> TorchNetwork:
    """The network with those weights."""
    twin = TorchNetwork(network)
    twin.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
    return twin


def tensors(features):
    """A batch of features as torch has them."""
    return {name: torch.from_numpy(array) for name, array in features._asdict().items()}
