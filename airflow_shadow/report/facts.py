"""What a report tells besides the specification: the experiment and its stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from airflow_shadow.analysis import Observations, Verdict


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Name the shadow test that was judged; what is empty is left out of the report.

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
        """Return what is known, label to text."""
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
    """Hold what was seen and said at one sampling percentage.

    :param observations: what was measured, up to the look that the verdict comes from
    :param verdict: the stage's last verdict
    :param looks: when it was judged, seconds since 1970
    """

    observations: Observations
    verdict: Verdict
    looks: Sequence[float] = ()

    @property
    def sampling(self) -> str:
        """Return the sampling percentage as it is shown."""
        return f"{self.observations.sampling_percentage:g} %"
