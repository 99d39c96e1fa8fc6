"""The one place where torch meets the native kernels: one layer in one direction, as an operator with gradients."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from grucast.errors import ShapeError
from grucast.kernels import native
from grucast.nn.buffers import Shelf
from grucast.nn.recurrence import Weights, check_lengths, recur

DTYPES = (torch.float32, torch.float64)


def runs_natively(x: Tensor, hidden: Tensor, weight: Tensor) -> bool:
    """Whether the kernels can take these tensors; torch's operations take all others."""
    return (
        native.available()
        and x.device.type == "cpu"
        and x.dtype in DTYPES
        and x.dtype == hidden.dtype == weight.dtype
        and hidden.device == weight.device == x.device
        and (torch.compiler.is_compiling() or not _is_transformed())
    )


def _is_transformed() -> bool:
    """Whether a trace, forward-mode derivatives or a transform such as vmap look into the operations."""
    return (
        torch._C._is_tracing()
        or forward_ad._current_level >= 0
        or torch._C._functorch.peek_interpreter_stack() is not None
    )


def run_layer(
    x: Tensor,
    hidden: Tensor,
    parameters: Sequence[Tensor],
    reset_after: bool = True,
    lengths: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, Tensor]:
    """The function of `recur`, natively.

    Args:
        x: Inputs, (T, B, I); the output is laid out in memory as x is, rows or steps first.
        hidden: Initial state, (B, H).
        parameters: weight_ih, weight_hh and, with bias, bias_ih, bias_hh.
        reset_after: Whether the reset gate acts after the recurrent product or before it.
        lengths: Valid steps of each row, (B,), checked.
        reverse: Run from the last valid step to the first.

    Returns:
        Output (T, B, H) and final state (B, H).
    """
    weight_ih, weight_hh, *biases = parameters
    bias_ih, bias_hh = biases or (None, None)
    inputs: Any = (x, hidden, weight_ih, weight_hh, bias_ih, bias_hh, lengths, reset_after, reverse)
    wanted = torch.is_grad_enabled() and any(t.requires_grad for t in (x, hidden, *parameters))
    if torch.compiler.is_compiling() or type(x) is not Tensor or type(weight_hh) not in _PLAIN:
        output, final, _ = _operator(*inputs, wanted)
        return output, final
    if wanted:
        result: tuple[Tensor, Tensor] = _Layer.apply(*inputs)  # type: ignore[no-untyped-call]
        return result
    return _forward(None, *inputs)


_PLAIN = (Tensor, torch.nn.Parameter)


class _Layer(torch.autograd.Function):
    """The operator without the dispatcher's cost, which is several times that of a short sequence."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[Tensor, Tensor]:
        x, hidden = inputs[:2]
        ctx.saved = _shelf.take(native.saved_size(x.shape[1], x.shape[0], hidden.shape[1]), x.dtype)
        output, final = _forward(ctx.saved.memory, *inputs)
        ctx.save_for_backward(*inputs[:7], output)
        ctx.options = inputs[7:]
        ctx.set_materialize_grads(False)
        return output, final

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        *inputs, output = ctx.saved_tensors
        if torch.is_grad_enabled():  # someone wants to differentiate the gradients
            return (*_backward_by_operations(inputs, ctx.options, gradients, ctx.needs_input_grad), None, None, None)
        return _backward(inputs, output, ctx.saved.memory, ctx.options, gradients, ctx.needs_input_grad)


def _forward(  # noqa: PLR0913, PLR0917 - the operator's arguments
    saved: Tensor | None,
    x: Tensor,
    hidden: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    lengths: Tensor | None,
    reset_after: bool,
    reverse: bool,
) -> tuple[Tensor, Tensor]:
    output = _empty_like_rows_of(x, hidden.shape[1])
    final = torch.empty_like(hidden, memory_format=_DENSE)
    inputs = (x, hidden, weight_ih, weight_hh, bias_ih, bias_hh, lengths)
    layer, keep = _layer(inputs, (reset_after, reverse), output, final, saved)
    native.forward_at(x.dtype == torch.float64, layer, torch.get_num_threads())
    del keep
    return output, final


def _layer(
    inputs: Sequence[Any], options: tuple[bool, bool], output: Tensor, final: Tensor | None, saved: Tensor | None
) -> tuple[tuple[int, ...], list[Tensor | None]]:
    """The members of the kernels' Layer, and the tensors that must live as long as its addresses."""
    x = inputs[0] if inputs[0].stride(2) == 1 or inputs[0].shape[2] < 2 else inputs[0].contiguous()
    dense = [None if t is None else t.contiguous() for t in inputs[1:]]
    steps, batch, features = x.shape
    numbers = (batch, steps, features, output.shape[2], *options, *_strided(x), *_strided(output))
    return numbers + tuple(map(_address, (*dense, final, saved))), [x, *dense]


