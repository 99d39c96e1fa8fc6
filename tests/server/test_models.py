import shutil

import pytest

from grucast import GRUForecaster, GRURegressor, TrainingConfig
from grucast.errors import ModelFileError
from grucast.server.models import Models
from grucast.server.problems import NotThere
from grucast.server.settings import Limits
from tests.conftest import TINY
from tests.server.conftest import make_series


@pytest.fixture
def models(folder, tmp_path):
    shutil.copy(folder / "small.safetensors", tmp_path / "small.safetensors")
    return Models({"small": tmp_path / "small.safetensors"}, Limits())


def test_changed_file_is_loaded_and_a_bad_one_leaves_the_old_model(models, tmp_path):
    served = models["small"]
    before = served.forecaster
    models.refresh("small", served)
    assert served.forecaster is before
    GRUForecaster(6, 48, 24, network=TINY["network"], training=TrainingConfig(max_steps=1)).fit(make_series(9)).save(
        tmp_path / "small.safetensors"
    )
    models.refresh("small", served)
    after = served.forecaster
    assert after is not before
    (tmp_path / "small.safetensors").write_bytes(b"nothing of the kind")
    models.refresh("small", served)
    (tmp_path / "small.safetensors").unlink()
    models.refresh("small", served)
    assert served.forecaster is after


def test_file_of_a_regressor_is_refused(tmp_path, rng):
    X = rng.normal(size=(20, 5, 1))
    GRURegressor(TINY["network"], TINY["training"]).fit(X, X[:, -1]).save(tmp_path / "r.safetensors")
    with pytest.raises(ModelFileError):
        Models({"r": tmp_path / "r.safetensors"}, Limits())


def test_unknown_name_is_not_there(models):
    with pytest.raises(NotThere):
        models["other"]
