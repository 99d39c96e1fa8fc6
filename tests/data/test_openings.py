import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.panel import make_panel
from grucast.errors import DataError

START = pd.Timestamp("2024-01-01")  # a Monday


def grid(freq, weeks):
    return pd.date_range(START, START + pd.Timedelta(weeks=weeks), freq=freq, inclusive="left")


def panel(times, ids="a"):
    return make_panel(pd.DataFrame({"unique_id": ids, "ds": times, "y": 1.0}))


OPEN = {  # name of the frequency: the full grid, what of it is open
    "h Mon-Fri 09:00-17:00": ("h", lambda t: (t.day_of_week < 5) & (t.hour >= 9) & (t.hour < 18)),
    "h Mon-Fri 09:00-17:00, Sat 09:00-12:00": (
        "h",
        lambda t: (t.day_of_week < 6) & (t.hour >= 9) & (t.hour < np.where(t.day_of_week == 5, 13, 18)),
    ),
    "h Mon-Sun 06:00-22:00": ("h", lambda t: (t.hour >= 6) & (t.hour < 23)),
    "15min Mon-Fri 09:30-16:00": (
        "15min",
        lambda t: (t.day_of_week < 5) & (60 * t.hour + t.minute >= 570) & (60 * t.hour + t.minute <= 960),
    ),
    "min Mon-Fri 09:30-15:59": (
        "min",
        lambda t: (t.day_of_week < 5) & (60 * t.hour + t.minute >= 570) & (60 * t.hour + t.minute < 960),
    ),
    "D Mon-Sat": ("D", lambda t: t.day_of_week < 6),
    "D Sun-Thu": ("D", lambda t: ~np.isin(t.day_of_week, [4, 5])),
    "D Mon,Wed,Fri": ("D", lambda t: np.isin(t.day_of_week, [0, 2, 4])),
    "D Wed,Sat": ("D", lambda t: np.isin(t.day_of_week, [2, 5])),
    "12h Mon-Sat": ("12h", lambda t: t.day_of_week < 6),
    "8h Mon-Sun 08:00-16:00": ("8h", lambda t: t.hour > 0),
    "B": ("D", lambda t: t.day_of_week < 5),
}


@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("name", OPEN)
def test_open_steps_are_found_and_continued(name, zone):
    freq, is_open = OPEN[name]
    times = grid(freq, 20)
    times = times[is_open(times)].tz_localize(zone)  # clocks change in March
    seen = times[times < pd.Timestamp("2024-02-26", tz=zone)]
    found = panel(seen)
    assert (found.frequency.name, found.missing) == (name, 0)
    ahead = found.times(np.arange(1, len(times) - len(seen) + 1))[0]
    np.testing.assert_array_equal(ahead, (times.tz_convert(None) if zone else times).to_numpy()[len(seen) :])


def test_shifts_round_the_clock_are_ordinary_steps():
    assert panel(grid("8h", 8) + pd.Timedelta("6h")).frequency.name == "8h"


def test_one_weekend_is_enough_where_nights_are_closed():
    times = grid("h", 2)[3 * 24 :]  # from a Thursday
    work = times[OPEN["h Mon-Fri 09:00-17:00"][1](times)]
    assert panel(work[:54]).frequency.name == "h Mon-Fri 09:00-17:00"
    night_and_day = times[times.day_of_week < 5]
    assert panel(night_and_day[:150]).frequency.name == "h"


def test_hours_and_holidays_that_are_missing_now_and_then_are_gaps():
    times = grid("h", 12)
    times = times[OPEN["h Mon-Fri 09:00-17:00"][1](times)]
    kept = times[(np.arange(len(times)) % 31 != 5) & (times.day_of_year != 45)]
    found = panel(kept)
    assert found.frequency.name == "h Mon-Fri 09:00-17:00"
    assert found.missing == len(times) - len(kept)


def test_series_of_several_hours_share_a_week():
    late = grid("h", 6)
    late = late[(late.hour >= 12) & (late.hour < 20)]
    early = grid("h", 6)
    early = early[(early.hour >= 8) & (early.hour < 16)]
    found = panel(early.append(late), ["early"] * len(early) + ["late"] * len(late))
    assert found.frequency.name == "h Mon-Sun 08:00-19:00"


@given(st.integers(0, 10**6), st.floats(0.2, 0.4))
def test_days_missing_at_random_are_gaps(seed, share):
    times = grid("D", 12)
    kept = np.random.default_rng(seed).random(len(times)) >= share
    assert panel(times[kept]).frequency.name == "D"


@given(st.integers(0, 10**6), st.sampled_from(["h", "15min"]), st.integers(3, 8), st.floats(0, 0.9))
def test_steps_of_clocks_missing_at_random_are_gaps(seed, freq, weeks, share):
    times = grid(freq, weeks)
    random = np.random.default_rng(seed)
    kept = random.random(len(times)) >= share
    kept[:20] = True  # so that the step shows
    frame = pd.DataFrame({"unique_id": "a", "ds": times[kept], "y": 1.0})
    assert "Mon" not in make_panel(frame).frequency.name


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_single_days_missing_from_a_few_weeks_are_gaps(seed, gaps):
    times = grid("D", 6)
    missing = np.random.default_rng(seed).choice(np.arange(1, 41), gaps, replace=False)
    if len({day % 7 for day in missing}) > 1:
        assert panel(np.delete(times, missing)).frequency.name == "D"


def test_one_outage_of_some_days_closes_no_day():
    times = grid("h", 8)
    assert panel(times[(times.day_of_year < 20) | (times.day_of_year > 24)]).frequency.name == "h"


def test_one_odd_stamp_among_days_is_no_opening_hour():
    times = grid("D", 8).insert(20, pd.Timestamp("2024-01-20 12:34"))
    with pytest.raises(DataError, match="2024-01-20 12:34:00 is not a whole number of steps of D"):
        panel(times)
