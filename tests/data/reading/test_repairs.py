from datetime import date, timedelta

import pandas as pd
import polars as pl
import pytest

from grucast import read
from grucast.errors import ConfigError, DataError

DAY = date(2024, 1, 1)


def receipts(library):
    days = [DAY + timedelta(days=k // 3) for k in range(30) if k // 3 != 4]
    return library({"day": days, "paid": [float(k % 7) for k in range(27)], "till": ["K1", "K2", "K1"] * 9})


@pytest.mark.parametrize("library", [pl.DataFrame, pd.DataFrame])
@pytest.mark.parametrize("how", ["sum", "mean", "last"])
def test_rows_of_one_time_are_put_together_as_pandas_does(library, how):
    frame = receipts(library)
    wanted = pd.DataFrame({"day": list(frame["day"]), "paid": list(frame["paid"])}).groupby("day")["paid"].agg(how)
    got = read(frame, target_col="paid", aggregate=how)
    assert list(got["y"]) == wanted.tolist()
    assert len(got) == 9


def test_a_sum_is_of_the_values_that_are_there_and_missing_where_none_is():
    frame = pl.DataFrame({"ds": [1, 1, 2, 2, 3], "y": [1.0, None, None, None, 5.0]})
    assert read(frame, aggregate="sum")["y"].to_list() == [1.0, None, 5.0]


def test_days_without_a_row_are_filled_for_all_series_from_the_first_day_to_the_last():
    rows = [("a", DAY + timedelta(days=k), 1) for k in range(9)] + [
        ("b", DAY + timedelta(days=k), 2) for k in (0, 3, 8)
    ]
    got = read(pl.DataFrame(rows, schema=["unique_id", "ds", "y"], orient="row"), fill=0, freq="D")
    assert got.group_by("unique_id").len().sort("unique_id")["len"].to_list() == [9, 9]
    assert got.filter(unique_id="b")["y"].sum() == 6


def test_repeated_stamps_are_refused_without_an_aggregate_and_the_option_is_named():
    with pytest.raises(DataError, match="aggregate"):
        read(pl.DataFrame({"ds": [1, 1, 2, 3], "y": [1.0, 2, 3, 4]}))


@pytest.mark.parametrize(
    "options",
    [{"aggregate": "median"}, {"fill": "zero"}, {"decimal": ";"}, {"wide": "yes"}, {"skip_rows": -1}, {"freq": "soon"}],
)
def test_options_without_meaning_are_refused(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        read(pl.DataFrame({"ds": [1, 2, 3], "y": [1.0, 2, 3]}), **options)


@pytest.mark.parametrize("options", [{"sheet": "a"}, {"query": "SELECT 1"}, {"skip_rows": 2}])
def test_options_of_files_have_no_meaning_for_a_frame(options):
    with pytest.raises(ConfigError, match="for files and databases"):
        read(pl.DataFrame({"ds": [1, 2, 3], "y": [1.0, 2, 3]}), **options)


def test_a_wrong_stamp_among_month_ends_is_named():
    ends = pd.date_range("2021-01-31", periods=18, freq="ME").to_list()
    ends[4] = pd.Timestamp("2021-05-13")
    with pytest.raises(DataError, match="2021-05-13"):
        read(pd.DataFrame({"ds": ends, "y": range(18)}), freq="ME")
    with pytest.raises(DataError, match="2021-05-13"):
        read(pd.DataFrame({"ds": ends, "y": range(18)}))


def test_steps_are_filled_from_the_earliest_row_wherever_it_stands():
    frame = pl.DataFrame({"ds": [5, 3, 1, 2], "y": [1.0, 2, 3, 4]})
    assert read(frame, fill=0)["ds"].to_list() == [1, 2, 3, 4, 5]
