"""Windows of a panel: places in its one array, copied only when a batch is taken."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grucast.data.encoding import Encoded
from grucast.data.panel import Panel


class Window(NamedTuple):
    """Some windows side by side: y before and after, and the covariates of both or of the series."""

    history: NDArray[np.float64]  # (B, T)
    future: NDArray[np.float64]  # (B, h)
    covariates: Encoded  # (B, T + h, ...) and (B, ...)


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
        places = self.ends[index, None] + np.arange(-self.input_size, self.h)  # (B, T + h)
        outside = places < self.panel.offsets[series, None]
        places = np.maximum(places, 0)
        y = np.where(outside, np.nan, self.panel.values[places])
        numbers = np.where(outside[..., None], np.float32("nan"), self.encoded.numbers[places])
        codes = np.where(outside[..., None], 0, self.encoded.codes[places])
        static = self.encoded.static_numbers[series], self.encoded.static_codes[series]
        covariates = Encoded(numbers, self.encoded.phases[places], codes, *static)
        return Window(y[:, : self.input_size], y[:, self.input_size :], covariates)


def last_windows(panel: Panel, encoded: Encoded, input_size: int, h: int, drop: int = 0) -> Windows:
    """Each series' window that ends `drop` steps before its end."""
    return Windows(panel, encoded, panel.offsets[1:] - drop, np.arange(len(panel)), input_size, h)


def make_windows(panel: Panel, encoded: Encoded, input_size: int, h: int, held_out: int = 0) -> tuple[Windows, Windows]:
    """Split a panel's windows in time: those to train on, and those whose future is held out.

    A window reaches back `input_size` steps or to the first step of its series, if that is at least half as far, and
    in a short series at least half of the way from its first step to its last horizon. It is used when half of the
    steps it reaches and one of its future are observed.

    Args:
        panel: The series.
        encoded: Their covariates.
        input_size: Steps of history.
        h: Steps of future.
        held_out: Last steps of each series that no training window may see; each held-out window lies with its
            whole future in them.

    Returns:
        The windows to train on, and the held-out ones.
    """
    series = panel.owners
    first, end = panel.offsets[series], panel.offsets[series + 1]
    place = np.arange(len(panel.values))
    least = np.maximum(np.minimum(input_size, end - first - h) // 2, 1)
    seen = np.concatenate([[0], np.cumsum(~np.isnan(panel.values))])
    reach = np.minimum(input_size, place - first)
    in_history = seen[place] - seen[place - reach]
    in_future = seen[np.minimum(place + h, end)] - seen[place]
    whole = place + h <= end
    usable = whole & (reach >= least) & (2 * in_history >= reach) & (in_future > 0)

    def chosen(which: NDArray[np.bool_]) -> Windows:
        return Windows(panel, encoded, place[which], series[which], input_size, h)

    return chosen(usable & (place + h <= end - held_out)), chosen(usable & (place >= end - held_out))
