import json
import os

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from grucast import NetworkConfig
from grucast.errors import GrucastError, ModelFileError
from grucast.model.file import load_model, save_model
from grucast.model.models import RegressionModel


@pytest.fixture
def path(fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def rewrite(path, change):
    """Write the file again with its header changed."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        header = json.loads(file.metadata()["grucast"])
    change(header)
    save_file(load_file(path), path, metadata={"grucast": json.dumps(header)})


def test_loaded_settings_are_those_that_were_saved(path, fitted):
    saved, loaded = fitted.model_, load_model(path)
    assert {**vars(saved), "weights": 0} == {**vars(loaded), "weights": 0}


def test_file_without_calibration_has_the_trained_widths(path):
    rewrite(path, lambda header: header["settings"].pop("widths"))
    assert load_model(path).widths == (1.0, 1.0)


def test_regressor_model_is_kept(tmp_path, rng):
    model = RegressionModel(2, 1, NetworkConfig(hidden_size=3), {"w": rng.normal(size=(2, 2)).astype(np.float32)})
    save_model(model, tmp_path / "r.safetensors")
    loaded = load_model(tmp_path / "r.safetensors")
    assert isinstance(loaded, RegressionModel)
    np.testing.assert_array_equal(loaded.weights["w"], model.weights["w"])


def test_file_holds_no_data(path, hourly):
    content = path.read_bytes()
    assert hourly["y"].to_numpy()[:2].tobytes() not in content
    assert b"2024-02" not in content


CHANGES = {
    "newer format": (lambda header: header.update(format=2), "format 2.*upgrade"),
    "other kind": (lambda header: header.update(kind="os.system"), "no model of a kind"),
    "unknown setting": (lambda header: header["settings"].update(cls="os.system"), "settings"),
    "setting out of range": (lambda header: header["settings"]["network"].update(hidden_size=10**9), "hidden_size"),
    "no settings": (lambda header: header.pop("settings"), "settings"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_header_that_means_nothing_is_refused(path, case):
    change, wanted = CHANGES[case]
    rewrite(path, change)
    with pytest.raises(ModelFileError, match=wanted):
        load_model(path)


def test_truncated_file_is_refused(path):
    content = path.read_bytes()
    for size in (0, 1, 8, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(ModelFileError):
            load_model(path)


def test_foreign_safetensors_file_is_refused(tmp_path):
    save_file({"w": np.ones(2, np.float32)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelFileError, match="not a grucast model"):
        load_model(tmp_path / "other.safetensors")


def test_weights_with_nan_are_refused(tmp_path):
    model = RegressionModel(1, 1, NetworkConfig(), {"gru.w": np.array([1, np.nan], np.float32)})
    save_model(model, tmp_path / "m.safetensors")
    with pytest.raises(ModelFileError, match=r"gru\.w"):
        load_model(tmp_path / "m.safetensors")


def test_absent_file_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="does not exist"):
        load_model(tmp_path / "absent.safetensors")


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
