"""What a report is about besides the specification: the experiment and its stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from airflow_shadow.analysis import Observations, Verdict
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
class Stage:
    """Hold the observations and the verdict at one sampling percentage.

    :param observations: what was measured, up to the look that the verdict comes from
    :param verdict: the stage's last verdict
    :param looks: ends of the windows that were judged, seconds since 1970
    """

    observations: Observations
    verdict: Verdict
    looks: Sequence[float] = ()

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
    def planned(self) -> list[float]:
        """Return the planned looks that were reached."""
        return [end for end in self.verdict.looks if end <= self.verdict.end + SAME_LOOK]

    @property
    def between(self) -> list[float]:
        """Return the looks between planned ones, at which no PASS is possible."""
        planned = self.verdict.looks
        return [look for look in self.looks if all(abs(look - end) >= SAME_LOOK for end in planned)]
