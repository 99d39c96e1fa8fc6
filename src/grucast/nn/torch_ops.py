"""One GRU layer in one direction by torch operations: any device, any dtype, differentiable as often as you like."""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from grucast.errors import ConfigError, ShapeError

Result = TypeVar("Result", bound=tuple[Tensor, ...])


class DirectionWeights(NamedTuple):
    """Parameters of one layer and direction, gates in the order reset, update, candidate; no bias is a zero bias."""

    weight_ih: Tensor  # (3H, I)
    weight_hh: Tensor  # (3H, H)
    bias_ih: Tensor  # (3H,)
    bias_hh: Tensor  # (3H,)

    @classmethod
    def of(cls, parameters: Sequence[Tensor]) -> "DirectionWeights":
        """Two parameters are a layer without bias, four one with it."""
        weight_ih, weight_hh, *biases = parameters
        zero = weight_ih.new_zeros(weight_ih.shape[0])
        bias_ih, bias_hh = biases or (zero, zero)
        return cls(weight_ih, weight_hh, bias_ih, bias_hh)


class Gates(NamedTuple):
    """What one layer and direction did at every step, each (T, B, H), or (B, T, H) out of `GRU.trace`."""

    reset: Tensor
    update: Tensor
    candidate: Tensor
    hidden: Tensor


class LayerOptions(NamedTuple):
    """What distinguishes one layer from another, besides its parameters."""

    reset_after: bool = True
    batch_first: bool = False
    bidirectional: bool = False
    recompute: bool = False  # backward computes the gates again instead of keeping them in memory


def is_traced() -> bool:
    """Whether torch.jit.trace records what is done."""
    return not torch.compiler.is_compiling() and torch._C._is_tracing()  # compilers know the first alone


def is_recorded() -> bool:
    """Whether a trace or a dispatch mode, such as a counter of operations, wants to see every operator."""
    return _is_tracing() or _count_modes() > 0 or _is_included(_PRE_DISPATCH)


_is_tracing, _count_modes = torch._C._is_tracing, torch._C._len_torch_dispatch_stack
_is_included, _PRE_DISPATCH = torch._C._dispatch_tls_is_dispatch_key_included, torch._C.DispatchKey.PreDispatch


def has_fused_kernel(x: Tensor, reset_after: bool) -> bool:
    """Whether torch itself has one operator for the whole sequence that is the better choice, for its own variant.

    On CUDA it is cuDNN; in a trace it runs wherever the trace is loaded.
    """
    return reset_after and (x.is_cuda or is_traced())


def check_lengths(lengths: Tensor | Sequence[int], x: Tensor, batch_first: bool = False) -> Tensor:
    """Lengths as int64 on the device of x, (T, B, I) or (B, T, I), or an error that says what is wrong with them.

    They are a copy: backward reads them again, and the caller may have refilled the buffer by then.
    """
    try:
        given = torch.as_tensor(lengths, device=x.device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"lengths must be integers, one for each row: {error}") from error
    if torch.compiler.is_compiling() or x.is_meta or (_is_watched() and not torch.onnx.is_in_onnx_export()):
        checked: Tensor = _lengths_operator(given, x.detach(), batch_first)
        return checked
    return _checked_copy(given, x, batch_first)


def _is_watched() -> bool:
    return is_recorded() or torch._C._are_functorch_transforms_active()


def _checked_copy(lengths: Tensor, x: Tensor, batch_first: bool) -> Tensor:
    steps, batch = x.shape[1::-1] if batch_first else x.shape[:2]
    if lengths.shape != (batch,):
        raise ShapeError(f"lengths must have shape ({batch},), one number for each row, got {tuple(lengths.shape)}")
    if batch and (lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool):
        raise ConfigError(f"lengths must be integers, got {lengths.dtype}")
    if batch and not lengths.untyped_storage().nbytes():
        raise ConfigError("lengths have no memory: their storage was freed")
    result = lengths.to(torch.int64, copy=True)
    if batch and not bool(((result >= 0) & (result <= steps)).all()):
        low, high = int(result.min()), int(result.max())
        raise ConfigError(f"lengths must be between 0 and the {steps} steps of x, got {low} to {high}")
    return result


# Recorded and transformed programs check and copy where they run; what an operator gives is not computed again for
# backward.
_lengths_operator = torch.library.custom_op("grucast::check_lengths", _checked_copy, mutates_args=())


@_lengths_operator.register_fake
def _(lengths: Tensor, _x: Tensor, _batch_first: bool) -> Tensor:
    return lengths.new_empty(lengths.shape, dtype=torch.int64)


@_lengths_operator.register_vmap
def _(info: Any, dims: tuple[int | None, ...], lengths: Tensor, x: Tensor, batch_first: bool) -> tuple[Tensor, int]:
    given = zip((lengths, x), dims[:2], strict=True)
    each = [t.expand(info.batch_size, *t.shape) if dim is None else t.movedim(dim, 0) for t, dim in given]
    return torch.stack([_lengths_operator(n, one, batch_first) for n, one in zip(*each, strict=True)]), 0


def autocast_dtype(x: Tensor, initial: Tensor | None, dtype: torch.dtype) -> torch.dtype | None:
    """What torch's layers return where autocast lets inputs differ from weights of this dtype; None where it does not.

    Such inputs are computed with in the weights' own dtype.
    """
    if x.dtype == dtype and (initial is None or initial.dtype == dtype):
        return None
    kind = x.device.type
    if not (torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)):
        return None
    return torch.promote_types((x if initial is None else initial).dtype, torch.get_autocast_dtype(kind))


