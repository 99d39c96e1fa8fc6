"""ONNX: layers out of other programs' models."""

from grucast.onnx.layers import load_layer as load_layer
from grucast.onnx.layers import load_nodes as load_nodes

__all__ = ["load_layer", "load_nodes"]
