"""Ctrl-C, SIGTERM and a closed terminal: one ends a run, two end a clean-up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
#: How many times a clean-up is asked to end before it does: once is not meant often enough, for
#: terminals and the programs that run others may pass one Ctrl-C on twice.
_ENOUGH = 2


class Interrupts:
    """Whether somebody has ended the run, and whether it is in its clean-up.

    :param warn: is called when a clean-up is asked to end and goes on
    """

    def __init__(self, warn: Callable[[], None]) -> None:
        self._warn = warn
        self._is_cleaning = False
        self._is_over = False
        self._asked = 0
        self._is_raised = False
        #: The number of the first signal; 0 without one.
        self.number = 0

    def begin_clean_up(self) -> None:
        """Hold the next signal back: a clean-up is not to be ended by a second Ctrl-C."""
        self._is_cleaning, self._is_raised = True, False

    def end_clean_up(self) -> None:
        """Do nothing about further signals: what is left, and how to delete it, is being told."""
        self._is_over, self._is_raised = True, False

    def raise_again(self) -> None:
        """Raise what nobody has seen: Python drops what a signal raises in a destructor.

        :raises KeyboardInterrupt: the run, or the clean-up, had to end already
        """
        if self._is_raised:
            raise KeyboardInterrupt

    def take(self, number: int, _: FrameType | None) -> None:
        """Take a signal.

        :raises KeyboardInterrupt: the run, or a clean-up that was asked twice, has to end
        """
        if self._is_over:
            return
        self.number = self.number or number
        if not self._is_cleaning:
            # At once, for a second Ctrl-C may come before the clean-up begins.
            self._is_cleaning = self._is_raised = True
            raise KeyboardInterrupt
        self._asked += 1
        if self._asked % _ENOUGH == 0:  # one that comes right behind finds it ending
            self._is_raised = True
            raise KeyboardInterrupt
        self._warn()

    @property
    def exit_code(self) -> int:
        """The shell's exit code for the signal."""
        return 128 + (self.number or signal.SIGINT)


@contextmanager
def taken(interrupts: Interrupts) -> Iterator[None]:
    """Take signals for a while; afterwards they mean what they did before."""
    before = {number: signal.signal(number, interrupts.take) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
