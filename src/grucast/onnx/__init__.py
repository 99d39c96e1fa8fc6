"""ONNX: a whole forecast as one graph, for runtimes that know nothing of grucast."""

from grucast.onnx.export import export as export
