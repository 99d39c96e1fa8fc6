"""A reader of model files written from docs/reference/model-file.md alone: struct, json and NumPy."""

import json
import struct
from datetime import date, timedelta
from itertools import pairwise
from math import ceil, prod
from pathlib import Path

import holidays
import numpy as np
import pytest

GOLDEN = Path(__file__).parent / "golden"
DAY = 86400.0
LENGTHS = {"day": DAY, "week": 7 * DAY, "year": 365.2425 * DAY}


def read(path):
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    text = json.loads(header.pop("__metadata__")["grucast"])
    assert text["format"] in (1, 2)
    tensors = {}
    for name, tensor in header.items():
        start, end = tensor["data_offsets"]
        assert tensor["dtype"] == "F32"
        assert end - start == 4 * prod(tensor["shape"])
        tensors[name] = np.frombuffer(data[start:end], "<f4").reshape(tensor["shape"]).astype(float)
    return text["settings"], tensors


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def run_gru(x, network, w):
    """The states of the last layer at each step, and the final ones."""
    size = network["hidden_size"]
    for layer in range(network["num_layers"]):
        directions = []
        for end in ("", "_reverse") if network["bidirectional"] else ("",):
            w_x, w_s, b, c = (w[f"gru.{n}_l{layer}{end}"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            (w_r, w_u, w_n), (r_r, r_u, r_n) = np.split(w_x, 3), np.split(w_s, 3)
            (b_r, b_u, b_n), (c_r, c_u, c_n) = np.split(b, 3), np.split(c, 3)
            state, states = np.zeros(size), []
            for step in x[::-1] if end else x:
                r = sigmoid(w_r @ step + b_r + r_r @ state + c_r)
                u = sigmoid(w_u @ step + b_u + r_u @ state + c_u)
                inner = r * (r_n @ state + c_n) if network["reset_after"] else r_n @ (r * state) + c_n
                state = u * state + (1 - u) * np.tanh(w_n @ step + b_n + inner)
                states.append(state)
            directions.append((states[::-1] if end else states, state))
        x = np.concatenate([np.array(states) for states, _ in directions], axis=1)
    return x, np.concatenate([last for _, last in directions])


def flags(numbers):
    return [np.nan_to_num(numbers), ~np.isnan(numbers)]


class Series:
    """A window and its horizon: y (T), its covariates and seconds since 2001 (T + h)."""

    def __init__(self, settings, w, y, columns, seconds):
        self.y, self.columns, self.h, self.seasons = y, columns, settings["h"], settings["seasons"]
        self.w, self.settings, self.schema = w, settings, settings.get("schema", {"columns": [], "cycles": []})
        angles = [2 * np.pi * (seconds / LENGTHS[cycle] % 1) for cycle in self.schema["cycles"]]
        self.phases = [part for angle in angles for part in (np.sin(angle), np.cos(angle))]

    def numbers(self, *roles):
        chosen = [c for role in roles for c in self.schema["columns"] if c["role"] == role and c["categories"] is None]
        scaled = [(np.array(self.columns[c["name"]], float) - c["centre"]) / c["scale"] for c in chosen]
        scaled += self.days_off() if "future" in roles and "holidays" in self.schema else []
        return np.clip(scaled, -1e6, 1e6).reshape(len(scaled), len(self.columns["ds"]))

    def days_off(self):
        """The three columns of holidays, for a code without a subdivision and no zone."""
        own = holidays.country_holidays(self.schema["holidays"]["code"])
        days = [date.fromisoformat(str(ds)[:10]) for ds in self.columns["ds"]]
        return [[6.0 * (day + timedelta(days=n) in own) for day in days] for n in (0, 1, -1)]

    def vectors(self, *roles):
        """Each category's vectors (e, steps)."""
        ordered = [c for role in ("past", "future", "static") for c in self.schema["columns"] if c["role"] == role]
        found = []
        for k, column in enumerate(c for c in ordered if c["categories"] is not None):
            names = column["categories"]
            codes = [names.index(x) + 1 if x in names else 0 for x in self.columns[column["name"]]]
            table = self.w[f"embed.{k}.weight"]
            assert table.shape[1] == max(1, min(len(names), ceil(2 * len(names) ** 0.25)))
            found += [*table[codes].T] if column["role"] in roles else []
        return found

    def continuations(self, z):
        seen = z[~np.isnan(z)]
        rows = [np.full((2, self.h), seen[-1] if len(seen) else 0.0)]
        for m in self.seasons:
            own = np.array(self.of_season(z, m))
            rows.append(np.where(np.isnan(own), rows[-1], own))
        if self.settings.get("smoothed"):
            rows += [
                np.full((1, self.h), seen[-1]),
                [self.at_level(z, weight, share) for weight, share in ((0.2, 0), (0.6, 0), (0.5, 0.5))],
            ]
        return np.concatenate(rows[1:])

    def at_level(self, z, weight, share):
        m, seen, t = self.seasons[0], ~np.isnan(z), np.arange(len(z)) - len(z) + 1.0
        m = 1 if len(z) - np.argmax(seen) < m else m
        own = [seen & ((t - 1) % m == place) for place in range(m)]
        pairs = [(t[i] - t[i].mean(), z[i] - z[i].mean()) for i in own if i.any()]
        below = sum((a * a).sum() for a, _ in pairs)
        slope = sum((a * b).sum() for a, b in pairs) / below if below and share else 0.0
        effects = np.array([(z[i] - slope * t[i]).mean() if i.any() else np.nan for i in own])
        effects = np.where(np.isnan(effects), np.nanmean(effects), effects)
        rest = z - effects[((t - 1) % m).astype(int)] - slope * t
        level = np.average(rest[seen], weights=(1 - weight) ** -t[seen])
        return [effects[k % m] + level + share * slope * (k + 1) for k in range(self.h)]

    def moved(self, z):
        """Log of 0.01 and the mean step, in the window and in its last h steps."""
        if not self.settings.get("smoothed"):
            return []
        steps = [abs(b - a) for a, b in pairwise(z)]
        means = [
            np.mean([s for s in part if not np.isnan(s)] or [0]) for part in (steps, steps[-min(self.h, len(steps)) :])
        ]
        return np.log(0.01 + np.array(means))

    def of_season(self, z, m):
        places = [[len(z) - r * m + k % m for r in range(1, min(3, len(z) // m) + 1)] for k in range(self.h)]
        values = [[z[place] for place in row if not np.isnan(z[place])] for row in places]
        return [row[0] if row else np.nan for row in values], [np.mean(row) if row else np.nan for row in values]

    def quantiles(self, w):
        self.w, steps = w, len(self.y)
        recent = self.y[-2 * self.seasons[0] :]
        self.centre = np.nanmean(recent)
        self.scale = np.nanmean(np.abs(self.y - self.centre))
        z = (self.y - self.centre) / self.scale
        c = self.continuations(z)
        before = [z - np.concatenate([np.full(m, np.nan), z[:-m]]) for m in self.seasons]
        rows = [np.nan_to_num(z), ~np.isnan(z), *map(np.nan_to_num, before)]
        beside = [row for part in flags(self.numbers("past", "future")) for row in part]
        beside += [*self.phases, *self.vectors("past", "future")]
        inputs, network = np.array([*rows, *(row[:steps] for row in beside)]).T, self.settings["network"]
        _, state = run_gru(inputs.reshape(steps // (network.get("patch_size") or 1), -1), network, w)
        fixed = [row[0] for part in flags(self.numbers("static")) for row in part]
        head = np.array([*state, *c.ravel(), *self.moved(z), *fixed, *(row[0] for row in self.vectors("static"))])
        g = np.maximum(0, w["hidden.weight"] @ head + w["hidden.bias"])
        raw = (w["out.weight"] @ g + w["out.bias"]).reshape(self.h, -1)
        future, m = self.numbers("future"), self.seasons[0]
        change = future[:, steps:] - future[:, [steps - m + k % m for k in range(self.h)]]
        ahead = [*flags(future[:, steps:]), *flags(change)]
        v = [row for part in ahead for row in part]
        v += [row[steps:] for row in (*self.phases, *self.vectors("future"))]
        if v:
            hidden = w["step_state.weight"] @ g + w["step_state.bias"] + (w["step.weight"] @ np.array(v)).T
            raw = raw + np.maximum(0, hidden) @ w["step_out.weight"].T + w["step_out.bias"]
        middle, gaps = raw.shape[1] // 2, np.log1p(np.exp(raw))
        q = np.zeros_like(raw)
        weights = w["mix.weight"] @ g + w["mix.bias"] if "mix.weight" in w else np.zeros(len(c))
        q[:, middle] = (c.mean(0) + weights @ c) + raw[:, middle]
        for i in range(1, middle + 1):
            q[:, middle + i] = q[:, middle + i - 1] + gaps[:, middle + i]
            q[:, middle - i] = q[:, middle - i + 1] - gaps[:, middle - i]
        return q


def forecast(series, settings, tensors):
    members = settings.get("members", 1)
    names = [f"members.{m}." for m in range(members)] if members > 1 else [""]
    own = [{k.removeprefix(p): t for k, t in tensors.items() if k.startswith(p)} for p in names]
    q = np.mean([series.quantiles(w) for w in own], axis=0)
    level, middle = settings["level"], len(settings["level"])
    columns, below, above = {"GRU": q[:, middle]}, 0.0, 0.0
    for i, (percent, width) in enumerate(zip(level, settings.get("widths", [1] * middle), strict=True), 1):
        below = np.maximum(below, width * (q[:, middle] - q[:, middle - i]))
        above = np.maximum(above, width * (q[:, middle + i] - q[:, middle]))
        columns |= {f"GRU-lo-{percent:g}": q[:, middle] - below, f"GRU-hi-{percent:g}": q[:, middle] + above}
    restored = {name: series.centre + series.scale * values for name, values in columns.items()}
    return {k: v if (series.y < 0).any() else np.maximum(0, v) for k, v in restored.items()}


def of_sequence(x, settings, w):
    """What a regressor or a classifier makes of a sequence (T, F)."""
    if "classes" in settings:
        x = np.clip((x - settings["centre"]) / settings["scale"], -1e6, 1e6)
    steps, final = run_gru(x, settings["network"], w)
    if "classes" in settings:
        grown = np.exp(w["fc.weight"] @ np.concatenate([final, steps.max(0)]) + w["fc.bias"])
        return grown / grown.sum()
    return (steps if settings.get("per_step") else final) @ w["fc.weight"].T + w["fc.bias"]


def of_series(columns, name):
    rows = [row for row, other in enumerate(columns["unique_id"]) if other == name]
    return {column: [values[row] for row in rows] for column, values in columns.items()}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.safetensors")), ids=lambda path: path.stem)
def test_reader_written_from_the_specification_forecasts_the_same(path):
    settings, tensors = read(path)
    expected = json.loads(path.with_suffix(".json").read_text())
    if "x" in expected:
        for x, wanted in zip(expected["x"], expected.get("y", expected.get("p")), strict=True):
            np.testing.assert_allclose(of_sequence(np.array(x), settings, tensors), wanted, rtol=1e-4, atol=1e-6)
        return
    for name in ("a", "b"):
        past, future, wanted = (of_series(expected[part], name) for part in ("history", "future", "forecast"))
        columns = {k: v + future.get(k, [None] * settings["h"]) for k, v in past.items()}
        times = np.array(columns["ds"], "datetime64[s]") - np.datetime64("2001-01-01")
        series = Series(settings, tensors, np.array(past["y"], float), columns, times.astype(float))
        for column, values in forecast(series, settings, tensors).items():
            np.testing.assert_allclose(values, wanted[column], rtol=1e-4, err_msg=f"{name} {column}")
