import numpy as np
import polars as pl
import pytest

from grucast import Covariates, GRUForecaster
from grucast.data.sources import take
from grucast.errors import DataError
from grucast.forecasting.frames import column_places
from grucast.forecasting.together import forecast_together, look_ahead
from tests.conftest import TINY


def together(forecaster, histories, level, futures=None):
    """Forecasts at once, (S, h, Q) each."""
    model = forecaster.model_
    futures = futures or [None] * len(histories)
    tables = [take(history).table for history in histories]
    return forecast_together(model, [look_ahead(model, *pair) for pair in zip(tables, futures, strict=True)], level)


def check(forecaster, histories, level, futures=None):
    """The same bits as from `predict`, one by one."""
    futures = futures or [None] * len(histories)
    for found, history, future in zip(together(forecaster, histories, level, futures), histories, futures, strict=True):
        want = forecaster.predict(history, future=future, level=level)
        for name, place in column_places(level).items():
            np.testing.assert_array_equal(found[..., place].ravel(), want[name].to_numpy())


@pytest.mark.parametrize("level", [(80.0, 95.0), (50.0,), ()])
def test_each_history_has_the_bits_that_it_has_alone(fitted, hourly, level):
    one = hourly.filter(pl.col("unique_id") == "a")
    check(fitted, [hourly, one.head(300), one.sample(fraction=0.9, seed=1), hourly.head(700)], level)


def test_stamps_of_months_are_those_of_each_history(rng):
    days = [np.datetime64("2015-01", "M") + np.arange(60) + shift for shift in (0, 1)]
    starts, ends = days[0].astype("M8[us]"), days[1].astype("M8[us]") - np.timedelta64(1, "D")
    first, last = (pl.DataFrame({"unique_id": "a", "ds": ds, "y": rng.normal(10, 1, 60)}) for ds in (starts, ends))
    check(GRUForecaster(3, 12, **TINY).fit(first), [first, last, last, last], (80.0,))


def test_covariates_and_their_future_are_those_of_each_history(hourly):
    rows = hourly.with_columns(heat=pl.col("y").shift(3, fill_value=0.0) * 0.1)
    forecaster = GRUForecaster(6, 48, 24, covariates=Covariates(future=("heat",)), **TINY).fit(rows)
    one, two = (rows.filter(pl.col("unique_id") == name) for name in "ab")
    histories = [frame.head(474) for frame in (one, two)]
    check(forecaster, histories, (80.0, 95.0), [frame.tail(6) for frame in (one, two)])


@pytest.mark.filterwarnings("ignore:1 of 2 series have no value")
def test_series_without_a_value_are_nan_and_change_no_other(fitted, hourly):
    silent = hourly.with_columns(y=pl.when(pl.col("unique_id") == "a").then(None).otherwise("y"))
    assert np.isnan(together(fitted, [hourly, silent], (80.0,))[1][0]).all()
    check(fitted, [hourly, silent, hourly], (80.0,))


def test_a_history_without_any_value_is_refused(fitted, hourly):
    with pytest.raises(DataError, match="no value in its last 48 steps"):
        together(fitted, [hourly.with_columns(y=pl.lit(None, pl.Float64))], (80.0,))
