import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import grucast
from grucast import GRUForecaster, NetworkConfig, TrainingConfig
from grucast.comparison.contenders import CONTENDERS
from grucast.comparison.forecasts import ContendingForecaster
from grucast.errors import ConfigError
from grucast.forecasting.backtest import backtest
from tests.conftest import TINY

torch = pytest.importorskip("torch")
OURS = CONTENDERS[5]


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(1)
    times = pd.date_range("2024-01-01", periods=300, freq="h")
    frame = pd.DataFrame({"ds": times, "y": np.sin(np.arange(300) * np.pi / 12) + rng.normal(0, 0.1, 300)})
    return grucast.compare(frame, 6, seeds=2, n_windows=2, **TINY)


def test_every_contender_is_there_with_each_seeds_errors(result):
    assert [(row.model, row.kernels) for row in result.rows] == [(each.model, each.kernels) for each in CONTENDERS]
    assert all(len(row.errors["MASE"]) == len(row.errors["MAE"]) == len(row.step_times) == 2 for row in result.rows)
    assert result.task == "2 windows of 6 steps in 1 series"
    assert (result.seeds, result.steps) == (2, 3)
    assert result.simple[0] == "SeasonalNaive24"
    assert isinstance(result.table, pd.DataFrame)


def test_grus_have_the_same_errors_whoever_computes_them(result):
    for reset in ("GRU", "GRU, published"):
        own = [row.errors["MASE"] for row in result.rows if row.model == reset]
        assert len(own) == (3 if reset == "GRU" else 2)
        for errors in own[1:]:
            assert errors == pytest.approx(own[0], rel=1e-3)


def test_without_torch_errors_and_baseline_are_those_of_a_backtest(hourly):
    compared = grucast.compare(hourly, 6, seeds=1, n_windows=2, **TINY)
    scores = {score.model: score for score in backtest(GRUForecaster(6, **TINY), hourly, 2).scores}
    ours = next(row for row in compared.rows if (row.model, row.kernels) == ("GRU", "grucast"))
    assert ours.errors["MASE"] == pytest.approx([scores["GRU"].mase], rel=1e-6)
    name, simple = compared.simple
    assert simple["MASE"] == scores[name].mase


def test_network_of_a_contender_is_what_the_forecasters_is_otherwise(hourly):
    like = GRUForecaster(6, 48, 24, network=NetworkConfig(4, head_size=8), training=TrainingConfig(max_steps=2))
    shapes = {}
    for contender in CONTENDERS:
        own = ContendingForecaster(like, contender, like.training, None).fit(hourly)
        shapes[contender] = {name: array.shape for name, array in own.model_.weights.items()}
        assert own.predict().shape == (12, 7)
    for contender, own in shapes.items():
        others = {name: shape for name, shape in own.items() if not name.startswith("gru.")}
        assert others == {name: shape for name, shape in shapes[OURS].items() if not name.startswith("gru.")}
        assert own["gru.weight_hh_l0"] == (4 * contender.gates, 4)


def test_variants_learn_apart_and_the_same_one_alike_whoever_computes_it(hourly):
    like = GRUForecaster(6, 48, 24, network=NetworkConfig(4, head_size=8), training=TrainingConfig(max_steps=20))
    learned = {}
    for contender in CONTENDERS[2:]:
        model = ContendingForecaster(like, contender, like.training, None).fit(hourly).model_
        learned.setdefault(contender.reset_after, []).append(model.weights["gru.weight_hh_l0"])
    for first, *others in learned.values():
        for other in others:
            np.testing.assert_allclose(other, first, atol=1e-3)
    assert np.abs(learned[True][0] - learned[False][0]).max() > 1e-2


def test_progress_is_told_of_all_trainings_together(hourly):
    told = []
    grucast.compare(hourly.head(200), 6, seeds=1, n_windows=1, progress=told.append, **TINY)
    assert told[-1].step == told[-1].steps == 3 * len(CONTENDERS)


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({"seeds": 0}, "seeds must be a whole number of at least 1"),
        ({"training": TrainingConfig(ensemble=2)}, "leave ensemble at 1"),
        ({"n_windows": 0}, "n_windows must be"),
    ],
)
def test_arguments_without_meaning_are_refused(hourly, arguments, wanted):
    with pytest.raises(ConfigError, match=wanted):
        grucast.compare(hourly, 6, **arguments)


def test_without_torch_the_extra_is_named_before_any_work():
    code = """
import sys, grucast
sys.modules["torch"] = None
try:
    grucast.compare(None, 6)
except grucast.errors.MissingExtraError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "this needs torch, which is not installed: pip install 'grucast[torch]'\n"
