"""A circuit breaker: a hard limit on the candidate, without statistics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airflow_shadow.analysis.criterion import Count, Measured, Missing
from airflow_shadow.analysis.validation import bound_faults, line_faults
from airflow_shadow.text.messages import short_repr


@dataclass(frozen=True, kw_only=True)
class Breaker(Measured):
    """Fail at once when the candidate is beyond a hard limit in M of N neighbouring periods.

    Like a CloudWatch alarm's "M out of N"; a breaker compares no distributions.

    :param metric: a CloudWatch metric of the variant
    :param statistic: as for :class:`~airflow_shadow.analysis.Criterion`
    :param limit: hard limit in the statistic's unit (a rate: 0 to 1; ModelLatency: microseconds)
    :param relative_limit: hard limit as a multiple of the baseline in the same period
    :param datapoints: M and N
    :param min_samples: requests of the candidate below which a period does not count
    """

    metric: str
    statistic: str = "rate"
    limit: float | None = None
    relative_limit: float | None = None
    datapoints: tuple[int, int] = (3, 3)
    min_samples: int = 5
    missing: Missing = "unknown"
    count: Count = "samples"

    @property
    def name(self) -> str:
        """Return the breaker's name in the verdict."""
        return f"{self.metric} {self.statistic}"

    def broken_rules(self) -> Iterator[str]:
        """Yield what is wrong with values of the right types."""
        yield from line_faults("metric", self.metric)
        if (self.limit is None) == (self.relative_limit is None):
            yield "limit: give either limit or relative_limit"
        if self.relative_limit is not None and not self.relative_limit > 1:
            yield f"relative_limit: {self.relative_limit!r} is not above 1"
        if not 1 <= self.datapoints[0] <= self.datapoints[1]:
            yield f"datapoints: {short_repr(self.datapoints)} is not M of N with 1 <= M <= N"
        yield from bound_faults(self, "limit", "relative_limit", "min_samples")
        try:
            if self.is_mean:
                yield from self.count_faults()
        except ValueError as error:
            yield f"statistic: {error}"
