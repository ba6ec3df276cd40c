"""What a series of periods that depend on each other says about its mean.

Neighbouring minutes resemble each other, so sixty of them weigh less than sixty independent ones.
Autoregressions of the first and the second order describe it, and the one that finds more
dependence counts. A slow drift below quick noise escapes both; of a long series it shows in the
means of batches (Conway 1963), of which there are 240 at least.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import mul

#: Above this the periods say next to nothing about the mean.
MAX_DEPENDENCE = 0.95
#: An estimated autocorrelation is kept this far from 1.
MAX_CORRELATION = 0.99
#: Batches of a long series.
BATCHES = 240
#: Weight of the dependence's uncertainty in the degrees of freedom: 2 by the delta method, less
#: here because the larger of two estimates is taken; calibrated with the benchmarks.
FREEDOM_WEIGHT = 1.6
#: How much more a skewness counts than the sample shows, which underestimates a rare large one;
#: calibrated with the benchmarks.
SKEWNESS_WEIGHT = 5.0


@dataclass(frozen=True, kw_only=True)
class Serial:
    """Hold a dependent series' mean and how well it is known.

    :param count: periods
    :param mean: their mean
    :param deviation: the standard deviation of one period
    :param inflation: the long-run variance as a multiple of the plain one, at least 1
    :param skewness: of the innovations, which is that of the mean times the root of `count`
    """

    count: int
    mean: float
    deviation: float
    inflation: float
    skewness: float

    @property
    def effective(self) -> float:
        """Return the independent periods that would say as much."""
        return self.count / self.inflation

    @property
    def error(self) -> float:
        """Return the standard error of the mean."""
        return self.deviation * math.sqrt(self.inflation / self.count)

    @property
    def freedom(self) -> float:
        """Return the degrees of freedom of the long-run variance.

        By the delta method ``Var(ln s^2) = (2 / n)(1 + 2 (1 + phi) / (1 - phi))``: the innovation's
        variance and the squared distance of phi from 1 are estimated, independently of each other.
        Matched with a chi-square's ``2 / freedom`` (Satterthwaite 1946).
        """
        return 1 / (1 / self.count + FREEDOM_WEIGHT / self.effective)

    def stretched(self, times: float) -> Serial:
        """Return the same series, so many times as long.

        A short series overstates its long-run variance in the mean, for the estimate is skewed, by
        about ``1 / freedom``; a longer one does so less.
        """
        ahead = max(0.0, 1 - 1 / times) / self.freedom
        return replace(
            self,
            count=max(1, round(self.count * times)),
            inflation=max(1.0, self.inflation * math.exp(-ahead)),
        )

    def ends(self, below: float, above: float) -> tuple[float, float]:
        """Return how far the true mean may lie below and above the measured one.

        Johnson (1978, JASA 73, 536-544): rare large values make mean and spread go together, so the
        end on their side lies further out. It never lies nearer than without.

        :param below: standard errors of the lower end
        :param above: standard errors of the upper end
        """
        root = math.sqrt(self.count)
        skewness = self.skewness * (1 + SKEWNESS_WEIGHT * abs(self.skewness) / root)
        unit = self.error * skewness / (6 * root)
        shifts = [unit * (1 + 2 * z * z) for z in (below, above)]
        return below * self.error - min(shifts[0], 0.0), above * self.error + max(shifts[1], 0.0)


def summarise(values: Sequence[float]) -> Serial:
    """Return mean, spread and dependence of a series, in the order of time.

    A gap between two periods is passed over: the neighbours across it count as neighbours.
    """
    serial = autoregressive(values)
    size = serial.count // BATCHES
    if size < 2 or serial.deviation == 0:  # noqa: PLR2004 - a batch has two periods at least
        return serial
    first = serial.count % size
    means = [
        math.fsum(values[index : index + size]) / size for index in range(first, serial.count, size)
    ]
    ratio = autoregressive(means).error ** 2 * serial.count / serial.deviation**2
    return replace(serial, inflation=max(serial.inflation, ratio))


def autoregressive(values: Sequence[float]) -> Serial:
    """Return what autoregressions of the first and the second order say about a series.

    Dependent periods lie closer to their own mean than to the true one: the mean costs `inflation`
    periods, where independent ones would lose one.
    """
    count = len(values)
    mean = math.fsum(values) / count
    rest = [value - mean for value in values]
    square = sum(map(mul, rest, rest))
    if square == 0 or count < LEAST_PERIODS:
        deviation = math.sqrt(square / max(count - 1, 1))
        return Serial(count=count, mean=mean, deviation=deviation, inflation=1.0, skewness=0.0)
    one, other = (_correlation(rest, square, lag) for lag in (1, 2))
    inflation, model = max(_first_order(one, count), _second_order(one, other, count))
    inflation = max(inflation, 1.0)
    return Serial(
        count=count,
        mean=mean,
        deviation=math.sqrt(square / max(count - inflation, 1.0)),
        inflation=inflation,
        skewness=_skewness(rest, model),
    )


#: Periods below which nothing can be said of their dependence.
LEAST_PERIODS = 4
#: Coefficients of the last and the last but one period.
Model = tuple[float, float]


def _correlation(rest: Sequence[float], square: float, lag: int) -> float:
    """Return the autocorrelation at a lag, each product as much worth as a square."""
    count = len(rest)
    raw: float = sum(map(mul, rest, rest[lag:])) / (count - lag) * count / square
    return min(max(raw, -MAX_CORRELATION), MAX_CORRELATION)


def _first_order(one: float, count: int) -> tuple[float, Model]:
    """Return inflation and model of the first order (Bartlett 1946).

    The bias ``-(1 + 3 phi) / n`` is taken away (Kendall 1954, Biometrika 41, 403-404).
    """
    phi = min(max(one + (1 + 3 * one) / count, 0.0), MAX_DEPENDENCE)
    return (1 + phi) / (1 - phi), (phi, 0.0)


def _second_order(one: float, other: float, count: int) -> tuple[float, Model]:
    """Return inflation and model of the second order, by the equations of Yule and Walker.

    The biases ``-(1 + a + b) / n`` and ``-(2 + 4 b) / n`` of the coefficients are taken away
    (Shaman and Stine 1988, JASA 83, 842-848).
    """
    a = one * (1 - other) / (1 - one * one)
    b = (other - one * one) / (1 - one * one)
    a, b = a + (1 + a + b) / count, b + (2 + 4 * b) / count
    b = min(max(b, -MAX_DEPENDENCE), MAX_DEPENDENCE)
    a = min(a, MAX_DEPENDENCE - b)
    inflation = (1 + b) * (1 - b + a) / ((1 - b) * (1 - a - b))
    return inflation, (a, b)


def _skewness(rest: Sequence[float], model: Model) -> float:
    """Return the skewness of what a model does not foretell."""
    a, b = model
    new = [
        value - a * last - b * before
        for before, last, value in zip(rest, rest[1:], rest[2:], strict=False)
    ]
    mean = sum(new) / len(new)
    squares = [(value - mean) ** 2 for value in new]
    variance = sum(squares) / len(new)
    if variance == 0:
        return 0.0
    cubes = sum(square * (value - mean) for square, value in zip(squares, new, strict=True))
    return float(cubes / len(new) / variance**1.5)
