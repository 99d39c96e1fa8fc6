"""What must be known of series to plan their forecaster, in whatever parts they lie."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grucast.data.checks.seasonality import seasons_to_use
from grucast.data.fingerprint import TrainedOn, trained_on
from grucast.data.frequency import Frequency
from grucast.data.panel import Panel


@dataclass(frozen=True)
class Outline:
    """A panel without its values.

    Attributes:
        lengths: Steps of each series, observed or not, (S,).
        frequency: Their step.
        nonnegative: No value is negative.
        seasons: The seasonal periods that a forecaster uses, of parts those of the first.
        trained_on: What a model file tells of them; the fingerprint of several parts is that of theirs.
        zone: As a panel has it.
    """

    lengths: NDArray[np.int64]
    frequency: Frequency
    nonnegative: bool
    seasons: tuple[int, ...]
    trained_on: TrainedOn
    zone: str | None

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def of(cls, panel: Panel) -> "Outline":
        """That of a panel."""
        seasons = seasons_to_use(panel)
        return cls(panel.lengths, panel.frequency, panel.nonnegative, seasons, trained_on(panel), panel.zone)

    @classmethod
    def joined(cls, parts: "Sequence[Outline]") -> "Outline":
        """That of parts that follow each other."""
        if len(parts) == 1:
            return parts[0]
        told = [part.trained_on for part in parts]
        data = TrainedOn(
            sum(own.series for own in told),
            min(own.first_cutoff for own in told),
            max(own.last_cutoff for own in told),
            hashlib.sha256("".join(own.fingerprint for own in told).encode()).hexdigest(),
        )
        lengths = np.concatenate([part.lengths for part in parts])
        nonnegative = all(part.nonnegative for part in parts)
        return cls(lengths, parts[0].frequency, nonnegative, parts[0].seasons, data, parts[0].zone)
