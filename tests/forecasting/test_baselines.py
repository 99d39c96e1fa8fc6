import numpy as np
import polars as pl
import pytest

from grucast.data.panel import make_panel
from grucast.forecasting.baselines import seasonal_naive


def panel(y):
    return make_panel(pl.DataFrame({"unique_id": "a", "ds": range(len(y)), "y": y}))


@pytest.mark.parametrize("season", [1, 2, 5])
def test_forecast_repeats_the_last_season(season, rng):
    y = rng.normal(size=20)
    wanted = [y[20 - season + k % season] for k in range(7)]
    assert seasonal_naive(panel(y), season, 7)[0].tolist() == wanted


def test_missing_value_is_taken_from_the_season_before():
    y = [1.0, 2.0, 3.0, 4.0, 5.0, None]
    assert seasonal_naive(panel(y), 2, 3)[0].tolist() == [5, 4, 5]


def test_series_shorter_than_a_season_has_no_forecast():
    assert np.isnan(seasonal_naive(panel([1.0, 2.0, 3.0]), 7, 2)).all()
