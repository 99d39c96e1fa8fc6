"""TensorBoard itself reads what training wrote."""

import gc
import math
import re
import threading
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from grucast import GRUForecaster, TrainingConfig
from grucast.data import example
from grucast.errors import ConfigError
from grucast.tensorboard import log_progress

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "tensorboard.md"
pytestmark = pytest.mark.filterwarnings("ignore")  # TensorBoard's own


def read(folder):
    events = EventAccumulator(str(folder))
    events.Reload()
    return {name: {event.step: event.value for event in events.Scalars(name)} for name in events.Tags()["scalars"]}


def test_losses_are_read_at_their_steps_while_another_callback_hears_of_all(tmp_path):
    told = []
    forecaster = GRUForecaster(24, 48, training=TrainingConfig(max_steps=25))
    forecaster.fit(example().tail(500), val_size=48, progress=[log_progress(tmp_path / "run", every=1), told.append])
    found = read(tmp_path / "run")
    losses = {progress.step: progress.loss for progress in told}
    assert found["loss"] == pytest.approx(losses)
    validations = {progress.validation for progress in told if not math.isnan(progress.validation)}
    assert sorted(found["validation_loss"].values()) == pytest.approx(sorted(validations))


def test_two_runs_lie_in_two_folders_and_leave_no_thread(tmp_path):
    before = threading.active_count()
    for name in ("a", "b"):
        forecaster = GRUForecaster(24, 48, training=TrainingConfig(max_steps=2))
        forecaster.fit(example().tail(500), progress=log_progress(tmp_path / name, every=1))
    assert list(read(tmp_path / "a")["loss"]) == list(read(tmp_path / "b")["loss"])
    gc.collect()
    assert threading.active_count() == before


def test_no_steps_are_refused_before_a_file_is_made(tmp_path):
    with pytest.raises(ConfigError, match="every must be at least 1, not 0"):
        log_progress(tmp_path / "run", every=0)
    assert not (tmp_path / "run").exists()


def test_page_prints_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code, printed in re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE.read_text(), re.S):
        exec(compile(code, PAGE.name, "exec"), names)
        assert capsys.readouterr().out == printed
    assert list(read("runs/bikes")["loss"]) == list(read("runs/again")["loss"])
