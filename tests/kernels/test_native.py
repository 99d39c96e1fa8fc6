"""The native kernels against the reference, and their promises about bits."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grucast.kernels import forecaster, native, reference, targets

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")
VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
LIMITS = {"float32": 2e-6, "float64": 1e-13}


def make(batch, steps, inputs, hidden, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(3 * hidden, inputs), (3 * hidden, hidden), (3 * hidden,), (3 * hidden,)]
    weights = reference.Weights(*((rng.normal(size=s) / np.sqrt(hidden)).astype(dtype) for s in shapes))
    x, state = rng.normal(size=(batch, steps, inputs)), rng.normal(size=(batch, hidden))
    return x.astype(dtype), state.astype(dtype), weights


def make_linear(rows, inputs, outputs, dtype="float32"):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(dtype) for shape in ((rows, inputs), (outputs, inputs), (outputs,))]


def exact(x, state, weights, *rest):
    doubles = reference.Weights(*(w.astype(np.float64) for w in weights))
    return reference.gru_forward(x.astype(np.float64), state.astype(np.float64), doubles, *rest)


def bits_equal(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)


sizes = st.integers(1, 70)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 70), st.integers(0, 12), sizes, sizes, st.booleans(), st.booleans(), st.booleans(),
    st.sampled_from(["float32", "float64"]), st.integers(1, 3),
)  # fmt: skip
def test_forward_equals_reference(  # noqa: PLR0917
    batch, steps, inputs, hidden, reset_after, reverse, ragged, dtype, threads
):
    x, state, weights = make(batch, steps, inputs, hidden, dtype)
    lengths = np.random.default_rng(1).integers(0, steps + 1, batch) if ragged else None
    expected = exact(x, state, weights, reset_after, lengths, reverse)
    actual = native.gru_forward(x, state, weights, reset_after, lengths, reverse, threads)
    for a, b in zip(actual, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=0, atol=LIMITS[dtype] * (1 + hidden / 8 + inputs / 8))


@VARIANTS
def test_float64_is_within_1e_13_of_the_reference(reset_after):
    case = make(40, 60, 5, 48, "float64")
    for a, b in zip(native.gru_forward(*case, reset_after), exact(*case, reset_after), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)


@VARIANTS
@DTYPES
@pytest.mark.parametrize("sizes", [(37, 9, 3, 32), (70, 5, 1, 50), (20, 4, 9, 129)])
def test_a_rows_bits_depend_on_nothing_but_the_row(reset_after, dtype, sizes):
    x, state, weights = make(*sizes, dtype)

    def run(rows, threads=1):
        return native.gru_forward(x[rows], state[rows], weights, reset_after, threads=threads)

    whole = run(slice(None))
    bits_equal(run(slice(None), 2), whole)
    for cut in ([slice(5), slice(5, None)], [slice(i, i + 1) for i in range(len(x))]):
        parts = zip(*(run(rows) for rows in cut), strict=True)
        bits_equal([np.concatenate(part) for part in parts], whole)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 70), st.integers(0, 70), st.integers(0, 70), st.booleans(), st.sampled_from(["float32", "float64"])
)
def test_linear_equals_reference(rows, inputs, outputs, biased, dtype):
    x, weight, bias = make_linear(rows, inputs, outputs, dtype)
    bias = bias if biased else None
    expected = x.astype(float) @ weight.astype(float).T + (0 if bias is None else bias)
    for linear in (native.linear, reference.linear):
        got = linear(x, weight, bias)
        assert got.dtype == dtype
        np.testing.assert_allclose(got, expected, rtol=0, atol=LIMITS[dtype] * (1 + inputs))


@DTYPES
@pytest.mark.parametrize("linear", [native.linear, reference.linear])
@pytest.mark.parametrize("sizes", [(37, 9, 5), (70, 232, 128), (50, 64, 16), (40, 3, 1)])
def test_a_rows_bits_in_a_linear_layer_depend_on_nothing_but_the_row(linear, sizes, dtype):
    x, *rest = make_linear(*sizes, dtype)
    whole = linear(x, *rest)
    for size in (1, 2, 7, 36):
        cut = [linear(x[i : i + size], *rest) for i in range(0, len(x), size)]
        np.testing.assert_array_equal(np.concatenate(cut), whole)


def test_wrong_shapes_of_a_linear_layer_are_named():
    x, weight, bias = make_linear(2, 3, 4)
    for wrong, name in (
        ((x, weight[:, :2], bias), "weight"),
        ((x, weight, bias[:3]), "bias"),
        ((x[0], weight), "x must"),
    ):
        with pytest.raises(ValueError, match=name):
            native.linear(*wrong)
    with pytest.raises(TypeError):
        native.linear(x, weight.astype(float))


@VARIANTS
@pytest.mark.parametrize("batch", [3, 21])
def test_step_by_step_gives_the_same_bits(reset_after, batch):
    x, state, weights = make(batch, 8, 3, 33)
    output, final = native.gru_forward(x, state, weights, reset_after)
    for t in range(8):
        one, state = native.gru_forward(x[:, t : t + 1], state, weights, reset_after)
        np.testing.assert_array_equal(one[:, 0], output[:, t])
    np.testing.assert_array_equal(state, final)


def ulps(actual, exact):
    spacing = np.spacing(np.abs(exact).astype(np.float32)).astype(np.float64)
    return (np.abs(actual.astype(np.float64) - exact) / spacing).max()


@pytest.mark.parametrize(("name", "function"), [("sigmoid", reference.sigmoid), ("tanh", np.tanh)])
def test_activations_are_within_4_ulp_over_all_floats(name, function):
    every = np.arange(0, 2**32, 4099, dtype=np.uint64).astype(np.uint32).view(np.float32)
    near = np.random.default_rng(0).uniform(-110, 110, 400_000).astype(np.float32)
    x = np.concatenate([every[np.isfinite(every)], near])
    assert ulps(native.activation(name, x), function(x.astype(np.float64))) < 4


@pytest.mark.parametrize(("dtype", "largest"), [("float32", 100), ("float64", 740)])
def test_softplus_is_within_4_ulp_where_it_is_no_denormal(rng, dtype, largest):
    x = rng.uniform(-largest, largest, (100, 1000)).astype(dtype)
    actual, exact = native.activation("softplus", x), np.logaddexp(0, x.astype(float))
    normal = exact > np.finfo(dtype).smallest_normal
    assert (abs(actual - exact) / np.spacing(exact.astype(dtype)))[normal].max() < 4
    assert (abs(actual) <= np.finfo(dtype).smallest_normal)[~normal].all()


@DTYPES
def test_activations_at_the_ends(dtype):
    tiny = np.finfo(dtype).smallest_subnormal
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -tiny], dtype)
    np.testing.assert_array_equal(native.activation("sigmoid", x), [np.nan, 1, 0, 0.5, 0.5, 0.5, 0.5])
    np.testing.assert_array_equal(native.activation("softplus", x)[:3], [np.nan, np.inf, 0])
    tanh = native.activation("tanh", x)
    np.testing.assert_array_equal(tanh, [np.nan, 1, -1, 0, 0, tiny, -tiny])
    np.testing.assert_array_equal(np.signbit(tanh[3:5]), [False, True])


@VARIANTS
def test_nan_in_the_padding_reaches_nothing(reset_after):
    x, state, weights = make(20, 6, 3, 8)
    lengths = np.arange(20) % 7
    clean = native.gru_forward(x, state, weights, reset_after, lengths)
    x[np.arange(6) >= lengths[:, None]] = np.nan
    bits_equal(native.gru_forward(x, state, weights, reset_after, lengths), clean)


@VARIANTS
@DTYPES
@pytest.mark.parametrize("batch", [3, 21])
def test_denormal_states_are_right_to_within_the_smallest_normal(reset_after, dtype, batch):
    x, state, weights = make(batch, 30, 3, 8, dtype)
    tiny = np.finfo(dtype).smallest_normal
    x, state = x * tiny, state * 4 * tiny
    weights = reference.Weights(*weights[:2], *(np.zeros_like(b) for b in weights[2:]))
    expected = exact(x, state, weights, reset_after)
    assert 0 < abs(expected[1]).max() < tiny
    for a, b in zip(native.gru_forward(x, state, weights, reset_after), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=4 * float(tiny))
    assert tiny / 2 > 0  # the caller's own denormals are no zeros
    shifted = reference.Weights(*weights[:3], weights[3] + 1)
    np.testing.assert_allclose(
        native.gru_forward(x, state, shifted, reset_after)[1],
        exact(x, state, shifted, reset_after)[1],
        atol=LIMITS[dtype],
    )


@pytest.mark.parametrize(("lengths", "word"), [([7, 1], "between 0"), ([-1, 1], "between 0"), ([1], "lengths has")])
def test_wrong_lengths_are_named(lengths, word):
    with pytest.raises(ValueError, match=word):
        native.gru_forward(*make(2, 6, 3, 4), lengths=np.array(lengths))


@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 0, 2), (5, 30, 33)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_aligned_memory_begins_at_a_cache_line(shape, dtype):
    for _ in range(20):
        memory = native.aligned(shape, np.dtype(dtype))
        assert (memory.shape, memory.dtype) == (shape, dtype)
        assert not memory.size or memory.ctypes.data % 64 == 0
        assert memory.flags.c_contiguous


def test_mixed_types_and_wrong_shapes_are_errors():
    x, state, weights = make(2, 6, 3, 4)
    with pytest.raises(TypeError):
        native.gru_forward(x, state.astype(np.float64), weights)
    with pytest.raises(ValueError, match="weight_ih"):
        native.gru_forward(x[:, :, :2], state, weights)
    with pytest.raises(ValueError, match="initial"):
        native.gru_forward(x, state[:1], weights)


def test_calls_of_no_width_take_no_time_however_many_rows_or_steps():
    many, none, empty = 1 << 40, np.zeros((0, 0), np.float32), np.zeros(0, np.float32)
    weights = reference.Weights(none, none, empty, empty)
    assert native.linear(np.zeros((many, 0), np.float32), none).shape == (many, 0)
    assert native.linear(none, np.zeros((many, 0), np.float32)).shape == (0, many)
    output, final = native.gru_forward(np.zeros((1, many, 0), np.float32), np.zeros((1, 0), np.float32), weights)
    assert (output.shape, final.shape) == ((1, many, 0), (1, 0))
    head = [np.zeros((1, 0), np.float32), np.ones(1, np.float32), np.zeros((0, 1), np.float32), empty]
    rows = [np.zeros((many, *shape), np.float32) for shape in ((0,), (0, 0), (0,), (0, 0))]
    assert forecaster.head(*rows, head, (many, 0, 3)).shape == (many, 0, 3)


def layer_at(x, steps=2, lengths=0):
    place = x.ctypes.data
    return (1, steps, 1, 4, 1, 0, place, 2, 1, place, 8, 4, 0, place, place, place, place, lengths, place, 0, place)


SIZES, NOTHING = (1, 1, 1, 1, 1, 0), (0,) * 12
FOREIGN = {
    "short": (TypeError, [(1, 2, 3)], [NOTHING]),
    "no tuple": (TypeError, [None], [NOTHING]),
    "text": (TypeError, [("a",) * 21], [NOTHING]),
    "fractions": (TypeError, [(1.5,) * 21], [NOTHING]),
    "too large": (OverflowError, [(1 << 70,) * 21], [NOTHING]),
    "null": (ValueError, [SIZES + (0,) * 15], [NOTHING]),
    "small": (ValueError, [tuple(range(21))], [NOTHING]),
    "negative": (ValueError, [(-1, *SIZES[1:], *(0,) * 15)], [NOTHING]),
    "no layer": (ValueError, [], []),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_foreign_numbers_are_refused_before_memory_is_touched(case):
    error, layers, gradients = FOREIGN[case]
    with pytest.raises(error):
        native.forward_at(False, layers, 1)
    with pytest.raises(error):
        native.backward_at(False, layers, gradients, 1)


def test_layers_and_gradients_that_do_not_fit_are_refused():
    x, lengths = np.zeros(1000, np.float32), np.array([3])
    good = layer_at(x)
    native.forward_at(False, [good], 1)
    for layers in ([good, layer_at(x, 3)], [layer_at(x, 2, lengths.ctypes.data)]):
        with pytest.raises(ValueError, match=r"same sizes|between 0"):
            native.forward_at(False, layers, 1)
    native.backward_at(False, [good], [NOTHING], 1)
    for layers, gradients in (([good], []), ([(*good[:-1], 0)], [NOTHING])):
        with pytest.raises(ValueError, match=r"for each direction|missing"):
            native.backward_at(False, layers, gradients, 1)
    with pytest.raises(TypeError, match="12 integers"):
        native.backward_at(False, [good], [NOTHING[1:]], 1)


def test_other_threads_run_meanwhile():
    case = make(64, 400, 8, 128)
    worker = threading.Thread(target=native.gru_forward, args=case)
    worker.start()
    turns = 0
    while worker.is_alive():
        turns += 1
        time.sleep(0.001)
    assert turns > 5


CHILD = """
import hashlib, sys
import numpy as np
from grucast.kernels import native, reference
sys.path.insert(0, sys.argv[1])
from test_native import exact, make, make_linear
assert native.target() == sys.argv[2]
digest = hashlib.sha256()
for after in (True, False):
    for case in (make(37, 9, 3, 33), make(3, 9, 11, 20)):
        actual, expected = native.gru_forward(*case, after), exact(*case, after)
        assert max(abs(a - b).max() for a, b in zip(actual, expected)) < 2e-6
        digest.update(b"".join(a.tobytes() for a in actual))
for sizes in ((37, 33, 19), (1, 232, 128)):
    layer = make_linear(*sizes)
    actual, expected = native.linear(*layer), reference.linear(*(a.astype(float) for a in layer))
    assert abs(actual - expected).max() < 2e-4
    digest.update(actual.tobytes())
print(digest.hexdigest())
"""


def run_child(target):
    here = os.path.dirname(__file__)  # noqa: PTH120
    command = [sys.executable, "-c", CHILD, here, target]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=os.environ | {"GRUCAST_TARGET": target}
    )


def test_every_target_is_right_and_those_that_fuse_give_the_same_bits():
    digests = {}
    for name in targets():
        child = run_child(name)
        assert child.returncode == 0, child.stderr
        digests[name] = child.stdout
    assert len({digests[name] for name in digests if name != "baseline"}) <= 1


def test_an_unknown_target_is_an_error_that_names_the_choices():
    child = run_child("sse9")
    assert child.returncode
    assert f"GRUCAST_TARGET is 'sse9', this machine can run: {', '.join(targets())}" in child.stderr
