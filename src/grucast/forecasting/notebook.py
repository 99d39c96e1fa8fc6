"""What notebooks show of forecasters, backtests and results."""

from collections.abc import Iterable, Sequence
from math import isnan
from typing import Any

from grucast.data.markup import Strong, page, paragraph, table
from grucast.data.wording import count, decimals, digits
from grucast.forecasting.scoring import Score
from grucast.model.models import ForecastModel

MEASURES = {"MAE": "mae", "MASE": "mase", "sCRPS": "scaled_crps"}


def settings_html(forecaster: Any) -> str:
    """The settings of a forecaster that is not fitted."""
    chosen = {"h": forecaster.h, "input_size": forecaster.input_size, "season_length": forecaster.season_length}
    chosen |= {
        "level": percentages(forecaster.level) or "none",
        "covariates": ", ".join(covariate_names(forecaster.covariates)) or "none",
    }
    rows = [(name, "chosen by fit" if value is None else value) for name, value in chosen.items()]
    return page("GRUForecaster, not fitted", table(rows))


def model_html(model: ForecastModel) -> str:
    """What a trained forecaster is."""
    network, patch, step = model.network, model.definition.patch_size, model.frequency.name
    layers = f"{count(network.num_layers, 'layer')} of {network.hidden_size} units"
    weights = sum(array.size for array in model.weights.values())
    rows = [
        ("forecasts", f"{model.h} steps of {step}, with intervals of {percentages(model.level) or 'no level'}"),
        ("reads", f"{model.input_size:,} steps" + (f", {patch} at a time" if patch > 1 else "")),
        ("seasons", " and ".join(f"{season}" for season in model.seasons if season > 1) or "none"),
        ("covariates", ", ".join(covariate_names(model.schema.covariates)) or "none"),
        ("network", f"GRU, {layers}{', both ways' if network.bidirectional else ''}; {weights:,} weights"),
    ]
    if model.members > 1:
        rows.append(("ensemble", f"{model.members} networks"))
    return page("GRUForecaster", table(rows))


def backtest_html(scores: Sequence[Score], series: int, windows: int) -> str:
    """The scores of a backtest."""
    said = f"Backtest: {count(windows, 'window')} in {count(series, 'series')}"
    return page(said, score_table(scores))


def result_html(result: Any) -> str:
    """The verdict on a forecast, what may be wrong, and the scores."""
    rows = [("warning", warning) for warning in result.warnings]
    parts = [paragraph(Strong(result.verdict)), table(rows) if rows else ""]
    title = f"Forecast of {result.target}: {result.h} steps"
    return page(title, *parts, score_table(result.scores) if result.scores else "")


def score_table(scores: Sequence[Score]) -> str:
    """Models and their errors, the least of each column in bold, and how often their intervals held."""
    levels = sorted({level for score in scores for level in score.coverage})
    columns = [least_in_bold(getattr(score, measure) for score in scores) for measure in MEASURES.values()]
    held = [[shown_share(score.coverage.get(level)) for score in scores] for level in levels]
    head = ["model", *MEASURES, *(f"{level:g}% held" for level in levels)]
    return table(zip([score.model for score in scores], *columns, *held, strict=True), head)


def least_in_bold(values: Iterable[float]) -> list[str]:
    """Numbers of as many decimals each, nothing for NaN."""
    numbers = list(values)
    least = min((value for value in numbers if not isnan(value)), default=None)
    places = decimals(numbers)
    return [(Strong if value == least else str)(digits(value, places)) for value in numbers]


def shown_share(share: float | None) -> str:
    """A share in percent, nothing where there is none."""
    return "" if share is None or isnan(share) else f"{share:.0%}"


def percentages(level: Sequence[float]) -> str:
    """Levels in words."""
    return " and ".join(f"{percent:g}%" for percent in level)


def covariate_names(covariates: Any) -> list[str]:
    """The covariates, each with its role, and the country of the holidays."""
    roles = ("past", "future", "static")
    names = [f"{name} ({role})" for role in roles for name in getattr(covariates, role)]
    return names + ([f"holidays of {covariates.holidays}"] if covariates.holidays else [])
