import warnings
from datetime import timedelta

import pytest

import grucast
from grucast.errors import ConfigError, DataError, DataWarning
from grucast.tuning import tune
from tests.tuning.conftest import SMALL, make_days


@pytest.fixture
def quiet():
    """Whether the defaults were beaten is not what is tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        yield


@pytest.mark.usefixtures("quiet")
def test_the_defaults_are_tried_first_and_the_best_comes_first():
    found = tune(make_days(), 5, trials=3)
    assert found.study.trials[0].params == SMALL
    errors = found.trials["error"].drop_nulls().to_list()
    assert errors == sorted(errors)
    assert found.settings == found.study.best_params
    assert set(found.trials.columns) > {"trial", "state", "error", "seconds", "hidden_size"}


@pytest.mark.usefixtures("quiet")
def test_the_model_has_the_settings_and_learned_from_all_data(tmp_path):
    days = make_days()
    found = tune(days, 5, trials=2)
    found.forecaster.save(tmp_path / "m.safetensors")
    model = grucast.load(tmp_path / "m.safetensors")
    assert model.network.hidden_size == found.settings["hidden_size"]
    assert found.forecaster.predict()["ds"][0] == days["ds"][-1] + timedelta(days=1)


@pytest.mark.usefixtures("quiet")
def test_a_study_is_gone_on_with(tmp_path):
    path = tmp_path / "study.db"
    first = tune(make_days(), 5, trials=2, study=path)
    second = tune(make_days(), 5, trials=3, study=path)
    assert (len(first.trials), len(second.trials)) == (2, 3)
    values = [trial.value for trial in second.study.trials]
    assert [trial.value for trial in first.study.trials[:2]] == values[:2]
    assert len(tune(make_days(), 5, trials=3, study=path).trials) == 3


@pytest.mark.usefixtures("quiet")
def test_a_study_of_other_data_or_another_horizon_is_refused(tmp_path):
    path = tmp_path / "study.db"
    tune(make_days(), 5, trials=1, study=path)
    for days, h in ((make_days(seed=1), 5), (make_days(), 4)):
        with pytest.raises(ConfigError, match="of other data or another horizon"):
            tune(days, h, trials=1, study=path)


def test_what_is_no_study_is_refused(tmp_path):
    path = tmp_path / "study.db"
    path.write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(ConfigError, match="no study that can be gone on with"):
        tune(make_days(), 5, trials=1, study=path)


def test_settings_that_are_no_better_are_said():
    with pytest.warns(DataWarning, match="nothing beat the defaults"):
        found = tune(make_days(), 5, trials=1)
    assert not found.better
    assert found.best is found.default


def test_short_series_are_refused():
    with pytest.raises(DataError, match="give"):
        tune(make_days(12), 5, trials=1)


def test_no_trials_are_refused():
    with pytest.raises(ConfigError, match="trials"):
        tune(make_days(), 5, trials=0)
