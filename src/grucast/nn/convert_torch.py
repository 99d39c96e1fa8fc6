"""Weights from and to torch.nn.GRU, whose parameters are ours."""

import copy
from typing import Any, TypeVar

import torch
from torch import nn

from grucast.errors import ConfigError
from grucast.nn.convert import Array, require_same
from grucast.nn.gru import GRU

Layer = TypeVar("Layer", GRU, nn.GRU)


def from_torch(module: nn.GRU, verify: bool = True) -> GRU:
    """A GRU with the weights and settings of a torch.nn.GRU.

    Args:
        module: The layer to copy; it keeps its weights.
        verify: Whether both run on the same random numbers.

    Raises:
        ConfigError: It is not a torch.nn.GRU.
        MismatchError: Both compute something else.

    >>> import torch
    >>> from grucast.nn import from_torch
    >>> from_torch(torch.nn.GRU(3, 8, num_layers=2, batch_first=True))
    GRU(3, 8, num_layers=2, batch_first=True)
    """
    if not isinstance(module, nn.GRU):
        raise ConfigError(f"from_torch takes a torch.nn.GRU, got {type(module).__name__}")
    gru = _copy(module, GRU)
    if verify:
        _verify_by_torch(gru, module)
    return gru


def to_torch(gru: GRU, verify: bool = True) -> nn.GRU:
    """A torch.nn.GRU with the weights and settings of a GRU.

    Args:
        gru: The layer to copy; it keeps its weights.
        verify: Whether both run on the same random numbers.

    Raises:
        ConfigError: The GRU has reset_after=False, a function that torch.nn.GRU does not have.
        MismatchError: Both compute something else.

    >>> from grucast.nn import GRU, to_torch
    >>> to_torch(GRU(3, 8))
    GRU(3, 8)
    """
    if not gru.reset_after:
        raise ConfigError(
            "torch.nn.GRU applies the reset gate after the recurrent product and this layer before it: no weights make "
            "them the same function; to_keras and to_onnx have both, or train a layer with reset_after=True"
        )
    module = _copy(gru, nn.GRU)
    if verify:
        _verify_by_torch(gru, module)
    return module


def _copy(layer: GRU | nn.GRU, kind: type[Layer]) -> Layer:
    parameters: list[Any] = [parameter for part in layer.all_weights for parameter in part]
    twin = kind(
        layer.input_size,
        layer.hidden_size,
        num_layers=layer.num_layers,
        bias=layer.bias,
        batch_first=layer.batch_first,
        dropout=layer.dropout,
        bidirectional=layer.bidirectional,
        device="meta",  # which draws no random numbers
        dtype=parameters[0].dtype,
    )
    twin = twin.to_empty(device=parameters[0].device).train(layer.training)
    with torch.no_grad():
        for mine, theirs in zip(twin.parameters(), parameters, strict=True):
            mine.copy_(theirs).requires_grad_(theirs.requires_grad)
    return twin


def _verify_by_torch(gru: GRU, module: nn.GRU) -> None:
    twin = copy.deepcopy(module).cpu().double().eval()
    twin.batch_first = False

    def run(x: Array, initial: Array) -> tuple[Array, Array]:
        with torch.no_grad():
            output, final = twin(torch.from_numpy(x), torch.from_numpy(initial))
        return output.numpy(), final.numpy()

    require_same(gru, run, "torch.nn.GRU")
