"""The native layer as an operator of torch: what compilers, exporters, dispatch modes and tensor subclasses see."""

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from grucast.kernels import native
from grucast.nn import native_call
from grucast.nn.gradients import by_operations, needs_operations
from grucast.nn.torch_ops import LayerOptions, check_lengths


@torch.library.custom_op("grucast::gru_layer", mutates_args=(), device_types="cpu")
def layer(  # noqa: PLR0913, PLR0917 - what compilers see has no structures
    x: Tensor,
    initial: Tensor | None,
    lengths: Tensor | None,
    parameters: list[Tensor],
    reset_after: bool,
    batch_first: bool,
    bidirectional: bool,
    recompute: bool,
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Output, final states, and what backward needs, if kept."""
    options = LayerOptions(reset_after, batch_first, bidirectional, recompute)
    lengths = None if lengths is None else check_lengths(lengths, x, batch_first)
    kept = x.new_zeros(_kept_bound(options, x, parameters) if keep else 0)  # results are defined to the last element
    return (*native_call.forward(options, lengths, x, initial, parameters, kept if keep else None), kept)


@layer.register_fake
def _(x: Tensor, _initial: Any, _lengths: Any, parameters: list[Tensor], *rest: Any) -> Any:
    *options, keep = rest
    kept = x.new_empty(_kept_bound(LayerOptions(*options), x, parameters) if keep else 0)
    return (*native_call.empty_results(LayerOptions(*options), x, parameters), kept)


def _kept_bound(options: LayerOptions, x: Tensor, parameters: Sequence[Tensor]) -> int:
    """At least `native_call.kept_size`, and without its cases, so that sizes may be symbols."""
    batch, steps = x.shape[:2] if options.batch_first else x.shape[1::-1]
    tile = native.saved_size(1, 1, 1) // 4  # a row of one unit fills a vector of each of four values
    rows, units = ((size + tile - 1) // tile * tile for size in (batch, parameters[1].shape[1]))
    return (2 if options.bidirectional else 1) * rows * steps * units * (1 if options.recompute else 5)


@torch.library.custom_op("grucast::gru_layer_backward", mutates_args=(), device_types="cpu")
def layer_backward(  # noqa: PLR0913, PLR0917
    d_output: Tensor | None,
    d_final: Tensor | None,
    x: Tensor,
    initial: Tensor | None,
    lengths: Tensor | None,
    parameters: list[Tensor],
    kept: Tensor,
    reset_after: bool,
    batch_first: bool,
    bidirectional: bool,
    recompute: bool,
) -> list[Tensor]:
    """Gradients of x, initial unless it is None, and the parameters."""
    options = LayerOptions(reset_after, batch_first, bidirectional, recompute)
    if not kept.numel():  # forward did not know that it would be differentiated
        kept = x.new_empty(native_call.kept_size(options, x, parameters))
        native_call.forward(options, lengths, x, initial, parameters, kept)
    wanted = [True] * (2 + len(parameters))
    results = native_call.backward((d_output, d_final), options, lengths, x, initial, parameters, kept, wanted)
    return [t for t in results if t is not None]


@layer_backward.register_fake
def _(
    _o: Any, _f: Any, x: Tensor, initial: Tensor | None, _l: Any, parameters: list[Tensor], *_rest: Any
) -> list[Tensor]:
    others = [] if initial is None else [initial]
    return [torch.empty_like(t, memory_format=torch.contiguous_format) for t in (x, *others, *parameters)]


def backward(
    gradients: Sequence[Tensor | None],
    options: LayerOptions,
    lengths: Tensor | None,
    x: Tensor,
    initial: Tensor | None,
    parameters: Sequence[Tensor],
    kept: Tensor,
) -> list[Tensor | None]:
    """Gradients of x, initial and the parameters by the operator; arguments as in `native_call.backward`."""
    d_x, *others = layer_backward(*gradients, x, initial, lengths, list(parameters), kept, *options)
    return [d_x, None if initial is None else others.pop(0), *others]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    x, initial, lengths, parameters, *options, _ = inputs
    ctx.save_for_backward(output[2], lengths, x, initial, *parameters)
    ctx.options = LayerOptions(*options)
    ctx.set_materialize_grads(False)


def _differentiate(ctx: Any, *gradients: Tensor | None) -> tuple[Any, ...]:
    kept, lengths, x, initial, *parameters = ctx.saved_tensors
    inputs = (gradients[:2], ctx.options, lengths, x, initial, parameters)
    found = by_operations(*inputs) if needs_operations(gradients) else backward(*inputs, kept)
    d_x, d_initial, *others = found
    return (d_x, d_initial, None, others, *[None] * 5)


layer.register_autograd(_differentiate, setup_context=_setup)


@register_flop_formula(torch.ops.grucast.gru_layer)
def _flops(
    x: Sequence[int], _initial: Any, _lengths: Any, parameters: Sequence[Sequence[int]], *_: Any, **__: Any
) -> int:
    """The products' multiplications and additions, as torch counts those of its own operations."""
    return 2 * x[0] * x[1] * sum(prod(shape) for shape in parameters if len(shape) == 2)


@register_flop_formula(torch.ops.grucast.gru_layer_backward)
def _flops_backward(_o: Any, _f: Any, x: Any, initial: Any, lengths: Any, parameters: Any, *_: Any, **__: Any) -> int:
    return 2 * _flops(x, initial, lengths, parameters)
