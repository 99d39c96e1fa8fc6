"""The adapter by sktime's own checks, and compared with the forecaster that it adapts."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sktime.datasets import load_basic_motions, load_japanese_vowels
from sktime.forecasting.base import ForecastingHorizon
from sktime.forecasting.model_evaluation import evaluate
from sktime.forecasting.model_selection import ForecastingGridSearchCV
from sktime.split import ExpandingWindowSplitter
from sktime.utils.estimator_checks import check_estimator
from tests.conftest import TINY

import grucast
from grucast import Covariates, NetworkConfig, TrainingConfig
from grucast.errors import ConfigError, DataError
from grucast.sktime import GRUClassifier, GRUForecaster

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "sktime.md"
H = 6
TINY = {**TINY, "input_size": 48}


@pytest.fixture
def rng():
    return np.random.default_rng(20140601)


@pytest.fixture
def y(rng):
    wave = 10 + np.sin(np.arange(240) * 2 * np.pi / 24)
    return pd.Series(wave + rng.normal(0, 0.1, 240), pd.date_range("2024-02-20", periods=240, freq="h"), name="load")


@pytest.fixture
def X(rng):
    index = pd.date_range("2024-02-20", periods=240 + H, freq="h")
    return pd.DataFrame({"price": rng.normal(size=240 + H), "day": ["work", "rest"] * (120 + H // 2)}, index)


@pytest.fixture
def panel(y):
    index = pd.MultiIndex.from_product([["b", "a"], y.index], names=["shop", "time"])
    return pd.DataFrame({"load": np.concatenate([1000 * y, y[::-1]])}, index)


def long(y, **columns):
    return pd.DataFrame({"unique_id": "series", "ds": y.index, "y": y.to_numpy(), **columns})


def ours(frame, **options):
    return grucast.GRUForecaster(H, **TINY, **options).fit(frame)


def fitted(y, X=None, fh=range(1, H + 1), **options):
    return GRUForecaster(**{**TINY, **options}).fit(y, X, fh=list(fh))


def same(one, other):
    np.testing.assert_array_equal(np.ravel(one), np.ravel(other))


@pytest.mark.filterwarnings("ignore:Forecasters' predict_proba requires skpro:UserWarning")
@pytest.mark.filterwarnings("ignore:Sorting by default when concatenating:DeprecationWarning")  # sktime's own call
@pytest.mark.timeout(900)  # hundreds of fits
def test_checks_of_sktime_pass():
    results = check_estimator(GRUForecaster, raise_exceptions=True, verbose=False)
    assert len(results) > 500


@pytest.mark.timeout(900)
def test_checks_of_sktime_pass_for_the_classifier():
    results = check_estimator(GRUClassifier, raise_exceptions=True, verbose=False)
    assert len(results) > 100


@pytest.mark.parametrize("kind", ["nested_univ", "numpy3D"])
def test_classes_are_those_of_grucast(kind):
    """sktime's arrays are (N, F, T)."""
    X, labels = load_basic_motions(split="train", return_type=kind)
    array, _ = load_basic_motions(split="train", return_type="numpy3D")
    settings = {"network": NetworkConfig(hidden_size=4), "training": TrainingConfig(max_steps=5)}
    found = GRUClassifier(**settings).fit(X, labels)
    wanted = grucast.GRUClassifier(**settings).fit(array.transpose(0, 2, 1), labels)
    np.testing.assert_allclose(found.predict_proba(X), wanted.predict_proba(array.transpose(0, 2, 1)), rtol=1e-6)
    assert found.classes_.tolist() == wanted.classes_.tolist()
    assert found.classifier_.n_features_in_ == 6


def test_sequences_of_unequal_lengths_are_classified():
    X, labels = load_japanese_vowels(split="train")
    found = GRUClassifier(NetworkConfig(hidden_size=16), TrainingConfig(max_steps=200)).fit(X, labels)
    assert found.score(X, labels) > 0.9


def test_forecast_is_that_of_grucast_to_the_bit(y):
    wanted = ours(long(y)).predict()
    found = fitted(y).predict()
    same(found, wanted["GRU"])
    assert (found.name, found.index.tolist()) == ("load", wanted["ds"].tolist())


def test_steps_in_between_are_left_out(y):
    found = fitted(y, fh=[2, H])
    wanted = ours(long(y)).predict()
    same(found.predict(), wanted["GRU"].iloc[[1, H - 1]])
    assert found.predict().index.tolist() == wanted["ds"].iloc[[1, H - 1]].tolist()


