"""The operations that networks are written in, by torch and its autograd: the executor in which layers are compared."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from grucast.nn.gru import GRU

Array = NDArray[Any]
Network = Callable[[Any, Any], Any]  # of operations and inputs
LAYERS: dict[str, Callable[..., nn.RNNBase]] = {
    "torch.nn.RNN": nn.RNN,
    "torch.nn.LSTM": nn.LSTM,
    "torch.nn.GRU": nn.GRU,
    "grucast.nn.GRU": GRU,
    "grucast.nn.GRU, reset_after=False": partial(GRU, reset_after=False),
}


class TorchOperations:
    """Operations on torch's tensors, documented where networks are: one network, in training and as it is.

    What holds the weights and gradients stays NumPy's, so that whoever trains there sees what is done here. No global
    generator is read or written. Sequences of a batch have one length.

    Args:
        weights: The parameters; they share their memory with torch's.
        gradients: Arrays of their shapes, which `backward` fills.
        config: Shape of the network: hidden_size, num_layers, bidirectional.
        layer: Which of LAYERS runs over the steps.
        rng: Draws what dropout drops, in the order of `training.gradients`.
    """

    def __init__(
        self,
        weights: Mapping[str, Array],
        gradients: Mapping[str, Array],
        config: Any,
        layer: str,
        rng: np.random.Generator,
    ) -> None:
        self.weights = {name: nn.Parameter(torch.from_numpy(array)) for name, array in weights.items()}
        self.gradients, self.config, self.rng, self._drops = gradients, config, rng, False
        self._layers = [self._make(LAYERS[layer], place) for place in range(config.num_layers)]

    def _make(self, make: Callable[..., nn.RNNBase], place: int) -> nn.RNNBase:
        """The module of one layer, whose parameters are ours."""
        inputs = self.weights[f"gru.weight_ih_l{place}"].shape[1]
        options = {"batch_first": True, "bidirectional": self.config.bidirectional, "device": "meta"}
        module = make(inputs, self.config.hidden_size, **options)
        for name, _ in list(module.named_parameters()):
            setattr(module, name, self.weights[f"gru.{name}".replace("_l0", f"_l{place}")])
        return module

    def compute(self, network: Network, inputs: Any) -> Array:
        """What the network gives of arrays, as an array, without dropout."""
        with torch.no_grad():
            result: Array = network(self, as_tensors(inputs)).numpy()
        return result

    def record(self, network: Network, inputs: Any) -> Tensor:
        """What the network gives of arrays in training, so that `backward` can differentiate it."""
        self._drops = True
        result: Tensor = network(self, as_tensors(inputs))
        self._drops = False
        return result

    def backward(self, result: Tensor, gradient: Array) -> None:
        """Fill the parameters' gradients, from that of the loss with respect to a result."""
        found = torch.autograd.grad(result, list(self.weights.values()), torch.from_numpy(gradient))
        for name, own in zip(self.weights, found, strict=True):
            self.gradients[name][...] = own.numpy()

    def gru(self, x: Tensor, layer: int, lengths: None = None) -> Tensor:  # noqa: ARG002
        return self._run(x, layer)[0]

    def gru_state(self, x: Tensor, layer: int, lengths: None = None) -> Tensor:  # noqa: ARG002
        return self._run(x, layer)[1]

    def gru_summary(self, x: Tensor, layer: int, lengths: None = None) -> Tensor:  # noqa: ARG002
        output, state = self._run(x, layer)
        return torch.cat([state, output.amax(1)], 1)

    def _run(self, x: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Outputs (B, T, DH) and final states (B, DH) of a layer; of an LSTM's state, what it puts out."""
        output, state = self._layers[layer](x)
        hidden = state[0] if isinstance(state, tuple) else state
        return output, hidden[0] if len(hidden) == 1 else torch.cat(list(hidden), 1)

    def linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias"))

    def embed(self, codes: Tensor, table: int) -> Tensor:
        return F.embedding(codes.long(), self.weights[f"embed.{table}.weight"], padding_idx=0)

    def dropout(self, x: Tensor, share: float) -> Tensor:
        if share == 0 or not self._drops:
            return x
        kept = (self.rng.random(tuple(x.shape), np.float32) >= share) / np.float32(1 - share)
        return x * torch.from_numpy(kept)

    def relu(self, x: Tensor) -> Tensor:
        return x.relu()

    def softplus(self, x: Tensor) -> Tensor:
        return F.softplus(x)

    def add(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y

    def subtract(self, x: Tensor, y: Tensor) -> Tensor:
        return x - y

    def multiply(self, x: Tensor, factor: float) -> Tensor:
        return x.double() * factor

    def maximum(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.maximum(x, y)

    def mean(self, x: Tensor, axis: int) -> Tensor:
        return x.mean(axis)

    def combine(self, weights: Tensor, values: Tensor) -> Tensor:
        return (weights.unsqueeze(-1) * values).sum(1)

    def cumsum(self, x: Tensor, reverse: bool = False) -> Tensor:
        return x.flip(-1).cumsum(-1).flip(-1) if reverse else x.cumsum(-1)

    def cut(self, x: Tensor, start: int, stop: int) -> Tensor:
        return x[..., start:stop]

    def concat(self, values: Sequence[Tensor], axis: int) -> Tensor:
        return values[0] if len(values) == 1 else torch.cat(list(values), axis)

    def reshape(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        return x.reshape(len(x), *shape)

    def unsqueeze(self, x: Tensor, axis: int) -> Tensor:
        return x.unsqueeze(axis)

    def head(
        self, network: Any, state: Tensor, continuations: Tensor, static: Sequence[Tensor], ahead: Sequence[Tensor]
    ) -> Tensor:
        result: Tensor = network.head(self, state, continuations, static, ahead)
        return result


def as_tensors(inputs: Any) -> Any:
    """Arrays as tensors, in the named tuples and lists that hold them."""
    if isinstance(inputs, np.ndarray):
        return torch.from_numpy(inputs)
    if isinstance(inputs, list):
        return [as_tensors(each) for each in inputs]
    return type(inputs)(*map(as_tensors, inputs)) if isinstance(inputs, tuple) else inputs


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Let torch use so many threads while the block runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
