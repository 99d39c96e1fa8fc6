import json

import polars as pl
import pytest

from grucast import load

QUICK = ["-h", 6, "--input-size", 48, "--max-steps", 2, "--season-length", 24]
DECLARED = ["--past", "visitors", "--future", "price, offer", "--static", "size"]
MODEL = "model.safetensors"


@pytest.fixture
def shop(hourly, rng, tmp_path):
    """The two series with covariates, without their last 6 hours in shop.csv, which are in future.csv."""
    frame = hourly.with_columns(
        visitors=rng.normal(size=len(hourly)),
        price=rng.integers(0, 5, len(hourly)),
        offer=pl.Series(["none", "half"] * (len(hourly) // 2)),
        size=pl.col("unique_id").replace_strict({"a": 1, "b": 2}),
    )
    late = pl.col("ds") > pl.col("ds").max() - pl.duration(hours=6)
    frame.filter(~late).write_csv(tmp_path / "shop.csv")
    frame.filter(late).select("unique_id", "ds", "price", "offer").write_csv(tmp_path / "future.csv")
    return frame


@pytest.fixture
def model(run, shop, tmp_path):
    code, _, err = run("fit", "shop.csv", "--out", MODEL, *QUICK, *DECLARED)
    assert (code, err) == (0, "")
    return load(tmp_path / MODEL)


def test_options_declare_the_covariates(model):
    covariates = model.covariates
    assert (covariates.past, covariates.future, covariates.static) == (("visitors",), ("price", "offer"), ("size",))


def test_predict_reads_coming_values_from_a_file(run, model, tmp_path):
    code, _, err = run("predict", MODEL, "shop.csv", "--future", "future.csv", "--out", "forecast.csv")
    assert (code, err) == (0, "")
    written = pl.read_csv(tmp_path / "forecast.csv", try_parse_dates=True)
    wanted = model.predict(tmp_path / "shop.csv", tmp_path / "future.csv")
    assert written.cast({pl.Float64: pl.Float32}).equals(wanted.cast({pl.Float64: pl.Float32}))


@pytest.mark.parametrize("future", ["ahead", "ahead/all.parquet"])
def test_a_folder_is_forecast_with_coming_values_in_parquet(run, shop, model, tmp_path, future):
    for name, table in (("days", "shop.csv"), ("ahead", "future.csv")):
        (tmp_path / name).mkdir()
        pl.read_csv(tmp_path / table, try_parse_dates=True).write_parquet(tmp_path / name / "all.parquet")
    code, _, err = run("predict", MODEL, "days", "--out", "forecasts")
    assert (code, "this model reads price, offer: give predict" in " ".join(err.split())) == (2, True)
    code, _, err = run("predict", MODEL, "days", "--future", "future.csv", "--out", "forecasts")
    assert (code, "future (--future) must be Parquet as the history is" in " ".join(err.split())) == (2, True)
    assert not (tmp_path / "forecasts").exists()
    code, _, err = run("predict", MODEL, "days", "--future", future, "--out", "forecasts")
    assert (code, err) == (0, "12 rows of forecasts: forecasts\n")
    wanted = model.predict(tmp_path / "shop.csv", tmp_path / "future.csv").cast({pl.Float64: pl.Float32})
    found = pl.read_parquet(tmp_path / "forecasts").sort("unique_id", "ds")
    assert found.cast({pl.Float64: pl.Float32}).equals(wanted)


def test_codes_of_which_only_numbers_come_stay_text(run, shop, tmp_path):
    coded = shop.with_columns(code=pl.Series(["1", "2", "1.10", "1.1", "007", "A"] * (len(shop) // 6)))
    late = pl.col("ds") > pl.col("ds").max() - pl.duration(hours=6)
    coded.filter(~late).write_csv(tmp_path / "shop.csv")
    codes = pl.Series(["1", "2", "1.10", "1.1", "1.10", "2"] * 2)
    ahead = coded.filter(late).select("unique_id", "ds", code=codes)
    ahead.write_csv(tmp_path / "future.csv")
    pl.concat([ahead, ahead.with_columns(unique_id=pl.lit("c"), code=pl.lit("A"))]).write_csv(tmp_path / "text.csv")
    assert run("fit", "shop.csv", "--out", MODEL, *QUICK, "--future", "code")[0] == 0
    numbers, text = (run("predict", MODEL, "shop.csv", "--future", file) for file in ("future.csv", "text.csv"))
    assert numbers == text
    forecaster, history = load(tmp_path / MODEL), tmp_path / "shop.csv"
    wanted = forecaster.predict(history, ahead)
    assert forecaster.predict(history, tmp_path / "future.csv").equals(wanted)
    assert forecaster.stream().update_many(history, tmp_path / "future.csv").equals(wanted)


def test_named_columns_are_those_of_the_coming_values_too(run, model, tmp_path):
    names = {"unique_id": "shop", "ds": "hour"}
    for name in ("shop.csv", "future.csv"):
        pl.read_csv(tmp_path / name).rename(names).write_csv(tmp_path / f"named_{name}")
    named = ("--id-col", "shop", "--time-col", "hour")
    code, out, err = run("predict", MODEL, "named_shop.csv", "--future", "named_future.csv", *named)
    assert (code, err) == (0, "")
    assert out == run("predict", MODEL, "shop.csv", "--future", "future.csv")[1]


def test_backtest_declares_them_too(run, shop):
    words = ("backtest", "shop.csv", *QUICK, "--windows", 1, "--baselines", "naive", "--json")
    with_columns, without = (json.loads(run(*words, *more)[1])["scores"] for more in (DECLARED, []))
    assert [s["mae"] for s in with_columns if s["model"] == "GRU"] != [s["mae"] for s in without if s["model"] == "GRU"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], "(--future)"),
        (["--future", "absent.csv"], "--future absent.csv: absent.csv does not exist"),
        (["--future", "half.csv"], "future (--future) has no row for series 'b'"),
        (["--future", "timeless.csv"], "--future timeless.csv: "),
    ],
)
def test_error_about_coming_values_names_the_option(run, model, tmp_path, words, wanted):
    future = pl.read_csv(tmp_path / "future.csv")
    future.filter(unique_id="a").write_csv(tmp_path / "half.csv")
    future.drop("ds").write_csv(tmp_path / "timeless.csv")
    code, out, err = run("predict", MODEL, "shop.csv", *words)
    assert (code, out) == (2, "")
    assert wanted in " ".join(err.split())


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--past", "wind"], "no column 'wind'"),
        (["--past", "price", "--future", "price"], "'price' is named twice"),
        (["--static", "price"], "'price' changes within a series"),
    ],
)
def test_declaration_that_does_not_fit_is_refused(run, shop, words, wanted):
    code, out, err = run("fit", "shop.csv", "--out", MODEL, *QUICK, *words)
    assert (code, out) == (2, "")
    assert wanted in err


