"""The native layer under torch: one layer, in one or both directions, with its gradients."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from grucast.kernels import native
from grucast.nn import dispatch, native_call
from grucast.nn.buffer_pool import BufferPool
from grucast.nn.gradients import by_operations, needs_operations
from grucast.nn.per_sample import are_expanded, run_each
from grucast.nn.torch_ops import LayerOptions, is_recorded, is_traced

DTYPES = (torch.float32, torch.float64)


def runs_natively(x: Tensor, initial: Tensor | None, weight: Tensor) -> bool:
    """Whether the kernels can take these tensors; torch's operations take all others."""
    return (
        native.available()
        and x.is_cpu
        and weight.device == x.device
        and x.dtype in DTYPES
        and x.dtype == weight.dtype
        and (initial is None or (initial.is_cpu and initial.dtype == x.dtype))
        and not _is_transformed()
    )


def _is_transformed() -> bool:
    """Whether a transform such as vmap, a trace or forward-mode derivatives look into the operations."""
    if torch.compiler.is_compiling():
        return torch._C._are_functorch_transforms_active()
    if torch._C._is_tracing() and torch.onnx.is_in_onnx_export():
        return True
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


def run_layer(
    x: Tensor,
    initial: Tensor | None,
    parameters: Sequence[Tensor],
    options: LayerOptions,
    lengths: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One layer in D directions over whole sequences, natively.

    Args:
        x: Inputs, (T, B, I), with batch_first (B, T, I).
        initial: Initial states, (D, B, H); None is zero.
        parameters: Of each direction weight_ih, weight_hh and, with bias, bias_ih, bias_hh.
        options: What kind of layer it is.
        lengths: Valid steps of each row, (B,), checked.

    Returns:
        Output (T, B, D * H), with batch_first (B, T, D * H), and final states (D, B, H).
    """
    if torch.compiler.is_compiling() or is_recorded() or not _PLAIN.issuperset(map(type, (x, initial, *parameters))):
        if are_expanded(parameters):
            return run_each(x, initial, parameters, options, lengths)
        keep = torch.is_grad_enabled() and not is_traced()  # a trace is for both modes
        output, final, _ = dispatch.layer(x, initial, lengths, list(parameters), *options, keep)
        return output, final
    if torch.is_grad_enabled() and (
        x.requires_grad or (initial is not None and initial.requires_grad) or any([p.requires_grad for p in parameters])  # noqa: C419
    ):
        return _apply(options, lengths, x, initial, *parameters)
    return native_call.forward(options, lengths, x, initial, parameters, None)


_PLAIN = frozenset((Tensor, torch.nn.Parameter, type(None)))


class _Layer(torch.autograd.Function):
    """The operator without the dispatcher's cost, which is several times that of a short sequence."""

    @staticmethod
    def forward(
        ctx: Any, options: LayerOptions, lengths: Tensor | None, x: Tensor, initial: Tensor | None, *parameters: Tensor
    ) -> tuple[Tensor, Tensor]:
        kept = _pool.take(native_call.kept_size(options, x, parameters), x.dtype)
        output, final = native_call.forward(options, lengths, x, initial, parameters, kept)
        ctx.save_for_backward(kept, lengths, x, initial, *parameters)
        ctx.options = options
        ctx.set_materialize_grads(False)
        return output, final

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        kept, lengths, x, initial, *parameters = ctx.saved_tensors
        layer = (gradients, ctx.options, lengths, x, initial, parameters)
        if needs_operations(gradients):
            return None, None, *by_operations(*layer)
        if is_recorded() or not _PLAIN.issuperset(map(type, gradients)):
            return None, None, *dispatch.backward(*layer, kept)
        return None, None, *native_call.backward(*layer, kept, ctx.needs_input_grad[2:])


# What _Layer.apply comes down to when no transform is at work, and `runs_natively` has seen that none is.
_apply: Callable[..., tuple[Tensor, Tensor]] = super(torch.autograd.Function, _Layer).apply
_pool = BufferPool()
