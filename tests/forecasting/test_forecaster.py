from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from utilsforecast.losses import mae as utils_mae

from grucast import Covariates, GRUForecaster, NetworkConfig, TrainingConfig, load
from grucast.errors import ConfigError, DataError, NotFittedError, UnknownCategoryWarning
from tests.conftest import TINY


def make(**settings):
    return GRUForecaster(**{"h": 6, "input_size": 48, "season_length": 24, **TINY, **settings})


def test_forecast_continues_every_series(fitted, hourly):
    forecast = fitted.predict()
    assert forecast.columns == ["unique_id", "ds", "GRU", "GRU-lo-80", "GRU-hi-80", "GRU-lo-95", "GRU-hi-95"]
    assert forecast["unique_id"].to_list() == ["a"] * 6 + ["b"] * 6
    last = hourly["ds"].max()
    assert forecast["ds"].to_list() == [last + timedelta(hours=k) for k in range(1, 7)] * 2
    assert forecast.schema["ds"] == hourly.schema["ds"]


def test_predicting_the_training_frame_is_predicting_on(fitted, hourly):
    assert fitted.predict(hourly).equals(fitted.predict())


def test_each_series_is_forecast_on_its_own_scale(fitted):
    a, b = fitted.predict().partition_by("unique_id")
    assert 8 < a["GRU"].mean() < 12
    assert 8000 < b["GRU"].mean() < 12000


def test_intervals_are_nested_round_the_median(fitted):
    columns = ["GRU-lo-95", "GRU-lo-80", "GRU", "GRU-hi-80", "GRU-hi-95"]
    assert (np.diff(fitted.predict().select(columns).to_numpy(), axis=1) >= 0).all()


def test_changing_the_last_observation_changes_the_first_forecast(hourly):
    forecaster = make(training=TrainingConfig(max_steps=20, batch_size=8)).fit(hourly)
    last = (pl.col("ds") == pl.col("ds").max()).over("unique_id")
    changed = hourly.with_columns(y=pl.when(last).then(pl.col("y") * 1.01).otherwise("y"))
    before, after = (forecaster.predict(df)["GRU"].to_numpy().reshape(2, 6) for df in (hourly, changed))
    assert (before[:, 0] != after[:, 0]).all()


def test_observations_before_the_window_do_not_matter(fitted, hourly):
    tail = hourly.group_by("unique_id", maintain_order=True).tail(48)
    assert fitted.predict(tail).equals(fitted.predict(hourly))


def test_new_series_can_be_forecast(fitted, hourly):
    renamed = hourly.with_columns(unique_id=pl.lit("new ") + pl.col("unique_id"))
    got, wanted = fitted.predict(renamed), fitted.predict()
    assert got["unique_id"].unique().sort().to_list() == ["new a", "new b"]
    np.testing.assert_array_equal(got["GRU"], wanted["GRU"])


def test_same_seed_gives_the_same_forecast(fitted, hourly):
    assert make().fit(hourly).predict().equals(fitted.predict())


def test_order_of_rows_does_not_matter(fitted, hourly):
    shuffled = hourly.sample(fraction=1, shuffle=True, seed=1)
    got = fitted.predict(shuffled).sort("unique_id", "ds")
    np.testing.assert_allclose(got["GRU"], fitted.predict()["GRU"], rtol=1e-6)


def test_pandas_in_pandas_out(fitted, hourly):
    frame = pd.DataFrame(hourly.to_dict(as_series=False))
    forecast = make().fit(frame).predict()
    assert isinstance(forecast, pd.DataFrame)
    assert forecast["ds"].dtype == frame["ds"].dtype
    np.testing.assert_array_equal(forecast["GRU"], fitted.predict()["GRU"])


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_time_zone_is_kept(hourly, zone):
    zoned = hourly.with_columns(pl.col("ds").dt.replace_time_zone("UTC").dt.convert_time_zone(zone))
    forecast = make().fit(zoned).predict()
    assert forecast.schema["ds"] == zoned.schema["ds"]
    assert forecast["ds"][0] == zoned["ds"].max() + timedelta(hours=1)


@pytest.mark.parametrize("ids", [[7, 3], ["x", "y"]])
def test_ids_keep_their_type_and_order(hourly, ids):
    named = hourly.with_columns(unique_id=pl.Series(np.repeat(ids, 480)))
    assert make().fit(named).predict()["unique_id"].unique(maintain_order=True).to_list() == ids


