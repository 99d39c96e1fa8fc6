"""Seeds and small data that tests share."""

import contextlib

import numpy as np
import polars as pl
import pytest

from grucast import GRUForecaster, NetworkConfig, TrainingConfig
from tests.postgresql import postgresql, server  # noqa: F401 - fixtures

with contextlib.suppress(ImportError):  # tests.without_torch
    import torch

    torch.set_num_threads(1)  # threads that wait for each other starve where the cores are shared

TINY = {"network": NetworkConfig(hidden_size=4, head_size=8), "training": TrainingConfig(max_steps=3, batch_size=8)}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20140601)


@pytest.fixture
def hourly(rng: np.random.Generator) -> pl.DataFrame:
    """Two hourly series of 20 days with a daily season; the second is a thousand times larger."""
    start = np.datetime64("2024-02-20", "us")
    times = start + np.arange(480) * np.timedelta64(1, "h")
    wave = 10 + np.sin(np.arange(480) * 2 * np.pi / 24)
    frames = [
        pl.DataFrame({"unique_id": name, "ds": times, "y": scale * (wave + rng.normal(0, 0.1, 480))})
        for name, scale in (("a", 1.0), ("b", 1000.0))
    ]
    return pl.concat(frames)


@pytest.fixture
def fitted(hourly: pl.DataFrame) -> GRUForecaster:
    """A forecaster trained for an instant."""
    return GRUForecaster(h=6, input_size=48, season_length=24, **TINY).fit(hourly)
