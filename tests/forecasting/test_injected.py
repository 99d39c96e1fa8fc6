"""What is not a number, at every place of a series: masked or refused, never in a forecast and never in a state."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from grucast import Covariates, GRUForecaster
from grucast.errors import DataError
from grucast.model.states import ARRAYS
from tests.conftest import TINY

MISSING = [None, float("nan")]
REFUSED = {"inf": float("inf"), "-inf": float("-inf"), "1e308": 1e308, "1e999": "1e999", "text": "high"}


@pytest.fixture
def series(hourly):
    return hourly.filter(unique_id="b").head(60)


def finite(forecast):
    return all(np.isfinite(np.asarray(forecast[name])).all() for name in forecast if name.startswith("GRU"))


def with_value(series, place, value):
    """The series as rows, one y of them replaced."""
    rows = series.to_dicts()
    rows[place]["y"] = value
    return rows


@pytest.mark.parametrize("value", MISSING)
def test_missing_value_anywhere_leaves_a_finite_forecast_in_predict_and_stream(fitted, series, value):
    for place in range(len(series)):
        holed = pl.DataFrame(with_value(series, place, value), schema=series.schema)
        forecast = fitted.predict(holed)
        assert finite(forecast.to_dict())
        assert fitted.stream().update_many(holed).equals(forecast)


@pytest.mark.parametrize("value", [v for v in REFUSED.values() if isinstance(v, float)], ids=str)
def test_infinite_value_anywhere_is_refused_by_its_row(fitted, series, value):
    for place in range(len(series)):
        with pytest.raises(DataError, match=rf"row {place + 1} of"):
            fitted.predict(pl.DataFrame(with_value(series, place, value), schema=series.schema))


@pytest.mark.parametrize("name", REFUSED)
def test_stream_after_a_refused_value_anywhere_is_one_that_never_saw_it(fitted, series, name):
    injected, spared = fitted.stream(), fitted.stream()
    for place, row in enumerate(series.to_dicts()):
        with pytest.raises(DataError):
            injected.update(with_value(series, place, REFUSED[name])[place])
        one, other = injected.update(row), spared.update(row)
        assert all(np.array_equal(one[column], other[column]) for column in other)
    for array in ARRAYS:
        np.testing.assert_array_equal(getattr(injected.states, array), getattr(spared.states, array))


SIZES = {
    "1e-300": lambda y: y * 1e-300,
    "least denormals": lambda y: np.full_like(y, 5e-324),
    "1e100": lambda y: y / np.abs(y).max() * 1e100,
    "1e100 of either sign": lambda y: np.where(np.arange(len(y)) % 2, 1e100, -1e100),
    "constant": lambda y: np.full_like(y, 7.0),
    "constant 1e100": lambda y: np.full_like(y, 1e100),
    "zeros": np.zeros_like,
    "1e-300 that jumps to 1e100": lambda y: np.where(np.arange(len(y)) < len(y) - 1, 1e-300, 1e100),
    "one in a million differs": lambda y: np.where(np.arange(len(y)) == 30, 1e6 + 1, 1e6),
}


@pytest.mark.parametrize("name", SIZES)
def test_forecast_of_any_size_is_finite_in_predict_and_stream(fitted, series, name):
    sized = series.with_columns(y=SIZES[name](series["y"].to_numpy()))
    forecast = fitted.predict(sized, level=(50, 80, 99.9))
    assert finite(forecast.to_dict())
    stream = fitted.stream()
    assert all(finite(answer) for answer in stream.update(sized.to_dicts()))


@pytest.mark.parametrize("value", [1e29, -1e29, 5.0])
@pytest.mark.parametrize("scale", [1e-300, 1e-10, 1.0])
def test_covariate_of_any_size_leaves_a_finite_forecast_in_predict_and_stream(series, scale, value):
    priced = series.with_columns(price=pl.int_range(60) % 5 * 1e-10)
    forecaster = GRUForecaster(h=3, input_size=24, covariates=Covariates(future=("price",)), **TINY).fit(priced)
    model = forecaster.model_
    column = replace(model.schema.columns[0], scale=scale)
    forecaster = GRUForecaster.from_model(replace(model, schema=replace(model.schema, columns=(column,))))
    ahead = priced["ds"].to_numpy()[-1] + np.arange(1, 4) * np.timedelta64(1, "h")
    future = pl.DataFrame({"unique_id": "b", "ds": ahead, "price": [value] * 3})
    forecast = forecaster.predict(priced, future)
    assert finite(forecast.to_dict())
    assert forecaster.stream().update_many(priced, future).equals(forecast)
