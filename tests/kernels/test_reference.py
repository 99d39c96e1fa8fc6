"""The reference against three others: torch, a recurrence in plain Python, and numbers from Keras' own tests."""

import math

import numpy as np
import pytest
import torch

from grucast.kernels.reference import Weights, gru_forward, gru_step, gru_trace, linear, sigmoid


def random_weights(rng, inputs, size):
    shapes = [(3 * size, inputs), (3 * size, size), (3 * size,), (3 * size,)]
    return Weights(*(rng.uniform(-1, 1, shape) for shape in shapes))


def plain_step(x, hidden, weights, reset_after):
    """One row, one step, nothing but Python numbers."""
    size = len(hidden)
    w_ih, w_hh, b_ih, b_hh = (part.tolist() for part in weights)

    def dot(row, column):
        return sum(a * b for a, b in zip(row, column, strict=True))

    def gate(k):
        return 1 / (1 + math.exp(-(dot(w_ih[k], x) + b_ih[k] + dot(w_hh[k], hidden) + b_hh[k])))

    reset, update = [gate(k) for k in range(size)], [gate(k) for k in range(size, 2 * size)]
    result = []
    for j in range(size):
        k = 2 * size + j
        if reset_after:
            recurrent = reset[j] * (dot(w_hh[k], hidden) + b_hh[k])
        else:
            recurrent = dot(w_hh[k], [r * h for r, h in zip(reset, hidden, strict=True)]) + b_hh[k]
        candidate = math.tanh(dot(w_ih[k], x) + b_ih[k] + recurrent)
        result.append(update[j] * hidden[j] + (1 - update[j]) * candidate)
    return result


@pytest.mark.parametrize("reset_after", [True, False])
def test_reference_equals_plain_python(rng, reset_after):
    weights, x, hidden = random_weights(rng, 3, 5), rng.normal(size=(2, 7, 3)), rng.normal(size=(2, 5))
    output, final = gru_forward(x, hidden, weights, reset_after)
    for row in range(2):
        state = hidden[row].tolist()
        for t in range(7):
            state = plain_step(x[row, t].tolist(), state, weights, reset_after)
            np.testing.assert_allclose(output[row, t], state, rtol=1e-13)
        np.testing.assert_allclose(final[row], state, rtol=1e-13)


@pytest.mark.parametrize("reverse", [False, True])
def test_reference_equals_torch(rng, reverse):
    weights, x, hidden = random_weights(rng, 3, 5), rng.normal(size=(2, 7, 3)), rng.normal(size=(2, 5))
    gru = torch.nn.GRU(3, 5, batch_first=True, dtype=torch.float64)
    gru.load_state_dict({f"{name}_l0": torch.from_numpy(w) for name, w in weights._asdict().items()})
    order = slice(None, None, -1 if reverse else 1)
    expected, state = gru(torch.from_numpy(x[:, order].copy()), torch.from_numpy(hidden)[None])
    output, final = gru_forward(x, hidden, weights, reverse=reverse)
    np.testing.assert_allclose(output[:, order], expected.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(final, state[0].detach().numpy(), rtol=1e-12)


# keras/src/layers/rnn/gru_test.py, test_correctness: every unit of a row has the same value. Keras' bias has two rows
# with reset_after and one without; gates are in another order there, which constant weights do not see.
KERAS = {
    "reset after": (True, 0.03, 0.03, False, [0.5217289, 0.6371659, 0.39384964]),
    "backwards": (True, 0.03, 0.03, True, [0.24406259, 0.611516, 0.3928808]),
    "reset before": (False, 0.03, 0, False, [0.51447755, 0.6426879, 0.40208298]),
    "without bias": (True, 0, 0, False, [0.49988455, 0.64701194, 0.4103359]),
}


@pytest.mark.parametrize("case", KERAS)
def test_reference_gives_the_numbers_of_keras(case):
    reset_after, bias_ih, bias_hh, reverse, expected = KERAS[case]
    values = {(9, 4): 0.01, (9, 3): 0.02}
    kernels = [np.full(shape, value, np.float32) for shape, value in values.items()]
    weights = Weights(*kernels, *(np.full(9, bias, np.float32) for bias in (bias_ih, bias_hh)))
    x = np.arange(72, dtype=np.float32).reshape(3, 6, 4)
    _, final = gru_forward(x, np.zeros((3, 3), np.float32), weights, reset_after, reverse=reverse)
    np.testing.assert_allclose(final, np.repeat(expected, 3).reshape(3, 3), atol=1e-5)


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("reverse", [False, True])
def test_lengths_equal_each_row_alone(rng, reset_after, reverse):
    weights, x, hidden = random_weights(rng, 2, 3), rng.normal(size=(4, 6, 2)), rng.normal(size=(4, 3))
    lengths = np.array([6, 0, 1, 4])
    output, final = gru_forward(x, hidden, weights, reset_after, lengths, reverse)
    for row, n in enumerate(lengths):
        alone = slice(row, row + 1)
        expected, state = gru_forward(x[alone, :n], hidden[alone], weights, reset_after, reverse=reverse)
        np.testing.assert_allclose(output[alone, :n], expected, rtol=1e-13)
        np.testing.assert_allclose(final[alone], state, rtol=1e-13)
        assert not output[row, n:].any()


def test_step_satisfies_its_own_equation(rng):
    hidden = rng.normal(size=(4, 3))
    step = gru_step(rng.normal(size=(4, 2)), hidden, random_weights(rng, 2, 3))
    np.testing.assert_array_equal(step.hidden, step.update * hidden + (1 - step.update) * step.candidate)
    assert ((step.reset > 0) & (step.reset < 1)).all()


def test_the_variants_differ(rng):
    weights, x, hidden = random_weights(rng, 2, 3), rng.normal(size=(4, 6, 2)), rng.normal(size=(4, 3))
    assert not np.allclose(*(gru_forward(x, hidden, weights, after)[0] for after in (True, False)), atol=1e-3)


def test_sigmoid_is_exact_in_both_tails():
    np.testing.assert_array_equal(sigmoid(np.array([-1000.0, 0.0, 1000.0])), [0.0, 0.5, 1.0])
    np.testing.assert_allclose(sigmoid(np.array([-40.0])), [math.exp(-40)], rtol=1e-14)


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("reverse", [False, True])
def test_trace_gives_each_step_and_the_same_output(rng, reset_after, reverse):
    weights, x, hidden = random_weights(rng, 2, 3), rng.normal(size=(4, 6, 2)), rng.normal(size=(4, 3))
    output, gates = gru_trace(x, hidden, weights, reset_after, reverse)
    np.testing.assert_array_equal(output, gru_forward(x, hidden, weights, reset_after, None, reverse)[0])
    before = output[:, 3] if reverse else output[:, 1]
    for part, whole in zip(gru_step(x[:, 2], before, weights, reset_after), gates, strict=True):
        np.testing.assert_array_equal(whole[:, 2], part)


def test_product_without_meaning_is_nan_without_a_warning():
    """BLAS raises the flag behind the warning now and then where all is finite; warnings fail tests."""
    assert np.isnan(linear(np.array([[np.inf, -np.inf]]), np.ones((1, 2)))).all()
