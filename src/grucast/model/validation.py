"""What settings in a model file may be: names, types, bounds; docs/reference/model-file.md says the same in words."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields
from itertools import pairwise
from reprlib import repr as brief
from typing import Any, get_args

from grucast.data.calendar import CYCLES
from grucast.data.covariates import COUNTRY, Column, Role, Unknown
from grucast.data.encoding import Schema
from grucast.data.fingerprint import TrainedOn
from grucast.data.frequency import Frequency
from grucast.data.holidays import Holidays, lies_on_days
from grucast.data.reading.options import Aggregate, ReadOptions
from grucast.model.config import NetworkConfig, TrainingConfig, is_number
from grucast.model.dependence import CLOSEST, MOST_LAGS
from grucast.model.limits import require_affordable
from grucast.model.models import ClassificationModel, ForecastModel, Label, RegressionModel

Read = Callable[[Any], Any]  # JSON's value to ours; ValueError " must be ..." where it may not be
DAY = 86400 * 10**6  # microseconds
LARGEST_STEP = {
    "integer": 2**62,
    "duration": 2**56,
    "month": 1200,
    "business": 1,
    "business_month": 1200,
    "half_month": 1,
    "week": DAY,
}
ZONE = r"|(UTC)?[+-]\d\d:\d\d(:\d\d)?|[A-Za-z][\w+-]{0,31}(/[A-Za-z][\w+-]{0,31}){0,3}"


def refuse(wanted: str, value: Any) -> ValueError:
    """The error of a value, to be put after the value's name."""
    return ValueError(f" must be {wanted}, not {brief(value)}")


def whole(lowest: int, highest: int) -> Read:
    """A whole number within bounds."""

    def read(value: Any) -> int:
        if not (is_number(value, int) and lowest <= value <= highest):
            raise refuse(f"a whole number from {lowest} to {highest}", value)
        return int(value)

    return read


def number(lowest: float, highest: float) -> Read:
    """A number within bounds."""

    def read(value: Any) -> float:
        if not (is_number(value) and lowest <= value <= highest):
            raise refuse(f"a number from {lowest:g} to {highest:g}", value)
        return float(value)

    return read


