"""Windows of a panel: places in its one array, copied only when a batch is taken."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.calendar import compute_phases, phases
from grucast.data.encoding import Encoded
from grucast.data.panel import Panel

PLACE_BLOCK = 2**20  # places looked at together, so that memory stays bounded
TABLE = 2**22  # steps whose phases are kept at the most


class Window(NamedTuple):
    """Some windows side by side: y before and after, and the covariates of both or of the series."""

    history: NDArray[np.float64]  # (B, T)
    future: NDArray[np.float64]  # (B, h)
    numbers: NDArray[np.float32]  # (B, T + h, P + F)
    codes: NDArray[np.int32]  # (B, T + h, K)
    static_numbers: NDArray[np.float32]  # (B, columns)
    static_codes: NDArray[np.int32]  # (B, columns)
    phases: NDArray[np.float32]  # (B, T + h, 2 cycles)
    nonnegative: NDArray[np.bool_]  # (B,): no value of its series is negative, from the first to the end of history

    def since(self, first: NDArray[np.int64]) -> "Window":
        """As if the series began at those steps of their histories, (B,)."""
        later = np.arange(self.phases.shape[1]) >= first[:, None]
        return self._replace(
            history=np.where(later[:, : self.history.shape[1]], self.history, np.nan),
            numbers=np.where(later[..., None], self.numbers, np.float32("nan")),
            codes=np.where(later[..., None], self.codes, 0),
        )


@dataclass(frozen=True)
class Windows:
    """Histories of `input_size` steps, each with the `h` steps that follow it.

    Window i ends its history before place `ends[i]` of the panel's array, in series `series[i]`; what would lie before
    that series' first place is not observed.
    """

    panel: Panel
    encoded: Encoded
    ends: NDArray[np.int64]
    series: NDArray[np.int64]
    input_size: int
    h: int

    def __len__(self) -> int:
        return len(self.ends)

    def take(self, index: NDArray[np.int64]) -> Window:
        """The chosen windows, copied."""
        series = self.series[index]
        positions = (self.ends[index] - self.panel.offsets[series])[:, None] + np.arange(-self.input_size, self.h)
        places = np.maximum(positions + self.panel.offsets[series, None], 0)  # (B, T + h)
        outside = positions < 0
        y = np.where(outside, np.nan, self.panel.values[places])
        return Window(
            y[:, : self.input_size],
            y[:, self.input_size :],
            np.where(outside[..., None], np.float32("nan"), self.encoded.numbers[places]),
            np.where(outside[..., None], 0, self.encoded.codes[places]),
            self.encoded.static_numbers[series],
            self.encoded.static_codes[series],
            self.phases(series, positions),
            self.nonnegative[index],
        )

    def weights(self, index: NDArray[np.int64]) -> NDArray[np.float32]:
        """What each step of the chosen windows' futures counts in training, (B, h), or 1 for all."""
        if self.panel.weights is None:
            return np.ones((1, 1), np.float32)
        return np.asarray(self.panel.weights[self.ends[index, None] + np.arange(self.h)], np.float32)

    def phases(self, series: NDArray[np.int64], positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Phases of the calendar at steps (B, T) of some series, (B, T, 2 C)."""
        if self.phase_table is None:
            return phases(self.panel.frequency, self.panel.starts[series], self.encoded.cycles, positions)
        start, table = self.phase_table
        return np.asarray(table[start[series, None], positions + self.input_size])

    @cached_property
    def phase_table(self) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
        """Which start each series has, and the phases of all steps that windows reach from each start.

        None where the windows overlap too little to make it worth its time, or it would take too much memory.
        """
        reach = np.arange(-self.input_size, int(self.panel.lengths.max()) + self.h)
        most = min(TABLE, len(self) * (self.input_size + self.h) // 2)
        if len(reach) > most:
            return None
        starts, start = np.unique(self.panel.starts, return_inverse=True)
        if len(starts) * len(reach) > most:
            return None
        steps = np.broadcast_to(reach, (len(starts), len(reach)))
        return start, compute_phases(self.panel.frequency, starts, self.encoded.cycles, steps)

    @cached_property
    def nonnegative(self) -> NDArray[np.bool_]:
        """Which windows end before their series' first negative value, (N,)."""
        negative = np.append(np.flatnonzero(self.panel.values < 0), len(self.panel.values))
        return negative[np.searchsorted(negative, self.panel.offsets[self.series])] >= self.ends

    def split(self, held_out: int) -> tuple["Windows", "Windows"]:
        """Those that see nothing of their series' last `held_out` steps, and those whose whole future lies in them."""
        left = self.panel.offsets[self.series + 1] - self.ends  # steps after each history
        return self._chosen(left >= held_out + self.h), self._chosen(left <= held_out)

    def of_series(self, which: NDArray[np.bool_]) -> "Windows":
        """Those of the series that are chosen, (S,)."""
        return self._chosen(which[self.series])

    def _chosen(self, which: NDArray[np.bool_]) -> "Windows":
        return replace(self, ends=self.ends[which], series=self.series[which])


def last_windows(panel: Panel, encoded: Encoded, input_size: int, h: int, drop: int = 0) -> Windows:
    """Each series' window that ends `drop` steps before its end."""
    return Windows(panel, encoded, panel.offsets[1:] - drop, np.arange(len(panel)), input_size, h)


def make_windows(panel: Panel, encoded: Encoded, input_size: int, h: int) -> Windows:
    """All windows of a panel to learn from.

    A window reaches back `input_size` steps or to the first step of its series, if that is at least half as far, and
    in a short series at least half of the way from its first step to its last horizon. It is used when half of the
    steps it reaches and one of its future are observed, and that one counts in training.

    Args:
        panel: The series.
        encoded: Their covariates.
        input_size: Steps of history.
        h: Steps of future.
    """
    observed = ~np.isnan(panel.values)
    seen = np.concatenate([[0], np.cumsum(observed)])  # values observed before each place
    counted = seen if panel.weights is None else np.concatenate([[0], np.cumsum(observed & (panel.weights > 0))])

    def usable(place: NDArray[np.int64], series: NDArray[np.int64]) -> NDArray[np.bool_]:
        first, end = panel.offsets[series], panel.offsets[series + 1]
        least = np.maximum(np.minimum(input_size, end - first - h) // 2, 1)
        reach = np.minimum(input_size, place - first)
        in_history = seen[place] - seen[place - reach]
        in_future = counted[np.minimum(place + h, end)] - counted[place]
        whole = place + h <= end
        return np.asarray(whole & (reach >= least) & (2 * in_history >= reach) & (in_future > 0))

    ends: list[NDArray[np.int64]] = []
    owners: list[NDArray[np.int64]] = []
    for start in range(0, len(panel.values), PLACE_BLOCK):
        place = np.arange(start, min(start + PLACE_BLOCK, len(panel.values)))
        series = np.searchsorted(panel.offsets, place, side="right") - 1
        which = usable(place, series)
        ends.append(place[which])
        owners.append(series[which])
    return Windows(panel, encoded, np.concatenate(ends), np.concatenate(owners), input_size, h)
