"""CloudWatch's statistics over pooled samples: plain ones, percentiles, trimmed ones and ranks.

Samples are counts in classes of values, so that the statistic of a period of any length is that of
its whole distribution, never an average over its minutes.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence

from airflow_shadow.emulator.cloudwatch.samples import Cell, Samples
from airflow_shadow.emulator.errors import Invalid

Pool = Sequence[Samples]
Statistic = Callable[[Pool], float]
Range = Callable[[Pool], tuple[float, float]]  # above the first value, up to the second

_NUMBER = r"\d+(?:\.\d{1,10})?"
_SHORT = re.compile(rf"(p|tm|tc|ts)({_NUMBER})")
_LONG = re.compile(rf"(TM|TC|TS|PR)\((?:({_NUMBER})(%?))?:(?:({_NUMBER})(%?))?\)")
# A slope that is smaller than this part of the last change is a rounding error.
_EMPTY = 1e-9


def _sample_count(pool: Pool) -> float:
    return float(sum(samples.weight for samples in pool))


def _total(pool: Pool) -> float:
    return sum(samples.total for samples in pool)


def _average(pool: Pool) -> float:
    return _total(pool) / _sample_count(pool)


def _minimum(pool: Pool) -> float:
    return min(next(samples.cells()).lowest for samples in pool)


def _maximum(pool: Pool) -> float:
    return max(list(samples.cells())[-1].highest for samples in pool)


PLAIN: dict[str, Statistic] = {
    "SampleCount": _sample_count,
    "Sum": _total,
    "Average": _average,
    "Minimum": _minimum,
    "Maximum": _maximum,
}


def _cells(pool: Pool) -> Iterator[Cell]:
    return (cell for samples in pool for cell in samples.cells())


def _quantile(pool: Pool, share: float) -> float:
    """Return the value that a share of the samples does not exceed."""
    target = share * _sample_count(pool)
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
    """Go through classes that do not overlap, lowest first."""
    below, value = 0, math.nan
    for cell in samples.cells():
        value = cell.high
        if below + cell.weight >= target:
            return cell.low + (cell.high - cell.low) * (target - below) / cell.weight
        below += cell.weight
    return value


def _corners(pool: Pool) -> list[tuple[float, float, float]]:
    """Return where the cumulated weight jumps or changes its slope, lowest value first."""
    corners = []
    for cell in _cells(pool):
        if cell.high > cell.low:
            slope = cell.weight / (cell.high - cell.low)
            corners += [(cell.low, 0.0, slope), (cell.high, 0.0, -slope)]
        else:
            corners.append((cell.low, float(cell.weight), 0.0))
    return sorted(corners)


def _inside(cell: Cell, low: float, high: float) -> float:
    """Return the part of a cell above `low`, up to and including `high`."""
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

    Raises Invalid (ValidationError) for an unknown name, and for the winsorized mean, which the
    emulator does not have.
    """
    if text in PLAIN:
        return PLAIN[text]
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
        return lambda pool: _quantile(pool, number / 100)
    return _trimmed(kind.upper(), _bounds((None, ""), (str(number), "%")))


def _bounds(low: tuple[str | None, str], high: tuple[str | None, str]) -> Range:
    """Return a function that finds both ends, each a value, a percentile, or missing."""

    def end(pool: Pool, bound: tuple[str | None, str], default: float) -> float:
        number, percent = bound
        if number is None:
            return default
        return _quantile(pool, float(number) / 100) if percent else float(number)

    return lambda pool: (end(pool, low, -math.inf), end(pool, high, math.inf))


def _trimmed(kind: str, bounds: Range) -> Statistic:
    def rank(pool: Pool) -> float:
        return 100 * _count(pool, *bounds(pool)) / _sample_count(pool)

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
