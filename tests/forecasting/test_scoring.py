from dataclasses import fields

import numpy as np
import polars as pl
import pytest

from grucast.data.panel import make_panel
from grucast.forecasting import metrics
from grucast.forecasting.scoring import Score, added, score_models, scores_of, seasonal_naive_errors, sum_models

H, SERIES, WINDOWS = 4, 5, 3


@pytest.fixture
def table(rng):
    """Five series, three windows of four steps; one actual value and one forecast are missing."""
    size = SERIES * WINDOWS * H
    y, forecast, other = rng.normal(10, 2, (3, size))
    y[7], forecast[20] = np.nan, np.nan
    return {
        "series": np.tile(np.repeat(np.arange(SERIES), H), WINDOWS),
        "step": np.tile(np.arange(1, H + 1), SERIES * WINDOWS),
        "y": y,
        "M": forecast,
        "M-lo-80": forecast - 1,
        "M-hi-80": forecast + 1,
        "M-lo-95": forecast - 3,
        "M-hi-95": forecast + 3,
        "Other": other,
    }


@pytest.fixture
def naive_errors(rng):
    return np.array([*rng.uniform(1, 2, SERIES - 1), np.nan])


def score_of(table, naive_errors, model):
    return next(score for score in score_models(table, naive_errors) if score.model == model)


def test_pooled_scores_are_the_metrics_of_what_is_there(table, naive_errors):
    score, seen = score_of(table, naive_errors, "M"), ~np.isnan(table["y"] + table["M"])
    y, forecast = table["y"][seen], table["M"][seen]
    assert score.steps == len(y) == SERIES * WINDOWS * H - 2
    assert score.mae == pytest.approx(metrics.mae(y, forecast))
    assert score.rmse == pytest.approx(metrics.rmse(y, forecast))
    assert score.smape == pytest.approx(metrics.smape(y, forecast))
    assert score.coverage == {
        80: pytest.approx(np.mean(np.abs(y - forecast) <= 1)),
        95: pytest.approx(np.mean(np.abs(y - forecast) <= 3)),
    }
    columns = [table[f"M{bound}"][seen] for bound in ("-lo-95", "-lo-80", "", "-hi-80", "-hi-95")]
    wanted = metrics.scaled_crps(y, np.stack(columns, -1), [0.025, 0.1, 0.5, 0.9, 0.975])
    assert score.scaled_crps == pytest.approx(wanted)


def test_mase_is_the_mean_over_the_series_that_have_one(table, naive_errors):
    means = [np.nanmean(np.abs(table["y"] - table["M"])[table["series"] == k]) for k in range(SERIES - 1)]
    assert score_of(table, naive_errors, "M").mase == pytest.approx(np.mean(means / naive_errors[:-1]))


def test_errors_by_step_are_those_of_each_step(table, naive_errors):
    score, error = score_of(table, naive_errors, "Other"), np.abs(table["y"] - table["Other"])
    scaled = error / naive_errors[table["series"]]
    for step in range(H):
        own = table["step"] == step + 1
        assert score.mae_by_step[step] == pytest.approx(np.nanmean(error[own]))
        assert score.mase_by_step[step] == pytest.approx(np.nanmean(scaled[own]))


def test_model_without_intervals_has_neither_coverage_nor_crps(table, naive_errors):
    score = score_of(table, naive_errors, "Other")
    assert score.coverage == {}
    assert np.isnan(score.scaled_crps)


def test_model_whose_name_begins_like_anothers_keeps_its_own_intervals(table, naive_errors):
    alone = score_of(table, naive_errors, "M")
    assert (
        score_of({**table, "Mx": table["Other"], "Mx-lo-50": table["y"]} | {"Mx-hi-50": table["y"]}, naive_errors, "M")
        == alone
    )


def test_model_that_never_forecast_is_last_and_has_no_score(table, naive_errors):
    last = score_models({**table, "Absent": np.full(len(table["y"]), np.nan)}, naive_errors)[-1]
    assert last.model == "Absent"
    assert last.steps == 0
    assert np.isnan([last.mae, last.rmse, last.smape, last.mase, *last.mae_by_step]).all()


def test_sums_of_parts_add_up_to_those_of_all(table, naive_errors):
    """Also where a part is of nothing but zeros, or has no forecast of a model."""
    table["y"][table["series"] == 1] = 0
    table["Other"][table["series"] == 2] = np.nan
    total = {}
    for name in range(SERIES):
        part = {key: column[table["series"] == name] for key, column in table.items()}
        part["series"] = np.zeros_like(part["series"])
        total = added(total, sum_models(part, naive_errors[[name]]))
    for ours, theirs in zip(scores_of(total), score_models(table, naive_errors), strict=True):
        for field in fields(Score):
            ours_own, theirs_own = getattr(ours, field.name), getattr(theirs, field.name)
            assert ours_own == (
                theirs_own if field.name == "model" else pytest.approx(theirs_own, rel=1e-12, nan_ok=True)
            )
    assert added(total, {}) == added({}, total) == total


@pytest.mark.parametrize("season", [1, 3])
def test_seasonal_naive_errors_are_the_scale_of_mase(season, rng):
    lengths = [9, 2, 30, 5]
    y = rng.normal(size=sum(lengths))
    y[[1, 15]] = np.nan
    ids = np.repeat(["a", "b", "c", "d"], lengths)
    panel = make_panel(pl.DataFrame({"unique_id": ids, "ds": np.concatenate([np.arange(n) for n in lengths]), "y": y}))
    found = seasonal_naive_errors(panel, season)
    wanted = [1 / metrics.mase([1.0], [0.0], panel.series(k), season) for k in range(4)]
    np.testing.assert_allclose(found, wanted)


def test_history_that_repeats_itself_has_no_seasonal_naive_error():
    panel = make_panel(pl.DataFrame({"unique_id": "a", "ds": range(6), "y": [1.0, 2.0] * 3}))
    assert np.isnan(seasonal_naive_errors(panel, 2)).all()
    assert seasonal_naive_errors(panel, 1) == 1
