"""The same GRU in ONNX Runtime and JAX, where they are installed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

Calls = dict[str, Callable[[], object]]


def onnx_inference(x: torch.Tensor, hidden: int) -> Calls:
    """ONNX Runtime's GRU operator on (T, B, I)."""
    try:
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper
    except ImportError:
        return {}
    batch, steps, inputs = x.shape
    rng = np.random.default_rng(0)
    shapes = {"W": (1, 3 * hidden, inputs), "R": (1, 3 * hidden, hidden), "B": (1, 6 * hidden)}
    weights = [numpy_helper.from_array(rng.normal(0, 0.1, s).astype(np.float32), n) for n, s in shapes.items()]
    node = helper.make_node("GRU", ["X", *shapes], ["Y", "Y_h"], hidden_size=hidden, linear_before_reset=1)
    given = [helper.make_tensor_value_info("X", TensorProto.FLOAT, [steps, batch, inputs])]
    wanted = [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)]
    graph = helper.make_graph([node], "gru", given, wanted, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    array = np.ascontiguousarray(x.transpose(0, 1).numpy())
    return {"ONNX Runtime": lambda: session.run(None, {"X": array})}


def jax_training(x: torch.Tensor, hidden: int) -> Calls:
    """Forward and backward of a compiled scan in JAX."""
    loss, arguments = jax_scan(x, hidden)
    if loss is None:
        return {}
    import jax

    gradient = jax.jit(jax.grad(loss))
    return {"JAX scan": lambda: jax.block_until_ready(gradient(*arguments))}


def jax_inference(x: torch.Tensor, hidden: int) -> Calls:
    """Forward of a compiled scan in JAX."""
    loss, arguments = jax_scan(x, hidden)
    if loss is None:
        return {}
    import jax

    forward = jax.jit(loss)
    return {"JAX scan": lambda: jax.block_until_ready(forward(*arguments))}


def jax_scan(x: torch.Tensor, hidden: int) -> tuple[Any, tuple[Any, ...]]:
    """The sum of the last state as a function of weights and inputs; None without JAX."""
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None, ()
    batch, _, inputs = x.shape
    rng = np.random.default_rng(0)
    shapes = ((inputs, 3 * hidden), (hidden, 3 * hidden), (3 * hidden,), (3 * hidden,))
    weights = tuple(jnp.asarray(rng.normal(0, 0.1, shape), jnp.float32) for shape in shapes)

    def loss(weights: Any, sequence: Any) -> Any:
        w_x, w_h, b_x, b_h = weights
        projected = sequence @ w_x + b_x

        def step(state: Any, row: Any) -> tuple[Any, None]:
            (xr, xz, xn), (hr, hz, hn) = jnp.split(row, 3, axis=1), jnp.split(state @ w_h + b_h, 3, axis=1)
            update = jax.nn.sigmoid(xz + hz)
            candidate = jnp.tanh(xn + jax.nn.sigmoid(xr + hr) * hn)
            return update * state + (1 - update) * candidate, None

        return jax.lax.scan(step, jnp.zeros((batch, hidden)), projected)[0].sum()

    return loss, (weights, jnp.asarray(x.transpose(0, 1).numpy()))