def full_precision(function: Callable[..., Result]) -> Callable[..., Result]:
    """Run `function(x, ...)` without autocast: rounding the state to 16 bits at every step would pile up."""

    @wraps(function)
    def run(x: Tensor, *rest: Any, **named: Any) -> Result:
        kind = x.device.type
        if not (torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)):
            return function(x, *rest, **named)
        with torch.autocast(kind, enabled=False):
            return function(x, *rest, **named)

    return run


def recur_layer(
    x: Tensor,
    initial: Tensor | None,
    parameters: Sequence[Tensor],
    options: LayerOptions,
    lengths: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One layer in one or both directions; arguments and results as in `autograd.run_layer`."""
    x = x.transpose(0, 1) if options.batch_first else x
    directions = 2 if options.bidirectional else 1
    each = len(parameters) // directions
    if initial is None:
        initial = x.new_zeros(directions, x.shape[1], parameters[1].shape[1])
    weights = [DirectionWeights.of(parameters[i * each : (i + 1) * each]) for i in range(directions)]
    pairs = [recur(x, initial[i], weights[i], options.reset_after, lengths, reverse=i == 1) for i in range(directions)]
    outputs, finals = zip(*pairs, strict=True)
    output = torch.cat(outputs, 2) if options.bidirectional else outputs[0]
    # Not a view: wrappers such as fully_shard warn of these.
    return output.transpose_(0, 1) if options.batch_first else output, torch.stack(finals)


@full_precision
def recur(
    x: Tensor,
    initial: Tensor,
    weights: DirectionWeights,
    reset_after: bool = True,
    lengths: Tensor | None = None,
    reverse: bool = False,
) -> tuple[Tensor, Tensor]:
    """One layer in one direction over whole sequences.

    Args:
        x: Inputs, (T, B, I) with T > 0.
        initial: Initial state, (B, H).
        weights: Parameters of the layer.
        reset_after: Whether the reset gate acts after the recurrent product or before it.
        lengths: Valid steps of each row, (B,); beyond them the output is zero and the state stays.
        reverse: Run from the last valid step to the first.

    Returns:
        Output (T, B, H) and final state (B, H).
    """
    valid = None
    if lengths is not None:
        valid = (torch.arange(x.shape[0], device=x.device)[:, None] < lengths).unsqueeze(2)  # (T, B, 1)
        x = x.masked_fill(~valid, 0)  # padding may hold NaN, and 0 * NaN would spoil the gradients
    states = [step.hidden for step in _steps(x, initial, weights, reset_after, valid, reverse)]
    output = torch.stack(states[::-1] if reverse else states)
    return output if valid is None else output.masked_fill(~valid, 0), states[-1]


@full_precision
def recur_gates(
    x: Tensor, initial: Tensor, weights: DirectionWeights, reset_after: bool = True, reverse: bool = False
) -> Gates:
    """The gates, candidates and states of one layer in one direction, each (T, B, H); arguments as in `recur`."""
    steps = list(_steps(x, initial, weights, reset_after, None, reverse))
    return Gates(*map(torch.stack, zip(*(steps[::-1] if reverse else steps), strict=True)))


def _steps(
    x: Tensor, hidden: Tensor, weights: DirectionWeights, reset_after: bool, valid: Tensor | None, reverse: bool
) -> Iterator[Gates]:
    """The recurrence, step by step: (B, H) each, in the order of computation."""
    size = hidden.shape[1]
    x_gates, x_candidates = _project(x, weights, reset_after)
    # On CPU a copy once is cheaper than T products with a transposed view.
    w_gates, w_candidate = (w.t().contiguous() for w in _cut(weights.weight_hh))
    b_candidate = weights.bias_hh[2 * size :]
    for t in reversed(range(x.shape[0])) if reverse else range(x.shape[0]):
        reset, update = torch.addmm(x_gates[t], hidden, w_gates).sigmoid_().chunk(2, 1)
        if reset_after:
            recurrent = torch.addmm(b_candidate, hidden, w_candidate)
            candidate = torch.addcmul(x_candidates[t], reset, recurrent).tanh_()
        else:
            candidate = torch.addmm(x_candidates[t], reset * hidden, w_candidate).tanh_()
        new = torch.lerp(candidate, hidden, update)  # update * hidden + (1 - update) * candidate
        hidden = new if valid is None else torch.where(valid[t], new, hidden)
        yield Gates(reset, update, candidate, hidden)


def _project(x: Tensor, weights: DirectionWeights, reset_after: bool) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """The input's share of the gates, T times (B, 2H), and of the candidate, T times (B, H).

    It carries every bias that no gate multiplies, so that the steps need not add them.
    """
    size = weights.weight_hh.shape[1]
    bias_hh = functional.pad(weights.bias_hh[: 2 * size], (0, size)) if reset_after else weights.bias_hh
    pieces = zip(_cut(weights.weight_ih), _cut(weights.bias_ih + bias_hh), strict=True)
    gates, candidates = (functional.linear(x, weight, bias).unbind(0) for weight, bias in pieces)
    return gates, candidates


def _cut(parameter: Tensor) -> tuple[Tensor, Tensor]:
    """The rows of both gates, 2H, and those of the candidate, H."""
    size = parameter.shape[0] // 3
    return parameter[: 2 * size], parameter[2 * size :]
