from dataclasses import replace

import numpy as np
import pytest

from grucast import NetworkConfig
from grucast.data.encoding import encode
from grucast.data.panel import make_panel
from grucast.data.windows import make_windows
from grucast.kernels import forecaster, native
from grucast.model import models
from grucast.model.models import RegressionModel, chunked, parameters_of


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


def test_wrong_shapes_of_intervals_are_named():
    if native.available():
        z, one, flags = np.zeros((2, 3, 3), np.float32), np.ones((2, 1)), np.ones(2, bool)
        with pytest.raises(ValueError, match="factors"):
            forecaster.intervals(z, (1.0, 2.0), one, one, flags)
        with pytest.raises(ValueError, match="scale"):
            forecaster.intervals(z, (1.0,), one, one[:1], flags)
        with pytest.raises(ValueError, match="nonnegative"):
            forecaster.intervals(z, (1.0,), one, one, flags[:1])


def test_parameters_of_several_members_bear_their_numbers(fitted):
    two = replace(fitted.model_, members=2)
    names = [parameter.name for parameter in parameters_of(two)]
    own = [parameter.name for parameter in two.definition.parameters()]
    assert names == [f"members.{member}.{name}" for member in range(2) for name in own]
    single = RegressionModel(1, 1, NetworkConfig(), {})
    assert [*parameters_of(single)] == [*single.definition.parameters()]
