from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from grucast import GRUForecaster, TrainingConfig
from grucast.training import task
from grucast.training.calibration import Calibration, student
from grucast.training.members import Batch, Members
from tests.conftest import TINY

LEVEL = (80.0, 95.0)
NORMAL = np.array([-1.959964, -1.281552, 0.0, 1.281552, 1.959964])


class Known(Members):
    """Networks that predict one distribution everywhere."""

    def __init__(self, quantiles):
        self.quantiles = quantiles

    def predict(self, inputs):
        return np.broadcast_to(self.quantiles, (*inputs, 5)).astype(np.float32)


def batch(y):
    return Batch(y.shape, y, np.ones_like(y))


@pytest.fixture
def calibration(fitted, rng, monkeypatch):
    """Errors twice as large as the forecasts say, of 100 windows; an untrained network makes the same ones."""
    monkeypatch.setattr("grucast.training.calibration.Members", lambda *_, **__: Known(NORMAL))
    y = 2 * rng.normal(size=(100, 6))
    model = replace(fitted.model_, weights={}, level=LEVEL, factors=(1.0, 1.0))
    return Calibration(model, batch(y), series=1, horizons=1e9)


def test_held_out_windows_count_by_their_horizons_and_one_series_less(calibration, rng):
    held = batch(2 * rng.normal(size=(2000, 6)))
    for periods, series, share in ((1e9, 50, 1.0), (4.2, 50, 0.5), (4.0, 1, 4 / 18)):
        found, _ = replace(calibration, held=held, periods=periods, series=series)(Known(NORMAL))
        assert found == pytest.approx([2**share] * 2, rel=0.05)


def test_little_data_ask_for_the_widths_of_an_untrained_network_and_much_data_do_not(calibration):
    factors = [replace(calibration, horizons=n)(Known(NORMAL))[0] for n in (1e-3, 10.0, 1e9)]
    assert factors[0][0] > 10
    assert factors[1] == pytest.approx(np.sqrt(2 * student(LEVEL, 10.0)), rel=0.1)
    assert factors[2] == pytest.approx((1, 1))


def test_horizons_of_all_series_count_only_where_some_are_held_out(calibration, rng):
    one, many = (replace(calibration, horizons=30.0 * n, series=n)(Known(NORMAL))[0] for n in (1, 30))
    held = batch(rng.normal(size=(100, 6)))
    tested, _ = replace(calibration, horizons=900.0, series=30, held=held, periods=1e-9)(Known(NORMAL))
    assert many == pytest.approx(one, rel=0.1)
    assert tested == pytest.approx((1, 1), abs=0.02)
    assert many[0] > 1.1


def test_what_an_untrained_network_foresees_narrows_nothing(calibration):
    found, _ = replace(calibration, known=batch(np.zeros((9, 6))), horizons=1.0)(Known(NORMAL))
    assert found == (1.0, 1.0)


def test_wide_intervals_are_measured_by_themselves_where_many_series_tell(calibration, rng):
    """Squares of normal errors, with their sign: the quantiles of the one are the squares of the other's."""
    y = rng.normal(size=(5000, 6))
    held = batch(y * np.abs(y))
    found, _ = replace(calibration, held=held, periods=1.0, series=50)(Known(NORMAL))
    assert found == pytest.approx(NORMAL[3:] ** (1 / 5.2), rel=0.02)


def test_spike_among_what_is_held_out_hardly_moves_a_factor(calibration, rng):
    y = rng.normal(size=(1, 24))
    held = replace(calibration, held=batch(y), periods=4.0)
    spiked = y.copy()
    spiked[0, 7] = 1e6
    plain, other = (replace(held, held=batch(values))(Known(NORMAL))[0] for values in (y, spiked))
    assert other == pytest.approx(plain, rel=0.1)


def test_flat_windows_tell_nothing(calibration, rng):
    flat = Batch((9, 6), rng.normal(size=(9, 6)), np.zeros((9, 6)))
    assert replace(calibration, known=flat, held=flat, periods=7.0)(Known(NORMAL)) == ((1.0, 1.0), None)


def test_factors_of_a_model_that_is_trained_on_are_where_new_ones_begin(calibration, rng):
    model = replace(calibration.model, weights={"w": np.ones(1)}, factors=(3.0, 4.0))
    before = replace(calibration, model=model, horizons=1.0)
    assert before(Known(NORMAL)) == ((3.0, 4.0), None)
    held = batch(rng.normal(size=(2000, 6)))
    found, _ = replace(before, held=held, periods=4.2, series=50)(Known(NORMAL))
    assert found == pytest.approx((3**0.5, 4**0.5), rel=0.05)


def test_student_is_wider_as_published():
    """Quantiles of Student's distribution for 5 and 30 degrees of freedom, from any table."""
    normal = np.array([1.281552, 1.959964])
    np.testing.assert_allclose(student(LEVEL, 5.0) * normal, [1.476, 2.571], rtol=0.01)
    np.testing.assert_allclose(student(LEVEL, 30.0) * normal, [1.310, 2.042], rtol=0.001)


def test_horizons_are_counted_of_what_windows_span(hourly, monkeypatch):
    seen = []
    monkeypatch.setattr(task, "Calibration", lambda *args: seen.append(args) or Calibration(*args))
    GRUForecaster(6, 48, 24, **TINY).fit(hourly, val_size=0)
    rows = hourly.group_by("unique_id").len()["len"].to_numpy()
    ((_, _, series, horizons),) = seen
    assert (series, horizons) == (len(rows), pytest.approx((rows - 24).sum() / 6))


def test_intervals_of_two_years_are_as_wide_as_what_repeats_them_errs(rng):
    """24 months of noise, of which nothing can be learned: the standard deviation of two such values is 1.4."""
    dates = (np.datetime64("2020-01") + np.arange(24)).astype("datetime64[us]")
    frame = pl.DataFrame({"unique_id": "a", "ds": dates, "y": rng.normal(size=24)})
    short = GRUForecaster(12, training=TrainingConfig(max_steps=50, batch_size=16)).fit(frame)
    ahead = short.predict()
    assert (ahead["GRU-hi-80"] - ahead["GRU-lo-80"]).mean() > 2 * 1.28
    assert short.model_.factors[1] > short.model_.factors[0] > 1
