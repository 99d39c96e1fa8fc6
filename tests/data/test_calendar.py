import numpy as np
import polars as pl
import pytest

from grucast.data.calendar import phases, usual_cycles
from grucast.data.panel import make_panel


def panel(times):
    return make_panel(pl.DataFrame({"unique_id": "a", "ds": times, "y": 1.0}))


def phases_of(times, cycle):
    own = panel(times)
    return phases(own.frequency, own.starts, (cycle,), np.arange(len(times))[None])[0].T


def hours(count):
    return np.datetime64("2024-01-01", "us") + np.arange(count) * np.timedelta64(1, "h")


def test_phase_of_the_day_is_that_of_a_clock():
    sine, cosine = phases_of(hours(48), "day")
    angle = 2 * np.pi * (np.arange(48) % 24) / 24
    np.testing.assert_allclose(sine, np.sin(angle), atol=1e-6)
    np.testing.assert_allclose(cosine, np.cos(angle), atol=1e-6)


def test_week_begins_on_monday_and_the_year_in_january():
    sine, cosine = phases_of(hours(8), "week")  # 2024-01-01 was a Monday
    np.testing.assert_allclose([sine[0], cosine[0]], [0, 1], atol=1e-6)
    _, year = phases_of(hours(8), "year")
    assert year[0] > np.cos(2 * np.pi * 1.5 / 365)


def days(count):
    return np.datetime64("2016-01-01", "us") + np.arange(count) * np.timedelta64(1, "D")


def months(count):
    return np.arange("2000-01", "2020-01", dtype="datetime64[M]").astype("datetime64[us]")[:count]


def work_hours(count):
    times = hours(24 * count)
    of_day = np.arange(len(times))
    return times[(of_day // 24 % 7 < 5) & (of_day % 24 > 8) & (of_day % 24 < 18)]


@pytest.mark.parametrize(
    ("times", "seasons", "wanted"),
    [
        (hours(30), (24,), ()),
        (hours(48), (24,), ("day",)),
        (hours(24 * 14), (24,), ("day", "week")),
        (hours(24 * 14)[::24], (7,), ("week",)),
        (days(3 * 366), (7,), ("week",)),
        (days(4 * 366), (7,), ("week", "year")),
        (days(4 * 366), (7, 365), ("week",)),
        (months(47), (1,), ()),
        (months(48), (1,), ("year",)),
        (months(48), (12,), ()),
        (np.arange(100), (1,), ()),
        (work_hours(28), (9, 45), ("day", "week")),
        (work_hours(3 * 366)[::9], (5,), ("week",)),
    ],
)
def test_cycles_are_those_seen_often_enough(times, seasons, wanted):
    assert usual_cycles(panel(times), seasons) == wanted
