"""What every exchange of weights shares: checked arrays, the order of the gates, and running both sides.

The gates are stacked reset, update, candidate in torch and here; update, reset, candidate in Keras and ONNX. One layer
in one direction is `[weight_ih, weight_hh]` or `[weight_ih, weight_hh, bias_ih, bias_hh]`, as in `GRU.all_weights`.
"""

import copy
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from grucast.errors import ConfigError, DataError, MismatchError, ShapeError
from grucast.nn.gru import GRU

Array = NDArray[Any]  # float32 or float64
Run = Callable[[Array, Array], tuple[Array, Array]]  # as GRU: (T, B, I), (L * D, B, H) to (T, B, D * H), (L * D, B, H)

LIMITS = {"float64": 1e-6, "float32": 1e-4}  # a gate or a bias in another place changes far more


def swap_gates(array: Array) -> Array:
    """Exchange the first two thirds: from update, reset, candidate to reset, update, candidate, and back.

    >>> swap_gates(np.arange(6))
    array([2, 3, 0, 1, 4, 5])
    """
    first, second, third = np.split(array, 3)
    return np.concatenate([second, first, third])


def read_array(name: str, value: Any, shape: tuple[int | None, ...]) -> Array:
    """A weight that came in as an array, where None is any size but 0.

    Raises:
        ConfigError: It is not float32 or float64.
        ShapeError: It has another shape.
        DataError: It holds NaN or infinity.
    """
    array = np.asarray(value)
    if str(array.dtype) not in LIMITS:
        raise ConfigError(f"{name} came as {array.dtype}, wanted float32 or float64: cast it")
    fits = len(array.shape) == len(shape) and all(
        got > 0 and wanted in (None, got) for got, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise ShapeError(f"{name} came with shape {array.shape}, wanted ({wanted})")
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds NaN or infinity")
    return array


def build(parts: Sequence[Sequence[Array]], bidirectional: bool, reset_after: bool, batch_first: bool) -> GRU:
    """A GRU with these parameters: of each layer forward, or forward and backward."""
    if len({len(part) for part in parts}) > 1:
        raise ConfigError("some layers or directions have a bias and some have none: give all of them one, or none")
    arrays = list(itertools.chain(*parts))
    if len(types := {str(array.dtype) for array in arrays}) > 1:
        raise ConfigError(f"weights came as {' and '.join(sorted(types))}, wanted one type: cast them")
    directions = 2 if bidirectional else 1
    gru = GRU(
        parts[0][0].shape[1],
        parts[0][1].shape[1],
        num_layers=len(parts) // directions,
        bias=len(parts[0]) == 4,
        batch_first=batch_first,
        bidirectional=bidirectional,
        reset_after=reset_after,
        device="meta",  # which draws no random numbers
        dtype=getattr(torch, types.pop()),
    ).to_empty(device="cpu")
    for (name, parameter), array in zip(gru.state_dict().items(), arrays, strict=True):
        if array.shape != parameter.shape:
            wanted = f"wanted {tuple(parameter.shape)}, as the first layer says"
            raise ShapeError(f"the weights for {name} came with shape {array.shape}, {wanted}")
        parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)))
    return gru


def layers_of(gru: GRU) -> list[list[list[Array]]]:
    """Parameters of each layer, of each direction.

    Raises:
        ConfigError: They are not float32 or float64.
    """
    if (dtype := str(gru.all_weights[0][0].dtype).removeprefix("torch.")) not in LIMITS:
        raise ConfigError(f"the layer is {dtype}, wanted float32 or float64: call .float() before")
    parts = [[parameter.detach().cpu().numpy() for parameter in part] for part in gru.all_weights]
    directions = 2 if gru.bidirectional else 1
    return [parts[i : i + directions] for i in range(0, len(parts), directions)]


def require_same(gru: GRU, run: Run, other: str) -> None:
    """Run both sides on the same random numbers, here in float64.

    Raises:
        MismatchError: Their outputs or final states differ.
    """
    rng = np.random.default_rng(1406)
    x = rng.normal(size=(5, 3, gru.input_size))
    initial = rng.normal(size=(len(gru.all_weights), 3, gru.hidden_size))
    twin = copy.deepcopy(gru).cpu().double().eval()
    twin.batch_first = False
    with torch.no_grad():
        ours = twin(torch.from_numpy(x), torch.from_numpy(initial))
    for name, mine, theirs in zip(("outputs", "final states"), ours, run(x, initial), strict=True):
        difference, limit = float(np.abs(mine.numpy() - theirs).max()), LIMITS[str(theirs.dtype)]
        if not difference <= limit:
            raise MismatchError(
                f"{other} computes something else with these weights: {name} differ by {difference:.2g}, "
                f"more than {limit}; check reset_after, or convert with verify=False"
            )
