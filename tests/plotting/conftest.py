import numpy as np
import pytest

from grucast import GRUForecaster
from grucast.forecasting.backtest import backtest
from tests.conftest import TINY


@pytest.fixture
def result(hourly):
    return backtest(GRUForecaster(6, 48, 24, **TINY), hourly, n_windows=2)


@pytest.fixture
def drawn(monkeypatch):
    """The axes of each figure, looked at before it is written."""
    from matplotlib.figure import Figure

    seen = []
    save = Figure.savefig

    def look(figure, *args, **named):
        seen.append(figure.axes)
        save(figure, *args, **named)

    monkeypatch.setattr(Figure, "savefig", look)
    return seen


def lines(axes):
    """The lines of some axes by their labels, as numbers."""
    found = {}
    for line in axes.get_lines():
        found.setdefault(line.get_label(), (np.asarray(line.get_xdata()), np.asarray(line.get_ydata(), float)))
    return found
