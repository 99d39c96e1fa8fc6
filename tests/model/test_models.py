import numpy as np
import pytest

from grucast.model import models
from grucast.model.models import chunked, quantiles


@pytest.mark.parametrize(
    ("level", "wanted"), [((), (0.5,)), ((80,), (0.1, 0.5, 0.9)), ((80, 95), (0.025, 0.1, 0.5, 0.9, 0.975))]
)
def test_quantiles_lie_evenly_round_the_median(level, wanted):
    assert quantiles(level) == pytest.approx(wanted)


@pytest.mark.parametrize("rows", [0, 1, models.CHUNK, models.CHUNK + 1])
def test_chunks_are_the_rows_in_order(rows):
    data = np.arange(rows)
    pieces = list(chunked(data))
    np.testing.assert_array_equal(np.concatenate(pieces), data)
    assert max(map(len, pieces)) <= models.CHUNK


def test_forecast_does_not_depend_on_chunks(fitted, monkeypatch, rng):
    history = rng.normal(10, 1, (5, 48))
    whole = fitted.model_.forecast(history)
    monkeypatch.setattr(models, "CHUNK", 2)
    np.testing.assert_allclose(fitted.model_.forecast(history), whole, rtol=1e-5)
