from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grucast import Covariates, GRUForecaster, NetworkConfig
from grucast.errors import DataError, NotFittedError
from tests.conftest import TINY

LAST = datetime(2024, 3, 10, 23)


def rows_of(frame):
    return frame.to_dicts()


def same(forecast, frame):
    """Whether a stream's forecast is, bit by bit, what `predict` gave for that series."""
    own = frame.filter(unique_id=forecast["unique_id"])
    return all(np.array_equal(forecast[name], own[name].to_numpy()) for name in own.columns[1:])


def test_each_update_gives_the_bits_of_predict_on_all_rows_so_far(fitted, hourly):
    rows, stream = hourly.filter(unique_id="b").head(60), fitted.stream()
    for seen, row in enumerate(rows_of(rows), 1):
        assert same(stream.update(row), fitted.predict(rows.head(seen)))


def test_series_do_not_touch_each_other(fitted, hourly):
    mixed, stream = hourly.sort("ds", "unique_id").head(130), fitted.stream()
    *_, a, b = stream.update(rows_of(mixed))
    wanted = fitted.predict(mixed)
    assert same(a, wanted)
    assert same(b, wanted)


def test_rows_at_once_are_rows_one_by_one(fitted, hourly):
    rows = rows_of(hourly.sort("ds").head(30))
    one, other = fitted.stream(), fitted.stream()
    for single, together in zip([one.update(row) for row in rows], other.update(rows), strict=True):
        assert single.keys() == together.keys()
        assert all(np.array_equal(single[name], together[name]) for name in single)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.permutations(range(1, 60)), st.sets(st.integers(1, 59), max_size=12), st.sets(st.integers(1, 59), max_size=15)
)
def test_late_duplicate_missing_and_skipped_rows_end_in_the_forecast_of_predict(fitted, hourly, order, gaps, missing):
    series = hourly.filter(unique_id="a").head(60).with_row_index("step")
    series = series.with_columns(y=pl.when(pl.col("step").is_in(list(missing))).then(None).otherwise("y"))
    kept = series.filter(~pl.col("step").is_in(list(gaps))).drop("step")
    rows, stream = {row["ds"]: row for row in rows_of(kept)}, fitted.stream()
    first, *others = series["ds"].to_list()
    came = [first, *(others[step - 1] for step in order if others[step - 1] in rows)]
    for time in [*came, *came[::3]]:
        forecast = stream.update(rows[time])
    assert same(forecast, fitted.predict(kept))


@pytest.mark.parametrize("frame", [pl.DataFrame, lambda df: df.to_pandas()], ids=["polars", "pandas"])
def test_many_rows_end_in_the_frame_of_predict(fitted, hourly, frame):
    half, whole = frame(hourly.sort("ds").head(400)), frame(hourly.sample(fraction=1, shuffle=True, seed=3))
    stream = fitted.stream()
    stream.update_many(half)
    got, wanted = stream.update_many(whole), fitted.predict(whole)
    if isinstance(got, pd.DataFrame):
        pd.testing.assert_frame_equal(got, wanted)
    else:
        assert got.equals(wanted)


@pytest.mark.parametrize("convert", [np.asarray, list], ids=["arrays", "lists"])
def test_columns_come_back_as_columns(fitted, hourly, convert):
    columns = {
        name: convert(hourly[name].to_numpy() if convert is np.asarray else hourly[name]) for name in hourly.columns
    }
    got, wanted = fitted.stream().update_many(columns), fitted.predict(hourly)
    assert list(got) == wanted.columns
    assert all(np.array_equal(got[name], wanted[name].to_numpy()) for name in got)


def test_bulk_and_single_updates_mix(fitted, hourly):
    series = hourly.filter(unique_id="a")
    stream = fitted.stream()
    stream.update_many(series.head(400))
    for row in rows_of(series.tail(80)):
        forecast = stream.update(row)
    assert same(forecast, fitted.predict(series))


