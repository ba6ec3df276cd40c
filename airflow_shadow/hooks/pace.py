"""How fast a connection may call AWS: a token bucket that throttling slows down for all."""

from __future__ import annotations

import threading
import time

#: Seconds of calls that may be made at once after a rest.
_BURST_SECONDS = 2.0
#: Share of the full rate below which throttling slows nobody down.
_LEAST = 0.05
#: Seconds of calls without throttling that bring a stopped bucket back to its full rate.
_RECOVERY_SECONDS = 60.0


class Pace:
    """A token bucket for all threads that call AWS with one connection.

    Throttling halves the rate, and each second without it adds a sixtieth of the full one:
    additive increase, multiplicative decrease (Chiu and Jain 1989).

    :param most: calls a second at the full rate
    """

    def __init__(self, most: float) -> None:
        self._most = self._rate = most
        self._lock = threading.Lock()
        self._seen = time.monotonic()  # when the rate was last brought up to date
        self._next = 0.0  # when the next call may be made, were there no burst
        self.calls = self.throttles = 0

    def take(self) -> None:
        """Wait in this thread until a call may be made."""
        with self._lock:
            now = time.monotonic()
            self._recover(now)
            self._next = max(self._next, now - _BURST_SECONDS) + 1 / self._rate
            pause = self._next - now
            self.calls += 1
        if pause > 0:
            time.sleep(pause)

    def slow_down(self) -> None:
        """Halve the rate: AWS has throttled a call."""
        with self._lock:
            self._recover(time.monotonic())
            self._rate = max(self._rate / 2, self._most * _LEAST)
            self.throttles += 1

    def _recover(self, now: float) -> None:
        gained = (now - self._seen) * self._most / _RECOVERY_SECONDS
        self._rate, self._seen = min(self._most, self._rate + gained), now
