from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grucast.data.frequency import MICROSECONDS, Frequency
from grucast.errors import DataError


@given(
    frequency=st.one_of(
        st.builds(Frequency, st.just("duration"), st.sampled_from(sorted(MICROSECONDS.values()))),
        st.builds(Frequency, st.just("month"), st.sampled_from([1, 2, 3, 6, 12]), st.booleans(), st.integers(0, 31)),
        st.just(Frequency("business", 1)),
        st.builds(Frequency, st.just("business_month"), st.sampled_from([1, 2, 3, 12]), st.booleans()),
        st.builds(Frequency, st.just("half_month"), st.just(1), st.booleans()),
        st.builds(
            Frequency,
            st.just("week"),
            st.just(MICROSECONDS["h"]),
            zone=st.sampled_from(["", "Europe/Berlin", "America/New_York"]),
            open=st.sampled_from([(32400, 64800), (32400, 64800, 378000, 396000), (0, 5 * 86400)]),
        ),
        st.builds(
            Frequency,
            st.just("duration"),
            st.just(MICROSECONDS["D"]),
            zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]),
        ),
    ),
    start=st.datetimes(datetime(1930, 1, 1), datetime(2105, 1, 1)),
    ahead=st.lists(st.integers(0, 3000), min_size=1, max_size=9),
)
def test_positions_and_times_are_inverse_to_each_other(frequency, start, ahead):
    ahead = np.array(ahead)
    first = frequency.times(np.datetime64(start, "us"), np.zeros(1, int))[0]  # on the grid
    times = frequency.times(first, ahead)
    np.testing.assert_array_equal(frequency.positions(times, first), ahead)


def test_time_off_the_grid_has_a_fractional_position():
    hourly = Frequency("duration", 3600 * 10**6)
    start = np.datetime64("2024-01-01", "us")
    assert hourly.positions(start + np.timedelta64(90, "m"), start) == 1.5


@pytest.mark.parametrize("frequency", [Frequency("month", 1), Frequency("business", 1), Frequency("month", 1, True)])
def test_time_that_is_no_day_of_the_calendar_has_a_fractional_position(frequency):
    start, saturday = frequency.times(np.datetime64("2024-01-01", "us"), np.zeros(1, int))[0], "2024-02-03"
    assert frequency.positions(np.array([saturday], "datetime64[us]"), start) % 1 == 0.5


def test_integer_times_have_no_season():
    assert Frequency("integer", 1).seasons == ()


@pytest.mark.parametrize(
    ("frequency", "wanted"),
    [
        (Frequency("integer", 5), "1,000,000 steps of 5"),
        (Frequency("duration", MICROSECONDS["s"]), "50 years"),
        (Frequency("duration", MICROSECONDS["D"], zone="Europe/Berlin"), "50 years"),
        (Frequency("business", 1), "50 years"),
        (Frequency("month", 1), "1,000 steps of MS"),
        (Frequency("month", 12, True), "1,000 steps of YE"),
    ],
)
def test_gaps_may_last_fifty_years_or_a_thousand_steps(frequency, wanted):
    longest, words = frequency.longest_gap
    assert words == wanted
    years = longest / (365.2425 * MICROSECONDS["D"])
    assert frequency.kind == "integer" or years == pytest.approx(max(50, 1000 * frequency.length / longest * years))


@pytest.mark.parametrize(
    ("frequency", "h"),
    [(Frequency("integer", 2**60), 4), (Frequency("duration", 2**56), 64), (Frequency("month", 1200), 1500)],
)
def test_horizon_that_64_bits_do_not_hold_is_refused(frequency, h):
    with pytest.raises(DataError, match="lead beyond"):
        frequency.require_reach(h)
    frequency.require_reach(h // 2)
