from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from grucast.data.encoding import encode
from grucast.data.panel import make_panel
from grucast.data.windows import make_windows
from grucast.kernels import native
from grucast.model import models
from grucast.model.models import at_levels, chunked, quantiles


@pytest.mark.parametrize(
    ("level", "wanted"), [((), (0.5,)), ((80,), (0.1, 0.5, 0.9)), ((80, 95), (0.025, 0.1, 0.5, 0.9, 0.975))]
)
def test_quantiles_lie_evenly_round_the_median(level, wanted):
    assert quantiles(level) == pytest.approx(wanted)


@pytest.mark.parametrize("rows", [0, 1, models.CHUNK, models.CHUNK + 1])
def test_chunks_are_the_rows_in_order(rows):
    data = np.arange(rows)
    pieces = list(chunked(data, 1))
    np.testing.assert_array_equal(np.concatenate(pieces), data)
    assert max(map(len, pieces)) <= models.CHUNK


def test_forecast_does_not_depend_on_chunks(fitted, monkeypatch, hourly):
    panel = make_panel(hourly)
    model = fitted.model_
    windows = make_windows(panel, encode(panel, model.schema), model.input_size, model.h)
    some = replace(windows, ends=windows.ends[:5], series=windows.series[:5])
    whole = model.forecast(some)
    for name, value in (("CHUNK", 2), ("NUMBERS", 10)):
        monkeypatch.setattr(models, name, value)
        np.testing.assert_array_equal(model.forecast(some), whole)


def test_chunks_of_long_rows_are_small():
    data = np.arange(1000)
    for numbers, size in ((models.NUMBERS // 100, 100), (models.NUMBERS * 5, 1)):
        pieces = list(chunked(data, numbers))
        np.testing.assert_array_equal(np.concatenate(pieces), data)
        assert max(map(len, pieces)) == size


def test_memory_of_a_forecast_does_not_grow_with_rows_times_steps(fitted):
    long = replace(fitted.model_, input_size=20_160)
    (rows, *_) = long.chunks(np.arange(1024))
    assert len(rows) * 20_160 * 2 * long.network.hidden_size * 4 < 2**29  # bytes of the GRU's outputs and inputs
    (rows,) = fitted.model_.chunks(np.arange(1024))
    assert len(rows) == 1024


def test_levels_between_and_beyond_are_exact_for_normal_errors():
    inverse, trained = NormalDist(10, 2).inv_cdf, (80.0, 95.0)
    z = np.array([[[inverse(p) for p in quantiles(trained)]]])
    level = (50.0, 80.0, 90.0, 99.0)
    wanted = [inverse(p) for p in quantiles(level)]
    np.testing.assert_allclose(at_levels(z, trained, (1.0, 1.0), level)[0, 0], wanted, rtol=1e-9)


def test_widths_stretch_intervals_round_the_median():
    z = np.array([[[-3.0, -1.0, 0.0, 2.0, 4.0]]])
    np.testing.assert_allclose(at_levels(z, (80, 95), (2.0, 3.0), (80, 95))[0, 0], [-9, -2, 0, 4, 12])


def test_intervals_stay_nested_whatever_their_widths():
    z = np.array([[[-3.0, -1.0, 0.0, 2.0, 4.0]]])
    np.testing.assert_allclose(at_levels(z, (80, 95), (9.0, 1.0), (80, 95))[0, 0], [-9, -9, 0, 18, 18])


@pytest.mark.skipif(not native.available(), reason="the extension was not built")
@pytest.mark.parametrize("level", [(), (80.0,), (50.0, 80.0, 95.0)])
def test_the_kernels_intervals_have_the_bits_of_numpys(level, rng):
    z = np.sort(rng.normal(size=(30, 7, 2 * len(level) + 1)).astype(np.float32))
    widths = tuple(rng.uniform(0.2, 3, len(level)))
    centre, scale = rng.normal(size=(30, 1)), np.exp(rng.normal(size=(30, 1)) * 9)
    wanted = centre[..., None] + scale[..., None] * at_levels(z, level, widths, level).astype(np.float64)
    nonnegative = rng.random(30) < 0.5
    wanted[nonnegative] = np.maximum(wanted[nonnegative], 0)
    np.testing.assert_array_equal(native.intervals(z, widths, centre, scale, nonnegative), wanted)


def test_wrong_shapes_of_intervals_are_named():
    if native.available():
        z, one, flags = np.zeros((2, 3, 3), np.float32), np.ones((2, 1)), np.ones(2, bool)
        with pytest.raises(ValueError, match="widths"):
            native.intervals(z, (1.0, 2.0), one, one, flags)
        with pytest.raises(ValueError, match="scale"):
            native.intervals(z, (1.0,), one, one[:1], flags)
        with pytest.raises(ValueError, match="nonnegative"):
            native.intervals(z, (1.0,), one, one, flags[:1])
