"""Forecasts below zero become zero where no value of the series' own history is negative, and nowhere else."""

from datetime import datetime, timedelta

import numpy as np
import onnx
import polars as pl
import pytest

from grucast import GRUForecaster, TrainingConfig
from grucast.onnx import export
from tests.conftest import TINY
from tests.onnx.pieces import session_of

DAYS = pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 7, 18), "1d", eager=True)


def make():
    return GRUForecaster(h=3, input_size=20, season_length=7, **TINY)


def named(values):
    """Days of series by their names."""
    return pl.concat([pl.DataFrame({"unique_id": name, "ds": DAYS[: len(y)], "y": y}) for name, y in values.items()])


def numbers_of(forecast, *names):
    return forecast.filter(pl.col("unique_id").is_in(names)).select(pl.col("^GRU.*$")).to_numpy()


def test_history_below_zero_is_forecast_at_its_own_level_by_a_model_trained_above(rng):
    y = 10 * (1 + rng.random(200))
    forecaster = GRUForecaster(2, training=TrainingConfig(max_steps=50)).fit(named({"a": y}))
    both = named({"above": y, "below": y - 1000})
    forecast = numbers_of(forecaster.predict(both), "below")
    assert ((forecast > -1000) & (forecast < -970)).all()
    assert forecaster.stream().update_many(both).equals(forecaster.predict(both))
    assert (numbers_of(forecaster.predict(both, level=(99.9,)), "below") < 0).all()


def test_negative_value_in_one_series_lets_no_other_go_below_zero(rng):
    values = {str(k): rng.poisson(0.3, 200).astype(float) for k in range(6)}
    values["5"][17] = -1
    forecaster = make().fit(named(values))
    for level in (None, (99.0,)):
        forecast = forecaster.predict(level=level)
        assert numbers_of(forecast, *"01234").min() == 0
        assert numbers_of(forecast, "5").min() < 0  # by all its history, not by the window alone


@pytest.mark.parametrize(("place", "wanted"), [(-3, [False, False]), (-4, [False, True]), (5, [True, True])])
def test_past_windows_are_clipped_by_what_came_before_each(place, wanted, rng):
    y = rng.poisson(0.3, 60).astype(float)
    y[place] = -1
    table = make().cross_validation(named({"a": y}), n_windows=2, step_size=2)  # the second cutoff is 3 before the end
    lowest = table.group_by("cutoff").agg(pl.col("GRU-lo-95").min()).sort("cutoff")["GRU-lo-95"]
    assert [value < 0 for value in lowest] == wanted


@pytest.mark.parametrize("late", [False, True])
def test_stream_remembers_a_negative_value_that_its_window_has_lost(late, rng, tmp_path):
    frame = named({"a": np.append(rng.poisson(1.0, 199).astype(float), 5.0), "b": rng.poisson(0.3, 200) + 0.0})
    frame = frame.with_columns(
        y=pl.when((pl.col("unique_id") == "a") & (pl.col("ds") == DAYS[9])).then(-1).otherwise("y")
    )
    forecaster = make().fit(frame)
    wanted = forecaster.predict(frame)
    assert numbers_of(wanted, "a").min() < 0 == numbers_of(wanted, "b").min()
    stream = forecaster.stream()
    rows = frame.to_dicts()
    stream.update([*rows[:9], *rows[10:], rows[9]] if late else rows)
    stream.save(tmp_path / "state")
    again = forecaster.stream()
    again.load(tmp_path / "state")
    for name in "ab":
        row = {"unique_id": name, "ds": DAYS[199], "y": frame.filter(unique_id=name)["y"][-1]}
        for each in (stream, again):
            forecast = each.update(row)
            own = np.array([forecast[column] for column in wanted.columns[2:]]).T
            np.testing.assert_array_equal(own, numbers_of(wanted, name))


def test_graph_in_onnx_clips_what_predict_does_given_the_window(rng, tmp_path):
    frame = named({"a": rng.poisson(0.3, 200) + 0.0, "b": rng.poisson(0.3, 200) - 1.0})
    forecaster = make().fit(frame)
    export(forecaster, tmp_path / "model.onnx")
    tail = pl.concat([part.tail(20) for part in frame.partition_by("unique_id")])
    y = tail["y"].to_numpy().reshape(2, 20)
    time = (DAYS[180] + timedelta(days=k) for k in range(23))
    time = np.array([list(time)] * 2, "M8[us]").astype(np.int64)
    session = session_of(onnx.load(tmp_path / "model.onnx"))
    feeds = {"y": y, "observed": np.ones((2, 20), bool), "time": time}
    got = session.run(["quantiles"], {wanted.name: feeds[wanted.name] for wanted in session.get_inputs()})[0]
    columns = ["GRU-lo-95", "GRU-lo-80", "GRU", "GRU-hi-80", "GRU-hi-95"]
    expected = forecaster.predict(tail).select(columns).to_numpy().reshape(2, 3, 5)
    np.testing.assert_allclose(got, expected, atol=1e-4)
    assert got[0].min() == 0 > got[1].min()
