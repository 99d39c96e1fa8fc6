import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast import GRUForecaster, check
from grucast.data import example
from grucast.data.panel import make_panel
from grucast.errors import DataError


def levels(report):
    return [finding.level for finding in report.findings]


def test_clean_series_have_no_findings(hourly):
    report = check(hourly)
    assert (report.rows, report.series, report.usable, report.findings) == (960, 2, True, ())
    assert (report.grid.frequency, report.grid.gaps, report.grid.longest) == ("h", 0, 480)
    assert [season.period for season in report.grid.seasons] == [24]


def test_pandas_and_polars_have_the_same_report(hourly):
    wide = hourly.with_columns(
        x=pl.col("y") * 2, kind=pl.col("unique_id"), hole=pl.when(pl.col("y") > 10).then(pl.col("y"))
    )
    assert check(pd.DataFrame(wide.to_dict(as_series=False))).to_dict() == check(wide).to_dict()


def test_gaps_and_missing_values_are_counted():
    rows = [("a", 0, 1.0), ("a", 1, None), ("a", 2, 2.0), ("a", 6, 3.0), ("b", 0, 4.0), ("b", 2, 5.0), ("b", 3, 6.0)]
    report = check(pl.DataFrame(rows, schema=["unique_id", "ds", "y"], orient="row"))
    grid = report.grid
    assert (grid.gaps, grid.gap_series, grid.longest_gap, report.missing) == (4, 2, 3, 1)
    assert (grid.shortest, grid.longest, grid.short) == (4, 7, 2)


def test_constant_series_zeros_and_negatives_are_counted():
    y = [0.0, 0, 0, -1, 2, None, 4, 4, None, None, 5, None]
    report = check(pl.DataFrame({"unique_id": list("aaabbbcccddd"), "ds": [1, 2, 3] * 4, "y": y}))
    assert (report.constant, report.zero, report.negative) == (2, 3 / 8, 1 / 8)


def test_duplicates_are_an_error_with_an_example():
    report = check(pl.DataFrame({"ds": [1, 2, 2, 3], "y": [1.0, 2, 3, 4]}))
    assert not report.usable
    assert report.duplicates == 1
    assert "series 'series' at 2" in report.findings[0].what
    assert report.grid.longest == 3


def test_order_of_rows_is_noted_and_harmless(hourly):
    report = check(hourly.reverse())
    assert report.unsorted == 958
    assert levels(report) == ["note"]


@pytest.mark.parametrize(
    "frame",
    [
        {"ds": [1], "y": [1.0]},
        {"ds": [1, 2, 3], "y": [np.nan, np.nan, np.nan]},
        {"ds": [1, 2, 3], "y": [None, None, None]},
        {"ds": ["2024-01-01", "2024-01-02", "2024-01-04T07:00", "2024-01-09"], "y": [1, 2, 3, 4]},
        {"ds": [1, 2, 3], "y": ["1", "two", "3"]},
        {"ds": [1, 2, 3, 4], "y": [1.0, 2, float("inf"), 3]},
    ],
)
def test_unusable_data_are_reported_not_raised(frame):
    report = check(pl.DataFrame(frame))
    assert not report.usable
    assert levels(report)[0] == "error"
    assert "error: " in str(report)
    with pytest.raises(DataError):
        GRUForecaster(1).fit(pl.DataFrame(frame))


def test_what_is_usable_makes_a_panel(hourly):
    odd = hourly.filter(pl.int_range(pl.len()) % 7 != 0).sample(fraction=1, shuffle=True, seed=1)
    assert check(odd).usable
    assert make_panel(odd).missing > 0


def test_columns_are_named_as_in_read(hourly):
    named = hourly.rename({"unique_id": "shop", "ds": "hour", "y": "sold"})
    assert check(named, "shop", "hour", "sold").series == 2
    with pytest.raises(DataError, match="no column 'store'"):
        check(named, "store")


def test_planted_leaks_are_warnings_and_lags_are_notes(hourly):
    shifted = hourly.with_columns(
        lead=pl.col("y").shift(-1).over("unique_id"), lag=pl.col("y").shift(1).over("unique_id"), flat=pl.lit(1)
    )
    report = check(shifted)
    assert levels(report) == ["warning", "note", "note"]
    assert {leak.columns: leak.kind for leak in report.leaks} == {("lead",): "ahead", ("lag",): "past"}


def test_real_data_with_calendar_columns_have_no_leak():
    bikes = example().with_columns(
        hour=pl.col("ds").dt.hour(), weekday=pl.col("ds").dt.weekday(), t=pl.int_range(pl.len())
    )
    report = check(bikes)
    assert report.leaks == []
    assert [season.period for season in report.grid.seasons] == [24, 168]
    assert np.isclose(report.grid.gaps, 165)


def test_text_that_is_the_target_is_a_leak(hourly):
    report = check(
        hourly.with_columns(twin=pl.col("y").cast(pl.String), word=pl.lit("a") + pl.col("y").cast(pl.String))
    )
    assert {leak.columns: leak.kind for leak in report.leaks} == {("twin",): "same"}
