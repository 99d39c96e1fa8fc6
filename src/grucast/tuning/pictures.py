"""Pictures of a study: its trials, which settings matter, and which values of them do well."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.trial import TrialState

from grucast.errors import ConfigError
from grucast.plotting.canvas import BLUE, GREY, ORANGE, SIZE, WIDE, canvas, figure, whole_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = ("history", "importances", "slice")
FEWEST = 4  # trials that say anything of importances
COLUMNS = 3  # of a slice
TICKS = [digit * 10.0**power for power in range(-9, 9) for digit in (1, 2, 5)]  # of a logarithmic axis
DOTS: Any = {"linestyle": "", "marker": "o", "markersize": 5}


def draw(study: Any, kind: str, path: str | Path | None) -> "Figure":
    """The picture of a kind, saved to the path.

    Raises:
        ConfigError: There is no such kind, or too few trials came to their end.
    """
    if kind not in KINDS:
        raise ConfigError(f"there is no picture {kind!r} of trials: give one of {', '.join(KINDS)}")
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if kind == "importances" and len(trials) < FEWEST:
        raise ConfigError(f"{len(trials)} trials came to their end, too few for importances: try {FEWEST} or more")
    if kind == "slice":
        return draw_slice(trials, path)
    with figure(path, width=WIDE if kind == "history" else SIZE[0]) as (drawing, (axes,)):
        if kind == "history":
            draw_history(axes, trials)
        else:
            draw_importances(axes, study)
    return drawing


def draw_history(axes: "Axes", trials: Any) -> None:
    """The errors of the trials in their order, and the best so far."""
    numbers, errors = [trial.number for trial in trials], [trial.value for trial in trials]
    axes.plot(numbers, errors, **DOTS, color=GREY, label="a trial")
    axes.plot(numbers, np.minimum.accumulate(errors), color=BLUE, drawstyle="steps-post", label="best so far")
    axes.set(
        title="Errors on the windows that the search saw; trial 0 has the defaults", xlabel="trial", ylabel="error"
    )
    whole_numbers(axes, numbers)
    axes.legend()


def draw_importances(axes: "Axes", study: Any) -> None:
    """The share of each setting in the differences between good trials and others, by Optuna.

    Source: Watanabe et al. 2023, arXiv:2304.10255 (PED-ANOVA).
    """
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    names, values = [plain(name) for name in reversed(shares)], list(reversed(shares.values()))
    axes.bar_label(axes.barh(names, values, color=BLUE), fmt="{:.0%}", padding=3)
    axes.set(title="What decides whether a trial is good", xlabel="share of the setting", xlim=(0, 1.1 * max(values)))
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.grid(visible=False, axis="y")


def draw_slice(trials: Any, path: str | Path | None) -> "Figure":
    """The error at each value of each setting; the best trial stands out."""
    names = list(trials[0].params)
    rows = -(-len(names) // COLUMNS)
    with canvas(path, WIDE, 0.7 * SIZE[1] * rows) as drawing:
        grid: Any = drawing.subplots(rows, COLUMNS, sharey=True, squeeze=False)
        title = "Errors at each value of each setting: darker for later trials, orange for the best"
        drawing.suptitle(title, x=0.01, ha="left", fontsize=11)
        for axes, name in zip(grid.flat, names, strict=False):
            draw_setting(axes, trials, name)
        for axes in grid.flat[len(names) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel("error")
    return drawing


def draw_setting(axes: "Axes", trials: Any, name: str) -> None:
    """The error at each value of a setting; of a choice, side by side."""
    distribution = trials[0].distributions[name]
    choices = getattr(distribution, "choices", None)
    values = [choices.index(trial.params[name]) if choices else trial.params[name] for trial in trials]
    errors, later = [trial.value for trial in trials], [trial.number for trial in trials]
    axes.scatter(values, errors, c=later, cmap="Blues", vmin=-max(later) / 3, s=25, edgecolors=GREY, linewidths=0.5)
    best = int(np.argmin(errors))
    axes.plot(values[best], errors[best], **DOTS | {"markersize": 8}, color=ORANGE, markeredgecolor=GREY)
    axes.set_xlabel(plain(name))
    if choices:
        axes.set_xticks(range(len(choices)), [f"{choice:g}" for choice in choices])
        axes.set_xlim(-0.5, len(choices) - 0.5)
    elif distribution.log:
        axes.set_xscale("log")
        axes.set_xticks([tick for tick in TICKS if distribution.low <= tick <= distribution.high])
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")


def plain(name: str) -> str:
    """A setting as people write it."""
    return name.replace("_", " ")
