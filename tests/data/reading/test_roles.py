import narwhals as nw
import numpy as np
import polars as pl
import pytest

from grucast.data.reading.looks import look_at
from grucast.data.reading.roles import find_ids, find_target, find_time

DAYS = [f"2024-01-{day:02}" for day in range(1, 29)]


def looks(**columns):
    frame = nw.from_native(pl.DataFrame(columns), eager_only=True)
    return {name: look_at(frame[name]) for name in frame.columns}


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"a": DAYS, "v": range(28)}, ("a",)),
        ({"day": DAYS, "hr": [0, 1] * 14, "v": range(28)}, ("day", "hr")),
        ({"d": DAYS, "clock": ["06:00", "18:00"] * 14}, ("d", "clock")),
        ({"made": DAYS, "Order Date": DAYS, "v": range(28)}, ("Order Date",)),
        ({"month": [1, 2] * 14, "year": [2020, 2021] * 14}, ("year", "month")),
        ({"ym": [202311, 202312, 202401], "v": [1, 5, 2]}, ("ym",)),
        ({"step": [100, 110, 120], "loss": [0.1, 0.3, 0.2]}, ("step",)),
    ],
)
def test_the_time_is_found(columns, wanted):
    assert find_time(looks(**columns), alone=False).columns == wanted


def test_two_columns_of_dates_are_asked_for():
    found = find_time(looks(opened=DAYS, closed=DAYS), alone=False)
    assert found.asked
    assert "opened, closed" in found.said


def test_no_time_is_asked_for_but_not_of_a_single_column():
    assert find_time(looks(name=["a", "b"], points=[3, 17]), alone=False).asked
    assert find_time(looks(points=[3, 17, 4]), alone=True) == ((), "")


def ids(columns, times):
    frame = pl.DataFrame(columns)
    codes = {name: np.unique(frame[name].to_numpy(), return_inverse=True)[1] for name in frame.columns}
    return find_ids(looks(**columns), np.array(times), codes, ())


def test_rows_of_distinct_times_are_one_series():
    assert ids({"kind": ["a", "b"] * 5}, range(10)) == ((), "")


@pytest.mark.parametrize(
    "columns", [{"shop": ["x", "y"] * 10}, {"shop": [3, 11] * 10}, {"word": ["w"] * 20, "shop": ["x", "y"] * 10}]
)
def test_the_column_that_tells_rows_of_one_time_apart_is_taken(columns):
    assert ids(columns, np.repeat(np.arange(10), 2)).columns == ("shop",)


def test_a_column_that_tells_them_apart_by_chance_is_asked_for():
    found = ids({"customer": [f"c{k}" for k in range(19)] + ["c0"]}, np.repeat(np.arange(10), 2))
    assert found.asked
    assert "customer" in found.said


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"a": [1.5, 2]}, ("a",)),
        ({"a": [1.5, 2], "y": [3, 4]}, ("y",)),
        ({"a": [1.5, 2], "flat": [3, 3]}, ("a",)),
        ({"a": [1, 2], "b": [3, 5]}, ()),
    ],
)
def test_the_target_is_the_one_column_of_numbers_left(columns, wanted):
    found = find_target(looks(**columns), (), ())
    assert (found.columns, found.asked) == (wanted, not wanted)


def test_a_sparse_panel_is_asked_for():
    times = np.array([(17 * k) % 100 for k in range(60)] + list(range(100)))
    names = [f"c{k % 20}" for k in range(60)] + [f"d{k % 33}" for k in range(100)]
    assert ids({"customer": names}, times).asked


def test_series_of_two_rows_are_asked_for():
    assert ids({"customer": [f"c{k % 10}" for k in range(20)]}, [*range(10), *range(1, 10), 0]).asked
