"""The emulator's clock, which can run fast and be advanced, but never goes back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import RLock
from time import monotonic

from airflow_shadow.emulator.settings import FASTEST

#: Later times leave no room for the schedules and metrics that follow them.
_LAST = datetime(9000, 1, 1, tzinfo=UTC)


class Clock:
    """The emulator's time, `speed` times as fast as real time.

    Safe to use from several threads. `real` is the source of real seconds, for tests.
    """

    def __init__(self, *, speed: float = 1.0, real: Callable[[], float] = monotonic) -> None:
        self._real = real
        self._lock = RLock()
        self._restart(datetime.now(UTC), speed)

    def _restart(self, at: datetime, speed: float) -> None:
        if not 0 <= speed <= FASTEST:
            raise ValueError(f"speed={speed}: a clock runs at 0 to {FASTEST:g}, not backwards.")
        self._base, self._started, self._speed = at, self._real(), speed

    @property
    def speed(self) -> float:
        """Emulator seconds per real second; at 0 the clock stands still."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        with self._lock:
            self._restart(self.now(), speed)

    def now(self) -> datetime:
        """Return the emulator's time as an aware UTC datetime."""
        with self._lock:
            return self._base + timedelta(seconds=(self._real() - self._started) * self._speed)

    def advance(self, by: float | timedelta) -> datetime:
        """Move the clock forward by seconds (or a timedelta) and return the new time.

        Raises ValueError if `by` is negative, because statuses cannot be undone, or if the new time
        would be after the year 9000.
        """
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        if step < timedelta(0):
            raise ValueError(f"A clock cannot go back: advance({by}). Use reset() instead.")
        with self._lock:
            if step > _LAST - self.now():
                raise ValueError(f"advance({by}) leads beyond the year {_LAST.year}. Use reset().")
            self._base += step
            return self.now()

    def reset(self, *, speed: float, at: datetime | None = None) -> None:
        """Go back to real time, or to another one, running at `speed` from now."""
        with self._lock:
            self._restart(at or datetime.now(UTC), speed)
