import numpy as np
import pytest

from grucast.errors import DataError, ShapeError
from grucast.forecasting.sequences import to_finite, to_sequences, to_targets, valid_steps
from grucast.model.network import Sequences


def objects(*arrays):
    found = np.empty(len(arrays), object)
    found[:] = arrays
    return found


LONG, SHORT = np.arange(8.0).reshape(4, 2), np.ones((2, 2))


@pytest.mark.parametrize("wrap", [list, tuple, lambda arrays: objects(*arrays)], ids=["list", "tuple", "objects"])
def test_unequal_lengths_are_padded_with_zeros_after_their_ends(wrap):
    x, lengths = to_sequences(wrap([LONG, SHORT]))
    np.testing.assert_array_equal(lengths, [4, 2])
    np.testing.assert_array_equal(x, [LONG, [[1, 1], [1, 1], [0, 0], [0, 0]]])
    np.testing.assert_array_equal(valid_steps(Sequences(x, lengths)), [[1, 1, 1, 1], [1, 1, 0, 0]])


@pytest.mark.parametrize("wrap", [list, tuple, lambda arrays: objects(*arrays), np.array])
def test_equal_lengths_are_an_array(wrap):
    sequences = to_sequences(wrap([LONG, LONG + 1]))
    np.testing.assert_array_equal(sequences.x, [LONG, LONG + 1])
    assert sequences.lengths is None
    assert valid_steps(sequences).all()


@pytest.mark.parametrize(
    ("x", "error", "wanted"),
    [
        ([LONG, SHORT[:, :1]], ShapeError, r"X\[1\] has shape \(2, 1\): give arrays \(T, 2\)"),
        ([LONG, LONG[:, :1]], ShapeError, r"X\[1\] has shape \(4, 1\): give arrays \(T, 2\)"),
        ([LONG, SHORT[:0]], ShapeError, r"X\[1\] has shape \(0, 2\).*with a step at least"),
        ([LONG[:, 0], SHORT[:, 0]], ShapeError, r"X\[0\] has shape \(4,\).*x\[:, None\]"),
        ([np.array(5.0), LONG, SHORT], ShapeError, r"X\[0\] has shape \(\)"),
        ([LONG, SHORT * np.nan], DataError, r"X\[1\]\[0, 0\] is nan \(4 such values\)"),
        ([LONG, [["a", "b"]]], DataError, r"X\[1\] holds something that is not a number"),
        ([[[1.0, 2.0], [3.0]], [[1.0]]], DataError, r"X\[0\] holds something that is not a number"),
        ([LONG, 1j * SHORT], DataError, r"X\[1\] holds complex numbers"),
        ([], ShapeError, r"X has shape \(0,\)"),
        (5, ShapeError, r"X has shape \(\)"),
        ("text", DataError, "X holds something"),
    ],
)
def test_sequences_that_cannot_be_used_are_refused(x, error, wanted):
    with pytest.raises(error, match=wanted):
        to_sequences(x)


def test_numbers_that_single_precision_cannot_compute_with_are_refused():
    assert to_finite([1e30, -1e30], "X").tolist() == [1e30, -1e30]
    with pytest.raises(DataError, match=r"X\[1\] is 1e\+39 .* at most 1e\+30"):
        to_finite([1.0, 1e39], "X")


def test_targets_of_each_step_are_padded_like_their_sequences():
    sequences = to_sequences([LONG, SHORT])
    targets = to_targets([LONG[:, :1], SHORT[:, :1]], sequences, "GRURegressor")
    np.testing.assert_array_equal(targets, sequences.x[..., :1])


@pytest.mark.parametrize(
    ("x", "y", "wanted"),
    [
        ([LONG, SHORT], [LONG, LONG[:3]], "y has other lengths than X"),
        ([LONG, LONG], [LONG, SHORT], "y has other lengths than X"),
        ([LONG, SHORT], [LONG, SHORT, SHORT], "y has other lengths than X"),
        ([LONG, SHORT], np.zeros((2, 4, 1)), r"y has shape \(2, 4, 1\)"),
        ([LONG, LONG], np.zeros((2, 3, 1)), r"y has shape \(2, 3, 1\).*for a target at each step"),
        ([LONG, LONG], np.zeros((2, 4, 0)), r"y has shape \(2, 4, 0\)"),
        ([LONG, LONG], np.zeros((2, 4, 1, 1)), r"y has shape \(2, 4, 1, 1\)"),
        ([LONG, LONG], 5.0, r"y has shape \(\)"),
    ],
)
def test_targets_of_other_steps_than_their_sequences_are_refused(x, y, wanted):
    with pytest.raises(ShapeError, match=wanted):
        to_targets(y, to_sequences(x), "GRURegressor")
