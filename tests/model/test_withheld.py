import numpy as np
import pytest
from tests.model.test_bits import DECLARED, windows_and_model

from grucast import NetworkConfig
from grucast.model.withheld import withheld

SHAPE = NetworkConfig(5, head_size=7)


def medians(model, window):
    return model.unsettled(window._replace(nonnegative=np.zeros(1, bool)), model.level)[0, :, 2]


def test_column_withheld_is_a_column_of_missing_values(rng):
    windows, model = windows_and_model(rng, 2, 5, SHAPE)
    window = windows.take(np.array([1]))
    found = withheld(model, window)
    assert set(found) == {*DECLARED.temporal, *DECLARED.static}
    numbers, codes = window.numbers.copy(), window.codes.copy()
    numbers[..., 1], codes[..., 0] = np.nan, 0
    changed = {
        "price": window._replace(numbers=numbers),
        "sky": window._replace(codes=codes),
        "size": window._replace(static_numbers=np.full((1, 1), np.nan, np.float32)),
        "region": window._replace(static_codes=np.zeros((1, 1), np.int32)),
    }
    for name, without in changed.items():
        wanted = medians(model, window) - medians(model, without)
        np.testing.assert_allclose(found[name], wanted, rtol=1e-6, atol=1e-9)
        assert np.abs(wanted).max() > 0


def test_column_that_is_missing_anyway_changes_nothing(rng):
    windows, model = windows_and_model(rng, 1, 5, SHAPE)
    window = windows.take(np.array([0]))
    window.numbers[..., 0] = np.nan
    assert withheld(model, window)["temp"] == pytest.approx([0] * 5)
    assert np.isnan(window.numbers[..., 0]).all()


def test_without_covariates_nothing_is_withheld(rng):
    windows, model = windows_and_model(rng, 1, 5, SHAPE, declared=type(DECLARED)())
    assert withheld(model, windows.take(np.array([0]))) == {}
