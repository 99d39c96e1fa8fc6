"""Pre-activations of any size: the native kernels saturate as the equations in float64 do, and give no NaN."""

import numpy as np
import pytest

from grucast.kernels import native, reference

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize(("dtype", "largest"), [("float32", 38), ("float64", 307)])
@pytest.mark.parametrize("batch", [3, 21])
def test_preactivations_up_to_the_ends_of_the_type_equal_the_reference(rng, reset_after, dtype, largest, batch):
    hidden, steps = 20, 30
    size = 10 ** rng.uniform(-largest, largest, (batch, steps, 1))
    size[:, ::7] = 10.0**largest
    x = (size * rng.choice([-1, 1], size.shape)).astype(dtype)
    shapes = [(3 * hidden, 1), (3 * hidden, hidden), (3 * hidden,), (3 * hidden,)]
    weights = reference.Weights(*(rng.uniform(-1, 1, shape).astype(dtype) for shape in shapes))
    state = np.zeros((batch, hidden), dtype)
    doubles = reference.Weights(*(w.astype(np.float64) for w in weights))
    wanted = reference.gru_forward(x.astype(np.float64), state.astype(np.float64), doubles, reset_after)
    for a, b in zip(native.gru_forward(x, state, weights, reset_after), wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 if dtype == "float32" else 1e-12)
