import sys
from datetime import date, timedelta

import numpy as np
import pytest

from grucast.data.frequency import Frequency
from grucast.data.holidays import Holidays, days_off, holidays_for
from grucast.errors import ConfigError, DataError, MissingExtraError

DAY = Frequency("duration", 86400 * 10**6)


def days(*names):
    return np.array(names, "M8[us]")


def test_days_around_christmas_are_flagged():
    got = Holidays("DE").flags(days("2024-12-23", "2024-12-24", "2024-12-25", "2024-12-26", "2024-12-27"))
    assert got.tolist() == [[0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 0, 1], [0, 0, 1]]
    assert got.dtype == np.float32


def test_they_are_encoded_as_their_columns_say():
    own = Holidays("DE")
    (column, *_), times = own.columns, days("2024-12-24", "2024-12-25")
    np.testing.assert_allclose(own.encode(times)[:, 0], (own.flags(times)[:, 0] - column.centre) / column.scale)
    assert (column.name, column.role) == ("DE holiday", "future")


def test_new_year_is_seen_from_the_year_before_and_after():
    assert Holidays("DE").flags(days("2023-12-31", "2024-01-02")).tolist() == [[0, 1, 0], [0, 0, 1]]


def test_easter_monday_is_computed(rng):
    def easter(year):  # the anonymous Gregorian algorithm
        a, b, c = year % 19, year // 100, year % 100
        d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
        e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
        f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
        return date(year, f // 31, f % 31 + 1)

    mondays = days(*(easter(year) + timedelta(days=1) for year in range(1995, 2050)))
    assert (Holidays("DE").flags(mondays)[:, 0] == 1).all()


def test_subdivisions_have_their_own():
    epiphany = days("2025-01-06")
    assert (Holidays("DE").flags(epiphany)[0, 0], Holidays("DE-BY").flags(epiphany)[0, 0]) == (0, 1)


def test_hours_have_the_holidays_of_their_local_day():
    times = days("2024-12-24T22:30", "2024-12-24T23:00", "2024-12-26T22:59", "2024-12-26T23:00")
    assert Holidays("DE", "Europe/Berlin").flags(times)[:, 0].tolist() == [0, 1, 1, 0]
    assert Holidays("DE").flags(times)[:, 0].tolist() == [0, 0, 1, 1]


def test_any_shape_and_any_year():
    times = np.full((2, 3), days("0001-01-01")[0])
    times[1] = days("9999-12-31")[0]
    assert (Holidays("DE").flags(times) == 0).all()
    assert Holidays("DE").flags(times).shape == (2, 3, 3)
    assert Holidays("DE").flags(times[:, :0]).shape == (2, 0, 3)


@pytest.mark.parametrize("code", ["XX", "DE-XX"])
def test_unknown_country_is_refused(code):
    with pytest.raises(ConfigError, match=f"holidays='{code}' is not known"):
        holidays_for(code, DAY, None)


@pytest.mark.parametrize(
    ("frequency", "found"),
    [(Frequency("integer", 1), "integers"), (Frequency("month", 1), "MS"), (Frequency("duration", 7 * DAY.step), "W")],
)
def test_steps_that_lie_on_no_single_day_are_refused(frequency, found):
    with pytest.raises(DataError, match=found):
        holidays_for("DE", frequency, None)


@pytest.mark.parametrize(
    "frequency",
    [DAY, Frequency("business", 1), Frequency("week", 3600 * 10**6, open=(0, 18000)), Frequency("duration", 10**6)],
)
def test_days_and_their_parts_are_taken(frequency):
    assert holidays_for("DE", frequency, "UTC") == Holidays("DE", "UTC")


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)
    days_off.cache_clear()
    with pytest.raises(MissingExtraError, match=r"grucast\[holidays\]"):
        Holidays("DE").flags(days("2024-12-24"))
