"""docs/how-to/coming-from.md, besides what tests/test_readme.py runs: their blocks, the names, utilsforecast."""

import inspect
import re
from functools import partial
from pathlib import Path

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from utilsforecast import losses
from utilsforecast.evaluation import evaluate
from utilsforecast.plotting import plot_series

from grucast import Covariates, GRUForecaster, NetworkConfig, TrainingConfig, read
from grucast.forecasting import metrics
from tests.conftest import TINY

PAGE = (Path(__file__).parents[1] / "docs" / "how-to" / "coming-from.md").read_text()
THEIRS = re.findall(r"```python (\w+)\n(.*?)```", PAGE, re.S)
OURS = re.findall(r"`(\w+)\((\w+)=\)`", PAGE.partition("## Names")[2])
CALLS = {
    **{call.__name__: call for call in (Covariates, GRUForecaster, NetworkConfig, TrainingConfig, read)},
    **{name: getattr(GRUForecaster, name) for name in ("fit", "predict", "cross_validation")},
}
both_frames = pytest.mark.parametrize("convert", [lambda f: f, pl.DataFrame.to_pandas], ids=["polars", "pandas"])


@pytest.fixture
def forecaster():
    return GRUForecaster(h=6, input_size=48, season_length=24, **TINY)


@pytest.mark.parametrize(("library", "code"), THEIRS)
def test_their_blocks_are_python(library, code):
    assert library in {"neuralforecast", "darts"}
    compile(code, library, "exec")


@pytest.mark.parametrize(("call", "argument"), OURS)
def test_our_names_in_the_table_are_arguments(call, argument):
    assert argument in inspect.signature(CALLS[call]).parameters


def test_the_table_names_every_argument_of_the_forecaster():
    assert {argument for call, argument in OURS if call == "GRUForecaster"} == set(
        inspect.signature(GRUForecaster).parameters
    ) - {"covariates", "network", "training"}


@both_frames
def test_forecasts_go_into_utilsforecast_and_score_the_same(forecaster, hourly, convert):
    history, actual = (convert(part) for part in ends(hourly, 6))
    forecast = forecaster.fit(history).predict()
    scored = nw.from_native(forecast).join(nw.from_native(actual), on=["unique_id", "ds"]).to_native()
    measures = [losses.mae, partial(losses.mase, seasonality=24), losses.coverage, losses.scaled_crps]
    table = evaluate(scored, measures, models=["GRU"], level=[80, 95], train_df=history)
    for name in ("a", "b"):
        rows, known = pl.DataFrame(scored).filter(unique_id=name), pl.DataFrame(history).filter(unique_id=name)
        y, f = rows["y"].to_numpy(), rows["GRU"].to_numpy()
        bounds = rows.select("GRU-lo-95", "GRU-lo-80", "GRU-hi-80", "GRU-hi-95").to_numpy()
        found = dict(pl.DataFrame(table).filter(unique_id=name).select("metric", "GRU").iter_rows())
        assert found == {
            "mae": pytest.approx(metrics.mae(y, f)),
            "mase": pytest.approx(metrics.mase(y, f, known["y"].to_numpy(), 24)),
            "coverage_level80": pytest.approx(metrics.coverage(y, bounds[:, 1], bounds[:, 2])),
            "coverage_level95": pytest.approx(metrics.coverage(y, bounds[:, 0], bounds[:, 3])),
            "scaled_crps": pytest.approx(metrics.scaled_crps(y, bounds, [0.025, 0.1, 0.9, 0.975])),
        }


@both_frames
def test_cross_validation_goes_into_utilsforecast_and_scores_the_same(forecaster, hourly, convert):
    rolling = forecaster.cross_validation(convert(hourly), n_windows=2)
    table = pl.DataFrame(evaluate(rolling, [losses.mae], models=["GRU", "Naive"]))
    rows = pl.DataFrame(rolling)
    assert table.height == 4
    for name, cutoff, _, *found in table.select("unique_id", "cutoff", "metric", "GRU", "Naive").iter_rows():
        window = rows.filter(unique_id=name, cutoff=cutoff)
        assert found == pytest.approx([metrics.mae(window["y"], window[model]) for model in ("GRU", "Naive")])


@both_frames
def test_plot_series_draws_forecasts_and_intervals(forecaster, hourly, convert):
    data = convert(hourly)
    forecast = forecaster.fit(data).predict()
    figure = plot_series(data, forecast, level=[80], max_insample_length=48, plot_random=False)
    drawn = {axes.get_title(): axes for axes in figure.axes if axes.lines}
    assert set(drawn) == {"unique_id=a", "unique_id=b"}
    for title, axes in drawn.items():
        lines = {line.get_label(): line.get_ydata() for line in axes.lines}
        wanted = pl.DataFrame(forecast).filter(unique_id=title.removeprefix("unique_id="))["GRU"]
        np.testing.assert_allclose(lines["GRU"][-6:], wanted)
        assert axes.collections


def ends(frame, h):
    """The rows before the last h of each series, and those."""
    late = pl.int_range(pl.len()).over("unique_id") >= pl.len().over("unique_id") - h
    return frame.filter(~late), frame.filter(late)