def test_integer_times_and_dates_are_continued(hourly):
    days = pl.date_range(datetime(2024, 1, 1), datetime(2025, 4, 24), eager=True)
    for times, wanted in ((pl.int_range(480, eager=True), 480), (days, datetime(2025, 4, 25).date())):
        frame = hourly.filter(unique_id="a").with_columns(ds=times)
        assert make().fit(frame).predict()["ds"][0] == wanted


def test_gaps_are_not_filled_and_give_no_nan(hourly):
    holes = hourly.filter(pl.int_range(pl.len()) % 7 != 0)
    assert make().fit(holes).predict()["GRU"].is_finite().all()


def test_chosen_levels_only(fitted, hourly):
    assert fitted.predict(level=(95,)).columns[3:] == ["GRU-lo-95", "GRU-hi-95"]
    assert make(level=()).fit(hourly).predict().columns == ["unique_id", "ds", "GRU"]


def test_callback_sees_training(hourly):
    seen = []
    forecaster = make().fit(hourly, progress=seen.append)
    assert [p.step for p in seen] == [1, 2, 3]
    assert forecaster.history_ == [p.loss for p in seen]


def test_library_prints_nothing_and_writes_nothing(hourly, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make().fit(hourly).predict()
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


def test_cross_validation_forecasts_each_cutoff(hourly):
    frame = make().cross_validation(hourly, n_windows=2, step_size=3)
    assert frame.columns[:4] == ["unique_id", "ds", "cutoff", "y"]
    assert frame.height == 2 * 2 * 6
    joined = frame.join(hourly, on=["unique_id", "ds"], suffix="_given")
    assert (joined["y"] == joined["y_given"]).all()
    assert (frame["ds"] > frame["cutoff"]).all()
    assert utils_mae(frame.drop("cutoff"), models=["GRU"]).height == 2


def test_cross_validation_knows_nothing_after_its_cutoff(hourly):
    tail = pl.int_range(pl.len()).over("unique_id") >= 480 - 6
    spoiled = hourly.with_columns(y=pl.when(tail).then(pl.col("y") * 100).otherwise("y"))
    one, other = (make().cross_validation(df, n_windows=1) for df in (hourly, spoiled))
    assert (one["GRU"] == other["GRU"]).all()
    assert (one["y"] != other["y"]).all()


def test_refit_trains_at_each_cutoff(hourly):
    longer = make(training=TrainingConfig(max_steps=20, batch_size=8))
    one, other = (longer.cross_validation(hourly, n_windows=2, step_size=12, refit=refit) for refit in (False, True))
    first = pl.col("cutoff") == pl.col("cutoff").min()
    assert (one.filter(first)["GRU"] == other.filter(first)["GRU"]).all()
    assert (one.filter(~first)["GRU"] != other.filter(~first)["GRU"]).all()


BAD_ARGUMENTS = [
    {"h": 0},
    {"h": -3},
    {"h": 2.5},
    {"h": True},
    {"input_size": 0},
    {"season_length": "week"},
    {"level": (80, 100)},
    {"level": (0,)},
    {"level": ("high",)},
    {"level": 80},
]


@pytest.mark.parametrize("wrong", BAD_ARGUMENTS)
def test_argument_without_meaning_is_refused_by_name(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        make(**wrong)


def test_series_shorter_than_a_window_are_learned_from_and_forecast(hourly):
    short = hourly.filter((pl.col("unique_id") == "a") | (pl.int_range(pl.len()) >= 960 - 40))
    forecast = make().fit(short).predict().filter(unique_id="b")["GRU"].to_numpy()
    assert forecast.shape == (6,)
    assert np.abs(forecast - 10_000).max() < 2000


def test_daily_frame_for_an_hourly_model_is_refused(fitted, hourly):
    daily = hourly.filter(pl.col("ds").dt.hour() == 0)
    with pytest.raises(DataError, match="19 jumps of 24 steps of h"):
        fitted.predict(daily)


def test_any_level_can_be_asked_for(fitted):
    names = [f"GRU-{side}-{x:g}" for x in (50, 80, 90, 95, 99) for side in ("lo", "hi")]
    frame = fitted.predict(level=(50, 80, 90, 95, 99))
    assert frame.columns[3:] == names
    nested = frame.select([*names[-2::-2], "GRU", *names[1::2]]).to_numpy()
    assert (np.diff(nested, axis=1) >= 0).all()
    trained = fitted.predict()
    np.testing.assert_allclose(frame["GRU-hi-95"], trained["GRU-hi-95"], rtol=1e-12)


def test_level_without_trained_intervals_is_refused(hourly):
    with pytest.raises(ConfigError, match="trained without intervals"):
        make(level=()).fit(hourly).predict(level=(70,))


def test_predict_before_fit_is_an_error():
    with pytest.raises(NotFittedError, match="call fit"):
        make().predict()


def test_loaded_model_asks_for_the_history(fitted, tmp_path):
    fitted.save(tmp_path / "m.safetensors")
    with pytest.raises(NotFittedError, match="holds no data"):
        load(tmp_path / "m.safetensors").predict()


def test_series_without_any_observation_are_refused(hourly):
    with pytest.raises(DataError, match="half of its history observed"):
        make().fit(hourly.with_columns(y=pl.lit(None, pl.Float64)))


def test_too_many_windows_are_refused(hourly):
    with pytest.raises(DataError, match="too few for 100 windows"):
        make().cross_validation(hourly, n_windows=100)


PROMOTED = Covariates(past=("visitors",), future=("price", "offer"), static=("size",))


@pytest.fixture
def shop(hourly, rng):
    """The two series with covariates; a high price an hour ahead is all there is to know of y."""
    rows = len(hourly)
    price = rng.integers(0, 2, rows)
    return hourly.with_columns(
        y=10 + 5.0 * price,
        price=price,
        visitors=rng.normal(size=rows),
        offer=pl.Series(["none", "half"] * (rows // 2)),
        size=pl.col("unique_id").replace_strict({"a": 1, "b": 2}),
    )


def split(frame, h=6):
    last = pl.int_range(pl.len()).over("unique_id") >= 480 - h
    return frame.filter(~last), frame.filter(last)


def test_future_covariates_are_used(shop):
    history, rest = split(shop)
    training = TrainingConfig(max_steps=150, batch_size=32)
    forecaster = make(covariates=PROMOTED, training=training, network=NetworkConfig(hidden_size=8, head_size=16))
    forecast = forecaster.fit(history).predict(future=rest.drop("y"))
    assert np.abs(forecast["GRU"].to_numpy() - rest["y"].to_numpy()).mean() < 1


def test_future_needs_neither_order_nor_only_what_is_needed(shop):
    history, rest = split(shop)
    forecaster = make(covariates=PROMOTED).fit(history)
    wanted = forecaster.predict(future=rest.select("unique_id", "ds", "price", "offer"))
    other = rest.with_columns(unique_id=pl.lit("new"))
    more = pl.concat([shop, other]).sample(fraction=1, shuffle=True, seed=1)
    assert forecaster.predict(future=more).equals(wanted)
    assert forecaster.predict(history, more).equals(wanted)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: None, "reads price, offer: give predict their coming values as future="),
        (lambda rest: rest.drop("price"), "no column 'price'"),
        (lambda rest: rest.filter(pl.col("unique_id") == "b"), "no row for series 'a' at 2024-03-10 18:00:00 \\(6"),
        (lambda rest: rest[:-1], "no row for series 'b' at 2024-03-10 23:00:00 \\(1"),
    ],
)
def test_incomplete_future_is_refused(shop, change, message):
    history, rest = split(shop)
    with pytest.raises(DataError, match=message):
        make(covariates=PROMOTED).fit(history).predict(future=change(rest))


def test_future_for_a_model_that_reads_none_is_refused(fitted, hourly):
    with pytest.raises(DataError, match="leave out future="):
        fitted.predict(future=hourly)


def test_unknown_category_in_the_future_is_a_warning_or_an_error(shop):
    history, rest = split(shop)
    odd = rest.with_columns(offer=pl.lit("double"))
    with pytest.warns(UnknownCategoryWarning, match="double"):
        assert make(covariates=PROMOTED).fit(history).predict(future=odd)["GRU"].is_finite().all()
    strict = Covariates(future=("price", "offer"), unknown="error")
    with pytest.raises(DataError, match="double"):
        make(covariates=strict).fit(history).predict(future=odd)


def test_missing_covariates_give_no_nan(shop):
    holes = shop.with_columns(pl.when(pl.int_range(pl.len()) % 3 != 0).then(pl.col("price", "offer", "visitors", "y")))
    history, rest = split(holes)
    assert make(covariates=PROMOTED).fit(history).predict(future=rest)["GRU"].is_finite().all()


def test_loaded_model_knows_its_covariates(shop, tmp_path):
    history, rest = split(shop)
    forecaster = make(covariates=PROMOTED).fit(history)
    forecaster.save(tmp_path / "m.safetensors")
    loaded = load(tmp_path / "m.safetensors")
    assert loaded.covariates == PROMOTED
    assert loaded.predict(history, rest).equals(forecaster.predict(future=rest))


def test_past_covariates_after_a_cutoff_do_not_move_its_forecasts(shop):
    _, rest = split(shop)
    spoiled = shop.with_columns(
        pl.when(pl.col("ds").is_in(rest["ds"].implode())).then(1e6).otherwise("visitors").alias("visitors")
    )
    one, other = (make(covariates=PROMOTED).cross_validation(df, n_windows=1) for df in (shop, spoiled))
    assert (one["GRU"] == other["GRU"]).all()


def stop_at(step, error):
    def callback(progress):
        if progress.step == step:
            raise error

    return callback


def test_interrupted_forecaster_has_the_best_model_so_far(hourly, tmp_path):
    forecaster = make(training=TrainingConfig(max_steps=40, batch_size=8))
    with pytest.raises(KeyboardInterrupt):
        forecaster.fit(hourly, progress=stop_at(12, KeyboardInterrupt))
    assert len(forecaster.history_) == 12
    assert forecaster.predict()["GRU"].is_finite().all()
    forecaster.save(tmp_path / "model.safetensors")
    assert load(tmp_path / "model.safetensors").predict(hourly).equals(forecaster.predict())


@pytest.mark.parametrize(("step", "error"), [(2, RuntimeError("mine")), (1, SystemExit(3))])
def test_exception_in_the_callback_leaves_the_forecaster_as_it_was(fitted, hourly, step, error):
    before, history = fitted.predict(), fitted.history_
    with pytest.raises(type(error)) as stop:
        fitted.fit(hourly.head(480), progress=stop_at(step, error))
    assert stop.value is error
    assert fitted.predict().equals(before)
    assert fitted.history_ is history


def test_forecaster_out_of_time_can_predict(hourly):
    forecaster = make(training=TrainingConfig(max_time=1e-9)).fit(hourly)
    assert len(forecaster.history_) == 1
    assert forecaster.predict()["GRU"].is_finite().all()


def test_forecast_of_an_ensemble_is_the_mean_of_its_members(hourly, tmp_path):
    ensemble = make(training=TrainingConfig(max_steps=20, batch_size=8, ensemble=3), level=()).fit(hourly)
    model = ensemble.model_
    singles = []
    for weights in model.each_weights:
        single = GRUForecaster.from_model(replace(model, members=1, weights=weights, nonnegative=False))
        singles.append(single.predict(hourly)["GRU"].to_numpy())
    assert np.abs(singles[0] - singles[1]).max() > 1e-3
    np.testing.assert_allclose(ensemble.predict()["GRU"], np.mean(singles, axis=0), rtol=1e-5)
    ensemble.save(tmp_path / "m.safetensors")
    assert load(tmp_path / "m.safetensors").predict(hourly).equals(ensemble.predict(hourly))


def test_explanation_has_every_series_by_its_id_and_the_steps_before_the_forecast(fitted, hourly):
    found = fitted.explain(hourly)
    assert list(found) == ["a", "b"]
    last = hourly.filter(unique_id="b").tail(48)
    np.testing.assert_array_equal(found["b"].values, last["y"].to_numpy())
    np.testing.assert_array_equal(found["b"].times, last["ds"].to_numpy())
    assert found["b"].gates[0].hidden.shape == (12, 4)
    np.testing.assert_array_equal(fitted.explain()["b"].gates[0].hidden, found["b"].gates[0].hidden)


def test_explanation_of_chosen_series_is_theirs(fitted, hourly):
    found = fitted.explain(hourly, series=["b"])
    assert list(found) == ["b"]
    np.testing.assert_array_equal(found["b"].sensitivity, fitted.explain(hourly)["b"].sensitivity)
    with pytest.raises(ConfigError, match="no series 'c'"):
        fitted.explain(hourly, series=["c"])


def test_explained_median_is_the_forecast(fitted, hourly):
    forecast = fitted.predict(hourly)
    for name, explanation in fitted.explain(hourly).items():
        np.testing.assert_allclose(explanation.median, forecast.filter(unique_id=name)["GRU"], rtol=1e-4)


def test_explanation_refuses_what_predict_refuses(shop):
    history, rest = split(shop)
    forecaster = make(covariates=PROMOTED).fit(history)
    assert forecaster.explain(history, rest)["a"].observed.all()
    with pytest.raises(DataError, match="give predict their coming values"):
        forecaster.explain(history)
