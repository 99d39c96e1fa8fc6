import sys

import pytest

from grucast.errors import MissingExtraError
from grucast.training.progress import Progress, describe, progress_bar


def test_bar_takes_every_step(capsys):
    with progress_bar("epochs") as show:
        for step in (1, 2):
            show(Progress(step, 2, 0.5, float("nan"), 0.1, 0.1))
    assert capsys.readouterr().out == ""  # standard output belongs to results


def test_without_rich_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    with pytest.raises(MissingExtraError, match=r"grucast\[cli\]"), progress_bar("epochs"):
        pass


def test_losses_and_remaining_time_are_shown():
    nan = float("nan")
    assert describe(Progress(1, 9, 0.5, nan, 3.0, 61.2)) == "loss 0.5000, 1:02 left"
    assert describe(Progress(2, 9, 0.5, 0.25, 3.0, 0.0)) == "loss 0.5000, validation 0.2500, 0:00 left"