def test_fit_warns_in_a_line_of_a_future_column_that_is_the_target(run, shop, tmp_path):
    shop.with_columns(twin=pl.col("y") * 2, odd=pl.col("y") * 3).write_csv(tmp_path / "leak.csv")
    words = ("fit", "leak.csv", "--out", MODEL, *QUICK, "--past", "odd", "--future", "price,twin")
    code, _, err = run(*words)
    assert code == 0
    assert err == "warning: leak, declared --future but not known before y: y = 0.5 twin\n"


def test_check_says_what_is_declared_wrongly(run, shop):
    code, out, err = run("check", "shop.csv", *DECLARED, "--json")
    assert (code, json.loads(out)["findings"]) == (0, [])
    code, out, err = run("check", "shop.csv", "--past", "wind", "--static", "size,price", "--json")
    report = json.loads(out)
    assert (code, report["usable"]) == (2, False)
    assert [finding["what"] for finding in report["findings"]] == [
        "there is no column 'wind', named as covariate or weight",
        "static covariate 'price' changes within a series",
    ]
    assert "declare it past or future" in " ".join(err.split())


def test_holidays_are_an_option(run, hourly, tmp_path):
    hourly.write_csv(tmp_path / "data.csv")
    assert run("fit", "data.csv", "--out", MODEL, *QUICK, "--holidays", "DE-BY")[0] == 0
    assert load(tmp_path / MODEL).covariates.holidays == "DE-BY"
    assert run("predict", MODEL, "data.csv")[0] == 0
    code, _, err = run("fit", "data.csv", "--out", MODEL, *QUICK, "--holidays", "XX")
    assert code == 2
    assert "give a code such as DE or DE-BY" in err