def test_a_row_without_any_value_so_far_gives_no_forecast(fitted, hourly):
    rows, stream = rows_of(hourly.head(3)), fitted.stream()
    assert stream.update(rows[0] | {"y": None}) is None
    assert stream.update(rows[1] | {"y": float("nan")}) is None
    assert same(stream.update(rows[2]), fitted.predict(hourly.slice(2, 1)))


def test_a_series_silent_for_a_window_gives_no_forecast_until_it_speaks(fitted, hourly):
    stream = fitted.stream()
    last = rows_of(hourly.filter(unique_id="a"))[-1]
    stream.update_many(hourly)
    assert stream.update(last | {"ds": LAST + timedelta(hours=48), "y": None}) is None
    assert stream.update(last | {"ds": LAST + timedelta(hours=49), "y": 11.0})["GRU"].shape == (6,)


BAD = {
    "no ds": ({"y": 1.0}, "there is no 'ds'"),
    "no y": ({"ds": LAST}, "there is no 'y'"),
    "no mapping": ("2024-01-01,1", "an observation is a mapping"),
    "text": ({"ds": LAST, "y": "high"}, "is not a number"),
    "infinite": ({"ds": LAST, "y": float("inf")}, "infinite"),
    "no time": ({"ds": "yesterday", "y": 1.0}, "which is not a time stamp"),
    "400 digits": ({"ds": LAST, "y": 10**400}, "infinite"),
    "half a character": ({"unique_id": "\ud800", "ds": LAST, "y": 1.0}, "no text in Unicode"),
    "endless name": ({"unique_id": 10**5000, "ds": LAST, "y": 1.0}, "too long to name a series"),
    "last day": ({"unique_id": "z", "ds": "9999-12-31", "y": 1.0}, "reaches 9999-12-31 06:00:00, but dates end with"),
    "last day, missing": ({"unique_id": "z", "ds": "9999-12-31", "y": None}, "but dates end with"),
    "before the first day": (
        {"unique_id": "z", "ds": "0001-01-01T00:00+10:00", "y": 1.0},
        "is not a time stamp",
    ),
    "far": (
        {"unique_id": "a", "ds": "2204-01-01", "y": 1.0},
        "'a' has 2204-01-01 after 2024-03-11, more than 50 years",
    ),
    "far and missing": ({"unique_id": "b", "ds": "2204-01-01", "y": None}, "more than 50 years later"),
    "time of nothing": ({"ds": pd.NaT, "y": 1.0}, "is not a time stamp"),
    "nanoseconds": ({"ds": pd.Timestamp(2**60 + 1), "y": 1.0}, "to the microsecond"),
    "number as time": ({"ds": 17, "y": 1.0}, "some rows have integers as ds"),
    "no series": ({"unique_id": None, "ds": LAST, "y": 1.0}, "names no series"),
    "off the grid": ({"unique_id": "a", "ds": LAST + timedelta(minutes=5), "y": 1.0}, "not a whole number of steps"),
    "before the first": ({"unique_id": "a", "ds": "2023-01-01", "y": 1.0}, "before the series' first row"),
    "another value": ({"unique_id": "a", "ds": LAST, "y": 1e6}, "series 'a' has y = .* already"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_says_why_and_changes_nothing(fitted, hourly, name):
    row, message = BAD[name]
    stream, untouched = fitted.stream(), fitted.stream()
    stream.update_many(hourly)
    untouched.update_many(hourly)
    good = {"unique_id": "a", "ds": LAST + timedelta(hours=1), "y": 12.0}
    newcomer = {"unique_id": "new", "ds": LAST, "y": 1.0}
    with pytest.raises(DataError, match=message):
        stream.update([newcomer, good, row])
    assert len(stream.states) == 2
    for after in (newcomer | {"ds": LAST - timedelta(hours=9)}, good):
        one, other = stream.update(after), untouched.update(after)
        assert all(np.array_equal(one[column], other[column]) for column in one)


@pytest.mark.parametrize("years", [1, 49])
def test_gap_of_years_is_a_gap_in_stream_and_predict(fitted, hourly, years):
    rows = hourly.filter(unique_id="a").tail(60)
    later = rows.with_columns(ds=pl.col("ds").dt.offset_by(f"{years}y"))
    both, stream = pl.concat([rows, later]), fitted.stream()
    stream.update_many(rows)
    forecast = stream.update_many(later)
    assert forecast.equals(fitted.stream().update_many(both))
    assert forecast["ds"][0].year == 2024 + years


def test_row_too_far_after_another_is_refused_in_whatever_way_it_comes(fitted, hourly):
    far = hourly.filter(unique_id="a").tail(1).with_columns(ds=pl.col("ds").dt.offset_by("180y"))
    stream, untouched = fitted.stream(), fitted.stream()
    stream.update_many(hourly)
    untouched.update_many(hourly)
    frame = pl.concat([hourly, far])
    for take in (stream.update_many, fitted.stream().update_many, fitted.predict, GRUForecaster(6, **TINY).fit):
        with pytest.raises(DataError, match=r"series 'a' has 2204-03-10 23:00:00 after 2024-03-10 23:00:00"):
            take(frame)
    row = {"unique_id": "a", "ds": LAST + timedelta(hours=1), "y": 12.0}
    one, other = stream.update(row), untouched.update(row)
    assert all(np.array_equal(one[column], other[column]) for column in one)


def test_integers_count_up_to_their_bounds_and_no_further(rng):
    step = 2**60
    frame = pl.DataFrame({"ds": np.arange(-3, 4) * step, "y": rng.normal(size=7)})
    with pytest.raises(DataError, match=r"4 steps of 1152921504606846976 lead beyond 2\*\*62"):
        GRUForecaster(h=4, input_size=2, season_length=1, **TINY).fit(frame).predict()
    forecaster = GRUForecaster(h=2, input_size=2, season_length=1, **TINY).fit(frame)
    assert forecaster.predict()["ds"].to_list() == [4 * step, 5 * step]
    stream = forecaster.stream()
    assert stream.update({"ds": 2**62, "y": 1.0})["ds"].tolist() == [5 * step, 6 * step]
    assert stream.update({"unique_id": "b", "ds": -(2**62), "y": 1.0})["ds"].tolist() == [-3 * step, -2 * step]


def test_gap_of_a_million_integers_is_a_gap_and_a_longer_one_an_error(rng):
    forecaster = GRUForecaster(h=2, input_size=4, **TINY).fit(pl.DataFrame({"ds": range(60), "y": rng.normal(size=60)}))
    stream = forecaster.stream()
    for ds in (0, 10**6, 10**6 + 1):
        assert stream.update({"ds": ds, "y": 1.0})["ds"].tolist() == [ds + 1, ds + 2]
    with pytest.raises(DataError, match="has 2000002 after 1000001, more than 1,000,000 steps of 1 later"):
        stream.update({"ds": 2 * 10**6 + 2, "y": 1.0})


@pytest.mark.parametrize("rows", [5, "2024-01-01,1", [None], pl.DataFrame({"ds": [1], "y": [1.0]})])
def test_what_is_no_observation_is_refused(fitted, rows):
    with pytest.raises(DataError, match="an observation is a mapping"):
        fitted.stream().update(rows)


@pytest.mark.parametrize("columns", [{}, {"ds": [], "y": []}])
def test_columns_need_rows(fitted, columns):
    with pytest.raises(DataError, match="there are no rows"):
        fitted.stream().update_many(columns)


def test_rows_may_come_from_any_iterable(fitted, hourly):
    one, other = fitted.stream(), fitted.stream()
    rows = rows_of(hourly.head(3))
    assert len(one.update(row for row in rows)) == len(other.update(rows)) == 3
    assert one.update([]) == []


def test_contradicting_rows_of_one_frame_are_refused(fitted, hourly):
    twice = pl.concat([hourly, hourly.head(1).with_columns(y=pl.lit(7.0))])
    with pytest.raises(DataError, match=r"series 'a' has y = .* already"):
        fitted.stream().update_many(twice)


@pytest.mark.parametrize("later", [None, 10.0])
def test_a_frame_may_hold_a_row_twice_and_once_without_its_value(fitted, hourly, later):
    known = hourly.tail(100)
    last = known.tail(1)
    doubled = pl.concat([known, last.with_columns(y=pl.lit(None, pl.Float64)), last] if later else [last, known])
    doubled = pl.concat([doubled, last.with_columns(y=pl.lit(None, pl.Float64))])
    assert fitted.stream().update_many(doubled).equals(fitted.predict(known))


def test_levels_are_those_of_predict(fitted, hourly):
    stream = fitted.stream(level=(50,))
    got, wanted = stream.update_many(hourly), fitted.predict(hourly, level=(50,))
    assert got.equals(wanted)
    assert "GRU-lo-50" in got.columns


def test_thousands_of_series_each_keep_their_own_window(fitted, rng):
    ids = [f"s{i}" for i in range(3000)]
    hours = [datetime(2024, 1, 1, hour) for hour in range(4)]
    frame = pl.DataFrame(
        [
            {"unique_id": name, "ds": hour, "y": y}
            for name in ids
            for hour, y in zip(hours, rng.normal(5, 1, 4), strict=True)
        ]
    )
    stream = fitted.stream()
    for hour in hours:
        forecast = stream.update_many(frame.filter(ds=hour))
    assert forecast.equals(fitted.predict(frame))


CALENDARS = {
    "months": pd.date_range("2019-01-31", periods=60, freq="ME"),
    "months from the 30th": pd.DatetimeIndex([pd.Timestamp("2019-01-30") + pd.DateOffset(months=k) for k in range(60)]),
    "business days": pd.bdate_range("2024-01-01", periods=60),
    "integers": np.arange(0, 300, 5),
    "days in New York": pd.date_range("2024-02-01", periods=60, tz="America/New_York"),
    "hours in Berlin": pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin"),
}


@pytest.mark.parametrize("name", CALENDARS)
def test_every_calendar_streams_to_the_bits_of_predict(name, rng):
    frame = pd.DataFrame({"unique_id": 7, "ds": CALENDARS[name], "y": rng.normal(size=60)})
    forecaster = GRUForecaster(h=3, input_size=12, season_length=4, **TINY).fit(frame)
    stream = forecaster.stream()
    for row in frame.to_dict("records"):
        forecast = stream.update(row)
    wanted = forecaster.predict(frame)
    ds = (
        wanted["ds"]
        if wanted["ds"].dtype.kind == "i"
        else pd.DatetimeIndex(
            wanted["ds"].dt.tz_localize(None)
            if wanted["ds"].dt.tz is None
            else wanted["ds"].dt.tz_convert("UTC").dt.tz_localize(None)
        )
    )
    np.testing.assert_array_equal(forecast["ds"], np.asarray(ds, forecast["ds"].dtype))
    np.testing.assert_array_equal(forecast["GRU"], wanted["GRU"])


def test_days_of_a_zone_need_their_offset(rng):
    frame = pd.DataFrame({"ds": CALENDARS["days in New York"], "y": rng.normal(size=60)})
    stream = GRUForecaster(h=3, input_size=12, season_length=4, **TINY).fit(frame).stream()
    with pytest.raises(DataError, match="offset from UTC"):
        stream.update({"ds": "2024-02-01", "y": 1.0})
    assert stream.update({"ds": "2024-02-01T00:00-05:00", "y": 1.0}) is not None


WITH = Covariates(past=("temp", "sky"), future=("price", "offer"), static=("size", "region"))


@pytest.fixture
def shop(hourly, rng):
    """The series with covariates of every role, some of them missing."""
    count = len(hourly)
    return hourly.with_columns(
        temp=rng.normal(size=count),
        sky=pl.Series(rng.choice(["clear", "grey"], count)),
        price=pl.Series(rng.normal(size=count)),
        offer=pl.Series(rng.choice(["none", "half", None], count)),
        size=pl.when(unique_id="a").then(1.0).otherwise(2.0),
        region=pl.when(unique_id="a").then(pl.lit("n")).otherwise(pl.lit("s")),
    ).with_columns(temp=pl.when(pl.col("temp") > 1).then(None).otherwise("temp"))


def test_covariates_of_every_role_stream_to_the_bits_of_predict(shop):
    history, rest = (
        shop.filter(pl.col("ds") <= LAST - timedelta(hours=6)),
        shop.filter(pl.col("ds") > LAST - timedelta(hours=6)),
    )
    forecaster = GRUForecaster(h=6, input_size=48, season_length=24, covariates=WITH, **TINY).fit(history)
    wanted = forecaster.predict(history, rest)
    one, many = forecaster.stream(), forecaster.stream()
    assert many.update_many(history, rest).equals(wanted)
    for (name,), series in history.group_by("unique_id", maintain_order=True):
        coming = shop.filter(unique_id=name)
        for step, row in enumerate(rows_of(series), 1):
            future = coming.slice(step, 6)
            forecast = one.update(row, {"price": future["price"].to_list(), "offer": future["offer"].to_list()})
        assert same(forecast, wanted)
        again = one.forecast(name, {"price": future["price"].to_list(), "offer": future["offer"].to_list()})
        assert all(np.array_equal(again[column], forecast[column]) for column in forecast)


def test_forecast_without_a_row_is_that_of_the_last_update_also_where_days_have_a_zone(rng):
    frame = pd.DataFrame({"ds": CALENDARS["days in New York"], "y": rng.normal(size=60)})
    stream = GRUForecaster(h=3, input_size=12, season_length=4, **TINY).fit(frame).stream()
    for day in ("01", "02"):
        last = stream.update({"unique_id": 7, "ds": f"2024-02-{day}T00:00-05:00", "y": 1.0})
    again = stream.forecast(7)
    assert all(np.array_equal(again[column], last[column]) for column in last)
    with pytest.raises(DataError, match="series 'new' is not in this stream"):
        stream.forecast("new")


def test_futures_must_fit(shop):
    forecaster = GRUForecaster(h=6, input_size=48, season_length=24, covariates=WITH, **TINY).fit(shop)
    row, stream = rows_of(shop)[0], forecaster.stream()
    ragged, deep = {"price": [[1.0], 2.0, [3.0, 4.0], 1.0, 1.0, 1.0]}, [[[[1.0]]]]
    for future, message in (
        (None, "this model reads price, offer"),
        (ragged | {"offer": [None] * 6}, "covariate 'price' holds \\[1.0\\]"),
        ({"price": deep, "offer": deep}, "6 values of 'price'"),
        ({"price": 1.0, "offer": [None] * 6}, "6 values of 'price'"),
        ({"price": [1.0] * 5 + [10**400], "offer": [None] * 6}, "infinite"),
        ({"price": [1.0] * 5 + [object()], "offer": [None] * 6}, "covariate 'price' holds <object"),
        ({"price": [1.0] * 6, "offer": "halves"}, "6 values of 'offer'"),
        ({"price": [1.0] * 6}, "there is no 'offer'"),
        ({"price": [1.0] * 5, "offer": [None] * 5}, "6 values of 'price'"),
    ):
        with pytest.raises(DataError, match=message):
            stream.update(row, future)
    with pytest.raises(DataError, match="no row for series 'a' at"):
        stream.update_many(shop, shop)
    assert len(stream.states) == 0


def test_a_model_with_layers_both_ways_streams_to_the_bits_of_predict(hourly):
    network = NetworkConfig(hidden_size=5, num_layers=2, bidirectional=True, reset_after=False, head_size=8)
    settings = TINY | {"network": network}
    forecaster = GRUForecaster(h=6, input_size=48, season_length=24, **settings).fit(hourly)
    assert forecaster.stream().update_many(hourly).equals(forecaster.predict())
    stream = forecaster.stream()
    for row in rows_of(hourly.head(60)):
        forecast = stream.update(row)
    assert same(forecast, forecaster.predict(hourly.head(60)))


def test_stream_needs_a_model():
    with pytest.raises(NotFittedError):
        GRUForecaster(h=6).stream()
