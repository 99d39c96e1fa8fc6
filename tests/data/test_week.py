import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.week import DAY, FIRST_MONDAY, SECOND, Week, to_open

HOUR = 3600 * SECOND


@st.composite
def weeks(draw):
    """Any open steps, as a week and as a plain list of them."""
    step = draw(st.sampled_from([HOUR, 8 * HOUR, 12 * HOUR, DAY, 900 * SECOND]))
    slots = sorted(draw(st.sets(st.integers(0, 7 * DAY // step - 1), min_size=1, max_size=20)))
    within = draw(st.integers(0, step // SECOND - 1)) * SECOND
    return Week(step, to_open(np.array(slots), step, within)), slots, within


@given(weeks(), st.integers(-5000, 5000), st.integers(0, 300))
def test_only_open_steps_are_counted(made, first, ahead):
    week, slots, within = made
    assert week.slots.tolist() == slots
    listed = [k * 7 * DAY + slot * week.step for k in range(-300, 602) for slot in slots]  # every open step, in order
    listed = FIRST_MONDAY + (np.array(listed) + within).astype("timedelta64[us]")
    begin = len(slots) * 300 + first % (len(slots) * 300)
    times = week.ahead(listed[begin], np.arange(ahead))
    np.testing.assert_array_equal(times, listed[begin : begin + ahead])
    np.testing.assert_array_equal(week.count(times, listed[begin]), np.arange(ahead))


@pytest.mark.parametrize(
    "mask", ["Mon Tue Wed Thu Fri", "Mon Tue Wed Thu Fri Sat", "Sun Mon Tue Wed Thu", "Mon Wed Fri"]
)
def test_business_hours_are_continued_as_pandas_does(mask):
    hours = pd.offsets.CustomBusinessHour(start="09:00", end="17:00", weekmask=mask)
    times = pd.date_range("2024-02-05", periods=400, freq=hours).to_numpy().astype("datetime64[us]")
    slots = np.unique((times - FIRST_MONDAY).astype(np.int64) % (7 * DAY) // HOUR)
    week = Week(HOUR, to_open(slots, HOUR, 0))
    np.testing.assert_array_equal(week.ahead(times[0], np.arange(400)), times)
    assert week.seasons == (8, 8 * len(mask.split()))


DESCRIBED = {
    "Mon-Sat": (DAY, range(6), 0, (6,)),
    "Sun-Thu": (DAY, [0, 1, 2, 3, 6], 0, (5,)),
    "Mon,Wed,Fri": (DAY, [0, 2, 4], 17 * HOUR, (3,)),
    "Mon-Fri 09:00-17:00": (HOUR, [24 * d + h for d in range(5) for h in range(9, 18)], 0, (9, 45)),
    "Mon-Fri 09:30-15:30": (HOUR, [24 * d + h for d in range(5) for h in range(9, 16)], 30 * 60 * SECOND, (7, 35)),
    "Mon-Fri 09:00-17:00, Sat 09:00-12:00": (
        HOUR,
        [24 * d + h for d in range(6) for h in range(9, 13 if d == 5 else 18)],
        0,
        (49,),
    ),
    "Mon-Sun 09:00-11:00,14:00": (HOUR, [24 * d + h for d in range(7) for h in (9, 10, 11, 14)], 0, (4, 28)),
    "10 of 168 steps a week": (HOUR, [17 * k for k in range(10)], 0, (10,)),
}


@pytest.mark.parametrize("text", DESCRIBED)
def test_open_steps_are_described_by_their_time_stamps(text):
    step, slots, within, seasons = DESCRIBED[text]
    week = Week(step, to_open(np.array(slots), step, within))
    assert (week.text, week.seasons) == (text, seasons)
