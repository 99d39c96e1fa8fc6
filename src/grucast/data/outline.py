"""What must be known of series to plan their forecaster, in whatever parts they lie."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grucast.data.checks.seasonality import seasons_to_use
from grucast.data.contents import Contents, contents_of
from grucast.data.fingerprint import TrainedOn, series_digests
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
        ends: The earliest and the latest last time stamp, as in `TrainedOn`.
        digests: Those of the series, of which the fingerprint is one.
        zone: As a panel has it.
        contents: What each covariate holds.
    """

    lengths: NDArray[np.int64]
    frequency: Frequency
    nonnegative: bool
    seasons: tuple[int, ...]
    ends: tuple[int, int]
    digests: bytes
    zone: str | None
    contents: Mapping[str, Contents]

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def of(cls, panel: Panel) -> "Outline":
        """That of a panel."""
        last = panel.times(np.zeros(1, np.int64)).astype(np.int64)
        ends, digests = (int(last.min()), int(last.max())), series_digests(panel)
        seasons, contents = seasons_to_use(panel), contents_of(panel)
        return cls(panel.lengths, panel.frequency, panel.nonnegative, seasons, ends, digests, panel.zone, contents)

    @classmethod
    def joined(cls, parts: "Sequence[Outline]") -> "Outline":
        """That of parts that follow each other."""
        first, last = zip(*(part.ends for part in parts), strict=True)
        return replace(
            parts[0],
            lengths=np.concatenate([part.lengths for part in parts]),
            nonnegative=all(part.nonnegative for part in parts),
            ends=(min(first), max(last)),
            digests=b"".join(part.digests for part in parts),
            contents={name: Contents.joined([part.contents[name] for part in parts]) for name in parts[0].contents},
        )

    @property
    def trained_on(self) -> TrainedOn:
        """What a model file tells of them; in whatever parts they lie, the fingerprint is the same."""
        return TrainedOn(len(self), *self.ends, hashlib.sha256(self.digests).hexdigest())
