"""What a series of periods that depend on each other says about its mean.

Neighbouring minutes resemble each other, so sixty of them weigh less than sixty independent ones.
A first-order autoregression describes it: its long-run variance is the plain one times
``(1 + phi) / (1 - phi)``, and the periods count as ``n (1 - phi) / (1 + phi)`` (Bartlett 1946).
A slow drift below quick noise escapes the neighbours' correlation; it shows in the means of longer
batches (Conway 1963), so the largest of their variances counts as soon as there are enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import mul

#: Above this the periods say next to nothing about the mean.
MAX_AUTOCORRELATION = 0.95
#: Batches below which their spread is no better known than the neighbours' correlation.
MIN_BATCHES = 60


@dataclass(frozen=True, kw_only=True)
class Serial:
    """Hold a dependent series' mean and how well it is known.

    :param count: periods
    :param mean: their mean
    :param deviation: the standard deviation of one period
    :param inflation: the long-run variance as a multiple of the plain one, at least 1
    """

    count: int
    mean: float
    deviation: float
    inflation: float

    @property
    def effective(self) -> float:
        """Return the independent periods that would say as much."""
        return self.count / self.inflation

    @property
    def error(self) -> float:
        """Return the standard error of the mean."""
        return self.deviation * math.sqrt(self.inflation / self.count)

    def freedom(self, weight: float = 2.0) -> float:
        """Return the degrees of freedom of the long-run variance.

        By the delta method ``Var(ln s^2) = (2 / n)(1 + 2 (1 + phi) / (1 - phi))``: the innovation's
        variance and the squared distance of phi from 1 are estimated, independently of each other.
        Matched with a chi-square's ``2 / freedom`` (Satterthwaite 1946).

        :param weight: the second 2 of the formula
        """
        return 1 / (1 / self.count + weight / self.effective)


def summarise(values: Sequence[float]) -> Serial:
    """Return mean, spread and dependence of a series, in the order of time.

    A gap between two periods is passed over: the neighbours across it count as neighbours.
    """
    serial = autoregressive(values)
    if serial.deviation == 0:
        return serial
    plain = serial.deviation**2 / serial.count
    ratios = (autoregressive(means).error ** 2 / plain for means in batch_means(values))
    return replace(serial, inflation=max(serial.inflation, *ratios, 1.0))


def batch_means(values: Sequence[float]) -> Iterator[list[float]]:
    """Yield the means of 2, 4, 8, ... neighbours, as long as there are enough of them."""
    means = list(values)
    while len(means) // 2 >= MIN_BATCHES:
        means = [(one + other) / 2 for one, other in zip(means[::2], means[1::2], strict=False)]
        yield means


def autoregressive(values: Sequence[float]) -> Serial:
    """Return what a first-order autoregression says about a series.

    Dependent periods lie closer to their own mean than to the true one: the mean costs `inflation`
    periods, where independent ones would lose one.
    """
    count = len(values)
    mean = math.fsum(values) / count
    rest = [value - mean for value in values]
    square = sum(map(mul, rest, rest))
    lagged = sum(map(mul, rest, rest[1:]))
    phi = _corrected(lagged / square, count) if square > 0 else 0.0
    inflation = (1 + phi) / (1 - phi)
    deviation = math.sqrt(square / max(count - inflation, 1.0))
    return Serial(count=count, mean=mean, deviation=deviation, inflation=inflation)


def _corrected(raw: float, count: int) -> float:
    """Add the bias that Marriott and Pope (1954, Biometrika 41, 390-402) found.

    ``-(1 + 4 phi) / n`` for this estimator, whose numerator has one product less than its
    denominator has squares (Kendall's ``1 + 3 phi`` is for equal numbers).
    """
    return min(max(raw + (1 + 4 * raw) / count, 0.0), MAX_AUTOCORRELATION)
