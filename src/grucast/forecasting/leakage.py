"""Show that no forecast depends on what comes after its cutoff."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from grucast.data.covariates import Covariate, Covariates
from grucast.data.kinds import read_covariate
from grucast.data.panel import NONE
from grucast.data.sources import read
from grucast.data.stamps import to_times
from grucast.data.table import factorize
from grucast.data.wording import show

Array = NDArray[Any]
Key = tuple[Any, Any, Any]  # series, time stamp, cutoff


class CrossValidated(Protocol):
    """What forecasts the past; `GRUForecaster` is one."""

    def cross_validation(self, df: Any, n_windows: int, step_size: int | None, refit: bool) -> Any:
        """A frame: unique_id, ds, cutoff, y and a column for each forecast."""


@dataclass(frozen=True)
class Difference:
    """The largest change of a forecast that a change of its future caused, in the unit of y."""

    perturbation: str
    unique_id: Any
    cutoff: str
    column: str
    size: float


@dataclass(frozen=True)
class LeakageReport:
    """What was changed and what followed.

    Attributes:
        cutoffs: Number of cutoffs of each series.
        perturbations: What was done to all that comes after one.
        compared: Forecast values compared, bit for bit.
        differences: The largest of each perturbation and cutoff that had any.
    """

    cutoffs: int
    perturbations: tuple[str, ...]
    compared: int
    differences: tuple[Difference, ...]

    @property
    def leaks(self) -> bool:
        """Whether any forecast changed."""
        return bool(self.differences)

    @property
    def largest(self) -> float:
        """The largest change of a forecast, in the unit of y."""
        return max((difference.size for difference in self.differences), default=0.0)

    def __str__(self) -> str:
        if not self.leaks:
            return f"no leak: {self.compared:,} forecasts are the same bits whatever comes after their cutoff"
        worst = max(self.differences, key=lambda difference: difference.size)
        return (
            f"leak: with the values after {worst.cutoff} {worst.perturbation}, {worst.column} of series "
            f"{worst.unique_id!r} from that cutoff changes by {worst.size:g}"
        )


def leakage_check(
    forecaster: CrossValidated,
    df: Any,
    n_windows: int = 2,
    step_size: int | None = None,
    refit: bool = False,
    seed: int = 1,
) -> LeakageReport:
    """Forecast the past with the data as they are, and again with y and past covariates changed after each cutoff.

    Forecasts from that cutoff and those before must be the same bits. Numbers are scaled, shifted, replaced by noise,
    partly made missing, and some rows removed; categories are redrawn from their column. Each takes a
    cross-validation, so give few training steps. Future covariates stay: with any, rows lose y but are not removed.

    Args:
        forecaster: Anything with `cross_validation(df, n_windows, step_size, refit)`, the same bits each time; its
            `covariates`, if it has any, say which columns are past and future ones.
        df: Anything that `grucast.read` takes.
        n_windows: Cutoffs.
        step_size: Steps between them; h when None.
        refit: Train again at each.
        seed: Seed of the noise.

    Raises:
        DataError: The data cannot be used or are too short.

    >>> from grucast import GRUForecaster, TrainingConfig
    >>> from grucast.data import example
    >>> from grucast.forecasting import leakage_check
    >>> forecaster = GRUForecaster(h=24, input_size=48, training=TrainingConfig(max_steps=1))
    >>> print(leakage_check(forecaster, example().tail(400), n_windows=1))
    no leak: 856 forecasts are the same bits whatever comes after their cutoff
    """
    frame = nw.from_native(read(df), eager_only=True)
    covariates = getattr(forecaster, "covariates", NONE)
    settings: Any = {"n_windows": n_windows, "step_size": step_size, "refit": refit}
    before = forecasts(forecaster.cross_validation(frame.to_native(), **settings))
    compared, found = 0, []
    for number in range(n_windows):
        cutoffs = nth_cutoffs(before, number)
        for name, perturb in PERTURBATIONS.items():
            changed = change_after(frame, covariates, cutoffs, perturb, np.random.default_rng(seed))
            after = forecasts(forecaster.cross_validation(changed.to_native(), **settings))
            common = [key for key in before if key in after and key[2] <= cutoffs[key[0]]]
            compared += len(common) * len(next(iter(before.values())))
            worst = largest_difference(name, {key: (before[key], after[key]) for key in common})
            found += [worst] if worst else []
    return LeakageReport(n_windows, tuple(PERTURBATIONS), compared, tuple(found))


def forecasts(native: Any) -> dict[Key, dict[str, float]]:
    """The forecasts of a cross-validation by series, time stamp and cutoff."""
    frame = nw.from_native(native, eager_only=True)
    keys = zip(frame["unique_id"].to_list(), to_times(frame["ds"]), to_times(frame["cutoff"]), strict=True)
    values = frame.drop("unique_id", "ds", "cutoff", "y").iter_rows(named=True)
    return dict(zip(keys, values, strict=True))


def nth_cutoffs(found: dict[Key, dict[str, float]], number: int) -> dict[Any, Any]:
    """That cutoff of each series, counted from the earliest."""
    cutoffs: dict[Any, set[Any]] = {}
    for name, _, cutoff in found:
        cutoffs.setdefault(name, set()).add(cutoff)
    return {name: sorted(own)[min(number, len(own) - 1)] for name, own in cutoffs.items()}


def change_after(
    frame: nw.DataFrame[Any],
    covariates: Covariates,
    cutoffs: dict[Any, Any],
    perturb: "Perturbation",
    rng: np.random.Generator,
) -> nw.DataFrame[Any]:
    """The frame with y and past covariates changed in the rows after each series' cutoff."""
    codes, ids = factorize(frame["unique_id"])
    times = to_times(frame["ds"])
    late = times > np.array([cutoffs.get(name, times.max()) for name in ids])[codes]
    places = np.flatnonzero(late)
    places = places[np.lexsort((times[places], codes[places]))]
    y = frame["y"].to_numpy().astype(np.float64)
    y[places], kept = perturb(y[places], codes[places], deviation(y), rng)
    if covariates.future:  # a row that goes would take what is known in advance with it
        y[places[~kept]], kept = np.nan, every(places)
    lists = {name: changed(read_covariate(frame, name), places, codes, perturb, rng) for name in covariates.past}
    series = [nw.new_series(name, values, backend=frame.implementation) for name, values in lists.items()]
    frame = frame.with_columns(nw.new_series("y", y, nw.Float64, backend=frame.implementation), *series)
    rows = np.ones(len(y), bool)
    rows[places] = kept
    return frame.filter(rows.tolist())


