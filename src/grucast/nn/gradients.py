"""Gradients of a layer in operations that torch can differentiate and batch, where the kernels do not reach."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd import forward_ad

from grucast.nn.torch_ops import LayerOptions, recur_layer


def needs_operations(gradients: Sequence[Tensor | None]) -> bool:
    """Whether someone wants to differentiate what backward does, or a gradient is not memory: many at once, or zero."""
    differentiated = torch.is_grad_enabled() or forward_ad._current_level >= 0
    return differentiated or any(g is not None and _is_apart(g) for g in gradients)


def _is_apart(gradient: Tensor) -> bool:
    functorch = torch._C._functorch
    wrapped = functorch.is_legacy_batchedtensor(gradient) or functorch.is_functorch_wrapped_tensor(gradient)
    return wrapped or gradient._is_zerotensor()


def by_operations(
    gradients: Sequence[Tensor | None],
    options: LayerOptions,
    lengths: Tensor | None,
    x: Tensor,
    initial: Tensor | None,
    parameters: Sequence[Tensor],
) -> list[Tensor | None]:
    """Gradients of x, initial and the parameters, each None unless it requires one: forward again, then torch's own."""
    tensors, create_graph = (x, initial, *parameters), torch.is_grad_enabled()
    with torch.enable_grad():
        results = recur_layer(x, initial, parameters, options, lengths)
    pairs = [(result, g) for result, g in zip(results, gradients, strict=True) if g is not None]
    if not pairs:
        return [None] * len(tensors)
    outputs, given = zip(*pairs, strict=True)
    wanted = [t is not None and t.requires_grad for t in tensors]
    sources = [t for t in tensors if t is not None and t.requires_grad]
    found = iter(torch.autograd.grad(outputs, sources, given, create_graph=create_graph, allow_unused=True))
    return [next(found) if want else None for want in wanted]
