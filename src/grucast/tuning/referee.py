"""What trials ask while they are on their way, here or elsewhere, and the time that is left."""

import math
import time
from collections.abc import Iterator
from typing import Any, Self

from optuna.trial import TrialState

FIRST = 0.3  # of the time, what the first trial may take
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


class Deadline:
    """When all must be done.

    Args:
        seconds: From now; None for never.
    """

    def __init__(self, seconds: float | None) -> None:
        self._end = math.inf if seconds is None else time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then."""
        return max(self._end - time.monotonic(), 0.0)

    def share(self, part: float) -> float | None:
        """A share of what is left, at least a second; None where there is no end."""
        return None if math.isinf(self._end) else max(self.left * part, 1.0)


class Referee:
    """Gives trials their settings, and says which of them are cut short; a context, at whose end none is left open.

    Args:
        study: Optuna's.
        space: The settings that are searched.
        deadline: When all must be done.
    """

    def __init__(self, study: Any, space: Any, deadline: Deadline) -> None:
        self.study, self.space, self.deadline = study, space, deadline
        self.open: dict[int, Any] = {}
        self.heard: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        for trial in self.open.values():
            self.study.tell(trial, state=TrialState.FAIL)
            if error and issubclass(error, KeyboardInterrupt):  # who goes on with the study begins with them
                self.study.enqueue_trial(trial.params)

    @property
    def ended(self) -> int:
        """Trials that are over; what failed is none."""
        return len(self.study.get_trials(deepcopy=False, states=ENDED))

    @property
    def complete(self) -> list[Any]:
        """Trials that came to their end."""
        return list(self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))

    @property
    def spare(self) -> float:
        """Seconds that a trial may take."""
        return self.deadline.left - seconds_after(self.study) if self.complete else self.deadline.left * FIRST

    def places(self, trials: int) -> Iterator[int]:
        """A number for each trial to be begun, until there were so many or no time is left for another."""
        for place in range(trials - self.ended):
            shortest = min((trial.duration.total_seconds() for trial in self.complete), default=-math.inf)
            if self.spare < shortest:
                return
            yield place

    def begin(self, place: int) -> tuple[dict[str, Any], float | None]:
        """The settings of a trial, the same ones if it is begun again, and the seconds that it may take."""
        if place not in self.open:
            self.open[place] = self.study.ask(self.space)
        return self.open[place].params, None if math.isinf(self.spare) else max(self.spare, 1.0)

    def is_behind(self, place: int, percent: int, error: float) -> bool:
        """Whether a trial is cut short that has this validation error after so much of its training."""
        trial = self.open[place]
        if percent > self.heard.get(place, 0):  # not so where it was begun again
            self.heard[place] = percent
            trial.report(error, percent)
        return bool(trial.should_prune())

    def end(self, place: int, error: float | None) -> None:
        """A trial is over: its error, None where it was cut short."""
        state = TrialState.PRUNED if error is None else None
        self.study.tell(self.open.pop(place), error, state)


def seconds_after(study: Any) -> float:
    """What follows a search: the defaults and the best are trained once more, and the best on all data."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    first, best = complete[0].duration.total_seconds(), study.best_trial.duration.total_seconds()
    return float(first + 2.5 * best)
