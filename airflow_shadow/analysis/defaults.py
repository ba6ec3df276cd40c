"""The criteria and circuit breakers that are judged by where a specification names none.

They follow AWS's advice for shadow tests (all traffic sampled before a promotion, at least an hour,
enough invocations). Where AWS gives no number, `docs/analysis.md` measures the one proposed here.
"""

from __future__ import annotations

from collections.abc import Iterator

from airflow_shadow.analysis.breaker import Breaker
from airflow_shadow.analysis.criterion import Criterion
from airflow_shadow.analysis.metric_kinds import SERVER_ERRORS
from airflow_shadow.analysis.outputs import Output


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


def default_answer_criteria(name: str, output: Output) -> Iterator[Criterion]:
    """Yield the criteria on an output that a specification names no criterion on.

    Disagreement only warns, because a better model must be allowed to disagree; broken answers
    decide, and where there are labels, what was right does. Where it is known how often production
    disagrees with itself, only what goes beyond counts.
    """
    yield Criterion(
        name=f"{name} disagreement",
        metric=f"answers.{name}.disagreement",
        comparison="absolute" if output.noise is None else "difference",
        tolerance=0.02,
        severity="warning",
    )
    yield Criterion(
        name=f"{name} broken",
        metric=f"answers.{name}.broken",
        comparison="difference",
        tolerance=0.005,
    )
    if output.labels is not None:
        yield _against_labels(name, output)


def _against_labels(name: str, output: Output) -> Criterion:
    """Return the criterion on what was right: accuracy, of a score without threshold its error.

    An error has its answer's unit, squared, so only a ratio has a sensible default.
    """
    if not output.refused("accuracy"):
        return Criterion(
            name=f"{name} accuracy",
            metric=f"answers.{name}.accuracy",
            comparison="difference",
            direction="decrease",
            tolerance=0.01,
        )
    return Criterion(name=f"{name} error", metric=f"answers.{name}.error", tolerance=0.05)


def default_breakers() -> tuple[Breaker, ...]:
    """Return the hard limits: half of the requests failing, or three times the latency."""
    return (
        Breaker(metric=SERVER_ERRORS, limit=0.5, datapoints=(3, 3)),
        Breaker(metric="ModelLatency", statistic="Average", relative_limit=3.0, datapoints=(5, 5)),
    )
