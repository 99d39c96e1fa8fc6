"""The GRU as torch modules."""

from grucast.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise MissingExtraError("torch (to train)", "train") from error

from grucast.nn.cell import GRUCell as GRUCell
from grucast.nn.gru import GRU as GRU
from grucast.nn.gru import join_final_states as join_final_states
from grucast.nn.networks import GRUNet as GRUNet

__all__ = ["GRU", "GRUCell", "GRUNet", "join_final_states"]
