"""The GRU as torch modules."""

from grucast.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise MissingExtraError("torch", "torch") from error

from grucast.nn.cell import GRUCell as GRUCell
from grucast.nn.convert_flax import from_flax as from_flax
from grucast.nn.convert_keras import from_keras as from_keras
from grucast.nn.convert_keras import to_keras as to_keras
from grucast.nn.convert_onnx import from_onnx as from_onnx
from grucast.nn.convert_onnx import to_onnx as to_onnx
from grucast.nn.convert_torch import from_torch as from_torch
from grucast.nn.convert_torch import to_torch as to_torch
from grucast.nn.gru import GRU as GRU
from grucast.nn.gru import join_final_states as join_final_states
from grucast.nn.net import GRUNet as GRUNet

__all__ = [
    "GRU",
    "GRUCell",
    "GRUNet",
    "from_flax",
    "from_keras",
    "from_onnx",
    "from_torch",
    "join_final_states",
    "to_keras",
    "to_onnx",
    "to_torch",
]
