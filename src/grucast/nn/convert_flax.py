"""Weights from flax.linen.GRUCell, which applies the reset gate after the recurrent product.

Of its dense layers,

    ir, iz, in   kernel (I, H), bias (H,)    are weight_ih, transposed, and bias_ih
    hr, hz       kernel (H, H)               are weight_hh; they have no bias
    hn           kernel (H, H), bias (H,)    is weight_hh, and the candidate's part of bias_hh
"""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from grucast.errors import ConfigError
from grucast.nn.convert import Array, build, read_array, require_same
from grucast.nn.gru import GRU

GATES = "rzn"


def from_flax(params: Mapping[str, Any] | Sequence[Mapping[str, Any]], verify: bool = True) -> GRU:
    """A GRU with the parameters of a flax.linen.GRUCell, or of several in a row.

    It takes (B, T, I), as flax.linen.RNN does.

    Args:
        params: `variables["params"]` of a GRUCell with its own activations, or a list of them, a stack.
        verify: Whether both run on the same random numbers, where Flax is imported already.

    Raises:
        ConfigError: A parameter is missing, or has a type other than float32 and float64.
        ShapeError: A parameter has another shape.
        DataError: A parameter is NaN or infinite.
        MismatchError: Flax computes something else.

    >>> import numpy as np
    >>> from grucast.nn import from_flax
    >>> params = {name: {"kernel": np.ones((4, 3)), "bias": np.ones(3)} for name in ("ir", "iz", "in")}
    >>> params |= {name: {"kernel": np.ones((3, 3))} for name in ("hr", "hz")}
    >>> from_flax(params | {"hn": {"kernel": np.ones((3, 3)), "bias": np.ones(3)}})
    GRU(4, 3, batch_first=True)
    """
    cells = [params] if isinstance(params, Mapping) else list(params)
    if not cells:
        raise ConfigError("from_flax takes the parameters of at least one cell, got none")
    gru = build([_from_cell(cell) for cell in cells], bidirectional=False, reset_after=True, batch_first=True)
    linen = sys.modules.get("flax.linen")
    if verify and linen:
        require_same(gru, partial(_run_flax, linen, cells), f"Flax {sys.modules['flax'].__version__}")
    return gru


def _from_cell(cell: Mapping[str, Any]) -> list[Array]:
    features, size = _leaf(cell, "ir", "kernel", (None, None)).shape
    weight_ih = np.concatenate([_leaf(cell, f"i{gate}", "kernel", (features, size)).T for gate in GATES])
    weight_hh = np.concatenate([_leaf(cell, f"h{gate}", "kernel", (size, size)).T for gate in GATES])
    bias_ih = np.concatenate([_leaf(cell, f"i{gate}", "bias", (size,)) for gate in GATES])
    candidate = _leaf(cell, "hn", "bias", (size,))
    return [weight_ih, weight_hh, bias_ih, np.concatenate([np.zeros_like(candidate, shape=2 * size), candidate])]


def _leaf(cell: Mapping[str, Any], part: str, name: str, shape: tuple[int | None, ...]) -> Array:
    if name not in cell.get(part, {}):
        raise ConfigError(f"the parameters of a flax.linen.GRUCell have {part}/{name}; there is only {sorted(cell)}")
    return read_array(f"{part}/{name}", cell[part][name], shape)


def _run_flax(linen: Any, cells: Sequence[Mapping[str, Any]], x: Array, initial: Array) -> tuple[Array, Array]:
    steps, finals = list(x.astype("float32")), list(initial.astype("float32"))  # JAX has no float64 unless told to
    for k, params in enumerate(cells):
        cell = linen.GRUCell(features=initial.shape[-1])
        for t, inputs in enumerate(steps):
            finals[k], steps[t] = cell.apply({"params": params}, finals[k], inputs)
    return np.stack(steps), np.stack(finals)
