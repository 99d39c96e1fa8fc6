"""Series without a value in the window that the model reads."""

import numpy as np
import polars as pl
import pytest

from grucast import check
from grucast.errors import DataError, DataWarning


def test_one_series_without_a_recent_value_does_not_stop_the_others(fitted, hourly):
    last = pl.int_range(pl.len()).over("unique_id") >= 400
    silent = hourly.with_columns(y=pl.when(last & (pl.col("unique_id") == "b")).then(None).otherwise("y"))
    with pytest.warns(DataWarning, match="1 of 2 series have no value in their last 48 steps, such as 'b'"):
        forecast = fitted.predict(silent)
    assert forecast.filter(unique_id="a").equals(fitted.predict(hourly).filter(unique_id="a"))
    assert np.isnan(forecast.filter(unique_id="b")["GRU"].to_numpy()).all()


@pytest.fixture
def silent(hourly):
    """The two series, of which b has no value in the last 80 steps."""
    last = pl.int_range(pl.len()).over("unique_id") >= 400
    return hourly.with_columns(y=pl.when(last & (pl.col("unique_id") == "b")).then(None).otherwise("y"))


def test_series_without_a_recent_value_is_left_out_elsewhere(fitted, silent):
    assert set(fitted.cross_validation(silent, n_windows=1)["unique_id"]) == {"a"}
    assert set(fitted.stream().update_many(silent)["unique_id"]) == {"a"}
    assert set(fitted.explain(silent)) == {"a"}
    assert fitted.explain(silent, series="b") == {}
    row = {"unique_id": "b", "ds": silent["ds"].max(), "y": None}
    assert fitted.stream().update(row) is None


@pytest.mark.parametrize("more", [{}, {"price": pl.col("y").is_null().cast(int)}], ids=["alone", "with a column"])
def test_check_names_a_series_without_a_recent_value(silent, more):
    found = [finding.what for finding in check(silent.with_columns(**more)).findings]
    assert "1 series ends in empty values, up to 80 steps in series 'b'" in found


def test_series_without_a_recent_value_is_refused_by_name(fitted, hourly):
    silent = hourly.with_columns(y=pl.when(pl.int_range(pl.len()).over("unique_id") < 400).then("y"))
    with pytest.raises(DataError, match="series 'a' has no value in its last 48 steps"):
        fitted.predict(silent)
