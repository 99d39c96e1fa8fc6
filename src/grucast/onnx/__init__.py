"""ONNX: a whole forecast as one graph for runtimes that know nothing of grucast, and layers out of other models."""

from grucast.onnx.export import export as export
from grucast.onnx.layers import load_layer as load_layer
from grucast.onnx.layers import load_nodes as load_nodes

__all__ = ["export", "load_layer", "load_nodes"]
