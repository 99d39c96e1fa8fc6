"""Write golden model files and what they forecast, once for each format; one that is there is never replaced.

    .venv/bin/python -m tests.model.make_golden

Run it after the number of the format has changed, and commit what is new. What is there was written by the version
that its name bears, and must load for ever.
"""

import json
from pathlib import Path

import numpy as np
import polars as pl

from grucast import Covariates, GRUForecaster, GRURegressor, NetworkConfig, TrainingConfig
from grucast.model.file import FORMAT

GOLDEN = Path(__file__).parent / "golden"
NETWORK = NetworkConfig(hidden_size=4, head_size=6)
WIDE = NetworkConfig(hidden_size=3, head_size=5, num_layers=2, bidirectional=True, reset_after=False)


def series(steps: int = 344) -> pl.DataFrame:
    """Two hourly series with gaps and covariates of each kind and role."""
    k = np.arange(steps)
    frames = []
    for name, size in (("a", 1.0), ("b", 50.0)):
        y = size * (20 + 10 * np.sin(2 * np.pi * k / 24) + k % 7)
        columns = {
            "unique_id": name,
            "ds": np.datetime64("2024-01-01", "us") + k * np.timedelta64(1, "h"),
            "y": [None if step % 29 == 3 else round(value, 3) for step, value in enumerate(y)],
            "temp": [None if step == 320 else float(step % 11) for step in k],
            "sky": [("clear", "rain", "ünïcode", None)[step // 5 % 4] for step in k],
            "price": [None if step == 310 else 1 + step % 5 / 4 for step in k],
            "offer": ["yes" if step % 9 < 3 else "no" for step in k],
            "size": size,
            "region": f"region {name}",
        }
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames)


def rows(frame: pl.DataFrame) -> dict[str, list[object]]:
    """A frame as JSON takes it."""
    return frame.with_columns(pl.col("ds").dt.strftime("%Y-%m-%dT%H:%M:%S")).to_dict(as_series=False)


def write_forecaster(name: str, covariates: Covariates, network: NetworkConfig, members: int) -> None:
    frame, ahead = series(), ["unique_id", "ds", *covariates.future]
    history = pl.concat([part.head(-4) for part in frame.partition_by("unique_id")])
    future = pl.concat([part.tail(4) for part in frame.partition_by("unique_id")]).select(ahead)
    training = TrainingConfig(max_steps=20, batch_size=16, ensemble=members)
    forecaster = GRUForecaster(4, 48, 24, covariates=covariates, network=network, training=training).fit(history)
    seen = pl.concat([part.tail(48) for part in history.partition_by("unique_id")])
    arguments = {"future": future} if covariates.future else {}
    forecast = forecaster.predict(seen, **arguments)
    forecaster.save(GOLDEN / f"{name}.safetensors")
    write_json(name, {"history": rows(seen), "future": rows(future), "forecast": rows(forecast)})


def write_regressor(name: str) -> None:
    x = np.sin(np.arange(8 * 10 * 2)).reshape(8, 10, 2).round(4)
    regressor = GRURegressor(WIDE, TrainingConfig(max_steps=20)).fit(x, x[:, -1])
    regressor.save(GOLDEN / f"{name}.safetensors")
    write_json(name, {"x": x.tolist(), "y": regressor.predict(x).tolist()})


def write_json(name: str, content: dict[str, object]) -> None:
    (GOLDEN / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False, indent=None) + "\n")


def main() -> None:
    everything = Covariates(past=("temp", "sky"), future=("price", "offer"), static=("size", "region"))
    tasks = {
        "forecaster": lambda name: write_forecaster(name, Covariates(), WIDE, 1),
        "covariates": lambda name: write_forecaster(name, everything, NETWORK, 2),
        "regressor": write_regressor,
    }
    for kind, write in tasks.items():
        name = f"format{FORMAT}-{kind}"
        if (GOLDEN / f"{name}.safetensors").exists():
            print(f"{name} is there and stays")
        else:
            write(name)


if __name__ == "__main__":
    main()
