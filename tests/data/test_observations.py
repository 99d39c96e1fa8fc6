from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast import read
from grucast.data.covariates import Column
from grucast.data.observations import Observations
from grucast.errors import DataError

NOON = np.datetime64("2024-01-31T12:00", "us")
NONE: dict[str, Column] = {}
TIMES = {
    "integer": (7, np.int64(7)),
    "NumPy integer": (np.int32(7), np.int64(7)),
    "largest integer": (2**62, np.int64(2**62)),
    "date": (date(2024, 1, 31), np.datetime64("2024-01-31", "us")),
    "datetime": (datetime(2024, 1, 31, 12), NOON),
    "UTC": (datetime(2024, 1, 31, 12, tzinfo=UTC), NOON),
    "offset": (datetime(2024, 1, 31, 17, 30, tzinfo=timezone(timedelta(hours=5.5))), NOON),
    "datetime64": (np.datetime64("2024-01-31T12"), NOON),
    "datetime64 in microseconds": (NOON, NOON),
    "the last microsecond": (np.datetime64("9999-12-31T23:59:59.999999"), np.datetime64("9999-12-31T23:59:59.999999")),
    "pandas": (pd.Timestamp("2024-01-31 12:00"), NOON),
    "pandas with zone": (pd.Timestamp("2024-01-31 07:00", tz="America/New_York"), NOON),
    "text": ("2024-01-31 12:00", NOON),
    "text with offset": ("2024-01-31T13:00+01:00", NOON),
    "text in UTC": ("2024-01-31T12:00Z", NOON),
}


def row(**changes):
    return {"unique_id": "a", "ds": "2024-01-31", "y": 1.0, **changes}


@pytest.mark.parametrize("name", TIMES)
def test_each_writing_of_a_time_is_the_instant(name):
    given, wanted = TIMES[name]
    seen = Observations.of_rows([row(ds=given)], NONE)
    assert seen.times[0] == wanted
    assert seen.times.dtype == wanted.dtype
    zoned = name in {"UTC", "offset", "pandas with zone", "text with offset", "text in UTC"}
    assert seen.zone == ("UTC" if zoned else None)


NO_TIMES = {
    **{str(time): time for time in (None, True, 1.5, 2**62 + 1, -(2**70), float("nan"), pd.NaT, b"2024", [2024])},
    "integer of 400 digits": 10**400,
    "lowest integer": np.int64(-(2**63)),
    "unsigned": np.uint64(2**63),
    "signaling NaN": Decimal("sNaN"),
    "array": np.arange(3),
    "endless text": "2024-01-31" * 10**5,
    "year 0": np.datetime64("0000-12-31"),
    "year 0 in microseconds": np.datetime64("0000-12-31", "us"),
    "year 10000": np.datetime64("10000-01-01", "s"),
    "year 10000 in microseconds": np.datetime64("10000-01-01", "us"),
    "beyond microseconds": np.datetime64(2**62, "s"),
    "no time": np.datetime64("NaT", "us"),
    "pandas' year 200000": pd.Timestamp(np.datetime64("200000-01-01", "s")),
    "before the first in UTC": datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
    "after the last in UTC": datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))),
}


@pytest.mark.parametrize("time", NO_TIMES.values(), ids=NO_TIMES)
def test_what_is_no_time_is_refused(time):
    with pytest.raises(DataError, match="is not a time stamp"):
        Observations.of_rows([row(ds=time)], NONE)


@pytest.mark.parametrize("name", [None, 1.5, True, ("a",), b"a"], ids=str)
def test_what_names_no_series_is_refused(name):
    with pytest.raises(DataError, match="names no series"):
        Observations.of_rows([row(unique_id=name)], NONE)


@pytest.mark.parametrize("y", [None, float("nan"), np.float32("nan"), pd.NA, Decimal("NaN"), Decimal("sNaN")])
def test_missing_y_is_nan(y):
    assert np.isnan(Observations.of_rows([row(y=y)], NONE).y[0])


@pytest.mark.parametrize(
    "y",
    [
        "1",
        b"1",
        [1.0],
        {},
        1j,
        np.complex128(1),
        np.ones(1),
        float("inf"),
        -1e101,
        10**400,
        -(10**400),
        Decimal("1e400"),
    ],
    ids=lambda y: f"{y!s:.20}",
)
def test_what_is_no_usable_number_is_refused(y):
    with pytest.raises(DataError, match="y = "):
        Observations.of_rows([row(y=y)], NONE)


