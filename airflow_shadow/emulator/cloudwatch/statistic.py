"""CloudWatch's statistics over pooled samples: the plain ones, percentiles, trimmed ones, ranks.

Samples come as counts in classes of values, so that a period of any length is judged by its whole
distribution and never by averages of its minutes.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence

from airflow_shadow.emulator.cloudwatch.samples import Cell, Samples
from airflow_shadow.emulator.errors import Invalid

Pool = Sequence[Samples]
Statistic = Callable[[Pool], float]
Range = Callable[[Pool], tuple[float, float]]  # above the first value, up to the second

PLAIN = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")

_NUMBER = r"\d+(?:\.\d{1,10})?"
_SHORT = re.compile(rf"(p|tm|tc|ts)({_NUMBER})")
_LONG = re.compile(rf"(TM|TC|TS|PR)\((?:({_NUMBER})(%?))?:(?:({_NUMBER})(%?))?\)")


def sample_count(pool: Pool) -> float:
    """Return the number of samples."""
    return float(sum(samples.weight for samples in pool))


def total(pool: Pool) -> float:
    """Return the sum of the samples."""
    return sum(samples.total for samples in pool)


def average(pool: Pool) -> float:
    """Return the mean of the samples."""
    return total(pool) / sample_count(pool)


def minimum(pool: Pool) -> float:
    """Return the lowest sample; of many in a class it lies where the lowest is expected."""
    lowest = (next(samples.cells()) for samples in pool)
    return min(
        cell.mean
        if cell.weight == 1
        else min(cell.mean, cell.low + (cell.high - cell.low) / (cell.weight + 1))
        for cell in lowest
    )


def maximum(pool: Pool) -> float:
    """Return the highest sample; of many in a class it lies where the highest is expected."""
    highest = (list(samples.cells())[-1] for samples in pool)
    return max(
        cell.mean
        if cell.weight == 1
        else max(cell.mean, cell.high - (cell.high - cell.low) / (cell.weight + 1))
        for cell in highest
    )


def _cells(pool: Pool) -> Iterator[Cell]:
    return (cell for samples in pool for cell in samples.cells())


_PLAIN: dict[str, Statistic] = dict(
    zip(PLAIN, (sample_count, total, average, minimum, maximum), strict=True)
)


# A slope this much smaller than the one that was taken away is a rounding error.
_EMPTY = 1e-9


def quantile(pool: Pool, share: float) -> float:
    """Return the value that `share` of the samples do not exceed."""
    target = share * sample_count(pool)
    if len(pool) == 1:
        return _quantile_of_one(pool[0], target)
    below, rate, at = 0.0, 0.0, -math.inf
    for value, jump, change in _corners(pool):
        reached = below + rate * (value - at) if rate else below
        if reached >= target and rate:
            return at + (target - below) / rate
        below, at = reached + jump, value
        if below >= target:
            return value
        rate = rate + change if abs(rate + change) > _EMPTY * abs(change) else 0.0
    return at


def _quantile_of_one(samples: Samples, target: float) -> float:
    """Walk up classes that do not overlap."""
    below, value = 0, math.nan
    for cell in samples.cells():
        value = cell.high
        if below + cell.weight >= target:
            return cell.low + (cell.high - cell.low) * (target - below) / cell.weight
        below += cell.weight
    return value


def _corners(pool: Pool) -> list[tuple[float, float, float]]:
    """Return where the summed weight jumps or changes its slope, in the order of values."""
    corners = []
    for cell in _cells(pool):
        if cell.high > cell.low:
            slope = cell.weight / (cell.high - cell.low)
            corners += [(cell.low, 0.0, slope), (cell.high, 0.0, -slope)]
        else:
            corners.append((cell.low, float(cell.weight), 0.0))
    return sorted(corners)


def _inside(cell: Cell, low: float, high: float) -> float:
    """Return the part of a cell that lies above `low`, up to and with `high`."""
    if cell.high <= cell.low:
        return 1.0 if low < cell.low <= high else 0.0
    begin, end = max(low, cell.low), min(high, cell.high)
    return max(0.0, end - begin) / (cell.high - cell.low)


def _count(pool: Pool, low: float, high: float) -> float:
    return sum(cell.weight * _inside(cell, low, high) for cell in _cells(pool))


def _sum(pool: Pool, low: float, high: float) -> float:
    return sum(cell.weight * _part_sum(cell, low, high) for cell in _cells(pool))


def _part_sum(cell: Cell, low: float, high: float) -> float:
    part = _inside(cell, low, high)
    if part in (0.0, 1.0):
        return part * cell.mean
    return part * (max(low, cell.low) + min(high, cell.high)) / 2


def parse(text: str) -> Statistic:
    """Return the statistic of a name: plain, `p99.9`, `tm90`, `IQM`, `PR(:300)`, `TC(250:)`...

    Raises Invalid (ValidationError) for a name that CloudWatch does not know either, and for the
    winsorized mean, which the emulator lacks.
    """
    if text in _PLAIN:
        return _PLAIN[text]
    if match := _SHORT.fullmatch(text):
        return _short(match[1], float(match[2]), text)
    if text == "IQM":
        return _trimmed("TM", _bounds(("25", "%"), ("75", "%")))
    match = _LONG.fullmatch(text)
    if match and (match[2] or match[4]) and not (match[1] == "PR" and "%" in text):
        return _trimmed(match[1], _bounds((match[2], match[3]), (match[4], match[5])))
    raise _unknown(text)


def _unknown(text: str) -> Invalid:
    return Invalid(
        f"The value {text} for parameter Stat is not supported. Give {', '.join(PLAIN)}, pNN, tmNN,"
        " tcNN, tsNN, IQM, TM(a:b), TC(a:b), TS(a:b) or PR(a:b).",
        code="ValidationError",
    )


def _short(kind: str, number: float, text: str) -> Statistic:
    if number > 100:  # noqa: PLR2004 - per cent
        raise _unknown(text)
    if kind == "p":
        return lambda pool: quantile(pool, number / 100)
    return _trimmed(kind.upper(), _bounds((None, ""), (str(number), "%")))


def _bounds(low: tuple[str | None, str], high: tuple[str | None, str]) -> Range:
    """Return how to find the two ends, each a value, a percentile, or left out."""

    def end(pool: Pool, given: tuple[str | None, str], nothing: float) -> float:
        number, percent = given
        if number is None:
            return nothing
        return quantile(pool, float(number) / 100) if percent else float(number)

    return lambda pool: (end(pool, low, -math.inf), end(pool, high, math.inf))


def _trimmed(kind: str, bounds: Range) -> Statistic:
    def rank(pool: Pool) -> float:
        return 100 * _count(pool, *bounds(pool)) / sample_count(pool)

    def mean(pool: Pool) -> float:
        ends = bounds(pool)
        count = _count(pool, *ends)
        return _sum(pool, *ends) / count if count else math.nan

    return {
        "PR": rank,
        "TM": mean,
        "TC": lambda pool: _count(pool, *bounds(pool)),
        "TS": lambda pool: _sum(pool, *bounds(pool)),
    }[kind]