@pytest.mark.parametrize("coverage", [[0.8, 0.95], [0.95, 0.8], [0.5, 0.9, 0.29]], ids=str)
def test_intervals_are_those_of_grucast(y, coverage):
    found = fitted(y).predict_interval(coverage=coverage)
    wanted = ours(long(y)).predict(level=tuple(round(100 * c) for c in coverage))
    for c in coverage:
        same(found["load", c, "lower"], wanted[f"GRU-lo-{100 * c:g}"])
        same(found["load", c, "upper"], wanted[f"GRU-hi-{100 * c:g}"])


def test_quantiles_are_the_ends_of_intervals_and_the_median(y):
    found = fitted(y).predict_quantiles(alpha=[0.1, 0.5, 0.9, 0.975])
    wanted = ours(long(y)).predict()
    same(found["load"], wanted[["GRU-lo-80", "GRU", "GRU-hi-80", "GRU-hi-95"]])


def test_without_levels_there_are_no_intervals(y):
    forecaster = fitted(y, level=())
    same(forecaster.predict(), ours(long(y), level=()).predict()["GRU"])
    with pytest.raises(NotImplementedError, match="intervals"):
        forecaster.predict_interval()


def test_exogenous_data_are_covariates_known_in_advance(y, X):
    past, future = X.iloc[:240], X.iloc[240:]
    plain = ours(long(y, **past.to_dict("list")), covariates=Covariates(future=("price", "day")))
    coming = future.rename_axis("ds").reset_index().assign(unique_id="series")
    forecaster = fitted(y, past)
    same(forecaster.predict(X=future), plain.predict(future=coming)["GRU"])
    same(forecaster.predict(X=X), forecaster.predict(X=future))
    assert not np.array_equal(forecaster.predict(X=future), fitted(y).predict())
    assert not np.array_equal(forecaster.predict(X=future), forecaster.predict(X=future.assign(price=9.0)))


def test_roles_of_columns_are_those_of_covariates(y, X):
    roles, X = Covariates(past=("price",)), X.assign(ds=1.0)  # what no role names does not matter
    wanted = ours(long(y, price=X["price"].to_numpy()[:240]), covariates=roles).predict()
    same(fitted(y, X, covariates=roles).predict(), wanted["GRU"])


def test_names_of_columns_need_not_be_text(y, X):
    numbered = X.set_axis([0, 1], axis=1)
    same(fitted(y, numbered[:240]).predict(X=numbered), fitted(y, X[:240]).predict(X=X))


@pytest.mark.parametrize("call", ["predict", "update", "predict_interval"])
def test_exogenous_data_that_are_needed_must_come(y, X, call):
    forecaster = fitted(y[:200], X[:200])
    with pytest.raises(DataError, match=r"reads price, day: give X"):
        getattr(forecaster, call)(**({"y": y[200:]} if call == "update" else {}))


def test_exogenous_data_that_end_early_name_the_step(y, X):
    with pytest.raises(DataError, match=r"no row for series 'series' at 2024-03-01 05:00"):
        fitted(y, X[:240]).predict(X=X[: 240 + H - 1])


def test_names_that_grucast_keeps_for_itself_are_refused(y, X):
    with pytest.raises(ConfigError, match="'ds' is named twice, or is the series' own"):
        fitted(y, X.rename(columns={"price": "ds"}))


def test_update_forecasts_from_the_whole_history_without_training(y):
    forecaster = fitted(y[:200])
    weights = forecaster.forecaster_
    forecaster.update(y[200:230], update_params=False).update(y[225:], update_params=False)
    same(forecaster.predict(), ours(long(y[:200])).predict(long(y))["GRU"])
    assert forecaster.forecaster_ is weights
    assert forecaster.predict().index[0] == y.index[-1] + y.index.freq


def test_update_takes_the_later_of_two_values(y):
    forecaster = fitted(y).update(y[-5:] + 3, update_params=False)
    corrected = pd.concat([y[:-5], y[-5:] + 3])
    same(forecaster.predict(), ours(long(y)).predict(long(corrected))["GRU"])


def test_update_of_parameters_is_a_fit_of_everything(y, X):
    forecaster = fitted(y[:200], X[:200]).update(y[200:], X[200:240])
    same(forecaster.predict(X=X[240:]), fitted(y, X[:240]).predict(X=X[240:]))


