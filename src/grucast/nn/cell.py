"""One step of the GRU as a module: torch.nn.GRUCell's interface and both variants of the function."""

from typing import Any

import torch
from torch import _VF, Tensor, nn
from torch.fx import Proxy

from grucast.nn.autograd import run_layer, runs_natively
from grucast.nn.leaf import record_call, refuse_script
from grucast.nn.torch_ops import LayerOptions, autocast_dtype, has_fused_kernel, is_traced, recur_layer

PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class GRUCell(nn.RNNCellBase):
    r"""One step of the gated recurrent unit; a drop-in for torch.nn.GRUCell.

        reset     = sigmoid(x W_ir^T + b_ir + h W_hr^T + b_hr)                (B, H)
        update    = sigmoid(x W_iz^T + b_iz + h W_hz^T + b_hz)                (B, H)
        candidate = tanh(x W_in^T + b_in + reset * (h W_hn^T + b_hn))         reset_after, as torch and cuDNN
        candidate = tanh(x W_in^T + b_in + (reset * h) W_hn^T + b_hn)         else, as published
        h'        = update * h + (1 - update) * candidate                     (B, H)

    Parameters: `weight_ih` (3H, I), `weight_hh` (3H, H), `bias_ih` and `bias_hh` (3H,).

    Args:
        input_size: Features of the input, I.
        hidden_size: Size of the state, H.
        bias: Whether there are biases.
        reset_after: Whether the reset gate acts after the recurrent product or before it.
        device: Where the parameters are.
        dtype: Type of the parameters.

    Raises:
        TypeError: reset_after is not a bool.

    Source: Cho et al. 2014, arXiv:1406.1078; Chung et al. 2014, arXiv:1412.3555.

    >>> import torch
    >>> from grucast.nn import GRUCell
    >>> cell = GRUCell(3, 8, reset_after=False)
    >>> cell
    GRUCell(3, 8, reset_after=False)
    >>> cell(torch.zeros(2, 3)).shape
    torch.Size([2, 8])
    """

    __prepare_scriptable__ = refuse_script

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        reset_after: bool = True,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        # torch.nn.GRUCell has the device in this place.
        if not isinstance(reset_after, bool):
            raise TypeError(f"reset_after should be of type bool, got: {type(reset_after).__name__}")
        super().__init__(input_size, hidden_size, bias, num_chunks=3, device=device, dtype=dtype)
        self.reset_after = reset_after

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state.

        Args:
            input: Input, (B, I), or (I,) without a batch.
            hx: State, (B, H) or (H,); None is zero.

        Returns:
            The state after this step, (B, H) or (H,).

        Raises:
            RuntimeError, ValueError: input or hx has the wrong rank, size or dtype, as torch.nn.GRUCell.
        """
        if isinstance(input, Proxy) or isinstance(hx, Proxy):
            recorded: Tensor = record_call(self, input, hx)
            return recorded
        for name, tensor in (("input", input), ("hidden", hx)):
            if tensor is not None and tensor.dim() not in (1, 2):
                raise ValueError(f"GRUCell: Expected {name} to be 1D or 2D, got {tensor.dim()}D instead")
        single = input.dim() == 1
        x = input.unsqueeze(0) if single else input
        hidden = hx.unsqueeze(0) if single and hx is not None else hx
        # The attributes themselves may be parametrized; a look into the dictionary is cheaper where it succeeds.
        known = self._parameters
        weights: list[Any] = [known[n] if n in known else getattr(self, n) for n in PARAMETERS]
        dtype = weights[1].dtype
        if kind := autocast_dtype(x, hidden, dtype):
            new = self._step(weights, x.to(dtype), None if hidden is None else hidden.to(dtype)).to(kind)
        else:
            new = self._step(weights, x, hidden)
        return new.squeeze(0) if single else new

    def extra_repr(self) -> str:
        """Arguments that differ from their defaults, as torch.nn.GRUCell shows them."""
        return super().extra_repr() + ("" if self.reset_after else ", reset_after=False")

    def _step(self, weights: list[Any], x: Tensor, hidden: Tensor | None) -> Tensor:
        self._check_sizes(x, hidden)
        if has_fused_kernel(x, self.reset_after):
            hidden = x.new_zeros(x.shape[0], self.hidden_size) if hidden is None else hidden
            new: Tensor = _VF.gru_cell(x, hidden, *weights)
            return new
        # One step in torch's operations fits any batch, and such a trace needs no grucast where it is loaded.
        run = run_layer if runs_natively(x, hidden, weights[1]) and not is_traced() else recur_layer
        hidden = None if hidden is None else hidden.unsqueeze(0)
        parameters = weights if weights[2] is not None else weights[:2]
        return run(x.unsqueeze(0), hidden, parameters, LayerOptions(self.reset_after))[1].squeeze_(0)  # no view

    def _check_sizes(self, x: Tensor, hidden: Tensor | None) -> None:
        """The checks, and the words, of torch's own op."""
        if x.shape[1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {x.shape[1]} expected {self.input_size}")
        if hidden is None:
            return
        if hidden.dim() != 2:
            raise RuntimeError(f"Expected 2D hidden0 (batch x hidden_size), but got {hidden.dim()}D tensor")
        if hidden.shape[0] != x.shape[0]:
            raise RuntimeError(f"Input batch size {x.shape[0]} doesn't match hidden0 batch size {hidden.shape[0]}")
        if hidden.shape[1] != self.hidden_size:
            sizes = f"got {hidden.shape[1]}, expected {self.hidden_size}"
            raise RuntimeError(f"hidden0 has inconsistent hidden_size: {sizes}")