def changed(
    covariate: Covariate, places: Array, codes: Array, perturb: "Perturbation", rng: np.random.Generator
) -> list[Any]:
    """A column with those places changed: numbers as y, categories to others of the column."""
    values, categories = covariate.values.copy(), covariate.categories
    if categories is None:
        values[places] = perturb(values[places], codes[places], deviation(values), rng)[0]
        return list(values)
    number = len(categories)
    values[places] = (np.nan_to_num(values[places]) + rng.integers(1, max(number, 2), len(places))) % number
    return [None if np.isnan(code) else categories[int(code)] for code in values]


def deviation(values: Array) -> float:
    """Standard deviation of what is there; 1 if that is 0."""
    known = values[~np.isnan(values)]
    return float(known.std() if known.size else 0) or 1.0


def largest_difference(perturbation: str, pairs: dict[Key, tuple[dict[str, float], ...]]) -> Difference | None:
    """The forecast that changed most, if any did by as much as a bit."""
    worst: Difference | None = None
    for (name, _, cutoff), (before, after) in pairs.items():
        for column, value in before.items():
            if np.float64(value).tobytes() == np.float64(after[column]).tobytes():
                continue
            size = abs(value - after[column])
            if worst is None or size > worst.size:
                worst = Difference(perturbation, name, show(cutoff), column, size)
    return worst


# Each takes the late values in order of time, their series, the scale of y and a generator; it gives the new values and
# which rows stay.
Perturbation = Callable[[Array, Array, float, np.random.Generator], tuple[Array, Array]]


def removed(codes: Array) -> Array:
    """One row in the middle of each series' late ones goes; its last stays, so that the cutoffs do."""
    first = np.flatnonzero(np.diff(codes, prepend=-1))
    size = np.diff(np.append(first, len(codes)))
    gone = (first + (size - 1) // 2)[size > 1]
    kept: Array = ~np.isin(np.arange(len(codes)), gone)
    return kept


def every(codes: Array) -> Array:
    """All rows stay."""
    return np.ones(len(codes), bool)


PERTURBATIONS: dict[str, Perturbation] = {
    "scaled": lambda y, codes, scale, rng: (10 * y, every(codes)),  # noqa: ARG005
    "shifted": lambda y, codes, scale, rng: (y + 10 * scale, every(codes)),  # noqa: ARG005
    "replaced by noise": lambda y, codes, scale, rng: (scale * rng.normal(size=len(y)), every(codes)),
    "partly missing": lambda y, codes, scale, rng: (np.where(np.arange(len(y)) % 2, y, np.nan), every(codes)),  # noqa: ARG005
    "partly removed": lambda y, codes, scale, rng: (-y, removed(codes)),  # noqa: ARG005
}
