import polars as pl
import pytest

from grucast import load

WORDS = ["-h", 6, "--max-steps", 2]
SHAPE = ["--input-size", 48, "--season-length", 24]


@pytest.fixture
def first(run, data, tmp_path):
    assert run("fit", data, *WORDS, *SHAPE, "--out", "first.safetensors")[0] == 0
    return load(tmp_path / "first.safetensors")


def test_warm_start_goes_on_from_a_model_file(run, data, tmp_path, first):
    code, out, err = run("fit", data, *WORDS, "--warm-start", "first.safetensors", "--out", "next.safetensors")
    assert (code, err) == (0, "")
    assert "seasons 24, window 48, 2 steps" in out.replace("\n", " ")
    wanted = first.fit(data, warm_start=True).predict()
    assert load(tmp_path / "next.safetensors").predict(data).equals(wanted)


@pytest.mark.parametrize("words", [["-h", 7], ["-h", 6, "--season-length", 24], ["-h", 6, "--past", "x"]], ids=str)
def test_warm_start_refuses_another_shape(run, data, tmp_path, first, words):
    code, _, err = run("fit", data, *words, "--warm-start", "first.safetensors", "--out", "next.safetensors")
    assert code == 2
    assert "give -h 6, and leave out" in err
    assert not (tmp_path / "next.safetensors").exists()


def test_predict_draws_samples(run, data, first, tmp_path):
    assert run("predict", "first.safetensors", data, "--samples", 2, "--out", "out.csv")[0] == 0
    assert (tmp_path / "out.csv").read_text().splitlines()[0].endswith("GRU-hi-95,GRU-sample-1,GRU-sample-2")


@pytest.mark.filterwarnings("always")
def test_predict_takes_another_horizon(run, data, first):
    code, out, err = run("predict", "first.safetensors", data, "-h", 2)
    assert (code, len(out.splitlines()), err) == (0, 5, "")
    code, out, err = run("predict", "first.safetensors", data, "-h", 8)
    assert (code, len(out.splitlines())) == (0, 17)
    assert err.startswith("warning: h=8 goes beyond the 6 steps")


def test_rows_are_weighed_by_a_column(run, hourly, tmp_path):
    hourly.with_columns(w=pl.int_range(pl.len()) % 3).write_csv(tmp_path / "w.csv")
    words = ["fit", "w.csv", "--target-col", "y", *WORDS, *SHAPE, "--out", "w.safetensors", "--sample-weight"]
    assert run(*words, "w")[0] == 0
    code, _, err = run(*words, "v")
    assert code == 2
    assert "there is no column 'v'" in err
