import numpy as np
import pytest
import torch

from grucast.errors import ConfigError, ShapeError
from grucast.kernels.reference import sigmoid
from grucast.nn import from_flax
from tests.differences import assert_near


def draw(rng, inputs, size):
    """Parameters as flax.linen.GRUCell names them."""
    kernels = {f"i{gate}": rng.normal(size=(inputs, size)) for gate in "rzn"}
    kernels |= {f"h{gate}": rng.normal(size=(size, size)) for gate in "rzn"}
    with_bias = ("ir", "iz", "in", "hn")
    return {n: {"kernel": k} | ({"bias": rng.normal(size=size)} if n in with_bias else {}) for n, k in kernels.items()}


def states(x, params):
    """The cell's equations, a layer for each of its parts, (B, T, I) to (B, T, H)."""

    def dense(name, value):
        return value @ params[name]["kernel"] + params[name].get("bias", 0)

    hidden, result = np.zeros((len(x), len(params["hn"]["bias"]))), []
    for step in x.swapaxes(0, 1):
        reset = sigmoid(dense("ir", step) + dense("hr", hidden))
        update = sigmoid(dense("iz", step) + dense("hz", hidden))
        candidate = np.tanh(dense("in", step) + reset * dense("hn", hidden))
        hidden = (1 - update) * candidate + update * hidden
        result.append(hidden)
    return np.stack(result, axis=1)


def test_cell_gives_flax_equations(rng):
    params, x = draw(rng, 4, 3), rng.normal(size=(5, 6, 4))
    output, _ = from_flax(params)(torch.from_numpy(x))
    assert_near(output.detach(), states(x, params), "Flax' equations in NumPy")


def test_list_of_cells_is_a_stack(rng):
    first, second, x = draw(rng, 4, 3), draw(rng, 3, 3), rng.normal(size=(5, 6, 4))
    output, _ = from_flax([first, second])(torch.from_numpy(x))
    assert_near(output.detach(), states(states(x, first), second), "Flax' equations in NumPy")


def test_parameters_that_do_not_fit_are_an_error(rng):
    params = draw(rng, 4, 3)
    with pytest.raises(ConfigError, match="have hn/bias"):
        from_flax(params | {"hn": {"kernel": np.ones((3, 3))}})
    with pytest.raises(ConfigError, match="have ir/kernel; there is only"):
        from_flax({"dense_i": params["ir"]})
    with pytest.raises(ShapeError, match=r"hz/kernel came with shape \(4, 3\)"):
        from_flax(params | {"hz": params["iz"]})
    with pytest.raises(ConfigError, match="at least one"):
        from_flax([])
