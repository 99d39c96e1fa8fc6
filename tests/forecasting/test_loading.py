import numpy as np
import pytest

from grucast import NetworkConfig, load
from grucast.errors import ModelFileError
from grucast.model.file import save_model
from grucast.model.models import RegressionModel


@pytest.fixture
def path(fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_loaded_model_forecasts_the_same(path, fitted, hourly):
    assert load(path).predict(hourly).equals(fitted.predict())


def test_loaded_model_can_be_trained_anew(path, fitted, hourly):
    assert load(path).fit(hourly).predict().shape == fitted.predict().shape


def test_regressor_is_no_forecaster(tmp_path):
    model = RegressionModel(2, 1, NetworkConfig(), {"w": np.ones(1, np.float32)})
    save_model(model, tmp_path / "r.safetensors")
    with pytest.raises(ModelFileError, match="not a forecaster"):
        load(tmp_path / "r.safetensors")
