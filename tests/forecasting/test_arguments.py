import re
from dataclasses import replace

import numpy as np
import pytest

from grucast import Covariates, GRUForecaster, TrainingConfig, forecast, load
from grucast.data.panel import Panel
from grucast.errors import ConfigError, DataError
from grucast.forecasting.arguments import chosen, positive, valid_level
from grucast.model.file import save_model


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", None])
def test_what_is_no_count_is_refused_by_name(value):
    with pytest.raises(ConfigError, match="steps must be a whole number of at least 1"):
        positive("steps", value)


def test_count_of_numpy_is_one_of_python():
    assert type(positive("steps", np.int32(3))) is int


def test_levels_are_ascending_and_distinct():
    assert valid_level([95, 80, 80.0]) == (80.0, 95.0)


@pytest.mark.parametrize("level", [(0,), (100,), (float("nan"),), 80, "ab", None, (10**400,), ("x" * 10**6,)])
def test_levels_that_are_no_percentages_are_refused(level):
    with pytest.raises(ConfigError, match="level must hold percentages between 0 and 100") as caught:
        valid_level(level)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("level", [(99.9999999,), (80, 80.0000001), (50, 99.99996, 99.99999)])
def test_levels_whose_columns_would_bear_one_name_or_that_of_all_values_are_refused(level):
    with pytest.raises(ConfigError, match="of six digits"):
        valid_level(level)


def test_levels_are_rounded_to_the_digits_of_their_columns():
    assert valid_level((100 * (1 - 0.32), 200 / 3, 99.9999)) == (66.6667, 68.0, 99.9999)


@pytest.mark.parametrize(
    ("level", "likely"),
    [((0.8, 0.95), "(80, 95)"), ((0.9,), "(90,)"), ((95, 0.8), "(80, 95)"), ([0.5, 0.999], "(50, 99.9)")],
)
def test_levels_that_are_shares_are_refused_with_what_was_likely_meant(level, likely):
    with pytest.raises(ConfigError, match=re.escape(f"level=({likely[1:]}")):
        valid_level(level)


def test_levels_that_are_shares_are_refused_at_every_door(fitted, hourly, tmp_path):
    doors = (
        lambda: GRUForecaster(6, level=(0.8, 0.95)),
        lambda: forecast(hourly, level=(0.8, 0.95)),
        lambda: fitted.predict(level=(0.8, 0.95)),
        lambda: fitted.stream(level=(0.8, 0.95)),
    )
    for door in doors:
        with pytest.raises(ConfigError, match=r"give level=\(80, 95\) \(--level 80,95\)"):
            door()


def test_model_that_was_trained_at_a_share_is_loaded(fitted, tmp_path):
    save_model(replace(fitted.model_, level=(0.8, 95.0)), tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").level == (0.8, 95)


def test_a_future_that_is_none_is_told_before_work_that_grows_with_the_series(monkeypatch):
    rows = {"ds": np.arange(40), "y": np.arange(40.0) % 7, "p": np.arange(40.0) % 5}
    quick = TrainingConfig(max_steps=1)
    forecaster = GRUForecaster(2, input_size=4, covariates=Covariates(future=("p",)), training=quick).fit(rows)
    monkeypatch.setattr(Panel, "extend", None)
    monkeypatch.setattr(Panel, "silent", None)
    for call in (forecaster.predict, forecaster.explain):
        for future, words in (
            (None, "this model reads p"),
            (5, "cannot read"),
            ({"p": [1, 2]}, "no column holds time"),
        ):
            with pytest.raises(DataError, match=words):
                call(future=future)


def test_series_are_chosen_however_their_names_are_typed():
    assert chosen([1, "a", 2], None).all()
    assert chosen([1, "a", 2], ["2", "a"]).tolist() == [False, True, True]
    assert chosen(["a", "b"], "b").tolist() == [False, True]
    with pytest.raises(ConfigError, match="there is no series 'c': there are a, b"):
        chosen(["a", "b"], ["c"])
