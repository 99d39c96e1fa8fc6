"""
A hundred shops
===============

One network for all series: it learns what shops have in common, and forecasts new ones too. Every shop has a size and
a region, prices are known in advance, and each series is on a scale of its own.
"""

# %%
# Made-up sales of two years: a weekly pattern, a price that is lowered now and then, and shops that open later.

import numpy as np
import polars as pl

from grucast import Covariates, GRUForecaster, TrainingConfig, plotting

rng = np.random.default_rng(7)
days = pl.datetime_range(pl.datetime(2023, 1, 1), pl.datetime(2024, 12, 31), "1d", eager=True)


def shop(number: int) -> pl.DataFrame:
    size, region = rng.choice(["small", "large"]), rng.choice(["north", "south"])
    price = np.where(rng.random(len(days)) < 0.1, 0.8, 1.0)
    week = 1 + 0.4 * np.sin(2 * np.pi * (days.dt.weekday().to_numpy() + (region == "south")) / 7)
    level = (30 if size == "small" else 300) * rng.uniform(0.7, 1.3)
    sales = rng.poisson(level * week * price**-2.0)
    frame = pl.DataFrame({"unique_id": f"shop {number:02}", "ds": days, "y": sales.astype(float), "price": price})
    return frame.with_columns(size=pl.lit(size), region=pl.lit(region)).tail(int(rng.integers(120, len(days))))


shops = pl.concat([shop(number) for number in range(100)])
print(shops.group_by("size", "region").agg(pl.col("unique_id").n_unique()).sort("size", "region"))

# %%
# Keep the last two weeks aside. Of these days the network sees the prices, which the shops set themselves.

last = pl.int_range(pl.len()).over("unique_id") >= pl.len().over("unique_id") - 14
history, coming = shops.filter(~last), shops.filter(last)
forecaster = GRUForecaster(
    h=14,
    covariates=Covariates(future=("price",), static=("size", "region")),
    training=TrainingConfig(max_steps=100),  # omit it for real use
).fit(history)
forecast = forecaster.predict(future=coming)

# %%
# Beside the same day two weeks before, over all shops:

error = (forecast["GRU"] - coming["y"]).abs().sum() / coming["y"].sum()
week_ago = shops.with_columns(naive=pl.col("y").shift(14).over("unique_id")).filter(last)
naive = (week_ago["naive"] - coming["y"]).abs().sum() / coming["y"].sum()
print(f"error: {error:.1%} of the sales; the same day two weeks before: {naive:.1%}")

# %%
# A shop that opened a month ago was never seen in training. The network forecasts it by what all have in common.

new = shop(100).tail(44)
plotting.plot_forecast(new.head(30), forecaster.predict(new.head(30), future=new.tail(14)), target="sales")
