import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from grucast.errors import ConfigError
from grucast.tuning.pictures import KINDS, draw

SPACE = {
    "window": CategoricalDistribution((0.5, 1.0, 2.0)),
    "learning_rate": FloatDistribution(1e-3, 1e-2, log=True),
    "nothing": FloatDistribution(0, 1),
    "more": FloatDistribution(0, 1),
}


def made(trials):
    """A study of which the window alone decides; its second trial was cut short."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for number in range(trials):
        trial = study.ask(SPACE)
        if number == 1:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, trial.params["window"] + trial.params["nothing"] / 1000)
    return study


def test_the_history_has_the_trials_and_the_least_so_far():
    study = made(30)
    axes = draw(study, "history", None).axes[0]
    dots, best = axes.get_lines()
    done = [trial for trial in study.trials if trial.value is not None]
    assert list(dots.get_ydata()) == [trial.value for trial in done]
    assert list(best.get_xdata()) == [trial.number for trial in done]
    assert [min(dots.get_ydata()[: n + 1]) for n in range(29)] == list(best.get_ydata())


def test_the_setting_that_decides_is_the_longest_bar():
    axes = draw(made(60), "importances", None).axes[0]
    widths = [bar.get_width() for bar in axes.patches]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[widths.index(max(widths))] == "window"
    assert "learning rate" in names


def test_a_slice_has_axes_for_each_setting_and_marks_the_best():
    study = made(30)
    shown = [axes for axes in draw(study, "slice", None).axes if axes.get_visible()]
    assert [axes.get_xlabel() for axes in shown] == ["window", "learning rate", "nothing", "more"]
    window, rate = shown[:2]
    assert [label.get_text() for label in window.get_xticklabels()] == ["0.5", "1", "2"]
    assert (rate.get_xscale(), list(rate.get_xticks())) == ("log", [0.001, 0.002, 0.005, 0.01])
    assert rate.get_lines()[0].get_xdata() == [study.best_params["learning_rate"]]


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_written_and_leave_the_style_as_it_was(kind, tmp_path):
    from matplotlib import rcParams

    before = dict(rcParams)
    draw(made(10), kind, tmp_path / "trials.png")
    assert (tmp_path / "trials.png").read_bytes().startswith(b"\x89PNG")
    assert dict(rcParams) == before


def test_pictures_that_are_none_or_have_too_few_trials_are_refused():
    with pytest.raises(ConfigError, match="no picture 'contour' of trials: give one of history"):
        draw(made(10), "contour", None)
    with pytest.raises(ConfigError, match="1 trials came to their end, too few"):
        draw(made(2), "importances", None)
