"""Figures of training, series, forecasts and backtests, drawn with matplotlib and written to a file."""

from grucast.plotting.canvas import PICTURES as PICTURES
from grucast.plotting.canvas import require_matplotlib as require_matplotlib
from grucast.plotting.canvas import require_picture as require_picture
from grucast.plotting.forecasts import plot_backtest as plot_backtest
from grucast.plotting.forecasts import plot_forecast as plot_forecast
from grucast.plotting.forecasts import plot_series as plot_series
from grucast.plotting.lines import choose as choose
from grucast.plotting.textbook import plot_loss as plot_loss
from grucast.plotting.textbook import plot_predictions as plot_predictions
