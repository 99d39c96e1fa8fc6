"""Windows of a panel: places in its one array, copied only when a batch is taken."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grucast.data.panel import Panel


@dataclass(frozen=True)
class Windows:
    """Histories of `input_size` steps, each with the `h` steps that follow it.

    Window i ends its history before `values[ends[i]]`, in a series that begins at `firsts[i]`; what would lie before
    that is not observed.
    """

    values: NDArray[np.float64]
    ends: NDArray[np.int64]
    firsts: NDArray[np.int64]
    input_size: int
    h: int

    def __len__(self) -> int:
        return len(self.ends)

    def take(self, index: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The chosen windows' histories (B, input_size) and futures (B, h)."""
        places = self.ends[index, None] + np.arange(-self.input_size, self.h)
        chosen = np.where(places < self.firsts[index, None], np.nan, self.values[np.maximum(places, 0)])
        return chosen[:, : self.input_size], chosen[:, self.input_size :]


def make_windows(panel: Panel, input_size: int, h: int, held_out: int = 0) -> tuple[Windows, Windows]:
    """Split a panel's windows in time: those to train on, and those whose future is held out.

    A window reaches back `input_size` steps or to the first step of its series, if that is at least half as far, and
    in a short series at least half of the way from its first step to its last horizon. It is used when half of the
    steps it reaches and one of its future are observed.

    Args:
        panel: The series.
        input_size: Steps of history.
        h: Steps of future.
        held_out: Last steps of each series that no training window may see; each held-out window lies with its
            whole future in them.

    Returns:
        The windows to train on, and the held-out ones.
    """
    first, end = (np.repeat(edge, panel.lengths) for edge in (panel.offsets[:-1], panel.offsets[1:]))
    place = np.arange(len(panel.values))
    least = np.maximum(np.minimum(input_size, end - first - h) // 2, 1)
    seen = np.concatenate([[0], np.cumsum(~np.isnan(panel.values))])
    reach = np.minimum(input_size, place - first)
    in_history = seen[place] - seen[place - reach]
    in_future = seen[np.minimum(place + h, end)] - seen[place]
    whole = place + h <= end
    usable = whole & (reach >= least) & (2 * in_history >= reach) & (in_future > 0)

    def chosen(which: NDArray[np.bool_]) -> Windows:
        return Windows(panel.values, place[which], first[which], input_size, h)

    return chosen(usable & (place + h <= end - held_out)), chosen(usable & (place >= end - held_out))
