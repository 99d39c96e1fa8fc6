"""Forecast from an exported model without grucast: python forecast_onnx.py model.onnx history.csv.

The model reads y and the calendar, in steps of a fixed length; history.csv has the columns ds and y, in order of time.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
about = json.loads(session.get_modelmeta().custom_metadata_map["grucast"])
steps, h, step = about["input_size"], about["h"], np.timedelta64(about["frequency"]["step"], "us")
rows = list(csv.DictReader(Path(sys.argv[2]).read_text().splitlines()))
times = np.array([row["ds"] for row in rows], "datetime64[us]")
places = (times - times[-1]) // step + steps - 1  # each row's place in the window; what has no row stays NaN
y = np.full((1, steps), np.nan)
y[0, places[places >= 0]] = [float(row["y"] or "nan") for row, place in zip(rows, places, strict=True) if place >= 0]
time = times[-1] + np.arange(1 - steps, h + 1) * step
feeds = {"y": y, "observed": ~np.isnan(y), "time": time.astype(np.int64)[None]}
feeds = {wanted.name: feeds[wanted.name] for wanted in session.get_inputs()}
quantiles, point = session.run(["quantiles", "point"], feeds)
print("ds", "GRU", "lowest", "highest", sep=",")
for ds, middle, row in zip(time[steps:].astype("datetime64[s]"), point[0], quantiles[0], strict=True):
    print(ds, middle, row[0], row[-1], sep=",")
