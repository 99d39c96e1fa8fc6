"""Gradients by the native kernels against the reference, their promises about bits, and what a training step adds."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grucast.kernels import native, reference_backward, targets
from grucast.kernels.reference import Weights

pytestmark = pytest.mark.skipif(not native.available(), reason="the extension was not built")
VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


def make(batch, steps, inputs, hidden, dtype="float64"):
    """Gradients of output and final state, and what forward takes."""
    rng = np.random.default_rng(0)
    shapes = [(batch, steps, hidden), (batch, hidden), (batch, steps, inputs), (batch, hidden)]
    d_output, d_final, x, state = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    shapes = [(3 * hidden, inputs), (3 * hidden, hidden), (3 * hidden,), (3 * hidden,)]
    weights = Weights(*((rng.normal(size=s) / np.sqrt(max(hidden, 1))).astype(dtype) for s in shapes))
    return d_output, d_final, x, state, weights


def flat(gradients):
    d_x, d_hidden, d_weights = gradients
    return d_x, d_hidden, *d_weights


def bits_equal(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 70), st.integers(0, 12), st.integers(0, 40), st.integers(0, 40), st.booleans(), st.booleans(),
    st.booleans(), st.sampled_from(["both", "output", "final", "none"]),
)  # fmt: skip
def test_gradients_equal_the_reference(batch, steps, inputs, hidden, reset_after, reverse, ragged, which):
    d_output, d_final, *case = make(batch, steps, inputs, hidden)
    lengths = np.random.default_rng(1).integers(0, steps + 1, batch) if ragged else None
    arguments = (
        d_output if which in {"both", "output"} else None, d_final if which in {"both", "final"} else None,
        *case, reset_after, lengths, reverse,
    )  # fmt: skip
    for a, b in zip(*(flat(m.gru_backward(*arguments)) for m in (native, reference_backward)), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * (1 + batch))


@VARIANTS
def test_gradients_in_float32_are_those_in_float64_rounded(reset_after):
    case = make(64, 20, 5, 48, "float32")
    exact = native.gru_backward(
        *(a.astype(float) for a in case[:4]), Weights(*(w.astype(float) for w in case[4])), reset_after
    )
    for a, b in zip(flat(native.gru_backward(*case, reset_after)), flat(exact), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-6 * abs(b).max())


@VARIANTS
@DTYPES
@pytest.mark.parametrize("sizes", [(37, 9, 3, 32), (240, 30, 1, 32), (70, 5, 9, 50), (5, 30, 2, 70)])
def test_bits_do_not_depend_on_threads_memory_or_what_else_is_wanted(reset_after, dtype, sizes):
    d_output, d_final, *case = make(*sizes, dtype)
    whole = flat(native.gru_backward(d_output, d_final, *case, reset_after))
    memory = np.full(native.saved_size(sizes[0], sizes[1], sizes[3]) + 5, np.nan, dtype)
    for threads in (1, 2, 3, 7):
        forward = native.gru_record(*case, reset_after, threads=threads, memory=memory)
        bits_equal((forward.output, forward.final), native.gru_forward(*case, reset_after))
        bits_equal(flat(native.gru_backward_of(forward, d_output, d_final, threads)), whole)
        without = native.gru_backward_of(forward, d_output, d_final, threads, wants_x=False)
        assert without[0] is None
        bits_equal(flat(without)[1:], whole[1:])
    assert np.isnan(memory[-5:]).all()


@VARIANTS
@DTYPES
@pytest.mark.parametrize("sizes", [(37, 9, 3, 32), (20, 4, 9, 129)])
def test_a_rows_gradients_depend_on_nothing_but_the_row(reset_after, dtype, sizes):
    d_output, d_final, x, state, weights = make(*sizes, dtype)
    whole = native.gru_backward(d_output, d_final, x, state, weights, reset_after)[:2]
    for size in (1, 7, 36):
        cut = [slice(i, i + size) for i in range(0, len(x), size)]
        parts = [native.gru_backward(d_output[s], d_final[s], x[s], state[s], weights, reset_after)[:2] for s in cut]
        bits_equal([np.concatenate(part) for part in zip(*parts, strict=True)], whole)


@VARIANTS
@DTYPES
@pytest.mark.parametrize(
    ("sizes", "rows"),
    [((37, 9, 3, 32), 16), ((240, 5, 1, 32), 64), ((70, 4, 9, 50), 32), ((5, 3, 2, 7), 5), ((80, 2, 1, 600), 16)],
)
def test_slices_of_a_batch_together_have_the_bits_of_each_alone(reset_after, dtype, sizes, rows):
    d_output, d_final, x, state, weights = make(*sizes, dtype)
    lengths = np.random.default_rng(1).integers(0, sizes[1] + 1, len(x))
    count = len(x) // rows
    spaced = Weights(*(np.full((count, 2, *a.shape), np.nan, dtype) for a in weights))
    for threads, reverse in ((1, False), (2, True), (3, False)):
        options = reset_after, lengths, reverse
        forward = native.gru_record(x, state, weights, *options)
        into = Weights(*(a[:, 0] for a in spaced))
        together = native.gru_backward_into(into, rows, forward, d_output, d_final, threads)
        bits_equal(together, native.gru_backward(d_output, d_final, x, state, weights, *options)[:2])
        for place in range(count):
            own = slice(place * rows, (place + 1) * rows if place < count - 1 else None)
            arguments = d_output[own], d_final[own], x[own], state[own], weights, reset_after, lengths[own], reverse
            bits_equal([a[place] for a in into], native.gru_backward(*arguments)[2])
    assert all(np.isnan(a[:, 1]).all() for a in spaced)


@VARIANTS
@pytest.mark.parametrize("batch", [3, 40])
def test_hidden_none_equals_zeros(reset_after, batch):
    d_output, d_final, x, state, weights = make(batch, 6, 3, 20)
    one, other = (native.gru_record(x, hidden, weights, reset_after) for hidden in (None, 0 * state))
    bits_equal((one.output, one.final), (other.output, other.final))
    d_x, d_hidden, d_weights = native.gru_backward_of(one, d_output, d_final)
    expected = native.gru_backward_of(other, d_output, d_final)
    assert d_hidden is None
    bits_equal([d_x, *d_weights], [expected[0], *expected[2]])


def test_slices_that_do_not_fit_are_refused():
    d_output, d_final, x, state, weights = make(40, 2, 3, 4)
    forward = native.gru_record(x, state, weights)

    def into(count):
        return Weights(*(np.zeros((count, *a.shape)) for a in weights))

    gap = into(2)._replace(bias_ih=np.zeros((2, 24))[:, ::2])
    for wrong, rows, message in (
        (into(4), 10, "whole tiles"),
        (into(2), 0, "whole tiles"),
        (into(3), 16, "a slice's rows"),
        (into(0), 16, "there must be a slice"),
        (gap, 16, "d_bias_ih must be contiguous in each slice"),
    ):
        with pytest.raises(ValueError, match=message):
            native.gru_backward_into(wrong, rows, forward, d_output, d_final)


def test_gradient_of_a_state_that_was_not_given_is_refused():
    d_output, d_final, x, state, weights = make(40, 2, 3, 4)
    forward = native.gru_record(x, None, weights)
    d_weights = Weights(*(np.zeros((1, *a.shape)) for a in weights))
    with pytest.raises(ValueError, match="needs an initial state"):
        native._native.backward(
            *forward[:7], forward.gates, d_output, d_final, None, np.zeros_like(state), d_weights, 40, 1
        )


@VARIANTS
def test_nan_in_the_padding_reaches_no_gradient(reset_after):
    d_output, d_final, x, state, weights = make(20, 6, 3, 8)
    lengths = np.arange(20) % 7
    clean = native.gru_backward(d_output, d_final, x, state, weights, reset_after, lengths)
    beyond = np.arange(6) >= lengths[:, None]
    assert not clean[0][beyond].any()
    x[beyond], d_output[beyond] = np.nan, np.nan
    bits_equal(flat(native.gru_backward(d_output, d_final, x, state, weights, reset_after, lengths)), flat(clean))


def test_nothing_has_gradients_of_nothing():
    many, none = 1 << 40, np.zeros((0, 0))
    weights = Weights(none, none, np.zeros(0), np.zeros(0))
    d_x, d_hidden, _ = native.gru_backward(None, None, np.zeros((1, many, 0)), np.zeros((1, 0)), weights)
    assert (d_x.shape, d_hidden.shape) == ((1, many, 0), (1, 0))
    d_x, d_weight, d_bias = native.linear_backward(np.zeros((many, 0)), np.zeros((many, 0)), none)
    assert (d_x.shape, d_weight.shape, d_bias.shape) == ((many, 0), (0, 0), (0,))


REFUSED = {
    "d_output": (ValueError, {"d_output": np.zeros((2, 5, 4))}),
    "d_final": (ValueError, {"d_final": np.zeros((3, 4))}),
    "gates": (ValueError, {"gates": np.zeros(2 * 6 * 4 * 4 - 1)}),
    "gates must": (ValueError, {"gates": np.zeros((100, 100))}),
    "gates must be contiguous": (ValueError, {"gates": np.zeros(10000)[::2]}),
    "output": (ValueError, {"output": np.zeros((2, 6, 3))}),
    "output must be contiguous": (ValueError, {"output": np.zeros((6, 2, 4)).swapaxes(0, 1)}),
    "initial": (ValueError, {"hidden": np.zeros((1, 4))}),
    "weight_ih": (ValueError, {"x": np.zeros((2, 6, 2))}),
    "output has": (ValueError, {"x": np.zeros((2, 5, 3))}),
    "weight_hh": (ValueError, {"weights": Weights(np.zeros((12, 3)), np.zeros((11, 4)), np.zeros(12), np.zeros(12))}),
    "between 0": (ValueError, {"lengths": np.array([7, 1])}),
    "lengths has": (ValueError, {"lengths": np.array([1])}),
    "incompatible": (TypeError, {"d_final": np.zeros((2, 4), np.float32)}),
    "incompatible function": (TypeError, {"gates": None}),
    "incompatible function arguments": (TypeError, {"lengths": np.array([1.0, 2.0])}),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_does_not_fit_is_refused_before_memory_is_touched(message):
    error, changed = REFUSED[message]
    forward = native.gru_record(*make(2, 6, 3, 4)[2:])
    gradients = {"d_output": np.zeros((2, 6, 4)), "d_final": np.zeros((2, 4))}
    forward = forward._replace(**{name: value for name, value in changed.items() if name not in gradients})
    gradients |= {name: value for name, value in changed.items() if name in gradients}
    with pytest.raises(error, match=message):
        native.gru_backward_of(forward, *gradients.values())


@pytest.mark.parametrize("size", [0, 383, 384])
def test_memory_for_the_gates_that_is_too_short_is_refused(size):
    case = make(2, 6, 3, 4)[2:]
    assert native.saved_size(2, 6, 4) == 768
    with pytest.raises(ValueError, match="saved_size"):
        native.gru_record(*case, memory=np.zeros(size))
    with pytest.raises(TypeError):
        native.gru_record(*case, memory=np.zeros(768, np.float32))
    shut = np.zeros(768)
    shut.flags.writeable = False
    with pytest.raises(TypeError):
        native.gru_record(*case, memory=shut)


def make_linear(rows, inputs, outputs, dtype="float64"):
    rng = np.random.default_rng(0)
    return [rng.normal(size=shape).astype(dtype) for shape in ((rows, outputs), (rows, inputs), (outputs, inputs))]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 70), st.integers(0, 40), st.integers(0, 40), st.sampled_from(["float32", "float64"]))
def test_gradients_of_a_linear_layer_equal_the_reference(rows, inputs, outputs, dtype):
    case = make_linear(rows, inputs, outputs, dtype)
    expected = reference_backward.linear_backward(*(a.astype(float) for a in case))
    for a, b in zip(native.linear_backward(*case), expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4 if dtype == "float32" else 1e-12)  # 70 products of up to 9


@DTYPES
@pytest.mark.parametrize("sizes", [(256, 160, 128), (6144, 10, 64), (1000, 64, 5)])
def test_bits_of_a_linear_layer_do_not_depend_on_threads_or_company(sizes, dtype):
    d_y, x, weight = make_linear(*sizes, dtype)
    bias = d_y[0]
    whole, output = native.linear_backward(d_y, x, weight), native.linear(x, weight, bias)
    for threads in (2, 3, 7):
        bits_equal(native.linear_backward(d_y, x, weight, threads=threads), whole)
        bits_equal(native.linear(x, weight, bias, threads), output)
    bits_equal(native.linear_backward(d_y, x, weight, wants_x=False)[1:], whole[1:])
    for size in (1, 7, 36):
        some = slice(size)
        bits_equal(native.linear_backward(d_y[some], x[some], weight)[0], whole[0][some])
    order = np.zeros_like(weight)
    for row in range(3):
        order += np.outer(d_y[row], x[row]).astype(dtype)
    np.testing.assert_allclose(native.linear_backward(d_y[:3], x[:3], weight)[1], order, rtol=0, atol=1e-5)


def test_slices_of_a_linear_layer_have_the_bits_of_each_alone():
    d_y, x, weight = make_linear(80, 7, 21)
    d_weight, d_bias = np.zeros((3, 21, 7)), np.zeros((3, 21))
    for threads in (1, 2):
        d_x = native.linear_backward_into(d_weight, d_bias, 16, d_y, x, weight, True, threads)
        for place, own in enumerate((slice(16), slice(16, 32), slice(32, None))):
            bits_equal((d_x[own], d_weight[place], d_bias[place]), native.linear_backward(d_y[own], x[own], weight))


def test_what_does_not_fit_a_linear_layer_is_refused():
    d_y, x, weight = make_linear(5, 3, 4)
    for wrong, name in (
        ((d_y[:4], x, weight), "d_y"),
        ((d_y, x, weight[:, :2]), "weight"),
        ((d_y, x[0], weight), "x must"),
    ):
        with pytest.raises(ValueError, match=name):
            native.linear_backward(*wrong)
    with pytest.raises(TypeError):
        native.linear_backward(d_y.astype(np.float32), x, weight)


def make_step(size):
    rng = np.random.default_rng(size)
    weights, gradient, mean = rng.normal(size=(3, size)).astype(np.float32)
    return weights, gradient, mean, (rng.normal(size=size) ** 2).astype(np.float32)


@pytest.mark.parametrize("size", [0, 1, 7, 16, 1003])
def test_an_optimisers_step_has_the_bits_of_the_reference(size):
    ours, theirs = make_step(size), make_step(size)
    for step in (1, 2, 3, 1000):
        native.adamw_step(*ours, step, 1e-3, 0.01)
        reference_backward.adamw_step(*theirs, step, 1e-3, 0.01)
        bits_equal(ours, theirs)


def test_steps_that_do_not_fit_are_refused():
    weights, gradient, mean, square = make_step(4)
    wide, shut = np.zeros(8, np.float32), np.zeros(4, np.float32)
    shut.flags.writeable = False
    for wrong in (
        (weights, gradient[:3], mean, square),
        (wide[::2], gradient, mean, square),
        (weights, gradient, mean, wide),
    ):
        with pytest.raises(ValueError, match=r"gradient|weights|square"):
            native.adamw_step(*wrong, 1, 1e-3, 0.0)
    with pytest.raises(ValueError, match="step"):
        native.adamw_step(weights, gradient, mean, square, 0, 1e-3, 0.0)
    with pytest.raises(ValueError, match="vector"):
        native.adamw_step(*(a.reshape(2, 2) for a in (weights, gradient, mean, square)), 1, 1e-3, 0.0)
    for wrong in (shut, mean.astype(float)):
        with pytest.raises(TypeError):
            native.adamw_step(weights, gradient, wrong, square, 1, 1e-3, 0.0)


@DTYPES
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 5000])
def test_the_norm_equals_the_reference(rng, dtype, size):
    x = rng.normal(size=size).astype(dtype)
    assert native.norm(x) == pytest.approx(reference_backward.norm(x), rel=1e-14)


def test_the_norm_of_what_is_no_dense_vector_is_refused():
    for wrong in (np.zeros((2, 2)), np.zeros(4)[::2]):
        with pytest.raises(ValueError, match="x"):
            native.norm(wrong)
    with pytest.raises(TypeError):
        native.norm(np.zeros(4, np.int64))


def digest():
    """Of a few training steps' numbers."""
    result = hashlib.sha256()
    for reset_after in (True, False):
        for case in (make(37, 9, 3, 33, "float32"), make(3, 9, 11, 20, "float32"), make(40, 5, 2, 8, "float64")):
            for array in flat(native.gru_backward(*case, reset_after)):
                result.update(array.tobytes())
    for sizes in ((37, 33, 19), (300, 9, 5)):
        for array in native.linear_backward(*make_linear(*sizes, "float32"), threads=2):
            result.update(array.tobytes())
    step = make_step(100)
    native.adamw_step(*step, 3, 1e-3, 0.01)
    return result.hexdigest() + step[0].tobytes().hex() + str(native.norm(step[0]))


def test_targets_that_fuse_give_the_same_gradients():
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_backward; print(test_backward.digest())"
    command = [sys.executable, "-c", code, os.path.dirname(__file__)]  # noqa: PTH120
    digests = set()
    for name in targets():
        if name != "baseline":
            environment = os.environ | {"GRUCAST_TARGET": name}
            digests.add(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)
    assert len(digests) <= 1
