"""A run that stops and goes on ends with the bits of one that never stopped."""

from dataclasses import replace

import polars as pl
import pytest

from grucast import Covariates, GRUForecaster, NetworkConfig, TrainingConfig
from grucast.errors import CheckpointError, ConfigError, TrainingInterrupted
from grucast.training import timer
from grucast.training.checkpoint import Checkpoints
from grucast.training.loop import train
from grucast.training.state import State
from tests.conftest import TINY
from tests.training.line import NOTHING, Line, phase

TRAINING = TrainingConfig(max_steps=12, batch_size=8)
DEEP = NetworkConfig(hidden_size=4, head_size=8, num_layers=2, dropout=0.3)
RUNS = {
    "plain": {},
    "ensemble": {"training": replace(TRAINING, ensemble=2)},
    "deep": {"network": DEEP},
    "no validation": {"val_size": 0},
    "stops early": {"training": replace(TRAINING, patience=3, learning_rate=3.0)},
    "one step": {"training": replace(TRAINING, max_steps=1)},
    "covariates": {"covariates": Covariates(past=("load",), static=("kind",))},
}


class Crash(Exception):
    pass


def stop_at(step, error=Crash):
    def callback(progress):
        if progress.step == step:
            raise error

    return callback


def fit(df, val_size=None, arguments=None, **settings):
    forecaster = GRUForecaster(
        **{"h": 6, "input_size": 48, "season_length": 24, **TINY, "training": TRAINING, **settings}
    )
    return forecaster.fit(df, val_size, **arguments or {})


def same(one, other):
    assert one.history_ == other.history_
    assert one.model_.factors == other.model_.factors
    assert one.model_.dependence == other.model_.dependence
    weights, others = one.model_.weights, other.model_.weights
    assert weights.keys() == others.keys()
    assert all(weights[name].tobytes() == others[name].tobytes() for name in weights)
    return True


@pytest.fixture
def frame(hourly):
    load = pl.col("y").shift(1).fill_null(0)
    return hourly.with_columns(
        load=load, kind=pl.when(pl.col("unique_id") == "a").then(pl.lit("x")).otherwise(pl.lit("z"))
    )


@pytest.mark.parametrize("every", [1, 5])
@pytest.mark.parametrize("name", RUNS)
def test_run_that_crashes_often_ends_with_the_bits_of_one_that_never_did(frame, tmp_path, name, every):
    straight = fit(frame, **RUNS[name])
    saving = {"checkpoint_dir": tmp_path / "c", "checkpoint_every": every, "resume": True}
    for step in range(1, 13, 2):
        try:
            fit(frame, arguments={**saving, "progress": stop_at(step)}, **RUNS[name])
        except Crash:
            continue
    assert same(straight, fit(frame, arguments=saving, **RUNS[name]))


def test_saving_changes_no_bits(frame, tmp_path):
    assert same(fit(frame), fit(frame, arguments={"checkpoint_dir": tmp_path, "checkpoint_every": 1}))


def test_threads_may_change_at_a_resume(frame, tmp_path, monkeypatch):
    saving = {"checkpoint_dir": tmp_path, "checkpoint_every": 2, "resume": True}
    settings = {"h": 24, "network": NetworkConfig(), "training": replace(TRAINING, batch_size=181, ensemble=2)}
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    straight = fit(frame, **settings)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with pytest.raises(Crash):
        fit(frame, arguments={**saving, "progress": stop_at(5)}, **settings)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert same(straight, fit(frame, arguments=saving, **settings))


def test_complete_run_gives_its_model_without_a_step(frame, tmp_path):
    one = fit(frame, arguments={"checkpoint_dir": tmp_path})
    steps = []
    other = fit(frame, arguments={"checkpoint_dir": str(tmp_path), "resume": True, "progress": steps.append})
    assert same(one, other)
    assert steps == []
    assert one.predict().equals(other.predict())


