import math
from datetime import datetime
from io import BytesIO

import numpy as np
import polars as pl

import grucast
from grucast.forecasting.tables import short_digits, to_bytes


def test_forecasts_have_the_fewest_digits_that_read_back_the_same_float32(rng):
    values = np.exp(rng.uniform(-29, 34, 20_000)) * rng.choice([-1, 1], 20_000)
    shown = [repr(value) for value in short_digits(values[:, None])[:, 0].tolist()]
    assert [float(word) for word in shown] == [float(str(np.float32(value))) for value in values]
    odd = [0.0, -0.0, math.inf, 1e300, 1e-300, 1e39, 5e-324, 10.0, 0.1, 1e7, 999999.5]
    assert short_digits(np.array(odd)[:, None])[:, 0].tolist() == odd
    assert np.isnan(short_digits(np.full((1, 3), np.nan))).all()
    assert short_digits(np.empty((0, 5))).shape == (0, 5)


def test_digits_stay_where_float32_would_join_an_interval():
    counter = np.array([[123456789.5, 123456780.25, 123456799.125], [0.1 + 0.2, 0.1, 0.5]])
    assert short_digits(counter).tolist() == [counter[0].tolist(), [0.3, 0.1, 0.5]]


def test_a_workbook_holds_the_forecast():
    times = pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 1, 3), "1d", eager=True)
    frame = pl.DataFrame({"unique_id": "a", "ds": times, "GRU": [1.5, math.nan, 2.25]})
    again = pl.read_excel(BytesIO(to_bytes(frame, "f.xlsx")))
    assert again["ds"].cast(pl.Datetime("us")).to_list() == times.to_list()
    assert again["GRU"].to_list() == [1.5, None, 2.25]


def test_a_workbook_shows_the_clocks_of_the_zone(tmp_path):
    times = pl.datetime_range(datetime(2024, 7, 1), datetime(2024, 7, 30), "1d", time_zone="Europe/Berlin", eager=True)
    frame = pl.DataFrame({"unique_id": "a", "ds": times, "GRU": np.arange(30.0)})
    path = tmp_path / "f.xlsx"
    path.write_bytes(to_bytes(frame, str(path)))
    assert grucast.read(path)["ds"][0].hour == 0
