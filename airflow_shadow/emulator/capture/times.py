"""Times of captures, and which minutes of a series of files are settled."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

_HOUR = 60  # minutes
_ALL = (1 << _HOUR) - 1


class Stretch(NamedTuple):
    """A time, in minutes since 1970, as the share of each minute that lies in it."""

    begin: float
    end: float

    def cut(self, minute: int, positions: Sequence[int]) -> Sequence[int]:
        """Return those of a minute's requests that come in this time, by the same rounding."""
        begin, end = (min(1.0, max(0.0, one - minute)) for one in self)
        return positions[round(len(positions) * begin) : round(len(positions) * end)]


@dataclass
class Written:
    """Which minutes are written, empty or lost: a bit for each minute of an hour since 1970."""

    hours: dict[int, int] = field(default_factory=dict)

    def add(self, minute: int) -> None:
        """Note that a minute since 1970 is settled."""
        hour, index = divmod(minute, _HOUR)
        self.hours[hour] = self.hours.get(hour, 0) | 1 << index

    def missing(self, window: range, wanted: Callable[[range], bool]) -> Iterator[int]:
        """Yield the minutes of a window that are not settled, of wanted hours, in order."""
        for hour in range(window.start // _HOUR, -(-window.stop // _HOUR)):
            settled = self.hours.get(hour, 0)
            if settled == _ALL or not wanted(range(hour * _HOUR, (hour + 1) * _HOUR)):
                continue
            for minute in _common(window, hour):
                if not settled >> minute % _HOUR & 1:
                    yield minute


def _common(window: range, hour: int) -> range:
    return range(max(window.start, hour * _HOUR), min(window.stop, (hour + 1) * _HOUR))
