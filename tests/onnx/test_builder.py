import numpy as np
from tests.onnx.pieces import compute

from grucast.onnx.builder import Builder


def test_equal_constants_are_kept_once():
    g = Builder()
    for value in (np.float64(1), np.float64(1), np.float32(1), np.ones(1)):
        g.op("Abs", value)
    assert [tuple(tensor.dims) for tensor in g.model("m").graph.initializer] == [(), (), (1,)]


def test_operations_take_names_and_arrays(rng):
    x = rng.normal(size=(3, 4, 5))
    cut, total, joined = compute(
        lambda g, x: [g.cut(x, 1, -3, 4), g.sum(x, 2, keepdims=False), g.concat([x, np.ones((3, 1, 5))], 1)], x=x
    )
    np.testing.assert_array_equal(cut, x[:, -3:])
    np.testing.assert_allclose(total, x.sum(2))
    np.testing.assert_array_equal(joined, np.concatenate([x, np.ones((3, 1, 5))], axis=1))
