"""Where torch's tensors become the kernels' addresses, sizes and strides."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from grucast.errors import ShapeError
from grucast.kernels import native
from grucast.nn.recurrence import Options
from grucast.nn.serial import kernel_threads


def forward(
    options: Options,
    lengths: Tensor | None,
    x: Tensor,
    hx: Tensor | None,
    parameters: Sequence[Tensor],
    saved: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Output and final states; arguments as in `autograd.run_layer`, `saved` is memory for what backward needs."""
    output, final = empty_results(options, x, parameters)
    tensors = _dense(x, lengths, hx, *parameters)
    layers = _layers(options, tensors, (output, final, saved))
    native.forward_at(x.dtype == torch.float64, layers, kernel_threads())
    return output, final


def empty_results(options: Options, x: Tensor, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Memory for the output and the final states."""
    hidden, directions = parameters[1].shape[1], 2 if options.bidirectional else 1
    output = x.new_empty(x.shape[0], x.shape[1], directions * hidden)
    return output, x.new_empty(directions, x.shape[0 if options.batch_first else 1], hidden)


def _dense(x: Tensor, *others: Tensor | None) -> list[Tensor | None]:
    """What the kernels can read: dense features in x, all else contiguous."""
    return [_dense_features(x), *(t if t is None or t.is_contiguous() else t.contiguous() for t in others)]


def _dense_features(x: Tensor) -> Tensor:
    return x if x.stride(2) == 1 else x.contiguous()


def _layers(
    options: Options, tensors: Sequence[Any], results: tuple[Tensor, Tensor | None, Tensor | None]
) -> list[tuple[int, ...]]:
    """The members of the kernels' Layer for each direction; the tensors must outlive them."""
    (x, lengths, hx, *parameters), (output, final, saved) = tensors, results
    _check(options, x, hx, parameters)
    rows, steps = (0, 1) if options.batch_first else (1, 0)
    directions = 2 if options.bidirectional else 1
    batch, hidden, size = x.shape[rows], output.shape[2] // directions, x.element_size()
    sizes = (batch, x.shape[steps], x.shape[2], hidden)
    inputs = (x.data_ptr(), x.stride(rows), x.stride(steps))
    row, step = output.stride(rows), output.stride(steps)
    state, each = batch * hidden * size, len(parameters) // directions
    space = 0 if saved is None else native.saved_size(batch, sizes[1], hidden) * size
    places = (output.data_ptr(), _address(hx), _address(final), _address(saved), _address(lengths))
    layers = []
    for i in range(directions):
        weights = [p.data_ptr() for p in parameters[i * each : (i + 1) * each]]
        at_output, at_hx, at_final, at_saved, at_lengths = places
        weights += [0] * (4 - each)
        output_here = (at_output + i * hidden * size, row, step)
        states = (at_final and at_final + i * state, at_saved and at_saved + i * space)
        at_state = at_hx and at_hx + i * state
        layers.append((*sizes, options.reset_after, i, *inputs, *output_here, at_state, *weights, at_lengths, *states))
    return layers


def _check(options: Options, x: Tensor, hx: Tensor | None, parameters: Sequence[Tensor]) -> None:
    """Kernels read memory as they are told; a module's weights may have been replaced by anything."""
    dtype, size, directions = x.dtype, parameters[1].shape[1], 2 if options.bidirectional else 1
    vector = (3 * size,)
    shapes = ((3 * size, x.shape[2]), (3 * size, size), vector, vector)[: len(parameters) // directions] * directions
    for tensor, shape in zip(parameters, shapes, strict=True):
        if tensor.shape != shape or tensor.dtype != dtype:
            _refuse(tensor, shape, dtype)
    states = (directions, x.shape[0 if options.batch_first else 1], size)
    if hx is not None and (hx.shape != states or hx.dtype != dtype):
        _refuse(hx, states, dtype)


def _refuse(tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if tensor.shape != shape:
        raise ShapeError(f"expected shape {shape}, got {tuple(tensor.shape)}")
    raise RuntimeError(f"all tensors must have the same dtype, got {dtype} and {tensor.dtype}")


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def backward(
    gradients: Sequence[Tensor | None],
    options: Options,
    lengths: Tensor | None,
    x: Tensor,
    hx: Tensor | None,
    parameters: Sequence[Tensor],
    computed: tuple[Tensor, Tensor | None],
    wanted: Sequence[bool],
) -> list[Tensor | None]:
    """Gradients of x, hx and the parameters, where wanted."""
    output, saved = computed
    tensors = _dense(x, lengths, hx, *parameters)
    layers = _layers(options, tensors, (output, None, saved))
    d_output = None if gradients[0] is None else _dense_features(gradients[0])
    d_final = None if gradients[1] is None else gradients[1].contiguous()
    directions = len(layers)
    d_x = x.new_empty(directions, *x.shape) if wanted[0] else None
    results = [_empty_if(want, t) for t, want in zip((hx, *parameters), wanted[1:], strict=True)]
    numbers = [_gradients(options, i, d_output, d_final, d_x, results) for i in range(directions)]
    native.backward_at(x.dtype == torch.float64, layers, numbers, kernel_threads())
    return [None if d_x is None else d_x[0] if directions == 1 else d_x[0].add_(d_x[1]), *results]


def _empty_if(wanted: bool, like: Tensor | None) -> Tensor | None:
    return torch.empty_like(like, memory_format=torch.contiguous_format) if wanted and like is not None else None


def _gradients(
    options: Options,
    direction: int,
    d_output: Tensor | None,
    d_final: Tensor | None,
    d_x: Tensor | None,
    results: Sequence[Tensor | None],
) -> tuple[int, ...]:
    """The members of the kernels' Gradients for one direction."""
    rows, steps = (0, 1) if options.batch_first else (1, 0)
    directions = 2 if options.bidirectional else 1
    d_hx, *parameters = results
    each = len(parameters) // directions
    weights = [_address(p) for p in parameters[direction * each : (direction + 1) * each]]
    at_output, at_x = (0, 0, 0), (0, 0, 0)
    if d_output is not None:
        offset = direction * (d_output.shape[2] // directions) * d_output.element_size()
        at_output = (d_output.data_ptr() + offset, d_output.stride(rows), d_output.stride(steps))
    if d_x is not None:
        at_x = (d_x[direction].data_ptr(), d_x.stride(rows + 1), d_x.stride(steps + 1))
    states = [0 if t is None else t[direction].data_ptr() for t in (d_final, d_hx)]
    return (*at_output, *at_x, *states, *weights, *[0] * (4 - each))