def test_resumed_run_goes_on_after_the_checkpoint(frame, tmp_path):
    saving, steps = {"checkpoint_dir": tmp_path, "checkpoint_every": 3, "resume": True}, []
    with pytest.raises(Crash):
        fit(frame, arguments={**saving, "progress": stop_at(8)})
    fit(frame, arguments={**saving, "progress": lambda p: steps.append(p.step)})
    assert steps == [*range(7, 13)]


def test_run_after_ctrl_c_can_be_resumed(frame, tmp_path):
    saving = {"checkpoint_dir": tmp_path, "checkpoint_every": 2, "resume": True}
    for step in (1, 5, 9):
        with pytest.raises(TrainingInterrupted):
            fit(frame, arguments={**saving, "progress": stop_at(step, KeyboardInterrupt)})
    assert same(fit(frame), fit(frame, arguments=saving))


def test_resume_needs_a_folder(frame):
    with pytest.raises(ConfigError, match="--checkpoint-dir"):
        fit(frame, arguments={"resume": True})


def test_earlier_checkpoints_stop_a_run_that_does_not_resume(frame, tmp_path):
    fit(frame, arguments={"checkpoint_dir": tmp_path})
    with pytest.raises(CheckpointError, match="resume=True"):
        fit(frame, arguments={"checkpoint_dir": tmp_path})


CHANGES = {
    "learning_rate was 0.004, now 0.01": {"training": replace(TRAINING, learning_rate=0.01)},
    "max_steps was 12, now 13": {"training": replace(TRAINING, max_steps=13)},
    "seed was 1, now 2": {"training": replace(TRAINING, seed=2)},
    "ensemble was 1, now 2": {"training": replace(TRAINING, ensemble=2)},
    "hidden_size was 4, now 5": {"network": NetworkConfig(hidden_size=5, head_size=8)},
    "head_dropout was 0.2, now 0.3": {"network": NetworkConfig(hidden_size=4, head_size=8, head_dropout=0.3)},
    "h was 6, now 7": {"h": 7},
    "input_size was 48, now 47": {"input_size": 47},
    "seasons was [24], now [12, 24]": {"season_length": 12},
    "level was [80.0, 95.0], now [80.0]": {"level": (80,)},
    "past was [], now ['load']": {"covariates": Covariates(past=("load",))},
    "val_size was 18, now 12": {"val_size": 12},
}


@pytest.fixture
def stopped(frame, tmp_path):
    with pytest.raises(Crash):
        fit(frame, 18, arguments={"checkpoint_dir": tmp_path, "checkpoint_every": 1, "progress": stop_at(4)})
    return {"checkpoint_dir": tmp_path, "resume": True}


@pytest.mark.parametrize("text", CHANGES)
def test_other_settings_are_refused_with_what_differs(frame, stopped, text):
    with pytest.raises(CheckpointError) as stop:
        fit(frame, arguments=stopped, **{"val_size": 18, **CHANGES[text]})
    assert text in str(stop.value)


def test_other_data_are_refused(frame, stopped):
    other = frame.with_columns(pl.when(pl.int_range(pl.len()) == 7).then(1.0).otherwise("y").alias("y"))
    with pytest.raises(CheckpointError, match=r"the data differ: fingerprint [0-9a-f]{64}, now [0-9a-f]{64}; give"):
        fit(other, 18, arguments=stopped)


def test_time_limit_may_change(frame, stopped):
    ended = fit(frame, 18, arguments=stopped, training=replace(TRAINING, max_time=1e6))
    assert len(ended.history_) == 12


def test_time_before_a_crash_counts_and_the_time_between_does_not(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(timer, "clock", lambda: now[0])
    seconds = []

    def draw(_):
        now[0] += 0.5
        return NOTHING

    def go_on(callback):
        checkpoints, line = Checkpoints(tmp_path, 1, {}), Line()
        state = checkpoints.restore(line, [1000]) or State.of(1)
        return train(line, TrainingConfig(max_time=10.0), [phase(1000, draw=draw)], state, callback, None, checkpoints)

    with pytest.raises(Crash):
        go_on(stop_at(13))
    now[0] += 1000
    assert len(go_on(lambda p: seconds.append(p.seconds))) == 20
    assert seconds == pytest.approx([6.5 + 0.5 * k for k in range(8)])
