"""Signals that end a command as Ctrl-C does: SIGTERM, by which systemd and containers stop, and SIGHUP."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
USUAL = signal.SIG_DFL, signal.default_int_handler
AT_ONCE = 1.0  # seconds in which several signals are one: systemd and shells send two


class Ending:
    """The signal that asked the command to end, 0 for none yet, and whether the next has to wait."""

    def __init__(self) -> None:
        self.number, self.after, self.shielded, self.waiting = 0, 0.0, False, False

    def __call__(self, number: int, _: Any) -> None:
        """Interrupt what goes on, or note that somebody wants to."""
        if monotonic() < self.after:
            return
        self.number, self.after, self.waiting = number, monotonic() + AT_ONCE, self.shielded
        if not self.shielded:
            self.interrupt()

    def interrupt(self) -> None:
        """Raise what Ctrl-C raises."""
        raise KeyboardInterrupt("" if self.number == signal.SIGINT else f"ended by {signal.Signals(self.number).name}")

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Do a block to its end before a signal interrupts."""
        self.shielded = True
        try:
            yield
        finally:
            self.shielded = False
        if self.waiting:
            self.waiting = False
            self.interrupt()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Hear signals that are not ignored, as nohup does; end by the one that came, so that the caller knows."""
        self.__init__()  # type: ignore[misc]
        main = threading.current_thread() is threading.main_thread()
        usual = {number: old for number in ENDING if (old := signal.getsignal(number)) in USUAL and main}
        for number in usual:
            signal.signal(number, self)
        try:
            yield
        finally:
            for number, old in usual.items():
                signal.signal(number, old)
            if self.number not in (0, signal.SIGINT):
                os.kill(os.getpid(), self.number)
                sys.exit(128 + self.number)  # the first process of a container survives a signal from itself


ending = Ending()
