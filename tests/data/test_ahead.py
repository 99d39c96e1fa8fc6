import numpy as np
import polars as pl
import pytest

from grucast import Covariates
from grucast.data.ahead import fill_future
from grucast.data.panel import make_panel
from grucast.errors import DataError

DECLARED = Covariates(future=("price",))


@pytest.fixture
def extended():
    rows = {"unique_id": ["a"] * 3 + ["b"] * 4, "ds": [1, 2, 3, 1, 2, 3, 4], "y": 0.0, "price": np.arange(7.0)}
    return make_panel(pl.DataFrame(rows), covariates=DECLARED).extend(2)


def coming(**columns):
    return pl.DataFrame({"unique_id": ["b", "b", "a", "a"], "ds": [5, 6, 5, 4], "price": [50.0, 60, 51, 41], **columns})


def test_values_come_to_their_series_and_steps(extended):
    filled = fill_future(extended, 2, coming(), ("price",))
    assert filled.temporal["price"].values.tolist() == [0, 1, 2, 41, 51, 3, 4, 5, 6, 50, 60]


def test_rows_of_the_past_and_of_other_series_change_nothing(extended):
    more = pl.concat([coming(), pl.DataFrame({"unique_id": ["a", "b", "c"], "ds": [3, 9, 4], "price": [9.0] * 3})])
    got, wanted = (fill_future(extended, 2, frame, ("price",)) for frame in (more, coming()))
    np.testing.assert_array_equal(got.temporal["price"].values, wanted.temporal["price"].values)


def test_value_that_is_not_known_stays_missing(extended):
    filled = fill_future(extended, 2, coming(price=[None, 60, 51, 41]), ("price",))
    assert np.isnan(filled.temporal["price"].values).nonzero()[0].tolist() == [9]


def test_missing_step_is_named(extended):
    with pytest.raises(DataError, match=r"no row for series 'a' at 5 \(1 such rows in all\): give all 2 steps"):
        fill_future(extended, 2, coming()[[0, 1, 3]], ("price",))
