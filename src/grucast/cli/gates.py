"""What a forecast is made of, as a command: gates, memory, what it responds to."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

from grucast import load, plotting
from grucast.cli import common
from grucast.cli.backtest import LOOK
from grucast.cli.common import command
from grucast.cli.output import print_json, refuse_existing, require_outputs, stem_of
from grucast.cli.screen import Screen
from grucast.data.ahead import read_future
from grucast.data.wording import decimals, show_local
from grucast.errors import ConfigError, DataError
from grucast.forecasting.explain import Explanation

MOST_LAGS, MOST_COLUMNS, ENDS = 8, 8, 3


@command("grucast gates model.safetensors sales.csv --series north")
def gates(
    model: common.Model,
    data: common.Data,
    future: Annotated[str | None, typer.Option(help="File with the coming values of columns known in advance.")] = None,
    series: Annotated[str, typer.Option(help="Series to explain; the first one if none.")] = "",
    layer: Annotated[int, typer.Option(help="Layer whose gates are drawn; 1 is the first.")] = 1,
    path: Annotated[
        str | None, typer.Option("--out", help="Picture to write; NAME-gates.png if not given.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a picture that is there.")] = False,
    *,
    columns: common.Columns,
    as_json: common.Json = False,
) -> None:
    """Draw and tell what the forecast of a series is made of: the GRU's gates over time, how long its units remember,
    which observations and covariates it responds to.
    """
    picture = path or f"{stem_of(data)}-gates.png"
    inputs = {"MODEL": model, "DATA": data, "--future": future}
    require_outputs(inputs, {"--out": (picture, plotting.PICTURES)})
    refuse_existing([picture], overwrite)
    plotting.require_matplotlib()
    forecaster = load(model)
    learned = forecaster.model_
    intake = columns.take_like(data, learned)
    (name,) = plotting.choose(intake.table.ids.unique(maintain_order=True), series or None, most=1)
    coming = future and read_future(
        future, columns.options.filled(learned.reading), learned.schema.texts, f"--future {future}"
    )
    explanation = one_of(forecaster.explain(intake, coming, [name]), name)
    place = require_layer(layer, explanation)
    plotting.plot_explanation(explanation, picture, place, intake.target)
    say = Screen(stderr=as_json)
    show(explanation, intake.target, say)
    say.tell(f"Picture: {picture}", whole=True)
    if as_json:
        print_json({"plot": picture} | as_record(explanation))


def one_of(explanations: Mapping[Any, Explanation], name: Any) -> Explanation:
    """The explanation of the series; refuse one that has no forecast."""
    if name not in explanations:
        raise DataError(f"series {name!r} has no value in the window that the model reads: name another by --series")
    return explanations[name]


def require_layer(layer: int, explanation: Explanation) -> int:
    """The place of a layer that is counted from 1."""
    if not 1 <= layer <= len(explanation.layers):
        known = ", ".join(f"{number} ({name})" for number, name in enumerate(explanation.layers, 1))
        raise ConfigError(f"--layer {layer} is not there: give {known}")
    return layer - 1


def show(explanation: Explanation, target: str, say: Screen) -> None:
    """The window, and a table each of memory, observations and covariates."""
    steps, patch = len(explanation.values), explanation.patch_size
    step, seen = explanation.model.frequency.name, int(explanation.observed.sum())
    read = f"{seen:,} values in {steps:,} steps of {step}" + (f", {patch} at a time" if patch > 1 else "")
    say.tell(f"{explanation.series}: {len(explanation.median)} steps forecast from {read}", style="bold")
    say.print(memory_table(explanation))
    if np.isfinite(influence(explanation)).any():
        say.print(lag_table(explanation))
    else:
        say.tell("all values of the window are equal: the forecast has no derivative there", style="dim")
    if explanation.withheld:
        say.print(covariate_table(explanation, target))


def memory_table(explanation: Explanation) -> Table:
    """The slowest and the fastest units of each layer."""
    table = Table(title="memory length in steps: how long units remember", title_justify="left", **LOOK)
    table.add_column("units of")
    for name in ("slowest", "median", "fastest"):
        table.add_column(name, justify="right")
    window = len(explanation.values)
    for name, lengths in zip(explanation.layers, explanation.memory_length, strict=True):
        ordered = np.sort(lengths)[::-1]
        parts = ordered[:ENDS], [np.median(ordered)], ordered[-ENDS:]
        table.add_row(name, *(", ".join(bounded(length, window) for length in part) for part in parts))
    return table


def bounded(length: float, window: int) -> str:
    """A memory length, of which a window shows no more than itself.

    >>> bounded(45.2, 336), bounded(53112.0, 336)
    ('45', '>336')
    """
    return f"{length:,.0f}" if length <= window else f">{window:,}"


def lag_table(explanation: Explanation) -> Table:
    """The observations that the forecast responds to most."""
    table = Table(title="observations that matter most", title_justify="left", **LOOK)
    table.add_column("lag", justify="right")
    table.add_column("time", no_wrap=True)
    for name in ("value", "mean change", "most at step", "there"):
        table.add_column(name, justify="right")
    for row in lags(explanation):
        mean, there = f"{row['change']:.3f}", f"{row['largest']:+.3f}"
        table.add_row(f"{row['lag']:,}", row["ds"], f"{row['y']:,g}", mean, f"{row['step']}", there)
    table.caption = "change of the median per unit of the value, over the steps; lag 1 is the last step"
    return table


def covariate_table(explanation: Explanation, target: str) -> Table:
    """The covariates without which the forecast changes most."""
    table = Table(title="covariates that matter most", title_justify="left", **LOOK)
    table.add_column("covariate")
    for name in ("mean change", "most at step", "there"):
        table.add_column(name, justify="right")
    worth = covariates(explanation)
    places = max(decimals([row["change"] for row in worth]), 0)
    for row in worth[:MOST_COLUMNS]:
        mean, there = f"{row['change']:,.{places}f}", f"{row['largest']:+,.{places}f}"
        table.add_row(row["name"], mean, f"{row['step']}", there)
    table.caption = f"what each adds to the median, in the unit of {target}: the median less that without it"
    return table


def influence(explanation: Explanation) -> Any:
    """Mean size of the derivatives by each value, (T,)."""
    return np.abs(explanation.sensitivity).mean(axis=0)


def lags(explanation: Explanation) -> list[dict[str, Any]]:
    """The observations that the forecast responds to most, the largest first."""
    size, slopes = influence(explanation), explanation.sensitivity
    places = [place for place in np.argsort(-np.nan_to_num(size))[:MOST_LAGS] if np.isfinite(size[place])]
    return [
        {
            "lag": len(size) - int(place),
            "ds": show_local(explanation.times[place], explanation.zone).removesuffix(":00"),
            "y": float(explanation.values[place]),
            "change": float(size[place]),
        }
        | largest(slopes[:, place])
        for place in places
    ]


def covariates(explanation: Explanation) -> list[dict[str, Any]]:
    """The covariates by what the forecast changes without them, the largest first."""
    rows = [
        {"name": name, "change": float(np.abs(change).mean())} | largest(change)
        for name, change in explanation.withheld.items()
    ]
    return sorted(rows, key=lambda row: -row["change"])


def largest(changes: Any) -> dict[str, Any]:
    """The step whose change is the largest, and that change."""
    step = int(np.abs(changes).argmax())
    return {"step": step + 1, "largest": float(changes[step])}


def as_record(explanation: Explanation) -> dict[str, Any]:
    """The tables as JSON has them."""
    units = zip(explanation.layers, explanation.memory_length, strict=True)
    return {
        "series": explanation.series,
        "memory_length": {name: np.sort(lengths)[::-1].tolist() for name, lengths in units},
        "lags": lags(explanation),
        "covariates": covariates(explanation),
    }
