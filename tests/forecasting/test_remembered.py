"""What a model remembers of how its data were read."""

import polars as pl
import pytest

from grucast import GRUForecaster, load
from tests.conftest import TINY


@pytest.fixture
def rows(hourly):
    when = pl.col("ds").dt.strftime("%d/%m/%Y %H:%M").alias("when")
    return hourly.select(when, shop="unique_id", sold="y", staff=pl.lit(3))


@pytest.fixture
def loaded(rows, tmp_path):
    forecaster = GRUForecaster(h=6, input_size=48, season_length=24, **TINY).fit(rows, id_col="shop", target_col="sold")
    forecaster.save(tmp_path / "m.safetensors")
    return load(tmp_path / "m.safetensors")


def test_predict_needs_no_option_again(loaded, rows, hourly):
    wanted = loaded.predict(hourly)
    assert loaded.predict(rows)["GRU"].to_list() == wanted["GRU"].to_list()


def test_options_go_before_what_is_remembered(loaded, rows):
    other = rows.with_columns(staff=pl.col("sold") * 2)
    assert loaded.predict(other, target_col="staff")["GRU"].to_list() != loaded.predict(other)["GRU"].to_list()


def test_a_stream_reads_time_stamps_as_the_whole_column_said(loaded, rows):
    stream = loaded.stream()
    stream.update_many(rows)
    ahead = stream.update({"unique_id": "a", "ds": "11/03/2024 00:00", "y": 10.0})  # the 11th of March
    assert str(ahead["ds"][0])[:16] == "2024-03-11T01:00"


def test_a_stated_step_is_remembered(hourly):
    sparse = hourly.filter(pl.col("ds").dt.hour() % 2 == 0)
    forecaster = GRUForecaster(h=6, input_size=48, season_length=24, **TINY).fit(sparse, freq="h")
    assert forecaster.model_.frequency.name == "h"
    assert forecaster.predict(sparse).equals(forecaster.predict())


@pytest.mark.parametrize("as_text", [True, False])
def test_a_stream_reads_the_codes_of_months_that_training_had(as_text):
    codes = [100 * (2015 + k // 12) + k % 12 + 1 for k in range(60)]
    y = [float(k % 12) for k in range(60)]
    ds = list(map(str, codes)) if as_text else codes
    stream = GRUForecaster(h=3, input_size=12, **TINY).fit(pl.DataFrame({"ds": ds, "y": y})).stream()
    stream.update_many({"ds": codes[:-1], "y": y[:-1]})
    ahead = stream.update({"ds": ds[-1], "y": y[-1]})
    assert [str(time)[:7] for time in ahead["ds"]] == ["2020-01", "2020-02", "2020-03"]
