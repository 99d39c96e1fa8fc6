"""
Streaming with alarms
=====================

A sensor sends a value each hour. After each, the stream forecasts the next; an observation outside the 99% interval
that was forecast for it raises an alarm. The stream keeps one window of each series and nothing else.
"""

# %%
# A temperature of the usual ups and downs, with a fault in the last days: it jumps for three hours.

import numpy as np
import polars as pl
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure

from grucast import GRUForecaster, TrainingConfig

rng = np.random.default_rng(3)
hours = np.arange(24 * 60)
noise = np.cumsum(rng.normal(0, 0.05, len(hours))) + rng.normal(0, 0.2, len(hours))
values = 20 + 4 * np.sin(2 * np.pi * hours / 24) + noise
values[-30:-27] += 5
time = np.datetime64("2025-03-01T00", "us") + hours * np.timedelta64(1, "h")
sensor = pl.DataFrame({"unique_id": "boiler", "ds": time, "y": values})

# %%
# Train on the first weeks, with the interval that raises alarms. ``max_steps`` is small; omit it for real use.

training = TrainingConfig(max_steps=100)
forecaster = GRUForecaster(h=1, level=(99,), training=training).fit(sensor.head(24 * 50))

# %%
# The rest arrives row by row. Each is compared with the forecast that was made before it came.

stream = forecaster.stream()
ahead = stream.update_many(sensor.head(24 * 50)).row(0, named=True)
low, high, alarms = [], [], []
for row in sensor.tail(24 * 10).iter_rows(named=True):
    low.append(ahead["GRU-lo-99"])
    high.append(ahead["GRU-hi-99"])
    if not low[-1] <= row["y"] <= high[-1]:
        alarms.append(row)
    forecast = stream.update(row)
    ahead = {name: column[0] for name, column in forecast.items() if name.startswith("GRU")}
print(pl.DataFrame(alarms))

# %%
# One observation in a hundred may lie outside by chance. The fault lies far outside, and so does the return to what
# is usual. A day later the same hours alarm again: the network expected what it had seen the day before.

figure = Figure(figsize=(8, 3.5), layout="constrained")
axes = figure.subplots()
shown = sensor.tail(96)
axes.fill_between(shown["ds"], low[-96:], high[-96:], color="#56B4E9", alpha=0.6, linewidth=0, label="99% interval")
axes.plot(shown["ds"], shown["y"], color="black", linewidth=0.8, label="observed")
axes.plot([a["ds"] for a in alarms], [a["y"] for a in alarms], "o", color="#D55E00", label="alarm")
axes.set(ylabel="°C", ylim=(16, 31), title="A boiler, the interval forecast an hour before, and alarms")
axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
axes.legend(loc="upper left", ncols=3)
figure
