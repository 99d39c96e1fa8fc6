import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from grucast import NetworkConfig
from grucast.data.fingerprint import trained_on
from grucast.data.panel import make_panel
from grucast.errors import GrucastError, ModelFileError
from grucast.model import file
from grucast.model.file import load_model, save_model
from grucast.model.models import RegressionModel, parameters_of


@pytest.fixture
def path(fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_loaded_settings_are_those_that_were_saved(path, fitted):
    saved, loaded = fitted.model_, load_model(path)
    assert replace(saved, weights={}) == replace(loaded, weights={})


def test_file_says_how_and_on_what_the_model_was_trained(path, fitted, hourly):
    model = load_model(path)
    assert model.training == fitted.training
    assert model.trained_on == trained_on(make_panel(hourly))


@pytest.fixture
def regressor(rng):
    """A regressor without training, of random weights."""
    model = RegressionModel(2, 1, NetworkConfig(hidden_size=3), {}, flat=True)
    weights = {p.name: rng.normal(size=p.shape).astype(np.float32) for p in parameters_of(model)}
    return replace(model, weights=weights)


def test_regressor_model_is_kept(tmp_path, regressor):
    save_model(regressor, tmp_path / "r.safetensors")
    loaded = load_model(tmp_path / "r.safetensors")
    assert replace(regressor, weights={}) == replace(loaded, weights={})
    for name, tensor in regressor.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], tensor)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"features": 3}, r"gru\.weight_ih_l0"),
        ({"outputs": 10**7}, "outputs"),
        ({"outputs": 2}, "flat"),
        ({"network": NetworkConfig(num_layers=2)}, "gru"),
    ],
)
def test_model_that_could_not_be_loaded_is_not_saved(changes, wanted, regressor, tmp_path):
    with pytest.raises(ModelFileError, match=wanted):
        save_model(replace(regressor, **changes), tmp_path / "r.safetensors")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("tensor", [np.full(9, np.nan, np.float32), np.zeros(9), np.zeros((1, 9), np.float32)])
def test_weights_that_could_not_be_loaded_are_not_saved(tensor, regressor, tmp_path):
    weights = {**regressor.weights, "gru.bias_ih_l0": tensor}
    with pytest.raises(ModelFileError, match=r"gru\.bias_ih_l0"):
        save_model(replace(regressor, weights=weights), tmp_path / "r.safetensors")


def test_settings_beyond_the_header_are_not_saved(fitted, tmp_path, monkeypatch):
    monkeypatch.setattr(file, "LARGEST", 500)
    with pytest.raises(ModelFileError, match="group rare categories"):
        fitted.save(tmp_path / "m.safetensors")


def test_file_holds_no_data(path, hourly):
    content = path.read_bytes()
    assert hourly["y"].to_numpy()[:2].tobytes() not in content
    assert b"2024-02" not in content


def test_foreign_safetensors_file_is_refused(tmp_path):
    save_file({"w": np.ones(2, np.float32)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelFileError, match="not a grucast model"):
        load_model(tmp_path / "other.safetensors")


def test_absent_file_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="does not exist"):
        load_model(tmp_path / "absent.safetensors")


def test_file_that_cannot_be_read_is_named(path, monkeypatch):
    def fail(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(ModelFileError, match=r"model\.safetensors cannot be read: Permission denied"):
        load_model(path)


def test_failed_save_leaves_the_old_file_and_nothing_else(path, fitted, monkeypatch):
    before = path.read_bytes()

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(GrucastError, match="No space left"):
        fitted.save(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_save_into_a_folder_that_is_not_there_is_an_error(fitted, tmp_path):
    with pytest.raises(GrucastError, match="cannot write"):
        fitted.save(tmp_path / "no" / "model.safetensors")
