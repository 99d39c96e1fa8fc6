"""Forecasts that follow observations on standard input."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import numpy as np
import typer

from grucast import load
from grucast.cli.common import Model, command
from grucast.cli.output import ANY, require_outputs
from grucast.cli.signals import ending
from grucast.data.depth import DEEPEST, is_deep
from grucast.data.raw.content import standard_input
from grucast.errors import ConfigError, DataError, GrucastError
from grucast.forecasting.tables import short_digits
from grucast.model.header import distinct

Update = Callable[[dict[str, Any], Any], dict[str, Any] | None]  # row, coming values: the forecast
LONGEST_LINE = 2**20  # bytes of a line


@command("tail -f observations.jsonl | grucast stream model.safetensors --state state.safetensors")
def stream(
    model: Model,
    state: Annotated[
        str | None,
        typer.Option(help="File of what is remembered: read if it is there, written at the end or at a signal."),
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="Database where each row is written before its answer: sqlite:///streams.db or postgresql://...",
            envvar="GRUCAST_STORE",
        ),
    ] = None,
) -> None:
    """Forecast after each observation: a JSON object a line in, a JSON object a line out.

    In: {"unique_id": "a", "ds": "2024-01-31 13:00", "y": 1.5}, with the model's covariates, and the coming values of
    those known in advance as "future": {"price": [...]}. A missing y is null.

    Out: unique_id, and h values each of ds, GRU and the intervals; or {"line": 3, "error": "..."} for a line that
    cannot be used, and on it goes. With --store also "alarm": {"y", "lo", "hi"} where y left the widest interval that
    was forecast for it.
    """
    if store is not None:
        follow_store(model, state, store)
        return
    require_outputs({"MODEL": model, "standard input": "-"}, {"--state": (state, ANY)})
    live, source = load(model).stream(), standard_input()
    if state and Path(state).is_file():
        live.load(state)
    try:
        follow(source, live.update, live.model.input_size)
    finally:
        if state:
            with ending.shield():
                live.save(state)


def follow_store(model: str, state: str | None, url: str) -> None:
    """Answer lines from a store, and into it."""
    from grucast.store import StoredStream, open_store

    if state:
        raise ConfigError("--state and --store are two places for the same: give one of them")
    require_outputs({"MODEL": model, "standard input": "-"}, {})
    trained, kept = load(model).model_, open_store(url)
    live = StoredStream(trained, kept)

    def update(row: dict[str, Any], future: Any) -> dict[str, Any] | None:
        forecast, alarm = live.update(row, future)
        told = {"alarm": {"y": alarm.y, "lo": alarm.lo, "hi": alarm.hi}} if alarm else {}
        return None if forecast is None else {**forecast, **told}

    try:
        follow(standard_input(), update, trained.input_size)
    finally:
        kept.close()


def follow(source: BinaryIO, update: Update, size: int) -> None:
    """Answer each line until there are no more, or no one reads the answers."""
    try:
        for number, line in lines(source):
            with ending.shield():
                said = answer(update, size, number, line)
            print(json.dumps(said, allow_nan=False), flush=True)
    except OSError as error:
        raise DataError(f"standard input cannot be read: {error.strerror or error}") from error
    except GrucastError as error:
        if not isinstance(error.__cause__, BrokenPipeError):  # no one reads any more
            raise


def lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Lines that are not empty, with their numbers; None for one that is too long to be read."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        whole = len(line) < LONGEST_LINE or line.endswith(b"\n")
        while not line.endswith(b"\n") and (line_rest := file.readline(LONGEST_LINE)):
            line = line_rest
        yield number, line if whole else None


def answer(update: Update, size: int, number: int, line: bytes | None) -> dict[str, Any]:
    """The forecast after the observation on a line, or why there is none."""
    try:
        row = parse(line)
        future = row.pop("future", None)
        forecast = update(row, future)
    except DataError as error:
        return {"line": number, "error": str(error)}
    if forecast is None:
        return {"line": number, "error": f"no y in the last {size} steps to forecast from"}
    alarm = {"alarm": forecast.pop("alarm")} if "alarm" in forecast else {}
    name, times, *quantiles = forecast.values()
    digits = short_digits(np.stack(quantiles, axis=1)).T.tolist()
    return dict(zip(forecast, [name, plain(times), *digits], strict=True)) | alarm


def parse(line: bytes | None) -> dict[str, Any]:
    """One JSON object."""
    if line is None:
        raise DataError(f"the line is longer than {LONGEST_LINE:,} bytes")
    if is_deep(line):
        raise DataError(f"the line is not JSON of a row: more than {DEEPEST} brackets are within each other")
    try:
        row = json.loads(line, parse_constant=refuse_constant, object_pairs_hook=distinct)
    except ValueError as error:
        raise DataError(f"the line is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise DataError('the line is not a JSON object such as {"unique_id": "a", "ds": "2024-01-31", "y": 1.5}')
    return row


def refuse_constant(name: str) -> Any:
    """NaN and Infinity are not JSON."""
    raise ValueError(f"{name}; write null for a missing value")


def plain(values: Any) -> list[Any]:
    """An array as JSON has it; time stamps as text."""
    if values.dtype.kind != "M":
        return list(values.tolist())
    return [time.isoformat(sep=" ") for time in values.tolist()]
