import numpy as np
import pandas as pd
import pytest

from grucast.data.aliases import parse_frequency
from grucast.data.frequency import Frequency
from grucast.forecasting.horizon import usual_horizon


@pytest.mark.parametrize(
    ("alias", "h"),
    [
        ("h", 24),
        ("30min", 48),
        ("15min", 96),
        ("min", 60),
        ("D", 14),
        ("B", 10),
        ("W", 13),
        ("MS", 12),
        ("QS", 8),
        ("YS", 5),
    ],
)
def test_the_horizon_spans_what_people_plan_for(alias, h):
    assert usual_horizon(parse_frequency(alias), 10**5).h == h


def test_a_day_of_hours_and_a_year_of_months_are_what_they_say():
    for alias, until in (("h", "2024-01-02"), ("MS", "2025-01-01"), ("D", "2024-01-15"), ("W-MON", "2024-04-01")):
        steps = pd.date_range("2024-01-01", until, freq=alias, inclusive="left")
        assert usual_horizon(parse_frequency(alias), 10**5).h == len(steps)


@pytest.mark.parametrize("longest", [1, 3, 20, 47])
def test_it_is_at_most_a_quarter_of_the_longest_series(longest):
    chosen = usual_horizon(Frequency("month", 1), longest)
    assert chosen.h == min(12, max(longest // 4, 1))
    assert np.isin(chosen.h, range(1, 13))
