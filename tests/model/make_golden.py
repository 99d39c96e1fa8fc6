"""Write golden model files and what they compute; one that is there is never replaced.

    .venv/bin/python -m tests.model.make_golden

Add a task where a format has something new, run it and commit what it wrote. What is there must load for ever.
"""

import json
from pathlib import Path

import numpy as np
import polars as pl

from grucast import Covariates, GRUClassifier, GRUForecaster, GRURegressor, NetworkConfig, TrainingConfig

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


def sequences() -> list[list[list[float]]]:
    """Eight sequences of unequal lengths."""
    x = np.sin(np.arange(8 * 10 * 2)).reshape(8, 10, 2).round(4)
    return [one[: 3 + place].tolist() for place, one in enumerate(x)]


def write_steps(name: str) -> None:
    x = sequences()
    regressor = GRURegressor(WIDE, TrainingConfig(max_steps=20)).fit(x, [np.cumsum(one, 0) for one in x])
    regressor.save(GOLDEN / f"{name}.safetensors")
    write_json(name, {"x": x, "y": [one.tolist() for one in regressor.predict(x)]})


def write_classifier(name: str) -> None:
    x, y = sequences(), ["ünïcode", "a", "b", "a", "b", "a", "ünïcode", "b"]
    classifier = GRUClassifier(WIDE, TrainingConfig(max_steps=20)).fit(x, y)
    classifier.save(GOLDEN / f"{name}.safetensors")
    write_json(name, {"x": x, "p": classifier.predict_proba(x).tolist(), "classes": classifier.predict(x).tolist()})


def write_json(name: str, content: dict[str, object]) -> None:
    (GOLDEN / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False, indent=None) + "\n")


def main() -> None:
    everything = Covariates(past=("temp", "sky"), future=("price", "offer"), static=("size", "region"))
    tasks = {
        "format1-forecaster": lambda name: write_forecaster(name, Covariates(), WIDE, 1),
        "format1-covariates": lambda name: write_forecaster(name, everything, NETWORK, 2),
        "format2-holidays": lambda name: write_forecaster(name, Covariates(holidays="US"), NETWORK, 1),
        "format1-regressor": write_regressor,
        "format2-steps-regressor": write_steps,
        "format2-classifier": write_classifier,
    }
    for name, write in tasks.items():
        if (GOLDEN / f"{name}.safetensors").exists():
            print(f"{name} is there and stays")
        else:
            write(name)


if __name__ == "__main__":
    main()
