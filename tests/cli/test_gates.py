import json

import numpy as np
import polars as pl
import pytest

from grucast import GRUForecaster, load
from tests.conftest import TINY


@pytest.fixture
def model(fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_picture_and_tables_tell_of_the_first_series(run, model, data, tmp_path):
    code, out, err = run("gates", model, data)
    assert (code, err) == (0, "")
    assert out.startswith("a: 6 steps forecast from 48 values in 48 steps of h, 4 at a time\n")
    assert out.endswith("Picture: data-gates.png\n")
    assert "covariates" not in out
    assert (tmp_path / "data-gates.png").read_bytes().startswith(b"\x89PNG")


def test_json_has_what_the_library_says_of_a_named_series(run, model, data, hourly, tmp_path):
    code, out, _ = run("gates", model, data, "--series", "b", "--out", "p.svg", "--json")
    told, wanted = json.loads(out), load(model).explain(hourly)["b"]
    assert (code, told["plot"], told["series"], told["covariates"]) == (0, "p.svg", "b", [])
    assert told["memory_length"]["layer 1"] == pytest.approx(sorted(wanted.memory_length[0], reverse=True))
    size = np.abs(wanted.sensitivity).mean(0)
    assert [row["lag"] for row in told["lags"]] == (48 - np.argsort(-size)[:8]).tolist()
    first, place = told["lags"][0], 48 - told["lags"][0]["lag"]
    assert first["change"] == pytest.approx(size.max())
    assert first["largest"] == pytest.approx(wanted.sensitivity[first["step"] - 1, place])
    assert first["ds"] == f"{wanted.times[place].astype('M8[m]')}".replace("T", " ")
    assert "<!-- b: what the network reads -->" in (tmp_path / "p.svg").read_text()


def test_covariates_are_told_by_what_they_add(run, hourly, tmp_path, rng):
    shop = hourly.with_columns(price=pl.Series(rng.normal(size=960)), part=pl.col("ds").dt.weekday().cast(str))
    parts = shop.with_columns(place=pl.int_range(pl.len()).over("unique_id"))
    parts.filter(pl.col("place") < 474).write_csv("shop.csv")
    parts.filter(pl.col("place") >= 474).write_csv("coming.csv")
    words = ["-h", 6, "--input-size", 48, "--season-length", 24, "--max-steps", 2]
    assert run("fit", "shop.csv", *words, "--future", "price,part", "--out", "m.safetensors")[0] == 0
    code, out, err = run("gates", "m.safetensors", "shop.csv", "--future", "coming.csv", "--json")
    assert code == 0
    assert "covariates that matter most" in err
    worth = {row["name"]: row["change"] for row in json.loads(out)["covariates"]}
    (wanted, *_) = load("m.safetensors").explain("shop.csv", "coming.csv").values()
    assert worth == pytest.approx({name: np.abs(change).mean() for name, change in wanted.withheld.items()})
    assert list(worth.values()) == sorted(worth.values(), reverse=True)
    assert run("gates", "m.safetensors", "shop.csv", "--overwrite")[0] == 2


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--series", "c"], "no series 'c' to draw: there are a, b"),
        (["--layer", "2"], "--layer 2 is not there: give 1 (layer 1)"),
        (["--out", "p.txt"], "--out p.txt does not say what to write"),
        (["--out", "data.csv"], "end it with one of .png"),
    ],
)
def test_what_cannot_be_told_is_refused_and_nothing_is_written(run, model, data, tmp_path, words, wanted):
    code, out, err = run("gates", model, data, *words)
    assert (code, out) == (2, "")
    assert wanted in " ".join(err.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.csv", "model.safetensors"]


def test_series_without_values_and_equal_values_are_told_apart(run, model, hourly):
    late = pl.int_range(pl.len()).over("unique_id") >= 400
    silent = hourly.with_columns(y=pl.when(late & (pl.col("unique_id") == "b")).then(None).otherwise("y"))
    silent.write_csv("silent.csv")
    code, _, err = run("gates", model, "silent.csv", "--series", "b")
    assert code == 2
    assert "series 'b' has no value in the window that the model reads" in " ".join(err.split())
    hourly.with_columns(y=pl.lit(3.0)).write_csv("equal.csv")
    code, out, _ = run("gates", model, "equal.csv")
    assert code == 0
    assert "all values of the window are equal" in " ".join(out.split())


def test_picture_is_replaced_only_when_asked(run, model, data, tmp_path):
    (tmp_path / "data-gates.png").write_text("mine")
    assert run("gates", model, data)[0] == 2
    assert (tmp_path / "data-gates.png").read_text() == "mine"
    assert run("gates", model, data, "--overwrite")[0] == 0


def test_integer_times_are_told_as_they_are(run, hourly):
    frame = hourly.filter(unique_id="a").with_columns(ds=pl.int_range(480))
    GRUForecaster(6, 48, 24, **TINY).fit(frame).save("m.safetensors")
    frame.write_csv("count.csv")
    told = json.loads(run("gates", "m.safetensors", "count.csv", "--json")[1])
    assert all(int(row["ds"]) == 480 - row["lag"] for row in told["lags"])
