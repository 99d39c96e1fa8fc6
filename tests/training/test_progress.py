import sys
from types import ModuleType, SimpleNamespace

import pytest

from grucast.errors import MissingExtraError
from grucast.training.progress import Progress, describe, following, progress_bar, report_losses


def test_bar_takes_every_step(capsys):
    with progress_bar("epochs") as show:
        for step in (1, 2):
            show(Progress(step, 2, 0.5, float("nan"), 0.1, 0.1))
    assert capsys.readouterr().out == ""  # standard output belongs to results


def test_without_rich_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with pytest.raises(MissingExtraError, match=r"grucast\[cli\]"), progress_bar("epochs"):
        pass


def test_a_notebook_shows_lines_without_widgets(monkeypatch, capsys):
    said = []
    handle = SimpleNamespace(update=lambda data, **_: said.append(data["text/plain"]))
    display, ipython = ModuleType("IPython.display"), ModuleType("IPython")
    display.display = lambda data, **_: said.append(data["text/plain"]) or handle
    ipython.get_ipython = lambda: SimpleNamespace(kernel=None)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with following(True) as show:
        for step in (1, 2, 3, 4):
            show(Progress(step, 4, 0.5, float("nan"), 0.1, 0.1))
    assert said[0] == "training"
    assert said[1] == f"training {'━' * 10}{'─' * 30} 1/4 loss 0.5000, 0:01 left"
    assert said[2:] == [f"training {'━' * 40} 4/4 loss 0.5000, 0:01 left"]  # not more often than somebody can read
    assert capsys.readouterr() == ("", "")


def test_losses_and_remaining_time_are_shown():
    nan = float("nan")
    assert describe(Progress(1, 9, 0.5, nan, 3.0, 61.2)) == "loss 0.5000, 1:02 left"
    assert describe(Progress(2, 9, 0.5, 0.25, 3.0, 0.0)) == "loss 0.5000, validation 0.2500, 0:00 left"


def test_several_callbacks_hear_of_each_step_in_their_order():
    said = []
    with following(
        [lambda told: said.append(("a", told.step)), False, lambda told: said.append(("b", told.step))]
    ) as tell:
        tell(Progress(7, 9, 0.5, 0.25, 1.0, 1.0))
    assert said == [("a", 7), ("b", 7)]


def test_last_loss_is_reported_whatever_its_step_and_nan_never():
    said = []
    tell = report_losses(lambda losses, step: said.append((step, losses)), every=3)
    for step in (1, 2, 3, 5, 8, 9, 10):  # early stopping leaves some out
        tell(Progress(step, 10, float(step), float("nan"), 1.0, 1.0))
    assert said == [(step, {"loss": float(step)}) for step in (3, 8, 9, 10)]
