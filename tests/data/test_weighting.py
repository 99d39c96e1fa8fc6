import numpy as np
import polars as pl
import pytest

from grucast.data.covariates import Covariates
from grucast.data.encoding import Schema, encode
from grucast.data.panel import make_panel
from grucast.data.weighting import weighed, with_weights
from grucast.data.windows import make_windows
from grucast.errors import ConfigError, DataError


def panel_of(weights, y=range(6), ds=range(6)):
    frame = pl.DataFrame({"unique_id": "a", "ds": ds, "y": y, "w": weights})
    return make_panel(frame, covariates=with_weights(Covariates(), "w"))


def test_weights_are_one_on_average_over_what_is_observed():
    panel = weighed(panel_of([2, 2, 4, None, 0, 8], [1, 2, 3, None, 5, 6]), "w")
    np.testing.assert_allclose(panel.weights, np.array([2, 2, 4, 0, 0, 8]) / 3.2)


def test_truth_values_are_weights_and_gaps_have_none():
    panel = weighed(panel_of([True, False, True, True], range(4), [0, 1, 3, 4]), "w")
    assert panel.weights.tolist() == [4 / 3, 0, 0, 4 / 3, 4 / 3]
    assert panel_of([1.0] * 6).weights is None


def test_weights_stay_with_their_values():
    panel = weighed(panel_of([1, 2, 3, 4, 5, 6]), "w")
    assert (panel.drop_last(2).weights == panel.weights[:4]).all()
    assert np.isnan(panel.extend(2).weights[6:]).all()


def test_windows_have_a_future_that_counts_and_its_weights():
    panel = weighed(panel_of([0, 0, 0, 1, 0, 0]), "w")
    windows = make_windows(panel, encode(panel, Schema()), 2, 2)
    assert windows.ends.tolist() == [2, 3]
    assert windows.weights(np.arange(2)).tolist() == [[0, 6], [6, 0]]


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ([1, -1, 1, 1, 1, 1], "holds -1 in series 'a' at 1"),
        ([1, 1, None, 1, 1, 1], "holds nothing in series 'a' at 2"),
        ([0] * 6, "is 0 in all rows"),
        (["much"] * 6, "holds text"),
    ],
)
def test_what_is_no_weight_is_refused(weights, found):
    with pytest.raises(DataError, match=found):
        weighed(panel_of(weights), "w")


@pytest.mark.parametrize("column", ["price", "y", 3])
def test_column_of_weights_is_nothing_else(column):
    with pytest.raises(ConfigError, match="name of a column that is nothing else"):
        with_weights(Covariates(future=("price",)), column)


def test_infinite_weight_and_absent_column_are_refused():
    with pytest.raises(DataError, match="w = inf"):
        panel_of([1.0, np.inf, 1, 1, 1, 1])
    with pytest.raises(DataError, match="there is no column 'v'"):
        make_panel(
            pl.DataFrame({"ds": range(6), "y": range(6), "unique_id": "a"}), covariates=with_weights(Covariates(), "v")
        )
