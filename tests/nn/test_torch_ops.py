"""One layer in one direction against the NumPy reference, and its derivatives against differences."""

import numpy as np
import pytest
import torch

from grucast.errors import ConfigError, ShapeError
from grucast.kernels import reference
from grucast.nn.torch_ops import DirectionWeights, autocast_dtype, check_lengths, recur, recur_gates

VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
DIRECTIONS = pytest.mark.parametrize("reverse", [False, True])
STEPS, BATCH, INPUTS, SIZE = 6, 4, 3, 5
LENGTHS = [6, 0, 1, 4]


@pytest.fixture
def case(rng):
    """Inputs (T, B, I), state (B, H) and weights in float64."""
    shapes = [(STEPS, BATCH, INPUTS), (BATCH, SIZE), (3 * SIZE, INPUTS), (3 * SIZE, SIZE), (3 * SIZE,), (3 * SIZE,)]
    x, hidden, *weights = (torch.from_numpy(rng.uniform(-1, 1, shape)).requires_grad_() for shape in shapes)
    return x, hidden, DirectionWeights(*weights)


def to_numpy(x, hidden, weights):
    arrays = [w.detach().numpy() for w in weights]
    return x.detach().numpy().swapaxes(0, 1), hidden.detach().numpy(), reference.Weights(*arrays)


@VARIANTS
@DIRECTIONS
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_recurrence_equals_reference(case, reset_after, reverse, lengths):
    output, final = recur(*case, reset_after, None if lengths is None else torch.tensor(lengths), reverse=reverse)
    n = None if lengths is None else np.array(lengths)
    expected, state = reference.gru_forward(*to_numpy(*case), reset_after, n, reverse)
    np.testing.assert_allclose(output.detach().numpy().swapaxes(0, 1), expected, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(final.detach().numpy(), state, rtol=1e-11)


@VARIANTS
@DIRECTIONS
def test_gates_equal_reference(case, reset_after, reverse):
    gates = recur_gates(*case, reset_after, reverse)
    x, hidden, weights = to_numpy(*case)
    for t in reversed(range(STEPS)) if reverse else range(STEPS):
        step = reference.gru_step(x[:, t], hidden, weights, reset_after)
        for mine, theirs in zip(gates, step, strict=True):
            np.testing.assert_allclose(mine[t].detach().numpy(), theirs, rtol=1e-11)
        hidden = step.hidden


@VARIANTS
@DIRECTIONS
@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
def test_derivatives_equal_differences(case, reset_after, reverse, check):
    x, hidden, weights = case
    lengths = torch.tensor(LENGTHS)[1:]
    x, hidden = x[:4, 1:].detach().requires_grad_(), hidden[1:].detach().requires_grad_()

    def function(x, hidden, *weights):
        return recur(x, hidden, DirectionWeights(*weights), reset_after, lengths, reverse)

    assert check(function, (x, hidden, *weights), fast_mode=True)


@VARIANTS
def test_nan_in_the_padding_reaches_nothing(case, reset_after):
    x, hidden, weights = case
    lengths = torch.tensor(LENGTHS)
    x = x.detach().clone()
    x[torch.arange(STEPS)[:, None] >= lengths] = float("nan")
    x.requires_grad_()
    output, final = recur(x, hidden, weights, reset_after, lengths)
    (output.sum() + final.sum()).backward()
    assert all(tensor.isfinite().all() for tensor in (output, final, x.grad, hidden.grad, *(w.grad for w in weights)))


@VARIANTS
def test_autocast_computes_in_full_precision(case, reset_after):
    x, hidden, weights = case[0].float(), case[1].float(), DirectionWeights(*(w.float() for w in case[2]))
    expected, _ = recur(x, hidden, weights, reset_after)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, gates = recur(x, hidden, weights, reset_after)[0], recur_gates(x, hidden, weights)
    torch.testing.assert_close(output, expected, rtol=0, atol=0)
    assert gates.reset.dtype == torch.float32


def test_inputs_may_differ_from_the_weights_under_autocast_alone():
    low, x = torch.zeros(1, dtype=torch.bfloat16), torch.zeros(1)
    assert autocast_dtype(low, None, torch.float32) is None
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert autocast_dtype(x, x, torch.float32) is None
        assert autocast_dtype(low, None, torch.float32) == torch.bfloat16
        assert autocast_dtype(low, x, torch.float32) == torch.float32
        assert autocast_dtype(low.half(), None, torch.float32) == torch.float32


@VARIANTS
def test_the_meta_device_gives_shapes(case, reset_after):
    x, hidden, weights = case[0].to("meta"), case[1].to("meta"), DirectionWeights(*(w.to("meta") for w in case[2]))
    output, final = recur(x, hidden, weights, reset_after)
    assert (output.shape, final.shape) == ((STEPS, BATCH, SIZE), (BATCH, SIZE))


def test_weights_of_two_parameters_have_zero_biases(case):
    _, _, weights = case
    assert not torch.cat(DirectionWeights.of(weights[:2])[2:]).any()
    assert DirectionWeights.of(weights) == weights


@pytest.mark.parametrize(
    "lengths", [[1, 2, 0], (1, 2, 0), torch.tensor([1, 2, 0], dtype=torch.uint8), np.array([1, 2, 0])]
)
def test_lengths_may_be_any_integers(lengths):
    result = check_lengths(lengths, torch.zeros(2, 3, 1))
    assert (result.tolist(), result.dtype) == ([1, 2, 0], torch.int64)


@pytest.mark.parametrize("of", [np.array, torch.tensor, bytearray], ids=["array", "tensor", "memory"])
def test_lengths_are_copied(of):
    buffer = of([2, 1, 0])
    result = check_lengths(memoryview(buffer) if of is bytearray else buffer, torch.zeros(2, 3, 1))
    for i in range(3):
        buffer[i] = 50
    assert result.tolist() == [2, 1, 0]


def test_no_rows_need_no_lengths():
    assert check_lengths([], torch.zeros(2, 0, 1)).shape == (0,)


@pytest.mark.parametrize(
    ("lengths", "error", "words"),
    [
        ([1, 2], ShapeError, r"shape \(3,\), one number for each row, got \(2,\)"),
        ([[1, 2, 2]], ShapeError, "shape"),
        (2, ShapeError, "shape"),
        ([1.0, 2.0, 2.0], ConfigError, "integers, got torch.float32"),
        ([True, False, True], ConfigError, "integers, got torch.bool"),
        ([1, 2, 3], ConfigError, "between 0 and the 2 steps of x, got 1 to 3"),
        ([1, -1, 2], ConfigError, "got -1 to 2"),
        (["a", "b", "c"], ConfigError, "integers"),
        ([1, [2], 3], ConfigError, "integers"),
    ],
)
def test_wrong_lengths_are_named(lengths, error, words):
    with pytest.raises(error, match=words) as caught:
        check_lengths(lengths, torch.zeros(2, 3, 1))
    assert isinstance(caught.value, ValueError)


def test_lengths_whose_memory_was_freed_are_an_error():
    lengths = torch.tensor(LENGTHS)
    lengths.untyped_storage().resize_(0)
    with pytest.raises(ConfigError, match="freed"):
        check_lengths(lengths, torch.zeros(STEPS, len(LENGTHS), 1))
