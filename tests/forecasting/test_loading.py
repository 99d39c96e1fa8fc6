import numpy as np
import pytest

from grucast import GRURegressor, TrainingConfig, load
from grucast.errors import ModelFileError


@pytest.fixture
def path(fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_loaded_model_forecasts_the_same(path, fitted, hourly):
    assert load(path).predict(hourly).equals(fitted.predict())


def test_loaded_model_can_be_trained_anew(path, fitted, hourly):
    assert load(path).fit(hourly).predict().shape == fitted.predict().shape


def test_loaded_model_is_trained_anew_as_it_was(path, fitted):
    assert load(path).training == fitted.training


def test_regressor_is_no_forecaster(tmp_path):
    GRURegressor(training=TrainingConfig(max_steps=1)).fit(np.ones((2, 3, 1)), [1, 2]).save(tmp_path / "r.safetensors")
    with pytest.raises(ModelFileError, match=r"GRURegressor\.load"):
        load(tmp_path / "r.safetensors")
