import io
import json
from dataclasses import replace

import polars as pl
import pytest

import grucast
from grucast import TrainingConfig
from grucast.server.worker import Telling, judgement, main, run, summary
from grucast.training.progress import Progress
from tests.server.conftest import as_csv, make_series

JOB = {"file": "a.csv", "options": {}, "h": 6, "season_length": 24, "max_time": 0.3, "seed": 1, "level": [80.0]}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a file; the process is not bounded."""
    monkeypatch.chdir(tmp_path)
    for name in ("grucast.server.worker.bound", "os.nice"):
        monkeypatch.setattr(name, str)
    (tmp_path / "a.csv").write_bytes(as_csv(1, 2))
    return tmp_path


def told(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_job_leaves_forecast_model_history_and_past(place, capsys):
    (place / "job.json").write_text(json.dumps(JOB))
    main(str(place))
    events = told(capsys)
    assert events[-1] == {"event": "done"}
    assert {event["part"] for event in events[:-1]} == {1, 2}
    forecast = pl.read_parquet(place / "forecast.parquet")
    assert forecast.columns == ["unique_id", "ds", "GRU", "GRU-lo-80", "GRU-hi-80"]
    assert len(pl.read_parquet(place / "backtest.parquet")) == 34  # two steps were not observed
    assert len(pl.read_parquet(place / "history.parquet")) == 2 * 299
    again = grucast.load(place / "model.safetensors").predict(str(place / "a.csv"))
    assert again["GRU"].to_list() == pytest.approx(forecast["GRU"].to_list(), rel=1e-6)
    assert json.loads((place / "result.json").read_text())["h"] == 6


def test_what_cannot_be_used_is_said(place, capsys):
    (place / "job.json").write_text(json.dumps(JOB | {"options": {"target_col": "nothing"}}))
    main(str(place))
    (event,) = told(capsys)
    assert event["event"] == "failed"
    assert "nothing" in event["error"]


def test_the_forecast_is_that_of_one_call(place, monkeypatch):
    quick = TrainingConfig(max_steps=3, seed=2)
    monkeypatch.setattr("grucast.server.worker.TrainingConfig", lambda **given: replace(quick, seed=given["seed"]))
    monkeypatch.setattr("sys.stdout", io.StringIO())
    wanted = grucast.forecast(str(place / "a.csv"), 6, season_length=24, training=quick)
    assert run(JOB | {"seed": 2, "level": [80.0, 95.0]}).forecast.equals(wanted.forecast)


def test_a_step_that_goes_back_begins_the_next_part(capsys):
    telling = Telling()
    for step in (1, 2, 1, 2):
        telling(Progress(step, 2, 0.5, float("nan"), 1.0, 0.0))
    events = told(capsys)
    assert [event["part"] for event in events if event["step"] == 2] == [1, 2]
    assert events[0]["validation"] is None


def test_the_judgement_has_the_numbers_of_the_verdict():
    data = pl.concat([make_series(1), make_series(2)])
    result = grucast.forecast(data, 6, season_length=24, training=TrainingConfig(max_steps=3))
    judged = judgement(result)
    assert (judged["windows"], judged["series"]) == (6, 2)
    assert f"{judged['held'][0]['share']:.0%}" in result.verdict
    assert f"{abs(judged['gain']):.0%}" in result.verdict or abs(judged["gain"]) <= 0.02
    assert summary(result)["verdict"] == result.verdict


def test_nothing_is_judged_without_a_test():
    result = grucast.forecast(make_series(1, 12), 6, training=TrainingConfig(max_steps=1))
    assert judgement(result) is None
