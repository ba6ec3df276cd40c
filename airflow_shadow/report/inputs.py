"""What a report is about besides the specification: the experiment, its stages, and its end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from airflow_shadow.analysis import Finding, Observations, Verdict
from airflow_shadow.analysis.answer_summary import AnswerSummary
from airflow_shadow.analysis.formatting import ORDER, is_critical
from airflow_shadow.analysis.observations import SAME_LOOK


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Name the shadow test that was judged; empty fields are left out of the report.

    :param account: AWS account id
    :param more: further facts, label to text: the Dag, the run, variants, instance types
    """

    name: str
    endpoint: str = ""
    production_model: str = ""
    shadow_model: str = ""
    account: str = ""
    region: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> dict[str, str]:
        """Return the known facts, label to text."""
        known = {
            "Shadow test": self.name,
            "Endpoint": self.endpoint,
            "Production model": self.production_model,
            "Shadow model": self.shadow_model,
            "Account": self.account,
            "Region": self.region,
        }
        return {label: value for label, value in {**known, **self.more}.items() if value}


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Tell what became of the shadow test by the time of the report.

    :param concluded: whether it is over
    :param promoted: whether the candidate took production's place; None if nobody can tell
    :param at: when it ended, or is going to, in seconds since 1970
    """

    concluded: bool = False
    promoted: bool | None = None
    at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Hold the observations and the verdict at one sampling percentage.

    :param observations: what was measured, up to the look that the verdict comes from
    :param verdict: the stage's last verdict
    :param looks: ends of the windows that were judged, seconds since 1970
    :param answers: name of an output to what was compared of it
    """

    observations: Observations
    verdict: Verdict
    looks: Sequence[float] = ()
    answers: Mapping[str, AnswerSummary] = field(default_factory=dict)

    @property
    def sampling(self) -> str:
        """Return the sampling percentage as text."""
        return f"{self.observations.sampling_percentage:g} %"

    @property
    def name(self) -> str:
        """Return the stage's number, if there are several, and its sampling."""
        part = f"Stage {self.verdict.stage} of {self.verdict.stages}, "
        return f"{part if self.verdict.stages > 1 else ''}{self.sampling} sampling"

    @property
    def findings(self) -> list[Finding]:
        """Return the findings, the worst first, and of equal ones those that decide."""
        return sorted(
            self.verdict.findings, key=lambda one: (ORDER[one.outcome], not is_critical(one))
        )

    @property
    def requests(self) -> float:
        """Return the requests that the shadow was seen to get; 0 if nobody counted them."""
        pair = self.observations.invocations
        counts = () if pair is None else pair.candidate.samples
        return math.fsum(count for count in counts if count and math.isfinite(count))

    @property
    def planned(self) -> list[float]:
        """Return the planned looks that were reached."""
        return [end for end in self.verdict.looks if end <= self.verdict.end + SAME_LOOK]

    @property
    def between(self) -> list[float]:
        """Return the looks between planned ones, at which no PASS is possible."""
        planned = self.verdict.looks
        return [look for look in self.looks if all(abs(look - end) >= SAME_LOOK for end in planned)]
