"""How wide intervals must be: what forecasts of held-out windows tell, and how little there was to learn from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grucast.model.dependence import partial_correlations
from grucast.model.models import ForecastModel
from grucast.model.outputs.quantiles import normal_quantiles
from grucast.model.values import Values
from grucast.training.members import Batch, Members

Array = NDArray[Any]
PERIODS = 4  # held-out horizons whose verdict counts as much as the trained widths
SINGLE = 10  # so many more of them where they are of one series
LEARNED = 10  # horizons to learn from that halve what is asked for, on a logarithmic scale


@dataclass(frozen=True)
class Calibration:
    """What the widths of a model's intervals are measured by.

    Attributes:
        model: The model.
        known: Windows that are learned from, at last.
        series: Series that they are of.
        horizons: Horizons that their futures span, of all series together.
        held: Windows that have not been learned from when the widths are measured, if there are such.
        periods: Horizons that the futures of those span.
    """

    model: ForecastModel
    known: Batch
    series: int
    horizons: float
    held: Batch | None = None
    periods: float = 0.0

    def __call__(self, members: Members) -> tuple[tuple[float, ...], tuple[float, ...] | None]:
        """The factor of each interval's width, and the dependence between steps, None where nothing tells it.

            factor = f^w c^(1 - w),   w = p / (p + 4 + 10 / series)

        f makes intervals of the held-out windows cover what they should, c corrects for little data, or is the factor
        that the model had when training went on. The errors of all series in one period rise and fall together, so p
        periods are p observations however many series there are, and those of one series tell even less.
        """
        factors = self.model.factors if self.model.weights else self.for_little_data(members)
        if self.held is None or not self.held.weight.any():  # all of them flat
            return factors, None
        forecast = members.predict(self.held.inputs)
        share = self.periods / (self.periods + PERIODS + SINGLE / self.series)
        observations = round(self.periods * self.model.h) * self.series
        measured = self.model.output.factors(forecast, self.held.target, self.held.weight, observations)
        factors = tuple(f**share * c ** (1 - share) for f, c in zip(measured, factors, strict=True))
        return factors, dependence_of(self.model, forecast, factors, self.held, observations)

    def for_little_data(self, members: Members) -> tuple[float, ...]:
        """The factors of intervals that were learned from few horizons n.

            c = max(u t, 1)^(10 / (n + 10))

        A network's errors where it was trained tell little then. So u is the factor that the errors of an untrained one
        ask for, by their central half, which few values tell and no spike changes, and t widens it as Student's
        distribution is wider than the normal one. Without held-out windows, n counts the horizons of one series only:
        all series share their periods, and nothing kept the network from learning those by heart.
        """
        known, output = self.known, self.model.output
        if not known.weight.any():
            return (1.0,) * len(output.level)
        middle, trained = len(output.level), members.predict(known.inputs)
        untrained = Members(self.model.definition, seed=0).predict(known.inputs)
        moved = trained + (untrained - trained)[..., middle, None]
        asked = output.factors(moved, known.target, known.weight, 0) * student(output.level, self.horizons)
        learned = self.horizons / (self.series if self.held is None else 1)
        return tuple((np.maximum(asked, 1) ** (LEARNED / (learned + LEARNED))).tolist())


def dependence_of(
    model: ForecastModel, forecast: Array, factors: tuple[float, ...], held: Batch, observations: int
) -> tuple[float, ...] | None:
    """How the steps of forecasts of held-out windows depend on each other; None where there are no intervals."""
    if not model.level:
        return None
    calibrated = model.output.at(Values({}, model.network), forecast, factors, model.level)
    scores = model.output.scores(calibrated, held.target)
    return partial_correlations(np.where(held.weight > 0, scores, np.nan), observations)


def student(level: tuple[float, ...], freedom: float) -> Array:
    """How much wider intervals of Student's distribution are than the normal one's, as far as two terms tell.

    Source: Cornish and Fisher 1938, Moments and cumulants in the specification of distributions.

    >>> student((80.0, 95.0), 10.0).round(3)
    array([1.071, 1.135])
    """
    z = normal_quantiles(level)
    first, second = z**2 + 1, 5 * z**4 + 16 * z**2 + 3
    return np.asarray(1 + first / (4 * freedom) + second / (96 * freedom**2))
