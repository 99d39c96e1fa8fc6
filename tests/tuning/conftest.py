"""Series and settings that train in a blink."""

import numpy as np
import polars as pl
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from grucast.tuning import search

SMALL = {"hidden_size": 4, "num_layers": 1, "head_size": 4, "head_dropout": 0.0, "window": 1.0, "learning_rate": 4e-3}


def make_days(steps=120, seed=0):
    """A daily series with a weekly season."""
    t = np.arange(steps)
    y = 10 + 3 * np.sin(2 * np.pi * t / 7) + np.random.default_rng(seed).normal(size=steps)
    return pl.DataFrame(
        {"unique_id": "a", "ds": np.datetime64("2024-01-01", "us") + t * np.timedelta64(1, "D"), "y": y}
    )


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """A space of small networks, whose default is the smallest."""
    space = {name: CategoricalDistribution((value,)) for name, value in SMALL.items()}
    space |= {"hidden_size": CategoricalDistribution((4, 8)), "learning_rate": FloatDistribution(1e-3, 1e-2, log=True)}
    monkeypatch.setattr(search, "SPACE", space)
    monkeypatch.setattr("grucast.tuning.run.DEFAULT", SMALL)
    monkeypatch.setattr("grucast.tuning.result.DEFAULT", SMALL)
