import numpy as np
import pytest
import torch

from grucast.errors import ConfigError, DataError, MismatchError, ShapeError
from grucast.nn import GRU, convert

ONE = [np.ones((6, 3)), np.ones((6, 2)), np.ones(6), np.ones(6)]  # a layer with I=3, H=2
TWO = [np.ones((6, 2)), *ONE[1:]]  # one above it


def make(parts, bidirectional=False):
    return convert.build(parts, bidirectional, reset_after=True, batch_first=False)


def run_of(gru):
    def run(x, hx):
        with torch.no_grad():
            return tuple(t.numpy() for t in gru(torch.from_numpy(x), torch.from_numpy(hx)))

    return run


def test_swapping_gates_twice_changes_nothing(rng):
    array = rng.normal(size=(9, 4))
    np.testing.assert_array_equal(convert.swap_gates(convert.swap_gates(array)), array)


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (np.ones((2, 4)), ShapeError, r"kernel came with shape \(2, 4\), wanted \(any, 3\)"),
        (np.ones(3), ShapeError, r"shape \(3,\)"),
        (np.ones((0, 3)), ShapeError, r"shape \(0, 3\)"),
        (np.ones((2, 3), "int64"), ConfigError, "kernel came as int64, wanted float32 or float64"),
        (np.ones((2, 3), "float16"), ConfigError, "float16"),
        (np.full((2, 3), np.nan), DataError, "kernel holds NaN"),
        ([[1.0, 2.0, np.inf]], DataError, "infinity"),
    ],
)
def test_bad_array_is_an_error(value, error, words):
    with pytest.raises(error, match=words):
        convert.read_array("kernel", value, (None, 3))


def test_sizes_come_from_the_arrays():
    assert repr(make([ONE, TWO])) == "GRU(3, 2, num_layers=2)"
    assert repr(make([ONE, ONE], True)) == "GRU(3, 2, bidirectional=True)"
    assert repr(make([ONE[:2]])) == "GRU(3, 2, bias=False)"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parameters_are_copies_of_the_arrays(dtype):
    arrays = [array.astype(dtype) for array in ONE]
    gru = make([arrays])
    arrays[0][:] = 7
    assert all(p.dtype is getattr(torch, dtype.__name__) and p.eq(1).all() for p in gru.parameters())


def test_layers_that_do_not_fit_are_an_error():
    with pytest.raises(ShapeError, match=r"weight_ih_l1 came with shape \(6, 3\), wanted \(6, 2\)"):
        make([ONE, ONE])
    with pytest.raises(ConfigError, match="bias"):
        make([ONE, TWO[:2]])
    with pytest.raises(ConfigError, match="float32 and float64"):
        make([[ONE[0].astype("float32"), *ONE[1:]]])


def test_building_draws_no_random_numbers():
    before = torch.get_rng_state()
    make([ONE])
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("bidirectional", [False, True])
def test_layers_come_out_as_they_went_in(rng, bidirectional):
    gru = GRU(3, 2, 2, bidirectional=bidirectional)
    parts = [part for layer in convert.layers_of(gru) for part in layer]
    again = make(parts, bidirectional)
    assert all(torch.equal(p, q) for p, q in zip(gru.parameters(), again.parameters(), strict=True))


def test_layer_in_half_precision_is_an_error():
    with pytest.raises(ConfigError, match="bfloat16, wanted float32"):
        convert.layers_of(GRU(3, 2, dtype=torch.bfloat16))


@pytest.mark.parametrize("kind", [{}, {"batch_first": True}, {"num_layers": 2, "dropout": 0.5, "bidirectional": True}])
def test_equal_layers_are_the_same_in_any_layout(kind):
    gru = GRU(3, 2, **kind)
    twin = GRU(3, 2, **(kind | {"batch_first": False})).double().eval()
    twin.load_state_dict(gru.state_dict())
    convert.require_same(gru, run_of(twin), "a twin")


def test_another_weight_or_variant_is_a_mismatch():
    gru = GRU(3, 2).double()
    twin = GRU(3, 2, reset_after=False).double()
    twin.load_state_dict(gru.state_dict())
    with pytest.raises(MismatchError, match=r"a twin computes something else .* outputs differ by 0"):
        convert.require_same(gru, run_of(twin), "a twin")


def test_final_states_are_compared_too_and_nan_is_a_mismatch():
    gru = GRU(3, 2).double()
    run = run_of(gru)
    with pytest.raises(MismatchError, match="final states differ"):
        convert.require_same(gru, lambda x, hx: (run(x, hx)[0], hx), "a twin")
    with pytest.raises(MismatchError, match="outputs differ by nan"):
        convert.require_same(gru, lambda x, hx: (run(x, hx)[0] * np.nan, hx), "a twin")