def test_cutoff_that_is_set_back_hides_what_came_after(y):
    forecaster = fitted(y)
    before = forecaster.update_predict_single(y[180:200], update_params=False)
    same(before, ours(long(y)).predict(long(y[:200]))["GRU"])
    assert before.index[0] == y.index[200]


def test_evaluation_without_training_again_forecasts_from_each_cutoff(y):
    cv = ExpandingWindowSplitter(initial_window=200, step_length=20, fh=range(1, H + 1))
    options = {"strategy": "no-update_params", "return_data": True, "error_score": "raise"}
    found = evaluate(GRUForecaster(**TINY), cv, y, **options)["y_pred"]
    forecaster = ours(long(y[:200]))
    assert len(found) == 2
    for forecast, cutoff in zip(found, (200, 220), strict=True):
        same(forecast, forecaster.predict(long(y[:cutoff]))["GRU"])


@pytest.mark.filterwarnings("ignore:The default of config ``remember_data``:FutureWarning")  # of the search itself
def test_search_takes_whole_settings(y):
    cv = ExpandingWindowSplitter(initial_window=200, step_length=20, fh=range(1, H + 1))
    grid = {"network": [NetworkConfig(hidden_size=4), NetworkConfig(hidden_size=8)]}
    search = ForecastingGridSearchCV(GRUForecaster(**TINY), cv, grid, backend=None, error_score="raise")
    search.fit(y, fh=range(1, H + 1))
    same(search.predict(), fitted(y, **search.best_params_).predict())


def test_panel_is_one_model(panel):
    frame = panel.reset_index().set_axis(["unique_id", "ds", "y"], axis=1)
    found, wanted = fitted(panel).predict(), ours(frame).predict()
    same(found, wanted["GRU"])
    assert found.index.names == ["shop", "time"]
    assert found.index.tolist() == list(zip(wanted["unique_id"], wanted["ds"], strict=True))


def test_hierarchy_and_its_new_series_are_forecast(panel):
    tree = pd.concat({"north": panel, "south": panel * 2}, names=["region"])
    forecaster = fitted(tree)
    assert forecaster.predict().index.droplevel(-1).unique().tolist() == tree.index.droplevel(-1).unique().tolist()
    west = pd.concat({"west": panel}, names=["region"])
    forecaster.update(west, update_params=False)
    same(forecaster.predict().loc["west"], forecaster.predict().loc["north"])


def test_series_of_unequal_length_are_continued_from_their_own_ends(panel):
    short = panel.drop(panel.index[220:240])  # the last 20 steps of b
    found = fitted(short).predict()
    assert found.loc["b"].index[0] == short.loc["b"].index[-1] + pd.Timedelta("1h")
    assert found.loc["a"].index[0] == short.loc["a"].index[-1] + pd.Timedelta("1h")
    fh = ForecastingHorizon(pd.date_range("2024-03-01", periods=2, freq="h"), is_relative=False)
    with pytest.raises(DataError, match="series end at different ones"):
        GRUForecaster(**TINY).fit(short, fh=fh)


def test_series_whose_names_read_alike_are_refused(y):
    with pytest.raises(DataError, match="same name when written as text"):
        fitted(pd.concat({1: y.to_frame(), "1": y.to_frame()}))


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(5, 245),
        pd.period_range("2004-01", periods=240, freq="M"),
        pd.date_range("2024-01-31", periods=240, freq="ME"),
        pd.date_range("2024-01-01", periods=240, freq="D", tz="Europe/Berlin"),
    ],
    ids=["integer", "period", "month end", "zoned"],
)
def test_index_goes_on_as_it_was(y, index):
    whole = y.set_axis(index)
    found = fitted(whole[: 240 - H]).predict()
    assert found.index.equals(index[240 - H :])


def test_missing_steps_and_values_are_masked(y):
    holes = y.copy()
    holes.iloc[30:40] = np.nan
    same(fitted(holes).predict(), ours(long(holes)).predict()["GRU"])
    same(fitted(holes.dropna()).predict(), fitted(holes).predict())


def test_examples_of_the_page_print_what_they_say(capsys):
    names = {}
    for code, printed in re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", PAGE.read_text(), re.S):
        exec(compile(code, PAGE.name, "exec"), names)
        assert capsys.readouterr().out == printed
    assert names
