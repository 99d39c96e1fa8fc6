"""The textbook's example: a GRU learns the last value of noisy sines."""

import time
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from grucast.data.synthetic import noisy_sines
from grucast.forecasting.metrics import mae, mse
from grucast.forecasting.regressor import GRURegressor
from grucast.model.config import NetworkConfig, TrainingConfig

TRAIN = 240  # of 300 sequences
EPOCHS = 100
NETWORK = NetworkConfig(hidden_size=32)
TRAINING = TrainingConfig(
    max_steps=EPOCHS, batch_size=TRAIN, learning_rate=0.005, schedule="constant", gradient_clip=None, seed=42
)


@dataclass(frozen=True)
class Result:
    """Losses of the 100 epochs, errors on the 60 test sequences, and the seconds from data to metrics."""

    losses: list[float]
    actual: NDArray[Any]
    predicted: NDArray[Any]
    test_mse: float
    test_mae: float
    naive_mse: float
    naive_mae: float
    seconds: float


def run_textbook(one_step_ahead: bool = False, callback: Any = None) -> Result:
    """Train the example's network on 240 sequences and test it on 60.

    Args:
        one_step_ahead: The example's target is the last value of its own input, which a network need only copy.
            True hides that value: 29 steps in, the 30th to predict. The naive forecast repeats the last input.
        callback: Called with a Progress after each epoch.
    """
    start = time.perf_counter()
    sequences, y = noisy_sines()
    x = sequences[:, :-1] if one_step_ahead else sequences
    regressor = GRURegressor(NETWORK, TRAINING).fit(x[:TRAIN], y[:TRAIN], callback)
    actual, predicted, naive = y[TRAIN:], regressor.predict(x[TRAIN:]), x[TRAIN:, -1]
    return Result(
        losses=regressor.history_,
        actual=actual,
        predicted=predicted,
        test_mse=mse(actual, predicted),
        test_mae=mae(actual, predicted),
        naive_mse=mse(actual, naive),
        naive_mae=mae(actual, naive),
        seconds=time.perf_counter() - start,
    )
