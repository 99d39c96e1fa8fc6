"""
Hourly demand with holidays
===========================

How many bikes will be rented in each hour of tomorrow? The network sees where in the day and the week each hour lies,
and with ``holidays="US-DC"`` also whether it falls on a holiday in Washington, where these bikes were rented.
"""

# %%
# Two years of hours. A few are missing; they stay missing, and nothing has to be filled in.

from grucast import Covariates, GRUForecaster, TrainingConfig, check
from grucast.data import example
from grucast.forecasting import backtest

rentals = example()
print(check(rentals))

# %%
# ``max_steps`` is small so that this page is built in seconds; omit it for real use.

forecaster = GRUForecaster(h=24, covariates=Covariates(holidays="US-DC"), training=TrainingConfig(max_steps=60))

# %%
# How good is it? Forecast each of the last five days from what was known the evening before, beside simple forecasts.

result = backtest(forecaster, rentals.tail(24 * 200), n_windows=5)
for score in result.scores:
    print(f"{score.model:17} MAE {score.mae:5.1f} bikes an hour, MASE {score.mase:.3f}")

# %%
# These days lie around Christmas and New Year, the hardest of the year. The picture shows each forecast with its
# intervals.

result.plot()

# %%
# The forecast of the next day, the first of January:

forecaster.fit(rentals)
forecaster.plot()
