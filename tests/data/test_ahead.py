import numpy as np
import pandas as pd
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
    with pytest.raises(DataError, match=r"no row for series 'a' at 5 \(1 such row in all\): give all 2 steps"):
        fill_future(extended, 2, coming()[[0, 1, 3]], ("price",))


def test_step_that_is_there_twice_is_refused(extended):
    twice = pl.concat([coming(), coming()[[1]]])
    with pytest.raises(DataError, match=r"future \(--future\) has series 'b' at 6 more than once: keep one row"):
        fill_future(extended, 2, twice, ("price",))


def test_series_without_any_row_are_named(extended):
    with pytest.raises(DataError, match=r"'b' at 5 \(2 such rows in all, none at any time for 'b'\): give all 2 steps"):
        fill_future(extended, 2, coming()[2:], ("price",))


def test_of_many_series_without_any_row_the_first_are_named():
    many = {"unique_id": np.repeat(np.arange(2000), 3), "ds": np.tile([1, 2, 3], 2000), "y": 0.0, "price": 1.0}
    panel = make_panel(pl.DataFrame(many), covariates=DECLARED).extend(1)
    row = pl.DataFrame({"unique_id": [1], "ds": [4], "price": [1.0]})
    with pytest.raises(
        DataError, match=r"\(1,999 such rows in all, none at any time for 0, 2, 3, 4, 5 \.\.\.\)"
    ) as caught:
        fill_future(panel, 1, row, ("price",))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("own", "other"),
    [
        (["007", "7"], ["007", "7"]),
        ([7, 8], ["7", "8"]),
        (["7", "8"], [7, 8]),
        (["a", "b"], pd.Categorical(["a", "b"])),
    ],
)
def test_ids_are_found_by_name_whatever_their_type(own, other):
    rows = {"unique_id": np.repeat(own, 3), "ds": [1, 2, 3] * 2, "y": 0.0, "price": 0.0}
    panel = make_panel(pd.DataFrame(rows), covariates=DECLARED).extend(1)
    future = pd.DataFrame({"unique_id": other, "ds": [4, 4], "price": [70.0, 80.0]})
    assert fill_future(panel, 1, future, ("price",)).temporal["price"].values[[3, 7]].tolist() == [70, 80]


@pytest.mark.parametrize(("own", "other"), [("dates", "integers"), ("integers", "dates")])
def test_dates_and_integers_do_not_mix(own, other):
    times = {"integers": np.arange(8), "dates": pd.date_range("2024-01-01", periods=8)}
    rows = {"unique_id": "a", "ds": times[own][:6], "y": 0.0, "price": 0.0}
    future = pd.DataFrame({"unique_id": "a", "ds": times[other][6:], "price": 1.0})
    with pytest.raises(DataError, match=rf"but ds of future \(--future\) holds {other}"):
        fill_future(make_panel(pd.DataFrame(rows), covariates=DECLARED).extend(2), 2, future, ("price",))


def zoned(zone, places, freq):
    times = pd.date_range("2024-03-25", periods=12, freq=freq, tz=zone)[places]
    return pd.DataFrame({"unique_id": "a", "ds": times, "y": 0.0, "price": 1.0})


@pytest.mark.parametrize("freq", ["h", "D"])
def test_time_stamps_with_a_zone_and_without_do_not_mix(freq):
    berlin, plain = (make_panel(zoned(zone, slice(10), freq), covariates=DECLARED) for zone in ("Europe/Berlin", None))
    with pytest.raises(DataError, match=r"history is in Europe/Berlin, but ds of future \(--future\) has no time zone"):
        fill_future(berlin.extend(2), 2, zoned(None, slice(10, 12), freq), ("price",))
    with pytest.raises(DataError, match=r"ds of future \(--future\) has a time zone, that of the history has none"):
        fill_future(plain.extend(2), 2, zoned("Europe/Berlin", slice(10, 12), freq), ("price",))


@pytest.mark.parametrize(("freq", "local"), [("h", "2024-03-25 11:00:00"), ("D", "2024-04-05 00:00:00")])
def test_missing_step_is_named_in_local_time(freq, local):
    panel = make_panel(zoned("Europe/Berlin", slice(10), freq), covariates=DECLARED).extend(2)
    in_utc = zoned("Europe/Berlin", slice(10, 11), freq).assign(ds=lambda frame: frame["ds"].dt.tz_convert("UTC"))
    with pytest.raises(DataError, match=f"no row for series 'a' at {local}"):
        fill_future(panel, 2, in_utc, ("price",))
