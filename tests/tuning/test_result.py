from types import SimpleNamespace

import optuna
import pytest

from grucast.tuning.result import Tuning
from tests.tuning.conftest import SMALL


def score(error):
    return SimpleNamespace(mase=error, mae=1.0)


def found(best, default, settings=None):
    study = optuna.create_study()
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    return Tuning(None, settings or {"x": 1}, None, score(best), score(default), study)


@pytest.mark.parametrize(
    ("best", "default", "words"),
    [(0.5, 0.6, "better than the defaults: error"), (0.6, 0.5, "no better than the defaults"), (0.5, 0.5, "no better")],
)
def test_the_verdict_compares_windows_that_the_search_did_not_see(best, default, words):
    result = found(best, default)
    assert result.verdict.startswith(words)
    assert result.better == (best < default)


def test_the_defaults_may_be_the_best():
    assert "nothing beat the defaults" in found(0.5, 0.5, SMALL).verdict


def test_the_picture_is_the_history_unless_another_is_named(tmp_path):
    result = found(0.5, 0.6)
    figure = result.plot(tmp_path / "trials.png")
    assert (tmp_path / "trials.png").read_bytes().startswith(b"\x89PNG")
    assert figure.axes[0].get_xlabel() == "trial"
    assert result.plot(kind="slice").axes[0].get_xlabel() == "x"
