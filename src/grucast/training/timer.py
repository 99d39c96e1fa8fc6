"""The time that training takes, and what of it goes where."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

clock = time.perf_counter


@dataclass
class Timer:
    """Seconds since training began, in all processes that had a part in it.

    Attributes:
        spent: By earlier processes.
        phases_begin: When the first phase began.
        phase_begin: When the present one did.
        first_step: Duration of the first step, which warms up.
        steps_begin: Seconds outside validation when the steps began whose mean is taken.
        validating: Seconds of all validations.
        validations: Their number.
        saving: Seconds of the longest save of a checkpoint.
    """

    spent: float = 0.0
    phases_begin: float = 0.0
    phase_begin: float = 0.0
    first_step: float = 0.0
    steps_begin: float = 0.0
    validating: float = 0.0
    validations: int = 0
    saving: float = 0.0

    def start(self, since: float | None = None) -> None:
        """Count from that reading of the clock, or from now; what this process did until now was no step."""
        self._start = (clock() if since is None else since) - self.spent
        self.steps_begin += self.seconds - self.spent
        self.phases_begin = self.phases_begin or self.seconds

    @property
    def seconds(self) -> float:
        """Seconds by now."""
        return clock() - self._start

    def share_of_phase(self, limit: float) -> float:
        """How much of the present phase's time is over, if it ends at the limit."""
        return (self.seconds - self.phase_begin) / max(limit - self.phase_begin, 1e-9)

    def mean_step(self, steps: int) -> float:
        """Mean seconds of so many steps and their callbacks, without the first if there are others."""
        if steps == 1 and self.first_step:
            return self.first_step
        return (self.seconds - self.validating - self.steps_begin) / max(steps - 1, 1)

    def end_first_step(self) -> None:
        """The mean is taken of the steps from now on."""
        self.first_step = self.mean_step(1)
        self.steps_begin = self.seconds - self.validating

    @property
    def mean_validation(self) -> float:
        """Mean seconds of a validation."""
        return self.validating / max(self.validations, 1)

    @contextmanager
    def validation(self) -> Iterator[None]:
        """Measure the block as a validation."""
        begin = self.seconds
        yield
        self.validating += self.seconds - begin
        self.validations += 1

    @contextmanager
    def save(self) -> Iterator[None]:
        """Measure the block as a save."""
        begin = self.seconds
        yield
        self.saving = max(self.saving, self.seconds - begin)
