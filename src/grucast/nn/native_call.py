"""Where torch's tensors become the kernels' addresses, sizes and strides."""

import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from grucast.errors import ShapeError
from grucast.kernels import native
from grucast.nn.torch_ops import LayerOptions


def forward(
    options: LayerOptions,
    lengths: Tensor | None,
    x: Tensor,
    initial: Tensor | None,
    parameters: Sequence[Tensor],
    kept: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Output and final states; arguments as in `autograd.run_layer`, `kept` is memory for what backward needs."""
    output, final = empty_results(options, x, parameters)
    tensors = [_dense_features(x), *map(_dense, (lengths, initial, *parameters))]
    layers = _layers(options, tensors, (output, final, kept))
    if final.numel():
        native.forward_at(x.dtype == torch.float64, layers, torch.get_num_threads())
    return output, final


def empty_results(options: LayerOptions, x: Tensor, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Memory for the output and the final states."""
    units, directions = parameters[1].shape[1], 2 if options.bidirectional else 1
    first, second, _ = x.shape
    output = x.new_empty(first, second, directions * units)
    return output, x.new_empty(directions, first if options.batch_first else second, units)


def kept_size(options: LayerOptions, x: Tensor, parameters: Sequence[Tensor]) -> int:
    """Elements that backward needs of forward: gates, unless computed again, and states; the output may change."""
    batch, steps = x.shape[:2] if options.batch_first else x.shape[1::-1]
    units = parameters[1].shape[1]
    gates = 0 if options.recompute else native.saved_size(batch, steps, units)
    return (2 if options.bidirectional else 1) * (gates + _states_size(batch, steps, units))


def _states_size(batch: int, steps: int, units: int) -> int:
    return batch * steps * units if steps > 1 else 0  # before one step there is only the initial state


def _dense(tensor: Tensor | None) -> Tensor | None:
    """What the kernels can read: contiguous, and no sign left to be turned."""
    if tensor is None or (tensor.is_contiguous() and not tensor.is_neg()):
        return tensor
    return tensor.resolve_neg().contiguous()


def _dense_features(x: Tensor) -> Tensor:
    return x if x.stride(2) == 1 and not x.is_neg() else x.resolve_neg().contiguous()


def _layers(
    options: LayerOptions, tensors: list[Any], results: tuple[Tensor | None, Tensor | None, Tensor | None]
) -> list[tuple[int, ...]]:
    """The members of the kernels' Direction for each; the tensors must outlive them, the results are dense."""
    try:
        return _numbers(options, tensors, results)
    except _NoMemoryError:
        tensors[:] = [t.clone() if t is not None and t._is_zerotensor() else t for t in tensors]
        return _numbers(options, tensors, results)


def _numbers(
    options: LayerOptions, tensors: Sequence[Any], results: tuple[Tensor | None, Tensor | None, Tensor | None]
) -> list[tuple[int, ...]]:
    (x, lengths, initial, *parameters), (output, final, kept) = tensors, results
    reset_after, batch_first, bidirectional, recompute = options
    directions, units, size = 2 if bidirectional else 1, parameters[1].shape[1], x.element_size()
    wide, (first, second, features), (major, minor, _) = directions * units, x.shape, x.stride()
    _check(x.dtype, (first if batch_first else second, features, units, directions), initial, parameters)
    if batch_first:
        batch, steps, strides = first, second, (major, minor, second * wide, wide)
    else:
        batch, steps, strides = second, first, (minor, major, wide, second * wide)
    gates = 0 if kept is None or recompute else native.saved_size(batch, steps, units) * size
    states, state = 0 if kept is None else _states_size(batch, steps, units) * size, batch * units * size
    at_x, at_initial, at_lengths, at_output = _address(x), _address(initial), _address(lengths), _address(output)
    at_final, at_kept, weights = _address(final), _address(kept), [*map(_address, parameters)]
    each, layers = len(weights) // directions, []
    for i in range(directions):
        numbers = (batch, steps, features, units, reset_after, i, at_x, *strides[:2])
        own = weights[i * each : (i + 1) * each]
        pointers = (at_initial and at_initial + i * state, *own, *(0,) * (4 - each), at_lengths)
        at_gates, at_states = gates and at_kept + i * gates, states and at_kept + directions * gates + i * states
        kept_here = (at_final and at_final + i * state, at_gates, at_states)
        layers.append((*numbers, at_output and at_output + i * units * size, *strides[2:], *pointers, *kept_here))
    return layers


def _check(dtype: torch.dtype, sizes: tuple[int, ...], initial: Tensor | None, parameters: Sequence[Tensor]) -> None:
    """Kernels read memory as they are told; a module's weights may have been replaced by anything."""
    batch, features, units, directions = sizes
    rows = 3 * units
    shapes = [(rows, features), (rows, units), (rows,), (rows,)][: len(parameters) // directions] * directions
    tensors = parameters
    if initial is not None:
        tensors, shapes = [*parameters, initial], [*shapes, (directions, batch, units)]
    if [t.shape for t in tensors] != shapes:
        given, wanted = next((t.shape, shape) for t, shape in zip(tensors, shapes, strict=True) if t.shape != shape)
        raise ShapeError(f"expected shape {wanted}, got {tuple(given)}")
    if {t.dtype for t in tensors} != {dtype}:
        wrong = next(t.dtype for t in tensors if t.dtype != dtype)
        raise RuntimeError(f"all tensors must have the same dtype, got {dtype} and {wrong}")


class _NoMemoryError(RuntimeError):
    """A tensor's storage was freed, or it stands for zeros that are nowhere."""


_LOWEST = 1 << 40


def _address(tensor: Tensor | None) -> int:
    """Where a tensor's elements are. Freed storage begins at 0, so a low address may be an offset into it."""
    if tensor is None:
        return 0
    address = tensor.data_ptr()
    if address < _LOWEST and address == tensor.storage_offset() * tensor.element_size() and tensor.numel():
        raise _NoMemoryError(f"a tensor of shape {tuple(tensor.shape)} has no memory: its storage was freed")
    return address


def backward(
    gradients: Sequence[Tensor | None],
    options: LayerOptions,
    lengths: Tensor | None,
    x: Tensor,
    initial: Tensor | None,
    parameters: Sequence[Tensor],
    kept: Tensor,
    wanted: Sequence[bool],
) -> list[Tensor | None]:
    """Gradients of x, initial and the parameters, where wanted."""
    tensors = [_dense_features(x), *map(_dense, (lengths, initial, *parameters))]
    layers = _layers(options, tensors, (None, None, kept))
    d_output = None if gradients[0] is None else _dense_features(gradients[0])
    d_final = _dense(gradients[1])
    d_x = [torch.empty_like(x, memory_format=torch.contiguous_format) for _ in layers if wanted[0]]
    results = [
        torch.empty_like(t) if want and t is not None else None for t, want in zip(tensors[2:], wanted[1:], strict=True)
    ]
    numbers = [_gradients(options, i, d_output, d_final, d_x[i] if d_x else None, results) for i in range(len(layers))]
    if layers[0][0] and layers[0][3]:
        native.backward_at(x.dtype == torch.float64, layers, numbers, torch.get_num_threads())
    else:  # without rows or units there may be 2^40 steps of nothing
        for t in (*d_x, *results):
            if t is not None:
                t.zero_()
    if len(d_x) == 2:
        _add(d_x[0], d_x.pop())
    return [d_x[0] if d_x else None, *results]


def _add(total: Tensor, other: Tensor) -> None:
    """Add in place; after a fork by NumPy, since torch's threads wait forever for those of the parent."""
    if os.getpid() == _PROCESS:
        total.add_(other)
    else:
        total.numpy()[:] += other.numpy()


_PROCESS = os.getpid()


def _gradients(
    options: LayerOptions,
    direction: int,
    d_output: Tensor | None,
    d_final: Tensor | None,
    d_x: Tensor | None,
    results: Sequence[Tensor | None],
) -> tuple[int, ...]:
    """The members of the kernels' Gradients for one direction."""
    rows, steps = (0, 1) if options.batch_first else (1, 0)
    directions = 2 if options.bidirectional else 1
    d_initial, *parameters = results
    each = len(parameters) // directions
    weights = [_address(p) for p in parameters[direction * each : (direction + 1) * each]]
    at_output, at_x = (0, 0, 0), (0, 0, 0)
    if d_output is not None:
        offset = direction * (d_output.shape[2] // directions) * d_output.element_size()
        at_output = (_address(d_output) + offset, d_output.stride(rows), d_output.stride(steps))
    if d_x is not None:
        at_x = (_address(d_x), d_x.stride(rows), d_x.stride(steps))
    states = [0 if t is None else _address(t) + direction * t.nbytes // directions for t in (d_final, d_initial)]
    return (*at_output, *at_x, *states, *weights, *[0] * (4 - each))
