"""One step of the GRU as a module: torch.nn.GRUCell's interface and both variants of the function."""

import torch
from torch import _VF, Tensor, nn

from grucast.nn.autograd import run_layer, runs_natively
from grucast.nn.recurrence import Options, recur_layer


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

    def forward(self, x: Tensor, hx: Tensor | None = None) -> Tensor:
        """The next state.

        Args:
            x: Input, (B, I), or (I,) without a batch.
            hx: State, (B, H) or (H,); None is zero.

        Returns:
            The state after this step, (B, H) or (H,).

        Raises:
            RuntimeError, ValueError: x or hx has the wrong rank, size or dtype, as torch.nn.GRUCell.
        """
        for name, tensor in (("input", x), ("hidden", hx)):
            if tensor is not None and tensor.dim() not in (1, 2):
                raise ValueError(f"GRUCell: Expected {name} to be 1D or 2D, got {tensor.dim()}D instead")
        batch = x if x.dim() == 2 else x.unsqueeze(0)
        if hx is None:
            hidden = batch.new_zeros(len(batch), self.hidden_size)
        else:
            hidden = hx if x.dim() == 2 else hx.unsqueeze(0)
        new = self._step(batch, hidden)
        return new if x.dim() == 2 else new.squeeze(0)

    def extra_repr(self) -> str:
        """Arguments that differ from their defaults, as torch.nn.GRUCell shows them."""
        return super().extra_repr() + ("" if self.reset_after else ", reset_after=False")

    def _step(self, x: Tensor, hidden: Tensor) -> Tensor:
        native = runs_natively(x, hidden, self.weight_hh)
        if self.reset_after and not native:
            new: Tensor = _VF.gru_cell(x, hidden, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
            return new
        self._check_sizes(x, hidden)
        biases = [] if self.bias_ih is None else [self.bias_ih, self.bias_hh]
        parameters = [self.weight_ih, self.weight_hh, *biases]
        run = run_layer if native else recur_layer
        return run(x.unsqueeze(0), hidden.unsqueeze(0), parameters, Options(self.reset_after))[0].squeeze(0)

    def _check_sizes(self, x: Tensor, hidden: Tensor) -> None:
        """The checks, and the words, of torch's own op."""
        if x.shape[1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {x.shape[1]} expected {self.input_size}")
        if len(hidden) != len(x):
            raise RuntimeError(f"Input batch size {len(x)} doesn't match hidden0 batch size {len(hidden)}")
        if hidden.shape[1:] != (self.hidden_size,):
            sizes = f"got {hidden.shape[1]}, expected {self.hidden_size}"
            raise RuntimeError(f"hidden0 has inconsistent hidden_size: {sizes}")
