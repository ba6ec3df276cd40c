"""The verdict and its findings, as values that XComs, logs and AWS's record can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from airflow_shadow.analysis.criterion import Comparison, Count, Direction, Missing, Severity
from airflow_shadow.analysis.observations import Counts, Outcome, Percentiles

#: The end of an interval that is practically infinite, as after very few periods. PostgreSQL keeps
#: 1e22 in an XCom as an integer of 23 digits, which Airflow 3 cannot pass to a task.
_MAX_END = float(2**53)
#: Headline of a stage below full sampling whose critical criteria all passed.
GOOD_SO_FAR = "good so far"


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
    :param missing: periods of the window that were not compared, for whatever reason
    :param counts: of a rate criterion, for the pooled interval of a later stage
    :param limit: production's own percentile above which requests are slow, in the metric's unit
    :param percentiles: of both variants over the whole window, production first, as information
    :param divided_by: what a count was divided by: its own ``samples``, or ``invocations``
    :param silence: what a period without data was counted as
    :param longer: about how many more seconds a PASS would take at the observed traffic, None if
        more time does not help or it is unknown
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
    counts: Counts | None = None
    limit: float | None = None
    percentiles: tuple[Percentiles, Percentiles] | None = None
    divided_by: Count = "samples"
    silence: Missing = "unknown"
    longer: float | None = None
    sentence: str

    @property
    def label(self) -> str:
        """Return the name, marked if it is only a warning."""
        return f"{self.name} (warning)" if self.severity == "warning" else self.name

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        """Return the finding that :func:`dataclasses.asdict` described."""
        counts = data.get("counts")
        return cls(**{**data, "counts": Counts(**counts) if counts else None})


@dataclass(frozen=True, kw_only=True)
class BreakerFinding:
    """Tell whether a circuit breaker tripped, and when first (seconds since 1970).

    :param periods: that the candidate reported; 0 is no data
    """

    name: str
    tripped: bool
    at: float | None
    periods: int = 0
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Say whether the candidate may be promoted, and on what evidence.

    :param outcome: PASS only on evidence, FAIL only on evidence, else INCONCLUSIVE
    :param reason: one line of at most 1,024 characters, for the ``Reason`` that AWS keeps
    :param stage_passed: whether all critical criteria passed at this sampling percentage; a ramp
        may go on without it, a promotion needs ``outcome``
    :param operational_only: whether no critical criterion compared the answers themselves
    :param look: number of this planned look, from 1; 0 between planned looks
    :param looks: the planned ends of the window, in seconds since 1970
    :param lacking: what keeps the verdict from PASS whatever its findings are
    :param notes: what the window cannot show, and advice, in sentences
    :param longer: about how many more seconds a PASS would take at the observed traffic, None if
        more time does not help or it is unknown
    """

    outcome: Outcome
    reason: str
    findings: tuple[Finding, ...]
    breakers: tuple[BreakerFinding, ...]
    stage_passed: bool
    operational_only: bool
    look: int = 0
    looks: tuple[float, ...] = ()
    sampling_percentage: float
    start: float
    end: float
    alpha: float
    lacking: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    longer: float | None = None
    stage: int = 1
    stages: int = 1

    @property
    def headline(self) -> str:
        """Return the outcome, or "good so far" for a stage that passed without a PASS."""
        good = self.outcome == "INCONCLUSIVE" and self.stage_passed
        return GOOD_SO_FAR if good else self.outcome

    @property
    def caveat(self) -> str:
        """Return whether the verdict rests on the answers, or on operational metrics only."""
        return "operational metrics only" if self.operational_only else "answers were compared"

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON-able values, without the series."""
        return {
            **{name: _plain(value) for name, value in asdict(self).items()},
            "findings": [
                {name: _bounded(_plain(value)) for name, value in asdict(finding).items()}
                for finding in self.findings
            ],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        """Return the verdict that :meth:`to_dict` described; unknown keys are ignored."""
        return cls(
            **{
                **{field.name: data[field.name] for field in fields(cls) if field.name in data},
                "findings": tuple(map(Finding.from_dict, data["findings"])),
                "breakers": tuple(BreakerFinding(**breaker) for breaker in data["breakers"]),
                **{name: tuple(data.get(name, ())) for name in ("looks", "lacking", "notes")},
            }
        )


def _plain(value: Any) -> Any:
    """Return JSON's own types."""
    return list(value) if isinstance(value, tuple) else value


def _bounded(value: Any) -> Any:
    return max(-_MAX_END, min(value, _MAX_END)) if isinstance(value, float) else value
