"""The native layer under torch: one layer, in one or both directions, with its gradients."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from grucast.kernels import native
from grucast.nn import calls
from grucast.nn.buffers import Lease, Shelf
from grucast.nn.recurrence import Options, check_lengths, recur_layer

DTYPES = (torch.float32, torch.float64)


def runs_natively(x: Tensor, hx: Tensor | None, weight: Tensor) -> bool:
    """Whether the kernels can take these tensors; torch's operations take all others."""
    return (
        native.available()
        and x.is_cpu
        and weight.is_cpu
        and x.dtype in DTYPES
        and x.dtype == weight.dtype
        and (hx is None or (hx.is_cpu and hx.dtype == x.dtype))
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
    x: Tensor, hx: Tensor | None, parameters: Sequence[Tensor], options: Options, lengths: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One layer in D directions over whole sequences, natively.

    Args:
        x: Inputs, (T, B, I), with batch_first (B, T, I).
        hx: Initial states, (D, B, H); None is zero.
        parameters: Of each direction weight_ih, weight_hh and, with bias, bias_ih, bias_hh.
        options: What kind of layer it is.
        lengths: Valid steps of each row, (B,), checked.

    Returns:
        Output (T, B, D * H), with batch_first (B, T, D * H), and final states (D, B, H).
    """
    if torch.compiler.is_compiling() or type(x) is not Tensor or type(parameters[1]) not in _PLAIN:
        keep = torch.is_grad_enabled() and not options.recompute
        output, final, _ = _operator(x, hx, lengths, list(parameters), *options, keep)
        return output, final
    if torch.is_grad_enabled() and (
        x.requires_grad or (hx is not None and hx.requires_grad) or any(p.requires_grad for p in parameters)
    ):
        return _apply(options, lengths, x, hx, *parameters)
    return calls.forward(options, lengths, x, hx, parameters, None)


_PLAIN = (Tensor, torch.nn.Parameter)


class _Layer(torch.autograd.Function):
    """The operator without the dispatcher's cost, which is several times that of a short sequence."""

    @staticmethod
    def forward(
        ctx: Any, options: Options, lengths: Tensor | None, x: Tensor, hx: Tensor | None, *parameters: Tensor
    ) -> tuple[Tensor, Tensor]:
        ctx.lease = None if options.recompute else _lease(options, x, parameters)
        saved = None if ctx.lease is None else ctx.lease.memory
        output, final = calls.forward(options, lengths, x, hx, parameters, saved)
        ctx.save_for_backward(output, lengths, x, hx, *parameters)
        ctx.options = options
        ctx.set_materialize_grads(False)
        return output, final

    @staticmethod
    def backward(ctx: Any, d_output: Tensor | None, d_final: Tensor | None) -> tuple[Tensor | None, ...]:
        output, lengths, x, hx, *parameters = ctx.saved_tensors
        wanted = ctx.needs_input_grad[2:]
        if torch.is_grad_enabled():  # someone wants to differentiate the gradients
            return (None, None, *_differentiable((d_output, d_final), ctx.options, lengths, x, hx, parameters, wanted))
        saved = None if ctx.lease is None else ctx.lease.memory
        results = calls.backward((d_output, d_final), ctx.options, lengths, x, hx, parameters, (output, saved), wanted)
        return (None, None, *results)


# What _Layer.apply comes down to when no transform is at work, and `runs_natively` has seen that none is.
_apply: Callable[..., tuple[Tensor, Tensor]] = super(torch.autograd.Function, _Layer).apply
_shelf = Shelf()


def _lease(options: Options, x: Tensor, parameters: Sequence[Tensor]) -> Lease:
    batch, steps = x.shape[:2] if options.batch_first else x.shape[1::-1]
    size = native.saved_size(batch, steps, parameters[1].shape[1])
    return _shelf.take(2 * size if options.bidirectional else size, x.dtype)


def _differentiable(
    gradients: Sequence[Tensor | None],
    options: Options,
    lengths: Tensor | None,
    x: Tensor,
    hx: Tensor | None,
    parameters: Sequence[Tensor],
    wanted: Sequence[bool],
) -> list[Tensor | None]:
    """The same gradients with a graph of their own: forward again, in operations that torch can differentiate."""
    with torch.enable_grad():
        results = recur_layer(x, hx, parameters, options, lengths)
    pairs = [(result, g) for result, g in zip(results, gradients, strict=True) if g is not None]
    outputs, given = zip(*pairs, strict=True)
    sources = [t for t, want in zip((x, hx, *parameters), wanted, strict=True) if want and t is not None]
    found = iter(torch.autograd.grad(outputs, sources, given, create_graph=True, allow_unused=True))
    return [next(found) if want else None for want in wanted]


@torch.library.custom_op("grucast::gru_layer", mutates_args=(), device_types="cpu")
def _operator(  # noqa: PLR0913, PLR0917 - what compilers see has no structures
    x: Tensor,
    hx: Tensor | None,
    lengths: Tensor | None,
    parameters: list[Tensor],
    reset_after: bool,
    batch_first: bool,
    bidirectional: bool,
    recompute: bool,
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """What compilers and exporters see: output, final states, and what backward needs, if kept."""
    options = Options(reset_after, batch_first, bidirectional, recompute)
    lengths = None if lengths is None else check_lengths(lengths, x, batch_first)
    saved = x.new_zeros(_saved_bound(options, x, parameters) if keep else 0)  # results are defined to the last element
    return (*calls.forward(options, lengths, x, hx, parameters, saved if keep else None), saved)


@_operator.register_fake
def _(x: Tensor, _hx: Any, _lengths: Any, parameters: list[Tensor], *rest: Any) -> Any:
    *options, keep = rest
    saved = x.new_empty(_saved_bound(Options(*options), x, parameters) if keep else 0)
    return (*calls.empty_results(Options(*options), x, parameters), saved)


@torch.library.custom_op("grucast::gru_layer_backward", mutates_args=(), device_types="cpu")
def _operator_backward(  # noqa: PLR0913, PLR0917
    d_output: Tensor | None,
    d_final: Tensor | None,
    x: Tensor,
    hx: Tensor | None,
    lengths: Tensor | None,
    parameters: list[Tensor],
    output: Tensor,
    saved: Tensor,
    reset_after: bool,
    batch_first: bool,
    bidirectional: bool,
) -> list[Tensor]:
    """Gradients of x, hx unless it is None, and the parameters."""
    options = Options(reset_after, batch_first, bidirectional)
    wanted = [True] * (2 + len(parameters))
    computed = (output, saved if saved.numel() or not output.numel() else None)
    results = calls.backward((d_output, d_final), options, lengths, x, hx, parameters, computed, wanted)
    return [t for t in results if t is not None]


@_operator_backward.register_fake
def _(_o: Any, _f: Any, x: Tensor, hx: Tensor | None, _l: Any, parameters: list[Tensor], *_rest: Any) -> list[Tensor]:
    others = [] if hx is None else [hx]
    return [torch.empty_like(t, memory_format=torch.contiguous_format) for t in (x, *others, *parameters)]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    x, hx, lengths, parameters, *options = inputs
    ctx.save_for_backward(x, hx, lengths, output[0], output[2], *parameters)
    ctx.options = options[:3]
    ctx.set_materialize_grads(False)


def _differentiate(ctx: Any, d_output: Tensor | None, d_final: Tensor | None, _: Any) -> tuple[Any, ...]:
    x, hx, lengths, output, saved, *parameters = ctx.saved_tensors
    d_x, *others = _operator_backward(d_output, d_final, x, hx, lengths, parameters, output, saved, *ctx.options)
    d_hx = None if hx is None else others.pop(0)
    return (d_x, d_hx, None, others, *[None] * 5)


_operator.register_autograd(_differentiate, setup_context=_setup)


def _saved_bound(options: Options, x: Tensor, parameters: Sequence[Tensor]) -> int:
    """At least `native.saved_size`, and without its cases, so that sizes may be symbols."""
    batch, steps = x.shape[:2] if options.batch_first else x.shape[1::-1]
    each = (batch + 15) // 16 * 16 * steps * 4 * ((parameters[1].shape[1] + 15) // 16 * 16)
    return 2 * each if options.bidirectional else each
