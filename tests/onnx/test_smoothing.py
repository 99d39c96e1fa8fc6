import numpy as np
import pytest
from tests.onnx.pieces import compute

from grucast.data.scaling import scaled, window_scale
from grucast.data.smoothing import continue_levels
from grucast.onnx.smoothing import continue_levels as as_graph
from grucast.onnx.window import scaled_window


@pytest.mark.parametrize("season", [1, 4, 5, 13])
def test_continuations_are_those_of_numpy(season, rng):
    y = rng.normal(size=(8, 13)) * 10.0 ** rng.integers(-6, 7, (8, 1)) + np.arange(13)
    y[1, ::2] = y[2, -8:] = y[3, :9] = y[4] = y[5, 1:] = np.nan
    y[6] = 3

    def build(g, y, observed):
        return [g.concat(as_graph(g, scaled_window(g, y, observed, 2 * season), 13, season, 7), 1)]

    (got,) = compute(build, y=np.nan_to_num(y), observed=~np.isnan(y))
    np.testing.assert_allclose(got, continue_levels(scaled(y, *window_scale(y, 2 * season)), season, 7), atol=1e-10)
