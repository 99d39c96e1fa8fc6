"""The cell against torch.nn.GRUCell, the NumPy reference and torch's own samples."""

import copy

import numpy as np
import pytest
import torch
from torch.testing._internal import common_modules

from grucast.kernels import native, reference
from grucast.nn import GRU, GRUCell

VARIANTS = pytest.mark.parametrize("reset_after", [True, False])
ERRORS = common_modules.module_error_inputs_torch_nn_RNN_GRU_Cell(None, "cpu", torch.float32, False, False)
SAMPLES = common_modules.module_inputs_torch_nn_RNN_GRU_Cell(None, "cpu", torch.float32, False, False)


@VARIANTS
@pytest.mark.parametrize("bias", [True, False])
def test_cell_equals_reference(reset_after, bias):
    cell = GRUCell(3, 5, bias=bias, reset_after=reset_after, dtype=torch.float64)
    x, hidden = torch.randn(2, 4, 3, dtype=torch.float64)[0], torch.randn(4, 5, dtype=torch.float64)
    biases = [cell.bias_ih, cell.bias_hh] if bias else [torch.zeros(15), torch.zeros(15)]
    weights = reference.Weights(*(w.detach().numpy() for w in (cell.weight_ih, cell.weight_hh, *biases)))
    expected = reference.gru_step(x.numpy(), hidden.numpy(), weights, reset_after).hidden
    np.testing.assert_allclose(cell(x, hidden).detach().numpy(), expected, rtol=1e-12)


@VARIANTS
def test_cell_equals_one_step_of_the_layer(reset_after):
    cell, gru = GRUCell(3, 5, reset_after=reset_after), GRU(3, 5, reset_after=reset_after)
    gru.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    x, hidden = torch.randn(4, 3), torch.randn(4, 5)
    torch.testing.assert_close(cell(x, hidden), gru(x[None], hidden[None])[0][0])


@pytest.mark.parametrize("bias", [True, False])
def test_initial_weights_are_those_of_torch(bias):
    states = []
    for kind in (GRUCell, torch.nn.GRUCell):
        torch.manual_seed(7)
        states.append(kind(3, 5, bias=bias).state_dict())
    torch.testing.assert_close(states[0], states[1], rtol=0, atol=0)


def test_cell_equals_torch():
    mine, theirs = GRUCell(3, 5), torch.nn.GRUCell(3, 5)
    theirs.load_state_dict(mine.state_dict())
    x, hidden = torch.randn(4, 3), torch.randn(4, 5)
    torch.testing.assert_close(mine(x, hidden), theirs(x, hidden), rtol=1e-5, atol=1e-6)


@VARIANTS
@pytest.mark.skipif(not native.available(), reason="the promise about bits is the kernels'")
def test_steps_of_a_cell_have_the_bits_of_a_layer(reset_after):
    cell, layer = GRUCell(3, 40, reset_after=reset_after), GRU(3, 40, reset_after=reset_after)
    layer.load_state_dict({f"{name}_l0": p for name, p in cell.state_dict().items()})
    x, state = torch.randn(7, 20, 3), torch.zeros(20, 40)
    for step, expected in zip(x, layer(x)[0], strict=True):
        state = cell(step, state)
        torch.testing.assert_close(state, expected, rtol=0, atol=0)


@VARIANTS
def test_hidden_none_equals_zeros(reset_after):
    cell = GRUCell(3, 5, reset_after=reset_after)
    torch.testing.assert_close(cell(torch.ones(2, 3)), cell(torch.ones(2, 3), torch.zeros(2, 5)), rtol=0, atol=0)


@VARIANTS
@pytest.mark.parametrize("sample", SAMPLES)
def test_torch_samples_hold(sample, reset_after):
    given, forward = sample.constructor_input, sample.forward_input
    cell = GRUCell(*given.args, **given.kwargs, reset_after=reset_after)
    expected = sample.reference_fn(cell, *forward.args)
    torch.testing.assert_close(cell(*forward.args), expected)


@VARIANTS
@pytest.mark.parametrize("error", ERRORS)
def test_errors_are_those_of_torch(error, reset_after):
    given, forward = error.module_error_input.constructor_input, error.module_error_input.forward_input
    cell = GRUCell(*given.args, **given.kwargs, reset_after=reset_after)
    with pytest.raises(error.error_type, match=error.error_regex):
        cell(*forward.args, **forward.kwargs)


@VARIANTS
@pytest.mark.parametrize(("x", "hidden"), [((2, 3), (3, 5)), ((3,), (6,)), ((2, 2, 3), (2, 5)), ((4,), (5,))])
def test_wrong_shapes_fail_as_in_torch(x, hidden, reset_after):
    x, hidden = torch.zeros(x), torch.zeros(hidden)
    with pytest.raises((RuntimeError, ValueError)) as theirs:
        torch.nn.GRUCell(3, 5)(x, hidden)
    with pytest.raises(theirs.type) as mine:
        GRUCell(3, 5, reset_after=reset_after)(x, hidden)
    assert str(mine.value) == str(theirs.value)


@VARIANTS
@pytest.mark.parametrize(("x", "hidden", "rank"), [((2, 3), (4,), 1), ((3,), (1, 5), 3)])
def test_a_state_of_another_rank_fails_in_the_words_of_the_newest_torch(x, hidden, rank, reset_after):
    with pytest.raises(RuntimeError):
        torch.nn.GRUCell(3, 5)(torch.zeros(x), torch.zeros(hidden))
    with pytest.raises(RuntimeError, match=rf"Expected 2D hidden0 \(batch x hidden_size\), but got {rank}D tensor"):
        GRUCell(3, 5, reset_after=reset_after)(torch.zeros(x), torch.zeros(hidden))


@VARIANTS
@pytest.mark.parametrize("dtypes", [(torch.float64, torch.float32), (torch.float32, torch.float64)])
def test_other_dtype_is_an_error(dtypes, reset_after):
    with pytest.raises(RuntimeError, match="dtype"):
        GRUCell(3, 5, reset_after=reset_after)(torch.zeros(2, 3, dtype=dtypes[0]), torch.zeros(2, 5, dtype=dtypes[1]))


@VARIANTS
def test_no_rows_give_no_rows(reset_after):
    assert GRUCell(3, 5, reset_after=reset_after)(torch.zeros(0, 3)).shape == (0, 5)


@VARIANTS
def test_gradients_equal_differences(reset_after):
    cell = GRUCell(2, 3, reset_after=reset_after, dtype=torch.float64)
    inputs = [torch.randn(2, n, dtype=torch.float64, requires_grad=True) for n in (2, 3)]
    assert torch.autograd.gradcheck(cell, inputs)
    assert torch.autograd.gradgradcheck(cell, inputs)


def test_device_in_torchs_place_is_refused():
    with pytest.raises(TypeError, match="reset_after should be of type bool, got: str"):
        GRUCell(3, 5, True, "cpu")


@VARIANTS
def test_copy_gives_the_same_and_shows_the_variant(reset_after):
    cell = GRUCell(3, 5, reset_after=reset_after)
    twin = copy.deepcopy(cell)
    torch.testing.assert_close(twin(torch.ones(2, 3)), cell(torch.ones(2, 3)), rtol=0, atol=0)
    assert repr(twin) == ("GRUCell(3, 5)" if reset_after else "GRUCell(3, 5, reset_after=False)")
