"""The criteria and circuit breakers that are judged by where a specification names none.

They follow AWS's advice for shadow tests (all traffic sampled before a promotion, at least an hour,
enough invocations). Where AWS gives no number, `docs/analysis.md` measures the one proposed here.
"""

from __future__ import annotations

from airflow_shadow.analysis.breaker import Breaker
from airflow_shadow.analysis.criterion import Criterion
from airflow_shadow.analysis.metric_kinds import SERVER_ERRORS


def default_criteria() -> tuple[Criterion, ...]:
    """Return the criteria for a candidate that must serve as well as production.

    Server and model errors within half a percentage point, mean latency within 10 %; slow requests
    and the callers' own mistakes (4XX) only warn.
    """
    return (
        Criterion(
            name="server errors", metric=SERVER_ERRORS, comparison="difference", tolerance=0.005
        ),
        Criterion(
            name="model errors",
            metric="InvocationModelErrors",
            comparison="difference",
            tolerance=0.005,
        ),
        Criterion(name="mean latency", metric="ModelLatency", statistic="Average", tolerance=0.10),
        Criterion(
            name="slow requests",
            metric="ModelLatency",
            statistic="above:p99",
            comparison="difference",
            tolerance=0.01,
            severity="warning",
        ),
        Criterion(
            name="caller errors",
            metric="Invocation4XXErrors",
            comparison="difference",
            tolerance=0.01,
            severity="warning",
        ),
    )


def default_breakers() -> tuple[Breaker, ...]:
    """Return the hard limits: half of the requests failing, or three times the latency."""
    return (
        Breaker(metric=SERVER_ERRORS, limit=0.5, datapoints=(3, 3)),
        Breaker(metric="ModelLatency", statistic="Average", relative_limit=3.0, datapoints=(5, 5)),
    )
