import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from grucast import Covariates, GRUForecaster
from grucast.data.panel import make_panel
from grucast.errors import DataError
from grucast.forecasting.leakage import PERTURBATIONS, change_after, leakage_check
from tests.conftest import TINY


def make(kind=GRUForecaster):
    return kind(h=6, input_size=48, season_length=24, **TINY)


class Naive:
    """Repeats a value over two steps; subclasses choose a wrong one."""

    def cross_validation(self, df, n_windows, **_):
        pieces = []
        for back in range(2 * n_windows, 0, -2):
            for series in df.partition_by("unique_id"):
                past, future = series.head(len(series) - back), series.tail(back).head(2)
                value = self.forecast(past["y"].to_numpy(), series["y"].to_numpy())
                pieces.append(future.with_columns(cutoff=past["ds"][-1], naive=pl.lit(float(value))))
        return pl.concat(pieces).drop_nulls("y").filter(pl.col("y").is_finite())

    def forecast(self, past, _):
        return past[-1]


class ScaledByAll(Naive):
    def forecast(self, past, every):
        return past[-1] / np.nanstd(past) * np.nanstd(every)


class PeeksAtTheLast(Naive):
    def forecast(self, past, every):
        return past[-1] + 1e-9 * every[-1]


class SeasonOfAll(Naive):
    def forecast(self, past, every):
        filled = np.nan_to_num(every)
        season = max(range(2, 30), key=lambda k: np.corrcoef(filled[k:], filled[:-k])[0, 1])
        return past[-season]


@pytest.mark.parametrize("refit", [False, True])
def test_gru_forecaster_has_no_leak(hourly, refit):
    report = leakage_check(make(), hourly.tail(600), n_windows=2, refit=refit)
    assert not report.leaks
    assert report.largest == 0
    assert report.compared > 0
    assert str(report).startswith("no leak")


def test_naive_forecast_has_no_leak(hourly):
    assert not leakage_check(Naive(), hourly).leaks


@pytest.mark.parametrize("kind", [ScaledByAll, PeeksAtTheLast, SeasonOfAll])
def test_leaky_forecaster_is_caught(hourly, kind):
    report = leakage_check(kind(), hourly)
    assert report.leaks
    assert report.largest > 0
    assert "leak: with the values after 2024-03-10" in str(report)


def test_gru_forecaster_trained_on_everything_is_caught(hourly):
    class TrainedOnAll(GRUForecaster):
        def clone(self):
            twin = make(TrainedOnAll)
            twin.everything = self.everything
            return twin

        def cross_validation(self, df, **settings):
            self.everything = make_panel(df)
            return super().cross_validation(df, **settings)

        def fit_panel(self, _, kind, *args):
            return super().fit_panel(self.everything, kind, *args)

    assert leakage_check(make(TrainedOnAll), hourly, n_windows=1).leaks


def test_leak_between_windows_is_caught(hourly):
    class Later(Naive):
        def cross_validation(self, df, n_windows, **_):
            found = super().cross_validation(df, n_windows)
            return found.with_columns(naive=pl.col("naive").last().over("unique_id"))

    assert leakage_check(Later(), hourly).leaks


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_pandas_frames_and_time_zones_are_checked_too(hourly, zone):
    frame = pd.DataFrame(hourly.filter(unique_id="a").to_dict(as_series=False))
    frame["ds"] = frame["ds"].dt.tz_localize("UTC").dt.tz_convert(zone) if zone else frame["ds"]
    report = leakage_check(make(), frame, n_windows=1)
    assert (report.leaks, report.cutoffs) == (False, 1)
    assert report.compared > 4 * 5 * 5


def test_data_too_short_are_refused(hourly):
    with pytest.raises(DataError):
        leakage_check(make(), hourly.head(5))


def to_pandas(frame):
    return pd.DataFrame(frame.to_dict(as_series=False))


@pytest.fixture
def shop(hourly, rng):
    """The two series, shortened, with covariates of all roles."""
    rows = len(hourly)
    covariates = hourly.with_columns(
        temp=rng.normal(size=rows),
        sky=pl.Series(rng.choice(["clear", "rain"], rows)),
        open=pl.Series(rng.integers(0, 2, rows) == 1),
        price=rng.integers(0, 5, rows),
        offer=pl.Series(rng.choice(["none", "half"], rows)),
        region=pl.col("unique_id"),
    )
    return covariates.group_by("unique_id", maintain_order=True).tail(200)


@pytest.mark.parametrize(("refit", "frame"), [(False, pl.DataFrame), (True, pl.DataFrame), (False, to_pandas)])
def test_gru_forecaster_with_covariates_has_no_leak(shop, refit, frame):
    covariates = Covariates(("temp", "sky", "open"), ("price", "offer"), ("region",), unknown="error")
    forecaster = GRUForecaster(6, 48, 24, covariates=covariates, **TINY)
    report = leakage_check(forecaster, frame(shop), n_windows=2, refit=refit)
    assert not report.leaks
    assert report.compared > 0


class PeeksAtACovariate(Naive):
    """Adds a little of a covariate's last two values."""

    def __init__(self, name):
        self.name, self.covariates = name, Covariates(past=(name,))

    def cross_validation(self, df, n_windows, **_):
        found = super().cross_validation(df.select("unique_id", "ds", "y"), n_windows)
        column = df[self.name] == "rain" if df[self.name].dtype == pl.String else df[self.name]
        return found.with_columns(pl.col("naive") + 1e-6 * column.cast(pl.Float64).tail(2).fill_nan(0).cum_sum().sum())


@pytest.mark.parametrize("name", ["temp", "sky"])
def test_peeking_at_a_past_covariate_is_caught(shop, name):
    report = leakage_check(PeeksAtACovariate(name), shop, n_windows=1)
    assert {difference.perturbation for difference in report.differences} >= {"scaled", "replaced by noise"}


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_future_covariates_are_left_as_they_are(shop, rng, name):
    covariates = Covariates(past=("temp", "sky"), future=("price",))
    cutoffs = dict.fromkeys("ab", np.datetime64(shop["ds"].max(), "us") - np.timedelta64(6, "h"))
    frame = nw.from_native(shop, eager_only=True)
    after = change_after(frame, covariates, cutoffs, PERTURBATIONS[name], rng).to_native()
    different = [column for column in shop.columns if not after[column].equals(shop[column])]
    assert different == ["y", "temp", "sky"]