def test_rows_columns_and_frames_give_the_same(rng):
    known = {"load": Column("load", "past"), "kind": Column("kind", "static", categories=("x", "z"))}
    frame = pl.DataFrame(
        {
            "unique_id": ["a", "b", "a"],
            "ds": [datetime(2024, 1, 1, hour) for hour in (3, 1, 2)],
            "y": [1.0, None, 2.5],
            "load": rng.normal(size=3),
            "kind": ["x", "z", "x"],
        }
    )
    ways = (
        Observations.of_rows(frame.to_dicts(), known),
        Observations.of_columns(frame.to_dict(as_series=False), known),
        Observations.of_columns({name: frame[name].to_numpy() for name in frame.columns}, known),
        Observations.of_frame(read(frame), known),
    )
    for seen in ways:
        assert seen.ids == ["a", "b", "a"]
        np.testing.assert_array_equal(seen.times, frame["ds"].to_numpy())
        np.testing.assert_array_equal(seen.y, [1.0, np.nan, 2.5])
        np.testing.assert_array_equal(seen.covariates["load"].values, frame["load"])
        kind = seen.covariates["kind"]
        np.testing.assert_array_equal(kind.values, ways[0].covariates["kind"].values)
        assert kind.categories == ("x", "z")
        assert seen.zone is None


BAD_COLUMNS = {
    "no column": ({"ds": [1, 2], "y": 5}, "'y' is not a column but 5"),
    "text": ({"ds": "ab", "y": "ab"}, "'ds' is not a column but 'ab'"),
    "array of no axes": ({"ds": np.array(1), "y": np.array(1)}, "'ds' is not a column"),
    "mapping": ({"ds": {0: 1}, "y": {0: 1}}, "'ds' is not a column"),
    "ragged": ({"ds": [1, 2], "y": [[1.0], [1.0, 2.0]]}, r"y = \[1.0\] is not a number"),
    "two axes": ({"ds": np.arange(2), "y": np.ones((2, 1))}, "is not a number"),
    "integer of 400 digits": ({"ds": [1, 2], "y": [1.0, 10**400]}, "infinite"),
    "lowest integer": ({"ds": np.array([-(2**63)]), "y": np.ones(1)}, "not a time stamp"),
    "beyond microseconds": ({"ds": np.array([2**62], "M8[s]"), "y": np.ones(1)}, "not a time stamp"),
    "names of no series": ({"ds": [1, 2], "y": [1.0, 2.0], "unique_id": [[1], [2]]}, "names no series"),
    "names that are missing": ({"ds": [1, 2], "y": [1.0, 2.0], "unique_id": [None, "a"]}, "names no series"),
    "lengths": ({"ds": [1, 2], "y": [1.0]}, "differ in length"),
    "no y": ({"ds": [1, 2]}, "no 'y'"),
    "infinite": ({"ds": np.array([1, 2]), "y": np.array([1.0, np.inf])}, "infinite"),
    "NaT": ({"ds": np.array(["2024-01-01", "NaT"], "M8[us]"), "y": np.ones(2)}, "not a time stamp"),
    "nanoseconds": ({"ds": np.array([1, 2], "M8[ns]"), "y": np.ones(2)}, "not a time stamp"),
    "kinds of time": ({"ds": [1, date(2024, 1, 1)], "y": [1.0, 2.0]}, "some dates"),
}


@pytest.mark.parametrize("name", BAD_COLUMNS)
def test_columns_that_cannot_be_used_are_refused(name):
    columns, wanted = BAD_COLUMNS[name]
    with pytest.raises(DataError, match=wanted):
        Observations.of_columns(columns, NONE)


def test_rows_without_a_name_are_the_one_series_of_read():
    assert Observations.of_rows([{"ds": 1, "y": 1.0}], NONE).ids == ["series"]
    assert Observations.of_columns({"ds": [1], "y": [1.0]}, NONE).ids == ["series"]


def test_names_of_columns_stay_what_they_are():
    columns = {"ds": [1, 2, 3], "y": [1.0] * 3, "unique_id": ["1", 1, np.int64(2)]}
    assert Observations.of_columns(columns, NONE).ids == ["1", 1, 2]


LONG = {f"{'x' * 1000}{i}": i for i in range(1000)}


@pytest.mark.parametrize("row", [LONG, [LONG] * 1000, row(y="x" * 10**6), row(ds=[LONG] * 100), row(unique_id=LONG)])
def test_messages_are_short(row):
    with pytest.raises(DataError) as caught:
        Observations.of_rows([row], NONE)
    assert len(str(caught.value)) < 1000
