"""Figures of training, series, forecasts, backtests and explanations: drawn with matplotlib, returned, never shown.

Each function returns its matplotlib figure, writes it where a path is given, and draws in `ax` where it has one.
"""

from grucast.plotting.backtests import plot_backtest as plot_backtest
from grucast.plotting.backtests import plot_calibration as plot_calibration
from grucast.plotting.backtests import plot_errors as plot_errors
from grucast.plotting.canvas import PICTURES as PICTURES
from grucast.plotting.canvas import require_matplotlib as require_matplotlib
from grucast.plotting.canvas import require_picture as require_picture
from grucast.plotting.comparison import plot_comparison as plot_comparison
from grucast.plotting.explanations import plot_covariates as plot_covariates
from grucast.plotting.explanations import plot_explanation as plot_explanation
from grucast.plotting.explanations import plot_gates as plot_gates
from grucast.plotting.explanations import plot_memory as plot_memory
from grucast.plotting.explanations import plot_sensitivity as plot_sensitivity
from grucast.plotting.forecasts import plot_forecast as plot_forecast
from grucast.plotting.forecasts import plot_series as plot_series
from grucast.plotting.lines import choose as choose
from grucast.plotting.textbook import plot_loss as plot_loss
from grucast.plotting.textbook import plot_predictions as plot_predictions
