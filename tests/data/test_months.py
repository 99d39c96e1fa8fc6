import numpy as np
import pandas as pd
import pytest

from grucast.data.months import business_day, days_in, half_day, halves, shared_day, stamped_on

MONTHS = np.arange("1969-06", "2105-01", dtype="datetime64[M]")


def stamps(alias, first="1996-01-01", periods=120):
    return pd.date_range(first, periods=periods, freq=alias).to_numpy().astype("datetime64[us]")


def test_days_of_months_are_those_of_pandas():
    np.testing.assert_array_equal(days_in(MONTHS), pd.DatetimeIndex(MONTHS).days_in_month)


@pytest.mark.parametrize(("last", "alias"), [(False, "BMS"), (True, "BME")])
def test_business_days_of_months_are_those_of_pandas(last, alias):
    wanted = pd.date_range("1969-06-01", periods=len(MONTHS), freq=alias)
    np.testing.assert_array_equal(business_day(MONTHS, last), wanted.to_numpy().astype("datetime64[D]"))


@pytest.mark.parametrize(("ends", "alias"), [(False, "SMS"), (True, "SME")])
def test_half_months_are_numbered_and_stamped_as_pandas_does(ends, alias):
    times = stamps(alias, "1969-06-01", 300)
    numbers = halves(times, ends)
    np.testing.assert_array_equal(np.diff(numbers), 1)
    np.testing.assert_array_equal(half_day(numbers, ends), times)


@pytest.mark.parametrize(("alias", "way"), [("MS", 0), ("ME", 1), ("BMS", 2), ("BME", 3)])
def test_share_of_rows_on_a_day_is_one_where_all_are(alias, way):
    times = np.concatenate([stamps(alias), stamps(alias, periods=3) + np.timedelta64(7, "h")])
    days, _ = stamped_on(times, np.array([0, 120, 123]))
    assert days[way].tolist() == [1, 1]


def test_rows_at_another_time_of_day_are_on_no_day():
    times = stamps("ME", periods=4)
    times[3] += np.timedelta64(1, "h")
    days, _ = stamped_on(times, np.array([0, 4]))
    assert days[1].tolist() == [0.75]


@pytest.mark.parametrize(
    ("first", "wrong", "wanted"),
    [("2024-01-15", None, 0), ("2024-02-29", None, 30), ("2024-01-15", 0, 15), ("2024-01-15", 5, 0)],
)
def test_day_that_series_share_is_named_where_the_first_stamp_does_not_tell(first, wrong, wanted):
    day = 30 if first == "2024-02-29" else 15
    months = np.arange("2024-02", "2025-02", dtype="datetime64[M]")
    times = (months.astype("M8[D]") + (np.minimum(day, days_in(months)) - 1)).astype("M8[us]")
    if wrong is not None:
        times[wrong] += np.timedelta64(3, "D")
    assert shared_day(times, np.array([0, 12])) == wanted
