"""Forecast from an exported model without grucast: python forecast_onnx.py model.onnx history.csv.

The model reads y and the calendar; history.csv has columns ds and y, one row a step, an empty y where there is none.
"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
about = json.loads(session.get_modelmeta().custom_metadata_map["grucast"])
steps, horizon, step = about["input_size"], about["h"], np.timedelta64(about["frequency"]["step"], "us")
rows = list(csv.DictReader(Path(sys.argv[2]).read_text().splitlines()))[-steps:]
y = np.full((1, steps), np.nan)  # a short history is filled up from the front
y[0, steps - len(rows) :] = [float(row["y"] or "nan") for row in rows]
time = np.datetime64(rows[-1]["ds"], "us") + np.arange(1 - steps, horizon + 1) * step
feeds = {"y": y, "observed": ~np.isnan(y), "time": time.astype(np.int64)[None]}
feeds = {given.name: feeds[given.name] for given in session.get_inputs()}
quantiles, point = session.run(["quantiles", "point"], feeds)
for ds, middle, row in zip(time[steps:].astype("datetime64[s]"), point[0], quantiles[0], strict=True):
    print(ds, middle, *row, sep=",")