def _strided(tensor: Tensor | None) -> tuple[int, int, int]:
    """Address and strides of rows and steps of (T, B, features)."""
    return (0, 0, 0) if tensor is None else (tensor.data_ptr(), tensor.stride(1), tensor.stride(0))


def _address(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor.data_ptr()


def _empty_like_rows_of(x: Tensor, features: int) -> Tensor:
    steps, batch, _ = x.shape
    if x.stride(0) < x.stride(1):
        return x.new_empty(batch, steps, features).transpose(0, 1)
    return x.new_empty(steps, batch, features)


def _backward(
    inputs: Sequence[Any],
    output: Tensor,
    saved: Tensor,
    options: tuple[bool, bool],
    gradients: Sequence[Tensor | None],
    wanted: Sequence[bool],
) -> tuple[Tensor | None, ...]:
    x, weight_hh = inputs[0], inputs[3]
    layer, keep = _layer(inputs, options, output, None, saved)
    d_output, d_final = (None if g is None else g.contiguous() if g.stride(-1) != 1 else g for g in gradients)
    d_final = None if d_final is None else d_final.contiguous()
    d_x = _empty_like_rows_of(x, x.shape[2]) if wanted[0] else None
    d_hidden, d_weight_ih, d_weight_hh = (torch.empty_like(t, memory_format=_DENSE) for t in inputs[1:4])
    d_bias_ih, d_bias_hh = (weight_hh.new_empty(len(weight_hh)) for _ in range(2))
    results = (d_hidden, d_weight_ih, d_weight_hh, d_bias_ih, d_bias_hh)
    numbers = (*_strided(d_output), *_strided(d_x), _address(d_final), *map(_address, results))
    native.backward_at(x.dtype == torch.float64, layer, numbers, torch.get_num_threads())
    del keep
    return (d_x, *(d if want else None for d, want in zip(results, wanted[1:6], strict=True)), None, None, None)


_DENSE = torch.contiguous_format


def _backward_by_operations(
    inputs: Sequence[Any], options: tuple[bool, bool], gradients: Sequence[Tensor | None], wanted: Sequence[bool]
) -> list[Tensor | None]:
    """The same gradients with a graph of their own: forward again, in operations that torch can differentiate."""
    x, hidden, weight_ih, weight_hh, bias_ih, bias_hh, lengths = inputs
    biases = [] if bias_ih is None else [bias_ih, bias_hh]
    with torch.enable_grad():
        results = recur(x, hidden, Weights.of([weight_ih, weight_hh, *biases]), options[0], lengths, options[1])
    pairs = [(result, g) for result, g in zip(results, gradients, strict=True) if g is not None]
    outputs, given = zip(*pairs, strict=True)
    sources = [t for t, want in zip(inputs, wanted, strict=False) if want]
    found = iter(torch.autograd.grad(outputs, sources, given, create_graph=True, allow_unused=True))
    return [next(found) if want else None for want in wanted[:7]]


_shelf = Shelf()


@torch.library.custom_op("grucast::gru_layer", mutates_args=(), device_types="cpu")
def _operator(  # noqa: PLR0913, PLR0917
    x: Tensor,
    hidden: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None,
    bias_hh: Tensor | None,
    lengths: Tensor | None,
    reset_after: bool,
    reverse: bool,
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """What compilers and exporters see: output (T, B, H), final state (B, H), and what backward needs, if kept."""
    _check_shapes(x, hidden, weight_ih, weight_hh, bias_ih, bias_hh)
    lengths = None if lengths is None else check_lengths(lengths, x)
    saved = x.new_zeros(_saved_bound(x, hidden) if keep else 0)  # an operator's results are defined to the last element
    inputs = (x, hidden, weight_ih, weight_hh, bias_ih, bias_hh, lengths, reset_after, reverse)
    return (*_forward(saved if keep else None, *inputs), saved)


@_operator.register_fake
def _(x: Tensor, hidden: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    saved = x.new_empty(_saved_bound(x, hidden) if rest[-1] else 0)
    return _empty_like_rows_of(x, hidden.shape[1]), torch.empty_like(hidden, memory_format=_DENSE), saved


@torch.library.custom_op("grucast::gru_layer_backward", mutates_args=(), device_types="cpu")
def _operator_backward(
    inputs: list[Tensor],
    lengths: Tensor | None,
    output: Tensor,
    saved: Tensor,
    d_output: Tensor | None,
    d_final: Tensor | None,
    reset_after: bool,
    reverse: bool,
) -> list[Tensor]:
    """Gradients of x, hidden, weight_ih, weight_hh, bias_ih and bias_hh; `inputs` are the first four."""
    arguments = [*inputs, None, None, lengths]
    results = _backward(arguments, output, saved, (reset_after, reverse), (d_output, d_final), [True] * 6)
    return [t for t in results if t is not None]


@_operator_backward.register_fake
def _(inputs: list[Tensor], *_rest: Any) -> list[Tensor]:
    x, *others = inputs
    bias = others[2].new_empty(len(others[2]))
    dense = [torch.empty_like(t, memory_format=_DENSE) for t in others]
    return [_empty_like_rows_of(x, x.shape[2]), *dense, bias, torch.empty_like(bias)]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs[:4], inputs[6], output[0], output[2])
    ctx.options = inputs[7:9]
    ctx.set_materialize_grads(False)


def _differentiate(ctx: Any, d_output: Tensor | None, d_final: Tensor | None, _: Any) -> tuple[Tensor | None, ...]:
    *inputs, lengths, output, saved = ctx.saved_tensors
    results = _operator_backward(inputs, lengths, output, saved, d_output, d_final, *ctx.options)
    wanted = zip(results, ctx.needs_input_grad, strict=False)
    return (*(d if want else None for d, want in wanted), None, None, None, None)


_operator.register_autograd(_differentiate, setup_context=_setup)


def _saved_bound(x: Tensor, hidden: Tensor) -> int:
    """At least `native.saved_size`, and without its cases, so that sizes may be symbols."""
    steps, batch, _ = x.shape
    return (batch + 15) // 16 * 16 * steps * 4 * ((hidden.shape[1] + 15) // 16 * 16)


def _check_shapes(x: Tensor, hidden: Tensor, weight_ih: Tensor, weight_hh: Tensor, *biases: Tensor | None) -> None:
    size = weight_hh.shape[1]
    wanted = [(x.shape[1], size), (3 * size, x.shape[2]), (3 * size, size)] + [(3 * size,)] * 2
    for tensor, shape in zip((hidden, weight_ih, weight_hh, *biases), wanted, strict=True):
        if tensor is not None and tensor.shape != shape:
            raise ShapeError(f"expected shape {shape}, got {tuple(tensor.shape)}")
