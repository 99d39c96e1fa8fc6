"""The layer against flax.linen.GRUCell."""

import flax
import jax
import numpy as np
import pytest
import torch
from flax import linen
from tests.differences import assert_near

from grucast.errors import MismatchError
from grucast.nn import convert_flax, from_flax


def draw(inputs, size, seed=0):
    """A cell's parameters as Flax draws them, with random biases."""
    cell = linen.GRUCell(features=size, bias_init=linen.initializers.normal(0.5))
    return cell.init(jax.random.key(seed), np.zeros((1, size), "float32"), np.zeros((1, inputs), "float32"))["params"]


@pytest.mark.parametrize(("batch", "steps", "inputs", "size"), [(1, 1, 1, 1), (3, 7, 4, 5), (16, 20, 3, 33)])
@pytest.mark.parametrize("cells", [1, 2])
def test_cells_of_flax_give_their_outputs_here(batch, steps, inputs, size, cells):
    stack = [draw(inputs, size), draw(size, size, seed=1)][:cells]
    x = np.random.default_rng(20140601).normal(size=(batch, steps, inputs)).astype("float32")
    output, _ = from_flax(stack)(torch.from_numpy(x))
    for params in stack:
        x = linen.RNN(linen.GRUCell(features=size)).apply({"params": {"cell": params}}, x)
    assert_near(output.detach(), x, f"Flax {flax.__version__}")


def test_another_order_of_gates_is_refused(monkeypatch):
    monkeypatch.setattr(convert_flax, "GATES", "zrn")
    with pytest.raises(MismatchError, match="Flax"):
        from_flax(draw(4, 5))
