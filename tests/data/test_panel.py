from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.panel import make_panel
from grucast.errors import DataError


def frame(ids, ds, y=None):
    return pl.DataFrame({"unique_id": ids, "ds": ds, "y": np.arange(len(ds), dtype=float) if y is None else y})


def test_ragged_series_lie_one_after_the_other():
    panel = make_panel(frame(["a"] * 4 + ["b"] * 3, [1, 2, 3, 4, 7, 8, 9]))
    assert panel.ids == ["a", "b"]
    assert panel.offsets.tolist() == [0, 4, 7]
    assert panel.series(1).tolist() == [4.0, 5.0, 6.0]
    assert panel.starts.tolist() == [1, 7]


@given(st.permutations(range(8)))
def test_order_of_rows_does_not_matter(order):
    data = frame(["a"] * 4 + ["b"] * 4, [1, 2, 3, 4] * 2)
    panel, shuffled = make_panel(data), make_panel(data[list(order)])
    for index, name in enumerate(panel.ids):
        np.testing.assert_array_equal(shuffled.series(shuffled.ids.index(name)), panel.series(index))


def test_gaps_and_missing_values_are_nan():
    panel = make_panel(frame("a", [1, 2, 3, 6], [1.0, None, 3.0, 6.0]))
    np.testing.assert_array_equal(panel.values, [1, np.nan, 3, np.nan, np.nan, 6])
    assert panel.missing == 3


def test_times_continue_each_series():
    panel = make_panel(frame(["a"] * 3 + ["b"] * 3, [1, 2, 3, 7, 8, 9]))
    assert panel.times(np.array([0, 1, 2])).tolist() == [[3, 4, 5], [9, 10, 11]]


def test_zoned_times_are_utc():
    start = datetime(2024, 3, 31, tzinfo=UTC)
    times = pl.Series([start + timedelta(hours=i) for i in range(6)]).dt.convert_time_zone("Europe/Berlin")
    panel = make_panel(frame("a", times))
    assert panel.missing == 0
    assert panel.starts[0] == np.datetime64("2024-03-31T00:00")


def test_drop_last_gives_the_panel_of_earlier_rows():
    data = frame(["a"] * 5 + ["b"] * 4, [1, 2, 3, 4, 5, 1, 2, 3, 4])
    wanted = make_panel(data.filter((pl.col("ds") < 4) & ~((pl.col("unique_id") == "b") & (pl.col("ds") == 3))))
    got = make_panel(data).drop_last(2)
    np.testing.assert_array_equal(got.values, wanted.values)
    np.testing.assert_array_equal(got.offsets, wanted.offsets)


def test_tails_are_padded_before_the_first_value():
    panel = make_panel(frame(["a"] * 3 + ["b"] * 4, [1, 2, 3, 1, 2, 3, 4]))
    np.testing.assert_array_equal(panel.tails(4), [[np.nan, 0, 1, 2], [3, 4, 5, 6]])


def test_pandas_and_polars_give_the_same_panel():
    data = frame("a", pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 1, 9), "1d", eager=True))
    one, other = make_panel(data), make_panel(pd.DataFrame(data.to_dict(as_series=False)))
    np.testing.assert_array_equal(one.values, other.values)
    assert one.frequency == other.frequency
    assert one.starts == other.starts


@pytest.mark.parametrize("closed", [lambda d: d.weekday() < 6, lambda d: not 60 < d.day + 31 * d.month < 90])
def test_sundays_and_long_holidays_are_gaps(closed):
    kept = [d for d in days(*range(200)) if closed(d)]
    panel = make_panel(frame("a", kept))
    assert panel.frequency.name == "D"
    assert panel.missing == len(panel.values) - len(kept) > 0


def test_weekends_are_no_gaps_in_business_days_but_holidays_are():
    kept = [d for d in days(*range(200)) if d.weekday() < 5]
    panel = make_panel(frame("a", kept[:50] + kept[52:]))
    assert panel.frequency.name == "B"
    assert panel.missing == 2
    assert panel.times(np.array([0]))[0, 0] == np.datetime64(kept[-1])


def test_nights_and_weekends_in_hourly_data_are_gaps():
    open_hours = [d.replace(hour=h) for d in days(*range(21)) if d.weekday() < 5 for h in range(8, 18)]
    panel = make_panel(frame("a", open_hours))
    assert panel.frequency.name == "h"
    assert panel.missing == len(panel.values) - len(open_hours) > 0


def days(*numbers):
    return [datetime(2024, 1, 1) + timedelta(days=n) for n in numbers]


BAD = {
    "duplicates": (frame("a", [1, 2, 2, 3]), "series 'a' has 2 more than once"),
    "mixed frequencies": (frame(["a"] * 3 + ["b"] * 3, days(0, 1, 2, 0, 7, 14)), "mixed frequencies: series 'a'.*'b'"),
    "frequency that changes": (
        frame("a", [*range(9), *range(24, 240, 24)]),
        "mixed frequencies: series 'a' has 8 jumps of 24",
    ),
    "irregular": (frame("a", days(0, 1, 2, 3, 4.5)), "series 'a' .*2024-01-05 12:00:00 is not a whole number"),
    "too short to see a frequency": (frame("a", [1, 2]), "at least 3"),
    "a typing error in a date": (frame("a", days(0, 1, 2, 3, 365000)), "365,001 steps of D"),
}


@pytest.mark.parametrize("case", BAD)
def test_unusable_times_are_refused(case):
    data, wanted = BAD[case]
    with pytest.raises(DataError, match=wanted):
        make_panel(data)
