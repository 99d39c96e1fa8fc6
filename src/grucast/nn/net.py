"""A GRU with a linear layer: sequences to vectors."""

from torch import Tensor, nn

from grucast.nn.gru import GRU, join_final_states


class GRUNet(nn.Module):
    """A GRU and a linear layer upon its final state: sequences (B, T, I) to vectors (B, O).

        y = W h_T + b,   W (O, H), or (O, 2H) upon both directions' final states

    Dropout acts between layers, so only when there are two or more.

    >>> import torch
    >>> from grucast.nn import GRUNet
    >>> GRUNet(1, 32, 1, 1)(torch.zeros(5, 30, 1)).shape
    torch.Size([5, 1])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        output_size: int,
        dropout: float = 0.2,
        bidirectional: bool = False,
        reset_after: bool = True,
    ) -> None:
        super().__init__()
        between = dropout if num_layers > 1 else 0.0
        self.gru = GRU(
            input_size,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=between,
            bidirectional=bidirectional,
            reset_after=reset_after,
        )
        self.fc = nn.Linear(hidden_size * (2 if bidirectional else 1), output_size)

    def forward(self, x: Tensor) -> Tensor:
        """Map sequences (B, T, I) to vectors (B, O)."""
        _, h_n = self.gru(x)
        output: Tensor = self.fc(join_final_states(h_n, self.gru.bidirectional))
        return output
