"""Every odd input, through fit and predict: refused with a clear message, or repaired and forecast finitely."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast import GRUForecaster
from grucast.errors import GrucastError
from tests.conftest import TINY

N = 60
HOURS = pd.date_range("2024-01-01", periods=N, freq="h")
WAVE = 10 + np.sin(np.arange(N) / 4)


def frame(library=pd.DataFrame, **columns):
    return library({"unique_id": ["a"] * N, "ds": HOURS, "y": WAVE, **columns})


def changed(values, place, value):
    """Values as objects, one of them replaced."""
    out = np.array(list(values), dtype=object)
    out[place] = value
    return out.tolist()


def rows(order):
    return frame().iloc[list(order)]


MISSING = changed(WAVE, 7, None)
ACCEPTED = {
    "missing y": frame(y=MISSING),
    "NaN in y": frame(pl.DataFrame, y=changed(WAVE, 7, np.nan)),
    "numbers as text": frame(y=[f" {value} " for value in WAVE]),
    "words for missing": frame(y=changed(map(str, WAVE), 7, "N/A")),
    "boolean y": frame(y=WAVE > 10),
    "decimals": frame(y=[Decimal(f"{value:.3f}") for value in WAVE]),
    "nullable y": frame(y=pd.array(changed(WAVE, 7, None), dtype="Float64")),
    "nullable integer y": frame(y=pd.array(changed(WAVE.astype(int), 7, None), dtype="Int64")),
    "nullable boolean y": frame(y=pd.array(changed(WAVE > 10, 7, None), dtype="boolean")),
    "arrow y": frame(y=pd.array(WAVE.tolist(), dtype="double[pyarrow]")),
    "float16 y": frame(y=WAVE.astype(np.float16)),
    "categories of numbers": frame(y=pd.Categorical([f"{value:.1f}" for value in WAVE])),
    "constant y": frame(y=7.0),
    "zeros": frame(y=0),
    "largest y": frame(y=WAVE * 9e98),
    "denormal y": frame(y=WAVE * 1e-310),
    "backward rows": rows(reversed(range(N))),
    "gap": rows([*range(20), *range(45, N)]),
    "pandas index of its own": frame().set_index(np.arange(N)[::-1]),
    "pandas datetime index": frame().set_index(HOURS),
    "a series of one row": pd.concat([frame(), frame().assign(unique_id="b").head(1)]),
    "an all-missing series but for the end": frame(y=[None] * 20 + WAVE[20:].tolist()),
    "dates as objects": frame(ds=[date(2024, 1, 1) + timedelta(days=k) for k in range(N)]),
    "datetimes as objects": frame(ds=pd.Series(HOURS.to_pydatetime(), dtype=object)),
    "day first": frame(ds=[f"{time:%d/%m/%Y %H:%M}" for time in HOURS]),
    "text with slashes": frame(ds=[f"{time:%Y/%m/%d %H:%M}" for time in HOURS]),
    "text with offsets over a change": frame(
        ds=[str(t) for t in pd.date_range("2024-03-30", periods=N, freq="h", tz="Europe/Berlin")]
    ),
    "dates as integers": frame(ds=[int(f"{t:%Y%m%d}") for t in pd.date_range("2024-01-01", periods=N)]),
    "periods": frame(ds=HOURS.to_period("h")),
    "a thousands mark": frame(y=changed(map(str, WAVE), 7, "1,234")),
    "text in categories": frame(ds=pd.Categorical([str(time) for time in HOURS])),
    "dates before 1970": frame(ds=pd.date_range("1905-01-01", periods=N)),
    "the last year but one": frame(pl.DataFrame, ds=[datetime(9998, 1, 1) + timedelta(days=k) for k in range(N)]),
    "year one": frame(pl.DataFrame, ds=[datetime(1, 1, 1) + timedelta(days=k) for k in range(N)]),
    "negative integers": frame(ds=np.arange(N) * 3 - 90),
    "small integers": frame(ds=np.arange(N, dtype=np.int8)),
    "unsigned integers": frame(ds=np.arange(N, dtype=np.uint64)),
    "empty text as id": frame(unique_id=""),
    "odd text as id": frame(unique_id="ä\n\0,\"'=1+2"),
    "numbers as ids": frame(unique_id=1.5),
    "booleans as ids": frame(unique_id=True),
    "dates as ids": frame(unique_id=date(2024, 1, 1)),
    "name of a forecast column": frame(GRU=1.0, cutoff=2),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted_input_gives_a_finite_forecast(case, capfd):
    forecast = GRUForecaster(h=3, input_size=12, season_length=4, **TINY).fit(ACCEPTED[case]).predict()
    forecast = forecast if isinstance(forecast, pd.DataFrame) else pd.DataFrame(forecast.to_dict(as_series=False))
    assert list(forecast.columns[:3]) == ["unique_id", "ds", "GRU"]
    assert len(forecast) == 3 * forecast["unique_id"].nunique()
    assert np.isfinite(forecast.iloc[:, 2:].to_numpy()).all()
    assert capfd.readouterr() == ("", "")


REFUSED = {
    "infinite y": (frame(y=changed(WAVE, 7, np.inf)), r"row 8 .* y = inf"),
    "1e999": (frame(y=changed(map(str, WAVE), 7, "1e999")), r"row 8 .* infinite"),
    "word in y": (frame(y=changed(map(str, WAVE), 7, "many")), r"row 8 .* 'many', which is not a number"),
    "formula": (frame(y=changed(map(str, WAVE), 7, "=1+2")), r"row 8 .* '=1\+2'"),
    "hex": (frame(y=changed(map(str, WAVE), 7, "0x1F")), r"row 8 .* '0x1F'"),
    "two decimal marks": (frame(y=changed(map(str, WAVE), 7, "1,2")), "one decimal mark"),
    "underscores": (frame(y=changed(map(str, WAVE), 7, "1_000")), r"row 8 .* '1_000'"),
    "complex y": (frame(y=WAVE * 1j), "y .* holds complex128, not numbers"),
    "lists in y": (frame(pl.DataFrame, y=[[1.0]] * N), r"y .* holds List\(Float64\), not numbers"),
    "lists as objects": (frame(y=[[1.0]] * N), r"row 1 .* not a number"),
    "structs in y": (frame(pl.DataFrame, y=[{"v": 1.0}] * N), "y .* holds Struct"),
    "durations in y": (frame(y=HOURS - HOURS[0]), "y .* holds timedelta64"),
    "times in y": (frame(y=HOURS), "y .* holds datetime64"),
    "all-missing y": (frame(y=[None] * N), "half of its history observed"),
    "no ds": (frame().drop(columns="ds"), "no column holds time stamps"),
    "no y": (frame().drop(columns="y"), "no column is left that holds numbers"),
    "y twice": (frame().set_axis(["unique_id", "y", "y"], axis=1), "two columns of one name"),
    "no rows": (frame().head(0), "no rows"),
    "no columns": (pd.DataFrame(), "is empty"),
    "one row": (frame().head(1), "1 rows; at least 3"),
    "null ds": (frame(ds=changed(HOURS, 7, None)), "row 8 .* no ds"),
    "NaT": (frame(ds=changed(HOURS, 7, pd.NaT)), "row 8 .* no ds"),
    "null id": (frame(unique_id=changed(["a"] * N, 7, None)), "row 8 .* no unique_id"),
    "NaN id": (frame(pl.DataFrame, unique_id=changed([1.0] * N, 7, np.nan)), "row 8 .* no unique_id"),
    "lists as items": (
        frame(pl.DataFrame, unique_id=[[1]] * N).rename({"unique_id": "item_id"}),
        r"item_id .* holds List\(Int64\)",
    ),
    "lists as ids": (frame(pl.DataFrame, unique_id=[[1]] * N), r"unique_id .* holds List\(Int64\)"),
    "no date": (frame(ds=changed(map(str, HOURS), 7, "soon")), "row 8 .* ds = 'soon'"),
    "30 February": (frame(ds=changed(map(str, HOURS), 7, "2024-02-30")), "row 8 .* '2024-02-30'"),
    "offset before year one": (
        frame(ds=changed([f"{t}Z" for t in HOURS], 7, "0001-01-01T00:00+14:00")),
        "not of the years 1 to 9999",
    ),
    "with and without zone": (
        frame(ds=changed(map(str, HOURS), 7, "2024-01-01T07:00Z")),
        "with a time zone and without",
    ),
    "fractional ds": (frame(ds=np.arange(N) / 2), "ds .* holds float64"),
    "boolean ds": (frame(ds=[True] * N), "ds .* holds bool"),
    "durations in ds": (frame(ds=HOURS - HOURS[0]), "ds .* holds timedelta64"),
    "integer extremes": (frame(ds=changed(range(N), 7, 2**63 - 1)), r"row 8 .* beyond 2\*\*62"),
    "lowest integer": (frame(ds=np.array(changed(range(N), 7, -(2**63)), np.int64)), r"row 8 .* beyond 2\*\*62"),
    "huge gap": (
        frame(ds=changed(range(N), N - 1, 10**12)),
        "1000000000000 after 58, more than 1,000,000 steps of 1 later",
    ),
    "duplicates": (rows([*range(N), 3]), "more than once"),
    "several series without id": (
        pd.concat([frame(), frame()]).drop(columns="unique_id"),
        "more than once .*id_col",
    ),
    "mixed frequencies": (
        pd.concat([frame(), frame(unique_id="b", ds=pd.date_range("2024", periods=N))]),
        "mixed freq",
    ),
    "irregular": (
        frame(ds=HOURS + pd.to_timedelta((np.arange(N) % 7 == 3) * 1.0, unit="s")),
        "not a whole number of steps",
    ),
    "finer than a microsecond": (frame(ds=pd.to_datetime(np.arange(N), unit="ns")), "microsecond"),
    "the last days of the calendar": (
        frame(pl.DataFrame, ds=[datetime(9999, 12, 31) - timedelta(days=k) for k in range(N)]),
        "forecast reaches 10000",
    ),
    "the last days of nanoseconds": (
        frame(ds=pd.date_range("2262-04-11", periods=N, freq="-1D").astype("datetime64[ns]")),
        "2262-04-11",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_input_that_cannot_be_used_is_refused_clearly(case, capfd):
    data, wanted = REFUSED[case]
    with pytest.raises(GrucastError, match=wanted) as caught:
        GRUForecaster(h=3, input_size=12, season_length=4, **TINY).fit(data).predict()
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
