import numpy as np
import pandas as pd
import pytest

from grucast.data.panel import make_panel
from grucast.errors import DataError


def frame(times, ids="a"):
    return pd.DataFrame({"unique_id": ids, "ds": pd.to_datetime(times), "y": 1.0})


def replaced(alias, row, stamp, periods=24):
    times = pd.date_range("2020-01-01", periods=periods, freq=alias).to_list()
    times[row] = pd.Timestamp(stamp)
    return times


FIFTEENTH = [pd.Timestamp(2020 + month // 12, 1 + month % 12, 15) for month in range(24)]
ODD = "'a' has irregular time stamps: {} is not a whole number of steps of {} after its first (1 such row in all)"
WRONG = {
    "month end": (replaced("ME", 16, "2021-05-13"), "series 'a' has 2021-05-13, which is not a month end (1 such row"),
    "month start": (replaced("MS", 16, "2021-05-13"), "'a' has 2021-05-13, which is not a month start (1 such row"),
    "first month start": (
        replaced("MS", 0, "2019-12-13"),
        "'a' has 2019-12-13, which is not a month start (1 such row",
    ),
    "day of the month": (
        [*FIFTEENTH[:9], pd.Timestamp("2020-10-20"), *FIFTEENTH[10:]],
        "10-20, which is not on day 15",
    ),
    "quarter end": (replaced("QE", 5, "2021-05-31"), "'a' has 2021-05-31, which is not a quarter end (1 such row"),
    "first quarter end": (
        replaced("QE", 0, "2020-01-31"),
        "'a' has 2020-01-31, which is not a quarter end (1 such row",
    ),
    "quarter start": (replaced("QS", 5, "2021-04-03"), "'a' has 2021-04-03, which is not a quarter start (1 such row"),
    "year start": (replaced("YS", 5, "2025-01-02"), "'a' has 2025-01-02, which is not a year start (1 such row"),
    "business month end": (replaced("BME", 16, "2021-05-13"), "2021-05-13, which is not a month end on a business day"),
    "half month": (replaced("SMS", 3, "2020-02-16"), "2020-02-16, which is not on the 1st or 15th of a month (1 such"),
    "time of day": (
        replaced("ME", 16, "2021-05-31 07:00"),
        "has 2021-05-31 07:00:00, which is not a month end (1 such",
    ),
    "day": (replaced("D", 16, "2020-01-17 12:34"), ODD.format("2020-01-17 12:34:00", "D")),
    "first day": (replaced("D", 0, "2019-12-31 12:34"), ODD.format("2019-12-31 12:34:00", "D")),
    "hour": (replaced("h", 16, "2020-01-01 16:30"), ODD.format("2020-01-01 16:30:00", "h")),
    "week": (replaced("W", 16, "2020-04-27"), ODD.format("2020-04-27 00:00:00", "W")),
}


@pytest.mark.parametrize("case", WRONG)
def test_one_wrong_stamp_is_named(case):
    times, wanted = WRONG[case]
    with pytest.raises(DataError) as error:
        make_panel(frame(times))
    assert wanted in str(error.value)
    assert "correct it" in str(error.value)


def test_step_that_the_week_of_a_model_does_not_have_is_named():
    hours = pd.date_range("2024-01-01", periods=28 * 24, freq="h")
    work = hours[(hours.day_of_week < 5) & (hours.hour > 8) & (hours.hour < 18)]
    week = make_panel(frame(work)).frequency
    with pytest.raises(DataError, match="2024-01-06 10:00:00, a step that h Mon-Fri 09:00-17:00 does not have"):
        make_panel(frame(work.append(pd.DatetimeIndex(["2024-01-06 10:00"]))), week)


@pytest.mark.parametrize(
    "local",
    [
        pd.date_range("2024-03-01", periods=60, tz="Europe/Berlin"),
        pd.date_range("2023-01-01", periods=30, freq="MS", tz="Europe/Berlin"),
        pd.date_range("2023-10-01", periods=7, freq="MS", tz="Europe/Berlin"),
        pd.date_range("2023-01-01", periods=30, freq="QS", tz="Europe/Berlin"),
        pd.date_range("2023-01-01", periods=30, freq="W", tz="America/New_York"),
    ],
)
def test_local_days_written_in_utc_are_advised_a_time_zone(local):
    with pytest.raises(DataError, match=r"clocks change; give their time zone with time_zone= \(--time-zone\)"):
        make_panel(frame(local.tz_convert(None)))


def test_advice_names_the_options():
    twice = ["2024-01-01", "2024-01-01", "2024-01-02"]
    with pytest.raises(DataError, match=r"aggregate= \(--aggregate sum\|mean\|last\).* id_col= \(--id-col\)"):
        make_panel(frame(twice))
    back = ["2019-10-27 01:00", "2019-10-27 02:00", "2019-10-27 02:00", "2019-10-27 03:00"]
    with pytest.raises(DataError, match=r"2019-10-27 02:00:00 more than once .*time_zone= \(--time-zone\)"):
        make_panel(frame(back))
    with pytest.raises(DataError, match=r"freq= \(--freq\)"):
        make_panel(frame(WRONG["hour"][0]))


@pytest.mark.parametrize(
    "sparse", [["2024-01-03", "2024-01-17", "2024-02-11"], ["2024-01-01", "2024-01-08", "2024-01-15"]]
)
def test_series_of_few_rows_on_the_grid_of_others_has_gaps(sparse):
    daily = pd.date_range("2024-01-01", periods=50)
    panel = make_panel(frame([*daily, *sparse], ["a"] * 50 + ["b"] * 3))
    assert (panel.frequency.name, panel.lengths.tolist()[0]) == ("D", 50)
    assert np.isfinite(panel.series(1)).sum() == 3


def test_long_series_with_rows_here_and_there_has_gaps():
    daily = pd.date_range("2024-01-01", periods=365)
    some = daily[np.sort(np.random.default_rng(5).choice(365, 40, replace=False))]
    panel = make_panel(frame([*daily, *some], ["a"] * 365 + ["b"] * 40))
    assert (panel.frequency.name, np.isfinite(panel.series(1)).sum()) == ("D", 40)


@pytest.mark.parametrize("other", ["W", "MS", "h"])
@pytest.mark.parametrize("first", [0, 1])
def test_series_of_another_rhythm_are_refused(other, first):
    series = [
        frame(pd.date_range("2024-01-01", periods=60), "a"),
        frame(pd.date_range("2024-01-01", periods=50, freq=other), "b"),
    ]
    with pytest.raises(DataError, match="mixed frequencies: series '"):
        make_panel(pd.concat([series[first], series[1 - first]]))


@pytest.mark.parametrize("freq", ["h", "D"])
def test_time_stamps_are_named_as_the_frame_shows_them(freq):
    times = pd.date_range("2024-01-01", periods=30, freq=freq, tz="America/New_York")
    twice, odd = times[[*range(30), 29]], times[:29].append(times[29:] + pd.Timedelta("7min"))
    shown = str(times[29])[:19]
    with pytest.raises(DataError, match=f"'a' has {shown} more than once"):
        make_panel(frame(twice))
    with pytest.raises(DataError, match=f"irregular time stamps: {str(odd[29])[:19]} is not"):
        make_panel(frame(odd))
