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
