from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from grucast.errors import DataError
from grucast.forecasting.frames import FrameKind, forecast_columns


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_types_of_the_given_frame_are_kept(library):
    given = library({"unique_id": np.array([3], np.int32), "ds": np.array(["2024-01-01"], "datetime64[ms]"), "y": 1.0})
    times = np.array(["2024-01-02", "2024-01-03"], "datetime64[us]")
    made = FrameKind.of(given).make([3, 3], {"ds": times}, {"GRU": np.ones(2)})
    assert isinstance(made, library)
    assert made["unique_id"].dtype == given["unique_id"].dtype
    assert made["ds"].dtype == given["ds"].dtype
    np.testing.assert_array_equal(made["ds"].to_numpy(), times)


IDS = {
    "pandas text": pd.Series(["b", "a"]),
    "pandas objects": pd.Series([UUID(int=2), UUID(int=1)]),
    "pandas categories": pd.Series(pd.Categorical(["b", "a"], categories=["a", "b", "c"], ordered=True)),
    "pandas nullable": pd.Series([2, 1], dtype="Int64"),
    "pandas small integers": pd.Series([2, 1], dtype="uint8"),
    "pandas arrow": pd.Series(["b", "a"], dtype=pd.ArrowDtype(pa.string())),
    "polars text": pl.Series(["b", "a"]),
    "polars categories": pl.Series(["b", "a"], dtype=pl.Categorical),
    "polars enum": pl.Series(["b", "a"], dtype=pl.Enum(["a", "b", "c"])),
    "polars small integers": pl.Series([2, 1], dtype=pl.UInt8),
}


@pytest.mark.parametrize("kind", IDS)
def test_ids_keep_type_and_order(kind):
    library = pd.DataFrame if kind.startswith("pandas") else pl.DataFrame
    given = library({"unique_id": IDS[kind], "ds": [1, 2], "y": 1.0})
    ids = IDS[kind].to_list()
    made = FrameKind.of(given).make(ids, {"ds": np.array([3, 4])}, {})
    assert made["unique_id"].dtype == given["unique_id"].dtype
    assert made["unique_id"].to_list() == ids


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
def test_zone_and_resolution_are_kept(zone, unit):
    utc = pd.date_range("2024-03-09", periods=48, freq="h", tz="UTC", unit=unit)
    frame = pd.DataFrame({"unique_id": 1, "ds": utc.tz_convert(zone), "y": 1.0})
    times = utc.tz_convert(None).to_numpy().astype("datetime64[us]")
    made = FrameKind.of(frame).make(frame["unique_id"], {"ds": times}, {})
    pd.testing.assert_frame_equal(made, frame[["unique_id", "ds"]])
    other = pl.DataFrame({"unique_id": 1, "ds": times}).with_columns(
        pl.col("ds").dt.cast_time_unit(unit).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    )
    assert FrameKind.of(other.with_columns(y=1.0)).make(other["unique_id"], {"ds": times}, {}).equals(other)


@pytest.mark.parametrize(("unit", "last"), [("ns", "2262-04-11"), ("us", "9999-12-31")])
def test_time_stamps_that_the_type_cannot_hold_are_refused(unit, last):
    given = pd.DataFrame({"unique_id": [1], "ds": np.array(["2024-01-01"], f"datetime64[{unit}]"), "y": 1.0})
    late = np.array([last], "datetime64[us]") + np.timedelta64(1, "D")
    with pytest.raises(DataError, match=last):
        FrameKind.of(given).make([1], {"ds": late}, {})


def test_quantiles_become_named_columns():
    columns = forecast_columns(np.arange(5.0)[None, None], (80.0, 97.5))
    assert {name: value[0] for name, value in columns.items()} == {
        "GRU": 2, "GRU-lo-80": 1, "GRU-hi-80": 3, "GRU-lo-97.5": 0, "GRU-hi-97.5": 4,
    }  # fmt: skip
