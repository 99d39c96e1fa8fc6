"""Gradients of each sample by itself, as torch's `call_for_per_sample_grads` asks for them."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils._expanded_weights.expanded_weights_impl import ExpandedWeight

from grucast.nn.torch_ops import LayerOptions, recur_layer


def are_expanded(parameters: Sequence[Tensor]) -> bool:
    """Whether these stand for weights of each sample's own."""
    return any(type(p) is ExpandedWeight for p in parameters)


def run_each(
    x: Tensor, initial: Tensor | None, parameters: Sequence[Tensor], options: LayerOptions, lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    """One layer whose weights are each sample's own; arguments and results as in `autograd.run_layer`."""
    rows = 0 if options.batch_first else 1

    def run(x: Tensor, initial: Tensor | None, lengths: Tensor | None, *parameters: Tensor) -> tuple[Tensor, Tensor]:
        states = None if initial is None else initial.unsqueeze(1)
        output, final = recur_layer(x.unsqueeze(rows), states, parameters, options, lengths)
        return output.squeeze(rows), final.squeeze(1)

    own = [_spread(p, x.shape[rows]) for p in parameters]
    dims = (rows, None if initial is None else 1, None if lengths is None else 0, *[0] * len(own))
    return torch.vmap(run, dims, (rows, 1))(x, initial, None if lengths is None else lengths[:, None], *own)


def _spread(parameter: Tensor, batch: int) -> Tensor:
    """A parameter for each sample: all that an ExpandedWeight can do is multiply, here unit vectors."""
    shape = parameter.shape
    if not isinstance(parameter, ExpandedWeight):
        return parameter.expand(batch, *shape)
    like = parameter.orig_weight
    if len(shape) == 1:
        return functional.linear(like.new_zeros(batch, 1), like.new_zeros(shape[0], 1), parameter)
    unit = torch.eye(shape[1], dtype=like.dtype, device=like.device)
    return functional.linear(unit.expand(batch, -1, -1), parameter).mT
