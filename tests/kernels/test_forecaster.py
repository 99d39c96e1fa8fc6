"""What the forecaster's kernels refuse; what they compute is tested beside its twins in NumPy."""

import numpy as np
import pytest

from grucast.kernels import forecaster, native

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")


@pytest.mark.parametrize("seasons", [[0], [5], [-1], []])
def test_a_season_beyond_the_window_is_refused(seasons):
    with pytest.raises(ValueError, match="season"):
        forecaster.window_features(np.zeros((1, 4)), np.array(seasons, np.int64), 2, 4, 3)


def test_wrong_shapes_of_a_head_are_named():
    x, continued, none = np.zeros((2, 3), np.float32), np.zeros((2, 2, 4), np.float32), np.zeros((2, 0), np.float32)
    weights = [np.zeros(shape, np.float32) for shape in ((6, 11), (6,), (12, 6), (12,))]
    arguments = {"x": x, "continued": continued, "statics": none, "ahead": np.zeros((2, 4, 0), np.float32)}
    assert forecaster.head(*arguments.values(), weights, (2, 4, 3)).shape == (2, 4, 3)
    for name, wrong in (("continued", continued[:, :, :3]), ("hidden", x[:, :2]), ("ahead", arguments["ahead"][:1])):
        given = list((arguments | {"x" if name == "hidden" else name: wrong}).values())
        with pytest.raises(ValueError, match=name):
            forecaster.head(*given, weights, (2, 4, 3))
    with pytest.raises(ValueError, match="a weight and a bias"):
        forecaster.head(*arguments.values(), weights[:3], (2, 4, 3))
    with pytest.raises(ValueError, match="odd number"):
        forecaster.head(*arguments.values(), weights, (2, 4, 2))