def truth(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise refuse("true or false", value)
    return value


def one_of(*names: str) -> Read:
    """One of some words."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise refuse(f"one of {', '.join(names)}", value)
        return value

    return read


def text(form: str = ".*") -> Read:
    """Text that can be written as UTF-8, of a form."""
    pattern = re.compile(form, re.ASCII | re.DOTALL)

    def read(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise refuse(f"text of the form {form}", value)
        value.encode()  # UnicodeEncodeError, a ValueError, where it holds half a character
        return value

    return read


def many(each: Read, most: int, least: int = 0) -> Read:
    """A list, as a tuple."""

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise refuse(f"a list of {least} to {most}", value)
        return tuple(map(each, value))

    return read


def distinct(each: Read, most: int, least: int = 0) -> Read:
    """A list of which no two are the same."""

    def read(value: Any) -> tuple[Any, ...]:
        values: tuple[Any, ...] = many(each, most, least)(value)
        if len(set(values)) < len(values):
            raise refuse("without repetition", value)
        return values

    return read


def nullable(read: Read) -> Read:
    """Null, or something."""
    return lambda value: None if value is None else read(value)


def record(make: Callable[..., Any], fields: Mapping[str, Read], optional: Collection[str] = ()) -> Read:
    """An object with exactly those members, save that the optional ones may be absent."""

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise refuse("an object", value)
        unknown, missing = value.keys() - fields.keys(), fields.keys() - value.keys() - set(optional)
        if unknown or missing:
            raise ValueError(f" has no member {brief(min(missing))}" if missing else f" has {brief(min(unknown))} too")
        return make(**{name: member(fields[name], name, value[name]) for name in value})

    return read


def member(read: Read, name: str, value: Any) -> Any:
    """A member of an object, whose name its errors bear."""
    try:
        return read(value)
    except ValueError as error:
        said = str(error)
        raise ValueError(f".{name}{said if said[:1] in ' .' else f': {said}'}") from error


def checked(make: Callable[..., Any], names: Iterable[str], optional: tuple[str, ...] = ()) -> Read:
    """An object of a class that checks its own members."""
    return record(make, dict.fromkeys(names, lambda value: value), optional)


def frequency(kind: str, step: int, **others: Any) -> Frequency:
    """A step that can be counted with."""
    if step > LARGEST_STEP[kind]:
        raise ValueError(f"step must be at most {LARGEST_STEP[kind]} for {kind}, not {step}")
    made = Frequency(kind, step, **others)  # type: ignore[arg-type]
    if kind == "week":
        require_week(step, made.open)
    elif made.open:
        raise ValueError(f"open must be empty for {kind}, not {brief(made.open)}")
    return made


def require_week(step: int, edges: tuple[int, ...]) -> None:
    """Times of opening and closing between which there are whole steps of a week."""
    if DAY % step or step % 10**6:
        raise ValueError(f"step must be whole seconds that divide a day, not {step}")
    places = [edge * 10**6 // step for edge in edges]
    if not edges or len(edges) % 2 or not ascending(tuple(places)) or places[-1] > 7 * DAY // step:
        raise ValueError(f"open must be ascending pairs with a step between them, not {brief(edges)}")


def schema(columns: tuple[Column, ...], cycles: Any, unknown: Any, holidays: Holidays | None = None) -> Schema:
    """Columns in the order of their roles, each named once; the declaration they come from checks the names."""
    places = [get_args(Role).index(column.role) for column in columns]
    if places != sorted(places):
        raise ValueError("columns must be past, then future, then static ones")
    made = Schema(columns, cycles, unknown, holidays)
    _ = made.covariates
    return made


def forecaster(**settings: Any) -> ForecastModel:
    """A forecaster without weights, whose settings fit each other."""
    factors = settings.pop("widths", (1.0,) * len(settings["level"]))  # grucast 0.1 had no calibration
    model = ForecastModel(**settings, factors=factors, weights={})
    if not ascending(model.seasons) or model.seasons[-1] > model.input_size:
        raise ValueError(f"seasons must ascend and be at most input_size, not {brief(model.seasons)}")
    if model.input_size % model.definition.patch_size:
        raise ValueError(f"input_size must be a multiple of patch_size {model.definition.patch_size}")
    if not ascending(model.level):
        raise ValueError(f"level must ascend, not {brief(model.level)}")
    if len(factors) != len(model.level):
        raise ValueError(f"widths must be one for each of {len(model.level)} levels, not {len(factors)}")
    if len(model.dependence or ()) >= model.h:
        raise ValueError(f"dependence must be of fewer steps than h, not {len(model.dependence or ())}")
    if model.schema.cycles and model.frequency.kind == "integer":
        raise ValueError("cycles of the calendar need time stamps, not integers")
    if model.schema.holidays and not lies_on_days(model.frequency):
        raise ValueError(f"holidays need steps of a day or less, not {model.frequency.name}")
    require_affordable(model)
    return model


def regressor(**settings: Any) -> RegressionModel:
    """A regressor without weights."""
    model = RegressionModel(**settings, weights={})
    if model.flat and model.outputs > 1:
        raise ValueError(f"flat needs one output, not {model.outputs}")
    require_affordable(model)
    return model


def classifier(**settings: Any) -> ClassificationModel:
    """A classifier without weights."""
    model = ClassificationModel(**settings, weights={})
    if len(model.scale) != model.features:
        raise ValueError(f"scale must be one for each of {model.features} features, not {brief(model.scale)}")
    if len(set(map(type, model.classes))) > 1 or sorted(model.classes) != list(model.classes):
        raise ValueError(f"classes must be of one type and ascend, not {brief(model.classes)}")
    require_affordable(model)
    return model


def label(value: Any) -> Label:
    """The name of a class: text, a number or a truth value."""
    if isinstance(value, str):
        return str(text()(value))
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(whole(-(2**63), 2**63 - 1)(value))
    return float(number(-1e308, 1e308)(value))


def ascending(values: tuple[float, ...]) -> bool:
    """Whether each is larger than the one before."""
    return all(left < right for left, right in pairwise(values))


CENTRE, SCALE = number(-1e30, 1e30), number(1e-300, 1e30)
DEPENDENCE = many(number(-CLOSEST, CLOSEST), MOST_LAGS)
STAMP = whole(-(2**63), 2**63 - 1)
NETWORK = checked(NetworkConfig, NetworkConfig.__slots__, optional=("patch_size",))
STEP_BY_STEP = checked(NetworkConfig, set(NetworkConfig.__slots__) - {"patch_size"})
TRAINING = checked(TrainingConfig, TrainingConfig.__slots__)
COLUMN = record(
    Column,
    {
        "name": text(),
        "role": one_of(*get_args(Role)),
        "centre": CENTRE,
        "scale": SCALE,
        "categories": nullable(distinct(text(), 2**18)),
    },
)
SCHEMA = record(
    schema,
    {
        "columns": many(COLUMN, 1000),
        "cycles": distinct(one_of(*CYCLES), 3),
        "unknown": one_of(*get_args(Unknown)),
        "holidays": record(Holidays, {"code": text(COUNTRY), "zone": text(ZONE)}),
    },
    optional=("holidays",),
)
FREQUENCY = record(
    frequency,
    {
        "kind": one_of(*LARGEST_STEP),
        "step": whole(1, 2**62),
        "month_end": truth,
        "day": whole(0, 31),
        "zone": text(ZONE),
        "open": many(whole(0, 2 * 7 * 86400), 2 * 7 * 1440),
    },
    optional=("day", "zone", "open"),
)
TRAINED_ON = record(
    TrainedOn,
    {
        "series": whole(1, 2**62),
        "first_cutoff": STAMP,
        "last_cutoff": STAMP,
        "fingerprint": text("[0-9a-f]{64}"),
    },
)
NAMES = many(text(), 100)
READING = record(
    ReadOptions,
    {
        "id_col": NAMES,
        "time_col": NAMES,
        "target_col": text(),
        "freq": text(),
        "time_format": text(),
        "time_zone": text(ZONE),
        "decimal": one_of(".", ","),
        "missing": NAMES,
        "skip_rows": whole(0, 10**9),
        "aggregate": one_of(*get_args(Aggregate)),
        "fill": number(-1e100, 1e100),
        "sheet": text(),
        "wide": truth,
        "query": text(),
    },
    optional=tuple(field.name for field in fields(ReadOptions)),
)
SETTINGS: dict[str, Read] = {
    "forecaster": record(
        forecaster,
        {
            "h": whole(1, 10**6),
            "input_size": whole(1, 10**6),
            "seasons": many(whole(1, 10**6), 100, least=1),
            "level": many(number(1e-6, 99.999999), 1000),
            "frequency": FREQUENCY,
            "nonnegative": truth,
            "widths": many(number(0, 1e30), 1000),
            "network": NETWORK,
            "schema": SCHEMA,
            "members": whole(1, 64),
            "smoothed": truth,
            "training": nullable(TRAINING),
            "trained_on": nullable(TRAINED_ON),
            "reading": READING,
            "dependence": DEPENDENCE,
        },
        optional=("widths", "schema", "members", "smoothed", "training", "trained_on", "reading", "dependence"),
    ),
    "regressor": record(
        regressor,
        {
            "features": whole(1, 10**6),
            "outputs": whole(1, 10**6),
            "network": STEP_BY_STEP,
            "flat": truth,
            "per_step": truth,
            "training": nullable(TRAINING),
        },
        optional=("flat", "per_step", "training"),
    ),
    "classifier": record(
        classifier,
        {
            "centre": many(CENTRE, 10**4, least=1),
            "scale": many(SCALE, 10**4, least=1),
            "classes": distinct(label, 10**4, least=2),
            "network": STEP_BY_STEP,
            "training": nullable(TRAINING),
        },
        optional=("training",),
    ),
}
