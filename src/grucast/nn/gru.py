"""The GRU layer: torch.nn.GRU's interface, both variants of the function, and sequences of different lengths."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import _VF, Tensor, nn
from torch.fx import Proxy
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from grucast.errors import ConfigError
from grucast.nn.autograd import run_layer, runs_natively
from grucast.nn.leaf import record_call, refuse_script
from grucast.nn.packed import run_packed
from grucast.nn.torch_ops import (
    DirectionWeights,
    Gates,
    LayerOptions,
    autocast_dtype,
    check_lengths,
    has_fused_kernel,
    is_traced,
    recur_gates,
    recur_layer,
)


# Not a subclass of nn.GRU: tools that know nn.GRU would take reset_after=False for the other function.
class GRU(nn.RNNBase):
    r"""Gated recurrent unit, one or more layers in one or both directions; a drop-in for torch.nn.GRU.

        reset_t     = sigmoid(x_t W_ir^T + b_ir + h_{t-1} W_hr^T + b_hr)                      (B, H)
        update_t    = sigmoid(x_t W_iz^T + b_iz + h_{t-1} W_hz^T + b_hz)                      (B, H)
        candidate_t = tanh(x_t W_in^T + b_in + reset_t * (h_{t-1} W_hn^T + b_hn))             reset_after, as torch
        candidate_t = tanh(x_t W_in^T + b_in + (reset_t * h_{t-1}) W_hn^T + b_hn)             else, as published
        h_t         = update_t * h_{t-1} + (1 - update_t) * candidate_t                       (B, H)

    Parameters have torch.nn.GRU's names, shapes and initial values, gates in the order reset, update, candidate:
    `weight_ih_l{k}[_reverse]` (3H, I), `weight_hh_l{k}` (3H, H), `bias_ih_l{k}` and `bias_hh_l{k}` (3H,).

    Args:
        input_size: Features of one step, I.
        hidden_size: Size of the state, H.
        num_layers: Layers on top of each other.
        bias: Whether there are biases.
        batch_first: Whether tensors are (B, T, ...) instead of (T, B, ...).
        dropout: Share of the outputs of each layer but the last that is dropped while training.
        bidirectional: Whether a second GRU runs from the end of the sequence to its start.
        reset_after: Whether the reset gate acts after the recurrent product or before it.
        device: Where the parameters are.
        dtype: Type of the parameters.
        recompute: Whether backward computes the gates again instead of keeping them in memory: on the CPU a training
            step then keeps only the states, takes a tenth to a third longer and gives the same bits.
        proj_size: An error, as in torch.nn.GRU.

    Raises:
        TypeError, ValueError: An argument has no meaning, as torch.nn.GRU.

    Source: Cho et al. 2014, arXiv:1406.1078; Chung et al. 2014, arXiv:1412.3555.

    >>> import torch
    >>> from grucast.nn import GRU
    >>> gru = GRU(input_size=3, hidden_size=8, batch_first=True, reset_after=False)
    >>> gru
    GRU(3, 8, batch_first=True, reset_after=False)
    >>> output, h_n = gru(torch.zeros(2, 5, 3), lengths=[5, 2])
    >>> output.shape, h_n.shape
    (torch.Size([2, 5, 8]), torch.Size([1, 2, 8]))
    """

    __prepare_scriptable__ = refuse_script

    def __init__(  # noqa: PLR0913, PLR0917 - the arguments of torch.nn.GRU
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        reset_after: bool = True,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
        *,
        recompute: bool = False,
        proj_size: None = None,
    ) -> None:
        if proj_size is not None:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        # Here torch.nn.RNNBase, and so a positional call of torch.nn.GRU, has proj_size.
        if not isinstance(reset_after, bool):
            raise TypeError(f"reset_after should be of type bool, got: {type(reset_after).__name__}")
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )
        self.reset_after, self.recompute = reset_after, recompute

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Tensor | None = None,
        lengths: Tensor | Sequence[int] | None = None,
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Run over whole sequences.

        Args:
            input: Inputs, (T, B, I), with batch_first (B, T, I), one sequence (T, I), or a PackedSequence.
            hx: Initial states, (layers * directions, B, H), for one sequence (layers * directions, H); None is zero.
            lengths: Valid steps of each row, (B,), from 0 to T; beyond them the output is zero and the state stays,
                and the backward direction starts at each row's last valid step.

        Returns:
            Output like input with D * H features, D the number of directions, and the final states, shaped like hx.

        Raises:
            ShapeError: lengths has the wrong shape.
            ConfigError: lengths are not integers, out of range, or given with a PackedSequence or a single sequence.
            RuntimeError, ValueError: input or hx has the wrong rank, size or dtype, as torch.nn.GRU.
        """
        if isinstance(input, Proxy) or isinstance(hx, Proxy) or isinstance(lengths, Proxy):
            result: tuple[Tensor, Tensor] = record_call(self, input, hx, lengths)
            return result
        if lengths is not None and (isinstance(input, PackedSequence) or input.dim() == 2):
            raise ConfigError("lengths need a padded batch; a PackedSequence has its own, one sequence can be cut")
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        weights = self._flat_weights
        x, states = self._as_batch(weights, input, hx)
        given = None if lengths is None else check_lengths(lengths, x, self.batch_first)
        run = self._run_fused if has_fused_kernel(x, self.reset_after) else self._run_layers
        output, h_n = run(weights, self.batch_first, x, states, given)
        return (output, h_n) if input.dim() == 3 else (output.squeeze(0 if self.batch_first else 1), h_n.squeeze(1))

    def trace(self, x: Tensor, hx: Tensor | None = None) -> list[Gates]:
        """Gates, candidates and states of every step: what the network did, without dropout.

        The hidden state is `update * previous + (1 - update) * candidate` of the same entry, where the backward
        direction's previous state is that of step t + 1.

        Args:
            x: Inputs, a tensor as in `forward`.
            hx: Initial states, as in `forward`.

        Returns:
            For each layer and direction, in the order of h_n, `reset, update, candidate, hidden`, (B, T, H) each
            whatever batch_first says, or (T, H) for one sequence.

        Raises:
            ConfigError: x is a PackedSequence.
            RuntimeError, ValueError: As in `forward`.

        >>> import torch
        >>> from grucast.nn import GRU
        >>> GRU(1, 4, num_layers=2).trace(torch.zeros(30, 5, 1))[1].update.shape
        torch.Size([5, 30, 4])
        """
        if isinstance(x, PackedSequence):
            raise ConfigError("trace takes a padded tensor: torch.nn.utils.rnn.pad_packed_sequence makes one")
        weights = self._flat_weights
        batch, hx = self._as_batch(weights, x, hx)
        if autocast_dtype(batch, hx, weights[1].dtype):
            batch, hx = batch.to(weights[1].dtype), None if hx is None else hx.to(weights[1].dtype)
        inputs = batch.transpose(0, 1) if self.batch_first else batch
        states = self._zeros(inputs, inputs.shape[1]) if hx is None else hx
        traces: list[Gates] = []
        for layer in self._layers(weights):
            pair = [recur_gates(inputs, states[i], weights, self.reset_after, reverse) for i, weights, reverse in layer]
            inputs = torch.cat([gates.hidden for gates in pair], 2)
            traces += pair
        return [Gates(*(g.squeeze(1) if x.dim() == 2 else g.transpose(0, 1) for g in gates)) for gates in traces]

    def extra_repr(self) -> str:
        """Arguments that differ from their defaults, as torch.nn.GRU shows them."""
        chosen = ("" if self.reset_after else ", reset_after=False") + (", recompute=True" if self.recompute else "")
        return super().extra_repr() + chosen

    @property
    def _flat_weights(self) -> list[Any]:
        """Parameters, or what stands in their place, as they are: the list that torch.nn.RNNBase keeps grows stale."""
        # The attributes themselves may be parametrized; a look into the dictionary is cheaper where it succeeds.
        known = self._parameters
        return [known[n] if n in known else getattr(self, n, None) for n in self._flat_weights_names]

    @_flat_weights.setter
    def _flat_weights(self, _: list[Any]) -> None: ...

    def _as_batch(self, weights: list[Any], x: Tensor, initial: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Inputs and states checked, with torch's own words; one sequence becomes a batch of one."""
        if x.dim() not in (2, 3):
            raise ValueError(f"GRU: Expected input to be 2D or 3D, got {x.dim()}D instead")
        if initial is not None and initial.dim() != x.dim():
            kind = "batched 3-D" if x.dim() == 3 else "unbatched 2-D"
            raise RuntimeError(f"For {kind} input, hx should also be {x.dim()}-D but got {initial.dim()}-D tensor")
        if x.dim() == 2:
            x, initial = x.unsqueeze(0 if self.batch_first else 1), None if initial is None else initial.unsqueeze(1)
        first, second, features = x.shape
        if features != self.input_size or x.dtype != weights[0].dtype:
            self.check_input(x, None)
        if initial is not None:
            count = self.num_layers * (2 if self.bidirectional else 1)
            self.check_hidden_size(initial, (count, first if self.batch_first else second, self.hidden_size))
        if (second if self.batch_first else first) == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        return x, initial

    def _zeros(self, x: Tensor, batch: Any) -> Tensor:
        return x.new_zeros(self.num_layers * (2 if self.bidirectional else 1), batch, self.hidden_size)

    def _forward_packed(self, x: PackedSequence, initial: Tensor | None) -> tuple[PackedSequence, Tensor]:
        data, batch_sizes, order, original = x
        initial = self._zeros(data, batch_sizes[0]) if initial is None else self.permute_hidden(initial, order)
        self.check_forward_args(data, initial, batch_sizes)
        if has_fused_kernel(data, self.reset_after):
            output, final = _VF.gru(data, batch_sizes, initial, *self._fused_options())
        else:
            output, final = run_packed(partial(self._run_layers, self._flat_weights, False), data, batch_sizes, initial)
        return PackedSequence(output, batch_sizes, order, original), self.permute_hidden(final, original)

    def _run_fused(
        self, weights: list[Any], batch_first: bool, x: Tensor, initial: Tensor | None, lengths: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """All layers in torch's own operator."""
        # A pack has no rows of length 0, and what is traced should not depend on whether there are some.
        if lengths is not None and (is_traced() or not lengths.all()):
            return self._run_layers(weights, batch_first, x, initial, lengths)
        if lengths is None or not len(lengths):
            initial = self._zeros(x, x.shape[0 if batch_first else 1]) if initial is None else initial
            output, final = _VF.gru(x, initial, *self._fused_options(), batch_first)
            return output, final
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first, enforce_sorted=False)
        packed, final = self._forward_packed(packed, initial)
        return pad_packed_sequence(packed, batch_first, total_length=x.shape[1 if batch_first else 0])[0], final

    def _run_layers(
        self, weights: list[Any], batch_first: bool, x: Tensor, initial: Tensor | None, lengths: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Layer by layer, in the native kernels or, where they can't, in torch's operations."""
        dtype = weights[1].dtype
        if kind := autocast_dtype(x, initial, dtype):
            initial = None if initial is None else initial.to(dtype)
            output, final = self._run_layers(weights, batch_first, x.to(dtype), initial, lengths)
            return output.to(kind), final.to(kind)
        options = LayerOptions(self.reset_after, batch_first, self.bidirectional, self.recompute)
        run = run_layer if runs_natively(x, initial, weights[1]) else recur_layer
        each, directions = len(weights) // self.num_layers, 2 if self.bidirectional else 1
        finals: list[Tensor] = []
        for k in range(self.num_layers):
            if k and self.dropout and self.training:
                x = F.dropout(x, self.dropout)
            # A view costs as much as a tenth of a short call.
            own = initial if initial is None or self.num_layers == 1 else initial[k * directions : (k + 1) * directions]
            x, final = run(x, own, weights[k * each : (k + 1) * each], options, lengths)
            finals.append(final)
        return x, finals[0] if len(finals) == 1 else torch.cat(finals)

    def _layers(self, weights: list[Any]) -> list[list[tuple[int, DirectionWeights, bool]]]:
        """For each layer its directions: place among the final states, weights, whether it runs backwards."""
        count, each = 2 if self.bidirectional else 1, 4 if self.bias else 2
        parts = [DirectionWeights.of(weights[i : i + each]) for i in range(0, len(weights), each)]
        directions = [(i, part, i % count == 1) for i, part in enumerate(parts)]
        return [directions[i : i + count] for i in range(0, len(directions), count)]

    def _fused_options(self) -> tuple[list[Any], bool, int, float, bool, bool]:
        """What torch's own op wants after the tensors."""
        self._update_flat_weights()
        return self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional


def join_final_states(h_n: Tensor, bidirectional: bool) -> Tensor:
    """The last layer's final state, (B, D * H): what the network knows after the whole sequence.

    Of a bidirectional network it joins the final states of both directions. `output[:, -1]` does not: there the
    backward half has seen the last step only.

    Args:
        h_n: Final states of `GRU`, (layers * D, B, H), or (layers * D, H) of one sequence.
        bidirectional: Whether the network has two directions, D = 2.

    >>> import torch
    >>> from grucast.nn import GRU, join_final_states
    >>> _, h_n = GRU(1, 4, num_layers=2, bidirectional=True)(torch.zeros(30, 5, 1))
    >>> join_final_states(h_n, bidirectional=True).shape
    torch.Size([5, 8])
    """
    return torch.cat([h_n[-2], h_n[-1]], -1) if bidirectional else h_n[-1]
