"""Windows of a panel: views of its one array, never copies."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from grucast.data.panel import Panel


@dataclass(frozen=True)
class Windows:
    """Histories of `input_size` steps, each with the `h` steps that follow it.

    `view` holds every run of input_size + h values of the panel without copying one; `starts` lists those that lie
    within one series and show enough to learn from.
    """

    view: NDArray[np.float64]
    starts: NDArray[np.int64]
    input_size: int

    def __len__(self) -> int:
        return len(self.starts)

    def take(self, index: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The chosen windows' histories (B, input_size) and futures (B, h)."""
        chosen = self.view[self.starts[index]]
        return chosen[:, : self.input_size], chosen[:, self.input_size :]


def make_windows(panel: Panel, input_size: int, h: int, held_out: int = 0) -> tuple[Windows, Windows]:
    """Split a panel's windows in time: those to train on, and those whose future is held out.

    A window is used when at least half of its history and one step of its future are observed.

    Args:
        panel: The series.
        input_size: Steps of history.
        h: Steps of future.
        held_out: Last steps of each series that no training window may see; each held-out window lies with its
            whole future in them.

    Returns:
        The windows to train on, and the held-out ones.
    """
    size = input_size + h
    if len(panel.values) < size:
        empty = Windows(np.empty((0, size)), np.empty(0, np.int64), input_size)
        return empty, empty
    view = sliding_window_view(panel.values, size)
    start = np.arange(len(view))
    end_of_series = np.repeat(panel.offsets[1:], panel.lengths)[: len(view)]
    seen = np.concatenate([[0], np.cumsum(~np.isnan(panel.values))])
    in_history, in_future = seen[input_size:][: len(view)] - seen[: len(view)], seen[size:] - seen[input_size:-h]
    usable = (start + size <= end_of_series) & (2 * in_history >= input_size) & (in_future > 0)
    training = usable & (start + size <= end_of_series - held_out)
    testing = usable & (start + input_size >= end_of_series - held_out)
    return Windows(view, start[training], input_size), Windows(view, start[testing], input_size)
