"""What a search for settings found, and whether it is worth anything."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grucast.forecasting.forecaster import GRUForecaster
from grucast.forecasting.scoring import Score
from grucast.tuning.search import DEFAULT, WINDOWS, error_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Tuning:
    """What a search found.

    Attributes:
        forecaster: With the best settings, trained on all data.
        settings: Those, by their names in `SPACE`.
        trials: A row a trial, the best first: number, state, error, seconds and settings, as a polars frame.
        best: The score of the best settings on the last windows, which the search did not see.
        default: That of the defaults.
        study: Optuna's own record.
    """

    forecaster: GRUForecaster
    settings: dict[str, Any]
    trials: Any
    best: Score
    default: Score
    study: Any = field(repr=False)

    @property
    def better(self) -> bool:
        """Whether the best settings beat the defaults on the windows that the search did not see."""
        return error_of(self.best) < error_of(self.default)

    @property
    def verdict(self) -> str:
        """That, in a sentence."""
        best, default = error_of(self.best), error_of(self.default)
        if self.settings == DEFAULT:
            return f"nothing beat the defaults, whose error on the last {WINDOWS} windows is {default:.3g}"
        said = f"error on the last {WINDOWS} windows, which the search did not see: {best:.3g}, defaults {default:.3g}"
        return f"better than the defaults: {said}" if self.better else f"no better than the defaults: {said}"

    def plot(self, path: str | Path | None = None, kind: str = "history") -> "Figure":
        """Draw the trials; save the picture to a path.

        Args:
            path: Picture to write: .png, .svg, .pdf ...; none when None.
            kind: history, the errors of the trials in their order and the best so far; importances, how much each
                setting decides whether a trial is good; slice, the errors at each value of each setting.

        Raises:
            ConfigError: There is no such picture, or there are too few trials for it.
            MissingExtraError: matplotlib is not installed.
        """
        from grucast.tuning.pictures import draw

        return draw(self.study, kind, path)
