import numpy as np
import pandas as pd
import pytest

from grucast.data.reading.readings import Reading, choose, is_regular, to_days, to_week
from grucast.errors import DataError


def test_days_are_those_of_the_calendar_and_others_are_not():
    month, day = np.meshgrid(np.arange(0, 14), np.arange(0, 33), indexing="ij")
    for year in (1900, 2000, 2023, 2024):
        got = to_days(np.full(month.size, year), month.ravel(), day.ravel())
        text = [f"{year}-{m:02}-{d:02}" for m, d in zip(month.ravel(), day.ravel(), strict=True)]
        wanted = pd.to_datetime(pd.Series(text), errors="coerce", format="%Y-%m-%d").to_numpy().astype("M8[us]")
        np.testing.assert_array_equal(got, wanted)


def test_weeks_are_those_of_iso_8601():
    days = pd.date_range("1999-12-27", "2035-12-31", freq="W-MON")
    iso = days.isocalendar()
    np.testing.assert_array_equal(
        to_week(iso["year"].to_numpy(), iso["week"].to_numpy()), days.to_numpy().astype("M8[us]")
    )
    assert np.isnat(to_week(np.array([2021, 2020]), np.array([53, 54]))).all()


@pytest.mark.parametrize(("freq", "regular"), [("h", True), ("D", True), ("MS", True), ("W", True), ("B", False)])
def test_a_step_is_regular_in_time_or_in_months(freq, regular):
    assert is_regular(pd.date_range("2024-01-03", periods=30, freq=freq).to_numpy().astype("M8[us]")) == regular


def reading(label, *texts):
    return Reading(label, np.array(texts, "M8[us]"))


def test_the_only_reading_that_fits_all_is_taken():
    chosen = choose(
        [reading("day first", "2024-01-02", "2024-01-13"), reading("month first", "2024-02-01", "NaT")], ["1", "2"], "x"
    )
    assert (chosen.label, chosen.why) == ("day first", "as 2 shows")


def test_one_that_is_asked_for_is_taken_though_others_fit():
    both = [reading("day first", "2024-01-02"), reading("month first", "2024-02-01")]
    assert choose(both, ["1"], "x", "month first").label == "month first"
    with pytest.raises(DataError, match=r"x has '1', which may be day/month/year \(2024-01-02\) or month/day/year"):
        choose(both, ["1"], "x")
