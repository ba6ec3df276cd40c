"""The mean of a series of dependent periods, and how well it is known.

Neighbouring minutes resemble each other, so sixty of them weigh less than sixty independent ones.
Autoregressions of the first and the second order describe it, and the one that finds more
dependence counts. A slow drift below quick noise escapes both; in a series of at least 480 periods
it shows in the means of at least 240 batches (Conway 1963).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import mul

#: Largest autoregressive coefficient that is assumed; beyond it the mean is next to unknown.
MAX_DEPENDENCE = 0.95
#: Largest autocorrelation that is estimated.
MAX_CORRELATION = 0.99
#: Batches of a long series.
BATCHES = 240
#: Weight of the dependence's uncertainty in the degrees of freedom: 2 by the delta method, less
#: here because the larger of two estimates is taken; calibrated with the benchmarks.
FREEDOM_WEIGHT = 1.6
#: How much more a skewness counts than the sample shows, which underestimates a rare large one;
#: calibrated with the benchmarks.
SKEWNESS_WEIGHT = 5.0
#: Periods below which no dependence can be estimated.
LEAST_PERIODS = 4
#: Coefficients of the last period and of the one before it.
Model = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Summary:
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
        """Return the number of independent periods that would say as much."""
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

    def at_least(self, variance: float) -> Summary:
        """Return the summary with a variance of the mean that is not below a known one."""
        least = math.sqrt(variance * self.count / self.inflation)
        return replace(self, deviation=max(self.deviation, least))

    def stretched(self, factor: float) -> Summary:
        """Return the summary of a series so many times as long.

        The estimated long-run variance of a short series is skewed and exceeds the true one in the
        mean by about ``1 / freedom``; that of a longer one exceeds it by less.
        """
        excess = max(0.0, 1 - 1 / factor) / self.freedom
        return replace(
            self,
            count=max(1, round(self.count * factor)),
            inflation=max(1.0, self.inflation * math.exp(-excess)),
        )

    def ends(self, below: float, above: float) -> tuple[float, float]:
        """Return the distances from the mean to the lower and the upper end of its interval.

        Johnson (1978, JASA 73, 536-544): rare large values move mean and spread together, so the
        end on their side lies further out. It never lies nearer than without skewness.

        :param below: standard errors of the lower end
        :param above: standard errors of the upper end
        """
        root = math.sqrt(self.count)
        skewness = self.skewness * (1 + SKEWNESS_WEIGHT * abs(self.skewness) / root)
        unit = self.error * skewness / (6 * root)
        shifts = [unit * (1 + 2 * z * z) for z in (below, above)]
        return below * self.error - min(shifts[0], 0.0), above * self.error + max(shifts[1], 0.0)


def summarise(values: Sequence[float]) -> Summary:
    """Return mean, spread and dependence of a series, in the order of time.

    The periods on both sides of a gap count as neighbours.
    """
    summary = autoregressive(values)
    size = summary.count // BATCHES
    if size < 2 or summary.deviation == 0:  # noqa: PLR2004 - a batch has two periods at least
        return summary
    first = summary.count % size
    means = [
        math.fsum(values[index : index + size]) / size
        for index in range(first, summary.count, size)
    ]
    ratio = autoregressive(means).error ** 2 * summary.count / summary.deviation**2
    return replace(summary, inflation=max(summary.inflation, ratio))


def autoregressive(values: Sequence[float]) -> Summary:
    """Return the summary of a series by autoregressions of the first and the second order.

    Dependent periods lie closer to their own mean than to the true one: estimating the mean costs
    `inflation` degrees of freedom, where it costs one with independent periods.
    """
    count = len(values)
    mean = math.fsum(values) / count
    rest = [value - mean for value in values]
    square = sum(map(mul, rest, rest))
    if square == 0 or count < LEAST_PERIODS:
        deviation = math.sqrt(square / max(count - 1, 1))
        return Summary(count=count, mean=mean, deviation=deviation, inflation=1.0, skewness=0.0)
    one, other = (_correlation(rest, square, lag) for lag in (1, 2))
    inflation, model = max(_first_order(one, count), _second_order(one, other, count))
    inflation = max(inflation, 1.0)
    return Summary(
        count=count,
        mean=mean,
        deviation=math.sqrt(square / max(count - inflation, 1.0)),
        inflation=inflation,
        skewness=_skewness(rest, model),
    )


def _correlation(rest: Sequence[float], square: float, lag: int) -> float:
    """Return the autocorrelation at a lag, by the mean product over the mean square."""
    count = len(rest)
    raw: float = sum(map(mul, rest, rest[lag:])) / (count - lag) * count / square
    return min(max(raw, -MAX_CORRELATION), MAX_CORRELATION)


def _first_order(one: float, count: int) -> tuple[float, Model]:
    """Return inflation and model of the first order (Bartlett 1946).

    The bias ``-(1 + 3 phi) / n`` is removed (Kendall 1954, Biometrika 41, 403-404).
    """
    phi = min(max(one + (1 + 3 * one) / count, 0.0), MAX_DEPENDENCE)
    return (1 + phi) / (1 - phi), (phi, 0.0)


def _second_order(one: float, other: float, count: int) -> tuple[float, Model]:
    """Return inflation and model of the second order, by the equations of Yule and Walker.

    The biases ``-(1 + a + b) / n`` and ``-(2 + 4 b) / n`` of the coefficients are removed (Shaman
    and Stine 1988, JASA 83, 842-848).
    """
    a = one * (1 - other) / (1 - one * one)
    b = (other - one * one) / (1 - one * one)
    a, b = a + (1 + a + b) / count, b + (2 + 4 * b) / count
    b = min(max(b, -MAX_DEPENDENCE), MAX_DEPENDENCE)
    a = min(a, MAX_DEPENDENCE - b)
    inflation = (1 + b) * (1 - b + a) / ((1 - b) * (1 - a - b))
    return inflation, (a, b)


def _skewness(rest: Sequence[float], model: Model) -> float:
    """Return the skewness of the innovations, the part that a model does not predict."""
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
