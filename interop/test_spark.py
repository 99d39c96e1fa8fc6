"""Forecasts by Spark itself, on this machine."""

import os
import re
import sys
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.errors import PythonException
from pyspark.sql import SparkSession
from tests.conftest import TINY

import grucast.spark
from grucast import Covariates, GRUForecaster
from grucast.errors import ConfigError, DataError
from grucast.spark import whole_series

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "spark.md"
pytestmark = pytest.mark.filterwarnings("ignore")  # Spark's own
STEPS = 30


@pytest.fixture(scope="module")
def spark():
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    options = {
        "spark.sql.shuffle.partitions": "3",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "70",  # series lie in several batches
        "spark.sql.session.timeZone": "America/New_York",
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture
def days():
    rng, series = np.random.default_rng(0), 40
    ds = [date(2024, 1, 1) + timedelta(step) for step in range(STEPS)]
    shops = np.repeat([f"s{number}" for number in range(series)], STEPS)
    return pl.DataFrame({"shop": shops, "ds": ds * series, "y": rng.gamma(2, 5, series * STEPS)})


def fitted(days, **options):
    return GRUForecaster(3, 14, 7, **TINY).fit(days, **options)


def frame(spark, days):
    """The rows in Spark, in another order; time stamps without a zone stay so."""
    found = spark.createDataFrame(days.sample(fraction=1, shuffle=True, seed=1).to_arrow())
    plain = days.schema.get("ds") == pl.Datetime("us")
    return found.withColumn("ds", found["ds"].cast("timestamp_ntz")) if plain else found


def same(found, wanted):
    """Both have the same rows, to the bit."""
    found = pl.from_arrow(found.toArrow())
    assert found.columns == wanted.columns
    assert found.sort("unique_id", "ds").equals(wanted.sort("unique_id", "ds").cast(dict(found.schema)))


@pytest.mark.parametrize("rows", [1, 100, 10**6])
def test_forecasts_are_those_of_one_process(spark, days, rows, monkeypatch):
    monkeypatch.setattr(grucast.spark, "ROWS", rows)
    forecaster = fitted(days, id_col="shop")
    same(grucast.spark.predict(forecaster, frame(spark, days)), forecaster.predict())


def test_levels_and_steps_are_those_asked_for(spark, days):
    forecaster = fitted(days, id_col="shop")
    same(grucast.spark.predict(forecaster, frame(spark, days), (50.0,), 2), forecaster.predict(level=(50.0,), h=2))


@pytest.mark.parametrize(
    ("change", "ids"),
    [
        ({"ds": pl.col("ds").cast(pl.Datetime("us"))}, "shop"),
        ({"ds": pl.col("ds").cast(pl.Datetime("us")).dt.replace_time_zone("America/New_York")}, "shop"),
        ({"ds": pl.col("ds").to_physical()}, "shop"),
        ({"shop": pl.col("shop").str.slice(1).cast(pl.Int32)}, "shop"),
        ({"a b": pl.lit("x")}, ("a b", "shop")),
    ],
)
def test_types_stay_and_several_columns_name_a_series(spark, days, change, ids):
    days = days.with_columns(**change)
    forecaster = fitted(days, id_col=ids)
    same(grucast.spark.predict(forecaster, frame(spark, days)), forecaster.predict())


def test_rows_without_names_are_one_series(spark, days):
    days = days.head(STEPS).drop("shop")
    forecaster = fitted(days)
    same(grucast.spark.predict(forecaster, frame(spark, days)), forecaster.predict())


def test_no_rows_give_no_forecasts(spark, days):
    found = grucast.spark.predict(fitted(days, id_col="shop"), frame(spark, days).limit(0))
    assert found.count() == 0
    assert found.columns[:3] == ["unique_id", "ds", "GRU"]


def test_error_of_the_data_is_told_by_the_action(spark, days):
    twice = pl.concat([days, days.head(1)])
    found = grucast.spark.predict(fitted(days, id_col="shop"), frame(spark, twice))
    with pytest.raises(PythonException, match=r"TimeStampError: series .s0. has 2024-01-01 00:00:00 more than once"):
        found.collect()


def test_what_cannot_be_is_refused_before_any_work(spark, days):
    forecaster = fitted(days, id_col="shop")
    with pytest.raises(DataError, match="no column shop, which training had: unique_id, ds, y are there"):
        grucast.spark.predict(forecaster, frame(spark, days.rename({"shop": "unique_id"})))
    with pytest.raises(DataError, match="one column of dates, timestamps or integers for Spark, not string"):
        grucast.spark.predict(forecaster, frame(spark, days.cast({"ds": pl.String})))
    with pytest.raises(ConfigError):
        grucast.spark.predict(forecaster, frame(spark, days), level=(0.0,))
    known = GRUForecaster(3, 14, 7, covariates=Covariates(future=("x",)), **TINY)
    known.fit(days.with_columns(x=1.0), id_col="shop")
    with pytest.raises(DataError, match="this model reads x"):
        grucast.spark.predict(known, frame(spark, days))


@given(st.lists(st.integers(0, 5), min_size=1), st.lists(st.integers(0, 60), max_size=9), st.integers(1, 20))
def test_pieces_hold_whole_series_and_all_rows(names, cuts, rows):
    whole = pl.DataFrame({"id": sorted(names)}, schema={"id": pl.Int64})
    places = [0, *sorted(min(cut, len(names)) for cut in cuts), len(names)]
    frames = [whole[first:last] for first, last in pairwise(places)]
    pieces = list(whole_series(iter(frames), ["id"], rows))
    assert pl.concat(pieces).equals(whole)
    held = [set(piece["id"]) for piece in pieces]
    assert sum(map(len, held)) == whole["id"].n_unique()
    largest, longest = max(map(len, frames)), max(map(names.count, names), default=0)
    assert all(len(piece) < rows + largest + longest for piece in pieces)


def test_page_prints_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code, printed in re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE.read_text(), re.S):
        exec(compile(code, PAGE.name, "exec"), names)
        assert capsys.readouterr().out == printed
