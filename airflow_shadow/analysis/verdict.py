"""What the judge found, as values that travel: through XCom, logs, and AWS's own record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from airflow_shadow.analysis.observations import Outcome
from airflow_shadow.analysis.spec import Comparison, Direction, Severity

#: AWS's limit on the `Reason` of StopInferenceExperiment.
MAX_REASON = 1024
#: The end of an interval that is as good as infinite, as after very few periods. PostgreSQL keeps
#: 1e22 in an XCom as an integer of 23 digits, which Airflow 3 cannot hand to a task any more.
_ENDLESS = float(2**53)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Hold one criterion's evidence.

    Estimate, interval and tolerance are shares if relative (0.041 is +4.1 %) or of rates (0.002 is
    0.2 percentage points), else in the metric's own unit (latencies: microseconds).

    :param lower: lower end of the interval, None if there was too little to compute one
    :param upper: upper end
    :param baseline: level of the baseline over the window (mean, or rate)
    :param candidate: level of the candidate
    :param n_baseline: requests of the baseline that were compared
    :param n_candidate: requests of the candidate that were compared
    :param periods: periods that both reported
    :param effective_periods: the same after correcting for autocorrelation
    :param missing: periods of the window that did not enter, for whatever reason
    :param sentence: the numbers in plain words
    """

    name: str
    metric: str
    statistic: str
    comparison: Comparison | None
    direction: Direction | None
    severity: Severity
    outcome: Outcome
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    tolerance: float | None = None
    baseline: float | None = None
    candidate: float | None = None
    n_baseline: float = 0
    n_candidate: float = 0
    periods: int = 0
    effective_periods: float = 0
    missing: int = 0
    sentence: str


@dataclass(frozen=True, kw_only=True)
class TrafficFinding:
    """Tell whether the candidate got the share of the requests that it should.

    :param ratio: candidate's requests per request of the baseline, None if nothing came
    :param expected: the sampling percentage as a share
    """

    outcome: Outcome
    ratio: float | None
    expected: float
    n_baseline: float
    n_candidate: float
    sentence: str


@dataclass(frozen=True, kw_only=True)
class BreakerFinding:
    """Tell whether a circuit breaker tripped, and when first (seconds since 1970)."""

    name: str
    tripped: bool
    at: float | None
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Say whether the candidate may be promoted, and on what evidence.

    :param outcome: PASS only on evidence, FAIL only on evidence, else INCONCLUSIVE
    :param reason: one line of at most 1,024 characters, for the ``Reason`` that AWS keeps
    :param stage_passed: whether all critical criteria and the traffic were right at this sampling
        percentage; a ramp may go on without it, a promotion needs ``outcome``
    :param operational_only: whether nothing compared the answers themselves
    :param scheduled: whether this was a scheduled look
    """

    outcome: Outcome
    reason: str
    findings: tuple[Finding, ...]
    traffic: TrafficFinding
    breakers: tuple[BreakerFinding, ...]
    stage_passed: bool
    operational_only: bool
    scheduled: bool
    sampling_percentage: float
    start: float
    end: float
    alpha: float

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON-able values: summaries only, never points."""
        return {
            **asdict(self),
            "findings": [
                {name: _bounded(value) for name, value in asdict(finding).items()}
                for finding in self.findings
            ],
            "breakers": [asdict(breaker) for breaker in self.breakers],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """Return the verdict that :meth:`to_dict` described; what else is in it is ignored."""
        return cls(
            **{
                **{field.name: data[field.name] for field in fields(cls)},
                "findings": tuple(Finding(**finding) for finding in data["findings"]),
                "traffic": TrafficFinding(**data["traffic"]),
                "breakers": tuple(BreakerFinding(**breaker) for breaker in data["breakers"]),
            }
        )


def _bounded(value: Any) -> Any:
    return max(-_ENDLESS, min(value, _ENDLESS)) if isinstance(value, float) else value
